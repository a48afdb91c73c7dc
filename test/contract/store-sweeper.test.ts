import t from 'tap'
import { blobsPerBlock } from '../../gateway/bytes/contract.ts'
import { MemoryBlobs } from '../../gateway/bytes/memory-blobs.ts'
import { BlobIds } from '../../gateway/store/blob-ids.ts'
import { BlockClosed } from '../../gateway/store/blobs.ts'
import { loadCredential } from '../../gateway/store/identities.ts'
import { deleteObject, putObject } from '../../gateway/store/objects.ts'
import { BlobPins } from '../../gateway/store/pins.ts'
import { saveSession } from '../../gateway/store/sessions.ts'
import { deadAfterMs } from '../../gateway/store/sweeper.ts'
import { all, one, sql } from '../../platform/database/unit.ts'
import { onBothEngines } from './engines.ts'
import { plain, startMs, World } from './store-world.ts'

const BLOCKS = sql(`SELECT block, gateway_id, swept FROM blob_blocks ORDER BY block`)
const GATEWAYS = sql(`SELECT id FROM gateways WHERE dead = 0 ORDER BY id`)
const REFS = sql(`SELECT refs FROM blobs WHERE id = $1`)
const long = (letter: string) => letter.repeat(50)

/** A file as an upload leaves it that never got its row. */
async function stray(world: World, ids: BlobIds): Promise<number> {
  const id = await ids.next()
  world.blobs.create(id).write(Buffer.from('x'), () => {})
  return id
}
const files = async (world: World, id: number) => world.blobs.listBlock(Math.floor(id / blobsPerBlock))

await onBothEngines(t, async (t, engine) => {
  await t.test('BlobIds', async t => {
    const world = await World.open(t, engine)
    const { database } = world
    const others = [await BlobIds.start({ database }), await BlobIds.start({ database })]
    t.teardown(() => Promise.all(others.map(ids => ids.stop())))
    const seen = new Set<number>()
    const take = async (ids: BlobIds) => seen.add(await ids.next())
    const count = 3 * blobsPerBlock
    for (let i = 0; i < count; i++) await Promise.all(others.map(take))
    t.equal(seen.size, 2 * count, 'two gateways, three blocks each → no id twice')
    const ids = others[0]!
    await ids.ensure(1000)
    const immediate = Array.from({ length: 1000 }, () => ids.next())
    t.ok(
      immediate.every(id => typeof id === 'number'),
      'ids in memory → no promises',
    )
    const burst = await Promise.all(Array.from({ length: 2 * blobsPerBlock }, () => ids.next()))
    t.equal(new Set(burst).size, burst.length, 'a burst of two blocks → no id twice')
    await ids.ensure(10)
    t.equal(typeof ids.take(), 'number', 'take: after ensure')
    await ids.stop()
    await ids.stop()
  })

  await t.test('released bytes', async t => {
    const world = await World.open(t, engine)
    const { database } = world
    await world.createBucket()
    await world.put('k', long('a'))
    const { blobId } = await world.find('k')
    const pins = new BlobPins()
    const release = [pins.hold(blobId!), pins.hold(blobId!)]
    await world.put('k', long('b'))
    const sweeper = world.sweeper({ pins })
    await world.sweepAll(sweeper)
    t.same(await files(world, blobId!), [blobId, (await world.find('k')).blobId], 'bytes that are being read stay')
    release[0]!()
    release[0]!()
    await world.sweepAll(sweeper)
    t.equal((await files(world, blobId!)).length, 2, 'while one reader is left')
    release[1]!()
    await world.sweepAll(sweeper)
    t.same(await files(world, blobId!), [(await world.find('k')).blobId], 'and go afterwards')

    for (let i = 0; i < 1200; i++) await world.put(`many ${i}`, long('m'))
    const remove = (key: string) =>
      database.write(() => deleteObject({ ref: world.object(key), conditions: {}, nowMs: startMs }))
    await Promise.all(Array.from({ length: 1200 }, (_, i) => remove(`many ${i}`)))
    await Promise.all([world.sweepAll(), world.sweepAll(), world.sweepAll(sweeper)])
    await world.checkReferences(t, 'several sweepers at once')
    await world.checkSwept(t, 'several sweepers at once')
    t.equal(await world.content('k'), long('b'), 'what is referenced stays')
  })

  await t.test('a file that cannot be removed → the others go, and it is tried again', async t => {
    const world = await World.open(t, engine)
    await world.createBucket()
    await world.put('a', long('a'))
    await world.put('b', long('b'))
    const { blobId } = await world.find('a')
    for (const key of ['a', 'b']) {
      await world.database.write(() => deleteObject({ ref: world.object(key), conditions: {}, nowMs: startMs }))
    }
    let failing = true
    const blobs = new Proxy(world.blobs, {
      get: (target, name) =>
        name === 'remove' && failing
          ? (id: number) => (id === blobId ? Promise.reject(new Error('EACCES')) : target.remove(id))
          : Reflect.get(target, name).bind(target),
    })
    const sweeper = world.sweeper({ blobs })
    await t.rejects(sweeper.sweepOnce(), /EACCES/)
    t.match(await world.database.read(() => one(REFS, [blobId!])), { refs: 0 }, 'its row is kept')
    failing = false
    await world.sweepAll(sweeper)
    await world.checkSwept(t, 'everything is gone in the end')
  })

  await t.test('gateways that died', async t => {
    const world = await World.open(t, engine)
    const { database } = world
    await world.createBucket()
    const dead = await BlobIds.start({ database })
    t.teardown(() => dead.stop())
    const left = await stray(world, dead)
    const named = await dead.next()
    const bytes = { sizeBytes: 1, inline: undefined, blobId: named }
    world.blobs.create(named).write(Buffer.from('n'), () => {})
    const put = (bytes: { sizeBytes: number; inline: undefined; blobId: number }) =>
      database.write(() =>
        putObject({
          ref: world.object(`k${bytes.blobId}`),
          bytes,
          inlineBlobId: undefined,
          description: plain,
          etag: 'e',
          checksums: {},
          checksumType: undefined,
          parts: 0,
          conditions: {},
          nowMs: startMs,
        }),
      )
    await put(bytes)
    const late = await stray(world, dead)
    const inFlight = await stray(world, world.blobIds)

    let uptime = 0
    let whileSwept: unknown
    const blobs = new Proxy(world.blobs, {
      get: (target, name) =>
        name === 'listBlock'
          ? async (block: number) => {
              whileSwept = await put({ ...bytes, blobId: late }).catch(error => error)
              return target.listBlock(block)
            }
          : Reflect.get(target, name).bind(target),
    })
    const sweeper = world.sweeper({ blobs, blobIds: world.blobIds, uptime: () => uptime })
    await world.sweepAll(sweeper)
    uptime = deadAfterMs - 1
    await world.sweepAll(sweeper)
    t.same(await files(world, left), [left, named, late], 'within a minute nothing happens')
    await new Promise(resolve => setTimeout(resolve, 2))
    await dead.heartbeat()
    uptime = deadAfterMs
    await world.sweepAll(sweeper)
    t.same(await files(world, left), [left, named, late], 'nor while its heart beats')
    uptime = 2 * deadAfterMs - 1
    await world.sweepAll(sweeper)
    t.same(await files(world, left), [left, named, late], 'nor within a minute of the last beat')
    uptime = 2 * deadAfterMs
    await world.sweepAll(sweeper)
    t.ok(whileSwept instanceof BlockClosed, 'PutObject: while its block is looked through → refused')
    t.same(await files(world, left), [named], 'dead: its files without a row are removed')
    t.same(await files(world, inFlight), [inFlight], "this gateway's own stay, whatever its heart does")
    t.match(
      await database.read(() => all(BLOCKS, [])),
      [{ gateway_id: world.blobIds.gatewayId }],
      'its block is done with',
    )
    t.match(await database.read(() => all(GATEWAYS, [])), [{ id: world.blobIds.gatewayId }], 'and so is itself')
    const tooLate = await put({ ...bytes, blobId: late }).catch(error => error)
    t.ok(tooLate instanceof BlockClosed, 'PutObject: it was not dead, and comes late → refused')
    await world.checkReferences(t, 'references')

    const before = dead.gatewayId
    await dead.heartbeat()
    t.not(dead.gatewayId, before, 'it registers anew')
    const again = await stray(world, dead)
    await put({ ...bytes, blobId: again })
    t.not(Math.floor(again / blobsPerBlock), Math.floor(late / blobsPerBlock), 'and has other ids')
    t.equal(await world.content(`k${again}`), 'x', 'which count')
  })

  await t.test('a gateway that stopped, and one that is alone → looked after at once', async t => {
    const world = await World.open(t, engine)
    const { database } = world
    const first = await BlobIds.start({ database })
    const stopped = await stray(world, first)
    await first.stop()
    await world.sweepAll()
    t.same(await files(world, stopped), [])
    const crashed = await BlobIds.start({ database })
    t.teardown(() => crashed.stop())
    const left = await stray(world, crashed)
    const alone = await BlobIds.start({ database, alone: true })
    t.teardown(() => alone.stop())
    await world.sweepAll(world.sweeper({ blobIds: alone }))
    t.same(await files(world, left), [])
    t.match(await database.read(() => all(GATEWAYS, [])), [{ id: alone.gatewayId }])
  })

  await t.test('temporary credentials', async t => {
    const world = await World.open(t, engine)
    const { database, environmentId, identityId } = world
    const session = (accessKeyId: string, expiresAtMs: number) => ({
      accessKeyId,
      secretAccessKey: 'secret',
      sessionToken: 'token',
      expiresAtMs,
      environmentId,
      identityId,
      role: { arn: 'arn:aws:iam::000000000000:role/r', sessionName: 'n' },
      policy: '{"Statement":{"Effect":"Deny","Action":"s3:*","Resource":"*"}}',
    })
    const load = (accessKeyId: string) => database.read(() => loadCredential(accessKeyId))
    const dayMs = 24 * 3600 * 1000
    await database.write(function* () {
      for (let i = 0; i < 1001; i++) yield* saveSession(session(`old ${i}`, startMs - dayMs - 1 - i))
      yield* saveSession(session('expired', startMs - dayMs))
      yield* saveSession(session('good', startMs + 1))
    })
    t.match(await load('good'), {
      sessionToken: 'token',
      expiresAtMs: startMs + 1,
      session: {
        role: { arn: 'arn:aws:iam::000000000000:role/r', sessionName: 'n' },
        policy: { statements: [{ effect: 'deny' }] },
      },
    })
    t.equal((await load('AKA'))?.session, undefined)
    t.equal((await world.sweeper().sweepOnce()).removed, 500, 'so many at a time')
    await world.sweepAll()
    for (const id of ['old 0', 'old 500', 'old 1000']) t.equal(await load(id), undefined, id)
    for (const id of ['expired', 'good', 'AKA']) t.ok(await load(id), id)
  })

  await t.test('start, wake, stop', async t => {
    const world = await World.open(t, engine)
    await world.createBucket()
    const blobs = new MemoryBlobs()
    const removal = new Promise<number>(resolve => {
      blobs.remove = async id => resolve(id)
    })
    const sweeper = world.sweeper({ blobs })
    sweeper.wake()
    sweeper.start()
    sweeper.start()
    await world.put('k', long('a'))
    const { blobId } = await world.find('k')
    await world.put('k', long('b'))
    sweeper.wake()
    sweeper.wake()
    // The sweeper's own timers keep no process running.
    const running = setInterval(() => {}, 1000)
    t.equal(await removal, blobId, 'what was released is removed')
    clearInterval(running)
    await sweeper.stop()
    await sweeper.stop()
  })
})
