/** Changing what a version has beside its bytes, in place: its sequence, its time and its bytes stay. */
import { run, sql, type Unit } from '../../platform/database/unit.ts'
import { Fault, fault } from '../../protocol/fault.ts'
import type { Properties } from '../../protocol/properties.ts'
import type { BucketSettings } from '../../protocol/settings.ts'
import { afterChange, type ToldChange } from './aftermath.ts'
import type { ObjectRecord, ObjectRef, VersionName } from './contract.ts'
import { notThere } from './finding.ts'
import type { FindFault } from './objects.ts'
import { markChange } from './replications.ts'
import { encodeProperties, isThere, readObject, refused } from './rows.ts'
import { readSettings } from './settings-text.ts'
import { type LocatedVersion, locateVersion } from './version-rows.ts'
import { nameVersion } from './versioning.ts'

const OF_OBJECT = sql(`UPDATE objects SET properties = $1 WHERE bucket_id = $2 AND key = $3`)
const OF_VERSION = sql(`UPDATE versions SET properties = $1 WHERE bucket_id = $2 AND key = $3 AND rank = $4`)

export interface ChangedVersion {
  readonly object: ObjectRecord
  readonly settings: BucketSettings
  readonly bucketOwnerId: number
}
export interface Changed {
  readonly version: VersionName | undefined
  /** As it was before. */
  readonly located: LocatedVersion
}

/**
 * @param change the whole of the new properties; pure: it may run again
 * @param told for those who are told of it and for replicas; without it the change stays where it is
 */
export function* changeProperties<R extends Properties | Fault>(
  ref: ObjectRef,
  change: (found: ChangedVersion) => R,
  told?: ToldChange,
): Unit<Changed | FindFault | Extract<R, Fault>> {
  const found = yield* locateVersion(ref)
  if (found === undefined) return refused(undefined, ref)!
  const { row } = found
  if (!isThere(row)) return yield* notThere(row, ref)
  const denied = refused(row, ref, row)
  if (denied !== undefined) return denied
  if (row.marker === 1)
    return fault('method-not-allowed', {
      resourceType: 'DeleteMarker',
      markerSeq: row.seq,
      markerVersioned: row.versioned,
    })
  const object = readObject(row, ref.key)
  const changed = change({ object, settings: readSettings(row.settings), bucketOwnerId: row.bucket_owner })
  if (changed instanceof Fault) return changed as Extract<R, Fault>
  const { properties: before } = object
  const next = changed as Properties
  const after = told === undefined ? next : markChange(row, before, ref.key, next)
  yield* saveProperties(found, ref.key, after)
  const version = nameVersion(row, row.seq, row.versioned)
  if (row.settings !== null && told !== undefined) {
    const { seq, etag } = row
    yield* afterChange(row, ref, told, { key: ref.key, seq, version, etag, before, after })
  }
  return { version, located: found }
}

/** Of a version that is there. */
export function* saveProperties({ row, current }: LocatedVersion, key: string, properties: Properties): Unit<void> {
  const text = encodeProperties(properties)
  if (current) yield* run(OF_OBJECT, [text, row.bucket_id, key])
  else yield* run(OF_VERSION, [text, row.bucket_id, key, -(row.seq ?? 0)])
}
