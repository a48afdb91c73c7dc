/**
 * A source's bytes on their way to a socket: read ahead into two buffers, sent as the client takes them.
 *
 * States: opening → opened (its first bytes read, nothing sent) → sending ⇄ stalled (the socket takes no more; its
 * buffers may be taken away) → over. Every end passes through `#close`, once.
 */
import type { BlobSource, BlobStore } from './contract.ts'
import {
  type BufferUser,
  processReadBuffers,
  type ReadBuffers,
  readBufferBytes,
  type StalledUser,
} from './read-buffers.ts'
import { SourceReader } from './source-reader.ts'

/** What is used of uWebSockets.js's HttpResponse. */
export interface ResponseSocket {
  cork(write: () => void): unknown
  end(body?: Uint8Array): unknown
  /** Writes what the socket takes at once; answers [all of it, the response is complete]. */
  tryEnd(bytes: Uint8Array, totalBytes: number): [boolean, boolean]
  /** The handler gets the offset of the first byte not taken. */
  onWritable(handler: (offset: number) => boolean): unknown
  close(): unknown
}

/** Exactly one of these is called, once. */
export interface SendHooks {
  done(bytesSent: number): void
  /** The socket is closed right afterwards: never a complete-looking answer that is short. */
  failed(error: Error): void
  aborted(): void
}
export interface Sending {
  /** The client left: call it from the response's `onAborted`. */
  abort(): void
}
/** Opened, so that the answer's status can be written. Either `send` or `close` must follow. */
export interface OpenSource {
  readonly sizeBytes: number
  /**
   * Sends everything, at best within the cork that wrote status and headers (Content-Length is written here). The
   * response must not be touched afterwards; hooks may be called before this returns.
   */
  send(response: ResponseSocket, hooks: SendHooks): Sending
  close(): void
}

/**
 * Opens a source and reads its first bytes (all of a small one). Rejects with the code ENOENT when the first blob is
 * gone: the object was replaced meanwhile, look it up again.
 */
export function openSource(
  source: BlobSource,
  blobs: BlobStore,
  buffers: ReadBuffers = processReadBuffers,
): Promise<OpenSource> {
  return new Promise((resolve, reject) => new Stream(source, blobs, buffers).open(resolve, reject))
}

/** Bytes of the source from `start` on, at the beginning of `buffer`. */
interface Piece {
  readonly buffer: Buffer
  readonly start: number
  readonly end: number
}

class Stream implements OpenSource, Sending, BufferUser, StalledUser {
  readonly sizeBytes: number
  readonly #reader: SourceReader
  readonly #buffers: ReadBuffers
  #response: ResponseSocket | undefined
  #hooks: SendHooks | undefined
  #opened: ((error: Error | null) => void) | undefined

  /** Read and not yet sent, in order. */
  readonly #pieces: Piece[] = []
  /** Where the next read begins; the bytes before it are in `#pieces` or sent. */
  #readAt = 0
  #sent = 0
  /** In the queue for a buffer. */
  #asking = false
  /** A buffer is being read into. */
  #reading = false
  #stalled = false
  #over = false

  constructor(source: BlobSource, blobs: BlobStore, buffers: ReadBuffers) {
    this.sizeBytes = source.sizeBytes
    this.#reader = new SourceReader(source, blobs)
    this.#buffers = buffers
  }

  open(resolve: (open: OpenSource) => void, reject: (error: Error) => void): void {
    if (this.sizeBytes === 0) {
      resolve(this)
      return
    }
    this.#reader.open(0, error => {
      if (error !== null) return reject(error)
      this.#opened = error => {
        this.#opened = undefined
        if (error === null) return resolve(this)
        this.close()
        reject(error)
      }
      this.#readAhead()
    })
  }

  send(response: ResponseSocket, hooks: SendHooks): Sending {
    this.#response = response
    this.#hooks = hooks
    if (this.sizeBytes === 0) {
      response.cork(() => response.end())
      this.#finish()
      return this
    }
    response.onWritable(offset => {
      this.#sent = offset
      this.#setStalled(false)
      this.#pump()
      return !this.#stalled
    })
    this.#pump()
    return this
  }

  abort(): void {
    if (this.#over) return
    this.#close()
    this.#hooks?.aborted()
  }

  close(): void {
    if (!this.#over) this.#close()
  }

  // From the buffers

  granted(buffer: Buffer): void {
    if (this.#over) {
      this.#buffers.release(buffer)
      return
    }
    this.#asking = false
    this.#reading = true
    const start = this.#readAt
    const end = Math.min(start + buffer.length, this.sizeBytes)
    this.#reader.read(buffer, 0, end - start, start, error => {
      this.#reading = false
      if (this.#over) return this.#buffers.release(buffer)
      if (error !== null) {
        this.#buffers.release(buffer)
        return this.#fail(error)
      }
      this.#pieces.push({ buffer, start, end })
      this.#readAt = end
      if (this.#opened !== undefined) return this.#opened(null)
      if (this.#stalled) return this.#buffers.setStalled(this, true)
      this.#pump()
    })
  }

  giveUp(): void {
    const given = this.#pieces.splice(0)
    this.#readAt = this.#sent
    for (const { buffer } of given) this.#buffers.release(buffer)
  }

  // Reading and sending

  /** Reads the next piece unless that is under way, two are waiting, or all is read. */
  #readAhead(): void {
    if (this.#asking || this.#reading || this.#over) return
    if (this.#pieces.length >= 2 || this.#readAt === this.sizeBytes) return
    this.#asking = true
    this.#buffers.wait(Math.min(readBufferBytes, this.sizeBytes - this.#readAt), this)
  }

  #pump(): void {
    if (this.#over || this.#stalled || this.#response === undefined) return
    // First of all, so that the disk reads while the kernel copies.
    this.#readAhead()
    // A read answered at once (bytes of the catalogue) has pumped already, perhaps to the end.
    if (this.#over) return
    this.#response.cork(() => {
      while (this.#pieces.length > 0 && !this.#stalled && !this.#over) this.#sendPiece(this.#pieces[0]!)
    })
    if (!this.#stalled) this.#readAhead()
  }

  #sendPiece(piece: Piece): void {
    const bytes = piece.buffer.subarray(this.#sent - piece.start, piece.end - piece.start)
    const [taken, complete] = this.#response!.tryEnd(bytes, this.sizeBytes)
    if (complete) {
      this.#finish()
      return
    }
    if (!taken) {
      this.#setStalled(true)
      return
    }
    this.#sent = piece.end
    this.#pieces.shift()
    this.#buffers.release(piece.buffer)
  }

  #setStalled(stalled: boolean): void {
    this.#stalled = stalled
    // Else streams that each hold one buffer and wait for a second would keep all of them from everybody.
    if (stalled && this.#asking) {
      this.#asking = false
      this.#buffers.cancel(this)
    }
    // While a read is under way its buffer cannot be given up; `granted` says so when it is done.
    this.#buffers.setStalled(this, stalled && !this.#reading)
  }

  #finish(): void {
    if (this.#over) return
    this.#close()
    this.#hooks!.done(this.sizeBytes)
  }

  #fail(error: Error): void {
    if (this.#opened !== undefined) {
      this.#opened(error)
      return
    }
    this.#close()
    this.#hooks?.failed(error)
    this.#response?.close()
  }

  #close(): void {
    this.#over = true
    this.#buffers.setStalled(this, false)
    // One that waits in the queue; a buffer being read into is released when that read is done.
    this.#buffers.cancel(this)
    this.giveUp()
    this.#reader.close()
  }
}
