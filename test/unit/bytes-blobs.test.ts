import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type BlobReader, type BlobStore, type BlobWriter, blobsPerBlock } from '../../gateway/bytes/contract.ts'
import { DiskBlobs } from '../../gateway/bytes/disk-blobs.ts'
import { MemoryBlobs } from '../../gateway/bytes/memory-blobs.ts'
import { readWhole } from '../../gateway/bytes/read-source.ts'
import { noise, putBlob, wholeBlob } from './bytes-bodies.ts'

const stores: Readonly<Record<string, (folder: string) => BlobStore>> = {
  memory: () => new MemoryBlobs(),
  disk: folder => new DiskBlobs(join(folder, 'blobs')),
  'disk, durability power': folder => new DiskBlobs(join(folder, 'blobs'), 'power'),
}

function write(writer: BlobWriter, bytes: Uint8Array): Promise<Error | null> {
  return new Promise(resolve => writer.write(bytes, resolve))
}
function finish(writer: BlobWriter): Promise<Error | null> {
  return new Promise(resolve => writer.finish(resolve))
}
function open(blobs: BlobStore, id: number): Promise<BlobReader> {
  return new Promise((resolve, reject) => blobs.open(id, (error, reader) => (reader ? resolve(reader) : reject(error))))
}
function read(reader: BlobReader, length: number, position: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length + 2, 0xee)
  return new Promise((resolve, reject) =>
    reader.read(buffer, 1, length, position, (error, count) =>
      error === null ? resolve(buffer.subarray(1, 1 + count)) : reject(error),
    ),
  )
}
async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  try {
    await promise
    return undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code
  }
}

for (const [name, make] of Object.entries(stores))
  t.test(`${name}`, async t => {
    t.test('write: several chunks → read back at any position, 0 bytes at the end', async t => {
      const blobs = make(t.testdir())
      const bytes = noise(100_000)
      const writer = blobs.create(7)
      for (const [from, to] of [
        [0, 1],
        [1, 70_000],
        [70_000, 100_000],
      ])
        t.equal(await write(writer, bytes.subarray(from, to)), null)
      t.equal(await finish(writer), null)
      const reader = await open(blobs, 7)
      for (const [length, position] of [
        [100_000, 0],
        [10, 0],
        [10, 69_995],
        [50, 99_980],
        [1, 99_999],
      ] as const)
        t.same(await read(reader, length, position), bytes.subarray(position, position + length))
      t.equal((await read(reader, 10, 100_000)).length, 0)
      reader.close()
      await blobs.close()
    })

    t.test('write: the chunk changes after its callback → the blob does not', async t => {
      const blobs = make(t.testdir())
      const chunk = Buffer.from('first')
      const writer = blobs.create(1)
      await write(writer, chunk)
      chunk.write('other')
      await finish(writer)
      t.equal((await readWhole(wholeBlob(1, 5), blobs)).toString(), 'first')
      await blobs.close()
    })

    t.test('open: no such blob, or one removed → ENOENT', async t => {
      const blobs = make(t.testdir())
      t.equal(await codeOf(open(blobs, 5)), 'ENOENT')
      await putBlob(blobs, 5, Buffer.from('x'))
      await blobs.remove(5)
      t.equal(await codeOf(open(blobs, 5)), 'ENOENT')
      t.equal(await codeOf(blobs.remove(5)), undefined, 'removing it again is no error')
      await blobs.close()
    })

    t.test('remove: while it is open → reads go on', async t => {
      const blobs = make(t.testdir())
      await putBlob(blobs, 5, Buffer.from('still here'))
      const reader = await open(blobs, 5)
      await blobs.remove(5)
      t.equal((await read(reader, 10, 0)).toString(), 'still here')
      reader.close()
      await blobs.close()
    })

    t.test('discard: at any moment of a write → nothing is left', async t => {
      const blobs = make(t.testdir())
      blobs.create(1).discard()
      const writing = blobs.create(2)
      const written = write(writing, noise(10_000))
      writing.discard()
      await written
      const half = blobs.create(3)
      await write(half, noise(10))
      half.discard()
      const whole = blobs.create(4)
      await write(whole, noise(10))
      await finish(whole)
      whole.discard()
      await blobs.close()
      t.same(await blobs.listBlock(0), [])
    })

    t.test('listBlock: ids of several blocks → those of the one asked for', async t => {
      const blobs = make(t.testdir())
      const far = blobsPerBlock * blobsPerBlock * 3
      for (const id of [0, 1, blobsPerBlock - 1, blobsPerBlock, far, far + 1]) await putBlob(blobs, id, Buffer.of(1))
      const sorted = async (block: number) => [...(await blobs.listBlock(block))].sort((a, b) => a - b)
      t.same(await sorted(0), [0, 1, blobsPerBlock - 1])
      t.same(await sorted(1), [blobsPerBlock])
      t.same(await sorted(far / blobsPerBlock), [far, far + 1])
      t.same(await sorted(2), [])
      await blobs.close()
    })

    t.test('clear: some blobs → none, and new ones can be written', async t => {
      const blobs = make(t.testdir())
      for (const id of [1, 2, blobsPerBlock * 5]) await putBlob(blobs, id, noise(100))
      await blobs.clear()
      t.same(await blobs.listBlock(0), [])
      t.equal(await codeOf(open(blobs, 1)), 'ENOENT')
      await putBlob(blobs, 3, Buffer.from('new'))
      t.same(await blobs.listBlock(0), [3])
      await blobs.clear()
      await blobs.close()
    })
  })

t.test('disk: a blob of a high id → two folders deep, under its block', async t => {
  const root = join(t.testdir(), 'blobs')
  const blobs = new DiskBlobs(root)
  const id = blobsPerBlock * (blobsPerBlock + 2) + 9
  await putBlob(blobs, id, Buffer.from('abc'))
  t.equal(statSync(join(root, '1', String(blobsPerBlock + 2), String(id))).size, 3)
  await blobs.close()
})

t.test('disk: an id that exists → an error, and the first stays', async t => {
  const blobs = new DiskBlobs(join(t.testdir(), 'blobs'))
  await putBlob(blobs, 1, Buffer.from('first'))
  t.equal(await codeOf(putBlob(blobs, 1, Buffer.from('second'))), 'EEXIST')
  t.equal((await readWhole(wholeBlob(1, 5), blobs)).toString(), 'first')
  await blobs.close()
})

t.test('disk: a folder that cannot be made → the write fails with its code', async t => {
  const root = join(t.testdir({ blobs: 'a file in the way' }), 'blobs')
  const blobs = new DiskBlobs(root)
  t.equal(await codeOf(putBlob(blobs, 1, Buffer.from('x'))), 'ENOTDIR')
})

t.test('disk: folders left by a process that died while clearing → removed', async t => {
  const root = join(t.testdir(), 'blobs')
  mkdirSync(join(root, 'cleared-1-1-0', '0'), { recursive: true })
  writeFileSync(join(root, 'cleared-1-1-0', '0', '5'), 'old')
  const blobs = new DiskBlobs(root)
  await blobs.close()
  t.same(readdirSync(root), [])
})

t.test('disk, durability power: many blobs at once → all there', async t => {
  const blobs = new DiskBlobs(join(t.testdir(), 'blobs'), 'power')
  await Promise.all(Array.from({ length: 50 }, (_, id) => putBlob(blobs, id, noise(500, id))))
  t.equal((await blobs.listBlock(0)).length, 50)
  t.same(await readWhole(wholeBlob(33, 500), blobs), noise(500, 33))
  await blobs.close()
})
