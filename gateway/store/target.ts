/** The row a write is about to make or replace: read with its bucket in one statement, written in one. */
import { one, run, sql, type Unit } from '../../platform/database/unit.ts'
import type { Conditioned } from '../rules/conditions.ts'
import type { Named } from './blobs.ts'
import type { BucketFault, Checksums, ChecksumType, Description, ObjectRef } from './contract.ts'
import { type BucketColumns, bucketColumns, encodeProperties, encodeText, refused } from './rows.ts'

export const targetColumns = `${bucketColumns}, o.seq AS seq, o.size AS size, o.blob_id AS blob_id, o.place AS place,
  o.etag AS etag, o.modified_at AS modified_at, o.versioned AS versioned, o.owner_id AS object_owner`
/** Parameters: key, environment, bucket name. */
export const targetTables = 'FROM buckets b LEFT JOIN objects o ON o.bucket_id = b.id AND o.key = $1'
export const targetBucket = 'WHERE b.environment_id = $2 AND b.name = $3'

const TARGET = sql(`SELECT ${targetColumns} ${targetTables} ${targetBucket}`)
const SAVE = sql(`
  INSERT INTO objects (bucket_id, key, seq, size, blob_id, place, etag, modified_at, owner_id, storage_class, parts,
    checksum_type, checksums, headers, metadata, properties, versioned)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
  ON CONFLICT (bucket_id, key) DO UPDATE SET seq = excluded.seq, size = excluded.size, blob_id = excluded.blob_id,
    place = excluded.place, etag = excluded.etag, modified_at = excluded.modified_at, owner_id = excluded.owner_id,
    storage_class = excluded.storage_class, parts = excluded.parts, checksum_type = excluded.checksum_type,
    checksums = excluded.checksums, headers = excluded.headers, metadata = excluded.metadata,
    properties = excluded.properties, versioned = excluded.versioned`)

/** A bucket and what a key of it names now; `seq` is null when it names nothing. */
export interface TargetRow extends BucketColumns, Named {
  readonly seq: number | null
  readonly size: number
  readonly etag: string
  readonly modified_at: number
  readonly versioned: number
  readonly object_owner: number
}

/** undefined: no bucket. Nothing is asked of anybody's rights. */
export function* locateTarget({ key, environmentId, bucket }: ObjectRef): Unit<TargetRow | undefined> {
  return yield* one<TargetRow>(TARGET, [key, environmentId, bucket])
}
export function* findTarget(ref: ObjectRef): Unit<TargetRow | BucketFault> {
  const row = yield* locateTarget(ref)
  return refused(row, ref) ?? row!
}

/** What conditions look at; undefined when the key names nothing. */
export function conditioned(
  row: Omit<TargetRow, keyof BucketColumns>,
): (Conditioned & { sizeBytes: number }) | undefined {
  return row.seq === null ? undefined : { etag: row.etag, modifiedAtMs: row.modified_at, sizeBytes: row.size }
}

export interface SavedObject {
  readonly bucketId: number
  readonly key: string
  readonly seq: number
  readonly versioned: 0 | 1
  readonly sizeBytes: number
  readonly bytes: Named
  readonly etag: string
  readonly modifiedAtMs: number
  readonly ownerId: number
  readonly description: Description
  readonly parts: number
  readonly checksumType: ChecksumType | undefined
  readonly checksums: Checksums
}
/** Makes or replaces the object; the references of its bytes are the caller's business. */
export function* saveObject(o: SavedObject): Unit<void> {
  yield* run(SAVE, [
    o.bucketId,
    o.key,
    o.seq,
    o.sizeBytes,
    o.bytes.blob_id,
    o.bytes.place,
    o.etag,
    o.modifiedAtMs,
    o.ownerId,
    o.description.storageClass,
    o.parts,
    o.checksumType ?? null,
    encodeText(o.checksums),
    encodeText(o.description.headers) ?? '{}',
    encodeText(o.description.metadata),
    encodeProperties(o.description.properties),
    o.versioned,
  ])
}
