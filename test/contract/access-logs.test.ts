import type { Test } from 'tap'
import t from 'tap'
import { AccessLogs, type LoggedRequest } from '../../gateway/access-logs.ts'
import { listObjects } from '../../gateway/store/listing.ts'
import { changeSettings } from '../../gateway/store/settings.ts'
import { Fault } from '../../protocol/fault.ts'
import { onBothEngines } from './engines.ts'
import { startMs, World } from './store-world.ts'

const policy = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: { Service: 'logging.s3.amazonaws.com' },
      Action: 's3:PutObject',
      Resource: 'arn:aws:s3:::logs/*',
    },
  ],
})

await onBothEngines(t, async (t, engine) => {
  async function start(t: Test) {
    const world = await World.open(t, engine)
    await world.createBucket('logs')
    await world.database.write(() => changeSettings(world.bucket('logs'), () => ({ policy })))
    const warnings: object[] = []
    const logger = { warn: (what: object) => warnings.push(what), error: (what: object) => warnings.push(what) }
    const { database, blobs, blobIds, clock } = world
    const logs = new AccessLogs({ database, blobs, blobIds, clock, logger })
    const request = (id: number, more: Partial<LoggedRequest['entry']> = {}): LoggedRequest => ({
      entry: { bucket: 'bucket', atMs: startMs, requestId: String(id), operation: 'REST.GET.OBJECT', ...more },
      environmentId: world.environmentId,
      ownerId: world.identityId,
      region: 'us-east-1',
      logging: { targetBucket: 'logs', targetPrefix: 'p/', targetGrants: [], keyFormat: undefined } as never,
    })
    const keys = async () => {
      const page = await database.read(() =>
        listObjects(world.bucket('logs'), { prefix: '', delimiter: '', after: '', limit: 1000 }),
      )
      if (page instanceof Fault) throw new Error(page.code)
      return page.entries.map(({ key }) => key)
    }
    const lines = async () => {
      const texts = []
      for (const key of await keys()) texts.push((await world.content(key, 'logs')) ?? '')
      return texts.map(text => text.trimEnd().split('\n'))
    }
    return { world, logs, request, keys, lines, warnings }
  }

  await t.test('flush: many lines → objects of bounded size that hold every line once', async t => {
    const { logs, request, lines, warnings, world } = await start(t)
    for (let i = 0; i < 3000; i++) logs.add(request(i, { userAgent: 'a'.repeat(200) }))
    await logs.flush()
    const objects = await lines()
    const sizes = objects.map(held => held.join('\n').length)
    t.ok(sizes.length > 1 && sizes.every(size => size < 257 * 1024), `${sizes}`)
    const ids = objects.flat().map(line => Number(line.split(' ')[6]))
    t.same(
      ids.sort((a, b) => a - b),
      Array.from({ length: 3000 }, (_, i) => i),
    )
    t.same(warnings, [])
    await logs.flush()
    t.equal((await lines()).length, objects.length, 'nothing is written without lines')
    await world.checkReferences(t, 'after delivery')
  })

  await t.test('add: more than is held → dropped and counted; what was held is written', async t => {
    const { logs, request, lines, warnings } = await start(t)
    for (let i = 0; i < 600; i++) logs.add(request(i, { requestUri: `GET /${'x'.repeat(15_000)} HTTP/1.1` }))
    await logs.flush()
    const written = (await lines()).flat().length
    t.ok(written > 200 && written < 300, `${written} lines`)
    t.same(warnings, [{ dropped: 600 - written }])
    logs.add(request(1))
    await logs.flush()
    t.equal((await lines()).flat().length, written + 1, 'there is room again')
  })

  await t.test(
    'flush: several days, target gone or closed → an object a day; a warning, and nothing else is lost',
    async t => {
      const { world, logs, request, keys, warnings } = await start(t)
      const dayMs = 24 * 3600 * 1000
      logs.add(request(1))
      logs.add(request(2, { atMs: startMs + dayMs }))
      const elsewhere = request(3)
      logs.add({ ...elsewhere, logging: { ...elsewhere.logging, targetBucket: 'nowhere' } })
      await logs.flush()
      t.equal((await keys()).length, 2)
      t.same(warnings, [{ bucket: 'bucket', target: 'nowhere' }])
      await world.database.write(() => changeSettings(world.bucket('logs'), () => ({ policy: undefined })))
      logs.add(request(4))
      await logs.flush()
      t.equal((await keys()).length, 2)
      t.equal(warnings.length, 2)
    },
  )
})
