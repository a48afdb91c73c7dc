/** CompleteMultipartUpload. */
import { Fault } from '../../protocol/fault.ts'
import type { CompleteInput } from '../../protocol/s3/multipart-complete.ts'
import type { RequestContext } from '../context.ts'
import type { Chosen } from '../store/completing.ts'
import * as store from '../store/uploads.ts'
import { expiryOf } from './expiry.ts'
import { type AssembleFault, assemble } from './multipart-assemble.ts'
import { objectRef } from './object-ref.ts'

export async function completeMultipartUpload(context: RequestContext, input: CompleteInput) {
  const { database, blobIds } = context.services
  const composedBlobId = await blobIds.next()
  const completed = await database.write(() =>
    store.completeUpload({
      ref: objectRef(context, input.bucket, input.key),
      uploadId: input.uploadId,
      choose: (upload, parts): Chosen | AssembleFault => assemble(input, upload, parts),
      conditions: input.conditions,
      composedBlobId,
      nowMs: context.nowMs,
    }),
  )
  if (completed instanceof Fault) return completed
  const { etag, checksums, checksumType, version, settings, sizeBytes, properties } = completed
  const expiration = expiryOf(settings, { key: input.key, sizeBytes, modifiedAtMs: context.nowMs, properties })
  const location = locationOf(context, input)
  return { input, etag, checksums, checksumType, version, expiration, parts: partsOf(etag), location }
}

/** How many parts an ETag of a multipart object counts. */
function partsOf(etag: string): number {
  const dash = etag.lastIndexOf('-')
  return dash < 0 ? 0 : Number(etag.slice(dash + 1))
}

/** The object's URL as this client writes URLs. S3 escapes the slashes of the key here. */
function locationOf(context: RequestContext, input: CompleteInput): string {
  const key = encodeURIComponent(input.key)
  return context.virtualHost ? `${context.origin}/${key}` : `${context.origin}/${input.bucket}/${key}`
}
