/** Sources that stay inside: read whole, or digested for a copy that must state a checksum. */
import { type DigestAlgorithm, digestOnce } from '../../protocol/checksum/digest.ts'
import type { BlobSource, BlobStore } from './contract.ts'
import { type Digesters, type Digests, processDigesters } from './digesters.ts'
import { processSlabs, type Slab, type SlabPool, slabBytes } from './slabs.ts'
import { SourceReader } from './source-reader.ts'

/** Up to this size a digest on the event loop is over before a worker would have answered. */
const smallBytes = 64 * 1024

/** All bytes of a source: the caller has checked that they are few. Rejects with ENOENT when a blob is gone. */
export function readWhole(source: BlobSource, blobs: BlobStore): Promise<Buffer> {
  const whole = Buffer.allocUnsafe(source.sizeBytes)
  const reader = new SourceReader(source, blobs)
  return new Promise((resolve, reject) => {
    reader.read(whole, 0, whole.length, 0, error => {
      reader.close()
      if (error === null) resolve(whole)
      else reject(error)
    })
  })
}

/** Digests of a source, streamed. Rejects with ENOENT when a blob is gone. */
export async function digestSource(
  source: BlobSource,
  blobs: BlobStore,
  algorithms: readonly DigestAlgorithm[],
  slabs: SlabPool = processSlabs,
  digesters: Digesters = processDigesters,
): Promise<Digests> {
  if (source.sizeBytes <= smallBytes) {
    const whole = await readWhole(source, blobs)
    return new Map(algorithms.map(algorithm => [algorithm, digestOnce(algorithm, whole)]))
  }
  const reader = new SourceReader(source, blobs)
  const job = digesters.start(algorithms)
  /** The digest of the slab before, which runs while the next one is read. */
  let before: Promise<void> = Promise.resolve()
  try {
    for (let at = 0; at < source.sizeBytes; at += slabBytes) {
      const slab = await takeSlab(slabs)
      const bytes = slab.bytes.subarray(0, Math.min(slabBytes, source.sizeBytes - at))
      const last = at + bytes.length === source.sizeBytes
      try {
        await readInto(reader, bytes, at)
        await before
      } catch (error) {
        slabs.release(slab)
        throw error
      }
      before = new Promise((resolve, reject) =>
        job.update(bytes, last, error => {
          slabs.release(slab)
          if (error === null) resolve()
          else reject(error)
        }),
      )
      // It is awaited a read later, or never when that read fails.
      before.catch(() => {})
    }
    await before
    return job.digests
  } finally {
    job.drop()
    reader.close()
  }
}

function readInto(reader: SourceReader, bytes: Uint8Array, position: number): Promise<void> {
  return new Promise((resolve, reject) =>
    reader.read(bytes, 0, bytes.length, position, error => (error === null ? resolve() : reject(error))),
  )
}

/** The slab is either being read into or digested from now on, so there is nothing to yield. */
function takeSlab(slabs: SlabPool): Promise<Slab> {
  return new Promise(resolve => slabs.wait({ granted: resolve, yieldIdle() {} }))
}
