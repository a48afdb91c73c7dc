/**
 * Which ACLs a bucket takes, and whose the objects in it become. Sources: S3 User Guide, "Controlling ownership of
 * objects and disabling ACLs for your bucket" and its "Troubleshooting", "Blocking public access".
 */
import { type Fault, fault } from '../../protocol/fault.ts'
import type { Policy } from '../../protocol/policy/policy.ts'
import { type Acl, isPrivateAcl, isPublicAcl, privateAcl, withoutPublicGrants } from '../../protocol/s3/acl.ts'
import type { AclRequest } from '../../protocol/s3/acl-request.ts'
import { isPublicPolicy } from '../../protocol/s3/bucket-policy.ts'
import type { ObjectOwnership } from '../../protocol/s3/ownership-controls.ts'
import type { BucketGuards } from './access.ts'

/**
 * Where ACLs are disabled, whether a request with one is taken: only when it gives full control to the bucket's owner
 * and nothing to anyone else, in so many words. `private` does not say that, although it comes to the same.
 */
export function checkAclSupported(
  guards: BucketGuards,
  request: AclRequest | undefined,
  bucketOwner: string,
): Fault<'acl-unsupported'> | undefined {
  if (guards.ownership !== 'BucketOwnerEnforced' || request === undefined) return undefined
  const accepted =
    request.kind === 'canned'
      ? request.name === 'bucket-owner-full-control'
      : request.grants.length > 0 &&
        request.grants.every(({ grantee, permission }) => grantee === bucketOwner && permission === 'FULL_CONTROL')
  return accepted ? undefined : fault('acl-unsupported')
}

/** BlockPublicAcls refuses to set one that is public, on the bucket or on an object of it. */
export function checkAclNotBlocked(guards: BucketGuards, acl: Acl): Fault<'access-denied'> | undefined {
  return guards.publicAccessBlock?.blockPublicAcls === true && isPublicAcl(acl) ? fault('access-denied') : undefined
}

/** BlockPublicPolicy refuses to set one that is public. */
export function checkPolicyNotBlocked(guards: BucketGuards, policy: Policy): Fault<'access-denied'> | undefined {
  return guards.publicAccessBlock?.blockPublicPolicy === true && isPublicPolicy(policy)
    ? fault('access-denied')
    : undefined
}

/** ACLs cannot be disabled while the bucket's own lets others in: on CreateBucket and PutBucketOwnershipControls. */
export function checkOwnershipChange(
  ownership: ObjectOwnership,
  acl: Acl | undefined,
): Fault<'acl-ownership-conflict'> | undefined {
  return ownership !== 'BucketOwnerEnforced' || acl === undefined || isPrivateAcl(acl)
    ? undefined
    : fault('acl-ownership-conflict')
}

/** Whose a new object is. BucketOwnerPreferred heeds the canned name only, not grants that come to the same. */
export function newObjectOwner<Owner>(
  guards: BucketGuards,
  request: AclRequest | undefined,
  writer: Owner,
  bucketOwner: Owner,
): Owner {
  switch (guards.ownership) {
    case 'BucketOwnerEnforced':
      return bucketOwner
    case 'BucketOwnerPreferred':
      return request?.kind === 'canned' && request.name === 'bucket-owner-full-control' ? bucketOwner : writer
    default:
      return writer
  }
}

/**
 * The ACL that counts, which is what GetBucketAcl and GetObjectAcl answer: where ACLs are disabled the bucket owner's
 * full control, and where public ones are ignored what is left without them.
 * @param owner canonical id of the owner of the bucket or object
 */
export function effectiveAcl(guards: BucketGuards, acl: Acl | undefined, owner: string, bucketOwner: string): Acl {
  if (guards.ownership === 'BucketOwnerEnforced') return privateAcl(bucketOwner)
  if (acl === undefined) return privateAcl(owner)
  return guards.publicAccessBlock?.ignorePublicAcls === true ? withoutPublicGrants(acl) : acl
}

/** What GetBucketPolicyStatus answers: S3 looks at the policy, Ceph's suite also at the ACL. */
export function isPublicBucket(guards: BucketGuards): boolean {
  const { policy, acl } = guards
  if (policy !== undefined && isPublicPolicy(policy)) return true
  return acl !== undefined && guards.ownership !== 'BucketOwnerEnforced' && isPublicAcl(acl)
}
