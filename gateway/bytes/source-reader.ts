import type { BlobReader, BlobSource, BlobStore } from './contract.ts'

/** Reads a source at any position, one read at a time; keeps the blob of the last read open. */
export class SourceReader {
  readonly #source: BlobSource
  readonly #blobs: BlobStore
  #index = 0
  /** Position in the source of the first byte of slice `#index`. */
  #sliceStart = 0
  #reader: BlobReader | undefined
  #closed = false

  constructor(source: BlobSource, blobs: BlobStore) {
    this.#source = source
    this.#blobs = blobs
  }

  /** Opens the blob that `position` lies in; calls back with ENOENT when it is gone. */
  open(position: number, done: (error: Error | null) => void): void {
    this.#seek(position)
    if (this.#reader !== undefined || this.#source.slices[this.#index]!.data !== undefined) {
      done(null)
      return
    }
    this.#blobs.open(this.#source.slices[this.#index]!.blobId, (error, reader) => {
      if (reader === null) return done(error ?? new Error('no blob and no error'))
      if (this.#closed) reader.close()
      else this.#reader = reader
      done(this.#closed ? new Error('the source was closed') : null)
    })
  }

  /** Fills [offset, offset + length) of the buffer with the source's bytes from `position` on: all of them, or an error. */
  read(
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
    done: (error: Error | null) => void,
  ): void {
    if (length === 0) {
      done(null)
      return
    }
    this.open(position, error => {
      if (error !== null) return done(error)
      const slice = this.#source.slices[this.#index]!
      const within = position - this.#sliceStart
      const wanted = Math.min(length, slice.sizeBytes - within)
      if (slice.data !== undefined) {
        const from = slice.offset + within
        buffer.set(slice.data.subarray(from, from + wanted), offset)
        return this.read(buffer, offset + wanted, length - wanted, position + wanted, done)
      }
      this.#reader!.read(buffer, offset, wanted, slice.offset + within, (error, count) => {
        if (error !== null) return done(error)
        if (this.#closed) return done(new Error('the source was closed'))
        if (count === 0) return done(new Error(`blob ${slice.blobId} is shorter than its row says`))
        this.read(buffer, offset + count, length - count, position + count, done)
      })
    })
  }

  close(): void {
    this.#closed = true
    this.#reader?.close()
    this.#reader = undefined
  }

  #seek(position: number): void {
    const { slices } = this.#source
    const before = this.#index
    if (position < this.#sliceStart) {
      this.#index = 0
      this.#sliceStart = 0
    }
    while (position >= this.#sliceStart + slices[this.#index]!.sizeBytes) {
      this.#sliceStart += slices[this.#index]!.sizeBytes
      this.#index++
    }
    if (this.#index === before) return
    this.#reader?.close()
    this.#reader = undefined
  }
}
