/** ListParts and ListMultipartUploads. */
import { Fault } from '../../protocol/fault.ts'
import type { ListPartsInput, ListUploadsInput, Person } from '../../protocol/s3/multipart-list.ts'
import type { RequestContext } from '../context.ts'
import * as store from '../store/uploads.ts'
import { openUpload } from './object-encryption.ts'
import { bucketRef, objectRef } from './object-ref.ts'

export async function listParts(context: RequestContext, input: ListPartsInput) {
  const ref = objectRef(context, input.bucket, input.key)
  const page = await context.services.database.read(() =>
    store.listParts(ref, input.uploadId, input.afterPart, input.maxParts),
  )
  if (page instanceof Fault) return page
  // It is not asked for, and compared when it comes.
  const opened = input.customerKey && openUpload(context, page.upload.properties, input.customerKey)
  if (opened instanceof Fault) return opened
  return { input, owner: owner(context), upload: page.upload, parts: page.parts, truncated: page.truncated }
}

export async function listMultipartUploads(context: RequestContext, input: ListUploadsInput) {
  const page = await context.services.database.read(() =>
    store.listUploads(bucketRef(context, input.bucket), {
      prefix: input.prefix,
      delimiter: input.delimiter,
      after: input.keyMarker,
      afterUploadId: input.uploadIdMarker,
      limit: input.maxUploads,
    }),
  )
  if (page instanceof Fault) return page
  const { entries, commonPrefixes, truncated, last } = page
  return { input, owner: owner(context), uploads: entries, commonPrefixes, truncated, last }
}

/** Only a bucket's owner may ask, so who asks is who owns and who started every upload. */
function owner(context: RequestContext): Person {
  return { canonicalId: context.principal.canonicalId, name: context.principal.identityName }
}
