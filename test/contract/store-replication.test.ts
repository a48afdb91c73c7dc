import t from 'tap'
import { copyObject, deleteObject, findObject, putObject } from '../../gateway/store/objects.ts'
import { changeProperties } from '../../gateway/store/properties.ts'
import { ensureQueue, peekMessages } from '../../gateway/store/queues.ts'
import { listReplications } from '../../gateway/store/replications.ts'
import { Replicator } from '../../gateway/store/replicator.ts'
import { changeSettings, type SettingsChange, setVersioning } from '../../gateway/store/settings.ts'
import { listVersions } from '../../gateway/store/version-listing.ts'
import { Rollback } from '../../platform/database/unit.ts'
import { Fault } from '../../protocol/fault.ts'
import type { Properties } from '../../protocol/properties.ts'
import type { ReplicationConfiguration, ReplicationRule } from '../../protocol/s3/replication.ts'
import { onBothEngines } from './engines.ts'
import { plain, startMs, World } from './store-world.ts'

const role = 'arn:aws:iam::000000000000:role/replicator'
const rule = (bucket: string, more: Partial<ReplicationRule> = {}): ReplicationRule => ({
  id: `to ${bucket}`,
  status: 'Enabled',
  priority: 1,
  filter: {},
  deleteMarkers: { status: 'Enabled' },
  destination: { bucket: `arn:aws:s3:::${bucket}` },
  ...more,
})

await onBothEngines(t, async (t, engine) => {
  async function start(t: Parameters<typeof World.open>[0], ...rules: readonly ReplicationRule[]) {
    const world = await World.open(t, engine)
    const { database, clock } = world
    for (const name of ['bucket', 'replicas', 'third']) {
      await world.createBucket(name)
      await database.write(() => setVersioning(world.bucket(name), 1, () => undefined))
    }
    const set = (bucket: string, change: SettingsChange) =>
      database.write(() => changeSettings(world.bucket(bucket), () => change))
    const replication: ReplicationConfiguration = { role, rules: rules.length === 0 ? [rule('replicas')] : rules }
    await set('bucket', { replication })
    const replicator = new Replicator({ database, clock })
    const statusOf = async (key: string, bucket = 'bucket') => (await world.find(key, bucket)).properties?.replication
    const versions = async (bucket: string) => {
      const page = await database.read(() =>
        listVersions(world.bucket(bucket), {
          prefix: '',
          delimiter: '',
          after: '',
          afterVersion: undefined,
          limit: 1000,
        }),
      )
      if (page instanceof Fault) throw new Error(page.code)
      return page.entries.map(({ key, seq, marker, latest }) => ({ key, seq, marker, latest }))
    }
    const put = async (key: string, content: string, properties?: Properties, bucket = 'bucket'): Promise<number> => {
      const bytes = await world.stage(Buffer.from(content))
      const inlineBlobId = await world.blobIds.next()
      const made = await database.write(() =>
        putObject({
          ref: world.object(key, bucket),
          bytes,
          inlineBlobId,
          description: { ...plain, metadata: { m: 'v' }, properties },
          etag: `etag of ${content}`,
          checksums: { crc32: 'AAAAAA==' },
          checksumType: 'FULL_OBJECT',
          parts: 0,
          conditions: {},
          nowMs: clock.now(),
        }),
      )
      if (made instanceof Fault) throw new Error(made.code)
      return made.seq
    }
    const remove = async (key: string) => {
      const gone = await database.write(() =>
        deleteObject({ ref: world.object(key), conditions: {}, nowMs: clock.now() }),
      )
      if (gone instanceof Fault) throw new Error(gone.code)
      return gone.version!.seq
    }
    const pending = () => database.read(() => listReplications(undefined, 1000))
    return { world, database, replicator, set, put, remove, statusOf, versions, pending }
  }

  await t.test('put: rule matches → PENDING, then a replica with the same version, bytes and metadata', async t => {
    const { world, replicator, put, statusOf, pending } = await start(t)
    const tags = [{ key: 'a', value: 'b' }]
    const small = await put('small', 'inline', { tags })
    const large = await put('large', 'stored beside the catalogue')
    t.equal(await statusOf('small'), 'PENDING')
    t.equal((await pending()).length, 2)
    world.clock.advance(5_000)
    await replicator.replicateAll()
    t.same(await pending(), [])
    for (const [key, seq, content] of [
      ['small', small, 'inline'],
      ['large', large, 'stored beside the catalogue'],
    ] as const) {
      t.equal(await statusOf(key), 'COMPLETED')
      const [source, replica] = [await world.find(key), await world.find(key, 'replicas')]
      t.equal(replica.seq, seq)
      t.equal(replica.versioned, true)
      t.equal(replica.properties?.replication, 'REPLICA')
      t.equal(await world.content(key, 'replicas'), content)
      const { etag, modifiedAtMs, metadata, headers, checksums, storageClass, blobId } = source
      t.match(replica, { etag, modifiedAtMs, metadata, headers, checksums, storageClass, blobId })
    }
    t.same((await world.find('small', 'replicas')).properties?.tags, tags)
    await world.checkReferences(t, 'after replication')
    await replicator.replicateAll()
    t.equal(await statusOf('small', 'replicas'), 'REPLICA')
  })

  await t.test('put: no rule matches, rule is disabled, versions before the rule → nothing happens', async t => {
    const { replicator, set, put, statusOf, versions } = await start(
      t,
      rule('replicas', { filter: { and: { prefix: 'in/', tags: [{ key: 'a', value: 'b' }] } } }),
      rule('third', { status: 'Disabled' }),
    )
    await put('in/untagged', 'x')
    await put('out/tagged', 'x', { tags: [{ key: 'a', value: 'b' }] })
    await replicator.replicateAll()
    t.equal(await statusOf('in/untagged'), undefined)
    t.same(await versions('replicas'), [])
    t.same(await versions('third'), [])
    await set('bucket', { replication: { role, rules: [rule('replicas')] } })
    await replicator.replicateAll()
    t.same(await versions('replicas'), [])
  })

  await t.test(
    'put and its replica: two destinations → COMPLETED when both are written, FAILED when one cannot',
    async t => {
      const { world, replicator, database, put, statusOf, versions } = await start(t, rule('replicas'), rule('third'))
      await put('k', 'x')
      await replicator.replicateAll()
      t.equal(await statusOf('k'), 'COMPLETED')
      t.equal((await versions('third')).length, 1)
      await database.write(() => setVersioning(world.bucket('third'), 2, () => undefined))
      await put('l', 'x')
      await replicator.replicateAll()
      t.equal(await statusOf('l'), 'FAILED')
      t.equal((await versions('replicas')).length, 2)
      await world.checkReferences(t, 'after a failure')
    },
  )

  await t.test('put: destination is gone → FAILED, told of where the rule has metrics', async t => {
    const metrics = { status: 'Enabled' } as const
    const { world, database, replicator, set, put, statusOf } = await start(
      t,
      rule('nowhere', { id: 'lost', destination: { bucket: 'arn:aws:s3:::nowhere', metrics } }),
    )
    const { environmentId } = world
    const queue = await database.write(() => ensureQueue({ environmentId, region: 'us-east-1', name: 'q' }, startMs))
    const arn = 'arn:aws:sqs:us-east-1:000000000000:q'
    const rules = [{ kind: 'queue', id: 'r', arn, events: ['s3:Replication:*'] }] as const
    await set('bucket', { notification: { rules, eventBridge: false } })
    await put('k', 'x')
    await replicator.replicateAll()
    t.equal(await statusOf('k'), 'FAILED')
    const [message] = await database.read(() => peekMessages(queue, 10))
    t.match(JSON.parse(message!.body), {
      Records: [
        {
          eventName: 'Replication:OperationFailedReplication',
          replicationEventData: {
            replicationRuleId: 'lost',
            destinationBucket: 'arn:aws:s3:::nowhere',
            s3Operation: 'OBJECT_PUT',
            failureReason: 'DstBucketNotFound',
          },
        },
      ],
    })
  })

  await t.test('write that is undone → no replica is asked for', async t => {
    const { world, database, replicator, pending, versions } = await start(t)
    const bytes = await world.stage(Buffer.from('x'))
    await database.write(function* () {
      yield* putObject({
        ref: world.object('undone'),
        bytes,
        inlineBlobId: 900_001,
        description: plain,
        etag: 'e',
        checksums: {},
        checksumType: undefined,
        parts: 0,
        conditions: {},
        nowMs: startMs,
      })
      return new Rollback(undefined)
    })
    t.same(await pending(), [])
    await replicator.replicateAll()
    t.same(await versions('replicas'), [])
  })

  await t.test('several versions and a delete marker → the same versions in the same order', async t => {
    const { world, replicator, put, remove, versions } = await start(t)
    await put('k', 'one')
    await put('k', 'two')
    await remove('k')
    await put('l', 'one')
    await put('l', 'two')
    await replicator.replicateAll()
    t.same(await versions('replicas'), await versions('bucket'))
    t.equal(await world.content('l', 'replicas'), 'two')
    t.equal(await world.content('k', 'replicas'), undefined)
    await world.checkReferences(t, 'after replication')
  })

  await t.test('replica of an older version than the destination has → kept beneath it', async t => {
    const { world, replicator, put, versions } = await start(t)
    const older = await put('k', 'older')
    world.clock.advance(1)
    const newer = await put('k', 'newer', undefined, 'replicas')
    await replicator.replicateAll()
    t.same(
      (await versions('replicas')).map(({ seq }) => seq),
      [newer, older],
    )
    t.equal(await world.content('k', 'replicas'), 'newer')
    const found = await world.database.read(() => findObject({ ...world.object('k', 'replicas'), version: older }))
    t.match(found, { etag: 'etag of older', properties: { replication: 'REPLICA' } })
    await world.checkReferences(t, 'after replication')
  })

  await t.test('delete marker: rule without their replication → stays in the source', async t => {
    const { replicator, put, remove, versions } = await start(
      t,
      rule('replicas', { deleteMarkers: { status: 'Disabled' } }),
    )
    await put('k', 'x')
    await remove('k')
    await replicator.replicateAll()
    t.same(
      (await versions('replicas')).map(({ marker }) => marker),
      [false],
    )
  })

  await t.test('replicas → not replicated further; copies of them are objects of their own', async t => {
    const { world, database, replicator, set, put, versions, statusOf } = await start(t)
    await set('replicas', { replication: { role, rules: [rule('third')] } })
    await put('k', 'x')
    await replicator.replicateAll()
    t.same(await versions('third'), [])
    await database.write(() =>
      copyObject({
        source: world.object('k', 'replicas'),
        sourceConditions: {},
        target: world.object('copy', 'replicas'),
        targetConditions: {},
        describe: () => plain,
        nowMs: world.clock.now(),
      }),
    )
    await replicator.replicateAll()
    t.equal((await versions('third')).length, 1)
    t.equal(await statusOf('copy', 'replicas'), 'COMPLETED')
  })

  await t.test('change of a replicated version → follows; of a replica → goes back where a rule says so', async t => {
    const { world, database, replicator, set, put, statusOf } = await start(t)
    const tag = (key: string, bucket: string, value: string) =>
      database.write(() =>
        changeProperties(
          world.object(key, bucket),
          ({ object }) => ({ ...object.properties, tags: [{ key: 'a', value }] }),
          { nowMs: startMs },
        ),
      )
    const tagOf = async (key: string, bucket: string) => (await world.find(key, bucket)).properties?.tags?.[0]?.value
    await put('k', 'x')
    await replicator.replicateAll()
    await tag('k', 'bucket', 'one')
    t.equal(await statusOf('k'), 'PENDING')
    await replicator.replicateAll()
    t.equal(await statusOf('k'), 'COMPLETED')
    t.equal(await tagOf('k', 'replicas'), 'one')
    t.equal(await statusOf('k', 'replicas'), 'REPLICA')
    await set('replicas', { replication: { role, rules: [rule('bucket')] } })
    await tag('k', 'replicas', 'two')
    await replicator.replicateAll()
    t.equal(await tagOf('k', 'bucket'), 'one')
    const sourceSelection = { replicaModifications: { status: 'Enabled' } } as const
    await set('replicas', { replication: { role, rules: [rule('bucket', { sourceSelection })] } })
    await tag('k', 'replicas', 'three')
    t.equal(await statusOf('k', 'replicas'), 'PENDING')
    await replicator.replicateAll()
    t.equal(await tagOf('k', 'bucket'), 'three')
    t.equal(await statusOf('k', 'replicas'), 'COMPLETED')
    t.equal(await statusOf('k'), 'REPLICA')
  })

  await t.test('change: its replica was deleted for ever → FAILED, it does not come back', async t => {
    const { world, database, replicator, put, versions, statusOf } = await start(t)
    const seq = await put('k', 'x')
    await replicator.replicateAll()
    await database.write(() =>
      deleteObject({ ref: { ...world.object('k', 'replicas'), version: seq }, conditions: {}, nowMs: startMs }),
    )
    await database.write(() =>
      changeProperties(world.object('k'), ({ object }) => object.properties ?? {}, { nowMs: 1 }),
    )
    await replicator.replicateAll()
    t.equal(await statusOf('k'), 'FAILED')
    t.same(await versions('replicas'), [])
  })

  await t.test('source deleted for ever before its turn → nothing is written', async t => {
    const { world, database, replicator, put, versions, pending } = await start(t)
    const version = await put('k', 'x')
    await database.write(() => deleteObject({ ref: { ...world.object('k'), version }, conditions: {}, nowMs: startMs }))
    await replicator.replicateAll()
    t.same(await versions('replicas'), [])
    t.same(await pending(), [])
    await world.checkReferences(t, 'nothing is held')
  })

  await t.test(
    'destination of another owner → only what its policy allows to the role; override → the owner changes',
    async t => {
      const ownerOverride = { owner: 'Destination' } as const
      const { world, database, replicator, put, statusOf } = await start(
        t,
        rule('others', {
          destination: {
            bucket: 'arn:aws:s3:::others',
            account: '000000000000',
            ownerOverride,
            storageClass: 'GLACIER_IR',
          },
        }),
      )
      const alt = { ...world.bucket('others'), identityId: world.altId }
      const { createBucket } = await import('../../gateway/store/buckets.ts')
      await database.write(() => createBucket({ ...alt, name: 'others', nowMs: startMs, limit: 100, versioning: 1 }))
      await put('k', 'x')
      await replicator.replicateAll()
      t.equal(await statusOf('k'), 'FAILED')
      const policyFor = (...actions: readonly string[]) =>
        JSON.stringify({
          Version: '2012-10-17',
          Statement: [
            { Effect: 'Allow', Principal: { AWS: role }, Action: actions, Resource: 'arn:aws:s3:::others/*' },
          ],
        })
      await database.write(() => changeSettings(alt, () => ({ policy: policyFor('s3:ReplicateObject') })))
      await put('l', 'x')
      await replicator.replicateAll()
      t.equal(await statusOf('l'), 'FAILED', 'the override needs a permission of its own')
      const both = policyFor('s3:ReplicateObject', 's3:ObjectOwnerOverrideToBucketOwner')
      await database.write(() => changeSettings(alt, () => ({ policy: both })))
      await put('m', 'x')
      await replicator.replicateAll()
      t.equal(await statusOf('m'), 'COMPLETED')
      const guard = { restricted: false, check: () => undefined, checkPayer: () => undefined, mayMiss: () => true }
      const found = await database.read(() => findObject({ ...alt, key: 'm', guard }))
      t.match(found, { ownerId: world.altId, storageClass: 'GLACIER_IR' })
    },
  )

  await t.test('two replicators at once → each replica is written once', async t => {
    const { world, database, replicator, put, statusOf, versions } = await start(t)
    for (let i = 0; i < 30; i++) await put(`k${i % 5}`, `content ${i}, beyond what is inline`)
    const other = new Replicator({ database, clock: world.clock })
    await Promise.all([replicator.replicateAll(), other.replicateAll(), replicator.replicateAll()])
    await replicator.replicateAll()
    t.same(await versions('replicas'), await versions('bucket'))
    t.equal(await statusOf('k0'), 'COMPLETED')
    await world.checkReferences(t, 'after both')
  })
})
