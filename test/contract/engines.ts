/** Runs one suite on both engines. PostgreSQL absent is a visible skip with its reason. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { type DatabaseOptions, openDatabase } from '../../platform/database/index.ts'
import type { Database } from '../../platform/database/unit.ts'
import { startPostgres } from '../support/postgres.ts'

export interface Engine {
  readonly name: 'sqlite' | 'postgres'
  /** Options of a new, empty database: without the schema until it is opened. */
  fresh(): Promise<DatabaseOptions>
  /** Opens a new database with the schema, or the given one again; closed when the test ends. */
  open(t: Test, options?: DatabaseOptions): Promise<Database>
}

export async function onBothEngines(t: Test, suite: (t: Test, engine: Engine) => Promise<void>): Promise<void> {
  await t.test('sqlite', async t => {
    const folder = await mkdtemp(join(tmpdir(), 'mockfactory-sqlite-'))
    t.teardown(() => rm(folder, { recursive: true, force: true }))
    let files = 0
    const fresh = async (): Promise<DatabaseOptions> => ({
      file: join(folder, `${files++}.db`),
      ephemeral: false,
      durability: 'process',
    })
    await suite(t, { name: 'sqlite', fresh, open: opener(fresh) })
  })
  const server = await startPostgres()
  if ('skip' in server) {
    await t.test('postgres', { skip: server.skip }, async () => {})
    return
  }
  await t.test('postgres', async t => {
    t.teardown(() => server.stop())
    const fresh = async (): Promise<DatabaseOptions> => ({
      url: await server.createDatabase(),
      ephemeral: false,
      durability: 'process',
    })
    await suite(t, { name: 'postgres', fresh, open: opener(fresh) })
  })
}

function opener(fresh: Engine['fresh']): Engine['open'] {
  return async (t, options) => {
    const database = await openDatabase(options ?? (await fresh()))
    t.teardown(() => database.close())
    return database
  }
}
