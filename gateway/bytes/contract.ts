/**
 * How bytes move through the gateway. Every chunk handed to a callback is valid only during that call (uWebSockets.js
 * takes it back), so whoever keeps bytes copies them; every buffer has a bound.
 */
import type { DigestAlgorithm } from '../../protocol/checksum/digest.ts'
import type { Fault } from '../../protocol/fault.ts'
import type { ByteSource } from '../../protocol/operation.ts'
import type { ObjectCipher } from './object-cipher.ts'

/** The client left before the exchange ended. Not an error: counted and cleaned up after. */
export class Aborted {}
export const aborted = new Aborted()

/** Receives a request's body, already freed of its transfer framing. */
export interface BodySink {
  /** Bytes in order, valid only during the call. The sink may call `source.pause()` from within. */
  chunk(bytes: Uint8Array): void
  /** Exactly one of end and fail is called, once, and nothing after it. */
  end(): void
  fail(why: Fault | Aborted): void
}

/** A request's body. Delivery starts with `read`; until then arrived bytes wait, bounded, and the socket is paused. */
export interface IncomingBody {
  /** Size of the payload (after decoding aws-chunked) when the client declared it, else undefined. */
  readonly declaredBytes: number | undefined
  /** SHA-256 in lower-case hexadecimal that the client signed for these bytes: whoever reads them compares. */
  readonly expectedPayloadSha256?: string
  /** Trailers (lower-case names) that came behind an aws-chunked body; empty before its end. */
  trailers?(): ReadonlyMap<string, string>
  read(sink: BodySink): void
  pause(): void
  resume(): void
  /** Only a body that is not a client's has it: who does not want the rest need not read and drop it. */
  close?(): void
}

/** Random access to the bytes of one blob while it is open; the blob may be unlinked meanwhile. */
export interface BlobReader {
  /** Reads up to `length` bytes at `position` into `buffer` at `offset`; calls back with the count (0 at the end). */
  read(
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
    done: (error: Error | null, count: number) => void,
  ): void
  close(): void
}

/** Appends the bytes of one new blob, in order, one write at a time. */
export interface BlobWriter {
  /** `bytes` belongs to the writer until `done`. */
  write(bytes: Uint8Array, done: (error: Error | null) => void): void
  /** All bytes are written (and on stable storage when durability is `power`). */
  finish(done: (error: Error | null) => void): void
  /** Gives the blob up and removes what was written. */
  discard(): void
}

/** Where blobs live: `memory` or `disk`. Ids are unique for ever and never reused. */
export interface BlobStore {
  create(id: number): BlobWriter
  /** Calls back with an error whose `code` is ENOENT when there is no such blob. */
  open(id: number, done: (error: NodeJS.ErrnoException | null, reader: BlobReader | null) => void): void
  /** Removes a blob; one that is not there is no error. */
  remove(id: number): Promise<void>
  /** Ids present in one block of `blobsPerBlock` consecutive ids: what the sweeper compares with the catalogue. */
  listBlock(block: number): Promise<readonly number[]>
  /** Removes everything (reset). */
  clear(): Promise<void>
  close(): Promise<void>
}
/** Blob ids are handed out in blocks of this many: block = Math.floor(id / blobsPerBlock). */
export const blobsPerBlock = 4096

/** A run of bytes of one stored blob. */
export interface Slice {
  readonly blobId: number
  readonly offset: number
  readonly sizeBytes: number
  /**
   * All bytes of a blob that lives in the catalogue (a short last part), as they are stored: nothing is opened then. With
   * a cipher `offset` counts the text's bytes, without the head of object-cipher.ts.
   */
  readonly data?: Uint8Array
}
/** What respond streams to a socket: slices in order, none of them composed. */
export class BlobSource implements ByteSource {
  readonly sizeBytes: number
  readonly slices: readonly Slice[]
  /** The blob that must stay while this is read, though no object names it any more. */
  readonly heldBlobId: number | undefined
  /** Decrypts what is read; without one the bytes are stored as they are. */
  readonly cipher: ObjectCipher | undefined
  constructor(slices: readonly Slice[], heldBlobId?: number, cipher?: ObjectCipher) {
    this.heldBlobId = heldBlobId
    this.cipher = cipher
    let sizeBytes = 0
    for (const slice of slices) sizeBytes += slice.sizeBytes
    this.sizeBytes = sizeBytes
    this.slices = slices
  }
}

/** Bytes that are written (kept) but that no row names yet: the caller commits a row, or discards them. */
export interface Staged {
  /** Of the text, as are the digests. */
  readonly sizeBytes: number
  /**
   * What to store, present when small enough to live in the catalogue (`inlineLimitBytes`); then there is no blob id.
   * Encrypted when a cipher was given, and longer than the text (object-cipher.ts).
   */
  readonly inline: Uint8Array | undefined
  readonly blobId: number | undefined
  readonly digests: ReadonlyMap<DigestAlgorithm, Buffer>
  discard(): void
}
/** Bodies up to this size live in the catalogue's row. */
export const inlineLimitBytes = 32 * 1024
