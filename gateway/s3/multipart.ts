/** The handlers of multipart uploads, by the names of their rows. */
import type { Handlers } from '../../protocol/operation.ts'
import type { multipartOperations } from '../../protocol/s3/multipart.ts'
import type { RequestContext } from '../context.ts'
import { completeMultipartUpload } from './multipart-complete.ts'
import { uploadPartCopy } from './multipart-copy.ts'
import { listMultipartUploads, listParts } from './multipart-list.ts'
import { abortMultipartUpload, createMultipartUpload, uploadPart } from './multipart-upload.ts'

export const multipartHandlers: Handlers<typeof multipartOperations, RequestContext> = {
  CreateMultipartUpload: createMultipartUpload,
  UploadPart: uploadPart,
  UploadPartCopy: uploadPartCopy,
  CompleteMultipartUpload: completeMultipartUpload,
  AbortMultipartUpload: abortMultipartUpload,
  ListParts: listParts,
  ListMultipartUploads: listMultipartUploads,
}
