import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import t from 'tap'
import { bytesOf, newBucket, refusal, s3 } from '../support/clients.ts'
import { startServer } from '../support/server.ts'

const server = await startServer(t)
const client = s3(t, server)
const Bucket = await newBucket(client)
const mebibyte = 1 << 20
const bodies = [randomBytes(5 * mebibyte), randomBytes(6 * mebibyte), randomBytes(1234)]
const whole = Buffer.concat(bodies)

const create = async (Key: string, extra: object = {}) =>
  (await client.send(new CreateMultipartUploadCommand({ Bucket, Key, ChecksumAlgorithm: 'CRC32', ...extra })))
    .UploadId ?? ''
const upload = async (Key: string, UploadId: string, PartNumber: number, Body: string | Buffer) => {
  const part = await client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }))
  return { PartNumber, ETag: part.ETag ?? '', ChecksumCRC32: part.ChecksumCRC32 }
}
const complete = (Key: string, UploadId: string, Parts: readonly object[]) =>
  client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts: [...Parts] } }))

t.test(
  'CompleteMultipartUpload: three parts out of order of arrival → the whole object, its headers, its ETag',
  async t => {
    const Key = 'three parts'
    const UploadId = await create(Key, { ContentType: 'video/mp4', Metadata: { a: 'b' }, CacheControl: 'no-store' })
    const parts = []
    for (const index of [2, 0, 1]) parts.push(await upload(Key, UploadId, index + 1, bodies[index] ?? ''))
    parts.sort((a, b) => a.PartNumber - b.PartNumber)
    t.equal((await refusal(client.send(new HeadObjectCommand({ Bucket, Key })))).status, 404, 'not there before')
    const done = await complete(Key, UploadId, parts)
    const digests = bodies.map(body => createHash('md5').update(body).digest())
    t.equal(done.ETag, `"${createHash('md5').update(Buffer.concat(digests)).digest('hex')}-3"`)
    t.match(done, { Bucket, Key })
    t.ok(done.Location?.includes(encodeURIComponent(Key)), String(done.Location))
    const got = await client.send(new GetObjectCommand({ Bucket, Key }))
    t.match(got, { ContentType: 'video/mp4', Metadata: { a: 'b' }, CacheControl: 'no-store', ETag: done.ETag })
    t.ok(whole.equals(await bytesOf(got)))
    t.equal((await client.send(new HeadObjectCommand({ Bucket, Key, PartNumber: 1 }))).PartsCount, 3)

    for (const [index, body] of bodies.entries()) {
      const part = await client.send(new GetObjectCommand({ Bucket, Key, PartNumber: index + 1 }))
      t.ok(body.equals(await bytesOf(part)), `part ${index + 1}`)
      t.equal(part.$metadata.httpStatusCode, 206)
    }
    const across = await client.send(
      new GetObjectCommand({ Bucket, Key, Range: `bytes=${5 * mebibyte - 10}-${5 * mebibyte + 9}` }),
    )
    t.ok(whole.subarray(5 * mebibyte - 10, 5 * mebibyte + 10).equals(await bytesOf(across)), 'a range over two parts')
    const none = refusal(client.send(new GetObjectCommand({ Bucket, Key, PartNumber: 4 })))
    t.match(await none, { name: 'InvalidPartNumber', status: 416 })

    const again = await complete(Key, UploadId, parts)
    t.equal(again.ETag, done.ETag, 'a repeated completion answers as the first did')
  },
)

t.test('ListParts: pages → every part with size, ETag and checksum', async t => {
  const Key = 'listed-parts'
  const UploadId = await create(Key)
  const parts = []
  for (const number of [1, 2, 5, 9, 10_000]) parts.push(await upload(Key, UploadId, number, `part ${number}`))
  const found = []
  for (let PartNumberMarker: string | undefined; ; ) {
    const page = await client.send(
      new ListPartsCommand({ Bucket, Key, UploadId, MaxParts: 2, ...(PartNumberMarker ? { PartNumberMarker } : {}) }),
    )
    found.push(...(page.Parts ?? []))
    t.equal(page.StorageClass, 'STANDARD')
    if (!page.IsTruncated) break
    PartNumberMarker = page.NextPartNumberMarker
  }
  t.same(
    found.map(part => [part.PartNumber, part.ETag, part.Size]),
    parts.map(part => [part.PartNumber, part.ETag, `part ${part.PartNumber}`.length]),
  )
  t.ok(found.every(part => part.LastModified instanceof Date))
})

t.test('upload interrupted and resumed by another client → only missing parts sent, object whole', async t => {
  const Key = 'resumed'
  const started = await create(Key)
  await upload(Key, started, 1, bodies[0] ?? '')

  const second = s3(t, server)
  const uploads = await second.send(new ListMultipartUploadsCommand({ Bucket, Prefix: Key }))
  const UploadId = uploads.Uploads?.[0]?.UploadId ?? ''
  t.equal(UploadId, started)
  const present = await second.send(new ListPartsCommand({ Bucket, Key, UploadId }))
  t.same(
    present.Parts?.map(part => part.PartNumber),
    [1],
  )
  const parts = (present.Parts ?? []).map(({ PartNumber, ETag, ChecksumCRC32 }) => ({
    PartNumber,
    ETag,
    ChecksumCRC32,
  }))
  for (const number of [2, 3]) parts.push(await upload(Key, UploadId, number, bodies[number - 1] ?? ''))
  await complete(Key, UploadId, parts)
  t.ok(whole.equals(await bytesOf(await client.send(new GetObjectCommand({ Bucket, Key })))))
})

t.test('UploadPart: same number twice → the later bytes count', async t => {
  const Key = 'replaced-part'
  const UploadId = await create(Key)
  const first = await upload(Key, UploadId, 1, 'first')
  const second = await upload(Key, UploadId, 1, 'second')
  t.match(await refusal(complete(Key, UploadId, [first])), { name: 'InvalidPart', status: 400 })
  await complete(Key, UploadId, [second])
  const got = await client.send(new GetObjectCommand({ Bucket, Key }))
  t.equal(await got.Body?.transformToString(), 'second')
})

t.test('AbortMultipartUpload: parts uploaded → upload gone, key never there', async t => {
  const Key = 'aborted'
  const UploadId = await create(Key)
  const part = await upload(Key, UploadId, 1, bodies[2] ?? '')
  const aborted = await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }))
  t.equal(aborted.$metadata.httpStatusCode, 204)
  const gone = { name: 'NoSuchUpload', status: 404 }
  t.match(await refusal(client.send(new ListPartsCommand({ Bucket, Key, UploadId }))), gone)
  t.match(await refusal(upload(Key, UploadId, 2, 'x')), gone)
  t.match(await refusal(complete(Key, UploadId, [part])), gone)
  t.match(await refusal(client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }))), gone)
  t.equal((await refusal(client.send(new HeadObjectCommand({ Bucket, Key })))).status, 404)
})

t.test(
  'CompleteMultipartUpload: wrong lists of parts → EntityTooSmall, InvalidPart, InvalidPartOrder, MalformedXML',
  async t => {
    const Key = 'wrong-parts'
    const UploadId = await create(Key)
    const one = await upload(Key, UploadId, 1, 'small')
    const two = await upload(Key, UploadId, 2, 'small too')
    t.match(await refusal(complete(Key, UploadId, [one, two])), { name: 'EntityTooSmall', status: 400 })
    t.match(await refusal(complete(Key, UploadId, [two, one])), { name: 'InvalidPartOrder', status: 400 })
    t.match(await refusal(complete(Key, UploadId, [{ ...one, ETag: '"0123456789abcdef0123456789abcdef"' }])), {
      name: 'InvalidPart',
      status: 400,
    })
    t.match(await refusal(complete(Key, UploadId, [{ ...two, PartNumber: 3 }])), { name: 'InvalidPart' })
    t.match(await refusal(complete(Key, UploadId, [])), { name: 'MalformedXML', status: 400 })
    await complete(Key, UploadId, [two])
  },
)

t.test(
  'CompleteMultipartUpload: checksum of a part listed for an upload that asked for none → InvalidPart',
  async t => {
    const Key = 'no-algorithm'
    const { UploadId = '' } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }))
    const { PartNumber, ETag, ChecksumCRC32 } = await upload(Key, UploadId, 1, 'part')
    t.ok(ChecksumCRC32, 'the SDK sends one and S3 repeats it')
    t.match(await refusal(complete(Key, UploadId, [{ PartNumber, ETag, ChecksumCRC32 }])), { name: 'InvalidPart' })
    const done = await complete(Key, UploadId, [{ PartNumber, ETag }])
    t.equal(done.ChecksumType, 'FULL_OBJECT')
    t.ok(done.ChecksumCRC64NVME)
  },
)

t.test('UploadPart: number 0 or 10,001 → InvalidArgument', async t => {
  const UploadId = await create('numbers')
  for (const number of [0, 10_001])
    t.match(await refusal(upload('numbers', UploadId, number, 'x')), { name: 'InvalidArgument', status: 400 })
})

t.test('UploadPartCopy: whole and ranges → the bytes of the source', async t => {
  await client.send(new PutObjectCommand({ Bucket, Key: 'copy source', Body: whole }))
  const Key = 'copied-parts'
  const UploadId = await create(Key, { ChecksumAlgorithm: undefined })
  const CopySource = `${Bucket}/copy%20source`
  const copy = async (PartNumber: number, extra: object) => {
    const copied = await client.send(
      new UploadPartCopyCommand({ Bucket, Key, UploadId, PartNumber, CopySource, ...extra }),
    )
    return { PartNumber, ETag: copied.CopyPartResult?.ETag }
  }
  const end = whole.length - 1
  const parts = [await copy(1, { CopySourceRange: `bytes=100-${100 + 5 * mebibyte - 1}` }), await copy(2, {})]
  t.match(await refusal(copy(3, { CopySourceRange: `bytes=0-${end + 1}` })), { name: 'InvalidArgument', status: 400 })
  t.match(await refusal(copy(3, { CopySourceIfMatch: '"other"' })), { name: 'PreconditionFailed', status: 412 })
  await complete(Key, UploadId, parts)
  await client.send(new DeleteObjectCommand({ Bucket, Key: 'copy source' }))
  const got = await bytesOf(await client.send(new GetObjectCommand({ Bucket, Key })))
  t.ok(got.equals(Buffer.concat([whole.subarray(100, 100 + 5 * mebibyte), whole])))
})

t.test('ListMultipartUploads: prefix, delimiter and pages → every upload once', async t => {
  const keys = ['up/a', 'up/a', 'up/b', 'up/c/1', 'up/c/2', 'up/d']
  for (const key of keys) await create(key)
  const all = await client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: 'up/' }))
  t.same(
    all.Uploads?.map(one => one.Key),
    keys,
  )
  t.ok(all.Uploads?.every(one => one.Initiated instanceof Date && one.Initiator?.ID && one.Owner?.ID))
  const grouped = await client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: 'up/', Delimiter: '/' }))
  t.same(
    grouped.CommonPrefixes?.map(one => one.Prefix),
    ['up/c/'],
  )
  t.same(
    grouped.Uploads?.map(one => one.Key),
    ['up/a', 'up/a', 'up/b', 'up/d'],
  )
  const found: string[] = []
  let marker: { KeyMarker?: string; UploadIdMarker?: string } = {}
  for (;;) {
    const page = await client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: 'up/', MaxUploads: 1, ...marker }))
    found.push(...(page.Uploads ?? []).map(one => one.UploadId ?? ''))
    if (!page.IsTruncated) break
    marker = { KeyMarker: page.NextKeyMarker ?? '', UploadIdMarker: page.NextUploadIdMarker ?? '' }
  }
  t.same(
    found,
    all.Uploads?.map(one => one.UploadId),
  )
})

t.test('lib-storage Upload: a stream of 200 MB → arrives whole', async t => {
  const noise = randomBytes(mebibyte)
  const sent = createHash('sha256')
  function* pieces() {
    for (let index = 0; index < 200; index++) {
      const piece = Buffer.from(noise)
      piece.writeUInt32LE(index)
      sent.update(piece)
      yield piece
    }
  }
  const upload = new Upload({
    client,
    params: { Bucket, Key: 'stream', Body: Readable.from(pieces()) },
    partSize: 8 * mebibyte,
    queueSize: 4,
  })
  await upload.done()
  const got = await client.send(new GetObjectCommand({ Bucket, Key: 'stream' }))
  t.equal(got.ContentLength, 200 * mebibyte)
  const received = createHash('sha256')
  for await (const chunk of got.Body as Readable) received.update(chunk as Buffer)
  t.equal(received.digest('hex'), sent.digest('hex'))
})

t.test('lib-storage Upload: aborted half-way → no object and no upload left', async t => {
  const upload = new Upload({
    client,
    params: { Bucket, Key: 'given-up', Body: Readable.from(Array.from({ length: 40 }, () => bodies[0] ?? '')) },
    queueSize: 2,
  })
  upload.once('httpUploadProgress', () => void upload.abort())
  await t.rejects(upload.done(), { name: 'AbortError' })
  t.equal((await refusal(client.send(new HeadObjectCommand({ Bucket, Key: 'given-up' })))).status, 404)
})
