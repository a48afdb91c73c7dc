/** Keys of a bucket with all their versions, a bounded number of rows at a time. */
import { all, one, sql, type Unit } from '../../platform/database/unit.ts'
import type { LifecycleVersion, VersionsAbove } from '../rules/lifecycle.ts'
import type { Named } from './blobs.ts'
import { decodeProperties } from './rows.ts'
import { beyondAllKeys, type Position, successor } from './seek.ts'
import { beyondAllRanks, merge } from './version-listing.ts'

const columns = 'key, versioned, size, blob_id, place, modified_at, storage_class, properties'
const objects = `SELECT ${columns}, -seq AS rank, 0 AS marker FROM objects`
const versions = `SELECT ${columns}, rank, marker FROM versions`
const range = 'bucket_id = $1 AND key >= $2 AND key < $3'
const OBJECTS = sql(`${objects} WHERE ${range} ORDER BY key LIMIT $4`)
const VERSIONS = sql(`${versions} WHERE ${range} ORDER BY key, rank LIMIT $4`)
const OBJECTS_AFTER = sql(`${objects} WHERE bucket_id = $1 AND key > $2 AND key < $3 ORDER BY key LIMIT $4`)
const VERSIONS_AFTER = sql(`
  ${versions} WHERE bucket_id = $1 AND (key, rank) > ($2, $3) AND key < $4 ORDER BY key, rank LIMIT $5`)
const OBJECT = sql(`SELECT modified_at FROM objects WHERE bucket_id = $1 AND key = $2`)
const ABOVE = sql(`
  SELECT modified_at FROM versions WHERE bucket_id = $1 AND key = $2 AND rank <= $3 ORDER BY rank DESC LIMIT $4`)

interface StackRow extends Named {
  readonly key: string
  readonly rank: number
  readonly versioned: number
  readonly marker: number
  readonly size: number
  readonly modified_at: number
  readonly storage_class: string
  readonly properties: string | null
}
/** A version with the columns that removing it needs. */
export interface StackVersion extends LifecycleVersion, Named {
  readonly versioned: number
  /** JSON. */
  readonly properties: string | null
}
export interface Stack {
  readonly key: string
  readonly versions: readonly StackVersion[]
  readonly above: VersionsAbove | undefined
}
export type StackPosition = Position<{ readonly key: string; readonly rank: number }>
export interface StackPage {
  readonly stacks: readonly Stack[]
  /** Undefined at the end. */
  readonly next: StackPosition | undefined
}

/**
 * The stacks from a position on. A key comes whole, unless it alone has as many versions as are read at once: then in
 * pieces, each with what is above it.
 * @param most rows; at least 2
 * @param counted how many of the noncurrent versions above a piece are counted
 */
export function* stacksFrom(
  bucketId: number,
  prefix: string,
  position: StackPosition,
  most: number,
  counted: number,
): Unit<StackPage> {
  const rows = yield* fetch(bucketId, position, successor(prefix) ?? beyondAllKeys, most)
  const groups = groupsOf(rows)
  let next: StackPosition | undefined
  if (rows.length === most) {
    // More of the last key may follow: it is read again as the first.
    if (groups.length > 1) groups.pop()
    const last = groups.at(-1)!
    next = { after: { key: last[0]!.key, rank: rows.length === last.length ? last.at(-1)!.rank : beyondAllRanks } }
  }
  const stacks: Stack[] = []
  for (const group of groups) {
    const { key } = group[0]!
    const within = 'after' in position && position.after.key === key ? position.after.rank : undefined
    const above = within === undefined ? undefined : yield* versionsAbove(bucketId, key, within, counted)
    stacks.push({ key, versions: group.map(readVersion), above })
  }
  return { stacks, next }
}

function* fetch(bucketId: number, position: StackPosition, until: string, most: number): Unit<readonly StackRow[]> {
  if ('from' in position) {
    const range = [bucketId, position.from, until, most]
    return merge(yield* all<StackRow>(OBJECTS, range), yield* all<StackRow>(VERSIONS, range), most)
  }
  const { key, rank } = position.after
  const current = yield* all<StackRow>(OBJECTS_AFTER, [bucketId, key, until, most])
  return merge(current, yield* all<StackRow>(VERSIONS_AFTER, [bucketId, key, rank, until, most]), most)
}

function groupsOf(rows: readonly StackRow[]): StackRow[][] {
  const groups: StackRow[][] = []
  for (const row of rows) {
    const group = groups.at(-1)
    if (group !== undefined && group[0]!.key === row.key) group.push(row)
    else groups.push([row])
  }
  return groups
}

function readVersion(row: StackRow): StackVersion {
  return {
    seq: -row.rank,
    marker: row.marker === 1,
    sizeBytes: row.size,
    tags: decodeProperties(row.properties)?.tags ?? noTags,
    modifiedAtMs: row.modified_at,
    storageClass: row.storage_class,
    versioned: row.versioned,
    properties: row.properties,
    blob_id: row.blob_id,
    place: row.place,
  }
}
const noTags: LifecycleVersion['tags'] = []

/** @param rank of the last version above; it may be gone by now */
function* versionsAbove(bucketId: number, key: string, rank: number, counted: number): Unit<VersionsAbove | undefined> {
  const object = yield* one<{ modified_at: number }>(OBJECT, [bucketId, key])
  const older = yield* all<{ modified_at: number }>(ABOVE, [bucketId, key, rank, counted + 1])
  const nearest = older[0] ?? object
  // Nothing is above any more: the first of the piece has become the key's newest.
  if (nearest === undefined) return undefined
  // Without an object the newest of all is a marker, and current.
  return { noncurrent: older.length - (object === undefined ? 1 : 0), modifiedAtMs: nearest.modified_at }
}
