import t from 'tap'
import { recordEvent, sendTestEvents } from '../../gateway/store/events.ts'
import { copyObject, deleteObject, deleteObjects, putObject } from '../../gateway/store/objects.ts'
import { changeProperties } from '../../gateway/store/properties.ts'
import { ensureQueue, findQueue, peekMessages } from '../../gateway/store/queues.ts'
import { resetEnvironment } from '../../gateway/store/reset.ts'
import { changeSettings, setVersioning } from '../../gateway/store/settings.ts'
import { findTarget } from '../../gateway/store/target.ts'
import { completeUpload, createUpload, putPart } from '../../gateway/store/uploads.ts'
import { Rollback } from '../../platform/database/unit.ts'
import { Fault } from '../../protocol/fault.ts'
import type { NotificationConfiguration, NotificationRule } from '../../protocol/s3/notification.ts'
import { onBothEngines } from './engines.ts'
import { plain, startMs, World } from './store-world.ts'

const arnOf = (name: string, account = '000000000000') => `arn:aws:sqs:us-east-1:${account}:${name}`
const rule = (more: Partial<NotificationRule> = {}): NotificationRule => ({
  kind: 'queue',
  id: 'all',
  arn: arnOf('events'),
  events: [
    's3:ObjectCreated:*',
    's3:ObjectRemoved:*',
    's3:ObjectTagging:*',
    's3:ObjectAcl:Put',
    's3:LifecycleTransition',
  ],
  ...more,
})

interface Told {
  readonly eventName: string
  readonly userIdentity: { readonly principalId: string }
  readonly requestParameters: { readonly sourceIPAddress: string }
  readonly s3: {
    readonly configurationId: string
    readonly object: {
      readonly key: string
      readonly size?: number
      readonly versionId?: string
      readonly eTag?: string
    }
  }
}

await onBothEngines(t, async (t, engine) => {
  async function start(t: Parameters<typeof World.open>[0], ...rules: readonly NotificationRule[]) {
    const world = await World.open(t, engine)
    await world.createBucket()
    const { database, environmentId } = world
    const queue = await database.write(() =>
      ensureQueue({ environmentId, region: 'us-east-1', name: 'events' }, startMs),
    )
    const notification: NotificationConfiguration = { rules: rules.length === 0 ? [rule()] : rules, eventBridge: true }
    await database.write(() => changeSettings(world.bucket(), () => ({ notification })))
    const bodies = async (id = queue): Promise<readonly string[]> =>
      (await database.read(() => peekMessages(id, 1000))).map(({ body }) => body)
    const told = async (): Promise<readonly Told[]> =>
      (await bodies()).flatMap(body => (JSON.parse(body) as { Records: Told[] }).Records)
    const names = async () => (await told()).map(({ eventName, s3 }) => `${eventName} ${s3.object.key}`)
    return { world, database, bodies, told, names, queue }
  }

  await t.test(
    'putObject, copyObject, deleteObject, completeUpload: queue asked for → an event each, in order',
    async t => {
      const { world, database, names, told } = await start(t)
      await world.put('a b/ü', 'first')
      await database.write(() =>
        copyObject({
          source: world.object('a b/ü'),
          sourceConditions: {},
          target: world.object('copy'),
          targetConditions: {},
          describe: () => plain,
          nowMs: world.clock.now(),
        }),
      )
      await database.write(() => deleteObject({ ref: world.object('copy'), conditions: {}, nowMs: startMs }))
      await database.write(() => deleteObject({ ref: world.object('never'), conditions: {}, nowMs: startMs }))
      const ref = world.object('large')
      const upload = await database.write(() =>
        createUpload({
          ref,
          uploadId: 'u',
          row: 900_000,
          description: plain,
          checksumAlgorithm: undefined,
          checksumType: undefined,
          nowMs: startMs,
        }),
      )
      if (upload instanceof Fault) throw new Error(upload.code)
      const bytes = await world.stage(Buffer.from('part'))
      await database.write(() =>
        putPart({
          ref,
          uploadId: 'u',
          number: 1,
          bytes,
          inlineBlobId: 900_001,
          etag: 'x',
          checksums: {},
          nowMs: startMs,
        }),
      )
      await database.write(() =>
        completeUpload({
          ref,
          uploadId: 'u',
          choose: () => ({ numbers: [1], etag: 'x-1', checksums: {}, checksumType: undefined }),
          conditions: {},
          composedBlobId: 900_002,
          nowMs: startMs,
        }),
      )
      t.same(await names(), [
        'ObjectCreated:Put a+b/%C3%BC',
        'ObjectCreated:Copy copy',
        'ObjectRemoved:Delete copy',
        'ObjectCreated:CompleteMultipartUpload large',
      ])
      const [put, , removed] = await told()
      t.match(put, { s3: { configurationId: 'all', object: { size: 5, eTag: 'etag of 5' } } })
      t.notOk('versionId' in put!.s3.object, 'no version id without versions')
      t.notOk('size' in removed!.s3.object)
    },
  )

  await t.test('deleteObject: bucket with versions → markers and removals are told apart', async t => {
    const { world, database, told } = await start(t)
    await database.write(() => setVersioning(world.bucket(), 1, () => undefined))
    const put = await world.put('k', 'x')
    if (put instanceof Fault) throw new Error(put.code)
    await database.write(() => deleteObject({ ref: world.object('k'), conditions: {}, nowMs: startMs }))
    await database.write(() =>
      deleteObject({ ref: { ...world.object('k'), version: put.seq }, conditions: {}, nowMs: startMs }),
    )
    const events = await told()
    t.same(
      events.map(({ eventName }) => eventName),
      ['ObjectCreated:Put', 'ObjectRemoved:DeleteMarkerCreated', 'ObjectRemoved:Delete'],
    )
    t.equal(events[2]!.s3.object.versionId, events[0]!.s3.object.versionId)
    t.not(events[1]!.s3.object.versionId, events[0]!.s3.object.versionId)
  })

  await t.test('deleteObjects: some keys there → one event for each that was', async t => {
    const { world, database, names } = await start(t, rule({ events: ['s3:ObjectRemoved:*'] }))
    await world.put('a', 'x')
    await world.put('b', 'x')
    const items = ['a', 'b', 'c'].map(key => ({ key, conditions: {} }))
    await database.write(() => deleteObjects({ ref: world.bucket(), items, nowMs: startMs }))
    t.same(await names(), ['ObjectRemoved:Delete a', 'ObjectRemoved:Delete b'])
  })

  await t.test('changeProperties: told of under a name → that event; else none', async t => {
    const { world, database, names } = await start(t, rule({ events: ['s3:ObjectTagging:Put'] }))
    await world.put('k', 'x')
    const tags = [{ key: 'a', value: 'b' }]
    const change = (name?: 's3:ObjectTagging:Put') =>
      database.write(() =>
        changeProperties(
          world.object('k'),
          () => ({ tags }),
          name === undefined ? undefined : { name, nowMs: startMs },
        ),
      )
    await change()
    t.same(await names(), [])
    await change('s3:ObjectTagging:Put')
    t.same(await names(), ['ObjectTagging:Put k'])
  })

  await t.test('write that is undone, or refused → no event', async t => {
    const { world, database, bodies } = await start(t)
    const description = plain
    const bytes = await world.stage(Buffer.from('x'))
    const outcome = await database.write(function* () {
      yield* putObject({
        ref: world.object('undone'),
        bytes,
        inlineBlobId: 900_010,
        description,
        etag: 'e',
        checksums: {},
        checksumType: undefined,
        parts: 0,
        conditions: {},
        nowMs: startMs,
      })
      return new Rollback('undone')
    })
    t.equal(outcome, 'undone')
    await t.rejects(
      database.write(function* () {
        yield* deleteObject({ ref: world.object('undone'), conditions: {}, nowMs: startMs })
        yield* putObject({
          ref: world.object('failed'),
          bytes,
          inlineBlobId: 900_011,
          description,
          etag: 'e',
          checksums: {},
          checksumType: undefined,
          parts: 0,
          conditions: {},
          nowMs: startMs,
        })
        throw new Error('fails')
      }),
    )
    const refused = await world.put('refused', 'x', { ifMatch: ['other'] })
    t.ok(refused instanceof Fault)
    t.same(await bodies(), [])
  })

  await t.test(
    'rules: prefix, suffix, other kinds, missing and foreign queues → only the matching queue is told',
    async t => {
      const { world, database, names, bodies } = await start(
        t,
        rule({ id: 'one', prefix: 'in/', suffix: '.jpg', events: ['s3:ObjectCreated:Put'] }),
        rule({ id: 'topic', kind: 'topic', arn: 'arn:aws:sns:us-east-1:000000000000:events' }),
        rule({ id: 'gone', arn: arnOf('gone') }),
        rule({ id: 'foreign', arn: arnOf('events', '111111111111') }),
      )
      const environmentId = world.otherEnvironmentId
      const foreign = await database.write(() =>
        ensureQueue({ environmentId, region: 'us-east-1', name: 'events' }, startMs),
      )
      await world.put('in/a.jpg', 'x')
      await world.put('in/a.png', 'x')
      await world.put('out/a.jpg', 'x')
      t.same(await names(), ['ObjectCreated:Put in/a.jpg'])
      t.same(await bodies(foreign), [], 'a queue of another environment is never told')
      const known = await database.read(() =>
        findQueue({ environmentId, region: 'us-east-1', name: 'events', account: '000000000000' }),
      )
      t.equal(known, undefined)
    },
  )

  await t.test('recordEvent: what S3 does by itself → told under its own name', async t => {
    const { world, database, told } = await start(t)
    await world.put('k', 'x')
    await database.write(function* () {
      const row = yield* findTarget(world.object('k'))
      if (row instanceof Fault) throw new Error(row.code)
      yield* recordEvent(row, world.bucket(), {
        name: 's3:LifecycleTransition',
        key: 'k',
        version: undefined,
        seq: row.seq ?? 0,
        atMs: startMs,
        transition: { storageClass: 'GLACIER' },
      })
    })
    t.match((await told())[1], {
      eventName: 'LifecycleTransition',
      userIdentity: { principalId: 's3.amazonaws.com' },
      requestParameters: { sourceIPAddress: 's3.amazonaws.com' },
      lifecycleEventData: { transitionEventData: { destinationStorageClass: 'GLACIER' } },
    })
  })

  await t.test('a request behind the write → its id, address and principal', async t => {
    const { world, database, told } = await start(t)
    const cause = {
      id: 'REQUEST',
      verified: { principal: { canonicalId: 'c'.repeat(64) } },
      remoteAddress: () => '10.1.2.3',
    }
    await world.put('k', 'x')
    await database.write(() => deleteObject({ ref: { ...world.object('k'), cause }, conditions: {}, nowMs: startMs }))
    t.match((await told())[1], {
      userIdentity: { principalId: `AWS:${'c'.repeat(64)}` },
      requestParameters: { sourceIPAddress: '10.1.2.3' },
      responseElements: { 'x-amz-request-id': 'REQUEST' },
    })
  })

  await t.test('sendTestEvents: all queues there → one each; one missing → named, and nobody is sent any', async t => {
    const { world, database, bodies } = await start(t)
    const send = (...arns: readonly string[]) =>
      database.write(() =>
        sendTestEvents(world.bucket(), { rules: arns.map(arn => rule({ arn })), eventBridge: false }, startMs),
      )
    t.same(await send(arnOf('events'), arnOf('gone')), [
      { arn: arnOf('gone'), reason: 'The destination queue does not exist' },
    ])
    t.same(await bodies(), [])
    t.same(await send(arnOf('events'), arnOf('events')), [])
    const [body, ...more] = await bodies()
    t.match(JSON.parse(body!), { Event: 's3:TestEvent', Bucket: 'bucket', Service: 'Amazon S3' })
    t.same(more, [])
  })

  await t.test('resetEnvironment: queues and their messages → gone', async t => {
    const { world, database, bodies, queue } = await start(t)
    await world.put('k', 'x')
    t.equal((await bodies()).length, 1)
    await database.write(() => resetEnvironment('default'))
    t.same(await bodies(queue), [])
    const again = await database.write(() =>
      ensureQueue({ environmentId: world.environmentId, region: 'us-east-1', name: 'events' }, startMs),
    )
    t.not(again, queue, 'ids are not used again')
  })
})
