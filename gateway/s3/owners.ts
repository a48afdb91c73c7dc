/** Those who own, or began, what an answer names. */
import type { Unit } from '../../platform/database/unit.ts'
import type { Owner } from '../../protocol/s3/xml.ts'
import type { RequestContext } from '../context.ts'
import { identityOf } from '../store/identities.ts'

export interface People {
  ownerOf(identityId: number): Owner
  /** With a name: S3 names those who began uploads to this day. */
  initiatorOf(identityId: number): Owner
}

/** Who asks, as an owner. */
export function askerAsOwner(context: RequestContext): Owner {
  const { canonicalId, identityName: name } = context.principal
  return namesOwners(context) ? { canonicalId, name } : { canonicalId }
}
/** S3 stopped naming owners in 2025; Ceph did not. */
export function namesOwners({ services }: RequestContext): boolean {
  return services.dialect === 'ceph'
}

/** A page has few of them, mostly the one who asks. */
export function* people(context: RequestContext, ids: Iterable<number>): Unit<People> {
  const { identityId, canonicalId, identityName: name } = context.principal
  const known = new Map<number, Owner>([[identityId, { canonicalId, name }]])
  for (const id of ids) if (!known.has(id)) known.set(id, yield* identityOf(id))
  const named = namesOwners(context)
  const initiatorOf = (id: number): Owner => known.get(id)!
  return {
    initiatorOf,
    ownerOf: named ? initiatorOf : id => ({ canonicalId: initiatorOf(id).canonicalId }),
  }
}
