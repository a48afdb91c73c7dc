/** From a request's words to the store's. */
import type { RequestContext } from '../context.ts'
import type { BucketRef, ObjectRef } from '../store/contract.ts'

export function bucketRef(context: RequestContext, bucket: string): BucketRef {
  const { environmentId, identityId, region } = context.principal
  return { environmentId, identityId, region, bucket }
}

export function objectRef(context: RequestContext, bucket: string, key: string): ObjectRef {
  const { environmentId, identityId, region } = context.principal
  return { environmentId, identityId, region, bucket, key }
}
