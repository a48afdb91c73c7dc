/** Keeping a version under a key that it was not under before: its sequence, time, ETag and parts stay. */
import { run, sql, type Unit } from '../../platform/database/unit.ts'
import { Fault, fault } from '../../protocol/fault.ts'
import type { Properties } from '../../protocol/properties.ts'
import { composeOf, type Named, release, replaceBytes } from './blobs.ts'
import type { FoundObject, NewBytes, ObjectRef } from './contract.ts'
import type { FindFault } from './objects.ts'
import { type ChangedVersion, changeProperties } from './properties.ts'
import { composed } from './rows.ts'

const OF_OBJECT = sql(`UPDATE objects SET blob_id = $1, place = $2 WHERE bucket_id = $3 AND key = $4`)
const OF_VERSION = sql(`UPDATE versions SET blob_id = $1, place = $2 WHERE bucket_id = $3 AND key = $4 AND rank = $5`)
const SAME_PARTS = sql(`
  INSERT INTO object_parts (composed_id, number, start, size, checksums)
  SELECT CAST($1 AS BIGINT), number, start, size, checksums FROM object_parts WHERE composed_id = $2`)

export interface Reencrypt<R extends Properties | Fault> {
  readonly ref: ObjectRef
  /** The version whose bytes these are, as it was read. */
  readonly found: FoundObject
  readonly bytes: NewBytes
  /** Unused ids of BlobIds: of bytes that are inline, and of what stands for the parts of an object. */
  readonly inlineBlobId: number | undefined
  readonly composedBlobId: number
  /** Its properties, with the key; or why it is refused. Pure. */
  readonly change: (found: ChangedVersion) => R
}

/** 'condition-conflict': it was changed since it was read. */
export function* reencryptVersion<R extends Properties | Fault>(
  p: Reencrypt<R>,
): Unit<undefined | FindFault | Extract<R, Fault> | Fault<'condition-conflict'>> {
  const { ref, found } = p
  const done = yield* changeProperties(ref, (changed): R | Fault<'condition-conflict'> => {
    const { object } = changed
    const same = object.seq === found.seq && object.blobId === found.blobId
    return same && object.properties?.encryption === undefined
      ? p.change(changed)
      : fault('condition-conflict', { key: ref.key })
  })
  if (done instanceof Fault) return done
  const { row, current } = done.located
  const named = found.parts === 0 ? yield* replaceBytes(p.bytes, p.inlineBlobId, row) : yield* recompose(p, row)
  const values = [named.blob_id, named.place, row.bucket_id, ref.key]
  if (current) yield* run(OF_OBJECT, values)
  else yield* run(OF_VERSION, [...values, -(row.seq ?? 0)])
  return undefined
}

/** The bytes in one piece, and beside them the parts that the object was made of. */
function* recompose(
  { bytes, inlineBlobId, composedBlobId }: Pick<Reencrypt<Fault>, 'bytes' | 'inlineBlobId' | 'composedBlobId'>,
  old: Named,
): Unit<Named> {
  const piece = yield* replaceBytes(bytes, inlineBlobId, { blob_id: null, place: null })
  yield* composeOf(composedBlobId, piece, 0, bytes.sizeBytes)
  yield* run(SAME_PARTS, [composedBlobId, old.blob_id])
  yield* release(old)
  return { blob_id: composedBlobId, place: composed }
}
