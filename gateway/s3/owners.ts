/** The canonical ids of those who own what a listing names. */
import type { Unit } from '../../platform/database/unit.ts'
import type { RequestContext } from '../context.ts'
import { findCanonicalId } from '../store/identities.ts'

/** Whoever writes without a signature: S3 gives these objects an owner of this id. */
export const anonymousCanonicalId = '65a011a29cdf8ec533ec3d1ccaae921c'

/** A page has few owners, mostly the one who asks. */
export function* owners(
  { principal }: RequestContext,
  entries: readonly { readonly ownerId: number }[],
): Unit<(ownerId: number) => string> {
  const known = new Map<number, string>([[principal.identityId, principal.canonicalId]])
  for (const { ownerId } of entries)
    if (!known.has(ownerId)) known.set(ownerId, (yield* findCanonicalId(ownerId)) ?? anonymousCanonicalId)
  return ownerId => known.get(ownerId)!
}
