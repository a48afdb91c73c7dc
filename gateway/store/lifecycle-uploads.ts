/** Uploads that a lifecycle aborts. */
import { all, one, run, sql, type Unit } from '../../platform/database/unit.ts'
import { abortOf } from '../rules/lifecycle.ts'
import { findLifecycle } from './lifecycle-buckets.ts'

const UPLOADS = sql(`
  SELECT key, upload_id, id, initiated_at FROM uploads WHERE bucket_id = $1 AND (key, upload_id) > ($2, $3)
  ORDER BY key, upload_id LIMIT $4`)
const LAST_OF_CHUNK = sql(`
  SELECT MAX(number) AS number FROM (SELECT number FROM parts WHERE upload_row = $1 ORDER BY number LIMIT $2) AS p`)
const RELEASE = sql(`
  UPDATE blobs SET refs = refs - d.n FROM (
    SELECT blob_id, COUNT(*) AS n FROM parts WHERE upload_row = $1 AND number <= $2 AND blob_id IS NOT NULL
    GROUP BY blob_id) AS d
  WHERE blobs.id = d.blob_id`)
const DELETE_PARTS = sql(`DELETE FROM parts WHERE upload_row = $1 AND number <= $2`)
const DELETE = sql(`DELETE FROM uploads WHERE bucket_id = $1 AND key = $2 AND upload_id = $3`)

const batchUploads = 64
const batchParts = 500

export interface UploadPosition {
  readonly key: string
  readonly uploadId: string
}
/** Before all: no key is empty. */
export const firstUpload: UploadPosition = Object.freeze({ key: '', uploadId: '' })

export interface UploadTurn {
  readonly bucketId: number
  readonly after: UploadPosition
  readonly nowMs: number
  readonly dayMs: number
}
interface UploadRow {
  readonly key: string
  readonly upload_id: string
  readonly id: number
  readonly initiated_at: number
}

/** What is due behind a position. Only reads. */
export function* lookAtUploads(
  turn: UploadTurn,
): Unit<{ readonly due: number; readonly next: UploadPosition | undefined }> {
  const { due, next } = yield* dueBehind(turn)
  return { due: due.length, next }
}

/**
 * Takes up to 500 parts from the first upload that is due, and the upload with the last of them: one of 10,000 parts at
 * once would keep everybody waiting. Answers whether there was one, and whether it is gone.
 */
export function* abortFirst(turn: UploadTurn): Unit<'none' | 'begun' | 'aborted'> {
  const { due } = yield* dueBehind(turn)
  const [upload] = due
  if (upload === undefined) return 'none'
  const last = (yield* one<{ number: number | null }>(LAST_OF_CHUNK, [upload.id, batchParts]))?.number ?? null
  if (last !== null) {
    yield* run(RELEASE, [upload.id, last])
    if ((yield* run(DELETE_PARTS, [upload.id, last])) === batchParts) return 'begun'
  }
  yield* run(DELETE, [turn.bucketId, upload.key, upload.upload_id])
  return 'aborted'
}

function* dueBehind({ bucketId, after, nowMs, dayMs }: UploadTurn): Unit<{
  readonly due: readonly UploadRow[]
  readonly next: UploadPosition | undefined
}> {
  const bucket = yield* findLifecycle(bucketId)
  if (bucket === undefined) return { due: [], next: undefined }
  const rows = yield* all<UploadRow>(UPLOADS, [bucketId, after.key, after.uploadId, batchUploads])
  const due = rows.filter(({ key, initiated_at: initiatedAtMs }) => {
    const abort = abortOf(bucket.lifecycle, key, initiatedAtMs, dayMs)
    return abort !== undefined && abort.atMs <= nowMs
  })
  const last = rows.length < batchUploads ? undefined : rows.at(-1)!
  return { due, next: last && { key: last.key, uploadId: last.upload_id } }
}
