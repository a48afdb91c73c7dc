/** Finding a version to read it: rights, regions, delete markers and what is not there, decided in one place. */
import type { Unit } from '../../platform/database/unit.ts'
import { type Fault, fault } from '../../protocol/fault.ts'
import { type BucketFault, type ObjectRef, Versioning } from './contract.ts'
import { isThere, missing, type ObjectColumns, refused } from './rows.ts'
import { locateVersion, type VersionRow, versionMissing } from './version-rows.ts'
import { newestVersion } from './versioning.ts'

/**
 * Nothing can be read: there is no such object or version, or it is a delete marker ('object-missing' when none was
 * named, 'method-not-allowed' when the marker itself was; both with {markerSeq, markerVersioned, modifiedAtMs}).
 */
export type MissingFault = Fault<'object-missing'> | Fault<'version-missing'> | Fault<'method-not-allowed'>

/** The row of the version that `ref` names, if the asker may read it. */
export function* findReadable(
  ref: ObjectRef,
): Unit<(VersionRow & { readonly seq: number }) | BucketFault | MissingFault> {
  const found = yield* locateVersion(ref)
  if (found === undefined) return refused(undefined, ref)!
  const { row } = found
  if (!isThere(row)) return yield* notThere(row, ref)
  // A delete marker has nothing to grant: whoever may learn that a key is gone may learn of it.
  if (row.marker === 1) return hidden(row, ref) ?? markerRead(row)
  return refused(row, ref, row) ?? row
}

/** Why a key, or a version of it, cannot be read though its bucket can. */
export function* notThere(row: ObjectColumns, ref: ObjectRef): Unit<BucketFault | MissingFault> {
  const told = missing(row, ref)
  if (told.code !== 'object-missing') return told as BucketFault
  if (ref.version !== undefined) return versionMissing(ref)
  if (row.versioning === Versioning.never) return told
  const newest = yield* newestVersion(row.bucket_id, ref.key)
  if (newest?.marker !== 1) return told
  return fault('object-missing', { ...told.detail, markerSeq: -newest.rank, markerVersioned: newest.versioned })
}

function hidden(row: ObjectColumns, ref: ObjectRef): BucketFault | undefined {
  const told = missing(row, ref)
  return told.code === 'object-missing' ? undefined : (told as BucketFault)
}

function markerRead(row: VersionRow & { readonly seq: number }): Fault<'method-not-allowed'> {
  return fault('method-not-allowed', {
    markerSeq: row.seq,
    markerVersioned: row.versioned,
    modifiedAtMs: row.modified_at,
    resourceType: 'DeleteMarker',
  })
}
