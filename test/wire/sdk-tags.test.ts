/** Tags of objects and buckets. Expected: S3 User Guide, "Categorizing your objects using tags". */
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteBucketTaggingCommand,
  DeleteObjectCommand,
  DeleteObjectTaggingCommand,
  GetBucketTaggingCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutBucketTaggingCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  type Tag,
  type TaggingDirective,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { bytesOf, newBucket, refusal, s3 } from '../support/clients.ts'
import { startServer } from '../support/server.ts'

const server = await startServer(t)
const client = s3(t, server)
const Bucket = await newBucket(client)

const put = (Key: string, Tagging?: string) => client.send(new PutObjectCommand({ Bucket, Key, Body: 'x', Tagging }))
const tag = (Key: string, TagSet: Tag[]) =>
  client.send(new PutObjectTaggingCommand({ Bucket, Key, Tagging: { TagSet } }))
const tagsOf = async (Key: string) => (await client.send(new GetObjectTaggingCommand({ Bucket, Key }))).TagSet
const countOf = async (Key: string) => {
  const got = await client.send(new GetObjectCommand({ Bucket, Key }))
  await bytesOf(got)
  return got.TagCount
}
const tagBucket = (TagSet: Tag[], to = Bucket) =>
  client.send(new PutBucketTaggingCommand({ Bucket: to, Tagging: { TagSet } }))
const bucketTags = async (of = Bucket) => (await client.send(new GetBucketTaggingCommand({ Bucket: of }))).TagSet
const numbered = (count: number): Tag[] =>
  Array.from({ length: count }, (_, i) => ({ Key: `key-${String(i).padStart(2, '0')}`, Value: `${i}` }))
const sorted = (tags: readonly Tag[] = []) => [...tags].sort((a, b) => (a.Key! < b.Key! ? -1 : 1))
const invalid = { name: 'InvalidTag', status: 400 }

t.test('PutObjectTagging, GetObjectTagging, DeleteObjectTagging: set, replaced, gone → told so', async t => {
  await put('k')
  t.same(await tagsOf('k'), [], 'none is an empty set, not an error')
  t.equal(await countOf('k'), undefined)
  t.equal((await tag('k', [{ Key: 'colour', Value: 'green' }])).$metadata.httpStatusCode, 200)
  await tag('k', [
    { Key: 'size', Value: 'big' },
    { Key: 'empty', Value: '' },
  ])
  t.same(
    sorted(await tagsOf('k')),
    [
      { Key: 'empty', Value: '' },
      { Key: 'size', Value: 'big' },
    ],
    'the set is replaced',
  )
  t.equal(await countOf('k'), 2)
  t.equal((await client.send(new HeadObjectCommand({ Bucket, Key: 'k' }))).TagCount, 2)
  const gone = await client.send(new DeleteObjectTaggingCommand({ Bucket, Key: 'k' }))
  t.equal(gone.$metadata.httpStatusCode, 204)
  t.same([await tagsOf('k'), await countOf('k')], [[], undefined])
  await put('k', 'a=1')
  await tag('k', [])
  t.same(await tagsOf('k'), [], 'an empty set takes them away')
})

t.test('PutObjectTagging: the object’s bytes, ETag and headers → as before', async t => {
  const before = await client.send(new PutObjectCommand({ Bucket, Key: 'same', Body: 'body', Metadata: { n: '1' } }))
  await tag('same', [{ Key: 'a', Value: 'b' }])
  const got = await client.send(new GetObjectCommand({ Bucket, Key: 'same' }))
  t.match(got, { ETag: before.ETag, TagCount: 1, Metadata: { n: '1' } })
  t.equal((await bytesOf(got)).toString(), 'body')
})

t.test('PutObject: x-amz-tagging → the tags; put again without → none', async t => {
  await put('header', 'colour=light%20green&empty=&a%2Fb=c%3Dd&plus=1%2B1')
  t.same(sorted(await tagsOf('header')), [
    { Key: 'a/b', Value: 'c=d' },
    { Key: 'colour', Value: 'light green' },
    { Key: 'empty', Value: '' },
    { Key: 'plus', Value: '1+1' },
  ])
  t.equal(await countOf('header'), 4)
  await put('header')
  t.same(await tagsOf('header'), [])
})

t.test('PutObject: x-amz-tagging that is malformed, too much, repeated or reserved → refused, nothing put', async t => {
  const many = (count: number) => numbered(count).map(({ Key, Value }) => `${Key}=${Value}`)
  await put('ten', many(10).join('&'))
  t.equal(await countOf('ten'), 10)
  t.match(await refusal(put('bad', many(11).join('&'))), { name: 'BadRequest', status: 400 })
  t.match(await refusal(put('bad', 'a=1&a=2')), { name: 'InvalidArgument', status: 400 })
  t.match(await refusal(put('bad', 'aws:a=1')), invalid)
  t.match(await refusal(put('bad', `${'k'.repeat(129)}=1`)), invalid)
  t.match(await refusal(put('bad', `k=${'v'.repeat(257)}`)), invalid)
  t.equal((await refusal(client.send(new HeadObjectCommand({ Bucket, Key: 'bad' })))).status, 404)
})

t.test('CreateMultipartUpload: x-amz-tagging → the tags of the completed object', async t => {
  const Key = 'parts'
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key, Tagging: 'a=1&b=2' }))
  const { ETag } = await client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: 'x' }))
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
  await client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }))
  t.same(sorted(await tagsOf(Key)), [
    { Key: 'a', Value: '1' },
    { Key: 'b', Value: '2' },
  ])
  t.equal(await countOf(Key), 2)
  const refused = client.send(new CreateMultipartUploadCommand({ Bucket, Key, Tagging: 'a=1&a=2' }))
  t.match(await refusal(refused), { name: 'InvalidArgument', status: 400 })
})

t.test('CopyObject: tagging directive absent, COPY → the source’s; REPLACE → those sent', async t => {
  await put('source', 'from=source')
  const copy = async (TaggingDirective?: TaggingDirective, Tagging?: string) => {
    const CopySource = `${Bucket}/source`
    await client.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource, TaggingDirective, Tagging }))
    return tagsOf('copy')
  }
  const source = [{ Key: 'from', Value: 'source' }]
  t.same(await copy(), source)
  t.same(await copy('REPLACE', 'from=request'), [{ Key: 'from', Value: 'request' }])
  t.same(await copy('COPY'), source)
  t.same(await copy('REPLACE'), [], 'by none')
  t.match(await refusal(copy('NEITHER' as TaggingDirective)), { name: 'InvalidArgument', status: 400 })
  t.same(await tagsOf('source'), source)
})

t.test('PutObjectTagging: limits → 10 tags, keys of 128, values of 256 taken; one more refused', async t => {
  await put('limits')
  const largest = numbered(10)
  largest[0] = { Key: 'ü'.repeat(128), Value: 'v'.repeat(256) }
  await tag('limits', largest)
  t.same(sorted(await tagsOf('limits')), sorted(largest))
  t.equal(await countOf('limits'), 10)
  t.match(await refusal(tag('limits', numbered(11))), { name: 'BadRequest', status: 400 })
  t.match(await refusal(tag('limits', [{ Key: 'k'.repeat(129), Value: '' }])), invalid)
  t.match(await refusal(tag('limits', [{ Key: 'k', Value: 'v'.repeat(257) }])), invalid)
  t.same(sorted(await tagsOf('limits')), sorted(largest), 'the refused changed nothing')
})

t.test('PutObjectTagging: a key twice, reserved, empty, a character that is none → InvalidTag', async t => {
  await put('invalid')
  const Value = 'v'
  for (const tags of [
    [
      { Key: 'twice', Value: '1' },
      { Key: 'twice', Value: '2' },
    ],
    [{ Key: 'aws:mine', Value }],
    [{ Key: '', Value }],
    [{ Key: 'what?', Value }],
    [{ Key: 'k', Value: 'semi;colon' }],
  ])
    t.match(await refusal(tag('invalid', tags)), invalid, JSON.stringify(tags))
  const odd = [{ Key: 'Grüße + - = . _ : / @', Value: 'Ωmega 42 + - = . _ : / @' }]
  const cases = [
    { Key: 'case', Value },
    { Key: 'Case', Value },
  ]
  await tag('invalid', [...odd, ...cases])
  t.same(sorted(await tagsOf('invalid')), sorted([...odd, ...cases]), 'keys tell capitals apart')
})

t.test('object tagging: no such key, bucket → NoSuchKey, NoSuchBucket', async t => {
  t.match(await refusal(tagsOf('missing')), { name: 'NoSuchKey', status: 404 })
  t.match(await refusal(tag('missing', numbered(1))), { name: 'NoSuchKey', status: 404 })
  const removed = client.send(new DeleteObjectTaggingCommand({ Bucket, Key: 'missing' }))
  t.match(await refusal(removed), { name: 'NoSuchKey', status: 404 })
  const elsewhere = client.send(new GetObjectTaggingCommand({ Bucket: 'no-such-bucket-here', Key: 'k' }))
  t.match(await refusal(elsewhere), { name: 'NoSuchBucket', status: 404 })
})

t.test('object tagging: versions → each has its own; a marker has none', async t => {
  const versioned = await newBucket(client)
  const VersioningConfiguration = { Status: 'Enabled' } as const
  await client.send(new PutBucketVersioningCommand({ Bucket: versioned, VersioningConfiguration }))
  const at = { Bucket: versioned, Key: 'k' }
  const first = (await client.send(new PutObjectCommand({ ...at, Body: '1', Tagging: 'n=1' }))).VersionId
  const second = (await client.send(new PutObjectCommand({ ...at, Body: '2' }))).VersionId
  const get = async (VersionId?: string) => {
    const answer = await client.send(new GetObjectTaggingCommand({ ...at, VersionId }))
    return [answer.VersionId, answer.TagSet]
  }
  const one = [{ Key: 'n', Value: '1' }]
  const other = [{ Key: 'n', Value: 'other' }]
  t.same(await get(), [second, []])
  t.same(await get(first), [first, one])
  const set = new PutObjectTaggingCommand({ ...at, VersionId: first, Tagging: { TagSet: other } })
  t.equal((await client.send(set)).VersionId, first)
  t.same(
    [await get(first), await get()],
    [
      [first, other],
      [second, []],
    ],
  )
  const current = new PutObjectTaggingCommand({ ...at, Tagging: { TagSet: one } })
  t.equal((await client.send(current)).VersionId, second)
  const removed = await client.send(new DeleteObjectTaggingCommand({ ...at, VersionId: first }))
  t.equal(removed.VersionId, first)
  t.same(
    [await get(first), await get(second)],
    [
      [first, []],
      [second, one],
    ],
  )
  const marker = (await client.send(new DeleteObjectCommand(at))).VersionId
  t.match(await refusal(get(marker)), { name: 'MethodNotAllowed', status: 405 })
  t.equal((await refusal(get())).status, 404)
  t.same(await get(second), [second, one])
})

t.test('PutBucketTagging, GetBucketTagging, DeleteBucketTagging: none → NoSuchTagSet; set, replaced, gone', async t => {
  const none = { name: 'NoSuchTagSet', status: 404 }
  t.match(await refusal(bucketTags()), none)
  t.equal((await tagBucket([{ Key: 'a', Value: '1' }])).$metadata.httpStatusCode, 204)
  t.same(await bucketTags(), [{ Key: 'a', Value: '1' }])
  await tagBucket([{ Key: 'b', Value: '' }])
  t.same(await bucketTags(), [{ Key: 'b', Value: '' }])
  const gone = () => client.send(new DeleteBucketTaggingCommand({ Bucket }))
  t.equal((await gone()).$metadata.httpStatusCode, 204)
  t.match(await refusal(bucketTags()), none)
  t.equal((await gone()).$metadata.httpStatusCode, 204, 'once more')
  t.match(await refusal(bucketTags('no-such-bucket-here')), { name: 'NoSuchBucket', status: 404 })
})

t.test('PutBucketTagging: 50 tags → taken; 51, long, twice, reserved → refused', async t => {
  await tagBucket(numbered(50))
  t.same(sorted(await bucketTags()), numbered(50))
  t.equal((await refusal(tagBucket(numbered(51)))).status, 400)
  t.match(await refusal(tagBucket([{ Key: 'k'.repeat(129), Value: '' }])), invalid)
  t.match(await refusal(tagBucket([{ Key: 'k', Value: 'v'.repeat(257) }])), invalid)
  t.match(await refusal(tagBucket([...numbered(1), ...numbered(1)])), invalid)
  t.match(await refusal(tagBucket([{ Key: 'aws:mine', Value: '' }])), invalid)
  t.same(sorted(await bucketTags()), numbered(50), 'the refused changed nothing')
})
