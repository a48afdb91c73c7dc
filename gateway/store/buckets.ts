/** Buckets: unique by name within an environment, used by their owner. */
import { all, one, run, sql, type Unit } from '../../platform/database/unit.ts'
import { type Fault, fault } from '../../protocol/fault.ts'
import { type BucketFault, type BucketRecord, type BucketRef, Versioning } from './contract.ts'
import { nextOf } from './counters.ts'
import { dropDocuments, releaseUploadsOfBucket } from './dropping.ts'
import { type BucketColumns, bucketColumns, refused } from './rows.ts'
import { beyondAllKeys, compareUtf8, successor } from './seek.ts'
import { readSettings } from './settings-text.ts'

const FIND = sql(`
  SELECT ${bucketColumns}, b.created_at AS created_at FROM buckets b WHERE b.environment_id = $1 AND b.name = $2`)
const COUNT = sql(`SELECT COUNT(*) AS n FROM buckets WHERE environment_id = $1 AND owner_id = $2`)
const INSERT = sql(`
  INSERT INTO buckets (id, environment_id, name, owner_id, region, created_at, versioning, settings)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`)
const ANY_OBJECT = sql(`SELECT 1 AS found FROM objects WHERE bucket_id = $1 LIMIT 1`)
const ANY_VERSION = sql(`SELECT 1 AS found FROM versions WHERE bucket_id = $1 LIMIT 1`)
const DELETE = sql(`DELETE FROM buckets WHERE id = $1`)
const LIST = sql(`
  SELECT id, name, owner_id, region, created_at, versioning, settings FROM buckets
  WHERE environment_id = $1 AND name >= $2 AND name < $3 AND owner_id = $4 AND name > $5
    AND (region = $6 OR $7 = 1)
  ORDER BY name LIMIT $8`)

interface FoundBucket extends BucketColumns {
  readonly created_at: number
}

export function* resolveBucket(ref: BucketRef): Unit<BucketRecord | BucketFault> {
  const row = yield* one<FoundBucket>(FIND, [ref.environmentId, ref.bucket])
  const denied = refused(row, ref)
  if (row === undefined || denied !== undefined) return denied!
  return {
    id: row.bucket_id,
    name: ref.bucket,
    ownerId: row.bucket_owner,
    region: row.region,
    createdAtMs: row.created_at,
    versioning: row.versioning,
    settings: row.settings,
  }
}

export interface CreateBucket {
  readonly environmentId: number
  readonly identityId: number
  readonly name: string
  readonly region: string
  readonly nowMs: number
  /** Buckets an identity may own. */
  readonly limit: number
  readonly versioning?: number
  readonly settings?: string | null
}
/** 'bucket-owned' (with the bucket's `region`) when the asker owns one of that name, 'bucket-exists' when another does. */
export function* createBucket(
  p: CreateBucket,
): Unit<BucketRecord | Fault<'bucket-exists'> | Fault<'bucket-owned'> | Fault<'bucket-limit'>> {
  const row = yield* one<FoundBucket>(FIND, [p.environmentId, p.name])
  if (row !== undefined) {
    return row.bucket_owner === p.identityId
      ? fault('bucket-owned', {
          bucket: p.name,
          region: row.region,
          acl: readSettings(row.settings).acl === undefined ? 'none' : 'own',
        })
      : fault('bucket-exists', { bucket: p.name })
  }
  const owned = (yield* one<{ n: number }>(COUNT, [p.environmentId, p.identityId]))!.n
  if (owned >= p.limit) return fault('bucket-limit', { limit: p.limit })
  const id = yield* nextOf('bucket')
  const { environmentId, name, identityId: ownerId, region, nowMs: createdAtMs } = p
  const { versioning = Versioning.never, settings = null } = p
  yield* run(INSERT, [id, environmentId, name, ownerId, region, createdAtMs, versioning, settings])
  return { id, name, ownerId, region, createdAtMs, versioning, settings }
}

/**
 * Only objects keep a bucket from being deleted; uploads in progress go with it. (S3's API reference, DeleteBucket, asks
 * for their abort of directory buckets only.)
 */
export function* deleteBucket(ref: BucketRef): Unit<undefined | BucketFault | Fault<'bucket-not-empty'>> {
  const bucket = yield* one<FoundBucket>(FIND, [ref.environmentId, ref.bucket])
  const denied = refused(bucket, ref)
  if (bucket === undefined || denied !== undefined) return denied!
  const id = bucket.bucket_id
  for (const any of [ANY_OBJECT, ANY_VERSION])
    if ((yield* one(any, [id])) !== undefined) return fault('bucket-not-empty', { bucket: ref.bucket })
  yield* releaseUploadsOfBucket(id)
  yield* dropDocuments(id)
  yield* run(DELETE, [id])
  return undefined
}

export interface ListBuckets {
  readonly environmentId: number
  readonly identityId: number
  readonly prefix: string
  /** Strictly after this name; '' = from the start. */
  readonly after: string
  readonly limit: number
  readonly region?: string | undefined
}
/** The asker's own buckets by name. */
export function* listBuckets(
  p: ListBuckets,
): Unit<{ buckets: readonly BucketRecord[]; truncated: boolean; last: string }> {
  const region = p.region ?? ''
  const from = compareUtf8(p.after, p.prefix) > 0 ? p.after : p.prefix
  const rows = yield* all<ListedBucket>(LIST, [
    p.environmentId,
    from,
    successor(p.prefix) ?? beyondAllKeys,
    p.identityId,
    p.after,
    region,
    region === '' ? 1 : 0,
    p.limit + 1,
  ])
  const buckets = rows.slice(0, p.limit).map(row => ({
    id: row.id,
    name: row.name,
    ownerId: row.owner_id,
    region: row.region,
    createdAtMs: row.created_at,
    versioning: row.versioning,
    settings: row.settings,
  }))
  return { buckets, truncated: p.limit > 0 && rows.length > p.limit, last: buckets.at(-1)?.name ?? '' }
}

interface ListedBucket {
  readonly id: number
  readonly name: string
  readonly owner_id: number
  readonly region: string
  readonly created_at: number
  readonly versioning: number
  readonly settings: string | null
}
