/** One version of a key, whichever table it is in. */
import { one, sql, type Unit } from '../../platform/database/unit.ts'
import { type Fault, fault } from '../../protocol/fault.ts'
import type { ObjectRef } from './contract.ts'
import { bucketColumns, type ObjectColumns, objectColumns } from './rows.ts'
import { targetBucket, targetTables } from './target.ts'

const versionColumns = objectColumns.replace('o.seq AS seq', '-o.rank AS seq')
const tables = 'FROM buckets b LEFT JOIN versions o ON o.bucket_id = b.id AND o.key = $1'
const data = 'LEFT JOIN blobs x ON x.id = o.blob_id AND o.place = 0'
const CURRENT = sql(`SELECT ${bucketColumns}, ${objectColumns}, 0 AS marker, x.data AS data
  ${targetTables} ${data} ${targetBucket}`)
const BY_RANK = sql(`SELECT ${bucketColumns}, ${versionColumns}, o.marker AS marker, x.data AS data
  ${tables} AND o.rank = $2 ${data} WHERE b.environment_id = $3 AND b.name = $4`)
const NULL_VERSION = sql(`SELECT ${bucketColumns}, ${versionColumns}, o.marker AS marker, x.data AS data
  ${tables} AND o.versioned = 0 ${data} ${targetBucket}`)

export type VersionRow = ObjectColumns & {
  readonly marker: number | null
  readonly data: Uint8Array | null
}
export interface LocatedVersion {
  readonly row: VersionRow
  /** It is the key's object. */
  readonly current: boolean
}

/**
 * The version that `ref.version` names, with its bucket; `row.seq` is null when there is none. undefined: no bucket.
 * Nothing is asked of the asker's rights.
 */
export function* locateVersion(ref: ObjectRef): Unit<LocatedVersion | undefined> {
  const { key, environmentId, bucket, version } = ref
  const row = yield* one<VersionRow>(CURRENT, [key, environmentId, bucket])
  if (row === undefined) return undefined
  if (row.seq !== null && isNamed(row, version)) return { row, current: true }
  if (version === undefined) return { row, current: false }
  const old =
    version === 'null'
      ? yield* one<VersionRow>(NULL_VERSION, [key, environmentId, bucket])
      : yield* one<VersionRow>(BY_RANK, [key, -version, environmentId, bucket])
  const found = old !== undefined && old.seq !== null && isNamed(old, version)
  return { row: found ? old : { ...row, seq: null }, current: false }
}

/** A null version has no id made of its sequence. */
function isNamed(row: VersionRow, version: ObjectRef['version']): boolean {
  if (version === undefined) return true
  return version === 'null' ? row.versioned === 0 : row.versioned === 1 && row.seq === version
}

export function versionMissing(ref: ObjectRef): Fault<'version-missing'> {
  return fault('version-missing', { bucket: ref.bucket, key: ref.key, version: ref.version ?? 'null' })
}
