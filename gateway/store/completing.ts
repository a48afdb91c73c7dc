/** CompleteMultipartUpload moves no bytes: the parts' blobs become the extents of one composed blob. */
import { one, run, sql, type Unit } from '../../platform/database/unit.ts'
import { Fault } from '../../protocol/fault.ts'
import type { Properties } from '../../protocol/properties.ts'
import { checkWrite, type WriteVerdict } from '../rules/conditions.ts'
import { afterPut } from './aftermath.ts'
import { insertComposed, release } from './blobs.ts'
import type {
  Checksums,
  ChecksumType,
  Conditions,
  ObjectRef,
  PartRecord,
  UploadRecord,
  VersionName,
} from './contract.ts'
import { markForReplication } from './replications.ts'
import { type BucketColumns, composed, decodeChecksums, decodeProperties, encodeText, refused } from './rows.ts'
import { nextSeq } from './seq.ts'
import { conditioned, saveObject, type TargetRow, targetColumns } from './target.ts'
import {
  allParts,
  deleteUpload,
  readUpload,
  type StoredPart,
  type UploadColumns,
  type UploadFault,
  uploadColumns,
  uploadMissing,
} from './upload-rows.ts'
import { locateVersion } from './version-rows.ts'
import { displace, nameVersion, nameWritten } from './versioning.ts'

const TARGET = sql(`
  SELECT ${targetColumns}, ${uploadColumns} FROM buckets b
  LEFT JOIN uploads u ON u.bucket_id = b.id AND u.key = $1 AND u.upload_id = $2
  LEFT JOIN objects o ON o.bucket_id = b.id AND o.key = $3
  WHERE b.environment_id = $4 AND b.name = $5`)
const REPEATED = sql(`
  SELECT seq, versioned, etag, size, checksum_type, checksums FROM completed_uploads
  WHERE bucket_id = $1 AND key = $2 AND upload_id = $3`)
const REMEMBER = sql(`
  INSERT INTO completed_uploads (bucket_id, key, upload_id, seq, versioned, etag, size, checksum_type, checksums,
    completed_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`)

/** The upload's parts, which are by then the chosen ones, with the place of each in the object. */
const laidOut = `(SELECT number, size, blob_id, place, checksums,
  CAST(SUM(size) OVER (ORDER BY number) AS BIGINT) - size AS start FROM parts WHERE upload_row = $2) AS p`
/** A part's reference to its blob becomes the extent's: no count changes. */
const EXTENTS = sql(`
  INSERT INTO extents (composed_id, start, size, blob_id, blob_offset, place)
  SELECT CAST($1 AS BIGINT), p.start, p.size, p.blob_id, 0, p.place FROM ${laidOut} WHERE p.place < 2`)
/** Parts that are themselves composed (copied ranges) are flattened, so that extents never name a composed blob. */
const NESTED_EXTENTS = sql(`
  INSERT INTO extents (composed_id, start, size, blob_id, blob_offset, place)
  SELECT CAST($1 AS BIGINT), p.start + e.start, e.size, e.blob_id, e.blob_offset, e.place
  FROM ${laidOut} JOIN extents e ON e.composed_id = p.blob_id WHERE p.place = 2`)
const NESTED_REFERENCES = sql(`
  UPDATE blobs SET refs = refs + d.n FROM (
    SELECT e.blob_id AS blob_id, COUNT(*) AS n FROM parts p JOIN extents e ON e.composed_id = p.blob_id
    WHERE p.upload_row = $1 AND p.place = 2 GROUP BY e.blob_id) AS d
  WHERE blobs.id = d.blob_id`)
const RELEASE_NESTED = sql(`
  UPDATE blobs SET refs = refs - d.n FROM (
    SELECT blob_id, COUNT(*) AS n FROM parts WHERE upload_row = $1 AND place = 2 GROUP BY blob_id) AS d
  WHERE blobs.id = d.blob_id`)
const OBJECT_PARTS = sql(`
  INSERT INTO object_parts (composed_id, number, start, size, checksums)
  SELECT CAST($1 AS BIGINT), p.number, p.start, p.size, p.checksums FROM ${laidOut}`)
const DELETE_PARTS = sql(`DELETE FROM parts WHERE upload_row = $1`)
const between = 'upload_row = $1 AND number > $2 AND number < $3'
const RELEASE_BETWEEN = sql(`
  UPDATE blobs SET refs = refs - d.n FROM (
    SELECT blob_id, COUNT(*) AS n FROM parts WHERE ${between} AND blob_id IS NOT NULL GROUP BY blob_id) AS d
  WHERE blobs.id = d.blob_id`)
const DELETE_BETWEEN = sql(`DELETE FROM parts WHERE ${between}`)

export interface CompleteUpload<F extends Fault> {
  readonly ref: ObjectRef
  readonly uploadId: string
  /**
   * Which parts make the object, ascending, and what it is called; or why not. Pure: it may be called again. It is not
   * called for an upload that was completed before.
   */
  readonly choose: (upload: UploadRecord, parts: readonly PartRecord[]) => Chosen | F
  readonly conditions: Conditions
  /** An unused id of BlobIds. */
  readonly composedBlobId: number
  readonly nowMs: number
}
export interface Chosen {
  readonly numbers: readonly number[]
  readonly etag: string
  readonly checksums: Checksums
  readonly checksumType: ChecksumType | undefined
}
export interface Completed {
  readonly etag: string
  readonly seq: number
  readonly version: VersionName | undefined
  readonly checksums: Checksums
  readonly checksumType: ChecksumType | undefined
  readonly sizeBytes: number
  /** Of the bucket; null too when this was done before. */
  readonly settings: string | null
  readonly properties: Properties | undefined
  /** The sealed key that the parts were encrypted under. */
  readonly encryption: string | undefined
}

/** Repeated, it answers as it did the first time (for a day). Parts that were not chosen are released. */
export function* completeUpload<F extends Fault = never>(
  p: CompleteUpload<F>,
): Unit<Completed | F | UploadFault | NonNullable<WriteVerdict>> {
  const { ref } = p
  const row = yield* one<TargetRow & (UploadColumns | { readonly upload_row: null })>(TARGET, [
    ref.key,
    p.uploadId,
    ref.key,
    ref.environmentId,
    ref.bucket,
  ])
  const denied = refused(row, ref)
  if (row === undefined || denied !== undefined) return denied!
  if (row.upload_row === null) return yield* repeated(row, ref, p.uploadId)
  const upload = readUpload(row, row.bucket_id, ref.key)
  const parts = yield* allParts(upload.row)
  const chosen = p.choose(upload, parts)
  if (chosen instanceof Fault) return chosen
  const failed = checkWrite(p.conditions, conditioned(row))
  if (failed !== undefined) return failed
  const kept = yield* dropOthers(upload.row, parts, chosen.numbers)
  const sizeBytes = kept.reduce((sum, part) => sum + part.sizeBytes, 0)
  yield* compose(upload.row, kept, p.composedBlobId, sizeBytes)
  const { replaced, newestSeq, versioned } = yield* displace(row, ref.key)
  yield* release(replaced)
  const { etag, checksums, checksumType } = chosen
  const seq = nextSeq(p.nowMs, newestSeq)
  const version = nameVersion(row, seq, versioned)
  const description = markForReplication(row, ref.key, upload)
  const completed: Completed = {
    etag,
    seq,
    version: nameWritten(row, seq, versioned),
    checksums,
    checksumType,
    sizeBytes,
    settings: row.settings,
    properties: description.properties,
    encryption: upload.properties?.encryption,
  }
  yield* saveObject({
    ...completed,
    versioned,
    bucketId: row.bucket_id,
    key: ref.key,
    bytes: { blob_id: p.composedBlobId, place: composed },
    modifiedAtMs: p.nowMs,
    ownerId: upload.ownerId,
    description,
    parts: kept.length,
  })
  yield* deleteUpload(upload)
  yield* remember(upload, completed, p.nowMs)
  if (row.settings !== null) {
    const { properties } = description
    const made = { key: ref.key, seq, version, nowMs: p.nowMs, sizeBytes, etag, properties }
    yield* afterPut(row, ref, 's3:ObjectCreated:CompleteMultipartUpload', made)
  }
  return completed
}

/** Releases the parts that were not chosen, a run of numbers at a time, and answers the others. */
function* dropOthers(
  uploadRow: number,
  parts: readonly StoredPart[],
  numbers: readonly number[],
): Unit<readonly StoredPart[]> {
  if (numbers.length === parts.length && parts.every((part, i) => part.number === numbers[i])) return parts
  const wanted = new Set(numbers)
  const kept = parts.filter(part => wanted.has(part.number))
  if (kept.length !== numbers.length) throw new Error('a chosen part that is not there, or is chosen twice')
  let last = 0
  let skipped = false
  for (const part of [...parts, { number: Number.MAX_SAFE_INTEGER }]) {
    if (wanted.has(part.number) || part.number === Number.MAX_SAFE_INTEGER) {
      if (skipped) {
        // Beyond every part number, and still an INTEGER.
        const range = [uploadRow, last, Math.min(part.number, 0x7fffffff)]
        yield* run(RELEASE_BETWEEN, range)
        yield* run(DELETE_BETWEEN, range)
      }
      last = part.number
      skipped = false
    } else skipped = true
  }
  return kept
}

/** Makes the composed blob of all parts of an upload, with one reference, and takes the parts away. */
function* compose(uploadRow: number, parts: readonly StoredPart[], id: number, sizeBytes: number): Unit<void> {
  yield* insertComposed(id, sizeBytes)
  yield* run(EXTENTS, [id, uploadRow])
  if (parts.some(part => part.place === composed)) {
    yield* run(NESTED_EXTENTS, [id, uploadRow])
    yield* run(NESTED_REFERENCES, [uploadRow])
    yield* run(RELEASE_NESTED, [uploadRow])
  }
  yield* run(OBJECT_PARTS, [id, uploadRow])
  yield* run(DELETE_PARTS, [uploadRow])
}

function* remember(upload: UploadRecord, completed: Completed, nowMs: number): Unit<void> {
  const { seq, version, etag, sizeBytes, checksumType, checksums } = completed
  const what = [seq, version?.versioned ?? 0, etag, sizeBytes, checksumType ?? null, encodeText(checksums), nowMs]
  yield* run(REMEMBER, [upload.bucketId, upload.key, upload.uploadId, ...what])
}

function* repeated(bucket: BucketColumns, ref: ObjectRef, uploadId: string): Unit<Completed | Fault<'upload-missing'>> {
  const row = yield* one<{
    seq: number
    versioned: 0 | 1
    etag: string
    size: number
    checksum_type: ChecksumType | null
    checksums: string | null
  }>(REPEATED, [bucket.bucket_id, ref.key, uploadId])
  if (row === undefined) return uploadMissing(ref, uploadId)
  const made = (yield* locateVersion({ ...ref, version: row.versioned === 1 ? row.seq : undefined }))?.row
  return {
    encryption: made?.seq === row.seq ? decodeProperties(made.properties)?.encryption : undefined,
    etag: row.etag,
    seq: row.seq,
    version: nameWritten(bucket, row.seq, row.versioned),
    checksums: decodeChecksums(row.checksums),
    checksumType: row.checksum_type ?? undefined,
    sizeBytes: row.size,
    settings: null,
    properties: undefined,
  }
}
