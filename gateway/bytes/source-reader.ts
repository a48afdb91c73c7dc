import type { BlobReader, BlobSource, BlobStore, Slice } from './contract.ts'
import { blobKeystream, inlineHeadBytes, inlineKeystream, type Keystream } from './object-cipher.ts'

/**
 * Reads a source at any position, one read at a time; keeps the blob of the last read open. What an encrypted source has
 * is decrypted in the buffer, piece by piece as it was read.
 */
export class SourceReader {
  readonly #source: BlobSource
  readonly #blobs: BlobStore
  #index = 0
  /** Position in the source of the first byte of slice `#index`. */
  #sliceStart = 0
  #reader: BlobReader | undefined
  /** Of slice `#index`, once it was read. */
  #keystream: Keystream | undefined
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
        const from = slice.offset + within + (this.#source.cipher === undefined ? 0 : inlineHeadBytes)
        buffer.set(slice.data.subarray(from, from + wanted), offset)
        this.#decrypt(buffer, offset, wanted, slice, within)
        return this.read(buffer, offset + wanted, length - wanted, position + wanted, done)
      }
      this.#reader!.read(buffer, offset, wanted, slice.offset + within, (error, count) => {
        if (error !== null) return done(error)
        if (this.#closed) return done(new Error('the source was closed'))
        if (count === 0) return done(new Error(`blob ${slice.blobId} is shorter than its row says`))
        this.#decrypt(buffer, offset, count, slice, within)
        this.read(buffer, offset + count, length - count, position + count, done)
      })
    })
  }

  /** @param within where the bytes lie in the slice */
  #decrypt(buffer: Uint8Array, offset: number, length: number, slice: Slice, within: number): void {
    const { cipher } = this.#source
    if (cipher === undefined) return
    this.#keystream ??=
      slice.data === undefined ? blobKeystream(cipher, slice.blobId) : inlineKeystream(cipher, slice.data)
    this.#keystream.apply(buffer.subarray(offset, offset + length), slice.offset + within)
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
    this.#keystream = undefined
    this.#reader?.close()
    this.#reader = undefined
  }
}
