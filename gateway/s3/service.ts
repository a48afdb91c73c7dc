import type { Unit } from '../../platform/database/unit.ts'
import type { Handlers } from '../../protocol/operation.ts'
import type { ListBucketsAnswer, ListBucketsRequest, serviceOperations } from '../../protocol/s3/service.ts'
import type { Principal, RequestContext } from '../context.ts'
import { listBuckets } from '../store/buckets.ts'

export const serviceHandlers: Handlers<typeof serviceOperations, RequestContext> = {
  ListBuckets({ services, principal, access }, asked) {
    return access.checkSession('*') ?? services.database.read(() => ownBuckets(principal, asked))
  },
}

function* ownBuckets(principal: Principal, asked: ListBucketsRequest): Unit<ListBucketsAnswer> {
  const { environmentId, identityId, canonicalId } = principal
  const { prefix, after, limit, region } = asked
  const page = yield* listBuckets({
    environmentId,
    identityId,
    prefix,
    after,
    limit,
    ...(region === undefined ? {} : { region }),
  })
  return { asked, owner: canonicalId, ...page }
}
