/**
 * How versions come and go. A bucket that was never versioned has none but its objects: nothing here costs it a
 * statement. Once it is, or is suspended, a write keeps what it does not replace in `versions` (S3 User Guide, "How S3
 * Versioning works"):
 *
 *                 enabled                              suspended
 *     put         the object is kept, the new one      a null version is replaced, wherever it is; another is kept;
 *                 has an id                            the new one is the null version
 *     delete      the object is kept, a marker is put  the same with a null marker
 *     delete of   it goes for ever; if it was the newest, the next is the object, unless that is a marker
 *     a version
 */
import { one, run, sql, type Unit } from '../../platform/database/unit.ts'
import { type Named, release } from './blobs.ts'
import { Versioning, type VersionName } from './contract.ts'
import type { BucketColumns } from './rows.ts'
import type { TargetRow } from './target.ts'

const columns = `size, blob_id, place, etag, modified_at, owner_id, storage_class, parts, checksum_type, checksums,
  headers, metadata, properties`
const KEEP = sql(`
  INSERT INTO versions (bucket_id, key, rank, versioned, marker, ${columns})
  SELECT bucket_id, key, -seq, versioned, 0, ${columns} FROM objects WHERE bucket_id = $1 AND key = $2`)
const PROMOTE = sql(`
  INSERT INTO objects (bucket_id, key, seq, versioned, ${columns})
  SELECT bucket_id, key, -rank, versioned, ${columns} FROM versions WHERE bucket_id = $1 AND key = $2 AND rank = $3`)
const MARK = sql(`
  INSERT INTO versions (bucket_id, key, rank, versioned, marker, size, etag, modified_at, owner_id, storage_class, parts,
    headers)
  VALUES ($1, $2, $3, $4, 1, 0, '', $5, $6, 'STANDARD', 0, '{}')`)
const NEWEST = sql(`
  SELECT rank, versioned, marker FROM versions WHERE bucket_id = $1 AND key = $2 ORDER BY rank LIMIT 1`)
const NULL_VERSION = sql(`
  SELECT rank, blob_id, place FROM versions WHERE bucket_id = $1 AND key = $2 AND versioned = 0`)
const FORGET = sql(`DELETE FROM versions WHERE bucket_id = $1 AND key = $2 AND rank = $3`)
const DELETE_OBJECT = sql(`DELETE FROM objects WHERE bucket_id = $1 AND key = $2`)

export interface NewestVersion {
  readonly rank: number
  readonly versioned: number
  readonly marker: number
}
/** The newest version of a key that is not its object. */
export function* newestVersion(bucketId: number, key: string): Unit<NewestVersion | undefined> {
  return yield* one<NewestVersion>(NEWEST, [bucketId, key])
}

/** What a write of a key takes the place of. */
export interface Displaced {
  /** Whose bytes nobody names any more once the write is done: give their reference back. */
  readonly replaced: Named
  /** The key's greatest sequence; 0 when it has none. */
  readonly newestSeq: number
  /** Column `versioned` of what is written. */
  readonly versioned: 0 | 1
}
const nothing: Named = Object.freeze({ blob_id: null, place: null })

/** What a key names now, and how its bucket keeps versions. */
export type Displacing = Named & Pick<TargetRow, 'bucket_id' | 'versioning' | 'seq' | 'versioned'>

/** Keeps what a write must not replace. The row of the object, if any, is still there: the write replaces it. */
export function* displace(row: Displacing, key: string): Unit<Displaced> {
  const { bucket_id: bucketId, seq } = row
  if (row.versioning === Versioning.never) return { replaced: row, newestSeq: seq ?? 0, versioned: 0 }
  if (row.versioning === Versioning.enabled) {
    const newestSeq = seq ?? -((yield* newestVersion(bucketId, key))?.rank ?? 0)
    if (seq !== null) yield* run(KEEP, [bucketId, key])
    return { replaced: nothing, newestSeq, versioned: 1 }
  }
  const newestSeq = seq ?? -((yield* newestVersion(bucketId, key))?.rank ?? 0)
  if (seq !== null && row.versioned === 0) return { replaced: row, newestSeq, versioned: 0 }
  if (seq !== null) yield* run(KEEP, [bucketId, key])
  const old = yield* one<Named & { readonly rank: number }>(NULL_VERSION, [bucketId, key])
  if (old !== undefined) yield* run(FORGET, [bucketId, key, old.rank])
  return { replaced: old ?? nothing, newestSeq, versioned: 0 }
}

/** How a version is named to clients; undefined in a bucket that never had versions. */
export function nameVersion(bucket: BucketColumns, seq: number, versioned: number): VersionName | undefined {
  return bucket.versioning === Versioning.never ? undefined : { seq, versioned }
}
/** How what was written is named: by an id it was given, never as the null version. */
export function nameWritten(bucket: BucketColumns, seq: number, versioned: number): VersionName | undefined {
  return bucket.versioning === Versioning.enabled ? { seq, versioned } : undefined
}

/** Puts a delete marker over what `displace` made room for. */
export function* putMarker(p: {
  readonly bucketId: number
  readonly key: string
  readonly seq: number
  readonly displaced: Displaced
  readonly hadObject: boolean
  readonly ownerId: number
  readonly nowMs: number
}): Unit<void> {
  if (p.hadObject) yield* run(DELETE_OBJECT, [p.bucketId, p.key])
  yield* release(p.displaced.replaced)
  yield* run(MARK, [p.bucketId, p.key, -p.seq, p.displaced.versioned, p.nowMs, p.ownerId])
}

/**
 * Makes a version that was put among the others the newest of its key: the object, unless it is a marker.
 * @param hadObject the key has one, which is kept
 */
export function* makeNewest(
  bucketId: number,
  key: string,
  rank: number,
  isMarker: boolean,
  hadObject: boolean,
): Unit<void> {
  if (hadObject) {
    yield* run(KEEP, [bucketId, key])
    yield* run(DELETE_OBJECT, [bucketId, key])
  }
  if (isMarker) return
  yield* run(PROMOTE, [bucketId, key, rank])
  yield* run(FORGET, [bucketId, key, rank])
}

/** Removes the object of a key for ever; the next version, unless it is a marker, is the object then. */
export function* dropCurrent(bucketId: number, key: string, object: Named): Unit<void> {
  yield* run(DELETE_OBJECT, [bucketId, key])
  yield* release(object)
  yield* promoteNext(bucketId, key)
}

/** Removes a version that is not the object. */
export function* dropVersion(bucketId: number, key: string, rank: number, version: Named): Unit<void> {
  const newest = yield* newestVersion(bucketId, key)
  yield* run(FORGET, [bucketId, key, rank])
  yield* release(version)
  // Only a marker can be the newest of all; behind an object this finds its object still there.
  if (newest?.rank === rank && newest.marker === 1) yield* promoteNext(bucketId, key)
}

const HAS_OBJECT = sql(`SELECT 1 AS found FROM objects WHERE bucket_id = $1 AND key = $2`)

function* promoteNext(bucketId: number, key: string): Unit<void> {
  const next = yield* newestVersion(bucketId, key)
  if (next === undefined || next.marker === 1) return
  if ((yield* one(HAS_OBJECT, [bucketId, key])) !== undefined) return
  yield* run(PROMOTE, [bucketId, key, next.rank])
  yield* run(FORGET, [bucketId, key, next.rank])
}
