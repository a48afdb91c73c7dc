/** Columns that several tables share, and their values: documents, places, the bucket that every statement joins. */
import { Fault, type FaultDetail, fault } from '../../protocol/fault.ts'
import type { Properties } from '../../protocol/properties.ts'
import type {
  BucketFault,
  BucketRef,
  Checksums,
  ChecksumType,
  Description,
  GuardedObject,
  ObjectRecord,
  ObjectRef,
  Place,
} from './contract.ts'

/** Column `place` of blobs, and of the rows that name a blob. */
export const inline = 0
export const stored = 1
export const composed = 2

const places: readonly Place[] = ['inline', 'stored', 'composed']
export function placeOf(place: number | null, sizeBytes: number): Place {
  return place === null || sizeBytes === 0 ? 'empty' : places[place]!
}

type Text = Readonly<Record<string, string>>
const nothing: Text = Object.freeze({})

/** null when there is nothing to say, so that reading it back costs nothing. */
export function encodeText(values: Text): string | null {
  for (const _ in values) return JSON.stringify(values)
  return null
}
export function decodeText(column: string | null): Text {
  return column === null ? nothing : (JSON.parse(column) as Text)
}
export function decodeChecksums(column: string | null): Checksums {
  return column === null ? nothing : (JSON.parse(column) as Checksums)
}

/** What every statement about a bucket's contents selects of the bucket (`buckets b`). */
export const bucketColumns = `b.id AS bucket_id, b.owner_id AS bucket_owner, b.region AS region,
  b.versioning AS versioning, b.settings AS settings`
export interface BucketColumns {
  readonly bucket_id: number
  readonly bucket_owner: number
  readonly region: string
  readonly versioning: number
  readonly settings: string | null
}
/**
 * Why the asker may not use the bucket of this row.
 * @param object what the key names, for requests that are about it
 */
export function refused(
  row: BucketColumns | undefined,
  ref: BucketRef,
  object?: GuardedObject | undefined,
): BucketFault | undefined {
  if (row === undefined) return fault('bucket-missing', { bucket: ref.bucket })
  if (!isPlain(row, ref, object)) {
    const denied = ref.guard?.check(row, object)
    if (denied !== undefined) return denied
    if (ref.guard === undefined && row.bucket_owner !== ref.identityId)
      return fault('access-denied', { bucket: ref.bucket })
  }
  return wrongRegion(row, ref)
}
function wrongRegion(row: BucketColumns, ref: BucketRef): Fault<'region-wrong'> | undefined {
  return ref.region === '' || ref.region === row.region
    ? undefined
    : fault('region-wrong', { bucket: ref.bucket, region: row.region })
}
/** The asker owns all that is concerned, and nothing about the bucket says otherwise: nobody need be asked. */
export function isPlain(row: BucketColumns, ref: BucketRef, object: GuardedObject | undefined): boolean {
  return (
    row.settings === null &&
    row.bucket_owner === ref.identityId &&
    ref.guard?.restricted !== true &&
    (object === undefined || object.owner_id === ref.identityId)
  )
}
/** What whoever asked for a key that names nothing is told. */
export function missing(row: BucketColumns, ref: ObjectRef): Fault<'object-missing'> | BucketFault {
  if (!isPlain(row, ref, undefined)) {
    const owner = row.bucket_owner === ref.identityId
    if (!(ref.guard === undefined ? owner : ref.guard.mayMiss(row)))
      return fault('access-denied', { bucket: ref.bucket })
  }
  return wrongRegion(row, ref) ?? objectMissing(ref)
}
export function objectMissing(ref: ObjectRef): Fault<'object-missing'> {
  return fault('object-missing', { bucket: ref.bucket, key: ref.key })
}
/**
 * The same fault, said about a copy's source. A delete marker named as one is 400, not 405 as where it is read (API
 * Reference, UploadPartCopy: "you are not allowed to specify a delete marker as a version").
 */
export function aboutSource<F extends Fault>(what: F): F | Fault<'request-invalid'> {
  if (what.code === 'method-not-allowed')
    return fault('request-invalid', {
      message: 'The source of a copy request may not specifically refer to a delete marker by version id.',
      side: 'source',
    })
  const detail: FaultDetail = { ...what.detail, side: 'source' }
  return new Fault(what.code, detail) as F
}

/** Columns of `objects o` that make an ObjectRecord. */
export const objectColumns = `o.seq AS seq, o.size AS size, o.blob_id AS blob_id, o.place AS place, o.etag AS etag,
  o.modified_at AS modified_at, o.owner_id AS owner_id, o.storage_class AS storage_class, o.parts AS parts,
  o.checksum_type AS checksum_type, o.checksums AS checksums, o.headers AS headers, o.metadata AS metadata,
  o.properties AS properties, o.versioned AS versioned`
/** `seq` is null where a bucket was found and the object was not. */
export interface ObjectColumns extends BucketColumns, DescriptionColumns {
  readonly seq: number | null
  readonly size: number
  readonly blob_id: number | null
  readonly place: number | null
  readonly etag: string
  readonly modified_at: number
  readonly owner_id: number
  readonly parts: number
  readonly checksum_type: ChecksumType | null
  readonly checksums: string | null
  readonly versioned: number
}
export interface DescriptionColumns {
  readonly storage_class: string
  readonly headers: string
  readonly metadata: string | null
  readonly properties: string | null
}
export function readDescription(row: DescriptionColumns): Description {
  return {
    headers: decodeText(row.headers),
    metadata: decodeText(row.metadata),
    storageClass: row.storage_class,
    properties: decodeProperties(row.properties),
  }
}
export function decodeProperties(column: string | null): Properties | undefined {
  return column === null ? undefined : (JSON.parse(column) as Properties)
}
/** null when nothing is set. */
export function encodeProperties(properties: Properties | undefined): string | null {
  if (properties !== undefined) for (const _ in properties) return JSON.stringify(properties)
  return null
}
export function readObject(row: ObjectColumns & { readonly seq: number }, key: string): ObjectRecord {
  return {
    bucketId: row.bucket_id,
    key,
    seq: row.seq,
    versioned: row.versioned === 1,
    sizeBytes: row.size,
    blobId: row.blob_id,
    etag: row.etag,
    modifiedAtMs: row.modified_at,
    ownerId: row.owner_id,
    parts: row.parts,
    checksumType: row.checksum_type ?? undefined,
    checksums: decodeChecksums(row.checksums),
    headers: decodeText(row.headers),
    metadata: decodeText(row.metadata),
    storageClass: row.storage_class,
    properties: decodeProperties(row.properties),
  }
}
export function isThere<R extends { readonly seq: number | null }>(row: R): row is R & { readonly seq: number } {
  return row.seq !== null
}
