/** Deleting: the object of a key, or for ever one of its versions. */
import { one, run, sql, type Unit } from '../../platform/database/unit.ts'
import type { Fault } from '../../protocol/fault.ts'
import { checkDelete, type WriteVerdict } from '../rules/conditions.ts'
import { checkRemoval } from '../rules/retention.ts'
import { afterDelete } from './aftermath.ts'
import { release } from './blobs.ts'
import {
  type BucketFault,
  type BucketRef,
  type DeleteConditions,
  type Guard,
  type GuardedObject,
  type ObjectRef,
  Versioning,
} from './contract.ts'
import { type BucketColumns, bucketColumns, decodeProperties, isThere, refused } from './rows.ts'
import { nextSeq } from './seq.ts'
import { conditioned, locateTarget, type TargetRow } from './target.ts'
import { locateVersion } from './version-rows.ts'
import { displace, dropCurrent, dropVersion, putMarker } from './versioning.ts'

const BUCKET = sql(`SELECT ${bucketColumns} FROM buckets b WHERE b.environment_id = $1 AND b.name = $2`)
const DELETE = sql(`DELETE FROM objects WHERE bucket_id = $1 AND key = $2`)

export interface DeleteObject {
  readonly ref: ObjectRef
  readonly conditions: DeleteConditions
  /** Overlook retention in governance mode. */
  readonly bypass?: boolean
  readonly nowMs: number
}
export interface Deleted {
  readonly existed: boolean
  /** A delete marker was put or, when a version was named, removed. */
  readonly marker: boolean
  /** Of the marker, or of the version removed; undefined when the bucket has no versions. */
  readonly version: { readonly seq: number; readonly versioned: number } | undefined
}
const existed: Deleted = Object.freeze({ existed: true, marker: false, version: undefined })
const absent: Deleted = Object.freeze({ existed: false, marker: false, version: undefined })
export type DeleteFault = BucketFault | NonNullable<WriteVerdict> | Fault<'object-locked'>

export function* deleteObject(p: DeleteObject): Unit<Deleted | DeleteFault> {
  if (p.ref.version !== undefined) return yield* deleteVersion(p)
  const row = yield* locateTarget(p.ref)
  const denied = refused(row, p.ref, ownedBy(row))
  if (row === undefined || denied !== undefined) return denied!
  return yield* deleteCurrent(row, p)
}

/** Whose the object is counts where an ACL lets others write. */
function ownedBy(row: TargetRow | undefined): GuardedObject | undefined {
  return row === undefined || row.seq === null ? undefined : { owner_id: row.object_owner, properties: null }
}

function* deleteCurrent(row: TargetRow, { ref, conditions, nowMs }: DeleteObject): Unit<Deleted | DeleteFault> {
  const { bucket_id: bucketId, seq } = row
  const failed = checkDelete(conditions, conditioned(row))
  if (failed !== undefined) return failed
  if (row.versioning === Versioning.never) {
    if (seq === null) return absent
    yield* run(DELETE, [bucketId, ref.key])
    yield* release(row)
    if (row.settings !== null)
      yield* afterDelete(row, ref, { key: ref.key, seq, version: undefined, nowMs, marked: false })
    return existed
  }
  const displaced = yield* displace(row, ref.key)
  const version = { seq: nextSeq(nowMs, displaced.newestSeq), versioned: displaced.versioned }
  const { key, identityId: ownerId } = ref
  yield* putMarker({ bucketId, key, seq: version.seq, displaced, hadObject: seq !== null, ownerId, nowMs })
  if (row.settings !== null) yield* afterDelete(row, ref, { key, seq: version.seq, version, nowMs, marked: true })
  return { existed: seq !== null, marker: true, version }
}

/** Deleting a version that is not there succeeds, as deleting an object that is not there does. */
function* deleteVersion({ ref, conditions, nowMs, bypass }: DeleteObject): Unit<Deleted | DeleteFault> {
  const found = yield* locateVersion(ref)
  const denied = refused(found?.row, ref)
  if (found === undefined || denied !== undefined) return denied!
  const { row, current } = found
  const there = isThere(row)
  const failed = checkDelete(
    conditions,
    there ? { etag: row.etag, modifiedAtMs: row.modified_at, sizeBytes: row.size } : undefined,
  )
  if (failed !== undefined) return failed
  if (!there) return absent
  if (row.properties !== null) {
    const locked = checkRemoval(decodeProperties(row.properties) ?? {}, nowMs, bypass ?? false)
    if (locked !== undefined) return locked
  }
  if (current) yield* dropCurrent(row.bucket_id, ref.key, row)
  else yield* dropVersion(row.bucket_id, ref.key, -row.seq, row)
  const version = { seq: row.seq, versioned: row.versioned }
  if (row.settings !== null) yield* afterDelete(row, ref, { key: ref.key, seq: row.seq, version, nowMs, marked: false })
  return { existed: true, marker: row.marker === 1, version }
}

export interface DeleteObjects {
  readonly ref: BucketRef
  readonly items: readonly {
    readonly key: string
    readonly version?: ObjectRef['version']
    readonly conditions: DeleteConditions
  }[]
  /** Of each key: policies may name some of them only. */
  readonly guardOf?: (key: string, version: ObjectRef['version']) => Guard | undefined
  readonly bypass?: boolean
  readonly nowMs: number
}
/** An answer for each item, in order: one that fails its conditions does not keep the others. */
export function* deleteObjects(p: DeleteObjects): Unit<BucketFault | readonly (Deleted | DeleteFault)[]> {
  const bucket = yield* one<BucketColumns>(BUCKET, [p.ref.environmentId, p.ref.bucket])
  const denied = refused(bucket, p.ref)
  const unpaid = bucket && p.ref.guard?.checkPayer(bucket)
  if (unpaid !== undefined) return unpaid
  // Who may not delete everything may still be allowed some keys.
  if (denied !== undefined && denied.code !== 'access-denied') return denied
  const answers: (Deleted | DeleteFault)[] = []
  for (const { key, version, conditions } of p.items) {
    const ref = { ...p.ref, key, version, guard: p.guardOf?.(key, version) }
    answers.push(yield* deleteObject({ ref, conditions, nowMs: p.nowMs, bypass: p.bypass ?? false }))
  }
  return answers
}
