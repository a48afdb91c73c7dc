/** Versions and delete markers. Expected: S3 User Guide, "Retaining multiple versions of objects". */
import {
  type BucketVersioningStatus,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { bytesOf, newBucket, refusal, s3 } from '../support/clients.ts'
import { startServer } from '../support/server.ts'
import { element, signedFetch } from '../support/signed.ts'

const server = await startServer(t)
const client = s3(t, server)

const setVersioning = (Bucket: string, Status: BucketVersioningStatus) =>
  client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }))
async function versionedBucket() {
  const Bucket = await newBucket(client)
  await setVersioning(Bucket, 'Enabled')
  return Bucket
}
const put = async (Bucket: string, Key: string, Body: string) =>
  (await client.send(new PutObjectCommand({ Bucket, Key, Body }))).VersionId
const remove = (Bucket: string, Key: string, VersionId?: string) =>
  client.send(new DeleteObjectCommand({ Bucket, Key, VersionId }))
const read = async (Bucket: string, Key: string, VersionId?: string) =>
  (await bytesOf(await client.send(new GetObjectCommand({ Bucket, Key, VersionId })))).toString()
const list = (Bucket: string) => client.send(new ListObjectVersionsCommand({ Bucket }))
const idsOf = async (Bucket: string) => ((await list(Bucket)).Versions ?? []).map(version => version.VersionId)

t.test('GetBucketVersioning: never set, enabled, suspended → no status, the status', async t => {
  const Bucket = await newBucket(client)
  const status = async () => (await client.send(new GetBucketVersioningCommand({ Bucket }))).Status
  t.equal(await status(), undefined)
  for (const set of ['Enabled', 'Suspended', 'Enabled'] as const) {
    await setVersioning(Bucket, set)
    t.equal(await status(), set)
  }
})

t.test('PutBucketVersioning: no status, a word that is none, no bucket → refused', async t => {
  const Bucket = await newBucket(client)
  t.match(await refusal(setVersioning(Bucket, 'Disabled' as BucketVersioningStatus)), {
    name: 'MalformedXML',
    status: 400,
  })
  const empty = new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: {} })
  t.match(await refusal(client.send(empty)), { name: 'IllegalVersioningConfigurationException', status: 400 })
  t.match(await refusal(setVersioning('no-such-bucket-here', 'Enabled')), { name: 'NoSuchBucket', status: 404 })
  t.equal((await client.send(new GetBucketVersioningCommand({ Bucket }))).Status, undefined)
})

t.test('PutBucketVersioning: MFA delete, with a code and without → AccessDenied, and nothing is set', async t => {
  const Bucket = await newBucket(client)
  const VersioningConfiguration = { Status: 'Enabled', MFADelete: 'Enabled' } as const
  for (const MFA of [undefined, 'arn:aws:iam::123456789012:mfa/user 123456'])
    t.match(await refusal(client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration, MFA }))), {
      name: 'AccessDenied',
      status: 403,
    })
  const { Status, MFADelete } = await client.send(new GetBucketVersioningCommand({ Bucket }))
  t.same([Status, MFADelete], [undefined, undefined])
})

t.test('PutObject: versioning never set → no version id anywhere; "null" names the object', async t => {
  const Bucket = await newBucket(client)
  t.equal(await put(Bucket, 'k', 'x'), undefined)
  t.equal((await client.send(new HeadObjectCommand({ Bucket, Key: 'k' }))).VersionId, undefined)
  t.equal(await read(Bucket, 'k', 'null'), 'x')
  t.same(await idsOf(Bucket), ['null'])
  const removed = await remove(Bucket, 'k')
  t.same([removed.VersionId, removed.DeleteMarker], [undefined, undefined])
  t.same(await idsOf(Bucket), [])
})

t.test('PutObject: twice with versioning → an id each, each with its own bytes and headers', async t => {
  const Bucket = await versionedBucket()
  const Key = 'k'
  const first = await client.send(new PutObjectCommand({ Bucket, Key, Body: 'one', Metadata: { n: '1' } }))
  const second = await client.send(new PutObjectCommand({ Bucket, Key, Body: 'second', ContentType: 'text/plain' }))
  t.not(first.VersionId, second.VersionId)
  for (const { VersionId } of [first, second]) t.match(VersionId, /^[A-Za-z0-9._-]+$/)
  for (const [asked, answer, length] of [
    [undefined, second, 6],
    [second.VersionId, second, 6],
    [first.VersionId, first, 3],
  ] as const) {
    const at = { Bucket, Key, VersionId: asked }
    const expected = { VersionId: answer.VersionId, ETag: answer.ETag, ContentLength: length }
    t.match(await client.send(new HeadObjectCommand(at)), expected)
    const got = await client.send(new GetObjectCommand(at))
    t.match(got, expected)
    t.same(got.Metadata, answer === first ? { n: '1' } : {})
    t.equal((await bytesOf(got)).toString(), answer === first ? 'one' : 'second')
  }
  const range = { Bucket, Key, VersionId: first.VersionId, Range: 'bytes=1-2' }
  t.equal((await bytesOf(await client.send(new GetObjectCommand(range)))).toString(), 'ne')
})

t.test('CopyObject, CompleteMultipartUpload: with versioning → a new version, named in the answer', async t => {
  const Bucket = await versionedBucket()
  const Key = 'k'
  const old = await put(Bucket, Key, 'old')
  const newer = await put(Bucket, Key, 'newer')
  const copy = (CopySource: string) => client.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource }))
  const current = await copy(`${Bucket}/${Key}`)
  t.equal(current.CopySourceVersionId, newer)
  t.equal(await read(Bucket, 'copy', current.VersionId), 'newer')
  const older = await copy(`${Bucket}/${Key}?versionId=${old}`)
  t.equal(older.CopySourceVersionId, old)
  t.not(older.VersionId, current.VersionId)
  t.equal(await read(Bucket, 'copy'), 'old')

  const CopySource = `${Bucket}/${Key}?versionId=${old}`
  const restored = await client.send(new CopyObjectCommand({ Bucket, Key, CopySource }))
  t.equal(await read(Bucket, Key), 'old', 'an old version of a key copied onto it is its newest')
  t.same((await idsOf(Bucket)).slice(2), [restored.VersionId, newer, old])

  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }))
  const part = { Bucket, Key, UploadId, PartNumber: 1 }
  const copied = await client.send(new UploadPartCopyCommand({ ...part, CopySource }))
  t.equal(copied.CopySourceVersionId, old)
  const { ETag } = await client.send(new UploadPartCommand({ ...part, Body: 'parts' }))
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
  const done = await client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }))
  t.equal(await read(Bucket, Key, done.VersionId), 'parts')
  t.equal(await read(Bucket, Key, newer), 'newer')
  t.equal((await idsOf(Bucket)).length, 6)
})

t.test('CopyObject, UploadPartCopy: the source is a delete marker or a version that is none → refused', async t => {
  const Bucket = await versionedBucket()
  const VersionId = await put(Bucket, 'k', 'x')
  const marker = (await remove(Bucket, 'k')).VersionId
  const copy = (suffix: string) =>
    refusal(client.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/k${suffix}` })))
  t.match(await copy(''), { name: 'NoSuchKey', status: 404 })
  t.match(await copy(`?versionId=${marker}`), { name: 'InvalidRequest', status: 400 })
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'parts' }))
  const part = { Bucket, Key: 'parts', UploadId, PartNumber: 1, CopySource: `${Bucket}/k?versionId=${marker}` }
  const refused = await refusal(client.send(new UploadPartCopyCommand(part)))
  t.match(refused, { name: 'InvalidRequest', status: 400, message: /refer to a delete marker by version id/ })
  t.match(await copy('?versionId=null'), { name: 'NoSuchVersion', status: 404 })
  t.match(await copy('?versionId=made-up'), { name: 'InvalidArgument', status: 400 })
  await remove(Bucket, 'k', VersionId)
  t.match(await copy(`?versionId=${VersionId}`), { name: 'NoSuchVersion', status: 404 })
})

t.test('DeleteObject: no version named → a marker; GET is 404 and tells of it, GET of the marker 405', async t => {
  const Bucket = await versionedBucket()
  const VersionId = await put(Bucket, 'k', 'x')
  const removed = await remove(Bucket, 'k')
  t.equal(removed.DeleteMarker, true)
  t.ok(removed.VersionId)
  t.not(removed.VersionId, VersionId)
  const path = `/${Bucket}/k`
  for (const method of ['GET', 'HEAD']) {
    const hidden = await signedFetch(server, { method, path })
    t.equal(hidden.status, 404, method)
    t.match(hidden.headers, { 'x-amz-delete-marker': 'true', 'x-amz-version-id': removed.VersionId })
    if (method === 'GET') t.equal(element(hidden.text, 'Code'), 'NoSuchKey')
    const named = await signedFetch(server, { method, path, query: { versionId: removed.VersionId! } })
    t.equal(named.status, 405, method)
    t.match(named.headers, { 'x-amz-delete-marker': 'true', 'last-modified': /GMT$/ })
    if (method === 'GET') t.equal(element(named.text, 'Code'), 'MethodNotAllowed')
  }
  t.equal(await read(Bucket, 'k', VersionId), 'x')
  const { Contents, KeyCount } = await client.send(new ListObjectsV2Command({ Bucket }))
  t.same([Contents, KeyCount], [undefined, 0])
})

t.test('DeleteObject: the marker’s version → the object is back; of an object never there → a marker', async t => {
  const Bucket = await versionedBucket()
  await put(Bucket, 'k', 'x')
  const first = await remove(Bucket, 'k')
  const second = await remove(Bucket, 'k')
  t.not(first.VersionId, second.VersionId, 'markers are stacked')
  const undone = await remove(Bucket, 'k', second.VersionId)
  t.match(undone, { DeleteMarker: true, VersionId: second.VersionId })
  t.match(await refusal(read(Bucket, 'k')), { name: 'NoSuchKey' })
  await remove(Bucket, 'k', first.VersionId)
  t.equal(await read(Bucket, 'k'), 'x')
  t.equal((await remove(Bucket, 'never')).DeleteMarker, true)
  t.match((await list(Bucket)).DeleteMarkers, [{ Key: 'never', IsLatest: true }])
})

t.test('DeleteObject: a version → gone for ever; the one before is current when it was the newest', async t => {
  const Bucket = await versionedBucket()
  const [one, two, three] = [await put(Bucket, 'k', '1'), await put(Bucket, 'k', '2'), await put(Bucket, 'k', '3')]
  const removed = await remove(Bucket, 'k', two)
  t.same([removed.VersionId, removed.DeleteMarker], [two, undefined])
  t.equal(await read(Bucket, 'k'), '3')
  t.match(await refusal(read(Bucket, 'k', two)), { name: 'NoSuchVersion', status: 404 })
  await remove(Bucket, 'k', three)
  t.equal(await read(Bucket, 'k'), '1')
  t.equal((await remove(Bucket, 'k', three)).$metadata.httpStatusCode, 204, 'once more')
  await remove(Bucket, 'k', one)
  t.match(await refusal(read(Bucket, 'k')), { name: 'NoSuchKey' })
  t.same(await idsOf(Bucket), [])
})

t.test('PutObject: before versioning → the null version, kept below new ones', async t => {
  const Bucket = await newBucket(client)
  await put(Bucket, 'k', 'before')
  await setVersioning(Bucket, 'Enabled')
  t.equal((await client.send(new HeadObjectCommand({ Bucket, Key: 'k' }))).VersionId, 'null')
  const after = await put(Bucket, 'k', 'after')
  t.same(await idsOf(Bucket), [after, 'null'])
  t.equal(await read(Bucket, 'k', 'null'), 'before')
  await remove(Bucket, 'k', after)
  t.equal(await read(Bucket, 'k'), 'before')
})

t.test('suspended: writes replace the null version and keep the others; a delete puts a null marker', async t => {
  const Bucket = await versionedBucket()
  const kept = await put(Bucket, 'k', 'kept')
  await setVersioning(Bucket, 'Suspended')
  await put(Bucket, 'k', 'null 1')
  await put(Bucket, 'k', 'null 2')
  t.same(await idsOf(Bucket), ['null', kept])
  t.equal(await read(Bucket, 'k', 'null'), 'null 2')
  t.equal((await client.send(new HeadObjectCommand({ Bucket, Key: 'k' }))).VersionId, 'null')
  t.match(await remove(Bucket, 'k'), { DeleteMarker: true, VersionId: 'null' })
  await remove(Bucket, 'k')
  const marked = await list(Bucket)
  t.match(marked.DeleteMarkers, [{ VersionId: 'null', IsLatest: true }])
  t.equal(marked.DeleteMarkers?.length, 1, 'replaced, not stacked')
  t.match(marked.Versions, [{ VersionId: kept, IsLatest: false }])
  await put(Bucket, 'k', 'null 3')
  t.equal((await list(Bucket)).DeleteMarkers, undefined, 'the marker is replaced as well')
  await setVersioning(Bucket, 'Enabled')
  const newest = await put(Bucket, 'k', 'newest')
  t.same(await idsOf(Bucket), [newest, 'null', kept])
  await setVersioning(Bucket, 'Suspended')
  await put(Bucket, 'k', 'null 4')
  t.same(await idsOf(Bucket), ['null', newest, kept], 'a null version further down is replaced too')
  t.match(await remove(Bucket, 'k', 'null'), { VersionId: 'null', DeleteMarker: undefined })
  t.equal(await read(Bucket, 'k'), 'newest')
})

t.test('GetObject, HeadObject, DeleteObject: an id of no version → 400 made up, 404 well-formed', async t => {
  const Bucket = await versionedBucket()
  const VersionId = await put(Bucket, 'k', 'x')
  for (const bad of ['made-up', 'UIORUnfndfiufdisojhr398493jfdkjFJjkndnqUifhnw89493jJFJ!'])
    t.match(await refusal(read(Bucket, 'k', bad)), { name: 'InvalidArgument', status: 400 }, bad)
  t.match(await refusal(remove(Bucket, 'k', 'made-up')), { name: 'InvalidArgument', status: 400 })
  const head = (id: string) => refusal(client.send(new HeadObjectCommand({ Bucket, Key: 'k', VersionId: id })))
  t.equal((await head('made-up')).status, 400)
  t.match(await refusal(read(Bucket, 'k', 'null')), { name: 'NoSuchVersion', status: 404 })
  t.match(await refusal(read(Bucket, 'other', VersionId)), { name: 'NoSuchVersion', status: 404 })
  t.equal((await head('null')).status, 404)
  const empty = await signedFetch(server, { method: 'GET', path: `/${Bucket}/k`, query: 'versionId=' })
  t.same([empty.status, element(empty.text, 'Code')], [400, 'InvalidArgument'])
  t.equal(await read(Bucket, 'k'), 'x')
})

t.test('DeleteObjects: versions, markers and keys → each told; quiet → only errors', async t => {
  const Bucket = await versionedBucket()
  const [one, two] = [await put(Bucket, 'a', '1'), await put(Bucket, 'a', '2')]
  await put(Bucket, 'b', 'x')
  const marker = (await remove(Bucket, 'b')).VersionId!
  await put(Bucket, 'c', 'x')
  const Objects = [{ Key: 'a', VersionId: one }, { Key: 'b', VersionId: marker }, { Key: 'c' }]
  const { Deleted, Errors } = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))
  t.equal(Errors, undefined)
  const newMarker = (await list(Bucket)).DeleteMarkers?.[0]?.VersionId
  t.same(Deleted, [
    { Key: 'a', VersionId: one },
    { Key: 'b', VersionId: marker, DeleteMarker: true, DeleteMarkerVersionId: marker },
    { Key: 'c', DeleteMarker: true, DeleteMarkerVersionId: newMarker },
  ])
  t.equal(await read(Bucket, 'b'), 'x', 'back again')
  t.match(await refusal(read(Bucket, 'c')), { name: 'NoSuchKey' })
  const Delete = { Objects: [{ Key: 'a', VersionId: two }], Quiet: true }
  const quiet = await client.send(new DeleteObjectsCommand({ Bucket, Delete }))
  t.same([quiet.Deleted, quiet.Errors], [undefined, undefined])
  t.match(await refusal(read(Bucket, 'a')), { name: 'NoSuchKey' })
})

t.test('DeleteBucket: versions or markers left → BucketNotEmpty; none → gone', async t => {
  const Bucket = await versionedBucket()
  const VersionId = await put(Bucket, 'k', 'x')
  const marker = (await remove(Bucket, 'k')).VersionId
  const removeBucket = () => client.send(new DeleteBucketCommand({ Bucket }))
  t.match(await refusal(removeBucket()), { name: 'BucketNotEmpty', status: 409 })
  await remove(Bucket, 'k', VersionId)
  t.match(await refusal(removeBucket()), { name: 'BucketNotEmpty', status: 409 }, 'a marker alone')
  await remove(Bucket, 'k', marker)
  t.equal((await removeBucket()).$metadata.httpStatusCode, 204)
})

t.test('PutObject: 8 of one key at a time → 8 versions, one of them the latest', async t => {
  const Bucket = await versionedBucket()
  const ids = await Promise.all(Array.from({ length: 8 }, (_, i) => put(Bucket, 'k', `body ${i}`)))
  t.equal(new Set(ids).size, 8)
  const { Versions = [] } = await list(Bucket)
  t.same(Versions.map(version => version.VersionId).sort(), [...ids].sort())
  t.same(
    Versions.map(version => version.IsLatest),
    [true, ...Array(7).fill(false)],
  )
  t.same(
    await Promise.all(ids.map(id => read(Bucket, 'k', id))),
    Array.from({ length: 8 }, (_, i) => `body ${i}`),
  )
})
