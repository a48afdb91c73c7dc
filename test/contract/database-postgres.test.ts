import pg from 'pg'
import t, { type Test } from 'tap'
import { openPostgres } from '../../platform/database/postgres.ts'
import { type Database, one, Rollback, run, script, sql, type Unit } from '../../platform/database/unit.ts'
import { type PrivatePostgres, startPostgres } from '../support/postgres.ts'

const ITEMS = script(`CREATE TABLE items (name TEXT COLLATE "C" PRIMARY KEY, value BIGINT NOT NULL)`)
const ADD = sql(`INSERT INTO items (name, value) VALUES ($1, $2)`)
const FIND = sql(`SELECT value FROM items WHERE name = $1`)
const SET = sql(`UPDATE items SET value = $2 WHERE name = $1`)
const SLEEP = sql(`SELECT pg_sleep($1)`)
const END_ME = sql(`SELECT pg_terminate_backend(pg_backend_pid())`)

function* value(name: string): Unit<number | undefined> {
  return (yield* one<{ value: number }>(FIND, [name]))?.value
}

const server = await startPostgres()
if ('skip' in server) void t.test('postgres', { skip: server.skip }, async () => {})
else {
  t.teardown(() => server.stop())
  await suite(t, server)
}

async function suite(t: Test, server: PrivatePostgres): Promise<void> {
  async function withItems(t: Test, poolSize = 4, lockTimeoutMs = 5000): Promise<{ database: Database; url: string }> {
    const url = await server.createDatabase()
    const database = await openPostgres({ url, poolSize, lockTimeoutMs })
    t.teardown(() => database.close())
    await database.exclusive(() => run(ITEMS, []))
    await database.write(() => run(ADD, ['a', 1]))
    return { database, url }
  }
  /** A second client, outside the driver. */
  async function stranger(t: Test, url: string): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: url })
    client.on('error', () => {})
    await client.connect()
    t.teardown(() => client.end())
    return client
  }

  await t.test('write: conflicts with a concurrent commit → run again, sees it', async t => {
    const { database, url } = await withItems(t)
    const other = await stranger(t, url)
    let runs = 0
    let interfere: Promise<unknown> | undefined
    const unit = function* (): Unit<number> {
      runs++
      const seen = (yield* value('a'))!
      interfere ??= other.query(`UPDATE items SET value = 10 WHERE name = 'a'`)
      yield* one(SLEEP, [0.2])
      yield* run(SET, ['a', seen + 1])
      return seen
    }
    t.equal(await database.write(unit), 10)
    await interfere
    t.equal(runs, 2)
    t.equal(await database.read(() => value('a')), 11)
  })

  await t.test('write: a unit answers a conflict with a Rollback → run again all the same', async t => {
    const { database, url } = await withItems(t)
    const other = await stranger(t, url)
    let interfere: Promise<unknown> | undefined
    const unit = function* (): Unit<string | Rollback<string>> {
      const seen = (yield* value('a'))!
      interfere ??= other.query(`UPDATE items SET value = 10 WHERE name = 'a'`)
      yield* one(SLEEP, [0.2])
      try {
        yield* run(SET, ['a', seen + 1])
      } catch {
        return new Rollback('gave up')
      }
      return 'kept'
    }
    t.equal(await database.write(unit), 'kept')
    await interfere
  })

  await t.test('connection: lost in the middle of a unit → run again on another, process lives', async t => {
    const { database, url } = await withItems(t)
    const other = await stranger(t, url)
    let runs = 0
    const unit = function* (): Unit<void> {
      runs++
      yield* run(SET, ['a', 50 + runs])
      if (runs === 1) yield* one(END_ME, [])
    }
    await database.write(unit)
    t.equal(runs, 2)
    t.equal(await database.read(() => value('a')), 52)
    // Idle connections cut from outside.
    const cut = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid()`
    await other.query(cut)
    t.equal(await database.read(() => value('a')), 52)
    await other.query(cut)
    await database.write(() => run(SET, ['a', 53]))
    t.equal(await database.read(() => value('a')), 53)
  })

  await t.test('connection: lost again and again → DatabaseUnavailable', async t => {
    const { database } = await withItems(t)
    await t.rejects(
      database.write(() => one(END_ME, [])),
      { name: 'DatabaseUnavailable', full: false },
    )
    await t.rejects(async () => database.read(() => one(END_ME, [])), { name: 'DatabaseUnavailable' })
    t.equal(await database.read(() => value('a')), 1)
  })

  await t.test('lock: held by another for too long → DatabaseUnavailable, then usable', async t => {
    const { database, url } = await withItems(t, 1, 100)
    const other = await stranger(t, url)
    await other.query('BEGIN')
    await other.query('LOCK TABLE items')
    await t.rejects(
      database.write(() => run(SET, ['a', 2])),
      { name: 'DatabaseUnavailable', message: /55P03/ },
    )
    await other.query('COMMIT')
    await database.write(() => run(SET, ['a', 3]))
    t.equal(await database.read(() => value('a')), 3)
  })

  await t.test('pool: more units than connections → they wait, no further connection is made', async t => {
    const { database, url } = await withItems(t, 3)
    const other = await stranger(t, url)
    const units = Array.from({ length: 30 }, () => database.read(() => one(SLEEP, [0.02])))
    const { rows } = await other.query(
      `SELECT COUNT(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    )
    t.equal((await Promise.all(units)).length, 30)
    t.ok(rows[0].n > 0 && rows[0].n <= 3, `${rows[0].n} connections`)
  })

  await t.test('openPostgres: nobody there, or not in UTF-8 → refused', async t => {
    await t.rejects(openPostgres({ url: 'postgres://test@127.0.0.1:1/none', poolSize: 1 }), {
      name: 'DatabaseUnavailable',
    })
    const { url } = await withItems(t)
    const other = await stranger(t, url)
    await other.query(`CREATE DATABASE latin ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0`)
    t.teardown(() => other.query('DROP DATABASE latin WITH (FORCE)'))
    const latin = new URL(url)
    latin.pathname = '/latin'
    await t.rejects(openPostgres({ url: latin.href, poolSize: 1 }), { message: /LATIN1.*UTF8/ })
  })

  const { crash, restart } = server
  const given = crash === undefined || restart === undefined
  await t.test(
    'server: dies and comes back → DatabaseUnavailable meanwhile, then served again',
    { skip: given ? 'MOCKFACTORY_TEST_POSTGRES_URL names a server that is not ours to stop' : false },
    async t => {
      const errors: Error[] = []
      const url = await server.createDatabase()
      const database = await openPostgres({ url, poolSize: 2, onError: error => errors.push(error) })
      t.teardown(() => database.close())
      await database.exclusive(() => run(ITEMS, []))
      await database.write(() => run(ADD, ['a', 1]))
      await crash!()
      await t.rejects(
        database.write(() => run(SET, ['a', 2])),
        { name: 'DatabaseUnavailable' },
      )
      await t.rejects(async () => database.read(() => value('a')), { name: 'DatabaseUnavailable' })
      await restart!()
      t.equal(await database.read(() => value('a')), 1)
      await database.write(() => run(SET, ['a', 3]))
      t.equal(await database.read(() => value('a')), 3)
    },
  )
}
