/** CopyObject moves no bytes: the copy names the source's blob, whatever its place. */
import type { Unit } from '../../platform/database/unit.ts'
import { Fault, fault } from '../../protocol/fault.ts'
import type { Properties } from '../../protocol/properties.ts'
import { checkSource, checkWrite, type WriteVerdict } from '../rules/conditions.ts'
import { afterPut } from './aftermath.ts'
import { addReference, release } from './blobs.ts'
import type {
  BucketFault,
  Checksums,
  ChecksumType,
  Conditions,
  Description,
  ObjectRecord,
  ObjectRef,
  VersionName,
} from './contract.ts'
import { describeNew, type NewVersionFault } from './describing.ts'
import { findReadable, type MissingFault } from './finding.ts'
import { markForReplication } from './replications.ts'
import { aboutSource, decodeProperties, readObject } from './rows.ts'
import { nextSeq } from './seq.ts'
import { conditioned, findTarget, saveObject } from './target.ts'
import type { VersionRow } from './version-rows.ts'
import { displace, nameVersion, nameWritten } from './versioning.ts'

export type SourceFault =
  | BucketFault
  | MissingFault
  | Fault<'request-invalid'>
  | Fault<'precondition-failed'>
  | Fault<'condition-conflict'>
export interface SourceQuery {
  readonly source: ObjectRef
  readonly sourceConditions: Conditions
  /** When given: 'condition-conflict' if the source is another version by now. */
  readonly sourceSeq?: number | undefined
  /** When given too: unless that version has the same bytes, as after another copy onto itself. */
  readonly sourceBytes?: Pick<ObjectRecord, 'blobId' | 'etag' | 'properties'>
  readonly nowMs: number
}
export type SourceRow = VersionRow & { readonly seq: number }

/** A copy's source. All faults have detail {side: 'source'}. */
export function* findSource(p: SourceQuery): Unit<SourceRow | SourceFault> {
  const { source } = p
  const row = yield* findReadable(source)
  if (row instanceof Fault) return aboutSource(row)
  const failed = checkSource(p.sourceConditions, { etag: row.etag, modifiedAtMs: row.modified_at }, p.nowMs)
  if (failed !== undefined) return aboutSource(failed)
  if (p.sourceSeq !== undefined && p.sourceSeq !== row.seq && !hasBytes(row, p.sourceBytes))
    return fault('condition-conflict', { side: 'source' })
  return row
}

/** Inline bytes may have been overwritten under their id: with another text, or with the same one encrypted. */
function hasBytes(row: SourceRow, bytes: SourceQuery['sourceBytes']): boolean {
  if (bytes === undefined || row.blob_id !== bytes.blobId || row.etag !== bytes.etag) return false
  return decodeProperties(row.properties)?.encryption === bytes.properties?.encryption
}

export interface CopyObject<F extends Fault> extends SourceQuery {
  readonly target: ObjectRef
  readonly targetConditions: Conditions
  /** What the copy says about itself, or why this source may not be copied so. Pure: it may be called again. */
  readonly describe: (source: ObjectRecord) => Description | F
  /** Instead of the source's, when computed anew; the copy of a multipart object is then one put whole. */
  readonly etag?: string | undefined
  readonly checksums?: { readonly type: ChecksumType | undefined; readonly values: Checksums } | undefined
}
export interface Copied {
  readonly etag: string
  readonly seq: number
  readonly modifiedAtMs: number
  readonly checksums: Checksums
  readonly checksumType: ChecksumType | undefined
  readonly sizeBytes: number
  readonly version: VersionName | undefined
  readonly sourceVersion: VersionName | undefined
  /** Of the bucket copied to. */
  readonly settings: string | null
  readonly properties: Properties | undefined
}
/** Also onto itself. Faults about the source have detail {side: 'source'}. */
export function* copyObject<F extends Fault = never>(
  p: CopyObject<F>,
): Unit<Copied | F | SourceFault | NonNullable<WriteVerdict> | NewVersionFault> {
  const target = yield* findTarget(p.target)
  if (target instanceof Fault) return target
  const row = yield* findSource(p)
  if (row instanceof Fault) return row
  const source = readObject(row, p.source.key)
  const asked = p.describe(source)
  if (asked instanceof Fault) return asked
  const made = yield* describeNew(target, p.target, asked, p.nowMs)
  if (made instanceof Fault) return made
  const failed = checkWrite(p.targetConditions, conditioned(target))
  if (failed !== undefined) return failed
  const description = markForReplication(target, p.target.key, made.description)
  // Referenced before what it replaces is released: they may be the same blob.
  yield* addReference(row)
  const displaced = yield* displace(target, p.target.key)
  yield* release(displaced.replaced)
  const seq = nextSeq(p.nowMs, displaced.newestSeq)
  const copied: Copied = {
    etag: p.etag ?? source.etag,
    seq,
    version: nameWritten(target, seq, displaced.versioned),
    sourceVersion: nameVersion(row, row.seq, row.versioned),
    modifiedAtMs: p.nowMs,
    checksums: p.checksums?.values ?? source.checksums,
    checksumType: p.checksums === undefined ? source.checksumType : p.checksums.type,
    sizeBytes: source.sizeBytes,
    settings: target.settings,
    properties: made.description.properties,
  }
  yield* saveObject({
    bucketId: target.bucket_id,
    key: p.target.key,
    seq: copied.seq,
    versioned: displaced.versioned,
    sizeBytes: copied.sizeBytes,
    bytes: row,
    etag: copied.etag,
    modifiedAtMs: copied.modifiedAtMs,
    ownerId: made.ownerId,
    description,
    parts: p.etag === undefined ? source.parts : 0,
    checksumType: copied.checksumType,
    checksums: copied.checksums,
  })
  if (target.settings !== null) {
    const { properties } = description
    yield* afterPut(target, p.target, 's3:ObjectCreated:Copy', {
      ...copied,
      key: p.target.key,
      nowMs: p.nowMs,
      properties,
    })
  }
  return copied
}
