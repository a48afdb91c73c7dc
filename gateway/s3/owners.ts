/** The canonical ids of those who own what a listing names. */
import type { Unit } from '../../platform/database/unit.ts'
import type { RequestContext } from '../context.ts'
import { canonicalIdOf } from '../store/identities.ts'

/** A page has few owners, mostly the one who asks. */
export function* owners(
  { principal }: RequestContext,
  entries: readonly { readonly ownerId: number }[],
): Unit<(ownerId: number) => string> {
  const known = new Map<number, string>([[principal.identityId, principal.canonicalId]])
  for (const { ownerId } of entries) if (!known.has(ownerId)) known.set(ownerId, yield* canonicalIdOf(ownerId))
  return ownerId => known.get(ownerId)!
}
