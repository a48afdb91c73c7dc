/** ListObjectVersions. Expected: S3 API Reference, "ListObjectVersions". */
import {
  DeleteObjectCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandInput,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { newBucket, refusal, s3 } from '../support/clients.ts'
import { startServer } from '../support/server.ts'

const server = await startServer(t)
const client = s3(t, server)

async function versionedBucket() {
  const Bucket = await newBucket(client)
  await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
  return Bucket
}
const put = async (Bucket: string, Key: string, Body = 'x') =>
  (await client.send(new PutObjectCommand({ Bucket, Key, Body }))).VersionId!
const mark = async (Bucket: string, Key: string) =>
  (await client.send(new DeleteObjectCommand({ Bucket, Key }))).VersionId!
const list = (query: ListObjectVersionsCommandInput) => client.send(new ListObjectVersionsCommand(query))

const Bucket = await versionedBucket()
/** By key, the newest first: as they are to be listed. */
const expected: (readonly [string, string])[] = []
for (const Key of ['a', 'dir/b', 'dir/c', 'z']) {
  const ids = [await put(Bucket, Key, '1'), await put(Bucket, Key, '22')]
  if (Key === 'dir/b') ids.push(await mark(Bucket, Key))
  for (const id of ids.reverse()) expected.push([Key, id])
}

t.test('ListObjectVersions: all → by key, the newest first, one latest of each', async t => {
  const { Versions = [], DeleteMarkers = [], ...page } = await list({ Bucket })
  t.match(page, { Name: Bucket, Prefix: '', KeyMarker: '', VersionIdMarker: '', MaxKeys: 1000, IsTruncated: false })
  t.same([page.NextKeyMarker, page.NextVersionIdMarker, page.CommonPrefixes], [undefined, undefined, undefined])
  const marker = expected.find(([Key]) => Key === 'dir/b')!
  t.same(
    Versions.map(({ Key, VersionId }) => [Key, VersionId]),
    expected.filter(entry => entry !== marker),
  )
  t.same(
    DeleteMarkers.map(({ Key, VersionId, IsLatest }) => [Key, VersionId, IsLatest]),
    [[...marker, true]],
  )
  t.same(
    Versions.filter(version => version.IsLatest).map(({ Key, Size }) => [Key, Size]),
    [
      ['a', 2],
      ['dir/c', 2],
      ['z', 2],
    ],
  )
  t.match(Versions[1], { Size: 1, StorageClass: 'STANDARD', ETag: '"c4ca4238a0b923820dcc509a6f75849b"' })
  for (const entry of [...Versions, ...DeleteMarkers]) {
    t.ok(entry.Owner?.ID)
    t.ok(entry.LastModified instanceof Date)
  }
})

t.test('ListObjectVersions: prefix, delimiter → those keys; the rest of them as common prefixes', async t => {
  const inside = await list({ Bucket, Prefix: 'dir/' })
  t.same(
    inside.Versions?.map(version => version.Key),
    ['dir/b', 'dir/b', 'dir/c', 'dir/c'],
  )
  t.same([inside.Prefix, inside.DeleteMarkers?.length], ['dir/', 1])
  const rolled = await list({ Bucket, Delimiter: '/' })
  t.same(rolled.CommonPrefixes, [{ Prefix: 'dir/' }])
  t.same(
    rolled.Versions?.map(version => version.Key),
    ['a', 'a', 'z', 'z'],
  )
  t.equal(rolled.DeleteMarkers, undefined)
  t.same((await list({ Bucket, Prefix: 'none' })).Versions, undefined)
})

async function pages(query: ListObjectVersionsCommandInput) {
  const found: [string, string][] = []
  const prefixes: string[] = []
  for (let KeyMarker: string | undefined, VersionIdMarker: string | undefined; ; ) {
    const page = await list({ ...query, KeyMarker, VersionIdMarker })
    const entries = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])]
    const count = entries.length + (page.CommonPrefixes?.length ?? 0)
    if (page.IsTruncated ? count !== query.MaxKeys : count > query.MaxKeys!) throw new Error(`a page of ${count}`)
    for (const { Key, VersionId } of entries) found.push([Key!, VersionId!])
    for (const { Prefix } of page.CommonPrefixes ?? []) prefixes.push(Prefix!)
    if (!page.IsTruncated) return { found, prefixes }
    KeyMarker = page.NextKeyMarker
    VersionIdMarker = page.NextVersionIdMarker
    if (KeyMarker === undefined) throw new Error('truncated without a marker')
  }
}

for (const MaxKeys of [1, 2, 3, 4, 9])
  t.test(`ListObjectVersions: pages of ${MaxKeys} → everything once`, async t => {
    const { found } = await pages({ Bucket, MaxKeys })
    t.same(found.map(String).sort(), expected.map(String).sort())
    const rolled = await pages({ Bucket, MaxKeys, Delimiter: '/' })
    t.same(rolled.prefixes, ['dir/'])
    const outside = expected.filter(([Key]) => !Key.startsWith('dir/'))
    t.same(rolled.found, outside)
  })

t.test('ListObjectVersions: within a key’s versions → none of the page is the latest; markers repeated', async t => {
  const [Key, newest] = expected[0]!
  const page = await list({ Bucket, KeyMarker: Key, VersionIdMarker: newest, MaxKeys: 1 })
  t.match(page, { KeyMarker: Key, VersionIdMarker: newest, MaxKeys: 1, IsTruncated: true })
  t.match(page.Versions, [{ Key, VersionId: expected[1]![1], IsLatest: false }])
  t.same([page.NextKeyMarker, page.NextVersionIdMarker], expected[1])
})

t.test('ListObjectVersions: a key marker alone → after all versions of that key', async t => {
  const { Versions } = await list({ Bucket, KeyMarker: 'dir/b' })
  t.same(
    Versions?.map(({ Key, VersionId }) => [Key, VersionId]),
    expected.filter(([Key]) => Key > 'dir/b'),
  )
})

t.test('ListObjectVersions: null versions → marked and gone on from by that name', async t => {
  const mixed = await newBucket(client)
  await put(mixed, 'k')
  await put(mixed, 'l')
  const VersioningConfiguration = { Status: 'Enabled' } as const
  await client.send(new PutBucketVersioningCommand({ Bucket: mixed, VersioningConfiguration }))
  const id = await put(mixed, 'k')
  t.match((await list({ Bucket: mixed })).Versions, [
    { Key: 'k', VersionId: id, IsLatest: true },
    { Key: 'k', VersionId: 'null', IsLatest: false },
    { Key: 'l', VersionId: 'null', IsLatest: true },
  ])
  const page = await list({ Bucket: mixed, MaxKeys: 2 })
  t.same([page.NextKeyMarker, page.NextVersionIdMarker], ['k', 'null'])
  const rest = await list({ Bucket: mixed, KeyMarker: 'k', VersionIdMarker: 'null' })
  t.match(rest.Versions, [{ Key: 'l' }])
  t.equal(rest.Versions?.length, 1)
})

t.test('ListObjectVersions: encoding-type url → keys, prefixes and markers are encoded', async t => {
  const odd = await versionedBucket()
  const keys = ['dir ä/a+b', 'dir ä/c&d', 'tab\there']
  for (const Key of keys) await put(odd, Key)
  const decode = (text: string | undefined) => decodeURIComponent(text!.replaceAll('+', ' '))
  const all = await list({ Bucket: odd, EncodingType: 'url' })
  t.equal(all.EncodingType, 'url')
  for (const { Key } of all.Versions!) t.match(Key, /^[A-Za-z0-9%+/._*-]+$/)
  t.same(
    all.Versions?.map(version => decode(version.Key)),
    keys,
  )
  const Prefix = 'dir ä/'
  const rolled = await list({ Bucket: odd, EncodingType: 'url', Delimiter: '/', Prefix: 'dir', MaxKeys: 1 })
  t.same(
    rolled.CommonPrefixes?.map(prefix => decode(prefix.Prefix)),
    [Prefix],
  )
  const page = await list({ Bucket: odd, EncodingType: 'url', Prefix, MaxKeys: 1 })
  t.same([decode(page.Prefix), decode(page.NextKeyMarker)], [Prefix, 'dir ä/a+b'])
  t.equal(page.NextVersionIdMarker, page.Versions?.[0]?.VersionId)
  const plain = await list({ Bucket: odd })
  t.same([plain.EncodingType, plain.Versions?.map(version => version.Key)], [undefined, keys])
})

t.test('ListObjectVersions: what cannot be listed → refused', async t => {
  const refused = { name: 'InvalidArgument', status: 400 }
  const [, id] = expected[0]!
  t.match(await refusal(list({ Bucket, VersionIdMarker: id })), refused, 'no key marker')
  t.match(await refusal(list({ Bucket, KeyMarker: 'a', VersionIdMarker: 'made-up' })), refused)
  t.match(await refusal(list({ Bucket, MaxKeys: -1 })), refused)
  t.match(await refusal(list({ Bucket, EncodingType: 'base64' as 'url' })), refused)
  t.match(await refusal(list({ Bucket: 'no-such-bucket-here' })), { name: 'NoSuchBucket', status: 404 })
  const none = await list({ Bucket, MaxKeys: 0 })
  t.same([none.Versions, none.IsTruncated], [undefined, false])
})
