/**
 * What a bucket is set to. Settings that requests for its contents must know lie in its row, as one document, so that
 * a bucket without any costs them nothing; the other configurations lie in bucket_documents, by kind and id.
 */
import { all, one, run, sql, type Unit } from '../../platform/database/unit.ts'
import { Fault } from '../../protocol/fault.ts'
import type { BucketSettings } from '../../protocol/settings.ts'
import { resolveBucket } from './buckets.ts'
import type { BucketFault, BucketRecord, BucketRef } from './contract.ts'
import { encodeSettings, readSettings } from './settings-text.ts'

const SAVE = sql(`UPDATE buckets SET settings = $1 WHERE id = $2`)
const SET_VERSIONING = sql(`UPDATE buckets SET versioning = $1 WHERE id = $2`)
const DOCUMENT = sql(`SELECT document FROM bucket_documents WHERE bucket_id = $1 AND kind = $2 AND id = $3`)
const DOCUMENTS = sql(`
  SELECT id, document FROM bucket_documents WHERE bucket_id = $1 AND kind = $2 AND id > $3 ORDER BY id LIMIT $4`)
const COUNT = sql(`SELECT COUNT(*) AS n FROM bucket_documents WHERE bucket_id = $1 AND kind = $2`)
const SAVE_DOCUMENT = sql(`
  INSERT INTO bucket_documents (bucket_id, kind, id, document) VALUES ($1, $2, $3, $4)
  ON CONFLICT (bucket_id, kind, id) DO UPDATE SET document = excluded.document`)
const DELETE_DOCUMENT = sql(`DELETE FROM bucket_documents WHERE bucket_id = $1 AND kind = $2 AND id = $3`)

export interface BucketWithSettings extends BucketRecord {
  readonly is: BucketSettings
}
export function* bucketSettings(ref: BucketRef): Unit<BucketWithSettings | BucketFault> {
  const bucket = yield* resolveBucket(ref)
  return bucket instanceof Fault ? bucket : { ...bucket, is: readSettings(bucket.settings) }
}

/** Some settings; undefined unsets one. */
export type SettingsChange = { readonly [K in keyof BucketSettings]?: BucketSettings[K] | undefined }

/**
 * Changes some settings; undefined unsets one.
 * @param change pure: it may run again
 */
export function* changeSettings<R extends SettingsChange | Fault>(
  ref: BucketRef,
  change: (bucket: BucketWithSettings) => R,
): Unit<undefined | BucketFault | Extract<R, Fault>> {
  const bucket = yield* bucketSettings(ref)
  if (bucket instanceof Fault) return bucket
  const changed = change(bucket)
  if (changed instanceof Fault) return changed as Extract<R, Fault>
  yield* run(SAVE, [encodeSettings({ ...bucket.is, ...(changed as SettingsChange) } as BucketSettings), bucket.id])
  return undefined
}

export function* setVersioning<R extends Fault | undefined>(
  ref: BucketRef,
  versioning: number,
  check: (bucket: BucketWithSettings) => R,
): Unit<BucketFault | R | undefined> {
  const bucket = yield* bucketSettings(ref)
  if (bucket instanceof Fault) return bucket
  const refused = check(bucket)
  if (refused !== undefined) return refused
  yield* run(SET_VERSIONING, [versioning, bucket.id])
  return undefined
}

const OTHER = sql(`SELECT owner_id, region, versioning, settings FROM buckets WHERE environment_id = $1 AND name = $2`)
export interface OtherBucket {
  readonly ownerId: number
  readonly region: string
  readonly versioning: number
  readonly is: BucketSettings
}
/** A bucket that another is set to send something to; nothing is asked of anybody's rights. */
export function* findOtherBucket(environmentId: number, name: string): Unit<OtherBucket | undefined> {
  const row = yield* one<{ owner_id: number; region: string; versioning: number; settings: string | null }>(OTHER, [
    environmentId,
    name,
  ])
  if (row === undefined) return undefined
  const { owner_id: ownerId, region, versioning, settings } = row
  return { ownerId, region, versioning, is: readSettings(settings) }
}

const SETTINGS = sql(`SELECT region, settings FROM buckets WHERE environment_id = $1 AND name = $2`)
/** For what S3 tells anybody: cross-origin rules, websites. Undefined when there is no such bucket. */
export function* settingsForAnyone(
  environmentId: number,
  name: string,
): Unit<{ readonly region: string; readonly is: BucketSettings } | undefined> {
  const row = yield* one<{ region: string; settings: string | null }>(SETTINGS, [environmentId, name])
  return row && { region: row.region, is: readSettings(row.settings) }
}

/** Configurations of one kind that clients name by an id; their text is what the protocol stored. */
export function* findDocument(ref: BucketRef, kind: string, id: string): Unit<string | undefined | BucketFault> {
  const bucket = yield* resolveBucket(ref)
  if (bucket instanceof Fault) return bucket
  return (yield* one<{ document: string }>(DOCUMENT, [bucket.id, kind, id]))?.document
}
export function* listDocuments(
  ref: BucketRef,
  kind: string,
  after: string,
  limit: number,
): Unit<readonly { readonly id: string; readonly document: string }[] | BucketFault> {
  const bucket = yield* resolveBucket(ref)
  if (bucket instanceof Fault) return bucket
  return yield* all(DOCUMENTS, [bucket.id, kind, after, limit])
}
/** Answers 'too many' when the bucket has `most` of the kind already, and none of this id. */
export function* saveDocument(
  ref: BucketRef,
  kind: string,
  id: string,
  document: string,
  most: number,
): Unit<undefined | 'too many' | BucketFault> {
  const bucket = yield* resolveBucket(ref)
  if (bucket instanceof Fault) return bucket
  const known = yield* one(DOCUMENT, [bucket.id, kind, id])
  if (known === undefined && (yield* one<{ n: number }>(COUNT, [bucket.id, kind]))!.n >= most) return 'too many'
  yield* run(SAVE_DOCUMENT, [bucket.id, kind, id, document])
  return undefined
}
/** Answers whether there was one. */
export function* deleteDocument(ref: BucketRef, kind: string, id: string): Unit<boolean | BucketFault> {
  const bucket = yield* resolveBucket(ref)
  if (bucket instanceof Fault) return bucket
  return (yield* run(DELETE_DOCUMENT, [bucket.id, kind, id])) > 0
}
