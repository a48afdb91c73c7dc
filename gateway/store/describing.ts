/** What a version that is being made becomes in its bucket: whose it is, who may do what with it, how long it is kept. */
import type { Unit } from '../../platform/database/unit.ts'
import { Fault } from '../../protocol/fault.ts'
import type { Properties } from '../../protocol/properties.ts'
import { type Acl, isGroup, isPrivateAcl } from '../../protocol/s3/acl.ts'
import type { NamedAcl } from '../../protocol/s3/acl-document.ts'
import { type AclRequest, type AclResolutionFault, granteesOf, resolveAcl } from '../../protocol/s3/acl-request.ts'
import type { BucketGuards } from '../rules/access.ts'
import { guardsOf } from '../rules/guards.ts'
import { type NewVersionFault as PropertiesFault, propertiesOfNew } from '../rules/new-version.ts'
import { checkAclNotBlocked, checkAclSupported, newObjectOwner } from '../rules/ownership.ts'
import type { BucketRef, Description } from './contract.ts'
import { canonicalIdOf, findKnownIds, namesOf } from './identities.ts'
import type { BucketColumns } from './rows.ts'
import { readSettings } from './settings-text.ts'

export type NewVersionFault = PropertiesFault | AclFault
export type AclFault = AclResolutionFault | Fault<'acl-unsupported'> | Fault<'access-denied'>

export interface NewVersion {
  readonly description: Description
  readonly ownerId: number
}

/** @param ref who writes */
export function* describeNew(
  bucket: BucketColumns,
  ref: BucketRef,
  description: Description,
  nowMs: number,
): Unit<NewVersion | NewVersionFault> {
  const { settings: text, bucket_owner: bucketOwnerId } = bucket
  // The owner of a bucket without settings, who asks for nothing: the hot path.
  if (text === null && description.properties === undefined && description.acl === undefined)
    return { description, ownerId: bucketOwnerId }
  const settings = readSettings(text)
  const properties = propertiesOfNew(settings, description.properties, nowMs)
  if (properties instanceof Fault) return properties
  const guards = guardsOf(settings, ref.bucket)
  const ownerId = newObjectOwner(guards, description.acl, ref.identityId, bucketOwnerId)
  if (description.acl === undefined) return { description: { ...description, properties }, ownerId }
  const acl = yield* makeAcl(guards, description.acl, ownerId, bucketOwnerId)
  if (acl instanceof Fault) return acl
  return { description: { ...description, properties: withAcl(properties, acl) }, ownerId }
}

/** The ACL that a request asks for, where the bucket takes it. */
export function* makeAcl(
  guards: BucketGuards,
  request: AclRequest,
  ownerId: number,
  bucketOwnerId: number,
): Unit<Acl | AclFault> {
  const bucketOwner = yield* canonicalIdOf(bucketOwnerId)
  const unsupported = checkAclSupported(guards, request, bucketOwner)
  if (unsupported !== undefined) return unsupported
  const owner = ownerId === bucketOwnerId ? bucketOwner : yield* canonicalIdOf(ownerId)
  const known = yield* findKnownIds(granteesOf(request).ids)
  const acl = resolveAcl(request, { owner, bucketOwner, isKnownId: id => known.has(id) })
  return acl instanceof Fault ? acl : (checkAclNotBlocked(guards, acl) ?? acl)
}

/** @param named whether users are named */
export function* nameAcl(acl: Acl, named: boolean): Unit<NamedAcl> {
  if (!named) return { acl, names: undefined }
  const users = new Set([acl.owner, ...acl.grants.map(grant => grant.grantee)].filter(id => !isGroup(id)))
  return { acl, names: yield* namesOf([...users]) }
}

/** One that lets nobody else in is what every object has. */
export function withAcl(properties: Properties | undefined, acl: Acl): Properties | undefined {
  const { acl: _, ...rest } = properties ?? {}
  return isOwnersAlone(acl) ? rest : { ...rest, acl }
}
function isOwnersAlone(acl: Acl): boolean {
  return isPrivateAcl(acl) && acl.grants.length === 1 && acl.grants[0]!.permission === 'FULL_CONTROL'
}
