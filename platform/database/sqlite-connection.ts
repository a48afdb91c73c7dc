/** One connection to SQLite: its settings, its prepared statements, and how one statement is run. */
import Sqlite from 'better-sqlite3'
import { backstopFrames } from './sqlite-checkpoint.ts'
import { translate } from './sqlite-dialect.ts'
import { isBusy, sqliteFailure } from './sqlite-failure.ts'
import { DatabaseUnavailable, type Outcome, type Row, type Statement, type Step, type Value } from './unit.ts'

/** How long one call into SQLite may block on a lock that another process holds. */
const lockBlockMs = 10
/** The page cache, the only part of SQLite's memory that grows with the database. */
const cacheKib = 16 * 1024
const logLimitBytes = 64 * 1024 * 1024

interface Prepared {
  readonly statement: Sqlite.Statement
  readonly order: readonly number[] | undefined
  readonly returnsRows: boolean
  readonly writes: boolean
  /** Makes a row of its columns' values. */
  readonly makeRow: (values: readonly Value[]) => Row
}

export class SqliteConnection {
  readonly db: Sqlite.Database
  readonly #prepared: (Prepared | undefined)[] = []
  readonly #begin: Sqlite.Statement
  readonly #beginRead: Sqlite.Statement
  readonly #commit: Sqlite.Statement
  readonly #dataVersion: Sqlite.Statement
  readonly #rollback: Sqlite.Statement
  readonly #savepoint: Sqlite.Statement
  readonly #release: Sqlite.Statement
  readonly #undo: Sqlite.Statement

  /** @throws DatabaseUnavailable */
  constructor(file: string, lockWaitMs: number) {
    const db = connect(file, lockWaitMs)
    this.db = db
    this.#begin = db.prepare('BEGIN IMMEDIATE')
    this.#beginRead = db.prepare('BEGIN')
    this.#commit = db.prepare('COMMIT')
    this.#dataVersion = db.prepare('PRAGMA data_version').pluck()
    this.#rollback = db.prepare('ROLLBACK')
    this.#savepoint = db.prepare('SAVEPOINT unit')
    this.#release = db.prepare('RELEASE unit')
    this.#undo = db.prepare('ROLLBACK TO unit')
  }

  /** Reads take locks that are worth sharing; those of memory do not. */
  get shareable(): boolean {
    return !this.db.memory
  }
  get inTransaction(): boolean {
    return this.db.inTransaction
  }
  /** Becomes the one writer; fails when another process is it for longer than `lockBlockMs`. */
  begin(): void {
    this.#begin.run()
  }
  beginRead(): void {
    this.#beginRead.run()
  }
  /** Changes with every commit of another connection. */
  dataVersion(): number {
    return this.#dataVersion.get() as number
  }
  commit(): void {
    this.#commit.run()
  }
  rollback(): void {
    this.#rollback.run()
  }
  save(): void {
    this.#savepoint.run()
  }
  keep(): void {
    this.#release.run()
  }
  undo(): void {
    this.#undo.run()
    this.#release.run()
  }

  writes(statement: Statement): boolean {
    return this.#prepare(statement).writes
  }

  /** @throws DatabaseUnavailable, StatementFailed */
  execute({ statement, values }: Step): Outcome {
    try {
      const prepared = this.#prepare(statement)
      const ordered = prepared.order === undefined ? values : prepared.order.map(index => values[index])
      if (prepared.returnsRows) {
        const rows = prepared.statement.all(...ordered) as (readonly Value[])[]
        const { makeRow } = prepared
        return { rows: rows.map(makeRow), changes: rows.length }
      }
      return { rows: noRows, changes: prepared.statement.run(...ordered).changes }
    } catch (error) {
      throw sqliteFailure(error, statement.text)
    }
  }

  #prepare({ id, text, returnsRows }: Statement): Prepared {
    const known = this.#prepared[id]
    if (known !== undefined) return known
    const { text: translated, order } = translate(text)
    // A script has several statements, which only `exec` takes; it is not kept.
    if (id < 0) return script(this.db, translated)
    const statement = this.db.prepare(translated)
    // `reader`, not the statement's own guess: a PRAGMA, for one, may answer rows.
    const prepared = {
      statement,
      order,
      returnsRows: returnsRows || statement.reader,
      writes: !statement.readonly,
      makeRow: statement.reader ? rowMaker(statement.raw(true)) : noRow,
    }
    this.#prepared[id] = prepared
    return prepared
  }

  close(): void {
    this.db.close()
  }
}

/**
 * A function that makes a row object in one literal. better-sqlite3's own rows set property by property through V8's
 * API: 8.2 µs for the hot read of 17 columns against 6.9 (bench/micro/database.ts). The names are our statements' own.
 */
function rowMaker(statement: Sqlite.Statement): Prepared['makeRow'] {
  const members = statement.columns().map(({ name }, i) => `${JSON.stringify(name)}: values[${i}]`)
  return new Function('values', `return { ${members.join(', ')} }`) as Prepared['makeRow']
}
function noRow(): Row {
  throw new Error('a statement without rows answered one')
}

const noRows: Outcome['rows'] = Object.freeze([])

function script(db: Sqlite.Database, text: string): Prepared {
  const run = (): { changes: number } => {
    db.exec(text)
    return { changes: 0 }
  }
  return {
    statement: { run } as unknown as Sqlite.Statement,
    order: undefined,
    returnsRows: false,
    writes: true,
    makeRow: noRow,
  }
}

/** Opens the file and sets the connection up, waiting for other processes that are doing the same. */
function connect(file: string, lockWaitMs: number): Sqlite.Database {
  const giveUpAtMs = performance.now() + lockWaitMs
  for (;;) {
    let db: Sqlite.Database | undefined
    try {
      db = new Sqlite(file, { timeout: lockWaitMs })
      configure(db)
      return db
    } catch (error) {
      db?.close()
      // SQLite does not wait for a lock when it turns WAL on: of several processes that start at once some are refused.
      if (!isBusy(error) || performance.now() > giveUpAtMs) {
        throw new DatabaseUnavailable(`${file} cannot be opened: ${error}`, { cause: error })
      }
      sleep(5 + Math.random() * 20)
    }
  }
}

function configure(db: Sqlite.Database): void {
  // Syncs at checkpoints only: a commit survives the process (the kernel has it), and no crash corrupts the file.
  db.pragma(db.memory ? 'journal_mode = MEMORY' : 'journal_mode = WAL')
  db.pragma('synchronous = NORMAL')
  db.pragma('foreign_keys = ON')
  db.pragma('temp_store = MEMORY')
  if (!db.memory) {
    db.pragma(`cache_size = -${cacheKib}`)
    // Mapping the file measured no faster than the cache, and counts as resident memory page by page.
    db.pragma('mmap_size = 0')
    db.pragma(`wal_autocheckpoint = ${backstopFrames}`)
    db.pragma(`journal_size_limit = ${logLimitBytes}`)
  }
  db.pragma(`busy_timeout = ${lockBlockMs}`)
}

function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
