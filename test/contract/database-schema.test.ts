import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { extname } from 'node:path'
import t from 'tap'
import { type DatabaseOptions, openDatabase } from '../../platform/database/index.ts'
import { applySchema, parseSchema } from '../../platform/database/schema.ts'
import { openSqlite } from '../../platform/database/sqlite.ts'
import { all, type Database, one, run, sql } from '../../platform/database/unit.ts'
import { onBothEngines } from './engines.ts'

const VERSIONS = sql(`SELECT version FROM schema_version ORDER BY version`)
const NEWER = sql(`INSERT INTO schema_version (version) VALUES ($1)`)
const ENVIRONMENTS = sql(`SELECT COUNT(*) AS n FROM environments`)
const FRUITS = sql(`SELECT name, colour FROM fruits ORDER BY name`)
const ADD_FRUIT = sql(`INSERT INTO fruits (name) VALUES ($1)`)
const IDENTITY = sql(`INSERT INTO identities (id, environment_id, name, canonical_id) VALUES (1, 404, 'x', 'y')`)

/** Versions of this release's schema. */
const released = [1, 2]
const first = { version: 1, text: `CREATE TABLE fruits (name TEXT COLLATE "C" PRIMARY KEY);` }
const second = {
  version: 2,
  text: `ALTER TABLE fruits ADD COLUMN colour TEXT COLLATE "C" NOT NULL DEFAULT 'green';
    CREATE INDEX fruits_colour ON fruits (colour);`,
}
const broken = { version: 2, text: `CREATE TABLE half (id BIGINT PRIMARY KEY); CREATE TABLE fruits (oops);` }

async function versions(database: Database): Promise<number[]> {
  return (await database.read(() => all<{ version: number }>(VERSIONS, []))).map(row => row.version)
}

void t.test('parseSchema: versions → ascending from 1, comments and all', async t => {
  const text = '-- about\n\n-- version 1\n-- a version 7 in a comment\nCREATE;\n-- version 2\nALTER;\n'
  t.strictSame(parseSchema(text), [
    { version: 1, text: '\n-- a version 7 in a comment\nCREATE;\n' },
    { version: 2, text: '\nALTER;\n' },
  ])
  t.throws(() => parseSchema('CREATE TABLE x (y);'), /no version/)
  t.throws(() => parseSchema('-- version 2\n'), /out of order/)
  t.throws(() => parseSchema('-- version 1\n-- version 1\n'), /out of order/)
})

await onBothEngines(t, async (t, engine) => {
  await t.test('openDatabase: new database → the schema; again → nothing to do', async t => {
    const options = await engine.fresh()
    const database = await engine.open(t, options)
    t.strictSame(await versions(database), released)
    t.match(await database.read(() => one(ENVIRONMENTS, [])), { n: 0 })
    await t.rejects(
      database.write(() => run(IDENTITY, [])),
      { name: 'StatementFailed', message: /foreign key/i },
      'foreign keys are enforced',
    )
    const again = await engine.open(t, options)
    t.strictSame(await versions(again), released)
  })

  await t.test('openDatabase: database of a newer release → SchemaTooNew, unchanged', async t => {
    const options = await engine.fresh()
    const database = await engine.open(t, options)
    await database.write(() => run(NEWER, [7]))
    await t.rejects(openDatabase(options), { name: 'SchemaTooNew', found: 7, known: 2, message: /newer/ })
    t.strictSame(await versions(database), [...released, 7])
  })

  await t.test('applySchema: one version behind → only the missing one, rows kept', async t => {
    const database = await withoutSchema(await engine.fresh())
    t.teardown(() => database.close())
    await applySchema(database, [first])
    await database.write(() => run(ADD_FRUIT, ['lime']))
    await applySchema(database, [first, second])
    t.strictSame(await versions(database), [1, 2])
    t.match(await database.read(() => all(FRUITS, [])), [{ name: 'lime', colour: 'green' }])
    await applySchema(database, [first, second])
    t.strictSame(await versions(database), [1, 2])
  })

  await t.test('applySchema: a statement of a version fails → all of it undone, retried next time', async t => {
    const database = await withoutSchema(await engine.fresh())
    t.teardown(() => database.close())
    await applySchema(database, [first])
    await t.rejects(applySchema(database, [first, broken]), { name: 'StatementFailed' })
    t.strictSame(await versions(database), [1])
    await applySchema(database, [first, { version: 2, text: 'CREATE TABLE half (id BIGINT PRIMARY KEY);' }])
    t.strictSame(await versions(database), [1, 2])
  })

  await t.test('openDatabase: 8 processes start at once on an empty database → all succeed, applied once', async t => {
    const options = await engine.fresh()
    const children = Array.from({ length: 8 }, () => startOpener(options))
    try {
      await Promise.all(children.map(child => child.ready))
      for (const { process } of children) process.stdin?.end('go\n')
      const outputs = await Promise.all(children.map(child => child.ended))
      t.strictSame(
        outputs,
        children.map(() => 'ready\nopened 0\n'),
      )
    } finally {
      for (const { process } of children) process.kill('SIGKILL')
    }
    const database = await engine.open(t, options)
    t.strictSame(await versions(database), released)
  })
})

/** The database as it is, without the schema of this release. */
async function withoutSchema({ url, file }: DatabaseOptions): Promise<Database> {
  if (url === undefined) return openSqlite({ file: file ?? '', durability: 'process' })
  const { openPostgres } = await import('../../platform/database/postgres.ts')
  return openPostgres({ url, poolSize: 4 })
}

interface Opener {
  readonly process: ChildProcess
  readonly ready: Promise<unknown>
  /** Everything it printed. */
  readonly ended: Promise<string>
}

/** A process that loads everything, says so, waits for a word and then opens the database. */
function startOpener(options: DatabaseOptions): Opener {
  const extension = extname(import.meta.url)
  const folder = new URL('../../platform/database/', import.meta.url)
  const program = `
    const { openDatabase } = await import(${JSON.stringify(new URL(`index${extension}`, folder).href)})
    const { one, sql } = await import(${JSON.stringify(new URL(`unit${extension}`, folder).href)})
    await import(${JSON.stringify(new URL(`postgres${extension}`, folder).href)})
    const count = sql('SELECT COUNT(*) AS n FROM environments')
    console.log('ready')
    for await (const word of process.stdin) break
    const database = await openDatabase(${JSON.stringify(options)})
    console.log('opened', (await database.read(() => one(count, []))).n)
    await database.close()
  `
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  return { process: child, ready: once(child.stdout, 'data'), ended: once(child, 'close').then(() => output) }
}
