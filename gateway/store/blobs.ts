/**
 * References to bytes. Whoever names a blob in a row holds one reference, taken and given back in the same unit as the
 * row. An inline blob dies with its last reference; others stay at 0 for the sweeper, which owns their files.
 */
import { DatabaseUnavailable, run, sql, type Unit } from '../../platform/database/unit.ts'
import { blobsPerBlock } from '../bytes/contract.ts'
import type { NewBytes } from './contract.ts'
import { inline, stored } from './rows.ts'

const INSERT_INLINE = sql(`INSERT INTO blobs (id, place, size, refs, data) VALUES ($1, 0, $2, 1, $3)`)
/** Only while the block of the id is open: the sweeper must not have looked for files without a row in it already. */
const INSERT_STORED = sql(`
  INSERT INTO blobs (id, place, size, refs)
  SELECT CAST($1 AS BIGINT), 1, CAST($2 AS BIGINT), 1
  WHERE EXISTS (SELECT 1 FROM blob_blocks WHERE block = $3 AND swept = 0)`)
const INSERT_COMPOSED = sql(`INSERT INTO blobs (id, place, size, refs) VALUES ($1, 2, $2, 1)`)
const INSERT_EXTENT = sql(`
  INSERT INTO extents (composed_id, start, size, blob_id, blob_offset, place) VALUES ($1, 0, $2, $3, $4, $5)`)
const OVERWRITE = sql(`UPDATE blobs SET size = $1, data = $2 WHERE id = $3 AND refs = 1`)
const ADD_REFERENCE = sql(`UPDATE blobs SET refs = refs + 1 WHERE id = $1`)
const DROP_REFERENCE = sql(`UPDATE blobs SET refs = refs - 1 WHERE id = $1`)
const DELETE_LAST = sql(`DELETE FROM blobs WHERE id = $1 AND refs = 1`)

/** A row's way to its bytes: columns blob_id and place. */
export interface Named {
  readonly blob_id: number | null
  readonly place: number | null
}
const noBytes: Named = Object.freeze({ blob_id: null, place: null })

/** A blob was inserted after its gateway had been taken for dead: it slept for a minute in the middle of an upload. */
export class BlockClosed extends DatabaseUnavailable {
  constructor(blobId: number) {
    super(`blob ${blobId} came too late: its gateway was taken for dead`)
  }
}

/**
 * Makes the blob that a row is going to name, with that row's reference, and gives back what the row named before.
 * Inline bytes over inline bytes of nobody else are overwritten in place: with 1 KiB bodies over random keys of
 * 200,000 that took half the time of an insert and a delete (bench/micro/store-layout.ts).
 * @param inlineBlobId an unused id, for when the bytes are inline
 * @throws BlockClosed
 */
export function* replaceBytes(bytes: NewBytes, inlineBlobId: number | undefined, old: Named): Unit<Named> {
  if (bytes.inline !== undefined && bytes.sizeBytes > 0) {
    if (old.place === inline && (yield* run(OVERWRITE, [bytes.sizeBytes, bytes.inline, old.blob_id])) === 1) return old
    if (inlineBlobId === undefined) throw new Error('inline bytes need a blob id')
    yield* run(INSERT_INLINE, [inlineBlobId, bytes.sizeBytes, bytes.inline])
    if (old.blob_id !== null) yield* release(old)
    return { blob_id: inlineBlobId, place: inline }
  }
  if (bytes.blobId !== undefined) yield* insertStored(bytes.blobId, bytes.sizeBytes)
  else if (bytes.sizeBytes > 0) throw new Error('bytes that are neither inline nor stored')
  if (old.blob_id !== null) yield* release(old)
  return bytes.blobId === undefined ? noBytes : { blob_id: bytes.blobId, place: stored }
}

export function* insertInline(id: number, data: Uint8Array): Unit<void> {
  yield* run(INSERT_INLINE, [id, data.length, data])
}
function* insertStored(id: number, sizeBytes: number): Unit<void> {
  const block = Math.floor(id / blobsPerBlock)
  if ((yield* run(INSERT_STORED, [id, sizeBytes, block])) === 0) throw new BlockClosed(id)
}
export function* insertComposed(id: number, sizeBytes: number): Unit<void> {
  yield* run(INSERT_COMPOSED, [id, sizeBytes])
}

/** A composed blob of one piece: bytes of an inline or stored blob. The piece's reference is the caller's business. */
export function* composeOf(id: number, piece: Named, offset: number, sizeBytes: number): Unit<void> {
  yield* insertComposed(id, sizeBytes)
  yield* run(INSERT_EXTENT, [id, sizeBytes, piece.blob_id, offset, piece.place])
}

export function* addReference(named: Named): Unit<void> {
  if (named.blob_id !== null) yield* run(ADD_REFERENCE, [named.blob_id])
}

/** Gives one reference back. */
export function* release(named: Named): Unit<void> {
  if (named.blob_id === null) return
  if (named.place === inline && (yield* run(DELETE_LAST, [named.blob_id])) === 1) return
  yield* run(DROP_REFERENCE, [named.blob_id])
}
