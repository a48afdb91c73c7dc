/** ListObjectVersions: by key, then from the newest version on; objects and kept versions are merged as they are read. */
import { all, one, sql, type Unit } from '../../platform/database/unit.ts'
import type { BucketFault, BucketRef, ListedObject, ListPage, ListQuery } from './contract.ts'
import { type ListedRow, listedColumns, readListed, restoreColumns } from './listing.ts'
import { type BucketColumns, bucketColumns, refused } from './rows.ts'
import { beyondAllKeys, compareUtf8, type Position, startOf, successor, walk } from './seek.ts'

const BUCKET = sql(`SELECT ${bucketColumns} FROM buckets b WHERE b.environment_id = $1 AND b.name = $2`)
const range = 'bucket_id = $1 AND key >= $2 AND key < $3'

function statements(columns: string) {
  const objects = `SELECT ${columns}, -seq AS rank, versioned, 0 AS marker FROM objects`
  const versions = `SELECT ${columns}, rank, versioned, marker FROM versions`
  return {
    OBJECTS: sql(`${objects} WHERE ${range} ORDER BY key LIMIT $4`),
    VERSIONS: sql(`${versions} WHERE ${range} ORDER BY key, rank LIMIT $4`),
    OBJECTS_AFTER: sql(`${objects} WHERE bucket_id = $1 AND key > $2 AND key < $3 ORDER BY key LIMIT $4`),
    VERSIONS_AFTER: sql(`
      ${versions} WHERE bucket_id = $1 AND (key, rank) > ($2, $3) AND key < $4 ORDER BY key, rank LIMIT $5`),
  }
}
type Statements = ReturnType<typeof statements>
const plain = statements(listedColumns)
const withRestore = statements(restoreColumns)
const OBJECT_RANK = sql(`SELECT -seq AS rank FROM objects WHERE bucket_id = $1 AND key = $2`)
const NULL_RANK = sql(`SELECT rank FROM versions WHERE bucket_id = $1 AND key = $2 AND versioned = 0`)
const NULL_OBJECT_RANK = sql(`SELECT -seq AS rank FROM objects WHERE bucket_id = $1 AND key = $2 AND versioned = 0`)

interface VersionRow extends ListedRow {
  readonly rank: number
  readonly versioned: number
  readonly marker: number
}
export interface ListedVersion extends ListedObject {
  readonly seq: number
  readonly versioned: boolean
  readonly marker: boolean
  readonly latest: boolean
}
export interface VersionQuery extends ListQuery {
  /** Goes on within the key `after`, behind this version of it; undefined: all versions of that key are skipped. */
  readonly afterVersion: number | 'null' | undefined
}
export interface VersionPage extends ListPage<ListedVersion> {
  /** The version of the last entry; undefined when that is a common prefix. */
  readonly lastVersion: { readonly seq: number; readonly versioned: boolean } | undefined
}

/** Greater than every rank: what follows (key, this) is another key. */
export const beyondAllRanks = Number.MAX_SAFE_INTEGER

export function* listVersions(ref: BucketRef, query: VersionQuery): Unit<VersionPage | BucketFault> {
  const bucket = yield* one<BucketColumns>(BUCKET, [ref.environmentId, ref.bucket])
  const denied = refused(bucket, ref)
  if (bucket === undefined || denied !== undefined) return denied!
  const start = startOf(query)
  if (start === undefined || query.limit <= 0) return emptyPage
  const id = bucket.bucket_id
  const until = successor(query.prefix) ?? beyondAllKeys
  const first: Position<VersionRow> =
    'from' in start
      ? start
      : { after: { key: start.after, rank: yield* rankOf(id, start.after, query.afterVersion) } as VersionRow }
  const found = yield* walk<VersionRow>(query, first, (position, count) =>
    fetch(query.withRestore === true ? withRestore : plain, id, position, until, count),
  )
  const newest = yield* newestBefore(id, first)
  const { lastRow, lastPrefix } = found
  return {
    entries: readVersions(found.rows, newest),
    commonPrefixes: found.commonPrefixes,
    truncated: found.truncated,
    last: lastPrefix ?? lastRow?.key ?? '',
    lastVersion:
      lastRow === undefined || lastPrefix !== undefined
        ? undefined
        : { seq: -lastRow.rank, versioned: lastRow.versioned === 1 },
  }
}

const emptyPage: VersionPage = Object.freeze({
  entries: [],
  commonPrefixes: [],
  truncated: false,
  last: '',
  lastVersion: undefined,
})

/** Rows of both tables from a position on, in order. An object is the newest of its key, so it comes before its versions. */
function* fetch(
  { OBJECTS, VERSIONS, OBJECTS_AFTER, VERSIONS_AFTER }: Statements,
  bucketId: number,
  position: Position<VersionRow>,
  until: string,
  count: number,
): Unit<readonly VersionRow[]> {
  if ('from' in position) {
    const range = [bucketId, position.from, until, count]
    return merge(yield* all<VersionRow>(OBJECTS, range), yield* all<VersionRow>(VERSIONS, range), count)
  }
  const { key, rank } = position.after
  const current = yield* all<VersionRow>(OBJECTS_AFTER, [bucketId, key, until, count])
  return merge(current, yield* all<VersionRow>(VERSIONS_AFTER, [bucketId, key, rank, until, count]), count)
}

/** The first rows of both tables together, each ordered by key. */
export function merge<Row extends { readonly key: string }>(
  objects: readonly Row[],
  versions: readonly Row[],
  count: number,
): readonly Row[] {
  if (versions.length === 0) return objects
  const merged: Row[] = []
  let o = 0
  let v = 0
  while (merged.length < count) {
    const object = objects[o]
    const version = versions[v]
    if (object === undefined && version === undefined) break
    const takeObject = version === undefined || (object !== undefined && compareUtf8(object.key, version.key) <= 0)
    merged.push(takeObject ? object! : version!)
    if (takeObject) o++
    else v++
  }
  return merged
}

/** Where a version of a key stands. One that is gone by now still has its place, for ids are made of sequences. */
function* rankOf(bucketId: number, key: string, version: number | 'null' | undefined): Unit<number> {
  if (version === undefined) return beyondAllRanks
  if (version !== 'null') return -version
  const row =
    (yield* one<{ rank: number }>(NULL_OBJECT_RANK, [bucketId, key])) ??
    (yield* one<{ rank: number }>(NULL_RANK, [bucketId, key]))
  return row?.rank ?? beyondAllRanks
}

/** The key that a page begins within, whose newest version an earlier page had. */
function* newestBefore(bucketId: number, first: Position<VersionRow>): Unit<string | undefined> {
  if ('from' in first || first.after.rank === beyondAllRanks) return undefined
  const object = yield* one<{ rank: number }>(OBJECT_RANK, [bucketId, first.after.key])
  return object === undefined || object.rank <= first.after.rank ? first.after.key : undefined
}

/** @param seen a key whose newest version is not among the rows */
function readVersions(rows: readonly VersionRow[], seen: string | undefined): readonly ListedVersion[] {
  let before = seen
  return rows.map(row => {
    const latest = row.key !== before
    before = row.key
    return {
      ...readListed(row),
      seq: -row.rank,
      versioned: row.versioned === 1,
      marker: row.marker === 1,
      latest,
    }
  })
}
