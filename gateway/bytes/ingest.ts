/** From a request's body to bytes that are kept: small ones in memory for the catalogue's row, others in a blob. */
import { type DigestAlgorithm, digestOnce } from '../../protocol/checksum/digest.ts'
import { type Fault, fault } from '../../protocol/fault.ts'
import {
  type Aborted,
  type BlobStore,
  type BodySink,
  type IncomingBody,
  inlineLimitBytes,
  type Staged,
} from './contract.ts'
import { type Digesters, processDigesters } from './digesters.ts'
import { Intake } from './intake.ts'
import { encryptInline, type ObjectCipher } from './object-cipher.ts'
import { processSlabs, type SlabPool } from './slabs.ts'

export interface IngestOptions {
  readonly blobs: BlobStore
  /** Called at most once, for a body that needs a blob. */
  readonly nextBlobId: () => number | Promise<number>
  readonly algorithms: readonly DigestAlgorithm[]
  readonly maxBytes: number
  /** Encrypts what is stored. Its key must be a new one: see object-cipher.ts for what may share it. */
  readonly cipher?: ObjectCipher
  /** Other than the process's own, for tests. */
  readonly slabs?: SlabPool
  readonly digesters?: Digesters
}

export type Ingested = Staged | Fault | Aborted

/**
 * Takes a whole body in. Answers 'object-too-large' {sizeBytes, limitBytes}, 'body-truncated', 'storage-full', or what the
 * body failed with; then nothing is kept and what is left of the body is read and dropped. Rejects when the disk, a digest worker
 * or `nextBlobId` fails.
 */
export function ingest(body: IncomingBody, options: IngestOptions): Promise<Ingested> {
  const { declaredBytes } = body
  if (declaredBytes !== undefined && declaredBytes > options.maxBytes)
    return Promise.resolve(tooLarge(declaredBytes, options.maxBytes))
  return new Promise((resolve, reject) => {
    if (declaredBytes !== undefined && declaredBytes <= inlineLimitBytes)
      body.read(new SmallBody(declaredBytes, options, resolve, reject))
    else {
      const pools = { slabs: options.slabs ?? processSlabs, digesters: options.digesters ?? processDigesters }
      new Intake(body, options, pools, resolve, reject).begin()
    }
  })
}

/** Bytes that are all there, at most `inlineLimitBytes`; they must not change afterwards. */
export function ingestWhole(bytes: Uint8Array, algorithms: readonly DigestAlgorithm[], cipher?: ObjectCipher): Staged {
  const digests = new Map<DigestAlgorithm, Buffer>()
  for (const algorithm of algorithms) digests.set(algorithm, digestOnce(algorithm, bytes))
  const inline = cipher === undefined ? bytes : encryptInline(bytes, cipher)
  return { sizeBytes: bytes.length, inline, blobId: undefined, digests, discard: nothing }
}
function nothing(): void {}

/** A body that ended before its declared size: whoever delivers it should have said so, but nothing short is kept. */
export const truncated = fault('body-truncated')

export function tooLarge(sizeBytes: number, maxBytes: number): Fault<'object-too-large'> {
  return fault('object-too-large', { sizeBytes, limitBytes: maxBytes })
}

class SmallBody implements BodySink {
  readonly #bytes: Buffer
  readonly #options: IngestOptions
  readonly #resolve: (ingested: Ingested) => void
  readonly #reject: (error: Error) => void
  #filled = 0

  constructor(
    declaredBytes: number,
    options: IngestOptions,
    resolve: (ingested: Ingested) => void,
    reject: (error: Error) => void,
  ) {
    this.#bytes = Buffer.allocUnsafe(declaredBytes)
    this.#options = options
    this.#resolve = resolve
    this.#reject = reject
  }

  chunk(bytes: Uint8Array): void {
    const end = this.#filled + bytes.length
    if (end > this.#bytes.length) {
      this.#reject(new Error('the body is longer than it declared'))
      return
    }
    this.#bytes.set(bytes, this.#filled)
    this.#filled = end
  }

  end(): void {
    const { algorithms, cipher } = this.#options
    this.#resolve(this.#filled < this.#bytes.length ? truncated : ingestWhole(this.#bytes, algorithms, cipher))
  }

  fail(why: Fault | Aborted): void {
    this.#resolve(why)
  }
}
