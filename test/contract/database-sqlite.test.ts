import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import t, { type Test } from 'tap'
import { openDatabase } from '../../platform/database/index.ts'
import { openSqlite, type SqliteOptions } from '../../platform/database/sqlite.ts'
import { translate } from '../../platform/database/sqlite-dialect.ts'
import { all, one, Rollback, run, script, sql, type Unit } from '../../platform/database/unit.ts'
import { WalSync } from '../../platform/database/wal-sync.ts'

const ITEMS = script(`CREATE TABLE items (id BIGINT PRIMARY KEY, bytes BYTEA NOT NULL)`)
const ADD = sql(`INSERT INTO items (id, bytes) VALUES ($1, $2)`)
const COUNT = sql(`SELECT COUNT(*) AS n, MAX(id) AS last FROM items`)
const PAGES = sql(`PRAGMA page_count`)
const LOG = sql(`PRAGMA wal_checkpoint(NOOP)`)
const CHECK = sql(`PRAGMA integrity_check`)
const PLAN = sql(`SELECT sql FROM sqlite_schema WHERE name = $1`)
const bytes = Buffer.alloc(1024, 7)

function* add(id: number): Unit<number> {
  yield* run(ADD, [id, bytes])
  return id
}
function* count(): Unit<number> {
  return (yield* one<{ n: number }>(COUNT, []))?.n ?? 0
}

async function withItems(t: Test, options: Partial<SqliteOptions> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'mockfactory-sqlite-'))
  const file = join(folder, 'items.db')
  const database = openSqlite({ file, durability: 'process', ...options })
  t.teardown(async () => {
    await database.close()
    await rm(folder, { recursive: true, force: true })
  })
  await database.exclusive(() => run(ITEMS, []))
  return { database, file }
}

void t.test('translate: each token of the table → SQLite’s; text and comments as they are', async t => {
  t.strictSame(translate(`SELECT $2, $1, $2 FROM x WHERE y = '$1 BYTEA' -- COLLATE "C" $3`), {
    text: `SELECT ?, ?, ? FROM x WHERE y = '$1 BYTEA' -- COLLATE "C" $3`,
    order: [1, 0, 1],
  })
  t.strictSame(translate('SELECT a FROM b WHERE c = $1 AND d = $2 FOR UPDATE  SKIP LOCKED').order, undefined)
  t.equal(translate('SELECT 1 FOR UPDATE SKIP LOCKED').text, 'SELECT 1 ')
  t.equal(translate('SELECT 1 for update').text, 'SELECT 1 ')
  t.equal(
    translate('(id BIGINT PRIMARY KEY, k TEXT COLLATE "C", b BYTEA) /* WITHOUT ROWID */').text,
    '(id INTEGER PRIMARY KEY, k TEXT COLLATE BINARY, b BLOB) WITHOUT ROWID',
  )
  t.equal(translate('SELECT GREATEST(a, $1), LEAST(b, $2)').text, 'SELECT MAX(a, ?), MIN(b, ?)')
  t.strictSame(translate('VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11)').order, undefined)
})

void t.test('openDatabase: the schema → blobs.id is the row id, keyed tables have none', async t => {
  const database = await openDatabase({ ephemeral: true, durability: 'power' })
  t.teardown(() => database.close())
  const plan = async (name: string): Promise<string> =>
    (await database.read(() => one<{ sql: string }>(PLAN, [name])))?.sql ?? ''
  t.match(await plan('blobs'), /id INTEGER PRIMARY KEY/)
  t.match(await plan('objects'), /WITHOUT ROWID$/)
})

void t.test('read: → a value at once, never a promise; an uncommitted row is not seen', async t => {
  const { database } = await withItems(t)
  t.equal(database.read(count), 0)
  const written = database.write(() => add(1))
  t.equal(database.read(count), 0)
  await written
  t.equal(database.read(count), 1)
})

void t.test('write: a unit of a batch fails after it wrote → neighbours run again, answered once', async t => {
  const { database } = await withItems(t)
  const runs: number[] = []
  const unit = function* (id: number): Unit<number | Rollback<number>> {
    runs.push(id)
    yield* add(id)
    return id === 3 ? new Rollback(-3) : id
  }
  const answers = await Promise.all([1, 2, 3, 4].map(id => database.write(() => unit(id))))
  t.strictSame(answers, [1, 2, -3, 4])
  t.strictSame(runs, [1, 2, 3, 1, 2, 3, 4])
  t.equal(database.read(count), 3)
})

void t.test('write: more than a batch takes → later batches, reads in between', async t => {
  const { database } = await withItems(t)
  const writes = Promise.all(Array.from({ length: 1000 }, (_, i) => database.write(() => add(i))))
  const seen = new Set<number>()
  let done = false
  const ended = writes.then(() => {
    done = true
  })
  while (!done) {
    seen.add(database.read(count))
    await new Promise(resolve => setImmediate(resolve))
  }
  await ended
  t.ok(seen.size > 2, 'partial counts were seen')
  t.equal(database.read(count), 1000)
})

void t.test('write: no room → DatabaseUnavailable {full}, nothing acknowledged is lost, usable again', async t => {
  const errors: Error[] = []
  const { database, file } = await withItems(t, { onError: error => errors.push(error) })
  await database.write(() => add(0))
  const pages = Number((database.read(() => one<{ page_count: number }>(PAGES, [])) ?? { page_count: 0 }).page_count)
  const limit = sql(`PRAGMA max_page_count = ${pages + 20}`)
  const noLimit = sql('PRAGMA max_page_count = 1000000')
  database.read(() => all(limit, []))
  const settled = await Promise.allSettled(Array.from({ length: 400 }, (_, i) => database.write(() => add(i + 1))))
  const kept = settled.flatMap(outcome => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  const refused = settled.flatMap(outcome => (outcome.status === 'rejected' ? [outcome.reason] : []))
  t.ok(refused.length > 0, 'some did not fit')
  t.ok(refused.every(error => error.name === 'DatabaseUnavailable' && error.full === true))
  t.equal(database.read(count), kept.length + 1, 'exactly the acknowledged ones are there')
  database.read(() => all(noLimit, []))
  t.equal(await database.write(() => add(9999)), 9999)
  await database.close()
  const again = new Sqlite(file)
  t.equal(again.prepare('SELECT COUNT(*) AS n FROM items').pluck().get(), kept.length + 2)
  again.close()
})

void t.test('write: another process is writing → waits off the event loop, then done', async t => {
  const { database, file } = await withItems(t)
  const other = new Sqlite(file)
  t.teardown(() => other.close())
  other.exec('BEGIN IMMEDIATE')
  let answered = false
  const written = database
    .write(() => add(1))
    .then(id => {
      answered = true
      return id
    })
  for (let turn = 0; turn < 5; turn++) {
    await delay(20)
    t.equal(database.read(count), 0, 'reads go on')
  }
  t.equal(answered, false)
  other.exec('COMMIT')
  t.equal(await written, 1)
})

void t.test('write: another process does not let go → DatabaseUnavailable, then usable', async t => {
  const { database, file } = await withItems(t, { lockWaitMs: 60 })
  const other = new Sqlite(file)
  t.teardown(() => other.close())
  other.exec('BEGIN IMMEDIATE')
  const refused = await Promise.allSettled([1, 2, 3].map(id => database.write(() => add(id))))
  for (const outcome of refused) {
    t.match(outcome, { status: 'rejected', reason: { name: 'DatabaseUnavailable', full: false } })
  }
  other.exec('COMMIT')
  t.equal(await database.write(() => add(4)), 4)
  t.equal(database.read(count), 1)
})

void t.test('openSqlite: no such folder, or not a database → DatabaseUnavailable', async t => {
  t.throws(() => openSqlite({ file: '/nonexistent/folder/x.db', durability: 'process' }), {
    name: 'DatabaseUnavailable',
  })
  t.throws(() => openSqlite({ file: process.execPath, durability: 'process' }), { name: 'DatabaseUnavailable' })
})

void t.test('durability power: many writes → each answered after a sync, all kept', async t => {
  const { database, file } = await withItems(t, { durability: 'power' })
  for (let round = 0; round < 20; round++) {
    await Promise.all(Array.from({ length: 10 }, (_, i) => database.write(() => add(round * 10 + i))))
  }
  t.equal(database.read(count), 200)
  const last = database.write(() => add(1000))
  await database.close()
  t.equal(await last, 1000, 'close waits for the sync')
  t.ok(statSync(file).size > 200 * 1024)
})

void t.test('checkpoints: a long run of writes → the log starts over, nothing is lost', async t => {
  const { database } = await withItems(t)
  const frames = (): number => database.read(() => one<{ log: number }>(LOG, []))?.log ?? 0
  let [next, longest, startedOver] = [0, 0, false]
  // The thread may be slow to start on a busy machine; the bound is four times the log that calls for it.
  while (!startedOver && next < 64 * 1024) {
    const ids = Array.from({ length: 128 }, () => next++)
    await Promise.all(ids.map(id => database.write(() => add(id))))
    if (longest > 4096) await delay(2)
    startedOver = frames() < longest
    longest = Math.max(longest, frames())
  }
  t.ok(startedOver, `the log was ${longest} frames long when it started over`)
  t.equal(database.read(count), next)
  t.match(
    database.read(() => all(CHECK, [])),
    [{ integrity_check: 'ok' }],
  )
})

void t.test('kill -9 under writers → every acknowledged row is there, the file is sound', async t => {
  const { database, file } = await withItems(t)
  await database.close()
  for (let round = 0; round < 4; round++) {
    const acknowledged = await writeUntilKilled(file, 100 + round * 100)
    const survivor = openSqlite({ file, durability: 'process' })
    const { last } = survivor.read(() => one<{ last: number | null }>(COUNT, [])) ?? { last: null }
    t.ok(acknowledged > 0)
    t.ok((last ?? 0) >= acknowledged, `${acknowledged} acknowledged, ${last} there`)
    t.equal(survivor.read(count), last, 'none missing in between')
    t.match(
      survivor.read(() => all(CHECK, [])),
      [{ integrity_check: 'ok' }],
    )
    await survivor.close()
  }
})

/** A process that adds rows in order and prints the last acknowledged one; answers that when it was killed. */
async function writeUntilKilled(file: string, afterMs: number): Promise<number> {
  const extension = extname(import.meta.url)
  const folder = new URL('../../platform/database/', import.meta.url)
  const program = `
    import { writeSync } from 'node:fs'
    const { openSqlite } = await import(${JSON.stringify(new URL(`sqlite${extension}`, folder).href)})
    const { one, run, sql } = await import(${JSON.stringify(new URL(`unit${extension}`, folder).href)})
    const database = openSqlite({ file: ${JSON.stringify(file)}, durability: 'process' })
    const add = sql('INSERT INTO items (id, bytes) VALUES ($1, $2)')
    let next = (database.read(() => one(sql('SELECT MAX(id) AS last FROM items'), [])).last ?? 0) + 1
    const bytes = Buffer.alloc(3000, 1)
    for (;;) {
      const ids = Array.from({ length: 32 }, () => next++)
      await Promise.all(ids.map(id => database.write(() => run(add, [id, bytes]))))
      writeSync(1, ids.at(-1) + '\\n')
    }
  `
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  const closed = once(child, 'close')
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  await once(child.stdout, 'data')
  await delay(afterMs)
  child.kill('SIGKILL')
  await closed
  return Number(output.trimEnd().split('\n').at(-1))
}

void t.test('WalSync: a sync fails → this and every later flush fails, told once', async t => {
  const errors: Error[] = []
  const sync = new WalSync('/nonexistent/folder/x.db', error => errors.push(error))
  const flush = (): Promise<Error | undefined> => new Promise(resolve => sync.flush(resolve))
  const outcomes = await Promise.all([flush(), flush(), flush()])
  for (const error of [...outcomes, await flush()]) t.match(error, { name: 'DatabaseUnavailable' })
  t.equal(errors.length, 1)
  await sync.close()
})
