/**
 * Writing one replica, in one unit of work with the end of its request: done once, however often it is tried. No bytes
 * move. A replica has its source's version id, time, headers, metadata, tags and lock. Sources: S3 User Guide, "What does
 * Amazon S3 replicate?", "Changing the replica owner", "Amazon S3 replication failure reasons".
 */
import { one, run, sql, type Unit } from '../../platform/database/unit.ts'
import { evaluate } from '../../protocol/policy/evaluate.ts'
import type { IdentityPrincipal } from '../../protocol/policy/principal.ts'
import type { Properties } from '../../protocol/properties.ts'
import { parseArn } from '../../protocol/s3/arns.ts'
import { objectArn } from '../../protocol/s3/bucket-policy.ts'
import type { ReplicationRule } from '../../protocol/s3/replication.ts'
import { guardsOf } from '../rules/guards.ts'
import { addReference } from './blobs.ts'
import { type ObjectRef, Versioning } from './contract.ts'
import { recordEvent } from './events.ts'
import { saveProperties } from './properties.ts'
import {
  type AgreedRule,
  endReplication,
  findReplication,
  isReplicationPending,
  type ReplicationRow,
} from './replications.ts'
import { decodeProperties, encodeProperties, isThere } from './rows.ts'
import { readSettings } from './settings-text.ts'
import { locateTarget, type TargetRow } from './target.ts'
import { type LocatedVersion, locateVersion, type VersionRow } from './version-rows.ts'
import { makeNewest, newestVersion } from './versioning.ts'

const SOURCE_BUCKET = sql(`SELECT environment_id, name FROM buckets WHERE id = $1`)
const INSERT = sql(`
  INSERT INTO versions (bucket_id, key, rank, versioned, marker, size, blob_id, place, etag, modified_at, owner_id,
    storage_class, parts, checksum_type, checksums, headers, metadata, properties)
  VALUES ($1, $2, $3, 1, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`)

/** S3's names of what keeps it from writing a replica. */
type Failure =
  | 'DstBucketNotFound'
  | 'DstBucketUnversioned'
  | 'DstBucketObjectLockConfigMissing'
  | 'DstPutObjectNotPermitted'
  | 'DstDelObjNotPermitted'
  | 'DstVersionNotFound'

type Source = VersionRow & { readonly seq: number }

/** Does what is asked for, unless another process has. */
export function* replicate(asked: ReplicationRow, nowMs: number): Unit<void> {
  const row = yield* findReplication(asked)
  if (row === undefined) return
  yield* endReplication(row)
  const bucket = yield* one<{ environment_id: number; name: string }>(SOURCE_BUCKET, [row.bucket_id])
  if (bucket === undefined) return
  const ref: ObjectRef = {
    environmentId: bucket.environment_id,
    bucket: bucket.name,
    identityId: 0,
    region: '',
    key: row.key,
    version: row.seq,
  }
  const source = yield* locateVersion(ref)
  // It was deleted for ever meanwhile.
  if (source === undefined || !isThere(source.row)) return
  const agreed = JSON.parse(row.rule) as AgreedRule
  const failure = yield* writeReplica(row, ref, source.row, agreed, nowMs)
  yield* settle(row, source, failure)
  // Failures are told of where the rule has metrics.
  if (failure === undefined || agreed.rule.destination.metrics?.status !== 'Enabled') return
  yield* recordEvent(source.row, ref, {
    name: 's3:Replication:OperationFailedReplication',
    key: row.key,
    seq: row.seq,
    version: { seq: row.seq, versioned: 1 },
    sizeBytes: source.row.size,
    etag: source.row.etag,
    atMs: nowMs,
    replication: {
      ruleId: agreed.rule.id,
      destinationBucket: row.destination,
      operation: operationOf(row, source.row),
      requestedAtMs: row.requested_at,
      failureReason: failure,
    },
  })
}

function operationOf(row: ReplicationRow, source: Source): string {
  return source.marker === 1 ? 'OBJECT_DELETE' : row.is_change === 1 ? 'OBJECT_METADATA' : 'OBJECT_PUT'
}

/** Tells the source how it stands, once all its replicas are written or one has failed. Markers do not say. */
function* settle(row: ReplicationRow, source: LocatedVersion, failure: Failure | undefined): Unit<void> {
  if (source.row.marker === 1) return
  const properties = decodeProperties(source.row.properties) ?? {}
  if (failure !== undefined) return yield* saveProperties(source, row.key, { ...properties, replication: 'FAILED' })
  if (properties.replication !== 'PENDING' || (yield* isReplicationPending(row))) return
  yield* saveProperties(source, row.key, { ...properties, replication: 'COMPLETED' })
}

function* writeReplica(
  row: ReplicationRow,
  ref: ObjectRef,
  source: Source,
  agreed: AgreedRule,
  nowMs: number,
): Unit<Failure | undefined> {
  const targetRef = { ...ref, bucket: row.destination }
  const target = yield* locateTarget(targetRef)
  if (target === undefined) return 'DstBucketNotFound'
  const failure = refusal(target, targetRef, source, agreed)
  if (failure !== undefined) return failure
  const known = yield* locateVersion(targetRef)
  if (known !== undefined && isThere(known.row)) {
    if (known.row.marker !== 1)
      yield* saveProperties(known, ref.key, replicaProperties(source, keepsOwner(target, row.destination, agreed.rule)))
    return undefined
  }
  if (row.is_change === 1) return 'DstVersionNotFound'
  yield* insertReplica(target, targetRef, source, agreed.rule)
  const isMarker = source.marker === 1
  yield* recordEvent(target, targetRef, {
    name: isMarker ? 's3:ObjectRemoved:DeleteMarkerCreated' : 's3:ObjectCreated:Put',
    key: ref.key,
    seq: row.seq,
    version: { seq: row.seq, versioned: 1 },
    sizeBytes: source.size,
    etag: source.etag,
    atMs: nowMs,
  })
  return undefined
}

function refusal(target: TargetRow, ref: ObjectRef, source: Source, { role, rule }: AgreedRule): Failure | undefined {
  if (target.versioning !== Versioning.enabled) return 'DstBucketUnversioned'
  if (readSettings(source.settings).lock !== undefined && readSettings(target.settings).lock === undefined)
    return 'DstBucketObjectLockConfigMissing'
  const isMarker = source.marker === 1
  const actions = [isMarker ? 's3:ReplicateDelete' : 's3:ReplicateObject']
  if (!isMarker && rule.destination.ownerOverride !== undefined) actions.push('s3:ObjectOwnerOverrideToBucketOwner')
  const permitted = mayReplicate(target, ref, role, actions, target.bucket_owner === source.bucket_owner)
  return permitted ? undefined : isMarker ? 'DstDelObjNotPermitted' : 'DstPutObjectNotPermitted'
}

/**
 * Into a bucket of the same owner what the policy does not deny, into another's what it allows to the role. What the role's
 * own policies allow is not looked at: there are none.
 */
function mayReplicate(
  target: TargetRow,
  { bucket, key }: ObjectRef,
  role: string,
  actions: readonly string[],
  isOwn: boolean,
): boolean {
  const { policy } = guardsOf(readSettings(target.settings), bucket)
  if (policy === undefined) return isOwn
  const account = parseArn(role)?.account ?? ''
  const principal: IdentityPrincipal = { account, name: '', canonicalId: '', arn: role, roleArn: role }
  return actions.every(action => {
    const verdict = evaluate(policy, { principal, action, resource: objectArn(bucket, key), context: () => undefined })
    return verdict === 'allow' || (isOwn && verdict === 'none')
  })
}

/** Whether a replica is its source's owner's, who then also keeps its ACL; else it is the bucket owner's. */
function keepsOwner(target: TargetRow, bucket: string, rule: ReplicationRule): boolean {
  if (rule.destination.ownerOverride !== undefined) return false
  return guardsOf(readSettings(target.settings), bucket).ownership !== 'BucketOwnerEnforced'
}

function replicaProperties(source: Source, withAcl: boolean): Properties {
  const { acl, ...rest } = decodeProperties(source.properties) ?? {}
  const replication = 'REPLICA'
  return withAcl && acl !== undefined ? { ...rest, acl, replication } : { ...rest, replication }
}

/** Among the versions of the key by its age: it is the object only where nothing newer was written. */
function* insertReplica(
  target: TargetRow,
  { bucket, key }: ObjectRef,
  source: Source,
  rule: ReplicationRule,
): Unit<void> {
  const own = keepsOwner(target, bucket, rule)
  const isMarker = source.marker === 1
  const newestSeq = target.seq ?? -((yield* newestVersion(target.bucket_id, key))?.rank ?? 0)
  yield* addReference(source)
  yield* run(INSERT, [
    target.bucket_id,
    key,
    -source.seq,
    isMarker ? 1 : 0,
    source.size,
    source.blob_id,
    source.place,
    source.etag,
    source.modified_at,
    own ? source.owner_id : target.bucket_owner,
    isMarker ? source.storage_class : (rule.destination.storageClass ?? source.storage_class),
    source.parts,
    source.checksum_type,
    source.checksums,
    source.headers,
    source.metadata,
    encodeProperties(isMarker ? undefined : replicaProperties(source, own)),
  ])
  if (source.seq > newestSeq) yield* makeNewest(target.bucket_id, key, -source.seq, isMarker, target.seq !== null)
}
