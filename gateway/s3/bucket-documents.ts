/** Configurations that say what happens to a bucket's contents, and how it is reached: put, got and deleted. */
import type { Unit } from '../../platform/database/unit.ts'
import { Fault, fault } from '../../protocol/fault.ts'
import type { Handlers } from '../../protocol/operation.ts'
import type { documentOperations } from '../../protocol/s3/bucket-documents.ts'
import { defaultBucketEncryption } from '../../protocol/s3/bucket-encryption.ts'
import type { BucketLogging } from '../../protocol/s3/bucket-logging.ts'
import { noNotifications } from '../../protocol/s3/notification.ts'
import { checkDestinationRegions } from '../../protocol/s3/notification-destinations.ts'
import type { RequestContext } from '../context.ts'
import { type BucketFault, type BucketRef, Versioning } from '../store/contract.ts'
import { bucketSettings, changeSettings, findBucketRegion } from '../store/settings.ts'
import { bucketRef } from './object-ref.ts'
import { change, read, set, setIf, unset } from './setting-access.ts'

const versionsNeeded = fault('request-invalid', {
  message: "Versioning must be 'Enabled' on the bucket to apply a replication configuration",
})

export const documentHandlers: Handlers<typeof documentOperations, RequestContext> = {
  PutBucketCors(context, { bucket, value }) {
    return set(context, bucket, 'cors', value)
  },
  GetBucketCors(context, { bucket }) {
    return read(context, bucket, ({ is }) => is.cors ?? fault('cors-missing', { bucket }))
  },
  DeleteBucketCors(context, { bucket }) {
    return unset(context, bucket, 'cors')
  },

  PutBucketWebsite(context, { bucket, value }) {
    return set(context, bucket, 'website', value)
  },
  GetBucketWebsite(context, { bucket }) {
    return read(context, bucket, ({ is }) => is.website ?? fault('website-missing', { bucket }))
  },
  DeleteBucketWebsite(context, { bucket }) {
    return unset(context, bucket, 'website')
  },

  async PutBucketLifecycleConfiguration(context, { bucket, value }) {
    return (await set(context, bucket, 'lifecycle', value)) ?? value
  },
  GetBucketLifecycleConfiguration(context, { bucket }) {
    return read(context, bucket, ({ is }) => is.lifecycle ?? fault('lifecycle-missing', { bucket }))
  },
  DeleteBucketLifecycle(context, { bucket }) {
    return unset(context, bucket, 'lifecycle')
  },

  PutBucketEncryption(context, { bucket, value }) {
    return set(context, bucket, 'encryption', value)
  },
  GetBucketEncryption(context, { bucket }) {
    // S3 has encrypted everything since 2023; Ceph says whether it was asked to.
    const unset =
      context.services.dialect === 'ceph'
        ? fault('encryption-configuration-missing', { bucket })
        : defaultBucketEncryption
    return read(context, bucket, ({ is }) => is.encryption ?? unset)
  },
  DeleteBucketEncryption(context, { bucket }) {
    return unset(context, bucket, 'encryption')
  },

  PutBucketLogging(context, { bucket, value }) {
    if (value === 'none') return unset(context, bucket, 'logging')
    return context.services.database.write(() => startLogging(bucketRef(context, bucket), value))
  },
  GetBucketLogging(context, { bucket }) {
    return read(context, bucket, ({ is }) => is.logging ?? ('none' as const))
  },

  PutBucketReplication(context, { bucket, value }) {
    return setIf(context, bucket, 'replication', value, ({ versioning }) =>
      versioning === Versioning.enabled ? undefined : versionsNeeded,
    )
  },
  GetBucketReplication(context, { bucket }) {
    return read(context, bucket, ({ is }) => is.replication ?? fault('replication-configuration-missing', { bucket }))
  },
  DeleteBucketReplication(context, { bucket }) {
    return unset(context, bucket, 'replication')
  },

  PutBucketNotificationConfiguration(context, { bucket, value }) {
    const notification = value.rules.length > 0 || value.eventBridge ? value : undefined
    return change(context, bucket, ({ region }) => checkDestinationRegions(value, region) ?? { notification })
  },
  GetBucketNotificationConfiguration(context, { bucket }) {
    return read(context, bucket, ({ is }) => is.notification ?? noNotifications)
  },

  PutBucketRequestPayment(context, { bucket, value }) {
    return set(context, bucket, 'requestPayment', value === 'Requester' ? value : undefined)
  },
  GetBucketRequestPayment(context, { bucket }) {
    return read(context, bucket, ({ is }) => is.requestPayment ?? ('BucketOwner' as const))
  },

  PutBucketAccelerateConfiguration(context, { bucket, value }) {
    return set(context, bucket, 'acceleration', value)
  },
  GetBucketAccelerateConfiguration(context, { bucket }) {
    return read(context, bucket, ({ is }) => is.acceleration)
  },

  PutBucketAbac(context, { bucket, value }) {
    return set(context, bucket, 'abac', value === 'Enabled' ? value : undefined)
  },
  GetBucketAbac(context, { bucket }) {
    return read(context, bucket, ({ is }) => is.abac ?? ('Disabled' as const))
  },
}

/** Logs go to a bucket of the same owner in the same region. */
function* startLogging(
  ref: BucketRef,
  logging: BucketLogging,
): Unit<undefined | BucketFault | Fault<'log-target-invalid'> | Fault<'log-target-elsewhere'>> {
  const bucket = yield* bucketSettings(ref)
  if (bucket instanceof Fault) return bucket
  const target = yield* findBucketRegion(ref.environmentId, logging.targetBucket)
  if (target === undefined || target.ownerId !== bucket.ownerId)
    return fault('log-target-invalid', { bucket: logging.targetBucket })
  if (target.region !== bucket.region)
    return fault('log-target-elsewhere', { region: bucket.region, targetRegion: target.region })
  return yield* changeSettings(ref, () => ({ logging }))
}
