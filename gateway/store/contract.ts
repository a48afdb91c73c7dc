/**
 * The store's words. Every function of gateway/store/*.ts that touches the catalogue is a unit of work (`Unit<…>`) over
 * these types; it names its environment, resolves the bucket by (environment, name) itself, and answers faults as
 * values. A unit that already wrote something returns `new Rollback(fault)` instead of the fault.
 */
import type { Fault } from '../../protocol/fault.ts'

/** Names a bucket and who asks. `ownerOnly` units answer 'access-denied' to an identity that does not own it. */
export interface BucketRef {
  readonly environmentId: number
  readonly bucket: string
  /** The asking identity; until policies exist only a bucket's owner may use it: else 'access-denied'. */
  readonly identityId: number
  /** The region the request was signed for; another than the bucket's answers 'region-wrong' {region}. '' = do not check. */
  readonly region: string
}
export interface ObjectRef extends BucketRef {
  readonly key: string
}
/** What resolving a BucketRef may answer, in this order of precedence. */
export type BucketFault = Fault<'bucket-missing'> | Fault<'access-denied'> | Fault<'region-wrong'>

export interface BucketRecord {
  readonly id: number
  readonly name: string
  readonly ownerId: number
  readonly region: string
  readonly createdAtMs: number
}

/** Checksums by S3's lower-case algorithm name, base64 (composite ones without the "-N"). */
export type Checksums = Readonly<Partial<Record<ChecksumName, string>>>
export type ChecksumName = 'crc32' | 'crc32c' | 'crc64nvme' | 'sha1' | 'sha256' | 'sha512' | 'md5'
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE'

/** What the client says about an object and reads back: everything but its bytes and what we compute. */
export interface Description {
  /** Stored response headers by lower-case name: content-type (always there), cache-control, content-disposition,
   * content-encoding, content-language, expires, x-amz-website-redirect-location. */
  readonly headers: Readonly<Record<string, string>>
  /** User metadata by lower-case name without its prefix. */
  readonly metadata: Readonly<Record<string, string>>
  readonly storageClass: string
}

export interface ObjectRecord extends Description {
  readonly bucketId: number
  readonly key: string
  /** Version sequence: microseconds, growing within a key. */
  readonly seq: number
  readonly sizeBytes: number
  /** null for an empty object that was put whole. */
  readonly blobId: number | null
  /** Without quotes: 32 hex digits, or "…-N" for N parts. */
  readonly etag: string
  readonly modifiedAtMs: number
  readonly ownerId: number
  /** Number of parts of the multipart upload it was made by; 0 when it was put whole. */
  readonly parts: number
  readonly checksumType: ChecksumType | undefined
  readonly checksums: Checksums
}
/** Where an object's bytes are; 'empty' whenever there are none. */
export type Place = 'empty' | 'inline' | 'stored' | 'composed'
/** An object with the way to its bytes: `data` when they are inline (and were asked for), else a blob. */
export interface FoundObject extends ObjectRecord {
  readonly place: Place
  readonly data: Uint8Array | undefined
}

/** The conditions of RFC 9110 §13 and S3's on reads and writes. ETags without quotes; '*' stands for any. */
export interface Conditions {
  readonly ifMatch?: readonly string[]
  readonly ifNoneMatch?: readonly string[]
  readonly ifModifiedSinceMs?: number
  readonly ifUnmodifiedSinceMs?: number
}
/** DeleteObject's extra conditions (directory buckets' and general): all must hold. */
export interface DeleteConditions {
  readonly ifMatch?: readonly string[]
  readonly lastModifiedMs?: number
  readonly sizeBytes?: number
}

/** Bytes ready to be named by a row. Exactly one of inline and blobId is set unless sizeBytes is 0. */
export interface NewBytes {
  readonly sizeBytes: number
  readonly inline: Uint8Array | undefined
  readonly blobId: number | undefined
}

export interface ListedObject {
  readonly key: string
  readonly sizeBytes: number
  readonly etag: string
  readonly modifiedAtMs: number
  readonly storageClass: string
  readonly ownerId: number
  readonly checksumType: ChecksumType | undefined
  readonly checksumNames: readonly ChecksumName[]
}
export interface ListQuery {
  readonly prefix: string
  readonly delimiter: string
  /** List strictly after this key or common prefix; '' = from the start. */
  readonly after: string
  /**
   * What `after` is when a common prefix contains it. 'entry' (the default; marker, key-marker, continuation token):
   * the prefix was listed, all of it is skipped. 'key' (start-after): the prefix is listed when keys after it are in it.
   */
  readonly afterIs?: 'entry' | 'key'
  /** Entries (keys and common prefixes together) at most. */
  readonly limit: number
}
export interface ListPage<Entry> {
  readonly entries: readonly Entry[]
  readonly commonPrefixes: readonly string[]
  readonly truncated: boolean
  /** Last key or common prefix of the page: the next page's `after`. */
  readonly last: string
}

export interface UploadRecord extends Description {
  readonly row: number
  readonly bucketId: number
  readonly key: string
  readonly uploadId: string
  readonly initiatedAtMs: number
  readonly initiatorId: number
  readonly checksumAlgorithm: ChecksumName | undefined
  readonly checksumType: ChecksumType | undefined
}
export interface PartRecord {
  readonly number: number
  readonly sizeBytes: number
  readonly etag: string
  readonly modifiedAtMs: number
  readonly checksums: Checksums
}
