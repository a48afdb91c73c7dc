/** Blobs in RAM, for `--ephemeral`: the chunks of each blob as they were written. */
import { type BlobReader, type BlobStore, type BlobWriter, blobsPerBlock } from './contract.ts'

class MemoryBlob {
  readonly chunks: Uint8Array[] = []
  /** Position of each chunk's first byte. */
  readonly starts: number[] = []
  sizeBytes = 0

  append(bytes: Uint8Array): void {
    this.starts.push(this.sizeBytes)
    this.chunks.push(new Uint8Array(bytes))
    this.sizeBytes += bytes.length
  }

  read(buffer: Uint8Array, offset: number, length: number, position: number): number {
    const wanted = Math.min(length, this.sizeBytes - position)
    let copied = 0
    for (let index = this.#chunkAt(position); copied < wanted; index++) {
      const from = position + copied - this.starts[index]!
      const piece = this.chunks[index]!.subarray(from, from + wanted - copied)
      buffer.set(piece, offset + copied)
      copied += piece.length
    }
    return copied
  }

  /** Index of the last chunk that starts at or before `position`. */
  #chunkAt(position: number): number {
    let low = 0
    let high = this.starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.starts[middle]! <= position) low = middle
      else high = middle - 1
    }
    return low
  }
}

/** Callbacks come in a later microtask, as a disk's would come later, so that no caller grows its stack on them. */
export class MemoryBlobs implements BlobStore {
  readonly #blobs = new Map<number, MemoryBlob>()

  create(id: number): BlobWriter {
    if (this.#blobs.has(id)) throw new Error(`blob ${id} exists`)
    const blob = new MemoryBlob()
    this.#blobs.set(id, blob)
    return {
      write: (bytes, done) => {
        blob.append(bytes)
        queueMicrotask(() => done(null))
      },
      finish: done => queueMicrotask(() => done(null)),
      discard: () => this.#blobs.delete(id),
    }
  }

  open(id: number, done: (error: NodeJS.ErrnoException | null, reader: BlobReader | null) => void): void {
    const blob = this.#blobs.get(id)
    if (blob === undefined) {
      const missing = Object.assign(new Error(`no blob ${id}`), { code: 'ENOENT' })
      queueMicrotask(() => done(missing, null))
      return
    }
    const reader: BlobReader = {
      read(buffer, offset, length, position, done) {
        const count = blob.read(buffer, offset, length, position)
        queueMicrotask(() => done(null, count))
      },
      close() {},
    }
    queueMicrotask(() => done(null, reader))
  }

  remove(id: number): Promise<void> {
    this.#blobs.delete(id)
    return Promise.resolve()
  }

  listBlock(block: number): Promise<readonly number[]> {
    const ids: number[] = []
    for (let id = block * blobsPerBlock; id < (block + 1) * blobsPerBlock; id++) if (this.#blobs.has(id)) ids.push(id)
    return Promise.resolve(ids)
  }

  clear(): Promise<void> {
    this.#blobs.clear()
    return Promise.resolve()
  }

  close(): Promise<void> {
    return this.clear()
  }
}
