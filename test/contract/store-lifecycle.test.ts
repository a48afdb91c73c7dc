/** What a lifecycle really does to a store, when its clock is moved. */
import t, { type Test } from 'tap'
import { type Versioning, Versioning as versioningOf } from '../../gateway/store/contract.ts'
import { deleteObject } from '../../gateway/store/deleting.ts'
import { actOnStacks, lookAtStacks } from '../../gateway/store/lifecycle-acting.ts'
import { prefixesOf } from '../../gateway/store/lifecycle-buckets.ts'
import { type LifecycleActionKind, LifecycleRunner } from '../../gateway/store/lifecycle-runner.ts'
import { changeProperties } from '../../gateway/store/properties.ts'
import { ensureQueue, peekMessages } from '../../gateway/store/queues.ts'
import { changeSettings, setVersioning } from '../../gateway/store/settings.ts'
import { createUpload, findUpload, putPart } from '../../gateway/store/uploads.ts'
import { type ListedVersion, listVersions } from '../../gateway/store/version-listing.ts'
import { one, run, sql } from '../../platform/database/unit.ts'
import { Fault } from '../../protocol/fault.ts'
import type { Properties } from '../../protocol/properties.ts'
import { msPerDay } from '../../protocol/s3/due-date.ts'
import type { LifecycleRule } from '../../protocol/s3/lifecycle-rule.ts'
import { onBothEngines } from './engines.ts'
import { plain, World } from './store-world.ts'

const rule = (more: Partial<LifecycleRule> & { readonly prefix?: string } = {}): LifecycleRule => {
  const { prefix, ...rest } = more
  return {
    id: 'rule',
    enabled: true,
    filter: { form: 'single', tags: [], prefix: prefix ?? '' },
    transitions: [],
    noncurrentTransitions: [],
    ...rest,
  }
}

interface Told {
  readonly eventName: string
  readonly s3: {
    readonly bucket: { readonly name: string }
    readonly object: { readonly key: string; readonly versionId?: string }
  }
}

class Lifecycles {
  readonly world: World
  readonly kinds: LifecycleActionKind[] = []
  readonly runner: LifecycleRunner

  constructor(world: World) {
    this.world = world
    const { database, clock } = world
    this.runner = new LifecycleRunner({ database, clock, dayMs: msPerDay, onAction: kind => this.kinds.push(kind) })
  }
  async bucket(name: string, rules: readonly LifecycleRule[], versioning: keyof typeof Versioning = 'never') {
    const { world } = this
    await world.createBucket(name)
    await this.set(name, rules)
    if (versioning !== 'never') await this.version(name, versioning)
  }
  async set(name: string, rules: readonly LifecycleRule[]) {
    const lifecycle = { rules, transitionMinimum: 'varies_by_storage_class' } as const
    await this.world.database.write(() => changeSettings(this.world.bucket(name), () => ({ lifecycle })))
  }
  async version(name: string, versioning: keyof typeof Versioning) {
    const value = versioningOf[versioning]
    await this.world.database.write(() => setVersioning(this.world.bucket(name), value, () => undefined))
  }
  async change(key: string, bucket: string, properties: Properties, version?: number) {
    const ref = { ...this.world.object(key, bucket), version }
    await this.world.database.write(() => changeProperties(ref, () => properties))
  }
  async delete(key: string, bucket: string) {
    const ref = this.world.object(key, bucket)
    await this.world.database.write(() => deleteObject({ ref, conditions: {}, nowMs: this.world.clock.now() }))
  }
  /** Moves the clock and runs to the end: what was done, in order of its names. */
  async after(days: number): Promise<string> {
    this.world.clock.advance(days * msPerDay)
    this.kinds.length = 0
    const count = await this.runner.runToEnd()
    if (count !== this.kinds.length) throw new Error(`${count} actions told, ${this.kinds.length} counted`)
    return this.kinds.sort().join()
  }
  async versions(bucket: string): Promise<readonly ListedVersion[]> {
    const query = { prefix: '', delimiter: '', after: '', afterVersion: undefined, limit: 100_000 }
    const page = await this.world.database.read(() => listVersions(this.world.bucket(bucket), query))
    if (page instanceof Fault) throw new Error(page.code)
    return page.entries
  }
  /** Keys with a mark for markers and for older versions: `a`, `a old`, `a marker`. */
  async listed(bucket: string): Promise<readonly string[]> {
    const entries = await this.versions(bucket)
    return entries.map(({ key, marker, latest }) => `${key}${marker ? ' marker' : ''}${latest ? '' : ' old'}`)
  }
}

t.test('LifecycleRunner', t =>
  onBothEngines(t, async (t, engine) => {
    const world = await World.open(t, engine)
    const cycles = new Lifecycles(world)
    const checked = (t: Test) => world.checkReferences(t, 'references')

    await t.test('expiration of a bucket without versions: when due → for ever, and nothing else', async t => {
      await cycles.bucket('plain', [rule({ prefix: 'logs/', expiration: { days: 3 } })])
      await world.put('logs/a', 'x', {}, 'plain')
      await world.put('logs/b', 'a body that is not inline', {}, 'plain')
      await world.put('keep', 'x', {}, 'plain')
      t.equal(await cycles.after(3), '', 'before the midnight that follows')
      t.equal(await cycles.after(1), 'expire-current,expire-current')
      t.same(await cycles.listed('plain'), ['keep'])
      t.equal(await cycles.after(100), '')
      await checked(t)
    })

    await t.test('events: expiration, marker, transition → told in the unit that does them', async t => {
      const { database, environmentId } = world
      const queue = await database.write(() =>
        ensureQueue({ environmentId, region: 'us-east-1', name: 'lifecycle-events' }, world.clock.now()),
      )
      const events = ['s3:LifecycleExpiration:*', 's3:LifecycleTransition'] as const
      const arn = 'arn:aws:sqs:us-east-1:000000000000:lifecycle-events'
      const notification = { rules: [{ kind: 'queue', id: 'all', arn, events }], eventBridge: false } as const
      const tell = (bucket: string) =>
        database.write(() => changeSettings(world.bucket(bucket), is => ({ ...is, notification })))
      const told = async () =>
        (await database.read(() => peekMessages(queue, 1000))).flatMap(({ body }) =>
          (JSON.parse(body) as { Records: Told[] }).Records.map(
            ({ eventName, s3 }) =>
              `${eventName} ${s3.bucket.name}/${s3.object.key}${s3.object.versionId ? ' version' : ''}`,
          ),
        )
      await cycles.bucket('told', [
        rule({ id: 'gone', prefix: 'gone', expiration: { days: 1 } }),
        rule({ id: 'cold', prefix: 'cold', transitions: [{ days: 1, storageClass: 'GLACIER' }] }),
      ])
      await tell('told')
      for (const key of ['cold', 'gone', 'stays']) await world.put(key, 'x', {}, 'told')
      await cycles.bucket('told-marks', [rule({ expiration: { days: 1 } })], 'enabled')
      await tell('told-marks')
      await world.put('k', 'x', {}, 'told-marks')
      t.same(await told(), [], 'before they are due')
      t.equal(await cycles.after(2), 'expire-current,expire-current,transition')
      t.same((await told()).sort(), [
        'LifecycleExpiration:Delete told/gone',
        'LifecycleExpiration:DeleteMarkerCreated told-marks/k version',
        'LifecycleTransition told/cold',
      ])
      await checked(t)
    })

    await t.test('expiration: tags and disabled rules → count', async t => {
      const tagged = { form: 'single', tags: [{ key: 'a', value: '1' }] } as const
      await cycles.bucket('tagged', [
        rule({ id: 'one', filter: tagged, expiration: { days: 1 } }),
        rule({ id: 'two', enabled: false, expiration: { days: 1 } }),
      ])
      for (const key of ['with', 'other', 'without']) await world.put(key, 'x', {}, 'tagged')
      await cycles.change('with', 'tagged', { tags: [{ key: 'a', value: '1' }] })
      await cycles.change('other', 'tagged', { tags: [{ key: 'a', value: '2' }] })
      t.equal(await cycles.after(2), 'expire-current')
      t.same(await cycles.listed('tagged'), ['other', 'without'])
    })

    await t.test('expiration of a bucket with versions → marker; noncurrent ones and the marker follow', async t => {
      await cycles.bucket('kept', [rule({ expiration: { days: 1 }, noncurrentExpiration: { days: 2 } })], 'enabled')
      await world.put('a', 'one', {}, 'kept')
      await world.put('a', 'a body that is not inline', {}, 'kept')
      t.equal(await cycles.after(2), 'expire-current')
      t.same(await cycles.listed('kept'), ['a marker', 'a old', 'a old'])
      t.equal(await world.content('a', 'kept'), undefined)
      // The oldest was replaced two days ago, so it goes first.
      t.equal(await cycles.after(1), 'delete-version')
      t.equal(await cycles.after(2), 'delete-version,remove-marker')
      t.same(await cycles.listed('kept'), [])
      await checked(t)
    })

    await t.test('expiration where versioning is suspended: a null object → gone under a null marker', async t => {
      await cycles.bucket('suspended', [rule({ expiration: { days: 1 } })], 'enabled')
      await world.put('kept', 'x', {}, 'suspended')
      await cycles.version('suspended', 'suspended')
      await world.put('null', 'x', {}, 'suspended')
      t.equal(await cycles.after(2), 'expire-current,expire-current')
      t.same(await cycles.listed('suspended'), ['kept marker', 'kept old', 'null marker'])
      const [, , marker] = await cycles.versions('suspended')
      t.equal(marker!.versioned, false)
      t.equal(await cycles.after(2), 'remove-marker', 'the one that hides nothing')
      t.same(await cycles.listed('suspended'), ['kept marker', 'kept old'])
      await checked(t)
    })

    await t.test('noncurrent expiration: the newest few → kept, however old', async t => {
      await cycles.bucket('few', [rule({ noncurrentExpiration: { days: 1, newerVersions: 2 } })], 'enabled')
      for (let n = 0; n < 6; n++) await world.put('a', `body ${n}`, {}, 'few')
      t.equal(await cycles.after(2), 'delete-version,delete-version,delete-version')
      t.same(await cycles.listed('few'), ['a', 'a old', 'a old'])
      t.equal(await world.content('a', 'few'), 'body 5')
      await checked(t)
    })

    await t.test('a key with more versions than are read at once → counted across the pieces', async t => {
      await cycles.bucket('many', [rule({ noncurrentExpiration: { days: 1, newerVersions: 200 } })], 'enabled')
      for (let n = 0; n < 330; n++) await world.put('a', `${n}`, {}, 'many')
      await world.put('b', 'x', {}, 'many')
      const done = await cycles.after(2)
      t.equal(done.split(',').length, 129)
      t.equal((await cycles.listed('many')).length, 202)
      t.equal(await world.content('a', 'many'), '329')
      await cycles.delete('a', 'many')
      // The object is noncurrent under its marker now: one more is beyond the newest 200.
      t.equal(await cycles.after(2), 'delete-version')
      await checked(t)
    })

    await t.test('delete markers: what they hide goes by and by → they go with the last of it', async t => {
      await cycles.bucket(
        'marked',
        [rule({ noncurrentExpiration: { days: 1 }, expiration: { expiredObjectDeleteMarker: true } })],
        'enabled',
      )
      for (const key of ['a', 'b']) {
        await world.put(key, 'x', {}, 'marked')
        await cycles.delete(key, 'marked')
      }
      await world.put('b', 'again', {}, 'marked')
      t.equal(await cycles.after(2), 'delete-version,delete-version,delete-version,remove-marker')
      t.same(await cycles.listed('marked'), ['b'])
    })

    await t.test('transitions: objects and versions → in place, restored copies left behind', async t => {
      const moves = { days: 1, storageClass: 'GLACIER' } as const
      await cycles.bucket('moved', [rule({ transitions: [moves], noncurrentTransitions: [moves] })], 'enabled')
      await world.put('a', 'old', {}, 'moved')
      await world.put('a', 'new', {}, 'moved')
      await cycles.change('a', 'moved', {
        tags: [{ key: 'k', value: 'v' }],
        restore: { requestedAtMs: 1, readyAtMs: 2, expiresAtMs: Number.MAX_SAFE_INTEGER, tier: 'Bulk' },
      })
      const before = await world.find('a', 'moved')
      t.equal(await cycles.after(2), 'transition,transition')
      t.same(
        (await cycles.versions('moved')).map(version => version.storageClass),
        ['GLACIER', 'GLACIER'],
      )
      const after = await world.find('a', 'moved')
      t.same(after.properties, { tags: [{ key: 'k', value: 'v' }] })
      t.match(after, { seq: before.seq, etag: before.etag, modifiedAtMs: before.modifiedAtMs, sizeBytes: 3 })
      t.equal(await cycles.after(10), '')
    })

    await t.test('locked versions → stay until the lock is over; a marker over them is put', async t => {
      await cycles.bucket('locked', [rule({ expiration: { days: 1 }, noncurrentExpiration: { days: 1 } })], 'enabled')
      for (const key of ['held', 'retained', 'free']) await world.put(key, 'x', {}, 'locked')
      const untilMs = world.clock.now() + 10 * msPerDay
      await cycles.change('held', 'locked', { legalHold: 'ON' })
      await cycles.change('retained', 'locked', { retention: { mode: 'GOVERNANCE', untilMs } })
      t.equal(await cycles.after(2), 'expire-current,expire-current,expire-current')
      t.equal(await cycles.after(2), 'delete-version,remove-marker')
      t.same(await cycles.listed('locked'), ['held marker', 'held old', 'retained marker', 'retained old'])
      t.equal(await cycles.after(10), 'delete-version,remove-marker')
      t.same(await cycles.listed('locked'), ['held marker', 'held old'])
    })

    await t.test('incomplete uploads → aborted when due, with all their parts', async t => {
      await cycles.bucket('uploads', [rule({ prefix: 'a', abortUploadDays: 2 })])
      const { database, blobIds, clock } = world
      const begin = async (key: string, parts: number) => {
        const ref = world.object(key, 'uploads')
        const row = await blobIds.next()
        const more = { description: plain, checksumAlgorithm: undefined, checksumType: undefined }
        await database.write(() => createUpload({ ref, uploadId: key, row, ...more, nowMs: clock.now() }))
        for (let number = 1; number <= parts; number++) {
          const bytes = await world.stage(Buffer.from(`part ${number}`))
          const inlineBlobId = await blobIds.next()
          const part = { ref, uploadId: key, number, bytes, inlineBlobId, etag: '', checksums: {}, nowMs: clock.now() }
          await database.write(() => putPart(part))
        }
        return ref
      }
      const long = await begin('a', 501)
      const kept = await begin('b', 1)
      clock.advance(msPerDay)
      const late = await begin('ab', 2)
      t.equal(await cycles.after(2), 'abort-upload')
      t.match(await database.read(() => findUpload(long, 'a')), { code: 'upload-missing' })
      t.notOk((await database.read(() => findUpload(late, 'ab'))) instanceof Fault)
      t.equal(await cycles.after(1), 'abort-upload')
      t.notOk((await database.read(() => findUpload(kept, 'b'))) instanceof Fault)
      t.same(await database.read(() => one(sql(`SELECT COUNT(*) AS n FROM parts`), [])), { n: 1 })
      await checked(t)
      await world.sweepAll()
      await world.checkSwept(t, 'swept')
    })

    await t.test('actOnStacks: what was due has changed since it was looked at → left alone', async t => {
      await cycles.bucket('raced', [rule({ expiration: { days: 1 } })])
      await world.put('replaced', 'x', {}, 'raced')
      await world.put('due', 'x', {}, 'raced')
      world.clock.advance(2 * msPerDay)
      const { id } = (await world.database.read(() =>
        one<{ id: number }>(sql(`SELECT id FROM buckets WHERE name = 'raced'`), []),
      ))!
      const turn = { bucketId: id, prefix: '', position: { from: '' }, nowMs: world.clock.now(), dayMs: msPerDay }
      t.equal((await world.database.read(() => lookAtStacks(turn))).due, 2)
      await world.put('replaced', 'anew', {}, 'raced')
      t.same(await world.database.write(() => actOnStacks(turn)), ['expire-current'])
      t.same(await world.database.write(() => actOnStacks(turn)), [], 'done once')
      t.equal(await world.content('replaced', 'raced'), 'anew')
      world.clock.advance(2 * msPerDay)
      const later = { ...turn, nowMs: world.clock.now() }
      t.equal((await world.database.read(() => lookAtStacks(later))).due, 1)
      await cycles.set('raced', [])
      t.same(await world.database.write(() => actOnStacks(later)), [], 'the rule is gone')
      await world.database.write(() => run(sql(`DELETE FROM buckets WHERE id = $1`), [id]))
      t.same(await world.database.write(() => actOnStacks(later)), [], 'the bucket is gone')
    })

    await t.test('a bucket that cannot be read → told, and those after it are gone through', async t => {
      await cycles.bucket('broken', [])
      await cycles.bucket('behind', [rule({ expiration: { days: 1 } })])
      await world.put('a', 'x', {}, 'behind')
      const save = sql(`UPDATE buckets SET settings = $1 WHERE name = 'broken'`)
      await world.database.write(() => run(save, ['{"lifecycle": 1}, "lifecycle":']))
      await t.rejects(cycles.after(2), /lifecycle of bucket/)
      t.same(await cycles.listed('behind'), [])
      await world.database.write(() => run(save, [null]))
    })

    await t.test('two runners at once → each action once', async t => {
      await cycles.bucket('shared', [rule({ expiration: { days: 1 }, noncurrentExpiration: { days: 1 } })], 'enabled')
      for (let n = 0; n < 300; n++) await world.put(`key ${n % 150}`, `${n}`, {}, 'shared')
      world.clock.advance(2 * msPerDay)
      const other = new Lifecycles(world)
      cycles.kinds.length = 0
      await Promise.all([cycles.runner.runToEnd(), other.runner.runToEnd()])
      const done = [...cycles.kinds, ...other.kinds]
      t.equal(done.filter(kind => kind === 'expire-current').length, 150)
      t.equal(done.filter(kind => kind === 'delete-version').length, 150)
      t.equal((await cycles.listed('shared')).length, 300)
      await checked(t)
    })
  }),
)

t.test('prefixesOf: rules within others, disabled ones → each key once', async t => {
  const of = (...prefixes: string[]) =>
    prefixesOf({
      rules: prefixes.map(prefix => rule({ prefix: prefix.replace('!', ''), enabled: !prefix.startsWith('!') })),
      transitionMinimum: 'all_storage_classes_128K',
    })
  t.same(of('b', 'a/b', 'a', 'ab', '!c'), ['a', 'b'])
  t.same(of('a', ''), [''])
  t.same(of('\u{1F600}', '\u{FFFF}', 'z'), ['z', '\u{FFFF}', '\u{1F600}'])
  t.same(of('!a'), [])
})
