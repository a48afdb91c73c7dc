/** CompleteMultipartUpload. */

import type { CustomerKey } from '../../protocol/encryption.ts'
import { Fault } from '../../protocol/fault.ts'
import type { CompleteInput } from '../../protocol/s3/multipart-complete.ts'
import type { RequestContext } from '../context.ts'
import type { UploadKeyFault } from '../keys/ring.ts'
import type { Chosen } from '../store/completing.ts'
import type { UploadRecord } from '../store/contract.ts'
import * as store from '../store/uploads.ts'
import { expiryOf } from './expiry.ts'
import { type AssembleFault, assemble } from './multipart-assemble.ts'
import { openUpload, sealedOf } from './object-encryption.ts'
import { objectRef } from './object-ref.ts'

export async function completeMultipartUpload(context: RequestContext, input: CompleteInput) {
  const { database, blobIds } = context.services
  const composedBlobId = await blobIds.next()
  const completed = await database.write(() =>
    store.completeUpload({
      ref: objectRef(context, input.bucket, input.key),
      uploadId: input.uploadId,
      choose: (upload, parts): Chosen | AssembleFault | UploadKeyFault =>
        checkKey(context, upload, input.customerKey) ?? assemble(input, upload, parts),
      conditions: input.conditions,
      composedBlobId,
      nowMs: context.nowMs,
    }),
  )
  if (completed instanceof Fault) return completed
  const { etag, checksums, checksumType, version, settings, sizeBytes, properties } = completed
  const expiration = expiryOf(settings, { key: input.key, sizeBytes, modifiedAtMs: context.nowMs, properties })
  const location = locationOf(context, input)
  const answer = { encryption: sealedOf(completed.encryption), customerKey: input.customerKey }
  return { input, etag, checksums, checksumType, version, expiration, parts: partsOf(etag), location, ...answer }
}

/**
 * A customer's key must come again "only when the object was created using a checksum algorithm" (API reference,
 * CompleteMultipartUpload); when it comes it must be the right one. Ceph asks for it always.
 */
function checkKey(
  context: RequestContext,
  upload: UploadRecord,
  customerKey: CustomerKey | undefined,
): UploadKeyFault | undefined {
  const needed = upload.checksumAlgorithm !== undefined || context.services.dialect === 'ceph'
  if (customerKey === undefined && !needed) return undefined
  const opened = openUpload(context, upload.properties, customerKey)
  return opened instanceof Fault ? opened : undefined
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
