/** Giving many references back at once: the parts of uploads, and everything of an environment. */
import { run, sql, type Unit } from '../../platform/database/unit.ts'

/** `blobs` − the references that the rows `named` (blob_id, n) hold. */
function dropping(named: string): string {
  return `UPDATE blobs SET refs = refs - d.n FROM (${named}) AS d WHERE blobs.id = d.blob_id`
}
const ofUpload =
  'SELECT blob_id, COUNT(*) AS n FROM parts WHERE upload_row = $1 AND blob_id IS NOT NULL GROUP BY blob_id'
const RELEASE_PARTS = sql(dropping(ofUpload))
const DELETE_PARTS = sql(`DELETE FROM parts WHERE upload_row = $1`)

const uploadsOfBucket = 'SELECT id FROM uploads WHERE bucket_id = $1'
const RELEASE_BUCKET_PARTS = sql(
  dropping(`SELECT blob_id, COUNT(*) AS n FROM parts WHERE upload_row IN (${uploadsOfBucket}) AND blob_id IS NOT NULL
    GROUP BY blob_id`),
)
const DELETE_BUCKET_PARTS = sql(`DELETE FROM parts WHERE upload_row IN (${uploadsOfBucket})`)
const DELETE_BUCKET_UPLOADS = sql(`DELETE FROM uploads WHERE bucket_id = $1`)
const DELETE_BUCKET_COMPLETED = sql(`DELETE FROM completed_uploads WHERE bucket_id = $1`)

const RELEASE_BUCKET_OBJECTS = sql(
  dropping(`SELECT blob_id, COUNT(*) AS n FROM objects WHERE bucket_id = $1 AND blob_id IS NOT NULL GROUP BY blob_id`),
)
const DELETE_BUCKET_OBJECTS = sql(`DELETE FROM objects WHERE bucket_id = $1`)
const RELEASE_BUCKET_VERSIONS = sql(
  dropping(`SELECT blob_id, COUNT(*) AS n FROM versions WHERE bucket_id = $1 AND blob_id IS NOT NULL GROUP BY blob_id`),
)
const DELETE_BUCKET_VERSIONS = sql(`DELETE FROM versions WHERE bucket_id = $1`)
const DELETE_REPLICATIONS = sql(`DELETE FROM replications WHERE bucket_id = $1`)
const DELETE_DOCUMENTS = sql(`DELETE FROM bucket_documents WHERE bucket_id = $1`)

/** All parts of one upload. */
export function* releaseParts(uploadRow: number): Unit<void> {
  yield* run(RELEASE_PARTS, [uploadRow])
  yield* run(DELETE_PARTS, [uploadRow])
}

/** The uploads in progress of a bucket, and the memory of completed ones. */
export function* releaseUploadsOfBucket(bucketId: number): Unit<void> {
  yield* run(RELEASE_BUCKET_PARTS, [bucketId])
  yield* run(DELETE_BUCKET_PARTS, [bucketId])
  yield* run(DELETE_BUCKET_UPLOADS, [bucketId])
  yield* run(DELETE_BUCKET_COMPLETED, [bucketId])
}

/** The objects of a bucket and all their versions. */
export function* releaseObjectsOfBucket(bucketId: number): Unit<void> {
  yield* run(RELEASE_BUCKET_OBJECTS, [bucketId])
  yield* run(DELETE_BUCKET_OBJECTS, [bucketId])
  yield* run(RELEASE_BUCKET_VERSIONS, [bucketId])
  yield* run(DELETE_BUCKET_VERSIONS, [bucketId])
}

/** What else a bucket has that goes with it. */
export function* dropDocuments(bucketId: number): Unit<void> {
  yield* run(DELETE_REPLICATIONS, [bucketId])
  yield* run(DELETE_DOCUMENTS, [bucketId])
}
