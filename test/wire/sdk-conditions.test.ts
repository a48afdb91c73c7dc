import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { newBucket, refusal, s3 } from '../support/clients.ts'
import { startServer } from '../support/server.ts'

const server = await startServer(t)
const client = s3(t, server)
const Bucket = await newBucket(client)
const put = (Key: string, Body: string, condition: { IfMatch?: string; IfNoneMatch?: string } = {}) =>
  client.send(new PutObjectCommand({ Bucket, Key, Body, ...condition }))
const content = async (Key: string) =>
  (await client.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToString()

const { ETag = '' } = await put('read', 'content')
const { LastModified } = await client.send(new HeadObjectCommand({ Bucket, Key: 'read' }))
if (LastModified === undefined) throw new Error('no Last-Modified')
const past = new Date(Date.now() - 3_600_000)
const future = new Date(Date.now() + 3_600_000)

for (const [title, condition, expected] of [
  ['If-Match holds', { IfMatch: ETag }, 200],
  ['If-Match *', { IfMatch: '*' }, 200],
  ['If-Match fails', { IfMatch: '"other"' }, 412],
  ['If-None-Match holds', { IfNoneMatch: '"other"' }, 200],
  ['If-None-Match fails', { IfNoneMatch: ETag }, 304],
  ['If-Modified-Since holds', { IfModifiedSince: past }, 200],
  ['If-Modified-Since fails', { IfModifiedSince: LastModified }, 304],
  ['If-Unmodified-Since holds', { IfUnmodifiedSince: future }, 200],
  ['If-Unmodified-Since fails', { IfUnmodifiedSince: past }, 412],
  ['If-Match holds, If-Unmodified-Since fails', { IfMatch: ETag, IfUnmodifiedSince: past }, 200],
  ['If-None-Match fails, If-Modified-Since holds', { IfNoneMatch: ETag, IfModifiedSince: past }, 304],
] as const)
  t.test(`GetObject, HeadObject: ${title} → ${expected}`, async t => {
    const outcome = async (send: () => Promise<{ $metadata: { httpStatusCode?: number | undefined } }>) => {
      try {
        return (await send()).$metadata.httpStatusCode
      } catch (error) {
        return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode
      }
    }
    t.equal(await outcome(() => client.send(new GetObjectCommand({ Bucket, Key: 'read', ...condition }))), expected)
    t.equal(await outcome(() => client.send(new HeadObjectCommand({ Bucket, Key: 'read', ...condition }))), expected)
  })

t.test('PutObject: If-None-Match * on an existing key → PreconditionFailed, object unchanged', async t => {
  await put('exists', 'first')
  t.match(await refusal(put('exists', 'second', { IfNoneMatch: '*' })), {
    name: 'PreconditionFailed',
    status: 412,
    message: 'At least one of the pre-conditions you specified did not hold',
  })
  t.equal(await content('exists'), 'first')
})

t.test('PutObject: If-None-Match * on a deleted key → created', async t => {
  await put('recreated', 'first')
  await client.send(new DeleteObjectCommand({ Bucket, Key: 'recreated' }))
  await put('recreated', 'second', { IfNoneMatch: '*' })
  t.equal(await content('recreated'), 'second')
})

t.test('PutObject: If-None-Match with an ETag → NotImplemented', async t => {
  t.match(await refusal(put('exists', 'second', { IfNoneMatch: '"abc"' })), { name: 'NotImplemented', status: 501 })
})

t.test('PutObject: If-Match → replaced when it holds, 412 when not, 404 without an object', async t => {
  const first = await put('swap', 'first')
  const second = await put('swap', 'second', { IfMatch: first.ETag ?? '' })
  t.match(await refusal(put('swap', 'third', { IfMatch: first.ETag ?? '' })), {
    name: 'PreconditionFailed',
    status: 412,
  })
  t.equal(await content('swap'), 'second')
  await put('swap', 'fourth', { IfMatch: (second.ETag ?? '').replaceAll('"', '') })
  t.match(await refusal(put('swap-missing', 'x', { IfMatch: first.ETag ?? '' })), { name: 'NoSuchKey', status: 404 })
})

for (const sizeBytes of [10, 100_000])
  t.test(`PutObject: 100 racing creators of ${sizeBytes} bytes → exactly one wins`, async t => {
    const Key = `race-${sizeBytes}`
    const bodies = Array.from({ length: 100 }, (_, index) => `${index}`.padEnd(sizeBytes, '.'))
    const settled = await Promise.allSettled(bodies.map(body => put(Key, body, { IfNoneMatch: '*' })))
    const winners = bodies.filter((_, index) => settled[index]?.status === 'fulfilled')
    t.equal(winners.length, 1)
    const reasons = settled.flatMap(one => (one.status === 'rejected' ? [(one.reason as Error).name] : []))
    t.same(
      reasons.filter(name => name !== 'PreconditionFailed' && name !== 'ConditionalRequestConflict'),
      [],
    )
    t.equal(await content(Key), winners[0])
  })

t.test('PutObject: 30 clients that increment by If-Match → no increment is lost', async t => {
  await put('counter', '0')
  const increment = async (): Promise<void> => {
    for (;;) {
      const got = await client.send(new GetObjectCommand({ Bucket, Key: 'counter' }))
      const value = Number(await got.Body?.transformToString())
      try {
        await put('counter', String(value + 1), { IfMatch: got.ETag ?? '' })
        return
      } catch (error) {
        if (!['PreconditionFailed', 'ConditionalRequestConflict'].includes((error as Error).name)) throw error
      }
    }
  }
  await Promise.all(Array.from({ length: 30 }, increment))
  t.equal(await content('counter'), '30')
})

t.test('DeleteObject: If-Match → deleted when it holds, 412 when not', async t => {
  const first = await put('conditional-delete', 'x')
  const remove = (IfMatch: string) =>
    client.send(new DeleteObjectCommand({ Bucket, Key: 'conditional-delete', IfMatch }))
  t.match(await refusal(remove('"other"')), { name: 'PreconditionFailed', status: 412 })
  await remove(first.ETag ?? '')
  t.equal((await refusal(content('conditional-delete'))).name, 'NoSuchKey')
})

t.test('CopyObject: source conditions → copied or PreconditionFailed', async t => {
  const copy = (condition: object) =>
    client.send(new CopyObjectCommand({ Bucket, Key: 'copied', CopySource: `${Bucket}/read`, ...condition }))
  await copy({ CopySourceIfMatch: ETag })
  await copy({ CopySourceIfNoneMatch: '"other"' })
  await copy({ CopySourceIfModifiedSince: past })
  await copy({ CopySourceIfUnmodifiedSince: future })
  for (const condition of [
    { CopySourceIfMatch: '"other"' },
    { CopySourceIfNoneMatch: ETag },
    { CopySourceIfModifiedSince: LastModified },
    { CopySourceIfUnmodifiedSince: past },
  ])
    t.match(await refusal(copy(condition)), { name: 'PreconditionFailed', status: 412 }, JSON.stringify(condition))
})

t.test('CopyObject: conditions on the destination → as for PutObject', async t => {
  const copy = (condition: object) =>
    client.send(new CopyObjectCommand({ Bucket, Key: 'copy-target', CopySource: `${Bucket}/read`, ...condition }))
  await copy({ IfNoneMatch: '*' })
  t.match(await refusal(copy({ IfNoneMatch: '*' })), { name: 'PreconditionFailed', status: 412 })
  await copy({ IfMatch: ETag })
  t.match(await refusal(copy({ IfMatch: '"other"' })), { name: 'PreconditionFailed', status: 412 })
})

t.test('CompleteMultipartUpload: If-None-Match * on a key created meanwhile → PreconditionFailed', async t => {
  const Key = 'conditional-upload'
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key, ChecksumAlgorithm: 'CRC32' }))
  const part = await client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: 'part' }))
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag: part.ETag, ChecksumCRC32: part.ChecksumCRC32 }] }
  await put(Key, 'meanwhile')
  const complete = (condition: object) =>
    client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload, ...condition }))
  t.match(await refusal(complete({ IfNoneMatch: '*' })), { name: 'PreconditionFailed', status: 412 })
  t.equal(await content(Key), 'meanwhile')
  await client.send(new DeleteObjectCommand({ Bucket, Key }))
  await complete({ IfNoneMatch: '*' })
  t.equal(await content(Key), 'part')
})
