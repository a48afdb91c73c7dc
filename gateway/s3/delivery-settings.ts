/** Settings that name where something is sent: queues, other buckets. Each is looked up before it is taken. */
import type { Unit } from '../../platform/database/unit.ts'
import { Fault, fault } from '../../protocol/fault.ts'
import { accessLogKey } from '../../protocol/s3/access-log.ts'
import type { NewNotification } from '../../protocol/s3/bucket-documents.ts'
import type { BucketLogging } from '../../protocol/s3/bucket-logging.ts'
import { checkDestinationRegions, destinationsInvalid } from '../../protocol/s3/notification-destinations.ts'
import type { ArgumentFault } from '../../protocol/s3/parameters.ts'
import type { ReplicationConfiguration } from '../../protocol/s3/replication.ts'
import { destinationBucket } from '../../protocol/s3/replication-rules.ts'
import { guardsOf } from '../rules/guards.ts'
import { mayDeliverLogs } from '../rules/log-delivery.ts'
import { type BucketFault, type BucketRef, Versioning } from '../store/contract.ts'
import { sendTestEvents } from '../store/events.ts'
import { bucketSettings, changeSettings, findOtherBucket } from '../store/settings.ts'

/** Every queue is sent the test event; one that is not there keeps the whole configuration from being taken. */
export function* startNotifying(
  ref: BucketRef,
  { configuration, skipsValidation }: NewNotification,
  nowMs: number,
): Unit<undefined | BucketFault | ArgumentFault | Fault<'destinations-invalid'>> {
  const bucket = yield* bucketSettings(ref)
  if (bucket instanceof Fault) return bucket
  const elsewhere = checkDestinationRegions(configuration, bucket.region)
  if (elsewhere !== undefined) return elsewhere
  if (!skipsValidation) {
    const failures = yield* sendTestEvents(ref, configuration, nowMs)
    if (failures.length > 0) return destinationsInvalid(failures)
  }
  const asks = configuration.rules.length > 0 || configuration.eventBridge
  return yield* changeSettings(ref, () => ({ notification: asks ? configuration : undefined }))
}

const otherOwner = 'The owner for the bucket to be logged and the target bucket must be the same.'
const notPermitted =
  'You must either provide the necessary permissions to the logging service using a bucket policy or give the ' +
  'log-delivery group WRITE and READ_ACP permissions to the target bucket'

/** Logs go to a bucket of the same owner in the same region that lets S3's log delivery write. */
export function* startLogging(
  ref: BucketRef,
  logging: BucketLogging,
  account: string,
  nowMs: number,
): Unit<
  undefined | BucketFault | Fault<'log-target-invalid'> | Fault<'log-target-elsewhere'> | Fault<'acl-unsupported'>
> {
  const bucket = yield* bucketSettings(ref)
  if (bucket instanceof Fault) return bucket
  const { targetBucket, targetPrefix: prefix, keyFormat: format, targetGrants } = logging
  const target = yield* findOtherBucket(ref.environmentId, targetBucket)
  if (target === undefined) return fault('log-target-invalid', { bucket: targetBucket })
  if (target.ownerId !== bucket.ownerId)
    return fault('log-target-invalid', { bucket: targetBucket, message: otherOwner })
  if (target.region !== bucket.region)
    return fault('log-target-elsewhere', { region: bucket.region, targetRegion: target.region })
  const guards = guardsOf(target.is, targetBucket)
  if (targetGrants !== undefined && targetGrants.length > 0 && guards.ownership === 'BucketOwnerEnforced')
    return fault('acl-unsupported')
  const key = accessLogKey({
    prefix,
    format,
    sourceAccount: account,
    sourceRegion: bucket.region,
    sourceBucket: ref.bucket,
    deliveredAtMs: nowMs,
    eventsAtMs: nowMs,
    uniqueString: '0000000000000000',
  })
  if (!mayDeliverLogs(guards, { source: ref.bucket, account, target: targetBucket, key }))
    return fault('log-target-invalid', { bucket: targetBucket, message: notPermitted })
  return yield* changeSettings(ref, () => ({ logging }))
}

function refused(message: string): Fault<'request-invalid'> {
  return fault('request-invalid', { message })
}

/** Both buckets keep versions. */
export function* startReplicating(
  ref: BucketRef,
  replication: ReplicationConfiguration,
): Unit<undefined | BucketFault | Fault<'request-invalid'>> {
  const bucket = yield* bucketSettings(ref)
  if (bucket instanceof Fault) return bucket
  if (bucket.versioning !== Versioning.enabled)
    return refused("Versioning must be 'Enabled' on the bucket to apply a replication configuration")
  for (const name of new Set(replication.rules.map(destinationBucket))) {
    const target = yield* findOtherBucket(ref.environmentId, name)
    if (target === undefined) return refused('Destination bucket must exist.')
    if (target.versioning !== Versioning.enabled) return refused('Destination bucket must have versioning enabled.')
  }
  return yield* changeSettings(ref, () => ({ replication }))
}
