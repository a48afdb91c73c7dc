import type { Unit } from '../../platform/database/unit.ts'
import { Fault, fault } from '../../protocol/fault.ts'
import type { Dialect, Handlers } from '../../protocol/operation.ts'
import type { Acl } from '../../protocol/s3/acl.ts'
import { type AclRequest, resolveAcl } from '../../protocol/s3/acl-request.ts'
import type { BucketAnswer, bucketOperations, CreateBucketRequest } from '../../protocol/s3/bucket.ts'
import { globalRegion, regionOfNewBucket } from '../../protocol/s3/regions.ts'
import type { BucketSettings } from '../../protocol/settings.ts'
import type { Principal, RequestContext } from '../context.ts'
import type { BucketGuards } from '../rules/access.ts'
import { guardsOf } from '../rules/guards.ts'
import { checkAclNotBlocked, checkOwnershipChange } from '../rules/ownership.ts'
import { createBucket, deleteBucket, resolveBucket } from '../store/buckets.ts'
import { type BucketFault, type BucketRef, Versioning } from '../store/contract.ts'
import { type AclFault, makeAcl, withAcl } from '../store/describing.ts'
import { canonicalIdOf } from '../store/identities.ts'
import { encodeSettings } from '../store/settings-text.ts'
import { bucketRef } from './object-ref.ts'

/** Buckets of one identity; S3's default quota. */
const bucketLimit = 10_000

export const bucketHandlers: Handlers<typeof bucketOperations, RequestContext> = {
  async CreateBucket({ services, principal, access, nowMs }, input) {
    const { bucket, locationConstraint } = input
    const denied = access.checkSession(bucket)
    if (denied !== undefined) return denied
    const region = regionOfNewBucket(locationConstraint, principal.region)
    if (region instanceof Fault) return region
    const made = await services.database.write(() => makeBucket(principal, input, region, services.dialect, nowMs))
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

function* makeBucket(
  { environmentId, identityId }: Principal,
  input: CreateBucketRequest,
  region: string,
  dialect: Dialect,
  nowMs: number,
) {
  // Ceph makes them as S3 did before April 2023.
  const open = dialect === 'ceph'
  const ownership = input.ownership ?? (open ? 'ObjectWriter' : undefined)
  const settings: BucketSettings = {
    ...(ownership === undefined ? {} : { ownership }),
    ...(open ? { publicAccessBlock: 'none' } : {}),
    ...(input.lock ? { lock: {} } : {}),
    ...(input.tags.length === 0 ? {} : { tags: input.tags }),
  }
  const guards = guardsOf(settings, input.bucket)
  const acl = input.acl === undefined ? undefined : yield* makeBucketAcl(guards, input.acl, identityId)
  if (acl instanceof Fault) return acl
  const made = yield* createBucket({
    environmentId,
    identityId,
    name: input.bucket,
    region,
    nowMs,
    limit: bucketLimit,
    versioning: input.lock ? Versioning.enabled : Versioning.never,
    settings: encodeSettings(acl === undefined ? settings : { ...settings, acl }),
  })
  // Ceph refuses to make one's own bucket again with another ACL.
  const changes = acl !== undefined || (made instanceof Fault && made.detail['acl'] === 'own')
  if (open && changes && made instanceof Fault && made.code === 'bucket-owned')
    return fault('bucket-exists', { bucket: input.bucket })
  return made
}

/** Undefined: its owner's alone. An ACL that lets others in cannot be where there are no ACLs. */
function* makeBucketAcl(
  guards: BucketGuards,
  request: AclRequest,
  ownerId: number,
): Unit<Acl | undefined | AclFault | Fault<'acl-ownership-conflict'> | Fault<'acl-public-blocked'>> {
  const owner = yield* canonicalIdOf(ownerId)
  if (guards.ownership === 'BucketOwnerEnforced') {
    const asked = resolveAcl(request, { owner, bucketOwner: owner })
    return asked instanceof Fault ? asked : checkOwnershipChange(guards.ownership, asked)
  }
  const acl = yield* makeAcl({ ...guards, publicAccessBlock: undefined }, request, ownerId, ownerId)
  if (acl instanceof Fault) return acl
  // The block that new buckets have is told of by a code of its own.
  return checkAclNotBlocked(guards, acl) === undefined ? withAcl(undefined, acl)?.acl : fault('acl-public-blocked')
}

function* regionOf(ref: BucketRef): Unit<BucketAnswer | BucketFault> {
  const found = yield* resolveBucket(ref)
  return found instanceof Fault ? found : { bucket: ref.bucket, region: found.region }
}
