/** Rows and handlers of objects and uploads, from a parsed request to a reply, on both engines without sockets. */
import { createHash, randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import type { IncomingBody } from '../../gateway/bytes/contract.ts'
import { digestOnce } from '../../protocol/checksum/digest.ts'
import { Fault } from '../../protocol/fault.ts'
import { bodyOf } from '../unit/bytes-bodies.ts'
import { noBody } from '../unit/s3-reply.ts'
import { type Engine, onBothEngines } from './engines.ts'
import { type Answer, type Headers, ObjectClient } from './object-client.ts'

/** Sends a request whose body says `extra` of itself; answers its reply, body read, or its fault. */
async function start(t: Test, engine: Engine) {
  const client = await ObjectClient.open(t, engine)
  const send = (
    line: string,
    headers: Headers = {},
    body: Uint8Array | string = noBody,
    extra: Partial<IncomingBody> = {},
  ) => {
    const bytes = Buffer.from(body)
    return client.send(line, headers, bytes, {
      body: Object.assign(bodyOf(bytes), { declaredBytes: bytes.length }, extra),
    })
  }
  return Object.assign(send, { clock: client.world.clock })
}

function ok(answer: Answer | Fault): Answer {
  if (answer instanceof Fault) throw new Error(`${answer.code} ${JSON.stringify(answer.detail)}`)
  return answer
}
function refused(answer: Answer | Fault): Fault {
  if (answer instanceof Fault) return answer
  throw new Error(`answered ${answer.status}`)
}
const md5 = (bytes: Uint8Array | string) => createHash('md5').update(bytes).digest('hex')
const textOf = (xml: string, name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1]

const mebibyte = 1024 * 1024
const large = randomBytes(5 * mebibyte)
const small = Buffer.from('the last part')

await onBothEngines(t, async (t, engine) => {
  const send = await start(t, engine)

  for (const sizeBytes of [0, 1, 1024, 40_000, 3 * mebibyte])
    await t.test(`PutObject: ${sizeBytes} bytes → GetObject answers them, whole and in ranges`, async t => {
      const body = randomBytes(sizeBytes)
      const put = ok(await send('PUT /bucket/size', { 'content-type': 'a/b', 'x-amz-meta-m': 'v' }, body))
      t.same(put.headers, {
        'x-amz-server-side-encryption': 'AES256',
        ETag: `"${md5(body)}"`,
        'x-amz-checksum-crc64nvme': digestOnce('crc64nvme', body).toString('base64'),
        'x-amz-checksum-type': 'FULL_OBJECT',
      })
      const got = ok(await send('GET /bucket/size'))
      t.equal(got.status, 200)
      t.ok(got.bytes.equals(body))
      t.match(got.headers, { 'Content-Type': 'a/b', 'x-amz-meta-m': 'v', ETag: `"${md5(body)}"` })
      t.match(ok(await send('HEAD /bucket/size')).headers, { 'Content-Length': String(sizeBytes) })
      const ranged = await send('GET /bucket/size', { range: 'bytes=-5' })
      if (sizeBytes === 0) {
        t.match(refused(ranged), { code: 'range-unsatisfiable', detail: { range: 'bytes=-5', sizeBytes: 0 } })
        return
      }
      t.equal(ok(ranged).status, 206)
      t.ok(ok(ranged).bytes.equals(body.subarray(-5)))
      t.ok(ok(await send('GET /bucket/size?partNumber=1')).bytes.equals(body))
      t.match(refused(await send('GET /bucket/size?partNumber=2')), {
        code: 'part-range-unsatisfiable',
        detail: { partNumber: 2, parts: 1 },
      })
    })

  await t.test('PutObject: what the client says of the bytes is wrong → fault, nothing stored', async t => {
    const other = digestOnce('sha256', Buffer.from('other'))
    for (const [headers, extra, code] of [
      [{ 'content-md5': digestOnce('md5', other).toString('base64') }, {}, 'digest-mismatch'],
      [{ 'x-amz-checksum-sha256': other.toString('base64') }, {}, 'checksum-mismatch'],
      [{}, { expectedPayloadSha256: other.toString('hex') }, 'payload-hash-mismatch'],
      [{ 'x-amz-trailer': 'x-amz-checksum-crc32' }, { trailers: () => new Map() }, 'checksum-malformed'],
      [
        { 'x-amz-trailer': 'x-amz-checksum-crc32' },
        { trailers: () => new Map([['x-amz-checksum-crc32', 'AAAAAA==']]) },
        'checksum-mismatch',
      ],
    ] as const)
      for (const body of [small, randomBytes(100_000)])
        t.equal(refused(await send('PUT /bucket/wrong', headers, body, extra)).code, code, `${code} ${body.length}`)
    t.equal(refused(await send('GET /bucket/wrong')).code, 'object-missing')
    const trailers = () => new Map([['x-amz-checksum-sha1', digestOnce('sha1', small).toString('base64')]])
    const put = ok(await send('PUT /bucket/right', { 'x-amz-trailer': 'x-amz-checksum-sha1' }, small, { trailers }))
    t.equal(put.headers['x-amz-checksum-sha1'], trailers().get('x-amz-checksum-sha1'))
    const head = ok(await send('HEAD /bucket/right', { 'x-amz-checksum-mode': 'ENABLED' }))
    t.equal(head.headers['x-amz-checksum-sha1'], trailers().get('x-amz-checksum-sha1'))
  })

  await t.test('PutObject: more than 5 GiB → EntityTooLarge; missing bucket → NoSuchBucket', async t => {
    const declaredBytes = 5 * 1024 ** 3 + 1
    t.match(refused(await send('PUT /bucket/k', {}, small, { declaredBytes })), {
      code: 'object-too-large',
      detail: { sizeBytes: declaredBytes, limitBytes: 5 * 1024 ** 3 },
    })
    t.equal(refused(await send('PUT /absent-bucket/k', {}, small)).code, 'bucket-missing')
    t.equal(refused(await send('PUT /absent-bucket/k', {}, small, { declaredBytes: mebibyte })).code, 'bucket-missing')
  })

  await t.test('PutObject, GetObject, DeleteObject: conditions → S3’s answers', async t => {
    const etag = ok(await send('PUT /bucket/cond', { 'if-none-match': '*' }, 'a')).headers['ETag']!
    t.equal(refused(await send('PUT /bucket/cond', { 'if-none-match': '*' }, 'b')).code, 'precondition-failed')
    t.equal(refused(await send('PUT /bucket/cond', { 'if-match': '"x"' }, 'b')).code, 'precondition-failed')
    t.equal(refused(await send('PUT /bucket/none', { 'if-match': etag }, 'b')).code, 'object-missing')
    t.equal(refused(await send('GET /bucket/cond', { 'if-none-match': etag })).code, 'not-modified')
    t.equal(refused(await send('HEAD /bucket/cond', { 'if-match': '"x"' })).code, 'precondition-failed')
    ok(await send('PUT /bucket/cond', { 'if-match': etag }, 'b'))
    t.equal(refused(await send('DELETE /bucket/cond', { 'if-match': etag })).code, 'precondition-failed')
    t.equal(ok(await send('DELETE /bucket/cond', { 'if-match': md5('b') })).status, 204)
    t.equal(ok(await send('DELETE /bucket/cond')).status, 204)
    t.equal(refused(await send('GET /bucket/cond')).code, 'object-missing')
  })

  await t.test('GetObject: of an archived class → InvalidObjectState, HeadObject answers', async t => {
    ok(await send('PUT /bucket/cold', { 'x-amz-storage-class': 'DEEP_ARCHIVE' }, 'ice'))
    t.match(refused(await send('GET /bucket/cold')), {
      code: 'object-archived',
      detail: { storageClass: 'DEEP_ARCHIVE' },
    })
    t.equal(ok(await send('HEAD /bucket/cold')).headers['x-amz-storage-class'], 'DEEP_ARCHIVE')
    t.equal(refused(await send('PUT /bucket/thaw', { 'x-amz-copy-source': 'bucket/cold' })).code, 'object-archived')
  })

  await t.test('DeleteObjects: present, absent, repeated and conditional keys → one outcome each', async t => {
    ok(await send('PUT /bucket/d1', {}, '1'))
    ok(await send('PUT /bucket/d2', {}, '2'))
    const keys = ['<Key>d1</Key>', '<Key>d1</Key>', '<Key>absent</Key>', '<Key>d2</Key><ETag>"x"</ETag>']
    const xml = `<Delete>${keys.map(key => `<Object>${key}</Object>`).join('')}</Delete>`
    const headers = { 'content-md5': createHash('md5').update(xml).digest('base64') }
    const { text } = ok(await send('POST /bucket?delete', headers, xml))
    t.equal(text.match(/<Deleted>/g)?.length, 3)
    t.match(text, /<Error><Key>d2<\/Key><Code>PreconditionFailed<\/Code>/)
    t.equal(ok(await send('GET /bucket/d2')).text, '2')
    t.equal(refused(await send('GET /bucket/d1')).code, 'object-missing')
    t.equal(refused(await send('POST /absent-bucket?delete', headers, xml)).code, 'bucket-missing')
  })

  await t.test('CopyObject: another bucket, another algorithm, itself → S3’s answers', async t => {
    for (const body of [small, large]) {
      ok(await send('PUT /bucket/src', { 'x-amz-meta-m': 'v', 'content-type': 'a/b' }, body))
      const copied = ok(await send('PUT /other/copy', { 'x-amz-copy-source': '/bucket/src' }))
      t.equal(textOf(copied.text, 'ETag'), `&quot;${md5(body)}&quot;`)
      t.equal(textOf(copied.text, 'ChecksumCRC64NVME'), digestOnce('crc64nvme', body).toString('base64'))
      const got = ok(await send('GET /other/copy'))
      t.ok(got.bytes.equals(body))
      t.match(got.headers, { 'Content-Type': 'a/b', 'x-amz-meta-m': 'v' })
      const algorithm = { 'x-amz-copy-source': 'bucket/src', 'x-amz-checksum-algorithm': 'SHA256' }
      const hashed = ok(await send('PUT /other/hashed', algorithm))
      t.equal(textOf(hashed.text, 'ChecksumSHA256'), digestOnce('sha256', body).toString('base64'))
      t.notMatch(hashed.text, /CRC64NVME/)
    }
    const self = { 'x-amz-copy-source': 'bucket/src' }
    t.equal(refused(await send('PUT /bucket/src', self)).code, 'request-invalid')
    ok(await send('PUT /bucket/src', { ...self, 'x-amz-metadata-directive': 'REPLACE', 'x-amz-meta-n': 'w' }))
    const replaced = ok(await send('GET /bucket/src'))
    t.ok(replaced.bytes.equals(large))
    t.equal(replaced.headers['x-amz-meta-n'], 'w')
    t.notOk('x-amz-meta-m' in replaced.headers)
    t.match(refused(await send('PUT /bucket/x', { 'x-amz-copy-source': 'bucket/absent' })), {
      code: 'object-missing',
      detail: { key: 'absent', side: 'source' },
    })
    t.match(refused(await send('PUT /bucket/x', { 'x-amz-copy-source': 'absent-bucket/k' })), {
      code: 'bucket-missing',
      detail: { bucket: 'absent-bucket' },
    })
    t.match(refused(await send('PUT /bucket/x', { ...self, 'x-amz-copy-source-if-match': 'x' })), {
      code: 'precondition-failed',
      detail: { condition: 'x-amz-copy-source-If-Match' },
    })
    t.match(refused(await send('PUT /other/copy', { ...self, 'if-none-match': '*' })), {
      code: 'precondition-failed',
      detail: { condition: 'If-None-Match' },
    })
  })

  const create = async (key: string, headers: Headers = {}) =>
    textOf(ok(await send(`POST /bucket/${key}?uploads`, headers)).text, 'UploadId')!
  const part = (key: string, id: string, number: number, body: Uint8Array | string, headers: Headers = {}) =>
    send(`PUT /bucket/${key}?uploadId=${id}&partNumber=${number}`, headers, body)
  const listXml = (etags: Readonly<Record<number, string>>, more = '') =>
    `<CompleteMultipartUpload>${Object.entries(etags)
      .map(([number, etag]) => `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag>${more}</Part>`)
      .join('')}</CompleteMultipartUpload>`

  await t.test('multipart: parts → one object, its parts readable, its copy an ordinary object', async t => {
    const id = await create('mp', { 'content-type': 'v/m' })
    t.same(ok(await part('mp', id, 2, small)).headers, {
      'x-amz-server-side-encryption': 'AES256',
      ETag: `"${md5(small)}"`,
    })
    ok(await part('mp', id, 1, 'replaced'))
    ok(await part('mp', id, 1, large))
    const parts = ok(await send(`GET /bucket/mp?uploadId=${id}&max-parts=1`)).text
    t.match(parts, /<NextPartNumberMarker>1<\/NextPartNumberMarker><MaxParts>1<\/MaxParts><IsTruncated>true/)
    t.notMatch(parts, /Checksum/)
    t.equal(textOf(ok(await send('GET /bucket?uploads')).text, 'UploadId'), id)
    const list = listXml({ 1: md5(large), 2: `"${md5(small)}"` })
    t.equal(refused(await send(`POST /bucket/mp?uploadId=${id}`, {}, '')).code, 'request-invalid')
    t.equal(refused(await send(`POST /bucket/other?uploadId=${id}`, {}, list)).code, 'upload-missing')
    const done = ok(await send(`POST /bucket/mp?uploadId=${id}`, {}, list))
    const whole = Buffer.concat([large, small])
    const etag = `${md5(Buffer.from(md5(large) + md5(small), 'hex'))}-2`
    const crc = digestOnce('crc64nvme', whole).toString('base64')
    t.equal(textOf(done.text, 'ETag'), `&quot;${etag}&quot;`)
    t.equal(textOf(done.text, 'ChecksumCRC64NVME'), crc)
    t.equal(textOf(done.text, 'Location'), 'http://localhost:4566/bucket/mp')
    t.equal(ok(await send(`POST /bucket/mp?uploadId=${id}`, {}, list)).text, done.text, 'a repeat answers the same')
    const got = ok(await send('GET /bucket/mp', { 'x-amz-checksum-mode': 'ENABLED' }))
    t.ok(got.bytes.equals(whole))
    t.match(got.headers, { ETag: `"${etag}"`, 'Content-Type': 'v/m', 'x-amz-checksum-crc64nvme': crc })
    const second = ok(await send('GET /bucket/mp?partNumber=2'))
    t.equal(second.text, String(small))
    t.match(second.headers, {
      'x-amz-mp-parts-count': '2',
      'Content-Range': `bytes ${large.length}-${whole.length - 1}/${whole.length}`,
    })
    const across = ok(await send('GET /bucket/mp', { range: `bytes=${large.length - 3}-${large.length + 2}` }))
    t.ok(across.bytes.equals(whole.subarray(large.length - 3, large.length + 3)))
    const attributes = { 'x-amz-object-attributes': 'ObjectParts,ETag' }
    t.match(
      ok(await send('GET /bucket/mp?attributes', attributes)).text,
      /<ObjectParts><PartsCount>2<\/PartsCount><\/ObjectParts>/,
    )
    const copied = ok(await send('PUT /bucket/mp-copy', { 'x-amz-copy-source': 'bucket/mp' }))
    t.equal(textOf(copied.text, 'ETag'), `&quot;${md5(whole)}&quot;`)
    t.equal(textOf(copied.text, 'ChecksumCRC64NVME'), crc)
    t.ok(ok(await send('GET /bucket/mp-copy')).bytes.equals(whole))
    t.match(refused(await send('GET /bucket/mp-copy?partNumber=2')).detail, { parts: 1 })
  })

  await t.test('multipart: composite checksum → part checksums demanded, kept and answered', async t => {
    const id = await create('comp', { 'x-amz-checksum-algorithm': 'SHA256' })
    const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest()
    t.equal(ok(await part('comp', id, 1, small)).headers['x-amz-checksum-sha256'], sha(small).toString('base64'))
    t.match(refused(await part('comp', id, 1, small, { 'x-amz-checksum-crc32': 'AAAAAA==' })), {
      code: 'request-invalid',
      detail: {
        message: 'Checksum Type mismatch occurred, expected checksum Type: sha256, actual checksum Type: crc32',
      },
    })
    t.match(refused(await send(`POST /bucket/comp?uploadId=${id}`, {}, listXml({ 1: md5(small) }))).detail, {
      message: /^The upload was created using a sha256 checksum/,
    })
    const more = `<ChecksumSHA256>${sha(small).toString('base64')}</ChecksumSHA256>`
    const done = ok(await send(`POST /bucket/comp?uploadId=${id}`, {}, listXml({ 1: md5(small) }, more)))
    t.equal(textOf(done.text, 'ChecksumSHA256'), `${sha(sha(small)).toString('base64')}-1`)
    const enabled = { 'x-amz-checksum-mode': 'ENABLED' }
    const head = ok(await send('HEAD /bucket/comp', enabled)).headers
    t.match(head, {
      'x-amz-checksum-sha256': `${sha(sha(small)).toString('base64')}-1`,
      'x-amz-checksum-type': 'COMPOSITE',
    })
    const first = ok(await send('GET /bucket/comp?partNumber=1', enabled)).headers
    t.match(first, { 'x-amz-checksum-sha256': sha(small).toString('base64'), 'x-amz-checksum-type': 'COMPOSITE' })
    const attributes = ok(
      await send('GET /bucket/comp?attributes', { 'x-amz-object-attributes': 'ObjectParts,Checksum' }),
    )
    t.match(attributes.text, /<Part><PartNumber>1<\/PartNumber><Size>13<\/Size><ChecksumSHA256>/)
    const copied = ok(await send('PUT /bucket/comp-copy', { 'x-amz-copy-source': 'bucket/comp' })).text
    t.equal(textOf(copied, 'ChecksumSHA256'), sha(small).toString('base64'))
    t.equal(textOf(copied, 'ChecksumType'), 'FULL_OBJECT')
  })

  await t.test('UploadPartCopy: whole and ranges of every kind of source → those bytes', async t => {
    ok(await send('PUT /bucket/inline', {}, small))
    ok(await send('PUT /bucket/stored', {}, large))
    const id = await create('pc')
    const copyPart = (number: number, source: string, headers: Headers = {}) =>
      part('pc', id, number, noBody, { 'x-amz-copy-source': source, ...headers })
    const etagOf = async (answer: Promise<Answer | Fault>) =>
      textOf(ok(await answer).text, 'ETag')!.replaceAll('&quot;', '')
    const one = await etagOf(copyPart(1, 'bucket/stored'))
    t.equal(one, md5(large))
    const two = await etagOf(copyPart(2, 'bucket/mp', { 'x-amz-copy-source-range': `bytes=1-${large.length + 5}` }))
    const expectedTwo = Buffer.concat([large, small]).subarray(1, large.length + 6)
    t.equal(two, md5(expectedTwo))
    const three = await etagOf(copyPart(3, 'bucket/inline', { 'x-amz-copy-source-range': 'bytes=4-7' }))
    t.equal(three, md5(small.subarray(4, 8)))
    t.match(refused(await copyPart(4, 'bucket/inline', { 'x-amz-copy-source-range': 'bytes=4-100' })).detail, {
      message: 'Range specified is not valid for source object of size: 13',
    })
    t.equal(
      refused(await copyPart(4, 'bucket/inline', { 'x-amz-copy-source-if-none-match': '*' })).code,
      'precondition-failed',
    )
    t.equal(refused(await copyPart(4, 'bucket/absent')).code, 'object-missing')
    t.equal(
      refused(await part('pc', 'nope', 1, noBody, { 'x-amz-copy-source': 'bucket/inline' })).code,
      'upload-missing',
    )
    const done = ok(await send(`POST /bucket/pc?uploadId=${id}`, {}, listXml({ 1: one, 2: two, 3: three })))
    const whole = Buffer.concat([large, expectedTwo, small.subarray(4, 8)])
    t.equal(textOf(done.text, 'ChecksumCRC64NVME'), digestOnce('crc64nvme', whole).toString('base64'))
    t.ok(ok(await send('GET /bucket/pc')).bytes.equals(whole))
  })

  await t.test('AbortMultipartUpload: → 204, then NoSuchUpload to everything', async t => {
    const id = await create('ab')
    ok(await part('ab', id, 1, large))
    t.equal(ok(await send(`DELETE /bucket/ab?uploadId=${id}`)).status, 204)
    for (const answer of [
      await part('ab', id, 1, small),
      await send(`GET /bucket/ab?uploadId=${id}`),
      await send(`POST /bucket/ab?uploadId=${id}`, {}, listXml({ 1: 'x' })),
      await send(`DELETE /bucket/ab?uploadId=${id}`),
    ])
      t.equal(refused(answer).code, 'upload-missing')
  })
})
