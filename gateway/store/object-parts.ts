/** The parts an object was made of, for reads by part number and for listings of them. */
import { all, one, sql, type Unit } from '../../platform/database/unit.ts'
import type { Checksums, ObjectRecord } from './contract.ts'
import { decodeChecksums } from './rows.ts'

const FIND = sql(`SELECT start, size, checksums FROM object_parts WHERE composed_id = $1 AND number = $2`)
const LIST = sql(`
  SELECT number, size, checksums FROM object_parts WHERE composed_id = $1 AND number > $2 ORDER BY number LIMIT $3`)

export interface ObjectPart {
  readonly number: number
  readonly sizeBytes: number
  readonly checksums: Checksums
}

/** An object that was put whole has one part, number 1: all of it. undefined when there is no such part. */
export function* findPart(
  found: ObjectRecord,
  number: number,
): Unit<{ offset: number; sizeBytes: number; checksums: Checksums } | undefined> {
  if (found.parts === 0) {
    return number === 1 ? { offset: 0, sizeBytes: found.sizeBytes, checksums: found.checksums } : undefined
  }
  const row = yield* one<{ start: number; size: number; checksums: string | null }>(FIND, [found.blobId, number])
  return row && { offset: row.start, sizeBytes: row.size, checksums: decodeChecksums(row.checksums) }
}

/** Parts after a number; none for an object that was put whole. */
export function* listObjectParts(
  found: ObjectRecord,
  after: number,
  limit: number,
): Unit<{ parts: readonly ObjectPart[]; truncated: boolean }> {
  if (found.parts === 0) return { parts: [], truncated: false }
  const rows = yield* all<{ number: number; size: number; checksums: string | null }>(LIST, [
    found.blobId,
    after,
    limit + 1,
  ])
  const parts = rows.slice(0, limit).map(row => ({
    number: row.number,
    sizeBytes: row.size,
    checksums: decodeChecksums(row.checksums),
  }))
  return { parts, truncated: rows.length > limit }
}
