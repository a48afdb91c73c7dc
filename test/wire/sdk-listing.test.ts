import {
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  paginateListObjectsV2,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { newBucket, refusal, s3 } from '../support/clients.ts'
import { startServer } from '../support/server.ts'

const server = await startServer(t)
const client = s3(t, server)
/** By bytes of UTF-8, as S3 sorts. */
const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))

const oddKeys = [
  'plain',
  'with space',
  ' leading and trailing ',
  'plus+plus',
  'percent%20sign',
  '100%',
  '%',
  'a&b=c?d#e',
  `quotes'"<>`,
  'a/../b',
  './dot',
  '../dots',
  'x/./y',
  'x/..',
  'double//slash',
  '/leading',
  '//two leading',
  'trailing/',
  'trailing//',
  'ünïcödé/日本語/🙂',
  'e\u0301 decomposed',
  'é composed',
  '\uffee before the astral 🙂 by bytes, after it by UTF-16',
  'back\\slash',
  'colon:semi;comma,at@tilde~',
  'brackets[]{}()*!$|^`',
  'tab\tnew\nline\rreturn',
  'x'.repeat(1024),
  '日'.repeat(341),
  'xml &amp; entity',
]
const bucket = await newBucket(client)
await Promise.all(
  oddKeys.map(Key => client.send(new PutObjectCommand({ Bucket: bucket, Key, Body: `body of ${Key}` }))),
)

for (const Key of oddKeys)
  t.test(`GetObject, HeadObject: key ${JSON.stringify(Key.slice(0, 60))} → its own bytes`, async t => {
    const got = await client.send(new GetObjectCommand({ Bucket: bucket, Key }))
    t.equal(await got.Body?.transformToString(), `body of ${Key}`)
    await client.send(new HeadObjectCommand({ Bucket: bucket, Key }))
    const listed = await client.send(
      new ListObjectsV2Command({ Bucket: bucket, Prefix: Key, MaxKeys: 1, EncodingType: 'url' }),
    )
    t.equal(decode(listed.Contents?.[0]?.Key), Key)
    t.equal(listed.Contents?.[0]?.Size, Buffer.byteLength(`body of ${Key}`))
  })

/** `encoding-type=url` writes a space as `+`. */
function decode(encoded = ''): string {
  return decodeURIComponent(encoded.replaceAll('+', ' '))
}

t.test('ListObjectsV2, ListObjects: odd keys → all of them, in order of their bytes', async t => {
  const expected = [...oddKeys].sort(byBytes)
  const v2 = await client.send(new ListObjectsV2Command({ Bucket: bucket, EncodingType: 'url' }))
  t.equal(v2.EncodingType, 'url')
  t.same(
    v2.Contents?.map(one => decode(one.Key)),
    expected,
  )
  const v1 = await client.send(new ListObjectsCommand({ Bucket: bucket, EncodingType: 'url' }))
  t.same(
    v1.Contents?.map(one => decode(one.Key)),
    expected,
  )
  const plain = await client.send(new ListObjectsV2Command({ Bucket: bucket }))
  t.same(
    plain.Contents?.map(one => one.Key),
    expected,
    'without encoding-type as well',
  )
})

t.test('PutObject: key of 1,025 bytes → KeyTooLongError', async t => {
  for (const Key of ['x'.repeat(1025), `${'日'.repeat(341)}xx`])
    t.match(await refusal(client.send(new PutObjectCommand({ Bucket: bucket, Key, Body: '' }))), {
      name: 'KeyTooLongError',
      status: 400,
    })
})

const pages = await newBucket(client)
const numbered = Array.from({ length: 1_050 }, (_, index) => `key-${String(index).padStart(5, '0')}`)
await Promise.all(numbered.map(Key => client.send(new PutObjectCommand({ Bucket: pages, Key, Body: 'x' }))))

t.test('ListObjectsV2: 1,050 keys → a page of 1,000 and one of 50', async t => {
  const sizes: number[] = []
  const found: string[] = []
  for await (const page of paginateListObjectsV2({ client }, { Bucket: pages })) {
    sizes.push(page.KeyCount ?? -1)
    found.push(...(page.Contents ?? []).map(one => one.Key ?? ''))
  }
  t.same(sizes, [1_000, 50])
  t.same(found, numbered)
})

t.test('ListObjectsV2: MaxKeys 100, 0 and above 1,000 → pages of that size, none, and 1,000', async t => {
  let count = 0
  for await (const page of paginateListObjectsV2({ client, pageSize: 100 }, { Bucket: pages })) {
    count++
    t.equal(page.MaxKeys, 100)
    t.ok((page.KeyCount ?? 0) <= 100)
  }
  t.equal(count, 11)
  const none = await client.send(new ListObjectsV2Command({ Bucket: pages, MaxKeys: 0 }))
  t.match(none, { KeyCount: 0, MaxKeys: 0, IsTruncated: false })
  const capped = await client.send(new ListObjectsV2Command({ Bucket: pages, MaxKeys: 5_000 }))
  t.equal(capped.Contents?.length, 1_000)
})

t.test('ListObjectsV2: StartAfter and FetchOwner → only later keys, with owners', async t => {
  const page = await client.send(new ListObjectsV2Command({ Bucket: pages, StartAfter: 'key-01040', FetchOwner: true }))
  t.same(
    page.Contents?.map(one => one.Key),
    numbered.slice(1_041),
  )
  t.equal(page.StartAfter, 'key-01040')
  t.ok(page.Contents?.every(one => /^[0-9a-f]{64}$/.test(one.Owner?.ID ?? '')))
  const without = await client.send(new ListObjectsV2Command({ Bucket: pages, MaxKeys: 1 }))
  t.equal(without.Contents?.[0]?.Owner, undefined)
})

t.test('ListObjectsV2: an invented continuation token → InvalidArgument', async t => {
  const refused = refusal(client.send(new ListObjectsV2Command({ Bucket: pages, ContinuationToken: 'nonsense!' })))
  t.match(await refused, { name: 'InvalidArgument', status: 400 })
})

t.test('ListObjects: markers → every key once', async t => {
  const found: string[] = []
  for (let Marker = ''; ; ) {
    const page = await client.send(new ListObjectsCommand({ Bucket: pages, MaxKeys: 400, Marker }))
    found.push(...(page.Contents ?? []).map(one => one.Key ?? ''))
    if (!page.IsTruncated) break
    Marker = found.at(-1) ?? ''
  }
  t.same(found, numbered)
})

const tree = await newBucket(client)
const treeKeys = ['a.txt', 'b/1', 'b/2', 'b/c/1', 'd/1', 'e', 'é/1', 'é/2', 'z/']
await Promise.all(treeKeys.map(Key => client.send(new PutObjectCommand({ Bucket: tree, Key, Body: 'x' }))))

t.test('ListObjectsV2: delimiter → keys and common prefixes of one level', async t => {
  const root = await client.send(new ListObjectsV2Command({ Bucket: tree, Delimiter: '/' }))
  t.same(
    root.Contents?.map(one => one.Key),
    ['a.txt', 'e'],
  )
  t.same(
    root.CommonPrefixes?.map(one => one.Prefix),
    ['b/', 'd/', 'z/', 'é/'],
  )
  t.equal(root.KeyCount, 6)
  t.equal(root.Delimiter, '/')
  const below = await client.send(new ListObjectsV2Command({ Bucket: tree, Delimiter: '/', Prefix: 'b/' }))
  t.same(
    below.Contents?.map(one => one.Key),
    ['b/1', 'b/2'],
  )
  t.same(
    below.CommonPrefixes?.map(one => one.Prefix),
    ['b/c/'],
  )
  const word = await client.send(new ListObjectsV2Command({ Bucket: tree, Delimiter: '/1' }))
  t.same(
    word.CommonPrefixes?.map(one => one.Prefix),
    ['b/1', 'b/c/1', 'd/1', 'é/1'],
  )
})

for (const MaxKeys of [1, 2, 3, 5])
  t.test(`ListObjectsV2, ListObjects: delimiter in pages of ${MaxKeys} → every entry once`, async t => {
    const expected = ['a.txt', 'b/', 'd/', 'e', 'z/', 'é/']
    const found: string[] = []
    for await (const page of paginateListObjectsV2({ client }, { Bucket: tree, Delimiter: '/', MaxKeys })) {
      found.push(...entries(page))
      t.ok((page.KeyCount ?? 0) <= MaxKeys)
    }
    t.same(found, expected)
    const older: string[] = []
    for (let Marker = ''; ; ) {
      const page = await client.send(new ListObjectsCommand({ Bucket: tree, Delimiter: '/', MaxKeys, Marker }))
      older.push(...entries(page))
      if (!page.IsTruncated) break
      t.ok(page.NextMarker)
      Marker = page.NextMarker ?? ''
    }
    t.same(older, expected)
  })

function entries(page: {
  Contents?: { Key?: string | undefined }[] | undefined
  CommonPrefixes?: { Prefix?: string | undefined }[] | undefined
}): string[] {
  return [
    ...(page.Contents ?? []).map(one => one.Key ?? ''),
    ...(page.CommonPrefixes ?? []).map(one => one.Prefix ?? ''),
  ].sort(byBytes)
}

t.test('ListObjectsV2: missing bucket → NoSuchBucket', async t => {
  const refused = refusal(client.send(new ListObjectsV2Command({ Bucket: 'missing-bucket-name' })))
  t.match(await refused, { name: 'NoSuchBucket', status: 404 })
})

t.test('DeleteObjects: every odd key → an empty bucket', async t => {
  const deleted = await client.send(
    new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: oddKeys.map(Key => ({ Key })) } }),
  )
  t.same(deleted.Deleted?.map(one => one.Key ?? '').sort(byBytes), [...oddKeys].sort(byBytes))
  const left = await client.send(new ListObjectsV2Command({ Bucket: bucket }))
  t.equal(left.KeyCount, 0)
})
