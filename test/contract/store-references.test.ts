/**
 * Whatever clients do: every read answers what was written, every reference is counted, and sweeping leaves exactly what
 * is referenced. The model is a map from key to content.
 */
import fc from 'fast-check'
import t from 'tap'
import { createBucket } from '../../gateway/store/buckets.ts'
import { copyObject, deleteObject, deleteObjects } from '../../gateway/store/objects.ts'
import { resetEnvironment } from '../../gateway/store/reset.ts'
import { abortUpload, completeUpload, copyPart, createUpload, putPart } from '../../gateway/store/uploads.ts'
import { Fault } from '../../protocol/fault.ts'
import { onBothEngines } from './engines.ts'
import { plain, startMs, World } from './store-world.ts'

const keys = ['a', 'b', 'c']
const uploadIds = ['u', 'v']
interface Model {
  readonly objects: Map<string, string>
  readonly uploads: Map<string, { key: string; parts: Map<number, string>; finished: boolean }>
  made: number
}

const key = fc.constantFrom(...keys)
const upload = fc.constantFrom(...uploadIds)
const number = fc.integer({ min: 1, max: 4 })
/** Up to 16 bytes are inline. */
const content = fc
  .tuple(fc.integer({ min: 0, max: 0xfffff }), fc.constantFrom(0, 1, 9, 30))
  .map(([text, length]) => text.toString(16).padStart(6, '_').repeat(5).slice(0, length))
const share = fc.integer({ min: 0, max: 4 }).map(n => n / 4)
const step = fc.oneof(
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('put' as const), key, content }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('copy' as const), key, from: key }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), key }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('deleteMany' as const), keys: fc.array(key, { maxLength: 4 }) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('create' as const), upload, key }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('part' as const), upload, number, content }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('partCopy' as const),
      upload,
      number,
      from: key,
      begin: share,
      end: share,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('complete' as const), upload, but: fc.array(number, { maxLength: 2 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('abort' as const), upload }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('sweep' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reset' as const) }) },
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

async function apply(world: World, model: Model, step: Step): Promise<void> {
  const { database } = world
  switch (step.kind) {
    case 'put':
      await world.put(step.key, step.content)
      model.objects.set(step.key, step.content)
      return
    case 'copy': {
      const copied = await database.write(() =>
        copyObject({
          source: world.object(step.from),
          target: world.object(step.key),
          sourceConditions: {},
          targetConditions: {},
          describe: from => from,
          nowMs: startMs,
        }),
      )
      const source = model.objects.get(step.from)
      if (copied instanceof Fault !== (source === undefined)) throw new Error('copy')
      if (source !== undefined) model.objects.set(step.key, source)
      return
    }
    case 'delete':
      await database.write(() => deleteObject({ ref: world.object(step.key), conditions: {}, nowMs: startMs }))
      model.objects.delete(step.key)
      return
    case 'deleteMany': {
      const items = step.keys.map(key => ({ key, conditions: {} }))
      await database.write(() => deleteObjects({ ref: world.bucket(), items, nowMs: startMs }))
      for (const key of step.keys) model.objects.delete(key)
      return
    }
    case 'sweep':
      return world.sweepAll()
    case 'reset':
      await database.write(() => resetEnvironment('default'))
      await world.createBucket()
      model.objects.clear()
      model.uploads.clear()
      return
    default:
      return applyUpload(world, model, step)
  }
}

async function applyUpload(world: World, model: Model, step: Step & { upload: string }): Promise<void> {
  const { database } = world
  const known = model.uploads.get(step.upload)
  if (step.kind === 'create') {
    if (known !== undefined) return
    const row = await world.blobIds.next()
    const uploadId = `${step.upload}${++model.made}`
    const more = { checksumAlgorithm: undefined, checksumType: undefined, nowMs: startMs }
    const ref = world.object(step.key)
    await database.write(() => createUpload({ ref, uploadId, row, description: plain, ...more }))
    model.uploads.set(step.upload, { key: step.key, parts: new Map(), finished: false })
    ids.set(known ?? model.uploads.get(step.upload)!, uploadId)
    return
  }
  if (known === undefined) return
  const ref = world.object(known.key)
  const uploadId = ids.get(known)!
  switch (step.kind) {
    case 'part': {
      const bytes = await world.stage(Buffer.from(step.content))
      const inlineBlobId = await world.blobIds.next()
      const rest = { bytes, inlineBlobId, etag: 'p', checksums: {}, nowMs: startMs }
      const answer = await database.write(() => putPart({ ref, uploadId, number: step.number, ...rest }))
      if (answer instanceof Fault) throw new Error(answer.code)
      known.parts.set(step.number, step.content)
      return
    }
    case 'partCopy': {
      const source = model.objects.get(step.from)
      if (source === undefined) return
      const [begin, end] = [Math.min(step.begin, step.end), Math.max(step.begin, step.end)]
      const offset = Math.floor(begin * source.length)
      const length = Math.floor(end * source.length) - offset
      const blobIds = { inline: await world.blobIds.next(), composed: await world.blobIds.next() }
      const answer = await database.write(() =>
        copyPart({
          source: world.object(step.from),
          sourceConditions: {},
          range: { offset, length },
          target: ref,
          uploadId,
          number: step.number,
          blobIds,
          nowMs: startMs,
          etag: 'p',
          checksums: {},
        }),
      )
      if (answer instanceof Fault) throw new Error(answer.code)
      known.parts.set(step.number, source.slice(offset, offset + length))
      return
    }
    case 'complete': {
      const numbers = [...known.parts.keys()].sort().filter(number => !step.but.includes(number))
      if (numbers.length === 0) return
      const composedBlobId = await world.blobIds.next()
      const choose = () => ({ numbers, etag: 'm', checksums: {}, checksumType: undefined })
      const answer = await database.write(() =>
        completeUpload({ ref, uploadId, choose, conditions: {}, composedBlobId, nowMs: startMs }),
      )
      if (answer instanceof Fault) throw new Error(answer.code)
      model.objects.set(known.key, numbers.map(number => known.parts.get(number)).join(''))
      model.uploads.delete(step.upload)
      return
    }
    case 'abort':
      await database.write(() => abortUpload(ref, uploadId))
      model.uploads.delete(step.upload)
  }
}
/** The store's upload id of each upload of a model. */
const ids = new WeakMap<object, string>()

async function checkContents(world: World, model: Model): Promise<void> {
  for (const key of keys) {
    const read = await world.content(key)
    if (read !== model.objects.get(key)) throw new Error(`${key} reads ${read}, not ${model.objects.get(key)}`)
    if (read === undefined || read.length < 3) continue
    const middle = await world.content(key, 'bucket', 1, read.length - 2)
    if (middle !== read.slice(1, -1)) throw new Error(`the middle of ${key} reads ${middle}`)
  }
}

await onBothEngines(t, async (t, engine) => {
  const world = await World.open(t, engine)
  const { environmentId, identityId } = world
  const bucket = { environmentId, identityId, name: 'bucket', region: 'us-east-1', nowMs: startMs, limit: 9 }
  await t.test('any sequence → contents as written, references exact, nothing left over', async t => {
    const numRuns = engine.name === 'sqlite' ? 400 : 20
    let steps = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60, size: 'max' }), async sequence => {
        await world.database.write(() => resetEnvironment(undefined))
        await world.database.write(() => createBucket(bucket))
        const model: Model = { objects: new Map(), uploads: new Map(), made: 0 }
        for (const step of sequence) {
          steps++
          await apply(world, model, step)
          await world.checkReferences(t, step.kind)
          await checkContents(world, model)
        }
        await world.sweepAll()
        await checkContents(world, model)
        await world.checkReferences(t, 'swept')
        await world.checkSwept(t, 'swept')
        if (!t.passing()) throw new Error('see above')
      }),
      { numRuns, endOnFailure: false },
    )
    t.ok(steps > numRuns * 10, `${steps} steps`)
  })
  await t.test('everybody at once → references exact, every object whole', async t => {
    await world.database.write(() => resetEnvironment(undefined))
    await world.database.write(() => createBucket(bucket))
    const contents = ['i', 'j', 's'.repeat(40), 't'.repeat(50)]
    const copy = (from: string, key: string) =>
      world.database.write(() =>
        copyObject({
          source: world.object(from),
          target: world.object(key),
          sourceConditions: {},
          targetConditions: {},
          describe: from => from,
          nowMs: startMs,
        }),
      )
    const sweeper = world.sweeper()
    for (let round = 0; round < 5; round++) {
      const work = Array.from({ length: 60 }, async (_, i) => {
        const key = keys[i % 3]!
        if (i % 4 === 3) await copy(keys[(i >> 2) % 3]!, key)
        else if (i % 7 === 6)
          await world.database.write(() => deleteObject({ ref: world.object(key), conditions: {}, nowMs: startMs }))
        else await world.put(key, contents[i % 4]!)
      })
      await Promise.all([...work, world.sweepAll(sweeper)])
      await world.checkReferences(t, `round ${round}`)
      for (const key of keys) {
        const read = await world.content(key)
        t.ok(read === undefined || contents.includes(read), `${key} is whole`)
      }
    }
    await world.sweepAll()
    await world.checkSwept(t, 'swept')
  })
  await t.test('everything deleted → nothing is left', async t => {
    await world.database.write(() => resetEnvironment(undefined))
    await world.sweepAll()
    await world.checkSwept(t, 'empty')
    const files: number[] = []
    for (let block = 1; block < 200; block++) files.push(...(await world.blobs.listBlock(block)))
    t.same(files, [])
  })
})
