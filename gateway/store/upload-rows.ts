/** Rows of uploads and parts, for the units of several files. */
import { all, one, run, sql, type Unit } from '../../platform/database/unit.ts'
import { type Fault, fault } from '../../protocol/fault.ts'
import type { Named } from './blobs.ts'
import type {
  BucketFault,
  ChecksumName,
  Checksums,
  ChecksumType,
  GuardedObject,
  ObjectRef,
  PartRecord,
  UploadRecord,
} from './contract.ts'
import {
  type BucketColumns,
  bucketColumns,
  type DescriptionColumns,
  decodeChecksums,
  encodeText,
  readDescription,
  refused,
} from './rows.ts'

export type UploadFault = BucketFault | Fault<'upload-missing'>

export const uploadColumns = `u.id AS upload_row, u.upload_id AS upload_id, u.initiated_at AS initiated_at,
  u.initiator_id AS initiator_id, u.storage_class AS storage_class, u.checksum_algorithm AS checksum_algorithm,
  u.checksum_type AS upload_checksum_type, u.headers AS headers, u.metadata AS metadata,
  u.properties AS properties, u.owner_id AS owner_id`
export interface UploadColumns extends DescriptionColumns {
  readonly upload_row: number
  readonly upload_id: string
  readonly initiated_at: number
  readonly initiator_id: number
  readonly owner_id: number | null
  readonly checksum_algorithm: ChecksumName | null
  readonly upload_checksum_type: ChecksumType | null
}
/** Joined to `buckets b`; parameters: key, upload id. */
export const thisUpload = 'LEFT JOIN uploads u ON u.bucket_id = b.id AND u.key = $1 AND u.upload_id = $2'

const PART_TARGET = sql(`
  SELECT ${bucketColumns}, u.id AS upload_row, p.blob_id AS blob_id, p.place AS place FROM buckets b ${thisUpload}
  LEFT JOIN parts p ON p.upload_row = u.id AND p.number = $3 WHERE b.environment_id = $4 AND b.name = $5`)
const SAVE_PART = sql(`
  INSERT INTO parts (upload_row, number, size, blob_id, place, etag, modified_at, checksums)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
  ON CONFLICT (upload_row, number) DO UPDATE SET size = excluded.size, blob_id = excluded.blob_id,
    place = excluded.place, etag = excluded.etag, modified_at = excluded.modified_at, checksums = excluded.checksums`)
const PARTS = sql(`
  SELECT number, size, blob_id, place, etag, modified_at, checksums FROM parts
  WHERE upload_row = $1 AND number > $2 ORDER BY number LIMIT $3`)
const DELETE = sql(`DELETE FROM uploads WHERE bucket_id = $1 AND key = $2 AND upload_id = $3`)

/** S3 allows part numbers 1 to 10,000 (user guide, "Amazon S3 multipart upload limits"). */
const mostParts = 10_000

export function readUpload(row: UploadColumns, bucketId: number, key: string): UploadRecord {
  return {
    row: row.upload_row,
    bucketId,
    key,
    uploadId: row.upload_id,
    initiatedAtMs: row.initiated_at,
    initiatorId: row.initiator_id,
    // Null in what was begun before uploads had one.
    ownerId: row.owner_id ?? row.initiator_id,
    checksumAlgorithm: row.checksum_algorithm ?? undefined,
    checksumType: row.upload_checksum_type ?? undefined,
    ...readDescription(row),
  }
}

/** Whoever began an upload may see and abort it: to guards its initiator is its owner. */
export function uploadAsObject(row: UploadColumns | { readonly upload_row: null }): GuardedObject | undefined {
  return row.upload_row === null ? undefined : { owner_id: row.initiator_id, properties: null }
}

export function uploadMissing(ref: ObjectRef, uploadId: string): Fault<'upload-missing'> {
  return fault('upload-missing', { bucket: ref.bucket, key: ref.key, uploadId })
}

/** An upload and what its part of a number names now. */
export type PartTarget = BucketColumns & Named & { readonly upload_row: number }
export function* findPartTarget(ref: ObjectRef, uploadId: string, number: number): Unit<PartTarget | UploadFault> {
  const row = yield* one<BucketColumns & Named & { readonly upload_row: number | null }>(PART_TARGET, [
    ref.key,
    uploadId,
    number,
    ref.environmentId,
    ref.bucket,
  ])
  const denied = refused(row, ref)
  if (row === undefined || denied !== undefined) return denied!
  return row.upload_row === null ? uploadMissing(ref, uploadId) : (row as PartTarget)
}

export interface SavedPart {
  readonly uploadRow: number
  readonly number: number
  readonly sizeBytes: number
  readonly bytes: Named
  readonly etag: string
  readonly modifiedAtMs: number
  readonly checksums: Checksums
}
export function* savePart(p: SavedPart): Unit<void> {
  const { uploadRow, number, sizeBytes, bytes, etag, modifiedAtMs, checksums } = p
  const values = [uploadRow, number, sizeBytes, bytes.blob_id, bytes.place, etag, modifiedAtMs, encodeText(checksums)]
  yield* run(SAVE_PART, values)
}

/** A part with the way to its bytes. */
export interface StoredPart extends PartRecord {
  readonly blobId: number | null
  readonly place: number | null
}
export function* allParts(uploadRow: number): Unit<readonly StoredPart[]> {
  return yield* partsAfter(uploadRow, 0, mostParts)
}
/** Parts with a number greater than `after`. */
export function* partsAfter(uploadRow: number, after: number, limit: number): Unit<readonly StoredPart[]> {
  const rows = yield* all<{
    number: number
    size: number
    blob_id: number | null
    place: number | null
    etag: string
    modified_at: number
    checksums: string | null
  }>(PARTS, [uploadRow, after, limit])
  return rows.map(row => ({
    number: row.number,
    sizeBytes: row.size,
    etag: row.etag,
    modifiedAtMs: row.modified_at,
    checksums: decodeChecksums(row.checksums),
    blobId: row.blob_id,
    place: row.place,
  }))
}

export function* deleteUpload({ bucketId, key, uploadId }: UploadRecord): Unit<void> {
  yield* run(DELETE, [bucketId, key, uploadId])
}
