/** What guards a bucket, from its settings. Pure; derived once per settings. */
import { Fault } from '../../protocol/fault.ts'
import { parseKeptPolicy } from '../../protocol/s3/bucket-policy.ts'
import type { PublicAccessBlock } from '../../protocol/s3/public-access-block.ts'
import type { BucketSettings } from '../../protocol/settings.ts'
import type { BucketGuards } from './access.ts'

/** As S3 has made new buckets since April 2023. */
export const blockAll: PublicAccessBlock = Object.freeze({
  blockPublicAcls: true,
  ignorePublicAcls: true,
  blockPublicPolicy: true,
  restrictPublicBuckets: true,
})

const known = new WeakMap<BucketSettings, BucketGuards>()

/** @param bucket its name: policies speak of it */
export function guardsOf(settings: BucketSettings, bucket: string): BucketGuards {
  let guards = known.get(settings)
  if (guards === undefined) {
    guards = {
      acl: settings.acl,
      policy: settings.policy === undefined ? undefined : readPolicy(settings.policy, bucket),
      publicAccessBlock: settings.publicAccessBlock === 'none' ? undefined : (settings.publicAccessBlock ?? blockAll),
      ownership: settings.ownership === 'none' ? undefined : (settings.ownership ?? 'BucketOwnerEnforced'),
    }
    known.set(settings, guards)
  }
  return guards
}

/** It was checked when it was put. One that cannot be read must not open the bucket. */
function readPolicy(text: string, bucket: string) {
  const policy = parseKeptPolicy(Buffer.from(text))
  if (policy instanceof Fault) throw new Error(`the policy kept for bucket ${bucket} is not one`)
  return policy
}
