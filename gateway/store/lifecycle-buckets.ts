/** Buckets that have a lifecycle, and what of their contents its rules can be about. */
import { all, one, sql, type Unit } from '../../platform/database/unit.ts'
import type { LifecycleConfiguration } from '../../protocol/s3/lifecycle-rule.ts'
import { type BucketColumns, bucketColumns } from './rows.ts'
import { compareUtf8 } from './seek.ts'
import { readSettings } from './settings-text.ts'

/** Their settings are not read here: that of 10,000 buckets would take a while. */
const BUCKETS = sql(`
  SELECT id, CASE WHEN settings LIKE '%"lifecycle":%' THEN 1 ELSE 0 END AS has FROM buckets
  WHERE id > $1 ORDER BY id LIMIT $2`)
const BUCKET = sql(`SELECT ${bucketColumns}, b.name AS name, b.environment_id AS environment_id
  FROM buckets b WHERE b.id = $1`)

const batchBuckets = 500

/** Ids of buckets that may have one, in order. */
export function* lifecycleBuckets(
  after: number,
): Unit<{ readonly ids: readonly number[]; readonly next: number | undefined }> {
  const rows = yield* all<{ id: number; has: number }>(BUCKETS, [after, batchBuckets])
  const next = rows.length < batchBuckets ? undefined : rows.at(-1)!.id
  return { ids: rows.filter(row => row.has === 1).map(row => row.id), next }
}

export interface LifecycleBucket {
  readonly id: number
  readonly ownerId: number
  readonly versioning: number
  readonly lifecycle: LifecycleConfiguration
  /** For the events of what is done in it. */
  readonly row: BucketColumns
  readonly name: string
  readonly environmentId: number
}
/** Undefined when the bucket, or its lifecycle, is gone. */
export function* findLifecycle(bucketId: number): Unit<LifecycleBucket | undefined> {
  const row = yield* one<BucketColumns & { name: string; environment_id: number }>(BUCKET, [bucketId])
  const lifecycle = row === undefined ? undefined : readSettings(row.settings).lifecycle
  if (row === undefined || lifecycle === undefined) return undefined
  const { bucket_id: id, bucket_owner: ownerId, versioning, name, environment_id: environmentId } = row
  return { id, ownerId, versioning, lifecycle, row, name, environmentId }
}

/** Prefixes of the keys that some enabled rule is about: in order, and none within another. */
export function prefixesOf({ rules }: LifecycleConfiguration): readonly string[] {
  const sorted = rules.filter(rule => rule.enabled).map(rule => rule.filter.prefix ?? '')
  sorted.sort(compareUtf8)
  const prefixes: string[] = []
  // What begins with another sorts right behind it.
  for (const prefix of sorted) {
    const last = prefixes.at(-1)
    if (last === undefined || !prefix.startsWith(last)) prefixes.push(prefix)
  }
  return prefixes
}

export function abortsUploads({ rules }: LifecycleConfiguration): boolean {
  return rules.some(rule => rule.enabled && rule.abortUploadDays !== undefined)
}
