/** Objects: find and put. A reader's statement and a writer's first statement resolve the bucket as well. */
import { one, sql, type Unit } from '../../platform/database/unit.ts'
import { Fault } from '../../protocol/fault.ts'
import type { Properties } from '../../protocol/properties.ts'
import type { EventName } from '../../protocol/s3/event-names.ts'
import { checkWrite, type WriteVerdict } from '../rules/conditions.ts'
import { afterPut } from './aftermath.ts'
import { replaceBytes } from './blobs.ts'
import type {
  BucketFault,
  Checksums,
  ChecksumType,
  Conditions,
  Description,
  FoundObject,
  NewBytes,
  ObjectRecord,
  ObjectRef,
  VersionName,
} from './contract.ts'
import { describeNew, type NewVersionFault } from './describing.ts'
import { findReadable, type MissingFault, notThere } from './finding.ts'
import { markForReplication } from './replications.ts'
import { bucketColumns, isThere, type ObjectColumns, objectColumns, placeOf, readObject, refused } from './rows.ts'
import { describeSealed, type SealBytes, sealedBytes } from './sealing.ts'
import { nextSeq } from './seq.ts'
import { conditioned, findTarget, saveObject, targetBucket, targetTables } from './target.ts'
import { displace, nameVersion, nameWritten } from './versioning.ts'

export { byteSlices } from './byte-slices.ts'
export { type Copied, type CopyObject, copyObject } from './copying.ts'
export { type Deleted, type DeleteObject, deleteObject, deleteObjects } from './deleting.ts'

/** The hot read: one statement, which joins a blob only for its inline bytes. */
const FIND = sql(`
  SELECT ${bucketColumns}, ${objectColumns}, x.data AS data
  ${targetTables} LEFT JOIN blobs x ON x.id = o.blob_id AND o.place = 0 ${targetBucket}`)
const HEAD = sql(`SELECT ${bucketColumns}, ${objectColumns} ${targetTables} ${targetBucket}`)

type FoundRow = ObjectColumns & { readonly data?: Uint8Array | null }
export type FindFault = BucketFault | MissingFault

/** A version with its bytes where they are inline. */
export function* findObject(ref: ObjectRef): Unit<FoundObject | FindFault> {
  if (ref.version !== undefined) return yield* findVersion(ref)
  return yield* readFound(yield* one<FoundRow>(FIND, [ref.key, ref.environmentId, ref.bucket]), ref)
}
/** As findObject; `data` may be undefined whatever the place. */
export function* headObject(ref: ObjectRef): Unit<FoundObject | FindFault> {
  if (ref.version !== undefined) return yield* findVersion(ref)
  return yield* readFound(yield* one<FoundRow>(HEAD, [ref.key, ref.environmentId, ref.bucket]), ref)
}

function* findVersion(ref: ObjectRef): Unit<FoundObject | FindFault> {
  const row = yield* findReadable(ref)
  return row instanceof Fault ? row : foundOf(row, ref.key)
}

function* readFound(row: FoundRow | undefined, ref: ObjectRef): Unit<FoundObject | FindFault> {
  if (row === undefined) return refused(row, ref)!
  if (!isThere(row)) return yield* notThere(row, ref)
  return refused(row, ref, row) ?? foundOf(row, ref.key)
}

function foundOf(row: FoundRow & { readonly seq: number }, key: string): FoundObject {
  const found = readObject(row, key) as ObjectRecord & { -readonly [K in keyof FoundObject]: FoundObject[K] }
  found.place = placeOf(row.place, row.size)
  found.data = row.data ?? undefined
  found.kept = undefined
  found.bucket = { ownerId: row.bucket_owner, versioning: row.versioning, settings: row.settings }
  return found as FoundObject
}

export interface PutObject<F extends Fault = never> {
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
  /** For inline bytes that are not encrypted: what their bucket, or their request, wants of them. */
  readonly seal?: SealBytes<F> | undefined
  readonly nowMs: number
  /** What it is called to those who are told of it. */
  readonly event?: EventName
}
export interface Put {
  readonly seq: number
  readonly version: VersionName | undefined
  readonly etag: string
  readonly replaced: boolean
  /** Of the bucket. */
  readonly settings: string | null
  readonly properties: Properties | undefined
}
/** @throws BlockClosed */
export function* putObject<F extends Fault = never>(
  p: PutObject<F>,
): Unit<Put | BucketFault | NonNullable<WriteVerdict> | NewVersionFault | F> {
  const { key } = p.ref
  const row = yield* findTarget(p.ref)
  if (row instanceof Fault) return row
  const sealed = p.seal?.(row)
  if (sealed instanceof Fault) return sealed
  const failed = checkWrite(p.conditions, conditioned(row))
  if (failed !== undefined) return failed
  const made = yield* describeNew(row, p.ref, describeSealed(p.description, sealed), p.nowMs)
  if (made instanceof Fault) return made
  const description = markForReplication(row, key, made.description)
  const { replaced, newestSeq, versioned } = yield* displace(row, key)
  const seq = nextSeq(p.nowMs, newestSeq)
  const etag = sealed?.etag ?? p.etag
  yield* saveObject({
    bucketId: row.bucket_id,
    key,
    seq,
    versioned,
    sizeBytes: p.bytes.sizeBytes,
    bytes: yield* replaceBytes(sealed === undefined ? p.bytes : sealedBytes(p.bytes, sealed), p.inlineBlobId, replaced),
    etag,
    modifiedAtMs: p.nowMs,
    ownerId: made.ownerId,
    description,
    parts: p.parts,
    checksumType: p.checksumType,
    checksums: p.checksums,
  })
  const { settings } = row
  const { properties } = description
  if (settings !== null) {
    const { nowMs, bytes, event = 's3:ObjectCreated:Put' } = p
    const version = nameVersion(row, seq, versioned)
    yield* afterPut(row, p.ref, event, { key, seq, version, nowMs, sizeBytes: bytes.sizeBytes, etag, properties })
  }
  const version = nameWritten(row, seq, versioned)
  return { seq, version, etag, replaced: row.seq !== null, settings, properties }
}
