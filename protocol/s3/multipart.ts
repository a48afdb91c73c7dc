/** The rows of multipart uploads. */
import { completeMultipartUpload } from './multipart-complete.ts'
import { uploadPartCopy } from './multipart-copy.ts'
import { listMultipartUploads, listParts } from './multipart-list.ts'
import { abortMultipartUpload, createMultipartUpload, uploadPart } from './multipart-upload.ts'

export const multipartOperations = [
  createMultipartUpload,
  uploadPart,
  uploadPartCopy,
  completeMultipartUpload,
  abortMultipartUpload,
  listParts,
  listMultipartUploads,
] as const
