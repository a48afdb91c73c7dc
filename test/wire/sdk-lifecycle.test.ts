/** Lifecycles and restores as a user's tests see them: they move the clock and look. */
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  type LifecycleRule,
  ListMultipartUploadsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  ListPartsCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  RestoreObjectCommand,
  type S3Client,
  type Tier,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { bytesOf, movableClock, newBucket, refusal, s3 } from '../support/clients.ts'
import { type Server, startServer } from '../support/server.ts'

const minuteMs = 60_000
const dayMs = 86_400_000

const server = await startServer(t)
const client = s3(t, server)
const move = movableClock(client, server)

async function admin(page: string, body: unknown, headers: Record<string, string> = {}, at: Server = server) {
  const url = `${at.origin}/_mockfactory/${page}`
  const answer = await fetch(url, { method: 'POST', body: JSON.stringify(body), headers })
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}
const runLifecycles = async () => (await admin('lifecycle', {})).body

async function withRules(rules: readonly LifecycleRule[], of: S3Client = client): Promise<string> {
  const Bucket = await newBucket(of)
  await of.send(
    new PutBucketLifecycleConfigurationCommand({
      Bucket,
      LifecycleConfiguration: { Rules: [...rules] },
      TransitionDefaultMinimumObjectSize: 'varies_by_storage_class',
    }),
  )
  return Bucket
}
const expiring: LifecycleRule = {
  ID: 'gone soon',
  Status: 'Enabled',
  Filter: { Prefix: 'logs/' },
  Expiration: { Days: 2 },
}
const midnightAfter = (ms: number, days: number) =>
  new Date(Math.ceil((ms + days * dayMs) / dayMs) * dayMs).toUTCString()
const now = async () => ((await (await fetch(`${server.origin}/_mockfactory/clock`)).json()) as { nowMs: number }).nowMs
const keysOf = async (Bucket: string) =>
  ((await client.send(new ListObjectsV2Command({ Bucket }))).Contents ?? []).map(entry => entry.Key)

t.test('expiration: answers tell when; the clock passes it → the object is gone, and counted', async t => {
  const Bucket = await withRules([expiring])
  const Key = 'logs/a'
  const expected = `expiry-date="${midnightAfter(await now(), 2)}", rule-id="gone soon"`
  t.equal((await client.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }))).Expiration, expected)
  t.equal((await client.send(new HeadObjectCommand({ Bucket, Key }))).Expiration, expected)
  t.equal((await client.send(new GetObjectCommand({ Bucket, Key }))).Expiration, expected)
  const CopySource = `${Bucket}/${Key}`
  t.equal((await client.send(new CopyObjectCommand({ Bucket, Key: 'logs/b', CopySource }))).Expiration, expected)
  const kept = await client.send(new PutObjectCommand({ Bucket, Key: 'kept', Body: 'x' }))
  t.equal(kept.Expiration, undefined, 'no rule is about this one')
  t.equal((await client.send(new HeadObjectCommand({ Bucket, Key: 'kept' }))).Expiration, undefined)
  t.same(await runLifecycles(), { status: 'done', actions: 0 })
  await move(3 * dayMs)
  await runLifecycles()
  t.same(await keysOf(Bucket), ['kept'])
  const metrics = await (await fetch(`${server.origin}/_mockfactory/metrics`)).text()
  t.match(metrics, /mockfactory_lifecycle_actions_total\{action="expire-current"\} 2/)
  t.match(await server.printed('"msg":"lifecycle"'), '"expire-current":2')
})

t.test('the clock is moved → soon and by itself', async t => {
  const Bucket = await withRules([expiring])
  await client.send(new PutObjectCommand({ Bucket, Key: 'logs/a', Body: 'x' }))
  await move(3 * dayMs)
  // Nothing but a run of the server's own ends this; the test runner gives up on it otherwise.
  while ((await keysOf(Bucket)).length > 0) await new Promise(resolve => setTimeout(resolve, 20))
  t.same(await keysOf(Bucket), [])
})

t.test('a short day → passes by itself', async t => {
  const short = await startServer(t, { args: ['--lifecycle-day', '1'], ephemeral: true })
  const its = s3(t, short)
  const Bucket = await withRules([{ ...expiring, Expiration: { Days: 1 } }], its)
  await its.send(new PutObjectCommand({ Bucket, Key: 'logs/a', Body: 'x' }))
  for (;;) {
    const { Contents = [] } = await its.send(new ListObjectsV2Command({ Bucket }))
    if (Contents.length === 0) break
    await new Promise(resolve => setTimeout(resolve, 50))
  }
})

t.test('versions: expiry puts a marker, noncurrent ones go, then the marker', async t => {
  const Bucket = await withRules([{ ...expiring, NoncurrentVersionExpiration: { NoncurrentDays: 1 } }])
  const VersioningConfiguration = { Status: 'Enabled' } as const
  await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }))
  const Key = 'logs/a'
  const { VersionId } = await client.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }))
  const named = await client.send(new HeadObjectCommand({ Bucket, Key, VersionId }))
  t.equal(named.Expiration, undefined, 'only told of the current version')
  await move(3 * dayMs)
  await runLifecycles()
  const listed = await client.send(new ListObjectVersionsCommand({ Bucket }))
  t.equal(listed.DeleteMarkers?.length, 1)
  t.same(
    listed.Versions?.map(version => version.VersionId),
    [VersionId],
  )
  await move(3 * dayMs)
  await runLifecycles()
  const after = await client.send(new ListObjectVersionsCommand({ Bucket }))
  t.same([after.DeleteMarkers, after.Versions], [undefined, undefined])
})

t.test('uploads: told when they are aborted, and aborted then; completed ones expire', async t => {
  const Bucket = await withRules([
    { ID: 'abort', Status: 'Enabled', Filter: {}, AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } },
    expiring,
  ])
  const Key = 'logs/a'
  const date = midnightAfter(await now(), 1)
  const begun = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }))
  t.match(begun, { AbortRuleId: 'abort', AbortDate: new Date(date) })
  const { UploadId } = begun
  const part = await client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: 'x' }))
  const parts = await client.send(new ListPartsCommand({ Bucket, Key, UploadId }))
  t.match(parts, { AbortRuleId: 'abort', AbortDate: new Date(date) })
  const left = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'left' }))
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag: part.ETag }] }
  const done = await client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }))
  t.equal(done.Expiration, `expiry-date="${midnightAfter(await now(), 2)}", rule-id="gone soon"`)
  await move(2 * dayMs)
  await runLifecycles()
  t.equal((await client.send(new ListMultipartUploadsCommand({ Bucket }))).Uploads, undefined)
  const gone = client.send(new ListPartsCommand({ Bucket, Key: 'left', UploadId: left.UploadId }))
  t.match(await refusal(gone), { name: 'NoSuchUpload', status: 404 })
})

t.test('lifecycle page: with words, from a web page, by GET → refused', async t => {
  t.equal((await admin('lifecycle', { days: 1 })).status, 400)
  t.equal((await admin('lifecycle', {}, { origin: 'http://example.com' })).status, 403)
  const got = await fetch(`${server.origin}/_mockfactory/lifecycle`)
  t.equal(got.status, 405)
  await got.text()
})

const restore = (Bucket: string, Key: string, Days: number, tier?: Tier, VersionId?: string) =>
  client.send(
    new RestoreObjectCommand({
      Bucket,
      Key,
      VersionId,
      RestoreRequest: { Days, ...(tier === undefined ? {} : { GlacierJobParameters: { Tier: tier } }) },
    }),
  )
const statusOf = async (promise: Promise<{ $metadata: { httpStatusCode?: number } }>) =>
  (await promise).$metadata.httpStatusCode

t.test('RestoreObject: archived by a rule → unreadable; asked for, waited for → readable until it expires', async t => {
  const Bucket = await withRules([
    { ID: 'cold', Status: 'Enabled', Filter: { Prefix: '' }, Transitions: [{ Days: 0, StorageClass: 'GLACIER' }] },
  ])
  const Key = 'a'
  const CopySource = `${Bucket}/${Key}`
  await client.send(new PutObjectCommand({ Bucket, Key, Body: 'cold bytes' }))
  await move(dayMs)
  await runLifecycles()
  const read = () => client.send(new GetObjectCommand({ Bucket, Key }))
  const head = () => client.send(new HeadObjectCommand({ Bucket, Key }))
  t.match(await head(), { StorageClass: 'GLACIER', Restore: undefined, ContentLength: 10 })
  t.match(await refusal(read()), { name: 'InvalidObjectState', status: 403 })
  const copy = () => client.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource }))
  t.match(await refusal(copy()), { name: 'InvalidObjectState', status: 403 })

  t.equal(await statusOf(restore(Bucket, Key, 2)), 202)
  t.equal((await head()).Restore, 'ongoing-request="true"')
  t.match(await refusal(read()), { name: 'InvalidObjectState' })
  t.match(await refusal(restore(Bucket, Key, 2, 'Bulk')), { name: 'RestoreAlreadyInProgress', status: 409 })
  t.equal(await statusOf(restore(Bucket, Key, 2, 'Expedited')), 202, 'a faster tier')
  const listed = async () => {
    const OptionalObjectAttributes = ['RestoreStatus'] as const
    const query = { Bucket, Prefix: Key, OptionalObjectAttributes: [...OptionalObjectAttributes] }
    const one = await client.send(new ListObjectsV2Command(query))
    const two = await client.send(new ListObjectsCommand(query))
    const three = await client.send(new ListObjectVersionsCommand(query))
    t.same(two.Contents?.[0]?.RestoreStatus, one.Contents?.[0]?.RestoreStatus)
    t.same(three.Versions?.[0]?.RestoreStatus, one.Contents?.[0]?.RestoreStatus)
    return one.Contents?.[0]?.RestoreStatus
  }
  t.same(await listed(), { IsRestoreInProgress: true })
  const plain = await client.send(new ListObjectsV2Command({ Bucket }))
  t.equal(plain.Contents?.[0]?.RestoreStatus, undefined, 'not asked for')

  const readyMs = (await now()) + 5 * minuteMs
  await move(6 * minuteMs)
  const expiry = midnightAfter(readyMs, 2)
  t.equal((await head()).Restore, `ongoing-request="false", expiry-date="${expiry}"`)
  t.same(await listed(), { IsRestoreInProgress: false, RestoreExpiryDate: new Date(expiry) })
  const answer = await read()
  t.match(answer, { StorageClass: 'GLACIER', Restore: `ongoing-request="false", expiry-date="${expiry}"` })
  t.equal((await bytesOf(answer)).toString(), 'cold bytes')
  await copy()
  const copied = await client.send(new GetObjectCommand({ Bucket, Key: 'copy' }))
  t.match(copied, { StorageClass: undefined, Restore: undefined })
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'parts' }))
  await client.send(new UploadPartCopyCommand({ Bucket, Key: 'parts', UploadId, PartNumber: 1, CopySource }))

  t.equal(await statusOf(restore(Bucket, Key, 4)), 200, 'kept longer')
  t.equal((await head()).Restore, `ongoing-request="false", expiry-date="${midnightAfter(await now(), 4)}"`)
  await move(6 * dayMs)
  t.equal((await head()).Restore, undefined)
  t.equal(await listed(), undefined)
  t.match(await refusal(read()), { name: 'InvalidObjectState' })
  t.equal(await statusOf(restore(Bucket, Key, 1)), 202, 'once more')
})

t.test('RestoreObject: an older version → that one; what is not archived → refused', async t => {
  const Bucket = await newBucket(client)
  await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
  const put = async (Key: string, StorageClass: 'STANDARD' | 'GLACIER_IR' | 'DEEP_ARCHIVE') =>
    (await client.send(new PutObjectCommand({ Bucket, Key, Body: StorageClass, StorageClass }))).VersionId
  const VersionId = (await put('a', 'DEEP_ARCHIVE'))!
  await put('a', 'STANDARD')
  t.match(await refusal(restore(Bucket, 'a', 1)), { name: 'InvalidObjectState', status: 403 })
  t.match(await refusal(restore(Bucket, 'a', 1, 'Expedited', VersionId)), { name: 'InvalidTier' })
  t.match(await refusal(restore(Bucket, 'a', 0, 'Bulk', VersionId)), { name: 'InvalidArgument' })
  t.equal(await statusOf(restore(Bucket, 'a', 1, 'Bulk', VersionId)), 202)
  const read = () => client.send(new GetObjectCommand({ Bucket, Key: 'a', VersionId }))
  await move(47 * 60 * minuteMs)
  t.match(await refusal(read()), { name: 'InvalidObjectState' })
  await move(2 * 60 * minuteMs)
  t.equal((await bytesOf(await read())).toString(), 'DEEP_ARCHIVE')
  await put('instant', 'GLACIER_IR')
  t.equal((await bytesOf(await client.send(new GetObjectCommand({ Bucket, Key: 'instant' })))).toString(), 'GLACIER_IR')
  t.match(await refusal(restore(Bucket, 'nothing', 1)), { name: 'NoSuchKey', status: 404 })
  const marker = await client.send(new DeleteObjectCommand({ Bucket, Key: 'a' }))
  t.match(await refusal(restore(Bucket, 'a', 1, 'Bulk', marker.VersionId)), { name: 'MethodNotAllowed', status: 405 })
})

t.test('RestoreObject: a short day → the wait is as much shorter', async t => {
  const short = await startServer(t, { args: ['--lifecycle-day', '1'], ephemeral: true })
  const its = s3(t, short)
  const Bucket = await newBucket(its)
  await its.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'x', StorageClass: 'GLACIER' }))
  await its.send(new RestoreObjectCommand({ Bucket, Key: 'a', RestoreRequest: { Days: 3600 } }))
  // Five hours are 208 ms of it.
  for (;;) {
    const { Restore } = await its.send(new HeadObjectCommand({ Bucket, Key: 'a' }))
    if (Restore?.startsWith('ongoing-request="false"')) break
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  t.equal((await bytesOf(await its.send(new GetObjectCommand({ Bucket, Key: 'a' })))).toString(), 'x')
})
