/** ListObjects: a bucket's keys in order, with common prefixes. */
import { all, one, sql, type Unit } from '../../platform/database/unit.ts'
import type {
  BucketFault,
  BucketRef,
  ChecksumName,
  ChecksumType,
  ListedObject,
  ListPage,
  ListQuery,
} from './contract.ts'
import { type BucketColumns, bucketColumns, decodeChecksums, refused } from './rows.ts'
import { beyondAllKeys, type Position, startOf, successor, walk } from './seek.ts'

const BUCKET = sql(`SELECT ${bucketColumns} FROM buckets b WHERE b.environment_id = $1 AND b.name = $2`)
export const listedColumns = 'key, size, etag, modified_at, storage_class, owner_id, checksum_type, checksums'
const FROM = sql(`
  SELECT ${listedColumns} FROM objects WHERE bucket_id = $1 AND key >= $2 AND key < $3 ORDER BY key LIMIT $4`)
const AFTER = sql(`
  SELECT ${listedColumns} FROM objects WHERE bucket_id = $1 AND key > $2 AND key < $3 ORDER BY key LIMIT $4`)

export interface ListedRow {
  readonly key: string
  readonly size: number
  readonly etag: string
  readonly modified_at: number
  readonly storage_class: string
  readonly owner_id: number
  readonly checksum_type: ChecksumType | null
  readonly checksums: string | null
}

/** One page; `limit` 0 answers an empty page that is not truncated, as S3 does for max-keys=0. */
export function* listObjects(
  ref: BucketRef,
  query: ListQuery,
): Unit<(ListPage<ListedObject> & { readonly region: string }) | BucketFault> {
  const bucket = yield* one<BucketColumns>(BUCKET, [ref.environmentId, ref.bucket])
  const denied = refused(bucket, ref)
  if (bucket === undefined || denied !== undefined) return denied!
  const start = startOf(query)
  const { region } = bucket
  if (start === undefined || query.limit <= 0) return { ...emptyPage, region }
  const until = successor(query.prefix) ?? beyondAllKeys
  const fetch = (position: Position<{ readonly key: string }>, count: number): Unit<readonly ListedRow[]> =>
    'from' in position
      ? all(FROM, [bucket.bucket_id, position.from, until, count])
      : all(AFTER, [bucket.bucket_id, position.after.key, until, count])
  const first = 'from' in start ? start : { after: { key: start.after } as ListedRow }
  const found = yield* walk<ListedRow>(query, first, fetch)
  return {
    entries: found.rows.map(readListed),
    commonPrefixes: found.commonPrefixes,
    truncated: found.truncated,
    last: found.lastPrefix ?? found.lastRow?.key ?? '',
    region,
  }
}

const emptyPage: ListPage<never> = Object.freeze({ entries: [], commonPrefixes: [], truncated: false, last: '' })
const noNames: readonly ChecksumName[] = Object.freeze([])

export function readListed(row: ListedRow): ListedObject {
  return {
    key: row.key,
    sizeBytes: row.size,
    etag: row.etag,
    modifiedAtMs: row.modified_at,
    storageClass: row.storage_class,
    ownerId: row.owner_id,
    checksumType: row.checksum_type ?? undefined,
    checksumNames: row.checksums === null ? noNames : (Object.keys(decodeChecksums(row.checksums)) as ChecksumName[]),
  }
}
