/** Multipart uploads in progress and their parts. */
import { one, run, sql, type Unit } from '../../platform/database/unit.ts'
import { Fault } from '../../protocol/fault.ts'
import { replaceBytes } from './blobs.ts'
import type {
  BucketFault,
  ChecksumName,
  Checksums,
  ChecksumType,
  Description,
  NewBytes,
  ObjectRef,
  PartRecord,
  UploadRecord,
} from './contract.ts'
import { describeNew, type NewVersionFault } from './describing.ts'
import { releaseParts } from './dropping.ts'
import { type BucketColumns, bucketColumns, encodeProperties, encodeText, refused } from './rows.ts'
import { describeSealed, type SealUpload } from './sealing.ts'
import {
  deleteUpload,
  findPartTarget,
  partsAfter,
  readUpload,
  savePart,
  thisUpload,
  type UploadColumns,
  type UploadFault,
  uploadAsObject,
  uploadColumns,
  uploadMissing,
} from './upload-rows.ts'

export { type Completed, type CompleteUpload, completeUpload } from './completing.ts'
export { type CopyPart, copyPart } from './part-copying.ts'
export { listUploads } from './upload-listing.ts'
export { allParts, type StoredPart, type UploadFault } from './upload-rows.ts'

const BUCKET = sql(`SELECT ${bucketColumns} FROM buckets b WHERE b.environment_id = $1 AND b.name = $2`)
const CREATE = sql(`
  INSERT INTO uploads (bucket_id, key, upload_id, id, initiated_at, initiator_id, owner_id, storage_class,
    checksum_algorithm, checksum_type, headers, metadata, properties)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`)
const FIND = sql(`
  SELECT ${bucketColumns}, ${uploadColumns} FROM buckets b ${thisUpload} WHERE b.environment_id = $3 AND b.name = $4`)
export interface CreateUpload<F extends Fault> {
  readonly ref: ObjectRef
  /** Uploads of one key are listed in the order of their ids: begin it with the time, fixed width. */
  readonly uploadId: string
  /** An unused id of BlobIds. */
  readonly row: number
  readonly description: Description
  readonly checksumAlgorithm: ChecksumName | undefined
  readonly checksumType: ChecksumType | undefined
  readonly seal?: SealUpload<F>
  readonly nowMs: number
}
export interface CreatedUpload {
  /** Of the bucket. */
  readonly settings: string | null
  /** The sealed key that its parts are encrypted under. */
  readonly encryption: string | undefined
}
/** What the bucket says of a new version counts from the start of its upload. Answers the sealed key, if there is one. */
export function* createUpload<F extends Fault = never>(
  p: CreateUpload<F>,
): Unit<CreatedUpload | BucketFault | NewVersionFault | F> {
  const bucket = yield* one<BucketColumns>(BUCKET, [p.ref.environmentId, p.ref.bucket])
  const denied = refused(bucket, p.ref)
  if (bucket === undefined || denied !== undefined) return denied!
  const encryption = p.seal?.(bucket)
  if (encryption instanceof Fault) return encryption
  const sealed = encryption === undefined ? undefined : { encryption }
  const made = yield* describeNew(bucket, p.ref, describeSealed(p.description, sealed), p.nowMs)
  if (made instanceof Fault) return made
  const { description } = made
  yield* run(CREATE, [
    bucket.bucket_id,
    p.ref.key,
    p.uploadId,
    p.row,
    p.nowMs,
    p.ref.identityId,
    made.ownerId,
    description.storageClass,
    p.checksumAlgorithm ?? null,
    p.checksumType ?? null,
    encodeText(description.headers) ?? '{}',
    encodeText(description.metadata),
    encodeProperties(description.properties),
  ])
  return { settings: bucket.settings, encryption }
}

export function* findUpload(ref: ObjectRef, uploadId: string): Unit<UploadRecord | UploadFault> {
  const found = yield* locateUpload(ref, uploadId)
  return found instanceof Fault ? found : found.upload
}
interface LocatedUpload {
  readonly upload: UploadRecord
  /** Of the bucket. */
  readonly settings: string | null
}
function* locateUpload(ref: ObjectRef, uploadId: string): Unit<LocatedUpload | UploadFault> {
  const row = yield* one<BucketColumns & (UploadColumns | { readonly upload_row: null })>(FIND, [
    ref.key,
    uploadId,
    ref.environmentId,
    ref.bucket,
  ])
  const denied = refused(row, ref, row === undefined ? undefined : uploadAsObject(row))
  if (row === undefined || denied !== undefined) return denied!
  if (row.upload_row === null) return uploadMissing(ref, uploadId)
  return { upload: readUpload(row, row.bucket_id, ref.key), settings: row.settings }
}

export interface PutPart {
  readonly ref: ObjectRef
  readonly uploadId: string
  readonly number: number
  readonly bytes: NewBytes
  /** An unused id of BlobIds; needed when the bytes are inline. */
  readonly inlineBlobId: number | undefined
  readonly etag: string
  readonly checksums: Checksums
  readonly nowMs: number
}
/** Replaces a part of that number. @throws BlockClosed */
export function* putPart(p: PutPart): Unit<undefined | UploadFault> {
  const target = yield* findPartTarget(p.ref, p.uploadId, p.number)
  if (target instanceof Fault) return target
  yield* savePart({
    uploadRow: target.upload_row,
    number: p.number,
    sizeBytes: p.bytes.sizeBytes,
    bytes: yield* replaceBytes(p.bytes, p.inlineBlobId, target),
    etag: p.etag,
    modifiedAtMs: p.nowMs,
    checksums: p.checksums,
  })
  return undefined
}

/** Parts with a number greater than `after`. */
export function* listParts(
  ref: ObjectRef,
  uploadId: string,
  after: number,
  limit: number,
): Unit<(LocatedUpload & { parts: readonly PartRecord[]; truncated: boolean }) | UploadFault> {
  const found = yield* locateUpload(ref, uploadId)
  if (found instanceof Fault) return found
  const parts = yield* partsAfter(found.upload.row, after, limit + 1)
  return { ...found, parts: parts.slice(0, limit), truncated: parts.length > limit }
}

export function* abortUpload(ref: ObjectRef, uploadId: string): Unit<undefined | UploadFault> {
  const upload = yield* findUpload(ref, uploadId)
  if (upload instanceof Fault) return upload
  yield* releaseParts(upload.row)
  yield* deleteUpload(upload)
  return undefined
}
