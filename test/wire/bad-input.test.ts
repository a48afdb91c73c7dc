/** What no client should send. The answer is an S3 error or a closed connection; the server serves on. */
import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { newBucket, s3 } from '../support/clients.ts'
import { startServer, status } from '../support/server.ts'
import { type ReadyRequest, sign, signedFetch } from '../support/signed.ts'
import { rawSocket } from '../support/sockets.ts'

const server = await startServer(t)
const client = s3(t, server)
const bucket = await newBucket(client)
const host = `127.0.0.1:${server.port}`
const path = `/${bucket}/key`

/** A test that ends with the question whether the server is still there. */
function check(title: string, body: (t: Test) => Promise<void>): void {
  void t.test(title, async t => {
    await body(t)
    t.equal(await status(`${server.origin}/_mockfactory/healthz`), 200, 'the server serves on')
  })
}

/** The head of a signed request as bytes, with more header lines. */
function head(request: ReadyRequest, extra: readonly string[] = []): string {
  const lines = Object.entries(request.headers).map(([name, value]) => `${name}: ${value}`)
  return `${[`${request.method} ${request.target} HTTP/1.1`, ...lines, ...extra].join('\r\n')}\r\n\r\n`
}
const missing = async (key: string) =>
  (await signedFetch(server, { method: 'GET', path: `/${bucket}/${key}` })).status === 404

for (const [title, bytes] of [
  ['no HTTP at all', 'hello\r\n\r\n'],
  ['binary', Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03, 0x0d, 0x0a, 0x0d, 0x0a])],
  ['no version', `GET ${path}\r\n\r\n`],
  ['HTTP/9.9', `GET ${path} HTTP/9.9\r\nhost: ${host}\r\n\r\n`],
  ['a space inside the target', `GET /a b HTTP/1.1\r\nhost: ${host}\r\n\r\n`],
  ['a header without a colon', `GET ${path} HTTP/1.1\r\nhost: ${host}\r\nnonsense\r\n\r\n`],
  ['a space before the colon', `GET ${path} HTTP/1.1\r\nhost: ${host}\r\nx-a : b\r\n\r\n`],
  ['a NUL in the target', `GET /${bucket}/a\0b HTTP/1.1\r\nhost: ${host}\r\n\r\n`],
  ['a NUL in a header', `GET ${path} HTTP/1.1\r\nhost: ${host}\r\nx-a: a\0b\r\n\r\n`],
  ['no host', `GET ${path} HTTP/1.1\r\n\r\n`],
  ['an unknown method', `FROBNICATE ${path} HTTP/1.1\r\nhost: ${host}\r\n\r\n`],
  ['a target without a slash', `GET key HTTP/1.1\r\nhost: ${host}\r\n\r\n`],
  ['a negative length', `PUT ${path} HTTP/1.1\r\nhost: ${host}\r\ncontent-length: -5\r\n\r\nhello`],
  ['a length that is no number', `PUT ${path} HTTP/1.1\r\nhost: ${host}\r\ncontent-length: five\r\n\r\nhello`],
  ['a length that says nothing', `PUT ${path} HTTP/1.1\r\nhost: ${host}\r\ncontent-length:\r\n\r\nhello`],
  ['two lengths', `PUT ${path} HTTP/1.1\r\nhost: ${host}\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!`],
  [
    'length and chunked',
    `PUT ${path} HTTP/1.1\r\nhost: ${host}\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
  ],
  [
    'a chunk size that is no number',
    `PUT ${path} HTTP/1.1\r\nhost: ${host}\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\nhello\r\n0\r\n\r\n`,
  ],
  ['an unknown transfer coding', `PUT ${path} HTTP/1.1\r\nhost: ${host}\r\ntransfer-encoding: gzip\r\n\r\n`],
  ['headers of 1 MiB', `GET ${path} HTTP/1.1\r\nhost: ${host}\r\nx-a: ${'a'.repeat(1 << 20)}\r\n\r\n`],
  [
    '1,000 headers',
    `GET ${path} HTTP/1.1\r\nhost: ${host}\r\n${Array.from({ length: 1000 }, (_, i) => `x-${i}: 1\r\n`).join('')}\r\n`,
  ],
] as const)
  check(`request with ${title} → refused or closed`, async t => {
    // What the socket library takes for an unfinished header is closed when the connection has been idle for 10 s.
    const answer = await rawSocket(server, bytes, { limitMs: 30_000 })
    t.ok(answer.closed || answer.status >= 400, `${answer.status} ${answer.text.slice(0, 200)}`)
    t.notMatch(answer.text, /\n\s+at /, 'no stack')
  })

check('CreateBucket: a Content-Length that says nothing → 400, and no bucket', async t => {
  const { request } = sign(server, { method: 'PUT', path: `/${bucket}-unmade` })
  const answer = await rawSocket(server, head(request, ['content-length:']))
  t.equal(answer.status, 400, answer.text)
  t.equal((await signedFetch(server, { method: 'HEAD', path: `/${bucket}-unmade` })).status, 404)
})

for (const [title, target, expected] of [
  ['%zz', `/${bucket}/a%zz`, 400],
  ['% at the end', `/${bucket}/a%`, 400],
  ['%00', `/${bucket}/a%00b`, undefined],
  ['bytes that are no UTF-8', `/${bucket}/a%ff%fe`, undefined],
  ['a surrogate in UTF-8', `/${bucket}/%ed%a0%80`, undefined],
  ['an overlong slash', `/${bucket}/%c0%af`, undefined],
] as const)
  check(`target with ${title} → an error of S3, or kept byte for byte`, async t => {
    const request = { method: 'PUT', path: target, body: 'odd' }
    const put = await signedFetch(server, request)
    if (expected !== undefined || put.status !== 200) {
      t.ok(put.status >= 400 && put.status < 500, `${put.status}`)
      t.match(put.text, /<Code>\w+<\/Code>/)
    } else t.equal((await signedFetch(server, { method: 'GET', path: target })).text, 'odd')
  })

check('query of 100 KiB, of 5,000 parameters → an answer or a closed connection', async t => {
  for (const query of [
    `prefix=${'a'.repeat(100_000)}`,
    Array.from({ length: 5_000 }, (_, i) => `a${i}=${i}`).join('&'),
  ]) {
    const { request } = sign(server, { method: 'GET', path: `/${bucket}`, query })
    const answer = await rawSocket(server, head(request))
    t.ok(answer.closed || answer.status > 0, answer.text.slice(0, 100))
  }
})

check('list parameters out of range → InvalidArgument', async t => {
  for (const query of [
    'list-type=2&max-keys=-1',
    'list-type=2&max-keys=x',
    'max-keys=99999999999999999999',
    'list-type=2&encoding-type=gzip',
    'uploads=&max-uploads=-1',
  ]) {
    const answer = await signedFetch(server, { method: 'GET', path: `/${bucket}`, query })
    t.same([answer.status, /<Code>(\w+)</.exec(answer.text)?.[1]], [400, 'InvalidArgument'], query)
  }
})

for (const [title, operation, body] of [
  ['DeleteObjects', 'delete=', 'no xml'],
  ['DeleteObjects', 'delete=', '<Delete><Object><Key>a</Key></Object>'],
  ['DeleteObjects', 'delete=', '<Delete/>'],
  ['DeleteObjects', 'delete=', '<Other><Object><Key>a</Key></Object></Other>'],
  [
    'DeleteObjects',
    'delete=',
    '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><Delete><Object><Key>&b;</Key></Object></Delete>',
  ],
  [
    'DeleteObjects',
    'delete=',
    '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><Delete><Object><Key>&x;</Key></Object></Delete>',
  ],
  ['DeleteObjects', 'delete=', `<Delete>${'<a>'.repeat(20_000)}`],
  ['CompleteMultipartUpload', 'uploadId=none', '<CompleteMultipartUpload><Part>'],
] as const)
  check(`${title}: body ${body.slice(0, 40)} → an error of S3`, async t => {
    const path = title === 'DeleteObjects' ? `/${bucket}` : `/${bucket}/key`
    const headers = { 'x-amz-checksum-sha256': await digest(body) }
    const answer = await signedFetch(server, { method: 'POST', path, query: operation, body, headers })
    t.ok(answer.status === 400 || answer.status === 404, `${answer.status}`)
    t.match(answer.text, /<Code>(MalformedXML|NoSuchUpload)<\/Code>/)
    t.notMatch(answer.text, 'root:')
  })

async function digest(text: string): Promise<string> {
  return Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(text))).toString('base64')
}

check('DeleteObjects: body of 10 MiB → refused without being collected', async t => {
  const body = `<Delete>${' '.repeat(10 << 20)}</Delete>`
  const { request } = sign(server, { method: 'POST', path: `/${bucket}`, query: 'delete=', body })
  const answer = await rawSocket(server, [head(request, [`content-length: ${body.length}`]), body])
  t.ok(answer.closed || answer.status === 400, `${answer.status}`)
})

check('PutObject: neither length nor chunked → MissingContentLength', async t => {
  const { request } = sign(server, { method: 'PUT', path })
  const answer = await rawSocket(server, head(request))
  t.equal(answer.status, 411, answer.text)
  t.match(answer.text, '<Code>MissingContentLength</Code>')
  t.ok(await missing('key'))
})

check('PutObject: connection closed in mid-body → nothing stored', async t => {
  for (const size of [1_000, 500_000]) {
    const { request } = sign(server, { method: 'PUT', path: `/${bucket}/cut`, body: 'x'.repeat(size) })
    const pieces = [head(request, [`content-length: ${size}`]), 'x'.repeat(size / 2)]
    const answer = await rawSocket(server, pieces, { end: true })
    t.ok(answer.closed || answer.status >= 400, `${answer.status}`)
    t.ok(await missing('cut'))
  }
})

check(
  'PutObject: aws-chunked body ends early, has garbage, or another length than declared → refused, nothing stored',
  async t => {
    const frames = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`
    const checksum = 'x-amz-checksum-crc32:AAAAAA==\r\n'
    for (const [name, body, decoded] of [
      ['no last chunk', frames('hello'), 5],
      ['garbage size', 'zz\r\nhello\r\n0\r\n\r\n', 5],
      ['huge size', 'ffffffffffffffffffff\r\nhello\r\n0\r\n\r\n', 5],
      ['no line end', `5\r\nhelloX0\r\n${checksum}\r\n`, 5],
      ['too little', `${frames('hell')}0\r\n${checksum}\r\n`, 5],
      ['too much', `${frames('hello!')}0\r\n${checksum}\r\n`, 5],
      ['no trailer', `${frames('hello')}0\r\n\r\n`, 5],
      ['endless size line', `${'0'.repeat(100_000)}5\r\nhello\r\n0\r\n\r\n`, 5],
    ] as const) {
      const { request } = sign(server, {
        method: 'PUT',
        path: `/${bucket}/broken`,
        contentSha256: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
        headers: {
          'content-encoding': 'aws-chunked',
          'x-amz-decoded-content-length': String(decoded),
          'x-amz-trailer': 'x-amz-checksum-crc32',
        },
      })
      const answer = await rawSocket(server, [head(request, [`content-length: ${body.length}`]), body])
      t.ok(answer.status >= 400 && answer.status < 500, `${name}: ${answer.status} ${answer.text.slice(0, 300)}`)
      t.ok(await missing('broken'), name)
    }
  },
)

check('PutObject: length above 5 GiB → EntityTooLarge before the body', async t => {
  const { request } = sign(server, { method: 'PUT', path, contentSha256: 'UNSIGNED-PAYLOAD' })
  const answer = await rawSocket(server, head(request, [`content-length: ${6 * 2 ** 30}`]))
  t.match(answer.text, '<Code>EntityTooLarge</Code>')
})

check('Host twice → refused', async t => {
  const { request } = sign(server, { method: 'GET', path })
  const answer = await rawSocket(server, head(request, ['host: other.example']))
  t.ok(answer.closed || answer.status >= 400, `${answer.status}`)
})

check('metadata header twice → both values, joined', async t => {
  const headers = { 'x-amz-meta-twice': ['one', 'two'] }
  const put = await signedFetch(server, { method: 'PUT', path: `/${bucket}/twice`, headers, body: 'x' })
  t.equal(put.status, 200, put.text)
  const got = await signedFetch(server, { method: 'GET', path: `/${bucket}/twice` })
  t.match(got.headers['x-amz-meta-twice'], /^one, ?two$/)
})

check('Expect: 100-continue → continued, then answered', async t => {
  const { request } = sign(server, { method: 'PUT', path: `/${bucket}/expected`, body: 'hello' })
  const answer = await rawSocket(server, [head(request, ['content-length: 5', 'expect: 100-continue']), 'hello'], {
    gapMs: 200,
  })
  t.match(answer.text, /^HTTP\/1\.1 100 Continue\r\n/)
  t.match(answer.text, /HTTP\/1\.1 200 OK/)
})

check('request line whole, the rest byte by byte → answered as if whole', async t => {
  const { request } = sign(server, { method: 'PUT', path: `/${bucket}/slow`, body: 'hello' })
  const text = `${head(request, ['content-length: 5'])}hello`
  const line = text.indexOf('\n') + 1
  const answer = await rawSocket(server, [text.slice(0, line), ...text.slice(line)], { gapMs: 1 })
  t.equal(answer.status, 200, answer.text)
  t.equal((await signedFetch(server, { method: 'GET', path: `/${bucket}/slow` })).text, 'hello')
})

check('request line in two pieces → answered, or refused and closed', async t => {
  const { request } = sign(server, { method: 'HEAD', path: `/${bucket}` })
  const text = head(request)
  for (const at of [1, 3, 4, 5, 12, text.indexOf(' HTTP') + 4, text.indexOf('\r')]) {
    const answer = await rawSocket(server, [text.slice(0, at), text.slice(at)], { gapMs: 20 })
    // This build of the socket library mistakes the end of a piece for another version of HTTP.
    t.ok(answer.status === 200 || answer.status === 505, `${at}: ${answer.text}`)
  }
})

check('ten requests in one segment → ten answers in order', async t => {
  const keys = Array.from({ length: 10 }, (_, index) => `pipelined-${index}`)
  for (const key of keys) await signedFetch(server, { method: 'PUT', path: `/${bucket}/${key}`, body: `<${key}>` })
  const requests = keys.map(key => head(sign(server, { method: 'GET', path: `/${bucket}/${key}` }).request))
  const answer = await rawSocket(server, requests.join(''), { answers: keys.length })
  t.same(
    answer.text.match(/<pipelined-\d+>/g),
    keys.map(key => `<${key}>`),
  )
})

check('refused upload, then another request on the connection → both answered, or the connection closed', async t => {
  const { request: first } = sign(server, {
    method: 'PUT',
    path: '/missing-bucket-name/key',
    body: 'x'.repeat(100_000),
  })
  const { request: second } = sign(server, { method: 'HEAD', path: `/${bucket}` })
  const pieces = [head(first, ['content-length: 100000']), 'x'.repeat(100_000), head(second)]
  const answer = await rawSocket(server, pieces, { answers: 2 })
  t.equal(answer.status, 404)
  t.ok(answer.closed || /HTTP\/1\.1 200/.test(answer.text), answer.text)
})

check('200 connections that send half a request and stay → others are served', async t => {
  const { request } = sign(server, { method: 'PUT', path, body: 'x'.repeat(1_000_000) })
  const half = `${head(request, ['content-length: 1000000'])}${'x'.repeat(1_000)}`
  const sockets = Array.from({ length: 200 }, (_, index) => {
    const socket = connect(server.port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write(index % 2 ? half : half.slice(0, 40))
    return socket
  })
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
  })
  const put = await signedFetch(server, { method: 'PUT', path: `/${bucket}/served`, body: 'x' })
  t.equal(put.status, 200)
})

check('GetObject: client that does not read, then leaves → others are served', async t => {
  await signedFetch(server, { method: 'PUT', path: `/${bucket}/large`, body: Buffer.alloc(20 << 20) })
  const { request } = sign(server, { method: 'GET', path: `/${bucket}/large` })
  const sockets = Array.from({ length: 20 }, () => {
    const socket = connect(server.port, '127.0.0.1')
    socket.on('error', () => {})
    socket.pause()
    socket.write(head(request))
    return socket
  })
  t.equal((await signedFetch(server, { method: 'GET', path: `/${bucket}/large` })).body.length, 20 << 20)
  for (const socket of sockets) socket.destroy()
  t.equal((await signedFetch(server, { method: 'HEAD', path: `/${bucket}/large` })).status, 200)
})
