/** A blob store, slabs and digest threads for tests of bodies, and the looks at what is left of them. */
import { Aborted, type BlobStore, type Staged } from '../../gateway/bytes/contract.ts'
import type { Digesters } from '../../gateway/bytes/digesters.ts'
import type { Ingested, IngestOptions } from '../../gateway/bytes/ingest.ts'
import { MemoryBlobs } from '../../gateway/bytes/memory-blobs.ts'
import { SlabPool } from '../../gateway/bytes/slabs.ts'
import { Fault } from '../../protocol/fault.ts'
import { eventually } from './bytes-bodies.ts'

export class World {
  readonly blobs: BlobStore
  readonly slabs: SlabPool
  readonly #always: Partial<IngestOptions> & { readonly digesters: Digesters }
  #lastId = 0

  /** @param always options of every body that is taken in here */
  constructor(always: Partial<IngestOptions> & { readonly digesters: Digesters }, blobs?: BlobStore, slabs = 4) {
    this.blobs = blobs ?? new MemoryBlobs()
    this.slabs = new SlabPool(slabs)
    this.#always = always
  }

  options(more: Partial<IngestOptions> = {}): IngestOptions {
    const { blobs, slabs } = this
    const nextBlobId = () => ++this.#lastId
    return { blobs, slabs, nextBlobId, algorithms: ['md5'], maxBytes: 2 ** 40, ...this.#always, ...more }
  }

  /** Nothing staged, no slab out. */
  async atRest(): Promise<boolean> {
    const empty = async () => (await this.blobs.listBlock(0)).length === 0
    return (await eventually(empty)) && this.slabs.freeCount === this.slabs.count
  }
}

export function staged(ingested: Ingested): Staged {
  if (ingested instanceof Fault || ingested instanceof Aborted) throw new Error('the body was not taken')
  return ingested
}

/** Pieces of these sizes in turn. */
export function split(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = []
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!
    chunks.push(bytes.subarray(at, at + size))
    at += size
  }
  return chunks
}
