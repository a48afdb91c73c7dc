/** ListParts and ListMultipartUploads. */
import type { Unit } from '../../platform/database/unit.ts'
import { Fault } from '../../protocol/fault.ts'
import type {
  ListPartsInput,
  ListPartsOutput,
  ListUploadsInput,
  ListUploadsOutput,
} from '../../protocol/s3/multipart-list.ts'
import type { RequestContext } from '../context.ts'
import type { UploadKeyFault } from '../keys/ring.ts'
import type { BucketFault, UploadRecord } from '../store/contract.ts'
import * as store from '../store/uploads.ts'
import { abortDateOf } from './expiry.ts'
import { openUpload } from './object-encryption.ts'
import { bucketRef, objectRef } from './object-ref.ts'
import { people } from './owners.ts'

export function listParts(context: RequestContext, input: ListPartsInput) {
  return context.services.database.read(() => partsPage(context, input))
}
function* partsPage(
  context: RequestContext,
  input: ListPartsInput,
): Unit<ListPartsOutput | store.UploadFault | UploadKeyFault> {
  const ref = objectRef(context, input.bucket, input.key)
  const page = yield* store.listParts(ref, input.uploadId, input.afterPart, input.maxParts)
  if (page instanceof Fault) return page
  const { upload, parts, truncated, settings } = page
  // It is not asked for, and compared when it comes.
  const opened = input.customerKey && openUpload(context, upload.properties, input.customerKey)
  if (opened instanceof Fault) return opened
  const abort = abortDateOf(settings, input.key, upload.initiatedAtMs)
  return { input, ...(yield* people(context, idsOf([upload]))), upload, parts, truncated, abort }
}

export function listMultipartUploads(context: RequestContext, input: ListUploadsInput) {
  return context.services.database.read(() => uploadsPage(context, input))
}
function* uploadsPage(context: RequestContext, input: ListUploadsInput): Unit<ListUploadsOutput | BucketFault> {
  const page = yield* store.listUploads(bucketRef(context, input.bucket), {
    prefix: input.prefix,
    delimiter: input.delimiter,
    after: input.keyMarker,
    afterUploadId: input.uploadIdMarker,
    limit: input.maxUploads,
  })
  if (page instanceof Fault) return page
  const { entries, commonPrefixes, truncated, last } = page
  return { input, ...(yield* people(context, idsOf(entries))), uploads: entries, commonPrefixes, truncated, last }
}

function idsOf(uploads: readonly UploadRecord[]): Iterable<number> {
  return new Set(uploads.flatMap(upload => [upload.initiatorId, upload.ownerId]))
}
