import fc from 'fast-check'
import t from 'tap'
import type { Deleted } from '../../gateway/store/deleting.ts'
import { copyObject, deleteObject, findObject } from '../../gateway/store/objects.ts'
import { resetEnvironment } from '../../gateway/store/reset.ts'
import { setVersioning } from '../../gateway/store/settings.ts'
import { type ListedVersion, listVersions } from '../../gateway/store/version-listing.ts'
import { Fault } from '../../protocol/fault.ts'
import { onBothEngines } from './engines.ts'
import { plain, World } from './store-world.ts'

const codeOf = (value: unknown): string => (value instanceof Fault ? value.code : 'no fault')
type Id = number | 'null'

/** What S3's user guide says of versions, as a list per key, newest first. */
interface Version {
  readonly id: Id
  readonly content: string | undefined
}
type Versioning = 0 | 1 | 2
class Model {
  versioning: Versioning = 0
  readonly keys = new Map<string, Version[]>()

  versions(key: string): Version[] {
    const versions = this.keys.get(key) ?? []
    this.keys.set(key, versions)
    return versions
  }
  add(key: string, id: Id, content: string | undefined): void {
    const versions = this.versions(key)
    const kept = this.versioning === 1 ? versions : versions.filter(version => version.id !== 'null')
    this.keys.set(key, [{ id, content }, ...kept])
  }
  delete(key: string, id: Id | undefined): void {
    if (id === undefined && this.versioning === 0) this.keys.set(key, [])
    else
      this.keys.set(
        key,
        this.versions(key).filter(version => version.id !== id),
      )
  }
  /** Undefined: nothing to read. */
  read(key: string): string | undefined {
    return this.versions(key)[0]?.content
  }
}

type Step =
  | { readonly kind: 'put' | 'delete'; readonly key: string; readonly large: boolean }
  | { readonly kind: 'copy'; readonly key: string; readonly from: string; readonly at: number }
  | { readonly kind: 'deleteVersion'; readonly key: string; readonly at: number }
  | { readonly kind: 'versioning'; readonly to: 1 | 2 }
  | { readonly kind: 'sweep' }
const key = fc.constantFrom('a', 'b', 'dir/c')
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('put' as const), key, large: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), key, large: fc.constant(false) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('deleteVersion' as const), key, at: fc.nat(4) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('copy' as const), key, from: key, at: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('versioning' as const), to: fc.constantFrom(1 as const, 2) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('sweep' as const) }) },
)

const idOf = (name: { seq: number; versioned: number | boolean } | undefined): Id =>
  name === undefined || !name.versioned ? 'null' : name.seq

await onBothEngines(t, async (t, engine) => {
  await t.test('versions: any steps → what a simple model has, references counted', async t => {
    const world = await World.open(t, engine)
    const { database } = world
    let contents = 0
    const list = async (limit: number): Promise<ListedVersion[]> => {
      const entries: ListedVersion[] = []
      let after = ''
      let afterVersion: Id | undefined
      for (;;) {
        const query = { prefix: '', delimiter: '', after, afterVersion, limit }
        const page = await database.read(() => listVersions(world.bucket(), query))
        if (page instanceof Fault) throw new Error(page.code)
        entries.push(...page.entries)
        if (!page.truncated) return entries
        after = page.last
        afterVersion = idOf(page.lastVersion)
      }
    }
    const play = async (model: Model, step: Step): Promise<void> => {
      world.clock.advance(1)
      const nowMs = world.clock.now()
      switch (step.kind) {
        case 'put': {
          const content = `${++contents}`.padEnd(step.large ? 40 : 3, '.')
          const put = await world.put(step.key, content)
          if (put instanceof Fault) throw new Error(put.code)
          model.add(step.key, idOf(put.version), content)
          return
        }
        case 'copy': {
          const source = model.versions(step.from)[step.at]
          const copied = await database.write(() =>
            copyObject({
              source: { ...world.object(step.from), version: source?.id },
              sourceConditions: {},
              target: world.object(step.key),
              targetConditions: {},
              describe: () => plain,
              nowMs,
            }),
          )
          const wanted = source === undefined ? model.read(step.from) : source.content
          if (copied instanceof Fault !== (wanted === undefined)) throw new Error(`copy: ${codeOf(copied)}`)
          if (!(copied instanceof Fault)) model.add(step.key, idOf(copied.version), wanted)
          return
        }
        case 'delete': {
          const ref = world.object(step.key)
          const deleted = (await database.write(() => deleteObject({ ref, conditions: {}, nowMs }))) as Deleted
          if (model.versioning === 0) model.delete(step.key, undefined)
          else model.add(step.key, idOf(deleted.version), undefined)
          return
        }
        case 'deleteVersion': {
          const version = model.versions(step.key)[step.at]
          if (version === undefined) return
          const ref = { ...world.object(step.key), version: version.id }
          const deleted = (await database.write(() => deleteObject({ ref, conditions: {}, nowMs }))) as Deleted
          if (!deleted.existed || deleted.marker !== (version.content === undefined)) throw new Error('delete version')
          model.delete(step.key, version.id)
          return
        }
        case 'versioning':
          await database.write(() => setVersioning(world.bucket(), step.to, () => undefined))
          model.versioning = step.to
          return
        case 'sweep':
          await world.sweepAll()
      }
    }
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.integer({ min: 1, max: 4 }), async (steps, limit) => {
        await database.write(() => resetEnvironment(undefined))
        await world.createBucket()
        const model = new Model()
        for (const step of steps) await play(model, step)
        const wanted = ['a', 'b', 'dir/c'].flatMap(key =>
          model.versions(key).map((version, at) => ({
            key,
            id: version.id,
            marker: version.content === undefined,
            latest: at === 0,
          })),
        )
        const listed = await list(limit)
        t.same(
          listed.map(entry => ({ key: entry.key, id: idOf(entry), marker: entry.marker, latest: entry.latest })),
          wanted,
        )
        for (const key of model.keys.keys()) {
          if ((await world.content(key)) !== model.read(key)) return false
          for (const { id, content } of model.versions(key)) {
            const found = await database.read(() => findObject({ ...world.object(key), version: id }))
            if (found instanceof Fault !== (content === undefined)) return false
            if (!(found instanceof Fault) && (await world.read(found)) !== content) return false
          }
        }
        await world.checkReferences(t, 'references')
        await world.sweepAll()
        await world.checkSwept(t, 'swept')
        return true
      }),
      { numRuns: engine.name === 'sqlite' ? 150 : 25, endOnFailure: false },
    )
  })

  await t.test('versions: reading what is not there', async t => {
    const world = await World.open(t, engine)
    const { database } = world
    await world.createBucket()
    const find = (version?: Id) => database.read(() => findObject({ ...world.object('k'), version }))
    t.equal(codeOf(await find(5)), 'version-missing', 'no key → version-missing')
    await world.put('k', 'null')
    t.equal(codeOf(await find('null')), 'no fault', 'never versioned: null → the object')
    await database.write(() => setVersioning(world.bucket(), 1, () => undefined))
    const put = await world.put('k', 'one')
    if (put instanceof Fault) throw new Error(put.code)
    t.equal(codeOf(await find(put.seq)), 'no fault')
    t.equal(codeOf(await find(put.seq + 1)), 'version-missing')
    const nowMs = world.clock.now()
    const removed = await database.write(() => deleteObject({ ref: world.object('k'), conditions: {}, nowMs }))
    t.match(removed, { existed: true, marker: true, version: { versioned: 1 } })
    const marker = (removed as Deleted).version!.seq
    t.match(await find(), { code: 'object-missing', detail: { markerSeq: marker, markerVersioned: 1 } })
    t.match(await find(marker), { code: 'method-not-allowed', detail: { markerSeq: marker } })
    t.match(
      await database.write(() =>
        deleteObject({ ref: { ...world.object('k'), version: marker }, conditions: {}, nowMs }),
      ),
      { existed: true, marker: true, version: { seq: marker } },
    )
    t.equal(await world.content('k'), 'one', 'the marker removed → the version before it is the object')
  })
})
