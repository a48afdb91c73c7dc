import type { Unit } from '../../platform/database/unit.ts'
import { Fault } from '../../protocol/fault.ts'
import type { Handlers } from '../../protocol/operation.ts'
import type { ListAnswer, Listing, listingOperations } from '../../protocol/s3/listing.ts'
import type { RequestContext } from '../context.ts'
import type { BucketFault } from '../store/contract.ts'
import { listObjects } from '../store/listing.ts'
import { bucketRef } from './object-ref.ts'
import { people } from './owners.ts'

export const listingHandlers: Handlers<typeof listingOperations, RequestContext> = {
  ListObjects(context, asked) {
    return context.services.database.read(() => page(context, asked, 'entry'))
  },
  ListObjectsV2(context, asked) {
    // A common prefix that start-after lies in is listed when it has later keys; one that a token ended at is not.
    return context.services.database.read(() => page(context, asked, asked.token === undefined ? 'key' : 'entry'))
  },
}

function* page<Asked extends Listing>(
  context: RequestContext,
  asked: Asked,
  afterIs: 'entry' | 'key',
): Unit<ListAnswer<Asked> | BucketFault> {
  const { prefix, delimiter, after, limit } = asked
  const found = yield* listObjects(bucketRef(context, asked.bucket), { prefix, delimiter, after, limit, afterIs })
  if (found instanceof Fault) return found
  const { ownerOf } = yield* people(context, new Set(found.entries.map(entry => entry.ownerId)))
  return { asked, ownerOf, ...found }
}
