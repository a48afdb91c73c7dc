/** CreateMultipartUpload, UploadPart and AbortMultipartUpload. */
import { randomBytes } from 'node:crypto'
import { Fault, fault } from '../../protocol/fault.ts'
import type { DeclaredChecksum } from '../../protocol/s3/checksum-headers.ts'
import type { CreateUploadInput, UploadInput, UploadPartInput } from '../../protocol/s3/multipart-upload.ts'
import { Aborted } from '../bytes/contract.ts'
import type { RequestContext } from '../context.ts'
import type { Checksums, UploadRecord } from '../store/contract.ts'
import * as store from '../store/uploads.ts'
import { abortDateOf } from './expiry.ts'
import { customerKeyOf, openUpload, sealedOf, sealUpload } from './object-encryption.ts'
import { commitStaged, left, receivePayload } from './object-payload.ts'
import { objectRef } from './object-ref.ts'
import { ownChecksum } from './object-write.ts'

/**
 * An upload id: the time in nine base-36 digits, so that ids sort by initiation as S3 lists them, then 88 random bytes,
 * so that nobody guesses one. 127 characters that need no escaping.
 */
export function makeUploadId(nowMs: number): string {
  return nowMs.toString(36).padStart(9, '0') + randomBytes(88).toString('base64url')
}

export async function createMultipartUpload(context: RequestContext, input: CreateUploadInput) {
  const { database, blobIds } = context.services
  const ref = objectRef(context, input.bucket, input.key)
  const asked = input.description.encryption
  const uploadId = makeUploadId(context.nowMs)
  const row = await blobIds.next()
  const created = await database.write(() =>
    store.createUpload({
      ref,
      uploadId,
      row,
      description: input.description,
      checksumAlgorithm: input.checksumAlgorithm,
      checksumType: input.checksumType,
      seal: sealUpload(context, ref, asked),
      nowMs: context.nowMs,
    }),
  )
  if (created instanceof Fault) return created
  const abort = abortDateOf(created.settings, input.key, context.nowMs)
  return { input, uploadId, abort, encryption: sealedOf(created.encryption), customerKey: customerKeyOf(asked) }
}

export async function uploadPart(context: RequestContext, input: UploadPartInput) {
  const { database } = context.services
  const ref = objectRef(context, input.bucket, input.key)
  // The upload decides which checksum its parts have, so it is looked up before the payload is read.
  const upload = await database.read(() => store.findUpload(ref, input.uploadId))
  if (upload instanceof Fault) return upload
  const { customerKey } = input
  const opened = openUpload(context, upload.properties, customerKey)
  if (opened instanceof Fault) return opened
  const mismatch = checkAlgorithm(upload, input.checksum)
  if (mismatch !== undefined) return mismatch
  const name = upload.checksumAlgorithm ?? ownChecksum
  const payload = await receivePayload(context, input, [name], opened.cipher)
  if (payload instanceof Fault) return payload
  if (payload instanceof Aborted) return left(payload)
  const { staged } = payload
  const etag = payload.etag(opened)
  const written = await commitStaged(context, staged, inlineBlobId =>
    store.putPart({
      ref,
      uploadId: input.uploadId,
      number: input.partNumber,
      bytes: staged,
      inlineBlobId,
      etag,
      checksums: { [name]: payload.checksum(name) },
      nowMs: context.nowMs,
    }),
  )
  if (written instanceof Fault) return written
  // Answered is what the client sent, else what the upload asks for. The checksum kept for an upload that asks for none
  // is not: lib-storage would list it when it completes the upload, and such a list is refused.
  const answered = input.checksum?.name ?? upload.checksumAlgorithm
  const checksums: Checksums = answered === undefined ? {} : { [answered]: payload.checksum(answered) }
  return { etag, checksums, encryption: opened.sealed, customerKey }
}

/** A part's checksum must be of its upload's algorithm; an upload without one takes any. */
function checkAlgorithm(
  upload: UploadRecord,
  checksum: DeclaredChecksum | undefined,
): Fault<'request-invalid'> | undefined {
  const expected = upload.checksumAlgorithm
  if (expected === undefined || checksum === undefined || checksum.name === expected) return undefined
  return fault('request-invalid', {
    message: `Checksum Type mismatch occurred, expected checksum Type: ${expected}, actual checksum Type: ${checksum.name}`,
  })
}

export async function abortMultipartUpload(context: RequestContext, input: UploadInput) {
  const ref = objectRef(context, input.bucket, input.key)
  const aborted = await context.services.database.write(() => store.abortUpload(ref, input.uploadId))
  return aborted instanceof Fault ? aborted : undefined
}
