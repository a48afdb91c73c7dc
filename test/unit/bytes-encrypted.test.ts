/** Bodies into encrypted blobs and out of them again: what is stored, what is digested, what is read. */
import fc from 'fast-check'
import t from 'tap'
import {
  aborted,
  BlobSource,
  type BlobStore,
  type BodySink,
  type IncomingBody,
  inlineLimitBytes,
  type Slice,
} from '../../gateway/bytes/contract.ts'
import { Digesters } from '../../gateway/bytes/digesters.ts'
import { ingest, ingestWhole } from '../../gateway/bytes/ingest.ts'
import { MemoryBlobs } from '../../gateway/bytes/memory-blobs.ts'
import { decryptInline, encryptInline, inlineHeadBytes, type ObjectCipher } from '../../gateway/bytes/object-cipher.ts'
import { digestSource, readWhole } from '../../gateway/bytes/read-source.ts'
import type { Slab } from '../../gateway/bytes/slabs.ts'
import { SourceReader } from '../../gateway/bytes/source-reader.ts'
import { digestOnce } from '../../protocol/checksum/digest.ts'
import { Fault, fault } from '../../protocol/fault.ts'
import { bodyOf, noise, PlannedBlobs, ScriptedBody, wholeBlob } from './bytes-bodies.ts'
import { split, staged, takesAnyBody, World } from './bytes-world.ts'

const mebibyte = 1024 * 1024
const cipher: ObjectCipher = { key: noise(32, 11) }
const otherCipher: ObjectCipher = { key: noise(32, 12) }
const digesters = new Digesters(1)
const twoDigesters = new Digesters(2)
t.teardown(() => Promise.all([digesters.close(), twoDigesters.close()]))

const makeWorld = (blobs?: BlobStore, slabs?: number): World => new World({ digesters, cipher }, blobs, slabs)

function encrypted(slices: readonly Slice[], key: ObjectCipher = cipher): BlobSource {
  return new BlobSource(slices, undefined, key)
}
async function put(world: World, bytes: Uint8Array, key: ObjectCipher = cipher): Promise<Slice> {
  const kept = staged(await ingest(bodyOf(bytes), world.options({ cipher: key })))
  if (kept.inline !== undefined) return { blobId: 900_000, offset: 0, sizeBytes: bytes.length, data: kept.inline }
  return { blobId: kept.blobId!, offset: 0, sizeBytes: bytes.length }
}
async function read(source: BlobSource, blobs: BlobStore, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length + 7, 0xee)
  const reader = new SourceReader(source, blobs)
  await new Promise<void>((resolve, reject) =>
    reader.read(buffer, 3, length, position, error => (error === null ? resolve() : reject(error))),
  )
  reader.close()
  if (buffer.subarray(0, 3).some(byte => byte !== 0xee) || buffer.subarray(length + 3).some(byte => byte !== 0xee))
    throw new Error('read beside its place')
  return buffer.subarray(3, length + 3)
}
async function failureOf(promise: Promise<unknown>): Promise<NodeJS.ErrnoException | undefined> {
  try {
    await promise
    return undefined
  } catch (error) {
    return error as NodeJS.ErrnoException
  }
}

t.test('ingest with a cipher: small → inline ciphertext with its head, digests of the text', async t => {
  const world = makeWorld()
  for (const sizeBytes of [0, 1, 15, 16, 17, 1024, inlineLimitBytes])
    for (const declared of [true, false]) {
      const bytes = noise(sizeBytes)
      const body = new ScriptedBody(split(bytes, [700, 5000]), { declared })
      const kept = staged(await ingest(body, world.options({ algorithms: ['md5', 'crc64nvme'] })))
      t.equal(kept.sizeBytes, sizeBytes)
      t.equal(kept.blobId, undefined)
      t.equal(kept.inline!.length, sizeBytes === 0 ? 0 : sizeBytes + inlineHeadBytes, `${sizeBytes} bytes`)
      if (sizeBytes > 15) t.notOk(Buffer.from(kept.inline!).includes(bytes.subarray(0, 16)))
      t.same(decryptInline(kept.inline!, cipher), bytes)
      t.same(kept.digests.get('md5'), digestOnce('md5', bytes))
      t.same(kept.digests.get('crc64nvme'), digestOnce('crc64nvme', bytes))
    }
  t.ok(await world.atRest())
})

t.test('ingest with a cipher: one byte above the inline limit → a blob as long as the text, encrypted', async t => {
  const world = makeWorld()
  const bytes = noise(inlineLimitBytes + 1)
  const kept = staged(await ingest(bodyOf(bytes), world.options()))
  const stored = await readWhole(wholeBlob(kept.blobId!, kept.sizeBytes), world.blobs)
  t.equal(stored.length, bytes.length)
  t.notOk(stored.includes(bytes.subarray(0, 16)) || stored.includes(bytes.subarray(-16)))
  t.ok(bytes.equals(await readWhole(encrypted([{ blobId: 1, offset: 0, sizeBytes: bytes.length }]), world.blobs)))
})

t.test('ingestWhole with a cipher: bytes → encrypted, digests of the text', async t => {
  const kept = ingestWhole(Buffer.from('abc'), ['md5'], cipher)
  t.equal(kept.digests.get('md5')?.toString('hex'), '900150983cd24fb0d6963f7d28e17f72')
  t.equal(decryptInline(kept.inline!, cipher).toString(), 'abc')
})

takesAnyBody(
  t,
  'ingest with a cipher',
  { always: { digesters, cipher }, workers: [digesters, twoDigesters], runs: 40 },
  async ({ inline, blobId, sizeBytes }, blobs) =>
    inline === undefined
      ? readWhole(encrypted([{ blobId: blobId!, offset: 0, sizeBytes }]), blobs)
      : decryptInline(inline, cipher),
)

t.test('ingest with a cipher: a slow writer → the body is paused, nothing comes unasked, all is kept', async t => {
  const world = makeWorld(new PlannedBlobs(new MemoryBlobs(), { writeTurns: 20 }))
  const bytes = noise(6 * mebibyte)
  const body = new ScriptedBody(split(bytes, [400_000]), { declared: true })
  const kept = staged(await ingest(body, world.options()))
  t.ok(body.pauses > 3, `${body.pauses} pauses`)
  t.ok(bytes.equals(await readWhole(encrypted([{ blobId: 1, offset: 0, sizeBytes: bytes.length }]), world.blobs)))
  kept.discard()
  t.ok(await world.atRest())
})

t.test('ingest with a cipher: the id comes after the digests → waits for it', async t => {
  const world = makeWorld()
  const bytes = noise(2 * mebibyte)
  const nextBlobId = () => new Promise<number>(resolve => setTimeout(() => resolve(41), 50))
  const body = new ScriptedBody(split(bytes, [300_000]))
  t.equal(staged(await ingest(body, world.options({ nextBlobId }))).blobId, 41)
  t.ok(bytes.equals(await readWhole(encrypted([{ blobId: 41, offset: 0, sizeBytes: bytes.length }]), world.blobs)))
})

t.test('ingest with a cipher: a small body ends while the slab it lost is digested → whole, in a blob', async t => {
  const world = makeWorld(new MemoryBlobs(), 1)
  const bytes = noise(3000)
  let sink: BodySink | undefined
  const body: IncomingBody = {
    declaredBytes: undefined,
    read(given) {
      sink = given
      sink.chunk(Buffer.from(bytes))
    },
    pause: () => queueMicrotask(() => sink!.end()),
    resume() {},
  }
  const ingested = ingest(body, world.options())
  // Somebody else wants the only slab, gets it, and gives it back.
  world.slabs.release(await new Promise<Slab>(resolve => world.slabs.wait({ granted: resolve, yieldIdle() {} })))
  const kept = staged(await ingested)
  t.equal(kept.sizeBytes, bytes.length)
  t.equal(kept.inline, undefined)
  t.same(kept.digests.get('md5'), digestOnce('md5', bytes))
  const source = encrypted([{ blobId: kept.blobId!, offset: 0, sizeBytes: bytes.length }])
  t.ok(bytes.equals(await readWhole(source, world.blobs)))
  t.equal(world.slabs.freeCount, 1)
})

t.test('ingest with a cipher: the body fails at any moment → its reason, nothing kept, all slabs back', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 11 }),
      fc.constantFrom(aborted, fault('body-truncated')),
      fc.integer({ min: 1, max: 4 }),
      async (before, why, slabs) => {
        const world = makeWorld(new PlannedBlobs(new MemoryBlobs(), { writeTurns: before % 4 }), slabs)
        const body = new ScriptedBody(split(noise(3 * mebibyte), [300_000]), { failure: { before, why } })
        return (await ingest(body, world.options())) === why && (await world.atRest())
      },
    ),
    { numRuns: 40 },
  )
})

t.test('ingest with a cipher: the disk is full at any write → storage-full, nothing kept, all slabs back', async () => {
  const full = Object.assign(new Error('no space'), { code: 'ENOSPC' })
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 1, max: 4 }), async (at, slabs) => {
      const blobs = new PlannedBlobs(new MemoryBlobs(), { write: index => (index === at ? full : null) })
      const world = makeWorld(blobs, slabs)
      const body = new ScriptedBody(split(noise(3 * mebibyte + 5), [300_000]))
      const ingested = await ingest(body, world.options())
      return ingested instanceof Fault && ingested.code === 'storage-full' && (await world.atRest())
    }),
    { numRuns: 30 },
  )
})

t.test('ingest with a cipher: no id, or a digest worker that dies → rejects, nothing kept', async t => {
  const world = makeWorld()
  const refuse = () => {
    throw new Error('no ids')
  }
  const body = () => new ScriptedBody(split(noise(2 * mebibyte), [300_000]))
  t.equal((await failureOf(ingest(body(), world.options({ nextBlobId: refuse }))))?.message, 'no ids')
  const later = () => Promise.reject(new Error('no ids yet'))
  t.equal((await failureOf(ingest(body(), world.options({ nextBlobId: later }))))?.message, 'no ids yet')
  const mortal = new Digesters(1)
  const stalled = new ScriptedBody(split(noise(2 * mebibyte), [300_000]), { stallBefore: 4 })
  const ingested = ingest(stalled, world.options({ digesters: mortal }))
  await new Promise(resolve => setTimeout(resolve, 30))
  await mortal.close()
  stalled.release()
  t.match((await failureOf(ingested))?.message, /digest worker ended/)
  t.ok(await world.atRest())
})

t.test('ingest with a cipher: many at once through three slabs → all kept', async t => {
  const world = makeWorld(new MemoryBlobs(), 3)
  const texts = Array.from({ length: 60 }, (_, i) => noise(40_000 + i * 7919, i + 1))
  const all = await Promise.all(
    texts.map(text => ingest(new ScriptedBody(split(text, [90_000])), world.options()).then(staged)),
  )
  for (const [i, kept] of all.entries()) {
    const source = encrypted([{ blobId: kept.blobId!, offset: 0, sizeBytes: kept.sizeBytes }])
    if (!texts[i]!.equals(await readWhole(source, world.blobs))) t.fail(`body ${i}`)
  }
  t.equal(world.slabs.freeCount, 3)
})

t.test('SourceReader: encrypted slices, ranges at odd places across buffers → the text', async t => {
  const world = makeWorld()
  const first = noise(2 * mebibyte + 13, 3)
  const last = noise(1000, 4)
  const stored = await put(world, first)
  const inline = await put(world, last)
  const whole = encrypted([stored, inline])
  const text = Buffer.concat([first, last])
  const half = 512 * 1024
  for (const [position, length] of [
    [0, text.length],
    [0, 1],
    [1, 1],
    [half - 1, 2],
    [half, half],
    [half + 7, half + 11],
    [first.length - 1, 2],
    [first.length, 5],
    [first.length + 17, 900],
    [text.length - 1, 1],
    [100, 0],
  ] as const)
    t.ok(
      text.subarray(position, position + length).equals(await read(whole, world.blobs, position, length)),
      `${position}`,
    )
})

t.test('SourceReader: any slices of several blobs and inline bytes, any range → the text', async () => {
  const world = makeWorld()
  const sizes = [200_000, 70_003, 33, 4000]
  const texts = sizes.map((size, i) => noise(size, i + 20))
  const whole: Slice[] = []
  for (const text of texts) whole.push(await put(world, text))
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(3), fc.nat(10_000), fc.nat(10_000)), { minLength: 1, maxLength: 6 }),
      fc.nat(10_000),
      fc.nat(10_000),
      async (parts, from, to) => {
        const slices = parts.map(([index, start, size]): Slice => {
          const offset = Math.floor((sizes[index]! * start) / 10_001)
          return { ...whole[index]!, offset, sizeBytes: 1 + Math.floor(((sizes[index]! - offset - 1) * size) / 10_000) }
        })
        const text = Buffer.concat(
          parts.map(([index], i) =>
            texts[index]!.subarray(slices[i]!.offset, slices[i]!.offset + slices[i]!.sizeBytes),
          ),
        )
        const position = Math.floor((text.length * from) / 10_001)
        const length = Math.floor(((text.length - position) * to) / 10_000)
        const got = await read(encrypted(slices), world.blobs, position, length)
        return text.subarray(position, position + length).equals(got)
      },
    ),
    { numRuns: 150 },
  )
})

t.test('SourceReader: a disk that reads in small portions → the text', async t => {
  const world = makeWorld()
  const text = noise(100_000)
  const slice = await put(world, text)
  const portions: BlobStore = Object.assign(Object.create(world.blobs) as BlobStore, {
    open(id: number, done: Parameters<BlobStore['open']>[1]) {
      world.blobs.open(id, (error, reader) => {
        if (reader === null) return done(error, null)
        done(null, {
          read: (buffer, offset, length, position, done) =>
            reader.read(buffer, offset, Math.min(length, 777), position, done),
          close: () => reader.close(),
        })
      })
    },
  })
  t.ok(text.subarray(5, 90_000).equals(await read(encrypted([slice]), portions, 5, 89_995)))
})

t.test('SourceReader: another key → not the text; inline bytes of a row stay as they are', async t => {
  const world = makeWorld()
  const text = noise(50_000)
  const slice = await put(world, text)
  t.notOk(text.equals(await readWhole(encrypted([slice], otherCipher), world.blobs)))
  const data = encryptInline(text.subarray(0, 500), cipher)
  const before = Buffer.from(data)
  const inline: Slice = { blobId: 1, offset: 100, sizeBytes: 300, data }
  t.same(await readWhole(encrypted([inline]), world.blobs), text.subarray(100, 400))
  t.same(data, before)
})

t.test('digestSource: encrypted, small, large and of several slices → digests of the text', async t => {
  const world = makeWorld()
  const large = noise(3 * mebibyte + 1)
  const small = noise(2000, 5)
  const slices = [await put(world, large), await put(world, small)]
  const digestOf = async (source: BlobSource) =>
    (await digestSource(source, world.blobs, ['md5'], world.slabs, digesters)).get('md5')
  t.same(await digestOf(encrypted(slices)), digestOnce('md5', Buffer.concat([large, small])))
  t.same(await digestOf(encrypted([slices[1]!])), digestOnce('md5', small))
})
