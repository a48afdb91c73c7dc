/** The catalogue's database: SQLite in a file or in memory, or PostgreSQL when there is a URL. */
import { applySchema } from './schema.ts'
import { openSqlite } from './sqlite.ts'
import type { Database } from './unit.ts'

export interface DatabaseOptions {
  /** postgres://user:password@host:port/name; SQLite without it. */
  readonly url?: string | undefined
  /** SQLite's file; its folder must exist. */
  readonly file?: string | undefined
  /** Keep everything in memory (SQLite), whatever `file` says. */
  readonly ephemeral: boolean
  readonly durability: 'process' | 'power'
  /** Connections to PostgreSQL at most. */
  readonly poolSize?: number | undefined
  readonly onError?: ((error: Error) => void) | undefined
}

/**
 * Opens the database and brings its schema up to date.
 * @throws DatabaseUnavailable, SchemaTooNew
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const database = await open(options)
  try {
    await applySchema(database)
  } catch (error) {
    await database.close()
    throw error
  }
  return database
}

async function open({ url, file, ephemeral, durability, poolSize = 10, onError }: DatabaseOptions): Promise<Database> {
  const told = onError === undefined ? {} : { onError }
  if (url !== undefined && url !== '') {
    // Loaded only when asked for: the embedded server starts without paying for the PostgreSQL client.
    const { openPostgres } = await import('./postgres.ts')
    return openPostgres({ url, poolSize, ...told })
  }
  if (ephemeral) return openSqlite({ file: ':memory:', durability: 'process', ...told })
  if (file === undefined || file === '') throw new Error('a database needs a URL, a file, or to be ephemeral')
  return openSqlite({ file, durability, ...told })
}
