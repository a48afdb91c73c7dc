/**
 * Who may do what, decided from values alone. Order: an explicit denial of the bucket's policy; what the owner may
 * anyway; what the policy allows; what an ACL grants; otherwise no. Sources: S3 User Guide, "How Amazon S3 authorizes
 * a request", "Access control list (ACL) overview", "Controlling ownership of objects", "Blocking public access".
 *
 * Here every identity is what an AWS account is to S3: it owns buckets and objects and has a canonical id of its own.
 * Identities of one environment share an account number, so a policy that names the account names all of them.
 *
 * An owner's request on a bucket without a policy is answered by comparing two numbers (`mayAnything`); nothing of the
 * request is looked at, so a caller need not make a context for it.
 */
import { type Fault, fault } from '../../protocol/fault.ts'
import { evaluate, type Verdict } from '../../protocol/policy/evaluate.ts'
import type { Lookup } from '../../protocol/policy/pattern.ts'
import type { Policy } from '../../protocol/policy/policy.ts'
import type { IdentityPrincipal } from '../../protocol/policy/principal.ts'
import { type Acl, allUsers, authenticatedUsers, isGroup, type Permission } from '../../protocol/s3/acl.ts'
import { bucketArn, isPublicPolicy, objectArn } from '../../protocol/s3/bucket-policy.ts'
import type { ObjectOwnership } from '../../protocol/s3/ownership-controls.ts'
import type { PublicAccessBlock } from '../../protocol/s3/public-access-block.ts'

/** Who asks: an identity, or nobody who says who they are. */
export type Asker = Identity | undefined
export interface Identity extends IdentityPrincipal {
  readonly identityId: number
  /** Of a session: what it may do at most. */
  readonly sessionPolicy?: Policy | undefined
}

/** The identity id of objects that nobody signed for; no identity has it. */
export const anonymousId = 0

/** What guards a bucket; what is absent was never set. */
export interface BucketGuards {
  readonly acl?: Acl | undefined
  readonly policy?: Policy | undefined
  readonly publicAccessBlock?: PublicAccessBlock | undefined
  /** Without one, objects are their writer's and ACLs count. */
  readonly ownership?: ObjectOwnership | undefined
}
export interface GuardedBucket {
  readonly name: string
  /** Identity id. */
  readonly ownerId: number
  readonly guards: BucketGuards
}
export interface GuardedObject {
  /** Identity id of the object's owner; of an upload's initiator, where an upload is what it is about. */
  readonly ownerId: number
  readonly acl?: Acl | undefined
}

export type Denial = Fault<'access-denied'>
const denied: Denial = fault('access-denied')

/** The bucket's owner, where no policy may say otherwise. Of objects this holds where `ownsObject` does. */
export function mayAnything(asker: Asker, bucket: GuardedBucket): boolean {
  return ownsBucket(asker, bucket) && bucket.guards.policy === undefined && asker?.sessionPolicy === undefined
}

function ownsBucket(asker: Asker, bucket: GuardedBucket): boolean {
  return asker !== undefined && asker.identityId === bucket.ownerId
}

/** Whose an object is: under BucketOwnerEnforced the bucket owner's, whoever wrote it. */
export function ownsObject(asker: Asker, bucket: GuardedBucket, object: GuardedObject): boolean {
  if (!aclsCount(bucket)) return ownsBucket(asker, bucket)
  // What nobody signed for is everybody's who does not sign, and, as nobody could ever be asked for it, the bucket
  // owner's.
  return idOf(asker) === object.ownerId || (object.ownerId === anonymousId && ownsBucket(asker, bucket))
}

function idOf(asker: Asker): number {
  return asker === undefined ? anonymousId : asker.identityId
}

function aclsCount({ guards }: GuardedBucket): boolean {
  return guards.ownership !== 'BucketOwnerEnforced'
}

/** One that locks its owner out could be neither seen nor removed (API reference, PutBucketPolicy). */
const policyActions: ReadonlySet<string> = new Set([
  's3:GetBucketPolicy',
  's3:PutBucketPolicy',
  's3:DeleteBucketPolicy',
])

/** Whether all of these actions on a bucket are allowed. */
export function checkBucketAccess(
  asker: Asker,
  bucket: GuardedBucket,
  actions: readonly string[],
  context: Lookup,
): Denial | undefined {
  if (mayAnything(asker, bucket)) return undefined
  const owner = ownsBucket(asker, bucket)
  const resource = bucketArn(bucket.name)
  for (const action of actions) {
    const verdict = ask(asker, bucket, action, resource, context)
    if (verdict === 'deny' && !(owner && policyActions.has(action))) return denied
    if (!owner && verdict !== 'allow' && !aclGrants(asker, bucket, bucket.guards.acl, bucketPermission.get(action)))
      return denied
    if (exceedsSession(asker, action, resource, context)) return denied
  }
  return undefined
}

/**
 * Whether all of these actions on an object are allowed.
 * @param object undefined where there is none, or it does not matter which (a write)
 */
export function checkObjectAccess(
  asker: Asker,
  bucket: GuardedBucket,
  key: string,
  object: GuardedObject | undefined,
  actions: readonly string[],
  context: Lookup,
): Denial | undefined {
  if (mayAnything(asker, bucket) && (object === undefined || ownsObject(asker, bucket, object))) return undefined
  const resource = objectArn(bucket.name, key)
  for (const action of actions) {
    const verdict = ask(asker, bucket, action, resource, context)
    if (verdict === 'deny') return denied
    const allowed = verdict === 'allow' && isBucketsMatter(bucket, object, action)
    if (!allowed && !mayByRight(asker, bucket, object, action)) return denied
    if (exceedsSession(asker, action, resource, context)) return denied
  }
  return undefined
}

/**
 * Whether an object may be written, with what its headers ask for beside. Who writes by right or by the bucket's ACL
 * may ask for all of that unless it is denied; who writes by the policy needs its permission for each, but not for an
 * ACL: that the writer keeps control of what it writes is a matter of ownership.
 * @param extras `extraActions` of the request
 */
export function checkWriteAccess(
  asker: Asker,
  bucket: GuardedBucket,
  key: string,
  extras: readonly string[],
  context: Lookup,
): Denial | undefined {
  if (mayAnything(asker, bucket)) return undefined
  const resource = objectArn(bucket.name, key)
  const byRight = mayByRight(asker, bucket, undefined, putObject)
  for (const action of [putObject, ...extras]) {
    const verdict = ask(asker, bucket, action, resource, context)
    if (verdict === 'deny') return denied
    if (!byRight && verdict !== 'allow' && action !== putObjectAcl) return denied
    if (exceedsSession(asker, action, resource, context)) return denied
  }
  return undefined
}

/**
 * The answer to a read of what is not there: only who may list the bucket learns that (API reference, GetObject).
 * Ceph's suite grants listing by prefix and takes the key for it; S3 itself has no prefix in such a request.
 * @param action that of the read: where it is denied, that is the answer
 */
export function answerMissing<C extends 'object-missing' | 'version-missing'>(
  asker: Asker,
  bucket: GuardedBucket,
  key: string,
  action: string,
  context: Lookup,
  missing: Fault<C>,
): Fault<C> | Denial {
  if (mayAnything(asker, bucket)) return missing
  const resource = objectArn(bucket.name, key)
  if (ask(asker, bucket, action, resource, context) === 'deny') return denied
  const listing = missing.code === 'version-missing' ? listVersions : list
  const prefixed: Lookup = name => (name === 's3:prefix' ? [key] : context(name))
  return checkBucketAccess(asker, bucket, listing, prefixed) ?? missing
}

const putObject = 's3:PutObject'
const putObjectAcl = 's3:PutObjectAcl'
const list = ['s3:ListBucket'] as const
const listVersions = ['s3:ListBucketVersions'] as const

/** What the bucket's policy says, as far as it counts. */
function ask(asker: Asker, bucket: GuardedBucket, action: string, resource: string, context: Lookup): Verdict {
  const { policy, publicAccessBlock } = bucket.guards
  if (policy === undefined) return 'none'
  const verdict = evaluate(policy, { principal: asker, action, resource, context })
  // A public policy then gives nothing to others than the owner, not even what it gives to those it names.
  return verdict === 'allow' && publicAccessBlock?.restrictPublicBuckets === true && isPublicPolicy(policy)
    ? 'none'
    : verdict
}

/** Whether a session may do what any identity may. */
export function checkSessionAccess(
  asker: Asker,
  bucket: string,
  actions: readonly string[],
  context: Lookup,
): Denial | undefined {
  const resource = bucketArn(bucket)
  return actions.some(action => exceedsSession(asker, action, resource, context)) ? denied : undefined
}

/** A session can do no more than its policy allows, whoever allows more. */
function exceedsSession(asker: Asker, action: string, resource: string, context: Lookup): boolean {
  if (asker?.sessionPolicy === undefined) return false
  return evaluate(asker.sessionPolicy, { principal: asker, action, resource, context }) !== 'allow'
}

/**
 * What may be done with an object without its bucket's policy. To put and remove objects is the bucket's matter, what
 * is done with an object its owner's: the bucket's owner may remove and restore another's object, but not read it.
 */
function mayByRight(asker: Asker, bucket: GuardedBucket, object: GuardedObject | undefined, action: string): boolean {
  const ofBucket = ownsBucket(asker, bucket)
  if (ofBucket && (object === undefined || bucketOwnersActions.has(action))) return true
  if (uploadActions.has(action)) return object !== undefined && idOf(asker) === object.ownerId
  const own = object !== undefined && ownsObject(asker, bucket, object)
  if (ofBucket) return own || aclGrants(asker, bucket, object?.acl, objectPermission.get(action))
  if (deleteActions.has(action))
    return (own || object === undefined) && aclGrants(asker, bucket, bucket.guards.acl, 'WRITE')
  if (action === putObject) return aclGrants(asker, bucket, bucket.guards.acl, 'WRITE')
  if (bucketOwnersActions.has(action)) return false
  return own || aclGrants(asker, bucket, object?.acl, objectPermission.get(action))
}

/** What the bucket's policy may allow: of another's object, only that. */
function isBucketsMatter(bucket: GuardedBucket, object: GuardedObject | undefined, action: string): boolean {
  if (object === undefined || !aclsCount(bucket) || object.ownerId === anonymousId) return true
  return object.ownerId === bucket.ownerId || bucketOwnersActions.has(action)
}

/** The initiator of an upload may see and abort it, whoever will own what becomes of it. */
const uploadActions: ReadonlySet<string> = new Set(['s3:AbortMultipartUpload', 's3:ListMultipartUploadParts'])
/** WRITE on a bucket lets its grantee delete what it owns itself, no others' objects; nor any version. */
const deleteActions: ReadonlySet<string> = new Set(['s3:DeleteObject'])
const bucketOwnersActions: ReadonlySet<string> = new Set([
  ...uploadActions,
  ...deleteActions,
  putObject,
  's3:DeleteObjectVersion',
  's3:BypassGovernanceRetention',
  's3:RestoreObject',
])

const bucketPermission: ReadonlyMap<string, Permission> = new Map([
  ['s3:ListBucket', 'READ'],
  ['s3:ListBucketVersions', 'READ'],
  ['s3:ListBucketMultipartUploads', 'READ'],
  ['s3:GetBucketAcl', 'READ_ACP'],
  ['s3:PutBucketAcl', 'WRITE_ACP'],
])
/** GetObjectAttributes asks for READ as well (its API reference), which the ACL overview's table leaves out. */
const objectPermission: ReadonlyMap<string, Permission> = new Map([
  ['s3:GetObject', 'READ'],
  ['s3:GetObjectVersion', 'READ'],
  ['s3:GetObjectAttributes', 'READ'],
  ['s3:GetObjectVersionAttributes', 'READ'],
  ['s3:GetObjectAcl', 'READ_ACP'],
  ['s3:GetObjectVersionAcl', 'READ_ACP'],
  ['s3:PutObjectAcl', 'WRITE_ACP'],
  ['s3:PutObjectVersionAcl', 'WRITE_ACP'],
])

function aclGrants(
  asker: Asker,
  bucket: GuardedBucket,
  acl: Acl | undefined,
  permission: Permission | undefined,
): boolean {
  if (acl === undefined || permission === undefined || !aclsCount(bucket)) return false
  const ignoresPublic = bucket.guards.publicAccessBlock?.ignorePublicAcls === true
  return acl.grants.some(
    grant =>
      (grant.permission === permission || grant.permission === 'FULL_CONTROL') &&
      isGrantee(grant.grantee, asker, ignoresPublic),
  )
}

function isGrantee(grantee: string, asker: Asker, ignoresPublic: boolean): boolean {
  if (!isGroup(grantee)) return grantee === asker?.canonicalId
  if (ignoresPublic) return false
  return grantee === allUsers || (grantee === authenticatedUsers && asker !== undefined)
}
