/** Objects: find, put, delete. A reader's statement and a writer's first statement resolve the bucket as well. */
import { one, run, sql, type Unit } from '../../platform/database/unit.ts'
import { Fault } from '../../protocol/fault.ts'
import { checkDelete, checkWrite, type WriteVerdict } from '../rules/conditions.ts'
import { type Named, release, replaceBytes } from './blobs.ts'
import type {
  BucketFault,
  BucketRef,
  Checksums,
  ChecksumType,
  Conditions,
  DeleteConditions,
  Description,
  FoundObject,
  NewBytes,
  ObjectRecord,
  ObjectRef,
  Place,
} from './contract.ts'
import {
  type BucketColumns,
  bucketColumns,
  isThere,
  type ObjectColumns,
  objectColumns,
  objectMissing,
  placeOf,
  readObject,
  refused,
} from './rows.ts'
import { nextSeq } from './seq.ts'
import { conditioned, findTarget, saveObject, type TargetRow, targetBucket, targetTables } from './target.ts'

export { byteSlices } from './byte-slices.ts'
export { type Copied, type CopyObject, copyObject } from './copying.ts'

/** The hot read: one statement, which joins a blob only for its inline bytes. */
const FIND = sql(`
  SELECT ${bucketColumns}, ${objectColumns}, x.data AS data
  ${targetTables} LEFT JOIN blobs x ON x.id = o.blob_id AND o.place = 0 ${targetBucket}`)
const HEAD = sql(`SELECT ${bucketColumns}, ${objectColumns} ${targetTables} ${targetBucket}`)
const BUCKET = sql(`SELECT ${bucketColumns} FROM buckets b WHERE b.environment_id = $1 AND b.name = $2`)
const OBJECT = sql(`
  SELECT seq, size, blob_id, place, etag, modified_at FROM objects WHERE bucket_id = $1 AND key = $2`)
const DELETE = sql(`DELETE FROM objects WHERE bucket_id = $1 AND key = $2`)
const DELETE_ANY = sql(`DELETE FROM objects WHERE bucket_id = $1 AND key = $2 RETURNING blob_id, place`)

type FoundRow = ObjectColumns & { readonly data?: Uint8Array | null }

/** An object with its bytes where they are inline. */
export function* findObject(ref: ObjectRef): Unit<FoundObject | BucketFault | Fault<'object-missing'>> {
  return readFound(yield* one<FoundRow>(FIND, [ref.key, ref.environmentId, ref.bucket]), ref)
}
/** As findObject without any bytes: `data` is undefined whatever the place. */
export function* headObject(ref: ObjectRef): Unit<FoundObject | BucketFault | Fault<'object-missing'>> {
  return readFound(yield* one<FoundRow>(HEAD, [ref.key, ref.environmentId, ref.bucket]), ref)
}

function readFound(row: FoundRow | undefined, ref: ObjectRef): FoundObject | BucketFault | Fault<'object-missing'> {
  const denied = refused(row, ref)
  if (row === undefined || denied !== undefined) return denied!
  if (!isThere(row)) return objectMissing(ref)
  const found = readObject(row, ref.key) as ObjectRecord & { place: Place; data: Uint8Array | undefined }
  found.place = placeOf(row.place, row.size)
  found.data = row.data ?? undefined
  return found
}

export interface PutObject {
  readonly ref: ObjectRef
  readonly bytes: NewBytes
  /** An unused id of BlobIds; needed when the bytes are inline. */
  readonly inlineBlobId: number | undefined
  readonly description: Description
  readonly etag: string
  readonly checksums: Checksums
  readonly checksumType: ChecksumType | undefined
  readonly parts: 0
  readonly conditions: Conditions
  readonly nowMs: number
}
/** @throws BlockClosed */
export function* putObject(
  p: PutObject,
): Unit<{ seq: number; etag: string; replaced: boolean } | BucketFault | NonNullable<WriteVerdict>> {
  const row = yield* findTarget(p.ref)
  if (row instanceof Fault) return row
  const failed = checkWrite(p.conditions, conditioned(row))
  if (failed !== undefined) return failed
  const seq = nextSeq(p.nowMs, row.seq ?? 0)
  yield* saveObject({
    bucketId: row.bucket_id,
    key: p.ref.key,
    seq,
    sizeBytes: p.bytes.sizeBytes,
    bytes: yield* replaceBytes(p.bytes, p.inlineBlobId, row),
    etag: p.etag,
    modifiedAtMs: p.nowMs,
    ownerId: p.ref.identityId,
    description: p.description,
    parts: p.parts,
    checksumType: p.checksumType,
    checksums: p.checksums,
  })
  return { seq, etag: p.etag, replaced: row.seq !== null }
}

export interface DeleteObject {
  readonly ref: ObjectRef
  readonly conditions: DeleteConditions
}
export function* deleteObject(p: DeleteObject): Unit<{ existed: boolean } | BucketFault | NonNullable<WriteVerdict>> {
  const row = yield* findTarget(p.ref)
  if (row instanceof Fault) return row
  const failed = checkDelete(p.conditions, conditioned(row))
  if (failed !== undefined) return failed
  if (row.seq === null) return { existed: false }
  yield* run(DELETE, [row.bucket_id, p.ref.key])
  yield* release(row)
  return { existed: true }
}

export interface DeleteObjects {
  readonly ref: BucketRef
  readonly items: readonly { readonly key: string; readonly conditions: DeleteConditions }[]
}
/** An answer for each item, in order: one that fails its conditions does not keep the others. */
export function* deleteObjects(
  p: DeleteObjects,
): Unit<BucketFault | readonly ({ existed: boolean } | NonNullable<WriteVerdict>)[]> {
  const bucket = yield* one<BucketColumns>(BUCKET, [p.ref.environmentId, p.ref.bucket])
  const denied = refused(bucket, p.ref)
  if (bucket === undefined || denied !== undefined) return denied!
  const answers: ({ existed: boolean } | NonNullable<WriteVerdict>)[] = []
  for (const { key, conditions } of p.items) {
    const failed = isConditional(conditions) ? yield* checkOne(bucket.bucket_id, key, conditions) : undefined
    if (failed !== undefined) {
      answers.push(failed)
      continue
    }
    const deleted = yield* one<Named>(DELETE_ANY, [bucket.bucket_id, key])
    if (deleted !== undefined) yield* release(deleted)
    answers.push(deleted === undefined ? absent : existed)
  }
  return answers
}
const existed = Object.freeze({ existed: true })
const absent = Object.freeze({ existed: false })

function isConditional({ ifMatch, lastModifiedMs, sizeBytes }: DeleteConditions): boolean {
  return ifMatch !== undefined || lastModifiedMs !== undefined || sizeBytes !== undefined
}
function* checkOne(bucketId: number, key: string, conditions: DeleteConditions): Unit<WriteVerdict> {
  const row = yield* one<Omit<TargetRow, keyof BucketColumns>>(OBJECT, [bucketId, key])
  return checkDelete(conditions, row && conditioned(row))
}
