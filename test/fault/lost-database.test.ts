/**
 * PostgreSQL killed under load, cut off, and started again: requests answer 503 meanwhile and none hangs, then everything
 * works again with all that was acknowledged.
 */
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { startPostgres } from '../support/postgres.ts'
import { freePort, type Server, startServer, status, type Teardown } from '../support/server.ts'
import { element, signedFetch, type WireResponse } from '../support/signed.ts'
import { stampedBody } from '../support/stamped.ts'
import { eventually, quiet } from '../support/upkeep.ts'

/** Only a request that hangs is left unanswered for so long: the pool's own limits are a few seconds each. */
const hangMs = 60_000
const writers = 8

const postgres = await startPostgres()
const missing = 'skip' in postgres ? postgres.skip : false
const notOurs = missing || ('crash' in postgres ? false : 'the PostgreSQL server that was given is not ours to kill')
if (!('skip' in postgres)) t.teardown(() => postgres.stop())

class Load {
  /** Per path: what it may hold, the last acknowledged and all sent after it. */
  readonly may = new Map<string, Buffer[]>()
  readonly outages: WireResponse[] = []
  readonly unexpected: string[] = []
  acknowledged = 0
  #stamp = 0
  #running = true

  run(server: Server): Promise<unknown> {
    this.#running = true
    return Promise.all(Array.from({ length: writers }, (_, writer) => this.#write(server, writer)))
  }

  stop(): void {
    this.#running = false
  }

  async #write(server: Server, writer: number): Promise<void> {
    while (this.#running) {
      const stamp = ++this.#stamp
      const path = `/kept/${writer}-${stamp % 5}`
      const body = stampedBody(stamp, stamp % 4 === 0 ? 100_000 : 1000)
      this.may.set(path, [...(this.may.get(path) ?? [nothing]), body])
      const answer = await unhung(signedFetch(server, { method: 'PUT', path, body }))
      if (typeof answer === 'string') this.unexpected.push(`PUT ${path}: ${answer}`)
      else if (answer.status === 200) {
        this.acknowledged++
        this.may.set(path, [body])
      } else if (isOutage(answer)) this.outages.push(answer)
      else this.unexpected.push(`PUT ${path}: ${answer.status} ${answer.text}`)
    }
  }

  async losses(server: Server): Promise<string[]> {
    const wrong: string[] = []
    for (const [path, bodies] of this.may) {
      const answer = await signedFetch(server, { method: 'GET', path })
      const found = bodies.some(body => (body === nothing ? answer.status === 404 : answer.body.equals(body)))
      if (!found) wrong.push(`${path}: ${answer.status}, ${answer.body.length} bytes`)
    }
    return wrong
  }
}
const nothing = Buffer.alloc(0)

function isOutage(answer: WireResponse): boolean {
  return answer.status === 503 && element(answer.text, 'Code') === 'ServiceUnavailable'
}

async function unhung(sent: Promise<WireResponse>): Promise<WireResponse | string> {
  const patience = new AbortController()
  const hung = delay(hangMs, 'hung', { signal: patience.signal }).catch(() => 'hung')
  const answer = await Promise.race([sent.catch((error: unknown) => String(error)), hung])
  patience.abort()
  return answer
}

/** Stands between the server and PostgreSQL, and does to the connection what networks do. */
class Cable {
  readonly port: number
  /**
   * pass: as if it were not there. swallow: nothing gets through any more. refuse: who says something is cut off.
   * cut: a COMMIT arrives, its answer does not.
   */
  mode: 'pass' | 'swallow' | 'refuse' | 'cut' = 'pass'
  cuts = 0
  readonly #sockets = new Set<Socket>()

  private constructor(port: number) {
    this.port = port
  }

  static async open(t: Teardown, targetPort: number): Promise<Cable> {
    const cable = new Cable(await freePort())
    const listener = createServer(near => {
      const far = connect(targetPort, '127.0.0.1')
      let committing = false
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        cable.#sockets.add(from)
        from.on('data', chunk => {
          if (cable.mode === 'swallow') return
          if (cable.mode === 'refuse') {
            near.destroy()
            return
          }
          if (cable.mode === 'cut' && from === near && chunk.includes('COMMIT')) committing = true
          else if (committing && from === far) {
            cable.cuts++
            near.destroy()
            far.destroy()
            return
          }
          to.write(chunk)
        })
        from.on('error', () => {})
        from.on('close', () => {
          cable.#sockets.delete(from)
          to.destroy()
        })
      }
    })
    await new Promise<void>(resolve => listener.listen(cable.port, '127.0.0.1', resolve))
    t.teardown(() => {
      for (const socket of cable.#sockets) socket.destroy()
      return new Promise(resolve => listener.close(resolve))
    })
    return cable
  }
}

async function startBehindCable(t: Teardown): Promise<{ server: Server; cable: Cable }> {
  if ('skip' in postgres) throw new Error(postgres.skip)
  const url = new URL(await postgres.createDatabase())
  const cable = await Cable.open(t, Number(url.port))
  url.port = String(cable.port)
  const server = await startServer(t, { args: ['--database-url', url.href, '--log-level', 'fatal'] })
  await signedFetch(server, { method: 'PUT', path: '/kept' })
  return { server, cable }
}

t.test(
  'PostgreSQL killed under load and started again, twice → 503 meanwhile, then all is there',
  { skip: notOurs },
  async t => {
    if ('skip' in postgres) throw new Error(postgres.skip)
    const url = await postgres.createDatabase()
    const server = await startServer(t, { args: ['--database-url', url, '--log-level', 'fatal'] })
    await signedFetch(server, { method: 'PUT', path: '/kept' })
    const ready = `${server.origin}/_mockfactory/readyz`
    const load = new Load()
    for (const round of [1, 2]) {
      const before = load.acknowledged
      const running = load.run(server)
      await eventually('some writes', () => (load.acknowledged > before + 50 ? true : undefined))
      await postgres.crash?.()
      await eventually('503', () => (load.outages.length > 0 ? true : undefined))
      for (const request of [
        { method: 'GET', path: '/kept/0-1' },
        { method: 'GET', path: '/kept' },
        { method: 'HEAD', path: '/kept' },
        { method: 'DELETE', path: '/kept/none' },
        { method: 'PUT', path: '/kept-too' },
      ]) {
        const answer = await unhung(signedFetch(server, request))
        t.equal(typeof answer === 'string' ? answer : answer.status, 503, `${request.method} ${request.path} meanwhile`)
      }
      t.equal(await status(ready), 503)
      t.equal(await status(`${server.origin}/_mockfactory/healthz`), 200)
      await postgres.restart?.()
      await eventually('ready', async () => ((await status(ready)) === 200 ? true : undefined))
      const after = load.acknowledged
      await eventually('writes again', () => (load.acknowledged > after + 50 ? true : undefined))
      load.stop()
      await running
      t.strictSame(load.unexpected, [], `round ${round}: ${load.acknowledged} kept, ${load.outages.length} refused`)
      t.strictSame(await load.losses(server), [])
      t.ok(await quiet(server))
    }
    t.strictSame(await server.stop(), { code: 0, signal: null })
  },
)

t.test('SIGTERM: PostgreSQL is away → exit 0 all the same', { skip: missing }, async t => {
  const { server, cable } = await startBehindCable(t)
  cable.mode = 'refuse'
  await eventually('not ready', async () =>
    (await status(`${server.origin}/_mockfactory/readyz`)) === 503 ? true : undefined,
  )
  t.strictSame(await server.stop(), { code: 0, signal: null })
})

t.test(
  'PostgreSQL: the connection is lost while a commit is under way → no object without its bytes',
  { skip: missing },
  async t => {
    const { server, cable } = await startBehindCable(t)
    const body = stampedBody(1, 100_000)
    for (const path of ['/kept/new', '/kept/old']) {
      if (path === '/kept/old') await signedFetch(server, { method: 'PUT', path, body: stampedBody(2, 200_000) })
      cable.mode = 'cut'
      const answer = await signedFetch(server, { method: 'PUT', path, body })
      cable.mode = 'pass'
      t.ok(isOutage(answer), `${path}: nobody knows, ${answer.status}`)
      const found = await signedFetch(server, { method: 'GET', path })
      t.equal(found.status, 200, 'PostgreSQL has committed')
      t.ok(found.body.equals(body), 'and the bytes are there')
    }
    t.ok(cable.cuts >= 2)
    t.equal((await signedFetch(server, { method: 'PUT', path: '/kept/new', body: 'again' })).status, 200)
    t.equal((await signedFetch(server, { method: 'GET', path: '/kept/new' })).text, 'again')
  },
)

t.test(
  'PostgreSQL: the network swallows everything → 503, none hangs, all is well once it is back',
  { skip: missing },
  async t => {
    const { server, cable } = await startBehindCable(t)
    await signedFetch(server, { method: 'PUT', path: '/kept/one', body: 'one' })
    cable.mode = 'swallow'
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        unhung(
          index % 2 === 0
            ? signedFetch(server, { method: 'GET', path: '/kept/one' })
            : signedFetch(server, { method: 'PUT', path: `/kept/${index}`, body: 'more' }),
        ),
      ),
    )
    t.strictSame(
      answers.filter(answer => typeof answer === 'string' || !isOutage(answer)),
      [],
    )
    cable.mode = 'pass'
    await eventually('works again', async () => {
      const answer = await unhung(signedFetch(server, { method: 'GET', path: '/kept/one' }))
      return typeof answer !== 'string' && answer.text === 'one' ? true : undefined
    })
    t.equal((await signedFetch(server, { method: 'PUT', path: '/kept/two', body: 'two' })).status, 200)
    t.ok(await quiet(server))
    t.strictSame(await server.stop(), { code: 0, signal: null })
  },
)
