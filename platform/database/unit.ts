/**
 * The unit of work: a generator that yields statements and receives their rows. One rule is written once and runs on
 * both engines: SQLite drives it to the end synchronously, PostgreSQL awaits each statement on one connection.
 *
 *     function* claimPort(owner: number): Unit<number | undefined> {
 *       const row = yield* one<{ port: number }>(FREE_PORT, [])
 *       if (row !== undefined) yield* run(CLAIM, [owner, row.port])
 *       return row?.port
 *     }
 *
 * Statements are constants made once by `sql`, in PostgreSQL's dialect within the subset SQLite also runs, with
 * parameters $1 … $n. Integers are safe JavaScript numbers, times milliseconds since 1970, bytes Buffers.
 */
export type Value = string | number | null | Uint8Array
export type Row = Readonly<Record<string, Value>>

export interface Statement {
  readonly text: string
  /** Name of the prepared statement on PostgreSQL; also the index of the SQLite driver's prepared statement. */
  readonly id: number
  /** True when it answers rows (SELECT or RETURNING). */
  readonly returnsRows: boolean
}

let statements = 0
/** Makes a statement. Call it at module level only: every statement is prepared once per connection and kept. */
export function sql(text: string): Statement {
  const trimmed = text.trim()
  const returnsRows = /^(select|with|values)\b/i.test(trimmed) || /\breturning\b/i.test(trimmed)
  return { text: trimmed, id: statements++, returnsRows }
}

export interface Step {
  readonly statement: Statement
  readonly values: readonly Value[]
}
/** Several statements in one text, without parameters: a version of the schema. Neither prepared nor kept. */
export function script(text: string): Statement {
  return { text, id: -1, returnsRows: false }
}

/** What a driver hands back: rows of a query, or the number of rows a statement changed. */
export interface Outcome {
  readonly rows: readonly Row[]
  readonly changes: number
}
export type Unit<T> = Generator<Step, T, Outcome>

/** The result of a unit that wants everything it wrote undone: `return new Rollback(fault)` answers `fault`. */
export class Rollback<T> {
  /** Tells it, to the compiler, from other things that have a `value`. */
  declare protected readonly rollback: true
  readonly value: T
  constructor(value: T) {
    this.value = value
  }
}
/** What the caller of a unit receives. */
export type Settled<T> = T extends Rollback<infer U> ? U : T

/** All rows of a statement. */
export function* all<R = Row>(statement: Statement, values: readonly Value[]): Unit<readonly R[]> {
  return (yield { statement, values }).rows as readonly R[]
}
/** The first row of a statement, or undefined. */
export function* one<R = Row>(statement: Statement, values: readonly Value[]): Unit<R | undefined> {
  return (yield { statement, values }).rows[0] as R | undefined
}
/** Runs a statement; answers how many rows it changed. */
export function* run(statement: Statement, values: readonly Value[]): Unit<number> {
  return (yield { statement, values }).changes
}

export interface Database {
  readonly engine: 'sqlite' | 'postgres'
  /**
   * Runs a unit that only reads, on one snapshot. On SQLite the answer is immediate, never a promise, and so is a
   * failure: it throws. A unit may run more than once, as in `write`.
   */
  read<T>(unit: () => Unit<T>): T | Promise<T>
  /**
   * Runs `callback` now; what it reads before it returns may share one snapshot with other such callbacks of this turn
   * of the event loop. For the callbacks in which requests arrive, and for nothing else: a request that began to arrive
   * before another process's commit may be answered as before it, one that is sent after it may not.
   */
  shareReads(callback: () => void): void
  /**
   * A number that is another one whenever any process may have committed something since; undefined where telling
   * would cost as much as reading. What was read under a stamp holds as long as the stamp is the same.
   */
  stamp(): number | undefined
  /**
   * Runs a unit atomically and answers after its commit. Units that arrive together may share a transaction; each is
   * undone alone (a savepoint) when it throws or returns a Rollback. A unit may run more than once (serialization
   * retries), so it must have no effects but its statements.
   */
  write<T>(unit: () => Unit<T>): Promise<Settled<T>>
  /** Runs a unit that may change the schema, alone under the schema's lock; used by `applySchema`. */
  exclusive<T>(unit: () => Unit<T>): Promise<Settled<T>>
  /** Waits for what is under way, then closes. */
  close(): Promise<void>
}

/** The database cannot be reached, is locked for too long, or is full: answered *unavailable*, not *internal*. */
export class DatabaseUnavailable extends Error {
  override readonly name = 'DatabaseUnavailable'
  /** The disk under the database is full. */
  readonly full: boolean
  /** The unit may have been committed all the same: what it names must be kept. */
  readonly undecided: boolean
  constructor(message: string, options: { cause?: unknown; full?: boolean; undecided?: boolean } = {}) {
    super(message, { cause: options.cause })
    this.full = options.full ?? false
    this.undecided = options.undecided ?? false
  }
}

/** A statement that the engine refused (a constraint, a type, a bug): answered *internal*. `cause` is the engine's. */
export class StatementFailed extends Error {
  override readonly name = 'StatementFailed'
  constructor(message: string, statement: string, cause: unknown) {
    super(`${message} in: ${statement.replace(/\s+/g, ' ').slice(0, 120)}`, { cause })
  }
}
