import fc from 'fast-check'
import t from 'tap'
import { aborted, type BlobStore, inlineLimitBytes, type Staged } from '../../gateway/bytes/contract.ts'
import { Digesters } from '../../gateway/bytes/digesters.ts'
import { type IngestOptions, ingest, ingestWhole } from '../../gateway/bytes/ingest.ts'
import { MemoryBlobs } from '../../gateway/bytes/memory-blobs.ts'
import { digestSource, readWhole } from '../../gateway/bytes/read-source.ts'
import { type Slab, SlabPool, type SlabUser, slabBytes } from '../../gateway/bytes/slabs.ts'
import { digestOnce } from '../../protocol/checksum/digest.ts'
import { fault } from '../../protocol/fault.ts'
import { bodyOf, eventually, noise, PlannedBlobs, putBlob, ScriptedBody, wholeBlob } from './bytes-bodies.ts'
import { split, staged, takesAnyBody, World } from './bytes-world.ts'

const mebibyte = 1024 * 1024
const digesters = new Digesters(1)
const twoDigesters = new Digesters(2)
t.teardown(() => Promise.all([digesters.close(), twoDigesters.close()]))

const makeWorld = (blobs?: BlobStore, slabs?: number): World => new World({ digesters }, blobs, slabs)

async function bytesOf(blobs: BlobStore, { inline, blobId, sizeBytes }: Staged): Promise<Buffer> {
  if (inline !== undefined) return Buffer.from(inline)
  return readWhole(wholeBlob(blobId!, sizeBytes), blobs)
}
async function messageOf(promise: Promise<unknown>): Promise<string | undefined> {
  try {
    await promise
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

t.test('ingest: up to the inline limit → inline, no blob, digests', async t => {
  const world = makeWorld()
  for (const sizeBytes of [0, 1, 1024, inlineLimitBytes])
    for (const declared of [true, false]) {
      const bytes = noise(sizeBytes)
      const body = new ScriptedBody(split(bytes, [700, 5000]), { declared })
      const kept = staged(await ingest(body, world.options({ algorithms: ['md5', 'crc64nvme'] })))
      t.same(Buffer.from(kept.inline!), bytes, `${sizeBytes} bytes, declared: ${declared}`)
      t.equal(kept.blobId, undefined)
      t.equal(kept.sizeBytes, sizeBytes)
      t.same(kept.digests.get('md5'), digestOnce('md5', bytes))
      t.same(kept.digests.get('crc64nvme'), digestOnce('crc64nvme', bytes))
      kept.discard()
    }
  t.ok(await world.atRest())
})

t.test('ingest: one byte above the inline limit → a blob', async t => {
  const world = makeWorld()
  const bytes = noise(inlineLimitBytes + 1)
  const kept = staged(await ingest(bodyOf(bytes), world.options()))
  t.equal(kept.inline, undefined)
  t.same(await bytesOf(world.blobs, kept), bytes)
  t.same(await world.blobs.listBlock(0), [kept.blobId])
  kept.discard()
  t.ok(await world.atRest(), 'discarded')
})

t.test('ingestWhole: bytes → inline with digests', async t => {
  const kept = ingestWhole(Buffer.from('abc'), ['md5', 'crc32'])
  t.equal(kept.digests.get('md5')?.toString('hex'), '900150983cd24fb0d6963f7d28e17f72')
  t.equal(kept.digests.size, 2)
})

t.test('ingest: more than declared, small → rejects, as a decoder that lets it pass is wrong', async t => {
  const body = { ...bodyOf(Buffer.from('abc')), declaredBytes: 2 }
  t.match(await messageOf(ingest(body, makeWorld().options())), /longer than it declared/)
})

t.test('ingest: an end before the declared size → body-truncated, nothing kept', async t => {
  const world = makeWorld()
  for (const declaredBytes of [4, mebibyte]) {
    const body = { ...bodyOf(Buffer.from('abc')), declaredBytes }
    t.same(await ingest(body, world.options()), fault('body-truncated'))
  }
  t.ok(await world.atRest())
})

takesAnyBody(t, 'ingest', { always: { digesters }, workers: [digesters, twoDigesters], runs: 60 }, (kept, blobs) =>
  bytesOf(blobs, kept),
)

t.test('ingest: a slow writer → the body is paused, nothing comes unasked, and all is kept', async t => {
  const world = makeWorld(new PlannedBlobs(new MemoryBlobs(), { writeTurns: 20 }))
  const bytes = noise(6 * mebibyte)
  const body = new ScriptedBody(split(bytes, [400_000]), { declared: true })
  const kept = staged(await ingest(body, world.options()))
  t.ok(body.pauses > 3, `${body.pauses} pauses`)
  t.ok(bytes.equals(await bytesOf(world.blobs, kept)))
  kept.discard()
  t.ok(await world.atRest())
})

t.test('ingest: the id comes later → waits for it', async t => {
  const world = makeWorld()
  const bytes = noise(2 * mebibyte)
  const nextBlobId = () => new Promise<number>(resolve => setTimeout(() => resolve(41), 30))
  const body = new ScriptedBody(split(bytes, [300_000]))
  const kept = staged(await ingest(body, world.options({ nextBlobId })))
  t.equal(kept.blobId, 41)
  t.ok(bytes.equals(await bytesOf(world.blobs, kept)))
})

t.test('ingest: larger than allowed → object-too-large, nothing kept, the rest is read', async t => {
  const world = makeWorld()
  const options = world.options({ maxBytes: mebibyte })
  const declared = await ingest(new ScriptedBody([noise(mebibyte + 1)], { declared: true }), options)
  t.same(declared, fault('object-too-large', { sizeBytes: mebibyte + 1, limitBytes: mebibyte }))
  const body = new ScriptedBody(split(noise(3 * mebibyte), [300_000]))
  t.match(await ingest(body, options), { code: 'object-too-large' })
  t.ok(await eventually(() => body.finished), 'the body was read to its end')
  t.ok(await world.atRest())
})

t.test('ingest: exactly what is allowed → kept', async t => {
  const world = makeWorld()
  const body = new ScriptedBody(split(noise(mebibyte), [300_000]))
  t.equal(staged(await ingest(body, world.options({ maxBytes: mebibyte }))).sizeBytes, mebibyte)
})

t.test('ingest: the body fails at any moment → its reason, nothing kept, all slabs back', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 11 }),
      fc.constantFrom(aborted, fault('body-truncated')),
      fc.integer({ min: 1, max: 4 }),
      fc.boolean(),
      async (before, why, slabs, declared) => {
        const world = makeWorld(new PlannedBlobs(new MemoryBlobs(), { writeTurns: before % 4 }), slabs)
        const chunks = split(noise(2 * mebibyte), [190_000])
        const body = new ScriptedBody(chunks, { declared, failure: { before, why } })
        const answer = await ingest(body, world.options({ algorithms: ['md5', 'crc32c'] }))
        return answer === why && (await world.atRest())
      },
    ),
    { numRuns: 40 },
  )
})

t.test('ingest: a small body fails → its reason', async t => {
  const body = new ScriptedBody([noise(10), noise(10)], { declared: true, failure: { before: 1, why: aborted } })
  t.equal(await ingest(body, makeWorld().options()), aborted)
})

t.test('ingest: the disk is full at any write → storage-full, nothing kept, all slabs back', async t => {
  for (const code of ['ENOSPC', 'EDQUOT'])
    for (const at of [0, 1, 3]) {
      const write = (index: number) => (index === at ? Object.assign(new Error('no room'), { code }) : null)
      const world = makeWorld(new PlannedBlobs(new MemoryBlobs(), { write }))
      const body = new ScriptedBody(split(noise(3 * mebibyte), [500_000]), { declared: true })
      t.same(await ingest(body, world.options()), fault('storage-full'))
      t.ok(await eventually(() => body.finished), 'the body was read to its end')
      t.ok(await world.atRest())
    }
})

t.test('ingest: another error of the disk, of its end, or of the id → rejects, nothing kept', async t => {
  const error = new Error('the disk is on fire')
  const fire: readonly [PlannedBlobs, Partial<IngestOptions>][] = [
    [new PlannedBlobs(new MemoryBlobs(), { write: index => (index === 1 ? error : null) }), {}],
    [new PlannedBlobs(new MemoryBlobs(), { finish: () => error }), {}],
    [new PlannedBlobs(new MemoryBlobs(), {}), { nextBlobId: () => Promise.reject(error) }],
    [
      new PlannedBlobs(new MemoryBlobs(), {}),
      {
        nextBlobId() {
          throw error
        },
      },
    ],
  ]
  for (const [blobs, more] of fire) {
    const world = makeWorld(blobs)
    const body = new ScriptedBody(split(noise(2 * mebibyte), [200_000]))
    t.equal(await messageOf(ingest(body, world.options(more))), error.message)
    t.ok(await world.atRest())
  }
})

t.test('ingest: the digest worker dies → rejects, nothing kept; the next body gets a new one', async t => {
  const mortal = new Digesters(1)
  const world = makeWorld()
  const chunks = split(noise(4 * mebibyte), [200_000])
  const body = new ScriptedBody(chunks, { stallBefore: 10 })
  const dying = messageOf(ingest(body, world.options({ digesters: mortal })))
  await eventually(() => world.slabs.freeCount < world.slabs.count)
  await mortal.close()
  body.release()
  t.match(await dying, /worker/)
  t.ok(await world.atRest())
  const kept = staged(await ingest(new ScriptedBody(chunks), world.options({ digesters: mortal })))
  t.same(kept.digests.get('md5'), digestOnce('md5', noise(4 * mebibyte)))
  await mortal.close()
})

t.test('ingest: a thousand bodies at once through three slabs → all kept', async t => {
  const world = makeWorld(new MemoryBlobs(), 3)
  const bytes = noise(100_000)
  const bodies = Array.from({ length: 1000 }, (_, index) => new ScriptedBody(split(bytes, [20_000 + index * 61])))
  const kept = await Promise.all(bodies.map(body => ingest(body, world.options())))
  const md5 = digestOnce('md5', bytes)
  t.ok(kept.every(one => staged(one).digests.get('md5')!.equals(md5)))
  t.equal((await world.blobs.listBlock(0)).length, 1000)
  for (const one of kept) staged(one).discard()
  t.ok(await world.atRest())
})

t.test('ingest: large bodies side by side through two slabs → all kept', async t => {
  const world = makeWorld(new PlannedBlobs(new MemoryBlobs(), { writeTurns: 3 }), 2)
  const bodies = Array.from({ length: 8 }, (_, index) => noise(2 * mebibyte + index, index))
  const kept = await Promise.all(
    bodies.map(bytes => ingest(new ScriptedBody(split(bytes, [524_288]), { deaf: 1 }), world.options())),
  )
  for (const [index, bytes] of bodies.entries())
    t.ok(bytes.equals(await bytesOf(world.blobs, staged(kept[index]!))), `body ${index}`)
  t.equal(world.slabs.freeCount, 2)
})

t.test('ingest: clients that stop sending while others wait → lose their slabs, not their bytes', async t => {
  const world = makeWorld(new MemoryBlobs(), 2)
  const bytes = noise(300_000)
  const plan = { stallBefore: 2, declared: true }
  const slow = Array.from({ length: 6 }, () => new ScriptedBody(split(bytes, [60_000]), plan))
  const slowDone = slow.map(body => ingest(body, world.options()))
  await eventually(() => world.slabs.freeCount === 0)
  const quick = await ingest(new ScriptedBody(split(bytes, [60_000])), world.options())
  t.ok(bytes.equals(await bytesOf(world.blobs, staged(quick))), 'another body gets through meanwhile')
  t.notOk(slow.some(body => body.finished))
  for (const body of slow) body.release()
  for (const done of slowDone) t.ok(bytes.equals(await bytesOf(world.blobs, staged(await done))))
  t.equal(world.slabs.freeCount, 2)
})

t.test('slabs: a queue → served in order, and nobody overtakes it', async t => {
  const pool = new SlabPool(1)
  const order: string[] = []
  const user = (name: string): SlabUser & { slab?: Slab } => ({
    granted(slab) {
      order.push(name)
      this.slab = slab
    },
    yieldIdle() {},
  })
  const [a, b, c, d] = [user('a'), user('b'), user('c'), user('d')]
  for (const one of [a, b, c, d]) pool.wait(one!)
  pool.cancel(c!)
  t.equal(pool.tryTake(), undefined)
  pool.release(a!.slab!)
  t.same(order, ['a', 'b'])
  pool.release(b!.slab!)
  t.same(order, ['a', 'b', 'd'])
  pool.release(d!.slab!)
  t.equal(pool.freeCount, 1)
  t.equal(pool.tryTake()?.bytes.length, slabBytes)
})

t.test('digestSource: small, large, of several slices → their digests; a lost blob → ENOENT', async t => {
  const world = makeWorld()
  const { BlobSource } = await import('../../gateway/bytes/contract.ts')
  const bytes = noise(3 * mebibyte)
  await putBlob(world.blobs, 1, bytes)
  await putBlob(world.blobs, 2, bytes)
  const algorithms = ['md5', 'sha256', 'crc64nvme'] as const
  const cases = [
    [{ blobId: 1, offset: 10, sizeBytes: 20 }],
    [{ blobId: 1, offset: 7, sizeBytes: 2 * mebibyte }],
    [
      { blobId: 2, offset: 0, sizeBytes: 700_001 },
      { blobId: 1, offset: 5, sizeBytes: 0 },
      { blobId: 1, offset: 5, sizeBytes: 700_000 },
      { blobId: 2, offset: 9, sizeBytes: 1 },
    ],
    [],
  ]
  for (const slices of cases) {
    const expected = Buffer.concat(slices.map(one => bytes.subarray(one.offset, one.offset + one.sizeBytes)))
    const source = new BlobSource(slices)
    t.ok(expected.equals(await readWhole(source, world.blobs)))
    const digests = await digestSource(source, world.blobs, algorithms, world.slabs, digesters)
    for (const one of algorithms) t.same(digests.get(one), digestOnce(one, expected))
  }
  for (const sizeBytes of [10, mebibyte])
    t.match(
      await messageOf(digestSource(wholeBlob(9, sizeBytes), world.blobs, ['md5'], world.slabs, digesters)),
      /no blob/,
    )
  t.match(await messageOf(readWhole(wholeBlob(1, 4 * mebibyte), world.blobs)), /shorter/)
  t.equal(world.slabs.freeCount, world.slabs.count)
})
