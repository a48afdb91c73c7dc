/**
 * What is to be copied into other buckets: decided in the unit of work that makes or changes a version, by the rules of
 * that moment, and done afterwards (replicating.ts). Source: S3 User Guide, "What does Amazon S3 replicate?".
 */
import { all, one, run, sql, type Unit } from '../../platform/database/unit.ts'
import type { Properties } from '../../protocol/properties.ts'
import type { ReplicationConfiguration, ReplicationRule } from '../../protocol/s3/replication.ts'
import {
  destinationBucket,
  replicatesDeleteMarkers,
  replicatesReplicaModifications,
  replicationRulesFor,
} from '../../protocol/s3/replication-rules.ts'
import { type Description, Versioning } from './contract.ts'
import type { BucketColumns } from './rows.ts'
import { readSettings } from './settings-text.ts'

/** One that was asked for as a whole stays so: the change is written with it. */
const REQUEST = sql(`
  INSERT INTO replications (bucket_id, key, seq, destination, is_change, rule, requested_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7)
  ON CONFLICT (bucket_id, key, seq, destination) DO UPDATE SET rule = excluded.rule`)
const columns = `bucket_id, key, seq, destination, is_change, rule, requested_at`
/** Versions of a key in the order in which they were made. */
const LIST = sql(`
  SELECT ${columns} FROM replications WHERE (bucket_id, key, seq, destination) > ($1, $2, $3, $4)
  ORDER BY bucket_id, key, seq, destination LIMIT $5`)
const FIND = sql(`
  SELECT ${columns} FROM replications WHERE bucket_id = $1 AND key = $2 AND seq = $3 AND destination = $4`)
const ANY_OF_VERSION = sql(`
  SELECT 1 AS found FROM replications WHERE bucket_id = $1 AND key = $2 AND seq = $3 LIMIT 1`)
const DELETE = sql(`DELETE FROM replications WHERE bucket_id = $1 AND key = $2 AND seq = $3 AND destination = $4`)

export interface ReplicationRow {
  readonly bucket_id: number
  readonly key: string
  readonly seq: number
  readonly destination: string
  readonly is_change: number
  readonly rule: string
  readonly requested_at: number
}
/** Column `rule`. */
export interface AgreedRule {
  readonly role: string
  readonly rule: ReplicationRule
}

interface ReplicatedVersion {
  readonly key: string
  readonly seq: number
  readonly nowMs: number
}

/** The description of a new version, marked when it is going to be replicated: then `requestReplication` must follow. */
export function markForReplication(bucket: BucketColumns, key: string, description: Description): Description {
  if (bucket.settings === null) return description
  const { properties } = description
  if (rulesForNew(bucket, key, properties).length === 0) return description
  return { ...description, properties: { ...properties, replication: 'PENDING' } }
}

/** Of a version that was just made. */
export function* requestReplication(
  bucket: BucketColumns,
  properties: Properties | undefined,
  version: ReplicatedVersion,
): Unit<void> {
  for (const rule of rulesForNew(bucket, version.key, properties)) yield* request(bucket, version, rule, false)
}
/** Of a delete marker that was just put. */
export function* requestMarkerReplication(bucket: BucketColumns, version: ReplicatedVersion): Unit<void> {
  for (const rule of rulesForNew(bucket, version.key, undefined))
    if (replicatesDeleteMarkers(rule)) yield* request(bucket, version, rule, false)
}

/** The properties of a version that are changed now, marked when they are going to be replicated. */
export function markChange(
  bucket: BucketColumns,
  before: Properties | undefined,
  key: string,
  after: Properties,
): Properties {
  if (bucket.settings === null || rulesForChange(bucket, before, key, after).length === 0) return after
  return { ...after, replication: 'PENDING' }
}
export function* requestChangeReplication(
  bucket: BucketColumns,
  before: Properties | undefined,
  after: Properties,
  version: ReplicatedVersion,
): Unit<void> {
  for (const rule of rulesForChange(bucket, before, version.key, after)) yield* request(bucket, version, rule, true)
}

function configured(bucket: BucketColumns): ReplicationConfiguration | undefined {
  return bucket.versioning === Versioning.enabled ? readSettings(bucket.settings).replication : undefined
}
function rulesForNew(bucket: BucketColumns, key: string, properties: Properties | undefined) {
  const configuration = configured(bucket)
  return configuration === undefined ? [] : replicationRulesFor(configuration, { key, tags: properties?.tags ?? [] })
}
/** Changes follow versions that are replicated; those of replicas go back only where a rule says so. */
function rulesForChange(bucket: BucketColumns, before: Properties | undefined, key: string, after: Properties) {
  if (before?.replication === undefined) return []
  const rules = rulesForNew(bucket, key, after)
  return before.replication === 'REPLICA' ? rules.filter(replicatesReplicaModifications) : rules
}

function* request(
  bucket: BucketColumns,
  { key, seq, nowMs }: ReplicatedVersion,
  rule: ReplicationRule,
  isChange: boolean,
): Unit<void> {
  const agreed: AgreedRule = { role: readSettings(bucket.settings).replication?.role ?? '', rule }
  const destination = destinationBucket(rule)
  yield* run(REQUEST, [bucket.bucket_id, key, seq, destination, isChange ? 1 : 0, JSON.stringify(agreed), nowMs])
}

/** The next ones after one, in an order that ends; without one the first. */
export function* listReplications(after: ReplicationRow | undefined, limit: number): Unit<readonly ReplicationRow[]> {
  const from = after === undefined ? [0, '', 0, ''] : [after.bucket_id, after.key, after.seq, after.destination]
  return yield* all<ReplicationRow>(LIST, [...from, limit])
}
/** As it is now; undefined once another process has done it. */
export function* findReplication(row: ReplicationRow): Unit<ReplicationRow | undefined> {
  return yield* one<ReplicationRow>(FIND, [row.bucket_id, row.key, row.seq, row.destination])
}
export function* isReplicationPending(row: ReplicationRow): Unit<boolean> {
  return (yield* one(ANY_OF_VERSION, [row.bucket_id, row.key, row.seq])) !== undefined
}
export function* endReplication(row: ReplicationRow): Unit<void> {
  yield* run(DELETE, [row.bucket_id, row.key, row.seq, row.destination])
}
