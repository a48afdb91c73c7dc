/**
 * RenameObject: the row gets another key; bytes, time and all it says of itself stay. For buckets without versions, as
 * directory buckets are: where there are some, a key's past would have to go with it or be torn from it.
 * A request's client token is remembered among the completed uploads, under the key that no object has, for as long.
 */
import { one, run, sql, type Unit } from '../../platform/database/unit.ts'
import { Fault, fault } from '../../protocol/fault.ts'
import { checkRename, checkRenameSource } from '../rules/conditions.ts'
import { release } from './blobs.ts'
import { type BucketFault, type Conditions, type ObjectRef, Versioning } from './contract.ts'
import { findReadable, type MissingFault } from './finding.ts'
import { nextSeq } from './seq.ts'
import { conditioned, findTarget } from './target.ts'

const DELETE = sql(`DELETE FROM objects WHERE bucket_id = $1 AND key = $2`)
const MOVE = sql(`UPDATE objects SET key = $1, seq = $2 WHERE bucket_id = $3 AND key = $4`)
const DONE = sql(`SELECT etag FROM completed_uploads WHERE bucket_id = $1 AND key = '' AND upload_id = $2`)
const REMEMBER = sql(`
  INSERT INTO completed_uploads (bucket_id, key, upload_id, seq, etag, size, completed_at)
  VALUES ($1, '', $2, 0, $3, 0, $4)`)

export interface RenameObject {
  /** The new key. */
  readonly ref: ObjectRef
  /** In the same bucket. */
  readonly source: ObjectRef
  readonly conditions: Conditions
  readonly sourceConditions: Conditions
  readonly token: { readonly text: string; readonly digest: string } | undefined
  readonly nowMs: number
}
export type RenameFault =
  | BucketFault
  | MissingFault
  | Fault<'precondition-failed'>
  | Fault<'client-token-reused'>
  | Fault<'not-implemented'>

/** What is at the new key is replaced. Repeated with its token it succeeds and does nothing. */
export function* renameObject(p: RenameObject): Unit<undefined | RenameFault> {
  const { ref, source, token, nowMs } = p
  const target = yield* findTarget(ref)
  if (target instanceof Fault) return target
  if (target.versioning !== Versioning.never) return versionsKept
  const bucketId = target.bucket_id
  if (token !== undefined) {
    const done = yield* one<{ etag: string }>(DONE, [bucketId, token.text])
    if (done !== undefined) return done.etag === token.digest ? undefined : fault('client-token-reused')
  }
  const row = yield* findReadable(source)
  if (row instanceof Fault) return row
  const failed =
    checkRenameSource(p.sourceConditions, { etag: row.etag, modifiedAtMs: row.modified_at }, nowMs) ??
    checkRename(p.conditions, conditioned(target), nowMs)
  if (failed !== undefined) return failed
  if (ref.key !== source.key) {
    yield* run(DELETE, [bucketId, ref.key])
    yield* release(target)
    yield* run(MOVE, [ref.key, nextSeq(nowMs, Math.max(row.seq, target.seq ?? 0)), bucketId, source.key])
  }
  if (token !== undefined) yield* run(REMEMBER, [bucketId, token.text, token.digest, nowMs])
  return undefined
}

const versionsKept = fault('not-implemented', { reason: 'RenameObject in a bucket that keeps versions' })
