/**
 * PostgreSQL, shared by any number of gateways: a bounded pool, one connection per unit while it runs.
 *
 * A write unit is one SERIALIZABLE transaction, run again when it conflicts. A read unit of one statement is that
 * statement alone; of several, one REPEATABLE READ READ ONLY transaction. The connection of a unit goes back to the
 * pool outside any transaction, or is destroyed.
 */
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { driveAsync } from './drive.ts'
import { isConflict, isConnectionLost, isUniqueViolation, postgresFailure } from './postgres-failure.ts'
import {
  all,
  type Database,
  DatabaseUnavailable,
  type Outcome,
  one,
  Rollback,
  run,
  type Settled,
  type Step,
  sql,
  type Unit,
} from './unit.ts'

export interface PostgresOptions {
  /** postgres://user:password@host:port/name */
  readonly url: string
  /** Connections at most. */
  readonly poolSize: number
  /** How long a statement waits for a lock before its unit answers DatabaseUnavailable; 5,000. */
  readonly lockTimeoutMs?: number
  /** Told of lost idle connections, which no caller sees. */
  readonly onError?: (error: Error) => void
}

/** For a free connection of the pool, and for making one. */
const connectTimeoutMs = 5_000
const statementTimeoutMs = 15_000
/** The server keeps to the limit above; beyond it the network, or a machine that was paused, has swallowed the answer. */
const answerTimeoutMs = statementTimeoutMs + 1_000
const lockTimeoutDefaultMs = 5_000
/** A gateway that stops in the middle of a unit (a debugger, a paused machine) must not block the others. */
const idleInTransactionTimeoutMs = 30_000
/** Conflicts are retried for this long, then the unit answers DatabaseUnavailable. */
const retryLimitMs = 10_000
/** From this attempt on a unit stands in line with the others of this process that conflict. */
const attemptsAtOnce = 2
const backoffFirstMs = 2
const backoffMostMs = 100
/** Identifies the schema's lock among the advisory locks of the database: "mock" in ASCII. */
const schemaLock = 0x6d6f636b

const ENCODING = sql(`SELECT current_setting('server_encoding') AS encoding`)
const LOCK_TIMEOUT_OFF = sql(`SELECT set_config('lock_timeout', '0', true), set_config('statement_timeout', '0', true)`)
const LOCK_SCHEMA = sql(`SELECT pg_advisory_xact_lock($1)`)

/**
 * Connects. @throws DatabaseUnavailable when the server cannot be reached, Error when its encoding is not UTF-8.
 */
export async function openPostgres(options: PostgresOptions): Promise<Database> {
  const database = new PostgresDatabase(options)
  try {
    const row = await database.read(() => one<{ encoding: string }>(ENCODING, []))
    if (row?.encoding !== 'UTF8') throw new Error(`the database is encoded in ${row?.encoding}; it must be in UTF8`)
    return database
  } catch (error) {
    await database.close()
    throw error
  }
}

class PostgresDatabase implements Database {
  readonly engine = 'postgres'
  readonly #pool: pg.Pool
  /** By id of a read unit's first statement: whether such units go on to a second one. */
  readonly #readsMore: boolean[] = []
  readonly #underWay = new Set<Promise<unknown>>()
  /** Settles when the last unit in line has had its turn. */
  #line: Promise<void> = Promise.resolve()
  #closed = false

  constructor({ url, poolSize, lockTimeoutMs = lockTimeoutDefaultMs, onError }: PostgresOptions) {
    this.#pool = new pg.Pool({
      connectionString: url,
      max: poolSize,
      connectionTimeoutMillis: connectTimeoutMs,
      statement_timeout: statementTimeoutMs,
      lock_timeout: lockTimeoutMs,
      idle_in_transaction_session_timeout: idleInTransactionTimeoutMs,
      keepAlive: true,
      application_name: 'mockfactory',
      types: { getTypeParser } as pg.CustomTypesConfig,
    })
    // Without a listener, a connection lost while idle would end the process …
    this.#pool.on('error', error => onError?.(error))
    // … and so would one lost between two statements of a unit; the next statement reports it.
    this.#pool.on('connect', client => client.on('error', () => {}))
  }

  stamp(): undefined {
    return undefined
  }

  shareReads(callback: () => void): void {
    callback()
  }

  read<T>(unit: () => Unit<T>): Promise<T> {
    return this.#track(this.#read(unit))
  }

  async #read<T>(unit: () => Unit<T>): Promise<T> {
    const running = unit()
    const result = running.next()
    if (result.done === true) return result.value
    const { statement } = result.value
    if (this.#readsMore[statement.id] !== true) {
      const outcome = await this.#single(result.value).catch((error: unknown) => {
        running.throw(error)
        throw error
      })
      const next = running.next(outcome)
      if (next.done === true) return next.value
      this.#readsMore[statement.id] = true
    }
    running.return(undefined as T)
    return (await this.#retrying(BEGIN_READ, unit)) as T
  }

  /** One statement in a transaction of its own, on a new connection if the pooled one turns out to be dead. */
  async #single(step: Step): Promise<Outcome> {
    for (let attempt = 0; ; attempt++) {
      const client = await this.#connect()
      let broken = false
      try {
        return await query(client, step, answerTimeoutMs)
      } catch (error) {
        broken = isConnectionLost(error)
        if (!broken || attempt > 0) throw postgresFailure(error, step.statement.text)
      } finally {
        client.release(broken)
      }
    }
  }

  write<T>(unit: () => Unit<T>): Promise<Settled<T>> {
    return this.#track(this.#retrying(BEGIN_WRITE, unit))
  }

  exclusive<T>(unit: () => Unit<T>): Promise<Settled<T>> {
    return this.#track(this.#retrying(BEGIN_EXCLUSIVE, () => locked(unit)))
  }

  async #retrying<T>(begin: Step, unit: () => Unit<T>): Promise<Settled<T>> {
    const giveUpAtMs = performance.now() + retryLimitMs
    let lost = 0
    let duplicates = 0
    for (let attempt = 0; ; attempt++) {
      const ended = await (attempt < attemptsAtOnce ? this.#attempt(begin, unit) : this.#inLine(begin, unit))
      if (!(ended instanceof Failed)) return ended
      const { error, cause } = ended
      const again =
        isConflict(cause) || (isUniqueViolation(cause) && duplicates++ === 0) || (ended.connectionLost && lost++ === 0)
      if (!again) throw error
      if (performance.now() > giveUpAtMs) {
        throw new DatabaseUnavailable(`gave up after ${attempt + 1} conflicting attempts`, { cause: error })
      }
      await delay(Math.random() * Math.min(backoffMostMs, backoffFirstMs * 2 ** Math.min(attempt, 10)))
    }
  }

  /** One after the other: units that keep on conflicting mostly do so with each other, over one row. */
  async #inLine<T>(begin: Step, unit: () => Unit<T>): Promise<Settled<T> | Failed> {
    const before = this.#line
    let leave = (): void => {}
    this.#line = new Promise(resolve => (leave = resolve))
    await before
    try {
      return await this.#attempt(begin, unit)
    } finally {
      leave()
    }
  }

  /** Runs a unit once in a transaction. Answers Failed instead of throwing, so that the caller can try again. */
  async #attempt<T>(begin: Step, unit: () => Unit<T>): Promise<Settled<T> | Failed> {
    const client = await this.#connect()
    let cause: unknown
    let committing = false
    let broken = false
    const limitMs = begin === BEGIN_EXCLUSIVE ? undefined : answerTimeoutMs
    const execute = async (step: Step): Promise<Outcome> => {
      try {
        return await query(client, step, limitMs)
      } catch (error) {
        cause = error
        throw postgresFailure(error, step.statement.text)
      }
    }
    try {
      await execute(begin)
      const value = await driveAsync(unit(), execute)
      if (value instanceof Rollback) {
        await execute(ROLLBACK)
        // A unit may turn its statement's failure into an answer, but not one that trying again would mend.
        if (isConflict(cause)) return new Failed(postgresFailure(cause), cause, false)
        return value.value as Settled<T>
      }
      committing = true
      await execute(COMMIT)
      return value as Settled<T>
    } catch (error) {
      const connectionLost = cause !== undefined && isConnectionLost(cause)
      broken = connectionLost || !(await rolledBack(client))
      // A connection lost during COMMIT leaves the outcome unknown: running the unit again could apply it twice.
      if (connectionLost && committing)
        return new Failed(
          new DatabaseUnavailable('the connection was lost during COMMIT', { cause, undecided: true }),
          cause,
          false,
        )
      return new Failed(error, cause, connectionLost)
    } finally {
      client.release(broken)
    }
  }

  async #connect(): Promise<pg.PoolClient> {
    if (this.#closed) throw new DatabaseUnavailable('the database is closed')
    try {
      return await this.#pool.connect()
    } catch (error) {
      throw postgresFailure(error)
    }
  }

  async #track<T>(work: Promise<T>): Promise<T> {
    this.#underWay.add(work)
    try {
      return await work
    } finally {
      this.#underWay.delete(work)
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay)
    this.#closed = true
    await this.#pool.end()
  }
}

class Failed {
  readonly error: unknown
  /** The engine's own error, when a statement failed. */
  readonly cause: unknown
  /** Before COMMIT was sent: nothing was kept. */
  readonly connectionLost: boolean
  constructor(error: unknown, cause: unknown, connectionLost: boolean) {
    this.error = error
    this.cause = cause
    this.connectionLost = connectionLost
  }
}

function command(text: string): Step {
  return { statement: { text, id: -1, returnsRows: false }, values: [] }
}
const BEGIN_READ = command('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
const BEGIN_WRITE = command('BEGIN ISOLATION LEVEL SERIALIZABLE')
/** READ COMMITTED, so that the statements after the lock see what its former holder committed. */
const BEGIN_EXCLUSIVE = command('BEGIN ISOLATION LEVEL READ COMMITTED')
const COMMIT = command('COMMIT')
const ROLLBACK = command('ROLLBACK')

async function rolledBack(client: pg.PoolClient): Promise<boolean> {
  try {
    await query(client, ROLLBACK, answerTimeoutMs)
    return true
  } catch {
    return false
  }
}

/** @param limitMs for the answer; a connection whose answer did not come counts as lost */
async function query(
  client: pg.PoolClient,
  { statement, values }: Step,
  limitMs: number | undefined,
): Promise<Outcome> {
  // The client's types leave this one of its settings out.
  const limit = limitMs === undefined ? {} : { query_timeout: limitMs }
  // A script has several statements, which only the simple protocol takes; it answers a result for each.
  if (statement.id < 0) {
    await client.query({ text: statement.text, ...limit })
    return { rows: [], changes: 0 }
  }
  const named = { name: `s${statement.id}`, text: statement.text, values: values as unknown[] }
  const result = await client.query({ ...named, ...limit })
  return { rows: result.rows as Outcome['rows'], changes: result.rowCount ?? 0 }
}

function* locked<T>(unit: () => Unit<T>): Unit<T> {
  // Another process may be applying a long change: wait for it, not for the time-outs that are right for requests.
  yield* all(LOCK_TIMEOUT_OFF, [])
  yield* run(LOCK_SCHEMA, [schemaLock])
  return yield* unit()
}

/** int8 and numeric (sums, counts) as numbers, boolean as SQLite has it; the rest as the client does it. */
const getTypeParser = (oid: number, format?: 'text' | 'binary'): unknown => {
  if (format !== 'binary') {
    if (oid === pg.types.builtins.INT8 || oid === pg.types.builtins.NUMERIC) return Number
    if (oid === pg.types.builtins.BOOL) return (text: string) => (text === 't' ? 1 : 0)
  }
  return pg.types.getTypeParser(oid, format as 'text')
}
