/**
 * The store's words. Every function of gateway/store/*.ts that touches the catalogue is a unit of work (`Unit<…>`) over
 * these types; it names its environment, resolves the bucket by (environment, name) itself, and answers faults as
 * values. A unit that already wrote something returns `new Rollback(fault)` instead of the fault.
 */
import type { Fault } from '../../protocol/fault.ts'
import type { KeptHeaders } from '../../protocol/operation.ts'
import type { Properties, Restore } from '../../protocol/properties.ts'
import type { AclRequest } from '../../protocol/s3/acl-request.ts'
import type { Cause } from './events.ts'
import type { BucketColumns } from './rows.ts'

/** Names a bucket and who asks. `ownerOnly` units answer 'access-denied' to an identity that does not own it. */
export interface BucketRef {
  readonly environmentId: number
  readonly bucket: string
  /** The asking identity; until policies exist only a bucket's owner may use it: else 'access-denied'. */
  readonly identityId: number
  /** The region the request was signed for; another than the bucket's answers 'region-wrong' {region}. '' = do not check. */
  readonly region: string
  /** Decides for whoever is not simply the owner of all that is concerned; without it nobody else is let in. */
  readonly guard?: Guard | undefined
  /** The request, for those who are told of what it changes; without one S3 itself did it. */
  readonly cause?: Cause | undefined
}
export interface ObjectRef extends BucketRef {
  readonly key: string
  /** A version by its sequence, or the one whose id is 'null'; undefined: the current one. */
  readonly version?: number | 'null' | undefined
}
/** What a request may do, by policies and access control lists. */
export interface Guard {
  /** To be asked even of what the asker owns: a session may do less than its identity. */
  readonly restricted: boolean
  /** @param object undefined when the request is not about what the key names now */
  check(bucket: BucketColumns, object: GuardedObject | undefined): Fault<'access-denied'> | undefined
  /** Why nothing of the bucket, whatever the key, is done for the asker: nobody would pay. */
  checkPayer(bucket: BucketColumns): Fault<'access-denied'> | undefined
  /** Whether the asker may learn that a key names nothing. */
  mayMiss(bucket: BucketColumns): boolean
}
export interface GuardedObject {
  readonly owner_id: number
  readonly properties: string | null
  readonly size?: number
}
/** What resolving a BucketRef may answer, in this order of precedence. */
export type BucketFault = Fault<'bucket-missing'> | Fault<'access-denied'> | Fault<'region-wrong'>

export interface BucketRecord {
  readonly id: number
  readonly name: string
  readonly ownerId: number
  readonly region: string
  readonly createdAtMs: number
  readonly versioning: number
  readonly settings: string | null
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
  readonly properties?: Properties | undefined
  /** Of a new object: who may do what with it. */
  readonly acl?: AclRequest | undefined
}

export interface ObjectRecord extends Description {
  readonly bucketId: number
  readonly key: string
  /** Version sequence: microseconds, growing within a key. */
  readonly seq: number
  /** Its version id is made of `seq`; else it is 'null'. */
  readonly versioned: boolean
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
  readonly bucket: BucketState
  /** Once it is kept to be answered again. */
  kept: KeptHeaders | undefined
}
/** What a bucket's row says to those who use its contents. */
export interface BucketState {
  readonly ownerId: number
  readonly versioning: number
  /** JSON; null: as in a new bucket. */
  readonly settings: string | null
}
/** What a version id is made of; `versioned` 0: written while the bucket had no versions, its id is 'null'. */
export interface VersionName {
  readonly seq: number
  readonly versioned: number
}
/** Column `versioning` of buckets. */
export const Versioning = { never: 0, enabled: 1, suspended: 2 } as const

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
  /** When the query asks for it. */
  readonly restore?: Restore | undefined
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
  /** Whether to say how entries were restored. */
  readonly withRestore?: boolean
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
  /** Who is going to own the object. */
  readonly ownerId: number
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
