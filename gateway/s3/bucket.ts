import type { Unit } from '../../platform/database/unit.ts'
import { Fault } from '../../protocol/fault.ts'
import type { Handlers } from '../../protocol/operation.ts'
import type { BucketAnswer, bucketOperations } from '../../protocol/s3/bucket.ts'
import { globalRegion, regionOfNewBucket } from '../../protocol/s3/regions.ts'
import type { RequestContext } from '../context.ts'
import { createBucket, deleteBucket, resolveBucket } from '../store/buckets.ts'
import type { BucketFault, BucketRef } from '../store/contract.ts'
import { bucketRef } from './object-ref.ts'

/** Buckets of one identity; S3's default quota. */
const bucketLimit = 10_000

export const bucketHandlers: Handlers<typeof bucketOperations, RequestContext> = {
  async CreateBucket({ services, principal, nowMs }, { bucket, locationConstraint }) {
    const region = regionOfNewBucket(locationConstraint, principal.region)
    if (region instanceof Fault) return region
    const { environmentId, identityId } = principal
    const made = await services.database.write(() =>
      createBucket({ environmentId, identityId, name: bucket, region, nowMs, limit: bucketLimit }),
    )
    if (!(made instanceof Fault)) return { bucket, region }
    // In the oldest region, making one's own bucket again succeeds and changes nothing (S3 API, CreateBucket).
    const { region: existing } = made.detail
    const again = made.code === 'bucket-owned' && region === globalRegion && existing === globalRegion
    return again ? { bucket, region } : made
  },

  HeadBucket(context, { bucket }) {
    return context.services.database.read(() => regionOf(bucketRef(context, bucket)))
  },

  DeleteBucket(context, { bucket }) {
    return context.services.database.write(() => deleteBucket(bucketRef(context, bucket)))
  },

  /** Answered through every region's endpoint: it is what clients that guessed the region wrong ask. */
  GetBucketLocation(context, { bucket }) {
    return context.services.database.read(() => regionOf({ ...bucketRef(context, bucket), region: '' }))
  },
}

function* regionOf(ref: BucketRef): Unit<BucketAnswer | BucketFault> {
  const found = yield* resolveBucket(ref)
  return found instanceof Fault ? found : { bucket: ref.bucket, region: found.region }
}
