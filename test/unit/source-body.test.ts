/** Stored bytes as bodies: copies that are written anew. */

import fc from 'fast-check'
import t from 'tap'
import {
  Aborted,
  BlobSource,
  type BlobStore,
  type BodySink,
  type Slice,
  type Staged,
} from '../../gateway/bytes/contract.ts'
import { Digesters } from '../../gateway/bytes/digesters.ts'
import { type IngestOptions, ingest } from '../../gateway/bytes/ingest.ts'
import { MemoryBlobs } from '../../gateway/bytes/memory-blobs.ts'
import { decryptInline, type ObjectCipher } from '../../gateway/bytes/object-cipher.ts'
import { ReadBuffers, readBufferBytes } from '../../gateway/bytes/read-buffers.ts'
import { readWhole } from '../../gateway/bytes/read-source.ts'
import { SlabPool } from '../../gateway/bytes/slabs.ts'
import { bodyOf, ingestSource } from '../../gateway/bytes/source-body.ts'
import { digestOnce } from '../../protocol/checksum/digest.ts'
import { Fault } from '../../protocol/fault.ts'
import { eventually, bodyOf as given, noise, PlannedBlobs, putBlob, wholeBlob } from './bytes-bodies.ts'

const mebibyte = 1024 * 1024
const from: ObjectCipher = { key: noise(32, 31) }
const to: ObjectCipher = { key: noise(32, 32) }
const digesters = new Digesters(1)
t.teardown(() => digesters.close())

let lastId = 100
function options(blobs: BlobStore, slabs: SlabPool, more: Partial<IngestOptions> = {}): IngestOptions {
  return { blobs, slabs, digesters, nextBlobId: () => ++lastId, algorithms: ['md5'], maxBytes: 2 ** 40, ...more }
}
function staged(value: Staged | Fault | Aborted): Staged {
  if (value instanceof Fault || value instanceof Aborted) throw new Error('not taken')
  return value
}
async function textOf(blobs: BlobStore, kept: Staged, cipher: ObjectCipher | undefined): Promise<Buffer> {
  const { inline, blobId, sizeBytes } = kept
  if (inline !== undefined) return cipher === undefined ? Buffer.from(inline) : decryptInline(inline, cipher)
  return readWhole(new BlobSource([{ blobId: blobId!, offset: 0, sizeBytes }], undefined, cipher), blobs)
}
async function failureOf(promise: Promise<unknown>): Promise<NodeJS.ErrnoException | undefined> {
  try {
    await promise
    return undefined
  } catch (error) {
    return error as NodeJS.ErrnoException
  }
}

t.test(
  'ingestSource: plain or encrypted, of any size → encrypted anew or plain, with the digests of the text',
  async t => {
    const blobs = new PlannedBlobs(new MemoryBlobs(), {})
    const buffers = new ReadBuffers(3 * readBufferBytes)
    const slabs = new SlabPool(4)
    for (const sizeBytes of [1, 5000, 40_000, readBufferBytes, readBufferBytes + 1, 3 * mebibyte + 5])
      for (const [source, target] of [
        [undefined, to],
        [from, to],
        [from, undefined],
      ] as const) {
        const text = noise(sizeBytes, sizeBytes)
        const cipher = source === undefined ? {} : { cipher: source }
        const kept = staged(await ingest(given(text), options(blobs, slabs, cipher)))
        const slice: Slice = { blobId: kept.blobId ?? 0, offset: 0, sizeBytes }
        const stored = new BlobSource([kept.inline === undefined ? slice : { ...slice, data: kept.inline }], 0, source)
        const again = options(blobs, slabs, target === undefined ? {} : { cipher: target })
        const copy = staged(await ingestSource(stored, again, buffers))
        t.ok(text.equals(await textOf(blobs, copy, target)), `${sizeBytes} bytes`)
        t.same(copy.digests.get('md5'), digestOnce('md5', text))
        t.equal(copy.sizeBytes, sizeBytes)
      }
    t.equal(blobs.openReaders, 0)
    t.equal(buffers.freeBytes, buffers.totalBytes)
    t.equal(slabs.freeCount, slabs.count)
  },
)

t.test('ingestSource: bytes at hand, none at all → taken', async t => {
  const blobs = new MemoryBlobs()
  const slabs = new SlabPool(2)
  const text = noise(2000)
  const kept = staged(await ingestSource(text, options(blobs, slabs, { cipher: to })))
  t.same(decryptInline(kept.inline!, to), text)
  const large = noise(2 * mebibyte)
  t.ok(large.equals(await textOf(blobs, staged(await ingestSource(large, options(blobs, slabs))), undefined)))
  for (const nothing of [new Uint8Array(0), new BlobSource([])])
    t.equal(staged(await ingestSource(nothing, options(blobs, slabs, { cipher: to }))).sizeBytes, 0)
})

t.test('ingestSource: several slices, a range of them → that text', async t => {
  const blobs = new MemoryBlobs()
  const texts = [noise(900_000, 1), noise(700_000, 2)]
  const slices: Slice[] = []
  for (const text of texts) {
    const kept = staged(await ingest(given(text), options(blobs, new SlabPool(2), { cipher: from })))
    slices.push({ blobId: kept.blobId!, offset: 11, sizeBytes: text.length - 22 })
  }
  const source = new BlobSource(slices, undefined, from)
  const copy = staged(await ingestSource(source, options(blobs, new SlabPool(2), { cipher: to })))
  const expected = Buffer.concat(texts.map(text => text.subarray(11, text.length - 11)))
  t.ok(expected.equals(await textOf(blobs, copy, to)))
})

t.test('ingestSource: a blob is gone, the first or a later one → rejects with ENOENT, nothing kept', async t => {
  const store = new MemoryBlobs()
  const blobs = new PlannedBlobs(store, {})
  const buffers = new ReadBuffers(2 * readBufferBytes)
  const slabs = new SlabPool(3)
  const slice = await putBlob(store, 1, noise(mebibyte))
  const gone: Slice = { ...slice, blobId: 2 }
  for (const slices of [[gone], [slice, gone]]) {
    const failure = await failureOf(ingestSource(new BlobSource(slices), options(blobs, slabs), buffers))
    t.equal(failure?.code, 'ENOENT')
  }
  t.ok(await eventually(async () => (await store.listBlock(0)).length === 1))
  t.equal(blobs.openReaders, 0)
  t.equal(buffers.freeBytes, buffers.totalBytes)
  t.ok(await eventually(() => slabs.freeCount === slabs.count))
})

t.test('ingestSource: the disk is full → storage-full, and the source is not read to its end', async t => {
  const store = new MemoryBlobs()
  const slice = await putBlob(store, 1, noise(9 * mebibyte))
  const full = Object.assign(new Error('no space'), { code: 'ENOSPC' })
  let furthest = 0
  const blobs = new PlannedBlobs(store, {
    write: () => full,
    read: position => {
      furthest = Math.max(furthest, position)
      return null
    },
  })
  const buffers = new ReadBuffers(2 * readBufferBytes)
  const outcome = await ingestSource(new BlobSource([slice]), options(blobs, new SlabPool(4)), buffers)
  t.match(outcome, { code: 'storage-full' })
  t.ok(await eventually(() => blobs.openReaders === 0 && buffers.freeBytes === buffers.totalBytes))
  t.ok(furthest < 8 * mebibyte, `read up to ${furthest}`)
})

t.test('ingestSource: a read error, larger than allowed → rejects, object-too-large', async t => {
  const store = new MemoryBlobs()
  await putBlob(store, 1, noise(2 * mebibyte))
  const broken = new PlannedBlobs(store, { read: at => (at > mebibyte ? new Error('bad sector') : null) })
  const slabs = new SlabPool(2)
  const source = wholeBlob(1, 2 * mebibyte)
  t.equal((await failureOf(ingestSource(source, options(broken, slabs))))?.message, 'bad sector')
  t.match(await ingestSource(source, options(store, slabs, { maxBytes: mebibyte })), { code: 'object-too-large' })
  t.equal(broken.openReaders, 0)
})

t.test('ingestSource: many copies at once with one read buffer and two slabs between them → all done', async t => {
  const blobs = new PlannedBlobs(new MemoryBlobs(), { writeTurns: 1 })
  const buffers = new ReadBuffers(readBufferBytes)
  const slabs = new SlabPool(2)
  const text = noise(mebibyte + 77)
  await putBlob(blobs, 1, text)
  const copies = await Promise.all(
    Array.from({ length: 12 }, () =>
      ingestSource(wholeBlob(1, text.length), options(blobs, slabs, { cipher: to }), buffers).then(staged),
    ),
  )
  for (const copy of copies) t.ok(text.equals(await textOf(blobs, copy, to)))
  t.equal(buffers.freeBytes, buffers.totalBytes)
})

t.test('bodyOf: paused → nothing more but the piece under way, no buffer held; resumed → the rest', async t => {
  const store = new MemoryBlobs()
  const text = noise(5 * readBufferBytes + 9)
  await putBlob(store, 1, text)
  const buffers = new ReadBuffers(readBufferBytes)
  const body = bodyOf(wholeBlob(1, text.length), store, buffers)
  const chunks: Buffer[] = []
  let ended = false
  const sink: BodySink = {
    chunk: bytes => {
      chunks.push(Buffer.from(bytes))
      body.pause()
    },
    end: () => {
      ended = true
    },
    fail: () => t.fail(),
  }
  t.equal(body.declaredBytes, text.length)
  body.read(sink)
  for (let pieces = 1; pieces <= 6; pieces++) {
    t.ok(await eventually(() => chunks.length === pieces))
    await new Promise(resolve => setImmediate(resolve))
    t.equal(chunks.length, pieces)
    t.equal(buffers.freeBytes, buffers.totalBytes)
    t.equal(ended, pieces === 6)
    body.resume()
  }
  t.ok(text.equals(Buffer.concat(chunks)))
})

t.test('bodyOf: paused while it waits for a buffer → leaves the queue to others', async t => {
  const store = new MemoryBlobs()
  const text = noise(readBufferBytes)
  await putBlob(store, 1, text)
  const buffers = new ReadBuffers(readBufferBytes)
  const taken = buffers.tryTake(readBufferBytes)!
  const body = bodyOf(wholeBlob(1, text.length), store, buffers)
  const chunks: Buffer[] = []
  body.read({ chunk: bytes => chunks.push(Buffer.from(bytes)), end() {}, fail: () => t.fail() })
  body.pause()
  buffers.release(taken)
  t.ok(buffers.tryTake(readBufferBytes) === taken, 'nobody else waits')
  buffers.release(taken)
  body.resume()
  t.ok(await eventually(() => chunks.length === 1))
  t.ok(text.equals(chunks[0]!))
})

t.test('bodyOf: closed at any moment → silence, no buffer and no reader left', async () => {
  const store = new MemoryBlobs()
  await putBlob(store, 1, noise(3 * readBufferBytes))
  await fc.assert(
    fc.asyncProperty(fc.nat(8), fc.boolean(), async (turns, hungry) => {
      const blobs = new PlannedBlobs(store, {})
      const buffers = new ReadBuffers(readBufferBytes)
      const taken = hungry ? buffers.tryTake(readBufferBytes) : undefined
      const body = bodyOf(wholeBlob(1, 3 * readBufferBytes), blobs, buffers)
      let closed = false
      const loud = () => {
        if (closed) throw new Error('spoke after it was closed')
      }
      body.read({ chunk: loud, end: loud, fail: loud })
      for (let i = 0; i < turns; i++) await Promise.resolve()
      body.close()
      body.close()
      closed = true
      if (taken !== undefined) buffers.release(taken)
      return eventually(() => blobs.openReaders === 0 && buffers.freeBytes === buffers.totalBytes)
    }),
    { numRuns: 60 },
  )
})
