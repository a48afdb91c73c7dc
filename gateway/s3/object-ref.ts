/** From a request's words to the store's. */
import type { VersionName } from '../../protocol/s3/version-id.ts'
import type { RequestContext } from '../context.ts'
import { type BucketRef, type FoundObject, type ObjectRef, Versioning } from '../store/contract.ts'

export function bucketRef(context: RequestContext, bucket: string): BucketRef {
  const { principal, cause } = context
  const { environmentId, identityId, region } = principal
  return { environmentId, identityId, region, bucket, guard: context.access.ofBucket(bucket), cause }
}

export function objectRef(
  context: RequestContext,
  bucket: string,
  key: string,
  version?: ObjectRef['version'],
): ObjectRef {
  const { principal, cause } = context
  const { environmentId, identityId, region } = principal
  const guard = context.access.ofObject(bucket, key, version !== undefined)
  return { environmentId, identityId, region, bucket, key, version, guard, cause }
}

/** The object that a copy reads. */
export function sourceRef(
  context: RequestContext,
  source: { readonly bucket: string; readonly key: string; readonly version: ObjectRef['version'] },
): ObjectRef {
  const { environmentId, identityId, region } = context.principal
  const { bucket, key, version } = source
  const guard = context.access.ofSource(bucket, key, version !== undefined)
  return { environmentId, identityId, region, bucket, key, version, guard }
}

/** How a version is named to clients; undefined in a bucket that never had versions. */
export function versionOf(found: FoundObject): VersionName | undefined {
  if (found.bucket.versioning === Versioning.never) return undefined
  return { seq: found.seq, versioned: found.versioned ? 1 : 0 }
}
