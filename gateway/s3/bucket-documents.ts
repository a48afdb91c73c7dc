/** Configurations that say what happens to a bucket's contents, and how it is reached: put, got and deleted. */
import { fault } from '../../protocol/fault.ts'
import type { Handlers } from '../../protocol/operation.ts'
import type { documentOperations } from '../../protocol/s3/bucket-documents.ts'
import { defaultBucketEncryption } from '../../protocol/s3/bucket-encryption.ts'
import { noNotifications } from '../../protocol/s3/notification.ts'
import type { RequestContext } from '../context.ts'
import { startLogging, startNotifying, startReplicating } from './delivery-settings.ts'
import { bucketRef } from './object-ref.ts'
import { read, set, unset } from './setting-access.ts'

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
    const { principal, nowMs, services } = context
    return services.database.write(() => startLogging(bucketRef(context, bucket), value, principal.account, nowMs))
  },
  GetBucketLogging(context, { bucket }) {
    return read(context, bucket, ({ is }) => is.logging ?? ('none' as const))
  },

  PutBucketReplication(context, { bucket, value }) {
    return context.services.database.write(() => startReplicating(bucketRef(context, bucket), value))
  },
  GetBucketReplication(context, { bucket }) {
    return read(context, bucket, ({ is }) => is.replication ?? fault('replication-configuration-missing', { bucket }))
  },
  DeleteBucketReplication(context, { bucket }) {
    return unset(context, bucket, 'replication')
  },

  PutBucketNotificationConfiguration(context, { bucket, value }) {
    return context.services.database.write(() => startNotifying(bucketRef(context, bucket), value, context.nowMs))
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
