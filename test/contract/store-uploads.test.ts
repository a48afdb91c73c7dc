import t from 'tap'
import { deleteBucket } from '../../gateway/store/buckets.ts'
import type { Chosen } from '../../gateway/store/completing.ts'
import type { Conditions, PartRecord } from '../../gateway/store/contract.ts'
import { findPart, listObjectParts } from '../../gateway/store/object-parts.ts'
import { copyObject, deleteObject } from '../../gateway/store/objects.ts'
import {
  abortUpload,
  completeUpload,
  copyPart,
  createUpload,
  findUpload,
  listParts,
  putPart,
} from '../../gateway/store/uploads.ts'
import { Fault } from '../../protocol/fault.ts'
import { onBothEngines } from './engines.ts'
import { plain, startMs, World } from './store-world.ts'

const codeOf = (value: unknown): string => (value instanceof Fault ? value.code : 'no fault')
const long = (letter: string) => letter.repeat(50)

class Uploading {
  readonly world: World
  readonly uploadId: string
  readonly key: string
  constructor(world: World, uploadId: string, key = 'big') {
    this.world = world
    this.uploadId = uploadId
    this.key = key
  }
  get ref() {
    return this.world.object(this.key)
  }
  async create(): Promise<this> {
    const { ref, uploadId } = this
    const row = await this.world.blobIds.next()
    const more = { checksumAlgorithm: 'crc32', checksumType: 'COMPOSITE' } as const
    const description = { ...plain, metadata: { from: uploadId } }
    await this.world.database.write(() => createUpload({ ref, uploadId, row, description, ...more, nowMs: startMs }))
    return this
  }
  async put(number: number, content: string) {
    const { ref, uploadId } = this
    const bytes = await this.world.stage(Buffer.from(content))
    const inlineBlobId = await this.world.blobIds.next()
    const checksums = { crc32: `crc of ${number}` }
    const etag = `part ${number}`
    return this.world.database.write(() =>
      putPart({ ref, uploadId, number, bytes, inlineBlobId, etag, checksums, nowMs: startMs + number }),
    )
  }
  async copy(number: number, from: string, range?: { offset: number; length: number }, sourceSeq?: number) {
    const { ref, uploadId, world } = this
    const blobIds = { inline: await world.blobIds.next(), composed: await world.blobIds.next() }
    return world.database.write(() =>
      copyPart({
        source: world.object(from),
        sourceConditions: {},
        sourceSeq,
        range,
        target: ref,
        uploadId,
        number,
        blobIds,
        nowMs: startMs,
        etag: `copied ${number}`,
        checksums: {},
      }),
    )
  }
  async complete(numbers?: readonly number[], conditions: Conditions = {}, failure?: Fault<'part-invalid'>) {
    const { ref, uploadId } = this
    const composedBlobId = await this.world.blobIds.next()
    const choose = (_: unknown, parts: readonly PartRecord[]): Chosen | Fault<'part-invalid'> =>
      failure ?? {
        numbers: numbers ?? parts.map(part => part.number),
        etag: `made-${numbers?.length ?? parts.length}`,
        checksums: { crc32: 'whole' },
        checksumType: 'COMPOSITE',
      }
    return this.world.database.write(() =>
      completeUpload({ ref, uploadId, choose, conditions, composedBlobId, nowMs: this.world.clock.now() }),
    )
  }
  async abort() {
    return this.world.database.write(() => abortUpload(this.ref, this.uploadId))
  }
}

await onBothEngines(t, async (t, engine) => {
  await t.test('an upload from its creation to its object', async t => {
    const world = await World.open(t, engine)
    const { database } = world
    await world.createBucket()
    const up = await new Uploading(world, 'u1').create()
    t.match(await database.read(() => findUpload(up.ref, 'u1')), {
      key: 'big',
      uploadId: 'u1',
      initiatedAtMs: startMs,
      initiatorId: world.identityId,
      checksumAlgorithm: 'crc32',
      checksumType: 'COMPOSITE',
      metadata: { from: 'u1' },
    })
    t.equal(codeOf(await database.read(() => findUpload(up.ref, 'none'))), 'upload-missing')
    t.equal(codeOf(await database.read(() => findUpload(world.object('other'), 'u1'))), 'upload-missing', 'another key')
    t.equal(codeOf(await new Uploading(world, 'none').put(1, 'x')), 'upload-missing', 'UploadPart: no such upload')
    await up.put(3, long('c'))
    await up.put(1, 'replaced')
    await up.put(1, long('a'))
    await up.put(2, long('x'))
    await up.put(2, 'inline')
    await up.put(2, 'b')
    await up.put(7, long('d'))
    await up.put(9, '')
    await world.checkReferences(t, 'parts')
    const listed = await database.read(() => listParts(up.ref, 'u1', 1, 2))
    t.match(
      listed,
      { parts: [{ number: 2, sizeBytes: 1, etag: 'part 2' }, { number: 3 }], truncated: true },
      'ListParts',
    )
    t.match(await database.read(() => listParts(up.ref, 'u1', 7, 2)), { parts: [{ number: 9 }], truncated: false })

    t.equal(codeOf(await up.complete([1], {}, new Fault('part-invalid'))), 'part-invalid', 'Complete: the choice fails')
    t.equal(codeOf(await up.complete([1], { ifMatch: ['x'] })), 'object-missing', 'Complete: a condition fails')
    t.match(await database.read(() => listParts(up.ref, 'u1', 0, 9)), { parts: { length: 5 } }, '→ nothing happened')
    await world.put('big', 'before')
    const first = await up.complete([1, 2, 3, 9])
    t.match(first, { etag: 'made-4', sizeBytes: 101, checksums: { crc32: 'whole' }, checksumType: 'COMPOSITE' })
    const content = `${long('a')}b${long('c')}`
    t.equal(await world.content('big'), content, 'the chosen parts in order')
    t.equal(await world.content('big', 'bucket', 49, 3), 'abc', 'a range over three parts')
    t.equal(await world.content('big', 'bucket', 50, 1), 'b', 'a range that is a part')
    t.equal(await world.content('big', 'bucket', 60, 5), 'ccccc', 'a range within a part')
    const made = await world.find('big')
    t.match(made, { parts: 4, place: 'composed', metadata: { from: 'u1' }, ownerId: world.identityId, etag: 'made-4' })
    t.same(await database.read(() => findPart(made, 3)), {
      offset: 51,
      sizeBytes: 50,
      checksums: { crc32: 'crc of 3' },
    })
    t.equal(await database.read(() => findPart(made, 7)), undefined, 'a part that was not chosen')
    t.match(await database.read(() => listObjectParts(made, 1, 2)), {
      parts: [{ number: 2 }, { number: 3 }],
      truncated: true,
    })
    await world.checkReferences(t, 'completed')

    await world.put('big', 'overwritten')
    t.same(await up.complete([1, 2, 3, 9]), first, 'Complete: repeated → as the first time')
    t.equal(await world.content('big'), 'overwritten', '→ nothing happens')
    t.equal(codeOf(await up.put(1, 'late')), 'upload-missing', 'UploadPart: after completion')
    t.equal(codeOf(await up.abort()), 'upload-missing', 'Abort: after completion')
    await world.sweepAll()
    await world.checkReferences(t, 'swept')
    await world.checkSwept(t, 'swept')
    world.clock.advance(25 * 3600 * 1000)
    await world.sweepAll()
    t.equal(codeOf(await up.complete([1])), 'upload-missing', 'Complete: repeated after a day')
  })

  await t.test('Abort, and DeleteBucket with an upload in progress', async t => {
    const world = await World.open(t, engine)
    await world.createBucket()
    const aborted = await new Uploading(world, 'u1').create()
    const left = await new Uploading(world, 'u2').create()
    for (const up of [aborted, left]) {
      await up.put(1, long('a'))
      await up.put(2, 'b')
    }
    t.equal(codeOf(await aborted.abort()), 'no fault')
    t.equal(codeOf(await aborted.abort()), 'upload-missing', 'Abort: again')
    await world.checkReferences(t, 'aborted')
    t.equal(
      codeOf(await world.database.write(() => deleteBucket(world.bucket()))),
      'no fault',
      'it goes with its bucket',
    )
    await world.checkReferences(t, 'deleted')
    await world.sweepAll()
    await world.checkSwept(t, 'swept')
    await world.createBucket()
    t.equal(codeOf(await left.put(1, 'x')), 'upload-missing', 'a new bucket of that name has no uploads')
  })

  await t.test('UploadPartCopy: of any place and range → references, flattened when completed', async t => {
    const world = await World.open(t, engine)
    await world.createBucket()
    await world.put('stored', 'abcdefghijklmnopqrstuvwxyz')
    await world.put('inline', '0123456789')
    await world.put('empty', '')
    const one = await new Uploading(world, 'u1', 'one').create()
    await one.copy(1, 'stored')
    await one.copy(2, 'stored', { offset: 2, length: 3 })
    await one.copy(3, 'inline')
    await one.copy(4, 'inline', { offset: 4, length: 2 })
    await one.copy(5, 'empty')
    await one.copy(6, 'stored', { offset: 0, length: 1 })
    await one.copy(6, 'stored', { offset: 25, length: 1 })
    await world.checkReferences(t, 'parts')
    await one.complete()
    const content = 'abcdefghijklmnopqrstuvwxyzcde012345678945z'
    t.equal(await world.content('one'), content)
    await world.checkReferences(t, 'completed')

    const two = await new Uploading(world, 'u2', 'two').create()
    await two.copy(1, 'one')
    await two.copy(2, 'one', { offset: 25, length: 6 })
    await two.copy(3, 'one', { offset: 27, length: 1 })
    await two.copy(4, 'one', { offset: 5, length: 0 })
    await two.put(5, '.')
    await two.copy(5, 'one', { offset: 40, length: 2 })
    await world.checkReferences(t, 'parts of parts')
    for (const key of ['one', 'stored', 'inline']) {
      await world.database.write(() => deleteObject({ ref: world.object(key), conditions: {}, nowMs: startMs }))
    }
    await world.sweepAll()
    await two.complete()
    const again = `${content}${content.slice(25, 31)}${content[27]}${content.slice(40, 42)}`
    t.equal(await world.content('two'), again, 'reads back after its sources are gone')
    for (const [offset, length] of [
      [0, 1],
      [25, 8],
      [41, 5],
      [48, 3],
      [0, again.length],
    ] as const) {
      t.equal(
        await world.content('two', 'bucket', offset, length),
        again.slice(offset, offset + length),
        `${offset}+${length}`,
      )
    }
    await world.checkReferences(t, 'flattened')
    const copied = await world.database.write(() =>
      copyObject({
        source: world.object('two'),
        target: world.object('three'),
        sourceConditions: {},
        targetConditions: {},
        describe: from => from,
        nowMs: startMs,
      }),
    )
    t.match(copied, { sizeBytes: again.length })
    await world.database.write(() => deleteObject({ ref: world.object('two'), conditions: {}, nowMs: startMs }))
    await world.sweepAll()
    t.equal(await world.content('three'), again, 'a copy of a composed object outlives it')
    t.match(await world.find('three'), { parts: 5, etag: 'made-5' })
    const source = await world.find('three')
    const up = await new Uploading(world, 'u3').create()
    t.match(await up.copy(1, 'three', undefined, source.seq + 1), {
      code: 'condition-conflict',
      detail: { side: 'source' },
    })
    t.match(await up.copy(1, 'none'), { code: 'object-missing', detail: { side: 'source' } })
    t.match(await up.copy(1, 'three', undefined, source.seq), { sizeBytes: again.length, sourceSeq: source.seq })
    await up.abort()
    await world.database.write(() => deleteObject({ ref: world.object('three'), conditions: {}, nowMs: startMs }))
    await world.database.write(() => deleteObject({ ref: world.object('empty'), conditions: {}, nowMs: startMs }))
    await world.sweepAll()
    await world.checkReferences(t, 'at the end')
    await world.checkSwept(t, 'nothing is left')
  })

  await t.test('an upload of empty parts makes an empty object', async t => {
    const world = await World.open(t, engine)
    await world.createBucket()
    const up = await new Uploading(world, 'u').create()
    await up.put(1, '')
    await up.complete()
    const made = await world.find('big')
    t.match(made, { place: 'empty', sizeBytes: 0, parts: 1 })
    t.equal(await world.content('big'), '')
    t.match(await world.database.read(() => findPart(made, 1)), {
      offset: 0,
      sizeBytes: 0,
      checksums: { crc32: 'crc of 1' },
    })
    await world.checkReferences(t, 'references')
  })

  await t.test('Complete: 20 at once → one object, all answered alike', async t => {
    const world = await World.open(t, engine)
    await world.createBucket()
    const up = await new Uploading(world, 'u').create()
    for (let number = 1; number <= 5; number++) await up.put(number, long(String(number)))
    const answers = await Promise.all(Array.from({ length: 20 }, () => up.complete([1, 3, 5])))
    t.equal(new Set(answers.map(answer => JSON.stringify(answer))).size, 1)
    t.equal(await world.content('big'), long('1') + long('3') + long('5'))
    await world.checkReferences(t, 'references')
    await world.sweepAll()
    await world.checkSwept(t, 'parts not chosen are gone')
  })
})
