import type { Unit } from '../../platform/database/unit.ts'
import type { Handlers } from '../../protocol/operation.ts'
import type { ListBucketsAnswer, ListBucketsRequest, serviceOperations } from '../../protocol/s3/service.ts'
import type { Owner } from '../../protocol/s3/xml.ts'
import type { Principal, RequestContext } from '../context.ts'
import { listBuckets } from '../store/buckets.ts'
import { askerAsOwner } from './owners.ts'

export const serviceHandlers: Handlers<typeof serviceOperations, RequestContext> = {
  ListBuckets(context, asked) {
    const { services, principal, access } = context
    const owner = askerAsOwner(context)
    return access.checkSession('*') ?? services.database.read(() => ownBuckets(principal, owner, asked))
  },
}

function* ownBuckets(principal: Principal, owner: Owner, asked: ListBucketsRequest): Unit<ListBucketsAnswer> {
  const { environmentId, identityId } = principal
  const { prefix, after, limit, region } = asked
  const page = yield* listBuckets({
    environmentId,
    identityId,
    prefix,
    after,
    limit,
    ...(region === undefined ? {} : { region }),
  })
  return { asked, owner, ...page }
}
