/** Object lock as a user's tests see it. Expected: S3 User Guide, "Locking objects with Object Lock". */
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  type DefaultRetention,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  GetObjectLegalHoldCommand,
  GetObjectLockConfigurationCommand,
  GetObjectRetentionCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  type ObjectLockLegalHoldStatus,
  type ObjectLockRetention,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  PutObjectLegalHoldCommand,
  PutObjectLockConfigurationCommand,
  PutObjectRetentionCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { bytesOf, movableClock, newBucket, refusal, s3 } from '../support/clients.ts'
import { startServer } from '../support/server.ts'

const dayMs = 86_400_000

const server = await startServer(t)
const client = s3(t, server)
const move = movableClock(client, server)
const now = async () => ((await (await fetch(`${server.origin}/_mockfactory/clock`)).json()) as { nowMs: number }).nowMs
/** So many days ahead, in whole seconds. */
const ahead = async (days: number) => new Date(Math.floor(((await now()) + days * dayMs) / 1000) * 1000)

let buckets = 0
async function lockedBucket(standard?: DefaultRetention): Promise<string> {
  const Bucket = `locked-${process.pid}-${++buckets}`
  await client.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }))
  if (standard !== undefined) await setDefault(Bucket, standard)
  return Bucket
}
const setDefault = (Bucket: string, standard: DefaultRetention | undefined) =>
  client.send(
    new PutObjectLockConfigurationCommand({
      Bucket,
      ObjectLockConfiguration: {
        ObjectLockEnabled: 'Enabled',
        ...(standard === undefined ? {} : { Rule: { DefaultRetention: standard } }),
      },
    }),
  )
const configuration = async (Bucket: string) =>
  (await client.send(new GetObjectLockConfigurationCommand({ Bucket }))).ObjectLockConfiguration
const put = async (Bucket: string, more: Partial<PutObjectCommandInput> = {}) =>
  (await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x', ...more }))).VersionId!
const remove = (Bucket: string, VersionId?: string, BypassGovernanceRetention?: boolean) =>
  client.send(new DeleteObjectCommand({ Bucket, Key: 'k', VersionId, BypassGovernanceRetention }))
const head = (Bucket: string, VersionId?: string) => client.send(new HeadObjectCommand({ Bucket, Key: 'k', VersionId }))
const retain = (Bucket: string, Retention: ObjectLockRetention, BypassGovernanceRetention?: boolean) =>
  client.send(new PutObjectRetentionCommand({ Bucket, Key: 'k', Retention, BypassGovernanceRetention }))
const retention = async (Bucket: string, VersionId?: string) =>
  (await client.send(new GetObjectRetentionCommand({ Bucket, Key: 'k', VersionId }))).Retention
const hold = (Bucket: string, Status: ObjectLockLegalHoldStatus, VersionId?: string) =>
  client.send(new PutObjectLegalHoldCommand({ Bucket, Key: 'k', VersionId, LegalHold: { Status } }))
const holdOf = async (Bucket: string) =>
  (await client.send(new GetObjectLegalHoldCommand({ Bucket, Key: 'k' }))).LegalHold?.Status
const denied = { name: 'AccessDenied', status: 403 }
const invalid = { name: 'InvalidRequest', status: 400 }
const badArgument = { name: 'InvalidArgument', status: 400 }

t.test('CreateBucket: with object lock → versioning is on and cannot be suspended', async t => {
  const Bucket = await lockedBucket()
  t.same(await configuration(Bucket), { ObjectLockEnabled: 'Enabled' })
  const status = async () => (await client.send(new GetBucketVersioningCommand({ Bucket }))).Status
  t.equal(await status(), 'Enabled')
  const VersioningConfiguration = { Status: 'Suspended' } as const
  const suspended = client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }))
  t.match(await refusal(suspended), { name: 'InvalidBucketState', status: 409 })
  t.equal(await status(), 'Enabled')
})

t.test('PutObjectLockConfiguration: a bucket that has versions → locked from then on; without → refused', async t => {
  const Bucket = await newBucket(client)
  const missing = { name: 'ObjectLockConfigurationNotFoundError', status: 404 }
  t.match(await refusal(configuration(Bucket)), missing)
  t.match(await refusal(setDefault(Bucket, undefined)), { name: 'InvalidBucketState', status: 409 })
  t.match(await refusal(configuration(Bucket)), missing)
  const VersioningConfiguration = { Status: 'Enabled' } as const
  await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }))
  await setDefault(Bucket, { Mode: 'GOVERNANCE', Years: 1 })
  t.match(await configuration(Bucket), { Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Years: 1 } } })
  t.match(await refusal(remove(Bucket, await put(Bucket))), denied)
})

t.test('PutObjectLockConfiguration: days and years, neither, a mode that is none → MalformedXML', async t => {
  const Bucket = await lockedBucket()
  for (const standard of [
    { Mode: 'GOVERNANCE', Days: 1, Years: 1 },
    { Mode: 'GOVERNANCE' },
    { Mode: 'LENIENT' as 'GOVERNANCE', Days: 1 },
    { Days: 1 },
  ] as const)
    t.match(
      await refusal(setDefault(Bucket, standard)),
      { name: 'MalformedXML', status: 400 },
      JSON.stringify(standard),
    )
  for (const Days of [0, -1]) t.equal((await refusal(setDefault(Bucket, { Mode: 'GOVERNANCE', Days }))).status, 400)
  t.same(await configuration(Bucket), { ObjectLockEnabled: 'Enabled' })
})

t.test('default retention: new versions → kept so long; what they say themselves goes first', async t => {
  const Bucket = await lockedBucket({ Mode: 'GOVERNANCE', Days: 2 })
  const before = await now()
  const VersionId = await put(Bucket)
  const after = await now()
  const { Mode, RetainUntilDate } = (await retention(Bucket, VersionId))!
  t.equal(Mode, 'GOVERNANCE')
  const until = RetainUntilDate!.getTime()
  t.ok(until >= Math.floor(before / 1000) * 1000 + 2 * dayMs && until <= after + 2 * dayMs, 'days from its creation')
  const read = await client.send(new GetObjectCommand({ Bucket, Key: 'k' }))
  await bytesOf(read)
  for (const answer of [read, await head(Bucket)])
    t.match(answer, { ObjectLockMode: Mode, ObjectLockRetainUntilDate: RetainUntilDate })
  t.match(await refusal(remove(Bucket, VersionId)), denied)

  const date = await ahead(9)
  const own = await put(Bucket, { ObjectLockMode: 'COMPLIANCE', ObjectLockRetainUntilDate: date })
  t.same(await retention(Bucket, own), { Mode: 'COMPLIANCE', RetainUntilDate: date })
  await setDefault(Bucket, undefined)
  const free = await put(Bucket)
  t.match(await refusal(retention(Bucket, free)), { name: 'NoSuchObjectLockConfiguration', status: 404 })
  t.same(await retention(Bucket, VersionId), { Mode, RetainUntilDate }, 'older versions keep theirs')
  t.equal((await remove(Bucket, free)).$metadata.httpStatusCode, 204)
})

t.test('default retention: copies and multipart uploads → kept as well', async t => {
  const Bucket = await lockedBucket({ Mode: 'GOVERNANCE', Days: 2 })
  const source = await lockedBucket()
  await put(source)
  const CopySource = `${source}/k`
  const copied = await client.send(new CopyObjectCommand({ Bucket, Key: 'k', CopySource }))
  t.equal((await retention(Bucket, copied.VersionId))?.Mode, 'GOVERNANCE')
  const at = { Bucket, Key: 'k' }
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(at))
  const { ETag } = await client.send(new UploadPartCommand({ ...at, UploadId, PartNumber: 1, Body: 'x' }))
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
  const done = await client.send(new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload }))
  t.equal((await retention(Bucket, done.VersionId))?.Mode, 'GOVERNANCE')
  const back = await client.send(new CopyObjectCommand({ Bucket: source, Key: 'k', CopySource: `${Bucket}/k` }))
  t.match(await refusal(retention(source, back.VersionId)), { name: 'NoSuchObjectLockConfiguration' }, 'not copied')
})

t.test(
  'DeleteObject: GOVERNANCE → AccessDenied, with the bypass gone; COMPLIANCE → AccessDenied either way',
  async t => {
    const Bucket = await lockedBucket()
    const ObjectLockRetainUntilDate = await ahead(2)
    const governed = await put(Bucket, { ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate })
    const complied = await put(Bucket, { ObjectLockMode: 'COMPLIANCE', ObjectLockRetainUntilDate })
    t.match(await refusal(remove(Bucket, governed)), denied)
    t.match(await refusal(remove(Bucket, governed, false)), denied)
    t.match(await refusal(remove(Bucket, complied)), denied)
    t.match(await refusal(remove(Bucket, complied, true)), denied)
    const removed = await remove(Bucket, governed, true)
    t.match(removed, { VersionId: governed, DeleteMarker: undefined })
    t.equal((await refusal(head(Bucket, governed))).status, 404)
    t.equal((await head(Bucket, complied)).ObjectLockMode, 'COMPLIANCE')
  },
)

t.test('DeleteObject, PutObject: no version named → a marker, a version on top; what is locked stays', async t => {
  const Bucket = await lockedBucket({ Mode: 'COMPLIANCE', Days: 1 })
  const VersionId = await put(Bucket)
  const marker = await remove(Bucket)
  t.equal(marker.DeleteMarker, true)
  t.equal((await head(Bucket, VersionId)).VersionId, VersionId)
  const onMarker = new GetObjectRetentionCommand({ Bucket, Key: 'k', VersionId: marker.VersionId })
  t.match(await refusal(client.send(onMarker)), { name: 'MethodNotAllowed', status: 405 })
  t.match(await remove(Bucket, marker.VersionId), { DeleteMarker: true }, 'a marker is never locked')
  const newer = await put(Bucket, { Body: 'newer' })
  const { Versions } = await client.send(new ListObjectVersionsCommand({ Bucket }))
  t.same(
    Versions?.map(version => version.VersionId),
    [newer, VersionId],
  )
  const gone = client.send(new DeleteBucketCommand({ Bucket }))
  t.match(await refusal(gone), { name: 'BucketNotEmpty', status: 409 })
})

t.test('PutObjectRetention: GOVERNANCE → longer by anybody; shorter, other, away with the bypass only', async t => {
  const Bucket = await lockedBucket()
  await put(Bucket)
  const Mode = 'GOVERNANCE'
  const [one, two, five] = [await ahead(1), await ahead(2), await ahead(5)]
  await retain(Bucket, { Mode, RetainUntilDate: two })
  t.same(await retention(Bucket), { Mode, RetainUntilDate: two })
  await retain(Bucket, { Mode, RetainUntilDate: five })
  t.same(await retention(Bucket), { Mode, RetainUntilDate: five })
  t.match(await refusal(retain(Bucket, { Mode, RetainUntilDate: one })), denied)
  t.match(await refusal(retain(Bucket, {})), denied)
  t.same(await retention(Bucket), { Mode, RetainUntilDate: five })
  await retain(Bucket, { Mode, RetainUntilDate: one }, true)
  t.same(await retention(Bucket), { Mode, RetainUntilDate: one })
  await retain(Bucket, { Mode: 'COMPLIANCE', RetainUntilDate: two }, true)
  t.same(await retention(Bucket), { Mode: 'COMPLIANCE', RetainUntilDate: two })
  const other = await lockedBucket({ Mode, Days: 3 })
  const VersionId = await put(other)
  await retain(other, {}, true)
  t.match(await refusal(retention(other)), { name: 'NoSuchObjectLockConfiguration', status: 404 })
  t.equal((await remove(other, VersionId)).$metadata.httpStatusCode, 204)
})

t.test('PutObjectRetention: COMPLIANCE → longer only, whatever is bypassed', async t => {
  const Bucket = await lockedBucket()
  const Mode = 'COMPLIANCE'
  const [one, two, five] = [await ahead(1), await ahead(2), await ahead(5)]
  await put(Bucket, { ObjectLockMode: Mode, ObjectLockRetainUntilDate: two })
  await retain(Bucket, { Mode, RetainUntilDate: five })
  for (const bypass of [undefined, true]) {
    t.match(await refusal(retain(Bucket, { Mode, RetainUntilDate: one }, bypass)), denied)
    t.match(await refusal(retain(Bucket, { Mode: 'GOVERNANCE', RetainUntilDate: five }, bypass)), denied)
    t.match(await refusal(retain(Bucket, {}, bypass)), denied)
  }
  t.same(await retention(Bucket), { Mode, RetainUntilDate: five })
})

t.test('PutObjectRetention: of an older version → that one alone', async t => {
  const Bucket = await lockedBucket()
  const [older, newer] = [await put(Bucket), await put(Bucket)]
  const Retention = { Mode: 'GOVERNANCE', RetainUntilDate: await ahead(1) } as const
  await client.send(new PutObjectRetentionCommand({ Bucket, Key: 'k', VersionId: older, Retention }))
  t.same(await retention(Bucket, older), Retention)
  t.match(await refusal(retention(Bucket, newer)), { name: 'NoSuchObjectLockConfiguration' })
  await remove(Bucket, newer)
  t.match(await refusal(remove(Bucket, older)), denied)
})

t.test('retention: in the past, half of it, a mode that is none → refused', async t => {
  const Bucket = await lockedBucket()
  const VersionId = await put(Bucket)
  const past = new Date('2020-01-01T00:00:00Z')
  const Mode = 'GOVERNANCE'
  t.match(await refusal(retain(Bucket, { Mode, RetainUntilDate: past })), badArgument)
  const malformed = { name: 'MalformedXML', status: 400 }
  t.match(await refusal(retain(Bucket, { Mode })), malformed)
  t.match(await refusal(retain(Bucket, { RetainUntilDate: await ahead(1) })), malformed)
  t.match(
    await refusal(retain(Bucket, { Mode: 'LENIENT' as 'GOVERNANCE', RetainUntilDate: await ahead(1) })),
    malformed,
  )
  t.match(await refusal(put(Bucket, { ObjectLockMode: Mode, ObjectLockRetainUntilDate: past })), badArgument)
  t.match(await refusal(put(Bucket, { ObjectLockMode: Mode })), badArgument)
  t.match(await refusal(put(Bucket, { ObjectLockRetainUntilDate: await ahead(1) })), badArgument)
  const { Versions } = await client.send(new ListObjectVersionsCommand({ Bucket }))
  t.match(Versions, [{ VersionId }])
  t.equal(Versions?.length, 1, 'nothing was put')
})

t.test('legal hold: on → no delete, with or without retention; off → free', async t => {
  const Bucket = await lockedBucket()
  const VersionId = await put(Bucket)
  t.match(await refusal(holdOf(Bucket)), { name: 'NoSuchObjectLockConfiguration', status: 404 })
  await hold(Bucket, 'ON')
  t.equal(await holdOf(Bucket), 'ON')
  t.equal((await head(Bucket)).ObjectLockLegalHoldStatus, 'ON')
  t.match(await refusal(remove(Bucket, VersionId)), denied)
  t.match(await refusal(remove(Bucket, VersionId, true)), denied, 'the bypass is about retention')
  t.equal((await remove(Bucket)).DeleteMarker, true)
  await hold(Bucket, 'OFF', VersionId)
  t.equal((await head(Bucket, VersionId)).ObjectLockLegalHoldStatus, 'OFF')
  t.equal((await remove(Bucket, VersionId)).$metadata.httpStatusCode, 204)

  const more = { ObjectLockLegalHoldStatus: 'ON', ObjectLockMode: 'GOVERNANCE' } as const
  const both = await put(Bucket, { ...more, ObjectLockRetainUntilDate: await ahead(1) })
  t.match(await refusal(remove(Bucket, both, true)), denied)
  await hold(Bucket, 'OFF', both)
  t.match(await refusal(remove(Bucket, both)), denied, 'retention is left')
  await remove(Bucket, both, true)
  const word = hold(Bucket, 'MAYBE' as 'ON', await put(Bucket))
  t.match(await refusal(word), { name: 'MalformedXML', status: 400 })
  t.match(await refusal(put(Bucket, { ObjectLockLegalHoldStatus: 'MAYBE' as 'ON' })), badArgument)
})

t.test('a bucket without lock → InvalidRequest, for what is put and what is asked', async t => {
  const Bucket = await newBucket(client)
  await put(Bucket)
  const date = await ahead(1)
  for (const refused of [
    () => put(Bucket, { ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: date }),
    () => put(Bucket, { ObjectLockLegalHoldStatus: 'ON' }),
    () => retain(Bucket, { Mode: 'GOVERNANCE', RetainUntilDate: date }),
    () => retention(Bucket),
    () => hold(Bucket, 'ON'),
    () => holdOf(Bucket),
  ])
    t.match(await refusal(refused()), invalid, String(refused))
  t.equal((await remove(Bucket)).$metadata.httpStatusCode, 204)
})

t.test('DeleteObjects: some locked → errors for those, the others go; with the bypass the governed too', async t => {
  const Bucket = await lockedBucket()
  const ObjectLockRetainUntilDate = await ahead(1)
  const free = await put(Bucket)
  const governed = await put(Bucket, { ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate })
  const complied = await put(Bucket, { ObjectLockMode: 'COMPLIANCE', ObjectLockRetainUntilDate })
  const removeAll = (ids: readonly string[], BypassGovernanceRetention?: boolean) => {
    const Objects = ids.map(VersionId => ({ Key: 'k', VersionId }))
    return client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects }, BypassGovernanceRetention }))
  }
  const first = await removeAll([free, governed, complied])
  t.same(first.Deleted, [{ Key: 'k', VersionId: free }])
  t.match(first.Errors, [
    { Key: 'k', VersionId: governed, Code: 'AccessDenied' },
    { Key: 'k', VersionId: complied, Code: 'AccessDenied' },
  ])
  t.equal(first.Errors?.length, 2)
  const second = await removeAll([governed, complied], true)
  t.same(second.Deleted, [{ Key: 'k', VersionId: governed }])
  t.match(second.Errors, [{ VersionId: complied, Code: 'AccessDenied' }])
  const Delete = { Objects: [{ Key: 'k' }] }
  const marked = await client.send(new DeleteObjectsCommand({ Bucket, Delete }))
  t.match(marked.Deleted, [{ Key: 'k', DeleteMarker: true }])
  t.equal(marked.Errors, undefined)
})

t.test('the clock is moved → retention ends and the version can go; a legal hold does not end', async t => {
  const Bucket = await lockedBucket({ Mode: 'COMPLIANCE', Days: 1 })
  const first = await put(Bucket)
  const held = await put(Bucket, { ObjectLockLegalHoldStatus: 'ON' })
  await move(dayMs / 2)
  t.match(await refusal(remove(Bucket, first)), denied)
  const later = await put(Bucket)
  await move(dayMs / 2)
  t.equal((await retention(Bucket, first))?.Mode, 'COMPLIANCE', 'still told')
  t.equal((await remove(Bucket, first)).$metadata.httpStatusCode, 204)
  t.match(await refusal(remove(Bucket, later)), denied, 'each from its own creation')
  await move(dayMs / 2)
  t.equal((await remove(Bucket, later)).$metadata.httpStatusCode, 204)
  t.match(await refusal(remove(Bucket, held)), denied)
  const RetainUntilDate = await ahead(1)
  await retain(Bucket, { Mode: 'GOVERNANCE', RetainUntilDate })
  t.same(await retention(Bucket), { Mode: 'GOVERNANCE', RetainUntilDate }, 'what has ended binds no more')
  await hold(Bucket, 'OFF', held)
  t.match(await refusal(remove(Bucket, held)), denied)
  await move(2 * dayMs)
  t.equal((await remove(Bucket, held)).$metadata.httpStatusCode, 204)
  t.equal((await client.send(new DeleteBucketCommand({ Bucket }))).$metadata.httpStatusCode, 204)
})
