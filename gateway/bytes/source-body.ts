/**
 * Stored bytes as a body, for a copy that cannot share them: one that is encrypted with another key. A read buffer is
 * asked for anew for each piece and given back once the sink has it, so nobody holds one while waiting for something else.
 */
import type { Fault } from '../../protocol/fault.ts'
import {
  Aborted,
  aborted,
  BlobSource,
  type BlobStore,
  type BodySink,
  type IncomingBody,
  type Staged,
} from './contract.ts'
import { type IngestOptions, ingest } from './ingest.ts'
import { type BufferUser, processReadBuffers, type ReadBuffers, readBufferBytes } from './read-buffers.ts'
import { SourceReader } from './source-reader.ts'

/** A body that is not a client's: it may fail with an error, and whoever has enough closes it. */
export interface StoredBody extends IncomingBody {
  /** Why it ended with `aborted`: the code is ENOENT when a blob is gone, because its object was replaced meanwhile. */
  readonly failure: Error | undefined
  /** Nothing is delivered any more. */
  close(): void
}

/** @param source decrypted on the way when it has a cipher; bytes at hand are taken as they are, as one chunk */
export function bodyOf(
  source: BlobSource | Uint8Array,
  blobs: BlobStore,
  buffers: ReadBuffers = processReadBuffers,
): StoredBody {
  return source instanceof BlobSource ? new SourceBody(source, blobs, buffers) : new BytesBody(source)
}

/**
 * Takes stored bytes in again, as a body of their own. Rejects as `ingest` does, and when the source cannot be read: with
 * the code ENOENT when a blob is gone. Then nothing is kept.
 */
export async function ingestSource(
  source: BlobSource | Uint8Array,
  options: IngestOptions,
  buffers: ReadBuffers = processReadBuffers,
): Promise<Staged | Fault> {
  const body = bodyOf(source, options.blobs, buffers)
  try {
    const ingested = await ingest(body, options)
    if (!(ingested instanceof Aborted)) return ingested
    throw body.failure ?? new Error('the body was closed under its reader')
  } finally {
    body.close()
  }
}

/**
 * States: waiting for `read` → (asking for a buffer → reading → delivering) … → over. Paused, it asks for none; what is being
 * read is delivered all the same, or a slow disk and a hurried pool would have it read again for ever. Its end comes with
 * its last piece.
 */
class SourceBody implements StoredBody, BufferUser {
  readonly declaredBytes: number
  failure: Error | undefined
  readonly #reader: SourceReader
  readonly #buffers: ReadBuffers
  #sink: BodySink | undefined
  #position = 0
  #paused = false
  #asking = false
  #reading = false
  #over = false

  constructor(source: BlobSource, blobs: BlobStore, buffers: ReadBuffers) {
    this.declaredBytes = source.sizeBytes
    this.#reader = new SourceReader(source, blobs)
    this.#buffers = buffers
  }

  read(sink: BodySink): void {
    this.#sink = sink
    if (this.declaredBytes === 0) this.#end()
    else this.#step()
  }

  pause(): void {
    this.#paused = true
    if (this.#asking) this.#buffers.cancel(this)
    this.#asking = false
  }

  resume(): void {
    this.#paused = false
    this.#step()
  }

  close(): void {
    if (this.#over) return
    this.#over = true
    this.#buffers.cancel(this)
    this.#reader.close()
  }

  granted(buffer: Buffer): void {
    this.#asking = false
    if (this.#over) return this.#buffers.release(buffer)
    this.#reading = true
    this.#reader.read(buffer, 0, buffer.length, this.#position, error => {
      this.#reading = false
      if (this.#over) return this.#buffers.release(buffer)
      if (error === null) this.#deliver(buffer)
      this.#buffers.release(buffer)
      if (error !== null) this.#fail(error)
      // Not at once: bytes of the catalogue would come, one within the other, without end.
      else queueMicrotask(() => this.#step())
    })
  }

  #step(): void {
    if (this.#sink === undefined || this.#asking || this.#reading || this.#paused || this.#over) return
    this.#asking = true
    this.#buffers.wait(Math.min(readBufferBytes, this.declaredBytes - this.#position), this)
  }

  #deliver(bytes: Buffer): void {
    this.#position += bytes.length
    this.#sink!.chunk(bytes)
    if (this.#position === this.declaredBytes && !this.#over) this.#end()
  }

  #end(): void {
    this.close()
    this.#sink!.end()
  }

  #fail(error: Error): void {
    this.failure = error
    this.close()
    this.#sink!.fail(aborted)
  }
}

class BytesBody implements StoredBody {
  readonly declaredBytes: number
  readonly failure: undefined
  readonly #bytes: Uint8Array
  constructor(bytes: Uint8Array) {
    this.declaredBytes = bytes.length
    this.#bytes = bytes
  }

  read(sink: BodySink): void {
    if (this.#bytes.length > 0) sink.chunk(this.#bytes)
    sink.end()
  }
  pause(): void {}
  resume(): void {}
  close(): void {}
}
