/** Signature Version 4 as clients get it wrong, and in the forms the SDKs of this suite do not send. */
import { createHash, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import t, { type Test } from 'tap'
import { awsChunked, type Chunking } from '../support/chunked.ts'
import { newBucket, s3 } from '../support/clients.ts'
import { startServer } from '../support/server.ts'
import {
  element,
  presign,
  type SignedRequest,
  send,
  sha256,
  sign,
  signedFetch,
  type WireResponse,
} from '../support/signed.ts'

const server = await startServer(t)
const client = s3(t, server)
const bucket = await newBucket(client)
const path = `/${bucket}/key`
await signedFetch(server, { method: 'PUT', path, body: 'secret' })

const minuteMs = 60_000
const get: SignedRequest = { method: 'GET', path }

function refused(t: Test, answer: WireResponse, status: number, code: string, message?: string | RegExp) {
  t.same([answer.status, element(answer.text, 'Code')], [status, code])
  if (typeof message === 'string') t.equal(element(answer.text, 'Message'), message)
  else if (message) t.match(element(answer.text, 'Message'), message)
  t.match(element(answer.text, 'RequestId'), /^[0-9A-Z]{16}$/)
  t.equal(element(answer.text, 'RequestId'), answer.headers['x-amz-request-id'])
  t.equal(element(answer.text, 'HostId'), answer.headers['x-amz-id-2'])
  t.equal(answer.headers['content-type'], 'application/xml')
  t.notMatch(answer.text, 'secret</')
}

t.test('signed request: everything right → the object', async t => {
  t.equal((await signedFetch(server, get)).text, 'secret')
  t.equal((await signedFetch(server, { ...get, contentSha256: 'UNSIGNED-PAYLOAD' })).text, 'secret')
})

t.test('wrong secret → SignatureDoesNotMatch with what the server signed', async t => {
  const wanted = { ...get, query: 'partNumber=1', credentials: { accessKeyId: 'test', secretAccessKey: 'wrong' } }
  const { request, signature } = sign(server, wanted)
  const answer = await send(server, request)
  const message =
    'The request signature we calculated does not match the signature you provided. Check your key and signing method.'
  refused(t, answer, 403, 'SignatureDoesNotMatch', message)
  t.equal(element(answer.text, 'AWSAccessKeyId'), 'test')
  t.equal(element(answer.text, 'SignatureProvided'), signature?.value)
  const canonical = element(answer.text, 'CanonicalRequest') ?? ''
  t.match(canonical, new RegExp(`^GET\n${path}\npartNumber=1\nhost:127.0.0.1:${server.port}\n`))
  t.ok(canonical.endsWith(`\n\nhost;x-amz-content-sha256;x-amz-date\n${sha256('')}`))
  const stringToSign = element(answer.text, 'StringToSign') ?? ''
  t.equal(stringToSign, `AWS4-HMAC-SHA256\n${signature?.amzDate}\n${signature?.scope}\n${sha256(canonical)}`)
  const bytes = (text: string) =>
    Buffer.from(text)
      .toString('hex')
      .replace(/..(?!$)/g, '$& ')
  t.equal(element(answer.text, 'StringToSignBytes'), bytes(stringToSign))
  t.equal(element(answer.text, 'CanonicalRequestBytes'), bytes(canonical))
})

t.test('unknown access key → InvalidAccessKeyId', async t => {
  const answer = await signedFetch(server, { ...get, credentials: { accessKeyId: 'nobody', secretAccessKey: 'x' } })
  refused(t, answer, 403, 'InvalidAccessKeyId', 'The AWS Access Key Id you provided does not exist in our records.')
  t.equal(element(answer.text, 'AWSAccessKeyId'), 'nobody')
})

t.test('anonymous → AccessDenied', async t => {
  for (const request of [
    get,
    { method: 'GET', path: '/' },
    { method: 'PUT', path, body: 'x' },
    { method: 'DELETE', path },
  ])
    refused(t, await signedFetch(server, { ...request, credentials: null }), 403, 'AccessDenied', 'Access Denied')
})

t.test('clock 16 minutes off → RequestTimeTooSkewed; 14 minutes → fine', async t => {
  for (const offMs of [-16 * minuteMs, 16 * minuteMs]) {
    const answer = await signedFetch(server, { ...get, nowMs: Date.now() + offMs })
    refused(
      t,
      answer,
      403,
      'RequestTimeTooSkewed',
      'The difference between the request time and the current time is too large.',
    )
    t.equal(element(answer.text, 'MaxAllowedSkewMilliseconds'), '900000')
    t.ok(element(answer.text, 'RequestTime'))
    t.match(element(answer.text, 'ServerTime'), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  }
  for (const offMs of [-14 * minuteMs, 14 * minuteMs])
    t.equal((await signedFetch(server, { ...get, nowMs: Date.now() + offMs })).status, 200)
})

t.test('wrong region or service → AuthorizationHeaderMalformed', async t => {
  const region = await signedFetch(server, { ...get, region: 'eu-west-1' })
  const expected = "The authorization header is malformed; the region 'eu-west-1' is wrong; expecting 'us-east-1'"
  refused(t, region, 400, 'AuthorizationHeaderMalformed', expected)
  t.equal(element(region.text, 'Region'), 'us-east-1')
  const service = await signedFetch(server, { ...get, service: 'sqs' })
  refused(t, service, 400, 'AuthorizationHeaderMalformed', /service/)
})

for (const [title, change] of [
  ['path', { target: `/${bucket}/other` }],
  ['query', { target: `${path}?partNumber=1` }],
  ['method', { method: 'DELETE' }],
] as const)
  t.test(`${title} changed after signing → SignatureDoesNotMatch`, async t => {
    const answer = await signedFetch(server, { ...get, tamper: request => ({ ...request, ...change }) })
    refused(t, answer, 403, 'SignatureDoesNotMatch')
    t.equal((await signedFetch(server, get)).status, 200)
  })

t.test('signed header changed after signing → SignatureDoesNotMatch', async t => {
  const answer = await signedFetch(server, {
    ...get,
    headers: { range: 'bytes=0-1' },
    tamper: request => ({ ...request, headers: { ...request.headers, range: 'bytes=0-2' } }),
  })
  refused(t, answer, 403, 'SignatureDoesNotMatch')
})

t.test('x-amz- header that is not signed → AccessDenied', async t => {
  const answer = await signedFetch(server, {
    method: 'PUT',
    path,
    body: 'x',
    tamper: request => ({ ...request, headers: { ...request.headers, 'x-amz-meta-late': '1' } }),
  })
  refused(t, answer, 403, 'AccessDenied', 'There were headers present in the request which were not signed')
})

t.test('body changed after signing → XAmzContentSHA256Mismatch, object unchanged', async t => {
  for (const size of [6, 100_000]) {
    const answer = await signedFetch(server, {
      method: 'PUT',
      path,
      body: 'a'.repeat(size),
      tamper: request => ({ ...request, body: Buffer.from('b'.repeat(size)) }),
    })
    refused(t, answer, 400, 'XAmzContentSHA256Mismatch')
    t.equal(element(answer.text, 'ClientComputedContentSHA256'), sha256('a'.repeat(size)))
    t.equal(element(answer.text, 'S3ComputedContentSHA256'), sha256('b'.repeat(size)))
  }
  t.equal((await signedFetch(server, get)).text, 'secret')
})

t.test('no x-amz-content-sha256 → InvalidRequest', async t => {
  const { request } = sign(server, get)
  const { 'x-amz-content-sha256': _, ...headers } = request.headers
  const answer = await send(server, {
    ...request,
    headers: { ...headers, authorization: String(headers['authorization']).replace('x-amz-content-sha256;', '') },
  })
  refused(t, answer, 400, 'InvalidRequest', /x-amz-content-sha256/)
})

for (const [title, authorization, code] of [
  ['nonsense', 'nonsense', 'InvalidArgument'],
  [
    'no signature',
    'AWS4-HMAC-SHA256 Credential=test/20261123/us-east-1/s3/aws4_request, SignedHeaders=host',
    'AuthorizationHeaderMalformed',
  ],
  [
    'short credential',
    'AWS4-HMAC-SHA256 Credential=test/us-east-1, SignedHeaders=host, Signature=00',
    'AuthorizationHeaderMalformed',
  ],
] as const)
  t.test(`Authorization: ${title} → ${code}`, async t => {
    const answer = await signedFetch(server, {
      ...get,
      tamper: request => ({ ...request, headers: { ...request.headers, authorization } }),
    })
    refused(t, answer, 400, code)
  })

t.test('a session token that nobody issued → InvalidToken', async t => {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test', sessionToken: 'invented' }
  refused(t, await signedFetch(server, { ...get, credentials }), 400, 'InvalidToken')
  const link = await signedFetch(server, { ...get, credentials, presign: 60 })
  refused(t, link, 400, 'InvalidToken')
})

t.test('presigned link: valid, expired, not yet valid, for too long, tampered', async t => {
  t.equal((await signedFetch(server, { ...get, presign: 60 })).text, 'secret')
  const expired = await signedFetch(server, { ...get, presign: 60, nowMs: Date.now() - 2 * minuteMs })
  refused(t, expired, 403, 'AccessDenied', 'Request has expired')
  t.equal(element(expired.text, 'X-Amz-Expires'), '60')
  t.ok(element(expired.text, 'Expires'))
  t.ok(element(expired.text, 'ServerTime'))
  const early = await signedFetch(server, { ...get, presign: 60, nowMs: Date.now() + 20 * minuteMs })
  refused(t, early, 403, 'AccessDenied', 'Request is not yet valid')
  const week = await signedFetch(server, { ...get, presign: 604_801 })
  refused(t, week, 400, 'AuthorizationQueryParametersError', /must be less than a week/)
  const longer = await signedFetch(server, {
    ...get,
    presign: 60,
    tamper: request => ({ ...request, target: request.target.replace('Expires=60', 'Expires=600') }),
  })
  refused(t, longer, 403, 'SignatureDoesNotMatch')
})

t.test('presigned link: parameters missing → AuthorizationQueryParametersError', async t => {
  for (const name of ['X-Amz-Date', 'X-Amz-Expires', 'X-Amz-SignedHeaders', 'X-Amz-Credential']) {
    const url = new URL(presign(server, get))
    url.searchParams.delete(name)
    const answer = await send(server, {
      method: 'GET',
      target: `${url.pathname}${url.search}`,
      headers: { host: url.host },
      body: Buffer.alloc(0),
    })
    refused(t, answer, 400, 'AuthorizationQueryParametersError')
  }
})

t.test('signature in the header and in the query → InvalidArgument', async t => {
  const url = new URL(presign(server, get))
  const answer = await signedFetch(server, {
    ...get,
    tamper: request => ({ ...request, target: `${url.pathname}${url.search}` }),
  })
  refused(t, answer, 400, 'InvalidArgument', /Only one auth mechanism allowed/)
})

const payload = randomBytes(200_000)
const trailers = { 'x-amz-checksum-crc32': base64(crc32(payload)) }
function base64(value: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes.toString('base64')
}

/** Puts `payload` in aws-chunked framing, signed or not. */
function putChunked(kind: string, chunking: Partial<Chunking>, key = 'chunked'): Promise<WireResponse> {
  const headers: Record<string, string> = {
    'content-encoding': 'aws-chunked',
    'x-amz-decoded-content-length': String(payload.length),
  }
  if (chunking.trailers) headers['x-amz-trailer'] = Object.keys(chunking.trailers).join(',')
  const { request, signature } = sign(server, {
    method: 'PUT',
    path: `/${bucket}/${key}`,
    headers,
    contentSha256: kind,
  })
  const signed = kind.startsWith('STREAMING-AWS4') && signature ? { signature } : {}
  return send(server, { ...request, body: awsChunked(payload, { chunkBytes: 65_536, ...signed, ...chunking }) })
}

for (const [kind, chunking] of [
  ['STREAMING-AWS4-HMAC-SHA256-PAYLOAD', {}],
  ['STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER', { trailers }],
  ['STREAMING-UNSIGNED-PAYLOAD-TRAILER', { trailers }],
] as const)
  for (const chunkBytes of [8_192, 65_536, 1 << 20])
    t.test(`PutObject: ${kind} in chunks of ${chunkBytes} → the decoded bytes`, async t => {
      const answer = await putChunked(kind, { ...chunking, chunkBytes }, `${kind}-${chunkBytes}`)
      t.equal(answer.status, 200, answer.text)
      t.equal(answer.headers.etag, `"${createHash('md5').update(payload).digest('hex')}"`)
      const got = await signedFetch(server, { method: 'GET', path: `/${bucket}/${kind}-${chunkBytes}` })
      t.ok(payload.equals(got.body))
      t.equal(got.headers['content-encoding'], undefined, 'aws-chunked is not an encoding of the object')
    })

for (const chunk of [0, 2, 4])
  t.test(`PutObject: wrong signature of chunk ${chunk} → SignatureDoesNotMatch, nothing stored`, async t => {
    const tamper = (value: string, index: number) =>
      index === chunk ? value.replace(/^./, c => (c === '0' ? '1' : '0')) : value
    const answer = await putChunked('STREAMING-AWS4-HMAC-SHA256-PAYLOAD', { tamper }, 'never')
    t.same([answer.status, element(answer.text, 'Code')], [403, 'SignatureDoesNotMatch'])
    t.equal((await signedFetch(server, { method: 'GET', path: `/${bucket}/never` })).status, 404)
  })

t.test('PutObject: wrong signature of the trailer → SignatureDoesNotMatch', async t => {
  const tamperTrailer = (value: string) => value.replace(/^./, c => (c === '0' ? '1' : '0'))
  const answer = await putChunked('STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER', { trailers, tamperTrailer }, 'never')
  t.same([answer.status, element(answer.text, 'Code')], [403, 'SignatureDoesNotMatch'])
})

t.test('PutObject: wrong checksum in the trailer → BadDigest, nothing stored', async t => {
  const wrong = { 'x-amz-checksum-crc32': base64(crc32('other')) }
  for (const kind of ['STREAMING-UNSIGNED-PAYLOAD-TRAILER', 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER']) {
    const answer = await putChunked(kind, { trailers: wrong }, 'never')
    t.same([answer.status, element(answer.text, 'Code')], [400, 'BadDigest'])
    t.equal((await signedFetch(server, { method: 'GET', path: `/${bucket}/never` })).status, 404)
  }
})

t.test('logs: after all of this → neither secrets nor signatures', async t => {
  const { request, signature } = sign(server, get)
  await send(server, request)
  const link = presign(server, get)
  await send(server, {
    method: 'GET',
    target: link.slice(server.origin.length),
    headers: { host: new URL(link).host },
    body: Buffer.alloc(0),
  })
  const logs = server.logs()
  t.match(logs, /"GetObject"/, 'requests are logged')
  t.notOk(logs.includes(signature?.value ?? 'none'), 'signature of the header')
  t.notOk(logs.includes(new URL(link).searchParams.get('X-Amz-Signature') ?? 'none'), 'signature of the link')
})
