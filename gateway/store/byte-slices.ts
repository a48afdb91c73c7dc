/** From a range of an object to runs of bytes of blobs that are not composed. */
import { all, one, sql, type Unit } from '../../platform/database/unit.ts'
import type { Slice } from '../bytes/contract.ts'
import type { FoundObject } from './contract.ts'
import { inline } from './rows.ts'

/** The extents that a range touches: starts at the last one that begins at or before it. */
export const extentsInRange = `composed_id = $1 AND start < $2
  AND start >= (SELECT MAX(start) FROM extents WHERE composed_id = $3 AND start <= $4)`
const EXTENTS = sql(`
  SELECT start, size, blob_id, blob_offset, place FROM extents WHERE ${extentsInRange} ORDER BY start`)
const INLINE = sql(`SELECT data FROM blobs WHERE id = $1`)

interface Extent {
  readonly start: number
  readonly size: number
  readonly blob_id: number
  readonly blob_offset: number
  readonly place: number
}

/**
 * Slices in order that make up [offset, offset + length) of an object; the range must lie within it. Reads only the
 * extents of the range, and the bytes of the inline blobs among them: uploads have small parts at their end only, so
 * that these are few.
 */
export function* byteSlices(found: FoundObject, offset: number, length: number): Unit<readonly Slice[]> {
  if (offset < 0 || length < 0 || offset + length > found.sizeBytes) throw new RangeError('a range outside the object')
  if (length === 0 || found.blobId === null) return []
  if (found.place !== 'composed') {
    const slice: Slice = { blobId: found.blobId, offset, sizeBytes: length }
    if (found.place === 'stored') return [slice]
    return [{ ...slice, data: found.data ?? (yield* inlineBytes(found.blobId)) }]
  }
  const end = offset + length
  const extents = yield* all<Extent>(EXTENTS, [found.blobId, end, found.blobId, offset])
  const slices: Slice[] = []
  const read = new Map<number, Uint8Array>()
  for (const extent of extents) {
    const from = Math.max(extent.start, offset)
    const slice: Slice = {
      blobId: extent.blob_id,
      offset: extent.blob_offset + from - extent.start,
      sizeBytes: Math.min(extent.start + extent.size, end) - from,
    }
    if (extent.place !== inline) {
      slices.push(slice)
      continue
    }
    const data = read.get(extent.blob_id) ?? (yield* inlineBytes(extent.blob_id))
    read.set(extent.blob_id, data)
    slices.push({ ...slice, data })
  }
  return slices
}

export function* inlineBytes(blobId: number): Unit<Uint8Array> {
  const row = yield* one<{ data: Uint8Array | null }>(INLINE, [blobId])
  if (row === undefined || row.data === null) throw new Error(`blob ${blobId} has no inline bytes`)
  return row.data
}
