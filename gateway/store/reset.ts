/** A clean world: buckets, objects, uploads and queues go; identities and credentials stay. */
import { all, run, sql, type Unit } from '../../platform/database/unit.ts'
import { dropDocuments, releaseObjectsOfBucket, releaseUploadsOfBucket } from './dropping.ts'
import { dropQueues } from './queues.ts'

const ENVIRONMENTS = sql(`SELECT id FROM environments`)
const ENVIRONMENT = sql(`SELECT id FROM environments WHERE name = $1`)
const BUCKETS = sql(`SELECT id FROM buckets WHERE environment_id = $1`)
const DELETE_BUCKETS = sql(`DELETE FROM buckets WHERE environment_id = $1`)

/**
 * Empties one environment, or all. The bytes are released and left to the sweeper: wake it afterwards. Uploads of
 * bodies that are under way are not disturbed; they find no bucket.
 * @param name undefined for all
 * @returns false when there is no environment of that name
 */
export function* resetEnvironment(name: string | undefined): Unit<boolean> {
  const environments =
    name === undefined ? yield* all<{ id: number }>(ENVIRONMENTS, []) : yield* all<{ id: number }>(ENVIRONMENT, [name])
  for (const { id } of environments) {
    for (const bucket of yield* all<{ id: number }>(BUCKETS, [id])) {
      yield* releaseUploadsOfBucket(bucket.id)
      yield* releaseObjectsOfBucket(bucket.id)
      yield* dropDocuments(bucket.id)
    }
    yield* run(DELETE_BUCKETS, [id])
    yield* dropQueues(id)
  }
  return name === undefined || environments.length > 0
}
