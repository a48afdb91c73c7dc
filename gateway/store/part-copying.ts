/** UploadPartCopy moves no stored bytes: a range of blobs is extents; only a range of an inline blob is a small copy. */
import { run, sql, type Unit } from '../../platform/database/unit.ts'
import { Fault } from '../../protocol/fault.ts'
import { addReference, composeOf, insertComposed, insertInline, type Named, release } from './blobs.ts'
import { extentsInRange, inlineBytes } from './byte-slices.ts'
import type { Checksums, ObjectRef, VersionName } from './contract.ts'
import { findSource, type SourceFault, type SourceQuery, type SourceRow } from './copying.ts'
import { composed, inline, stored } from './rows.ts'
import { findPartTarget, savePart, type UploadFault } from './upload-rows.ts'
import { nameVersion } from './versioning.ts'

/** The covered extents, clipped: $5 is where the range begins, $6 where it ends. */
const CLIPPED = sql(`
  INSERT INTO extents (composed_id, start, size, blob_id, blob_offset, place)
  SELECT CAST($5 AS BIGINT), GREATEST(start, CAST($6 AS BIGINT)) - CAST($6 AS BIGINT),
    LEAST(start + size, CAST($2 AS BIGINT)) - GREATEST(start, CAST($6 AS BIGINT)), blob_id,
    blob_offset + GREATEST(start, CAST($6 AS BIGINT)) - start, place
  FROM extents WHERE ${extentsInRange}`)
const EXTENT_REFERENCES = sql(`
  UPDATE blobs SET refs = refs + d.n FROM (
    SELECT blob_id, COUNT(*) AS n FROM extents WHERE composed_id = $1 GROUP BY blob_id) AS d
  WHERE blobs.id = d.blob_id`)

export interface CopyPart extends SourceQuery {
  /** undefined: all of the source. It must lie within the source. */
  readonly range: { readonly offset: number; readonly length: number } | undefined
  readonly target: ObjectRef
  readonly uploadId: string
  readonly number: number
  /** Unused ids of BlobIds: which one is needed depends on where the source's bytes are. */
  readonly blobIds: { readonly inline: number; readonly composed: number }
  /** Of the range's bytes, computed beforehand from the source version `sourceSeq`. */
  readonly etag: string
  readonly checksums: Checksums
}

export interface CopiedPart {
  readonly modifiedAtMs: number
  readonly sizeBytes: number
  readonly sourceSeq: number
  readonly sourceVersion: VersionName | undefined
}

/**
 * Neither the source nor the upload is encrypted: bytes under one key are none under another. Faults about the source have
 * detail {side: 'source'}.
 */
export function* copyPart(p: CopyPart): Unit<CopiedPart | SourceFault | UploadFault> {
  const target = yield* findPartTarget(p.target, p.uploadId, p.number)
  if (target instanceof Fault) return target
  const source = yield* findSource(p)
  if (source instanceof Fault) return source
  const { offset, length } = p.range ?? { offset: 0, length: source.size }
  if (offset < 0 || length < 0 || offset + length > source.size) throw new RangeError('a range outside the source')
  // Referenced before the old part is released: they may be the same blob.
  const bytes = yield* rangeOf(source, offset, length, p.blobIds)
  yield* release(target)
  yield* savePart({
    uploadRow: target.upload_row,
    number: p.number,
    sizeBytes: length,
    bytes,
    etag: p.etag,
    modifiedAtMs: p.nowMs,
    checksums: p.checksums,
  })
  const sourceVersion = nameVersion(source, source.seq, source.versioned)
  return { modifiedAtMs: p.nowMs, sizeBytes: length, sourceSeq: source.seq, sourceVersion }
}

/** A blob that is a range of an object, with one reference for whoever is going to name it. */
function* rangeOf(source: SourceRow, offset: number, length: number, ids: CopyPart['blobIds']): Unit<Named> {
  if (source.blob_id === null || length === 0) return { blob_id: null, place: null }
  if (length === source.size) {
    yield* addReference(source)
    return source
  }
  if (source.place === inline) {
    const data = yield* inlineBytes(source.blob_id)
    yield* insertInline(ids.inline, data.subarray(offset, offset + length))
    return { blob_id: ids.inline, place: inline }
  }
  if (source.place === stored) yield* composeOf(ids.composed, source, offset, length)
  else {
    yield* insertComposed(ids.composed, length)
    yield* run(CLIPPED, [source.blob_id, offset + length, source.blob_id, offset, ids.composed, offset])
  }
  yield* run(EXTENT_REFERENCES, [ids.composed])
  return { blob_id: ids.composed, place: composed }
}
