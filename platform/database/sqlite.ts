/**
 * SQLite, embedded: one connection per process, everything synchronous on the event loop.
 *
 * Reads run at once and answer at once. Writes wait for the end of the event-loop turn and share one transaction
 * (group commit); a unit that fails is undone alone. States of a write: queued → executed (in an open transaction)
 * → committed → (durability `power`) on stable storage → answered. Invariants:
 * - a write's transaction is never open when control returns to the event loop, so a read sees no uncommitted row;
 * - a snapshot that reads share ends with the turn it began in, and before any write begins;
 * - an answer is given after its commit only, and every unit of a batch whose commit failed fails;
 * - after any failure the connection is out of its transaction and usable again.
 */
import { drive } from './drive.ts'
import { Checkpointer } from './sqlite-checkpoint.ts'
import { SqliteConnection } from './sqlite-connection.ts'
import { isBusy, sqliteFailure } from './sqlite-failure.ts'
import {
  type Database,
  DatabaseUnavailable,
  type Outcome,
  Rollback,
  type Settled,
  type Step,
  type Unit,
} from './unit.ts'
import { WalSync } from './wal-sync.ts'

export interface SqliteOptions {
  /** A path, or ':memory:'. Its folder must exist. */
  readonly file: string
  /** `process`: an answered write survives kill -9. `power`: it also survives loss of power. */
  readonly durability: 'process' | 'power'
  /** How long a write waits for other processes' transactions before it answers DatabaseUnavailable; 5,000. */
  readonly lockWaitMs?: number
  /** Told of outages (failed commits, failed syncs), which their callers only see as *unavailable*. */
  readonly onError?: (error: Error) => void
}

const lockWaitDefaultMs = 5000
/** A batch ends at whichever comes first, so that a turn of the event loop stays short. */
const batchUnits = 128
const batchMs = 4

interface Job {
  readonly unit: () => Unit<unknown>
  readonly resolve: (value: never) => void
  readonly reject: (error: unknown) => void
  readonly queuedAtMs: number
  /** Runs in a transaction of its own. */
  readonly exclusive: boolean
  failed: boolean
  /** The unit's answer, or its error. */
  result: unknown
}

/** Opens (and creates) a database, synchronously. @throws DatabaseUnavailable */
export function openSqlite(options: SqliteOptions): SqliteDatabase {
  return new SqliteDatabase(options)
}

export class SqliteDatabase implements Database {
  readonly engine = 'sqlite'
  readonly #connection: SqliteConnection
  readonly #sync: WalSync | undefined
  readonly #checkpointer: Checkpointer | undefined
  readonly #onError: (error: Error) => void
  readonly #lockWaitMs: number
  /** By id of a read unit's first statement: whether such units go on to a second one. */
  readonly #readsMore: boolean[] = []
  readonly #queue: Job[] = []
  /** Jobs before this index have been taken; they leave the queue at the end of the turn. */
  #head = 0
  #scheduled = false
  #paused = false
  #closed = false
  /** Set while `close` waits for the queue. */
  #drained: (() => void) | undefined
  /** Whether the running unit must have a savepoint before it writes, and whether it has written. */
  #wantsSavepoint = false
  #wrote = false
  /** Within `shareReads`. */
  #sharing = false
  #stamp = 0
  #foreignCommits = -1
  /** A snapshot is open until the end of the turn. */
  #snapshot = false
  readonly #flushSoon = (): void => this.#flush()
  readonly #endSnapshotSoon = (): void => this.#endSnapshot()
  readonly #executeRead = (step: Step): Outcome => this.#connection.execute(step)
  readonly #executeWrite = (step: Step): Outcome => this.#executeInBatch(step)

  constructor({ file, durability, lockWaitMs = lockWaitDefaultMs, onError }: SqliteOptions) {
    this.#onError = onError ?? (() => {})
    this.#lockWaitMs = lockWaitMs
    this.#connection = new SqliteConnection(file, lockWaitMs)
    const { db } = this.#connection
    if (db.memory) return
    this.#checkpointer = new Checkpointer(file, db, paused => this.#pause(paused))
    if (durability === 'power') this.#sync = new WalSync(file, this.#onError)
  }

  /** Answers at once and throws at once: never a promise. */
  read<T>(unit: () => Unit<T>): T {
    if (this.#sharing && !this.#snapshot) this.#beginSnapshot()
    if (this.#snapshot) return drive(unit(), this.#executeRead)
    const running = unit()
    let result = running.next()
    if (result.done === true) return result.value
    const { id } = result.value.statement
    if (this.#readsMore[id] !== true) {
      let outcome: Outcome
      try {
        outcome = this.#connection.execute(result.value)
      } catch (error) {
        running.throw(error)
        throw error
      }
      result = running.next(outcome)
      if (result.done === true) return result.value
      // It reads more than once, and other processes write to the file: from now on always on one snapshot.
      this.#readsMore[id] = true
    }
    running.return(undefined as T)
    return this.#readSnapshot(unit)
  }

  /**
   * A statement on its own costs 2 of 8 µs for the locks it takes and gives back; requests that arrive together take
   * them once (bench/micro/database.ts).
   */
  shareReads(callback: () => void): void {
    this.#sharing = this.#connection.shareable
    try {
      callback()
    } finally {
      this.#sharing = false
    }
  }

  /** Only within `shareReads`, where one look at the file serves the whole turn. */
  stamp(): number | undefined {
    if (!this.#sharing) return undefined
    if (!this.#snapshot) this.#beginSnapshot()
    return this.#stamp
  }

  #beginSnapshot(): void {
    try {
      this.#connection.beginRead()
    } catch (error) {
      throw sqliteFailure(error)
    }
    this.#snapshot = true
    // The first statement takes the snapshot; this one counts other connections' commits.
    const foreign = this.#connection.dataVersion()
    if (foreign !== this.#foreignCommits) {
      this.#foreignCommits = foreign
      this.#stamp++
    }
    setImmediate(this.#endSnapshotSoon)
  }

  #endSnapshot(): void {
    if (!this.#snapshot) return
    this.#snapshot = false
    // A failed read may have ended it.
    if (this.#connection.inTransaction) this.#connection.commit()
  }

  #readSnapshot<T>(unit: () => Unit<T>): T {
    const connection = this.#connection
    if (connection.inTransaction) return drive(unit(), this.#executeRead)
    try {
      connection.beginRead()
    } catch (error) {
      throw sqliteFailure(error)
    }
    try {
      return drive(unit(), this.#executeRead)
    } finally {
      if (connection.inTransaction) connection.commit()
    }
  }

  write<T>(unit: () => Unit<T>): Promise<Settled<T>> {
    return this.#enqueue(unit, false)
  }

  exclusive<T>(unit: () => Unit<T>): Promise<Settled<T>> {
    return this.#enqueue(unit, true)
  }

  #enqueue<T>(unit: () => Unit<T>, exclusive: boolean): Promise<Settled<T>> {
    return new Promise<Settled<T>>((resolve, reject) => {
      if (this.#closed) {
        reject(new DatabaseUnavailable('the database is closed'))
        return
      }
      const queuedAtMs = performance.now()
      this.#queue.push({ unit, resolve, reject, queuedAtMs, exclusive, failed: false, result: undefined })
      this.#schedule()
    })
  }

  #schedule(): void {
    if (this.#scheduled || this.#paused) return
    this.#scheduled = true
    setImmediate(this.#flushSoon)
  }

  #pause(paused: boolean): void {
    this.#paused = paused
    if (!paused && this.#queue.length > 0) this.#schedule()
  }

  #flush(): void {
    this.#scheduled = false
    if (this.#paused) return
    this.#endSnapshot()
    if (this.#sync?.failure !== undefined) this.#failQueued(this.#sync.failure)
    else if (this.#queue.length > 0 && this.#beginBatch()) this.#runBatch()
    this.#queue.splice(0, this.#head)
    this.#head = 0
    if (this.#queue.length > 0) this.#schedule()
    else this.#drained?.()
  }

  /** True once this process is the writer; false when it has to come back later, or when waiting units failed. */
  #beginBatch(): boolean {
    try {
      this.#connection.begin()
      return true
    } catch (error) {
      const waitedMs = performance.now() - this.#queue[this.#head]!.queuedAtMs
      if (isBusy(error) && waitedMs < this.#lockWaitMs) {
        // Off the event loop, where SQLite's own waiting would hold up every reader.
        this.#scheduled = true
        setTimeout(this.#flushSoon, 1 + Math.random() * 4)
        return false
      }
      const failure = sqliteFailure(error)
      this.#onError(failure)
      if (isBusy(error)) this.#failFirst(failure)
      else this.#failQueued(failure)
      return false
    }
  }

  /**
   * Runs the first units of the queue in the open transaction, commits, answers. It hopes that none must be undone: a
   * savepoint each costs 3 of 25 µs (bench/micro/database.ts). When one must be, and it wrote, and it is not alone, the
   * batch is rolled back and run again with savepoints.
   */
  #runBatch(savepoints = false): void {
    const batch = this.#takeBatch()
    const ended = this.#runJobs(batch, savepoints)
    if (ended === 'again') {
      this.#head -= batch.length
      if (this.#beginBatch()) this.#runBatch(true)
      return
    }
    this.#stamp++
    if (ended === 'committed') this.#checkpointer?.committed()
    else {
      this.#onError(ended)
      if (ended instanceof DatabaseUnavailable && ended.full) this.#checkpointer?.makeRoom()
      for (const job of batch) if (!job.failed) fail(job, ended)
    }
    if (ended === 'committed' && this.#sync !== undefined) this.#answerWhenSynced(this.#sync, batch)
    else settle(batch)
  }

  #takeBatch(): Job[] {
    const end = Math.min(this.#head + batchUnits, this.#queue.length)
    let to = this.#head + 1
    if (!this.#queue[this.#head]!.exclusive) while (to < end && !this.#queue[to]!.exclusive) to++
    const batch = this.#queue.slice(this.#head, to)
    this.#head = to
    return batch
  }

  /**
   * Answers `again` when savepoints are needed, an error when the transaction is gone. Units for which there was no
   * time stay in the queue and leave `batch`.
   */
  #runJobs(batch: Job[], savepoints: boolean): 'committed' | 'again' | Error {
    const connection = this.#connection
    const endAtMs = performance.now() + batchMs
    try {
      for (let i = 0; i < batch.length; i++) {
        const job = batch[i]!
        const undo = this.#runJob(job, savepoints)
        // SQLite itself rolls back on some failures (a full disk among them), and takes the neighbours with it.
        if (!connection.inTransaction) return rolledBack(job.result)
        if (this.#wrote) {
          if (undo && !savepoints) {
            connection.rollback()
            if (batch.length > 1) return 'again'
          } else if (undo) connection.undo()
          else if (savepoints) connection.keep()
        }
        if (performance.now() > endAtMs) this.#head -= batch.splice(i + 1).length
      }
      if (connection.inTransaction) connection.commit()
      return 'committed'
    } catch (error) {
      this.#rollbackAll()
      return sqliteFailure(error)
    }
  }

  /** Runs one unit; answers whether what it wrote must be undone. */
  #runJob(job: Job, savepoint: boolean): boolean {
    this.#wantsSavepoint = savepoint
    this.#wrote = false
    job.failed = false
    try {
      const value = drive(job.unit(), this.#executeWrite)
      job.result = value instanceof Rollback ? value.value : value
      return value instanceof Rollback
    } catch (error) {
      fail(job, error)
      return true
    }
  }

  /** A savepoint is opened by the first statement that writes: a unit that finds its condition unmet needs none. */
  #executeInBatch(step: Step): Outcome {
    const connection = this.#connection
    if (!this.#wrote) {
      try {
        if (connection.writes(step.statement)) {
          if (this.#wantsSavepoint) connection.save()
          this.#wrote = true
        }
      } catch (error) {
        throw sqliteFailure(error, step.statement.text)
      }
    }
    return connection.execute(step)
  }

  #rollbackAll(): void {
    try {
      if (this.#connection.inTransaction) this.#connection.rollback()
    } catch (error) {
      // Nothing else can be done with this connection: each later BEGIN fails and says so.
      this.#onError(sqliteFailure(error))
    }
  }

  #answerWhenSynced(sync: WalSync, batch: readonly Job[]): void {
    sync.flush(error => {
      if (error !== undefined) for (const job of batch) if (!job.failed) fail(job, error)
      settle(batch)
    })
  }

  #failFirst(error: Error): void {
    this.#queue[this.#head++]!.reject(error)
  }
  #failQueued(error: Error): void {
    while (this.#head < this.#queue.length) this.#failFirst(error)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    if (this.#queue.length > 0) await new Promise<void>(resolve => (this.#drained = resolve))
    await this.#sync?.close()
    await this.#checkpointer?.close()
    this.#endSnapshot()
    this.#connection.close()
  }
}

function fail(job: Job, error: unknown): void {
  job.failed = true
  job.result = error
}
function settle(batch: readonly Job[]): void {
  for (const job of batch) {
    if (job.failed) job.reject(job.result)
    else job.resolve(job.result as never)
  }
}

function rolledBack(cause: unknown): DatabaseUnavailable {
  const full = cause instanceof DatabaseUnavailable && cause.full
  return new DatabaseUnavailable('SQLite rolled the transaction back', { cause, full })
}
