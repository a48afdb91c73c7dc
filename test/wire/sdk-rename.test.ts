/** RenameObject. S3 has it in directory buckets, which keep no versions: here in every bucket that keeps none. */
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  RenameObjectCommand,
  type RenameObjectCommandInput,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { bytesOf, newBucket, refusal, s3 } from '../support/clients.ts'
import { startServer } from '../support/server.ts'

const server = await startServer(t)
const client = s3(t, server)
const Bucket = await newBucket(client)

const put = (Key: string, Body: string | Buffer) =>
  client.send(
    new PutObjectCommand({ Bucket, Key, Body, Metadata: { said: encodeURIComponent(Key) }, ContentType: 'text/x' }),
  )
const text = async (Key: string) => (await bytesOf(await client.send(new GetObjectCommand({ Bucket, Key })))).toString()
const rename = (
  source: string,
  Key: string,
  more: Omit<RenameObjectCommandInput, 'Bucket' | 'Key' | 'RenameSource'> = {},
) => client.send(new RenameObjectCommand({ Bucket, Key, RenameSource: encodeURIComponent(source), ...more }))
const missing = (Key: string) => refusal(client.send(new HeadObjectCommand({ Bucket, Key })))

t.test('RenameObject: any object → under its new key as it was, and not under the old one', async t => {
  await put('from a+b ü', 'small')
  const before = await client.send(new HeadObjectCommand({ Bucket, Key: 'from a+b ü' }))
  await rename('from a+b ü', 'to/b')
  t.equal(await text('to/b'), 'small')
  const after = await client.send(new HeadObjectCommand({ Bucket, Key: 'to/b' }))
  for (const name of ['ETag', 'LastModified', 'ContentType', 'Metadata', 'ContentLength'] as const)
    t.same(after[name], before[name], name)
  t.match(await missing('from a+b ü'), { status: 404 })
  await put('large', Buffer.alloc(300_000, 'l'))
  await rename('large', 'larger')
  t.equal((await text('larger')).length, 300_000)
})

t.test('RenameObject: onto another → replaces it; onto itself → stays', async t => {
  await put('one', 'a body of one')
  await put('two', Buffer.alloc(100_000, '2'))
  await rename('one', 'two')
  t.equal(await text('two'), 'a body of one')
  await rename('two', 'two')
  t.equal(await text('two'), 'a body of one')
})

t.test('RenameObject: an object of parts → with its parts', async t => {
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'parts' }))
  const part = await client.send(
    new UploadPartCommand({ Bucket, Key: 'parts', UploadId, PartNumber: 1, Body: 'a part' }),
  )
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag: part.ETag }] }
  await client.send(new CompleteMultipartUploadCommand({ Bucket, Key: 'parts', UploadId, MultipartUpload }))
  await rename('parts', 'renamed parts')
  const got = await client.send(new GetObjectCommand({ Bucket, Key: 'renamed parts', PartNumber: 1 }))
  t.equal((await bytesOf(got)).toString(), 'a part')
})

t.test('RenameObject: conditions → those that do not hold refuse, and nothing moves', async t => {
  const { ETag: source } = await put('source', 's')
  const { ETag: target } = await put('target', 't')
  const past = new Date(Date.now() - 3_600_000)
  const condition = 'At least one of the pre-conditions you specified did not hold'
  for (const more of [
    { DestinationIfNoneMatch: '*' },
    { DestinationIfMatch: source },
    { DestinationIfUnmodifiedSince: past },
    { SourceIfMatch: target },
    { SourceIfNoneMatch: source },
    { SourceIfNoneMatch: '*' },
    { SourceIfUnmodifiedSince: past },
  ])
    t.same(
      await refusal(rename('source', 'target', more)),
      { name: 'PreconditionFailed', status: 412, message: condition },
      JSON.stringify(more),
    )
  for (const more of [{ DestinationIfMatch: source }, { DestinationIfModifiedSince: past }])
    t.match(await refusal(rename('source', 'absent', more)), { status: 412 }, JSON.stringify(more))
  t.same([await text('source'), await text('target')], ['s', 't'])
  await rename('source', 'target', {
    DestinationIfMatch: target,
    DestinationIfModifiedSince: past,
    SourceIfMatch: source,
    SourceIfNoneMatch: target,
    SourceIfModifiedSince: past,
  })
  t.equal(await text('target'), 's')
  await put('again', 'a')
  await rename('again', 'absent', { DestinationIfNoneMatch: '*', DestinationIfUnmodifiedSince: past })
  t.equal(await text('absent'), 'a')
})

t.test('RenameObject: repeated with its token → succeeds and does nothing; other parameters → refused', async t => {
  await put('first', '1')
  const ClientToken = 'token-1'
  await rename('first', 'second', { ClientToken })
  await put('first', 'another by now')
  await rename('first', 'second', { ClientToken })
  t.same([await text('first'), await text('second')], ['another by now', '1'])
  t.match(await refusal(rename('first', 'third', { ClientToken })), {
    name: 'IdempotencyParameterMismatch',
    status: 400,
  })
  const long = rename('first', 'third', { ClientToken: 'x'.repeat(65) })
  t.match(await refusal(long), { name: 'InvalidArgument', status: 400 })
})

t.test('RenameObject: nothing there, folders, versions, too long → refused', async t => {
  t.match(await refusal(rename('nothing', 'new')), { name: 'NoSuchKey', status: 404 })
  await put('dir/', '')
  await put('file', 'f')
  t.match(await refusal(rename('dir/', 'new')), { name: 'InvalidRequest', status: 400 })
  t.match(await refusal(rename('file', 'new/')), { name: 'InvalidRequest', status: 400 })
  t.match(await refusal(rename('file', 'n'.repeat(1025))), { name: 'KeyTooLongError', status: 400 })
  t.match(await refusal(rename('n'.repeat(1025), 'new')), { name: 'KeyTooLongError', status: 400 })
  const broken = client.send(new RenameObjectCommand({ Bucket, Key: 'new', RenameSource: '%zz' }))
  t.match(await refusal(broken), { name: 'InvalidArgument', status: 400 })
  const versioned = await newBucket(client)
  const VersioningConfiguration = { Status: 'Enabled' } as const
  await client.send(new PutBucketVersioningCommand({ Bucket: versioned, VersioningConfiguration }))
  const there = new RenameObjectCommand({ Bucket: versioned, Key: 'b', RenameSource: 'a' })
  t.match(await refusal(client.send(there)), { name: 'NotImplemented', status: 501 })
  t.equal(await text('file'), 'f')
})
