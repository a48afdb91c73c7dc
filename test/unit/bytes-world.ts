/** A blob store, slabs and digest threads for tests of bodies, and the looks at what is left of them. */
import { join } from 'node:path'
import fc from 'fast-check'
import type { Test } from 'tap'
import { Aborted, type BlobStore, inlineLimitBytes, type Staged } from '../../gateway/bytes/contract.ts'
import type { Digesters } from '../../gateway/bytes/digesters.ts'
import { DiskBlobs } from '../../gateway/bytes/disk-blobs.ts'
import { type Ingested, type IngestOptions, ingest } from '../../gateway/bytes/ingest.ts'
import { MemoryBlobs } from '../../gateway/bytes/memory-blobs.ts'
import { SlabPool } from '../../gateway/bytes/slabs.ts'
import { type DigestAlgorithm, digestOnce } from '../../protocol/checksum/digest.ts'
import { Fault } from '../../protocol/fault.ts'
import { eventually, noise, ScriptedBody } from './bytes-bodies.ts'

/** Options of every body that is taken in. */
export type Always = Partial<IngestOptions> & { readonly digesters: Digesters }

export class World {
  readonly blobs: BlobStore
  readonly slabs: SlabPool
  readonly #always: Always
  #lastId = 0

  constructor(always: Always, blobs?: BlobStore, slabs = 4) {
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

const mebibyte = 1024 * 1024
const stores = { memory: () => new MemoryBlobs(), disk: (folder: string) => new DiskBlobs(join(folder, 'blobs')) }

/**
 * On both kinds of stores, for any size around the inline limit and above, any pieces, pool, digests and manner of
 * arrival: what is taken in reads as what came, its digests are right, and no slab is out.
 * @param read the text of what was kept
 */
export function takesAnyBody(
  t: Test,
  what: string,
  { always, workers, runs }: { always: Always; workers: readonly Digesters[]; runs: number },
  read: (kept: Staged, blobs: BlobStore) => Promise<Uint8Array>,
): void {
  for (const [name, make] of Object.entries(stores))
    t.test(`${what}, ${name}: any splits, pool and digests → the same bytes and digests`, async t => {
      const folder = t.testdir()
      let run = 0
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: inlineLimitBytes - 2, max: 3 * mebibyte }),
          fc.array(fc.integer({ min: 1, max: 700_000 }), { minLength: 1, maxLength: 8 }),
          fc.integer({ min: 1, max: 6 }),
          fc.subarray<DigestAlgorithm>(['md5', 'sha256', 'crc32', 'crc32c', 'crc64nvme']),
          fc.record({ declared: fc.boolean(), deaf: fc.integer({ min: 0, max: 3 }) }),
          async (sizeBytes, sizes, slabs, algorithms, plan) => {
            const blobs = make(join(folder, String(run++)))
            const world = new World(always, blobs, slabs)
            const bytes = noise(sizeBytes, sizeBytes)
            const body = new ScriptedBody(split(bytes, sizes.some(size => size > 500) ? sizes : [30_000]), plan)
            const digesters = workers[sizes.length % workers.length]!
            const kept = staged(await ingest(body, world.options({ algorithms, digesters })))
            const same = bytes.equals(await read(kept, blobs)) && kept.sizeBytes === sizeBytes
            const digested = algorithms.every(one => digestOnce(one, bytes).equals(kept.digests.get(one)!))
            const home = world.slabs.freeCount === world.slabs.count
            await blobs.clear()
            await blobs.close()
            return same && digested && kept.digests.size === algorithms.length && home
          },
        ),
        { numRuns: runs },
      )
    })
}
