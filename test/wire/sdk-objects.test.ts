import { createHash, randomBytes } from 'node:crypto'
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { bytesOf, newBucket, refusal, s3 } from '../support/clients.ts'
import { startServer } from '../support/server.ts'
import { signedFetch } from '../support/signed.ts'

const server = await startServer(t)
const client = s3(t, server)
const Bucket = await newBucket(client)

const everyHeader = {
  CacheControl: 'max-age=60',
  ContentDisposition: 'attachment; filename="a.txt"',
  ContentEncoding: 'gzip',
  ContentLanguage: 'de-CH',
  ContentType: 'text/plain; charset=utf-8',
  Metadata: { colour: 'green', 'with-dash': 'two  spaces' },
  StorageClass: 'STANDARD_IA',
} as const

for (const sizeBytes of [0, 1, 32 * 1024, 32 * 1024 + 1, 1 << 20, (5 << 20) + 3])
  t.test(`PutObject: ${sizeBytes} bytes → the same bytes and their MD5 as ETag`, async t => {
    const Body = randomBytes(sizeBytes)
    const Key = `size-${sizeBytes}`
    const put = await client.send(new PutObjectCommand({ Bucket, Key, Body }))
    t.equal(put.ETag, `"${createHash('md5').update(Body).digest('hex')}"`)
    t.equal(put.ServerSideEncryption, 'AES256')
    const got = await client.send(new GetObjectCommand({ Bucket, Key }))
    t.equal(got.ContentLength, sizeBytes)
    t.equal(got.ETag, put.ETag)
    t.equal(got.AcceptRanges, 'bytes')
    t.ok(Body.equals(await bytesOf(got)))
  })

t.test('PutObject: every header and metadata → returned by GetObject and HeadObject', async t => {
  await client.send(new PutObjectCommand({ Bucket, Key: 'headers', Body: 'x', ...everyHeader }))
  for (const answer of [
    await client.send(new HeadObjectCommand({ Bucket, Key: 'headers' })),
    await client.send(new GetObjectCommand({ Bucket, Key: 'headers' })),
  ]) {
    t.match(answer, { ...everyHeader, Metadata: { colour: 'green' } })
    t.ok(answer.Metadata && 'with-dash' in answer.Metadata)
    t.ok(answer.LastModified instanceof Date)
  }
})

t.test('PutObject: no content type → binary/octet-stream', async t => {
  await signedFetch(server, { method: 'PUT', path: `/${Bucket}/untyped`, body: 'x' })
  const head = await client.send(new HeadObjectCommand({ Bucket, Key: 'untyped' }))
  t.equal(head.ContentType, 'binary/octet-stream')
})

t.test('PutObject: over an existing object → the new bytes only', async t => {
  await client.send(new PutObjectCommand({ Bucket, Key: 'twice', Body: randomBytes(100_000), Metadata: { old: '1' } }))
  await client.send(new PutObjectCommand({ Bucket, Key: 'twice', Body: 'second' }))
  const got = await client.send(new GetObjectCommand({ Bucket, Key: 'twice' }))
  t.equal(await got.Body?.transformToString(), 'second')
  t.same(got.Metadata, {})
})

t.test('PutObject: metadata above 2 KB → MetadataTooLarge', async t => {
  const refused = refusal(client.send(new PutObjectCommand({ Bucket, Key: 'm', Metadata: { big: 'x'.repeat(2_100) } })))
  t.match(await refused, { name: 'MetadataTooLarge', status: 400 })
})

t.test('GetObject, HeadObject: missing key → NoSuchKey, and 404 without a body', async t => {
  t.match(await refusal(client.send(new GetObjectCommand({ Bucket, Key: 'missing' }))), {
    name: 'NoSuchKey',
    status: 404,
    message: 'The specified key does not exist.',
  })
  t.match(await refusal(client.send(new HeadObjectCommand({ Bucket, Key: 'missing' }))), {
    name: 'NotFound',
    status: 404,
  })
  t.match(await refusal(client.send(new GetObjectCommand({ Bucket: 'missing-bucket-name', Key: 'x' }))), {
    name: 'NoSuchBucket',
    status: 404,
  })
})

t.test('GetObject: ranges → 206 with the bytes asked for', async t => {
  for (const [Key, Body] of [
    ['small', randomBytes(1000)],
    ['large', randomBytes(300_000)],
  ] as const) {
    await client.send(new PutObjectCommand({ Bucket, Key, Body }))
    const last = Body.length - 1
    for (const [Range, from, to] of [
      ['bytes=0-0', 0, 0],
      ['bytes=10-19', 10, 19],
      ['bytes=990-', 990, last],
      ['bytes=-7', last - 6, last],
      ['bytes=5-99999999', 5, last],
      ['bytes=-99999999', 0, last],
    ] as const) {
      const got = await client.send(new GetObjectCommand({ Bucket, Key, Range }))
      t.equal(got.ContentRange, `bytes ${from}-${to}/${Body.length}`, Range)
      t.ok(Body.subarray(from, to + 1).equals(await bytesOf(got)), Range)
      t.equal(got.$metadata.httpStatusCode, 206)
    }
    const head = await client.send(new HeadObjectCommand({ Bucket, Key, Range: 'bytes=1-3' }))
    t.equal(head.ContentLength, 3)
  }
})

t.test('GetObject: range outside the object → InvalidRange', async t => {
  const refused = refusal(client.send(new GetObjectCommand({ Bucket, Key: 'small', Range: 'bytes=1000-' })))
  t.match(await refused, { name: 'InvalidRange', status: 416, message: 'The requested range is not satisfiable' })
})

for (const Range of ['bytes=0-1,3-4', 'bytes=abc', 'items=0-1', 'bytes=5-2'])
  t.test(`GetObject: Range ${Range} → ignored`, async t => {
    const got = await client.send(new GetObjectCommand({ Bucket, Key: 'small', Range }))
    t.equal((await bytesOf(got)).length, 1000)
    t.equal(got.$metadata.httpStatusCode, 200)
  })

t.test('GetObject: partNumber of an object put whole → the whole as part 1, no part 2', async t => {
  const got = await client.send(new GetObjectCommand({ Bucket, Key: 'small', PartNumber: 1 }))
  t.equal((await bytesOf(got)).length, 1000)
  const refused = refusal(client.send(new GetObjectCommand({ Bucket, Key: 'small', PartNumber: 2 })))
  t.match(await refused, { name: 'InvalidPartNumber', status: 416 })
})

t.test('GetObject: response-* overrides → returned instead of what is stored', async t => {
  const got = await client.send(
    new GetObjectCommand({
      Bucket,
      Key: 'headers',
      ResponseCacheControl: 'no-cache',
      ResponseContentDisposition: 'inline; filename="ü.txt"',
      ResponseContentEncoding: 'identity',
      ResponseContentLanguage: 'en',
      ResponseContentType: 'application/json',
      ResponseExpires: new Date('2030-01-01T00:00:00Z'),
    }),
  )
  t.match(got, {
    CacheControl: 'no-cache',
    ContentEncoding: 'identity',
    ContentLanguage: 'en',
    ContentType: 'application/json',
  })
  t.equal(got.ExpiresString, 'Tue, 01 Jan 2030 00:00:00 GMT')
})

t.test('DeleteObject: existing and missing key → success both times', async t => {
  await client.send(new PutObjectCommand({ Bucket, Key: 'going', Body: randomBytes(50_000) }))
  for (let times = 0; times < 2; times++) {
    const deleted = await client.send(new DeleteObjectCommand({ Bucket, Key: 'going' }))
    t.equal(deleted.$metadata.httpStatusCode, 204)
  }
  t.equal((await refusal(client.send(new GetObjectCommand({ Bucket, Key: 'going' })))).name, 'NoSuchKey')
})

t.test('DeleteObjects: several keys, some missing → each reported, or none when quiet', async t => {
  const keys = ['del-1', 'del & 2', 'del/<3>']
  for (const Key of keys) await client.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }))
  const Objects = [...keys, 'del-missing'].map(Key => ({ Key }))
  const deleted = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))
  t.same(deleted.Deleted?.map(entry => entry.Key).sort(), [...keys, 'del-missing'].sort())
  t.equal(deleted.Errors, undefined)
  const quiet = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }))
  t.equal(quiet.Deleted, undefined)
  t.equal((await refusal(client.send(new HeadObjectCommand({ Bucket, Key: 'del & 2' })))).status, 404)
})

t.test('DeleteObjects: more than 1,000 keys → MalformedXML', async t => {
  const Objects = Array.from({ length: 1001 }, (_, index) => ({ Key: `k${index}` }))
  const refused = refusal(client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } })))
  t.match(await refused, { name: 'MalformedXML', status: 400 })
})

t.test('CopyObject: into another bucket → bytes, headers and metadata follow', async t => {
  const other = await newBucket(client)
  const copied = await client.send(
    new CopyObjectCommand({ Bucket: other, Key: 'copy', CopySource: `${Bucket}/headers` }),
  )
  t.equal(copied.CopyObjectResult?.ETag, `"${createHash('md5').update('x').digest('hex')}"`)
  t.ok(copied.CopyObjectResult?.LastModified instanceof Date)
  const head = await client.send(new HeadObjectCommand({ Bucket: other, Key: 'copy' }))
  t.match(head, { ContentType: everyHeader.ContentType, Metadata: { colour: 'green' } })
  t.equal(head.StorageClass, undefined, 'the storage class is the request’s, not the source’s')
})

t.test('CopyObject: directive REPLACE → the new headers only', async t => {
  await client.send(
    new CopyObjectCommand({
      Bucket,
      Key: 'headers',
      CopySource: `/${Bucket}/headers`,
      MetadataDirective: 'REPLACE',
      ContentType: 'text/csv',
      Metadata: { fresh: 'yes' },
    }),
  )
  const head = await client.send(new HeadObjectCommand({ Bucket, Key: 'headers' }))
  t.same([head.ContentType, head.Metadata, head.CacheControl], ['text/csv', { fresh: 'yes' }, undefined])
})

t.test('CopyObject: onto itself unchanged → InvalidRequest', async t => {
  const refused = refusal(client.send(new CopyObjectCommand({ Bucket, Key: 'small', CopySource: `${Bucket}/small` })))
  t.match(await refused, { name: 'InvalidRequest', status: 400, message: /trying to copy an object to itself/ })
})

t.test('CopyObject: source deleted afterwards → the copy stays whole', async t => {
  const Body = randomBytes(400_000)
  await client.send(new PutObjectCommand({ Bucket, Key: 'source', Body }))
  await client.send(new CopyObjectCommand({ Bucket, Key: 'kept', CopySource: `${Bucket}/source` }))
  await client.send(new DeleteObjectCommand({ Bucket, Key: 'source' }))
  t.ok(Body.equals(await bytesOf(await client.send(new GetObjectCommand({ Bucket, Key: 'kept' })))))
})

t.test('CopyObject: missing source → NoSuchKey or NoSuchBucket', async t => {
  const copy = (CopySource: string) => refusal(client.send(new CopyObjectCommand({ Bucket, Key: 'x', CopySource })))
  t.match(await copy(`${Bucket}/missing`), { name: 'NoSuchKey', status: 404 })
  t.match(await copy('missing-bucket-name/missing'), { name: 'NoSuchBucket', status: 404 })
})

t.test('GetObjectAttributes: everything → size, ETag, class and checksum', async t => {
  await client.send(new PutObjectCommand({ Bucket, Key: 'attributes', Body: 'hello', ChecksumAlgorithm: 'SHA256' }))
  const attributes = await client.send(
    new GetObjectAttributesCommand({
      Bucket,
      Key: 'attributes',
      ObjectAttributes: ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize'],
    }),
  )
  t.equal(attributes.ETag, createHash('md5').update('hello').digest('hex'))
  t.equal(attributes.ObjectSize, 5)
  t.equal(attributes.StorageClass, 'STANDARD')
  t.equal(attributes.ObjectParts, undefined)
  t.match(attributes.Checksum, {
    ChecksumSHA256: createHash('sha256').update('hello').digest('base64'),
    ChecksumType: 'FULL_OBJECT',
  })
})
