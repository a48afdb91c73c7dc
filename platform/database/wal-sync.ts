/**
 * Puts committed pages of the write-ahead log on stable storage, off the event loop and in groups: a batch that commits
 * while a sync is under way waits for the next one, together with all others that do.
 *
 * Opening and closing another descriptor on the log is harmless: POSIX drops a process's locks on a file when it closes
 * any descriptor of it, but SQLite's locks live on the database file and on -shm, which this file never opens. SQLite
 * itself syncs the log before it copies pages to the database, and the database before it starts the log over.
 */
import { closeSync, fdatasync, fsync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseUnavailable } from './unit.ts'

type Done = (error: Error | undefined) => void

export class WalSync {
  /** Set for ever once a sync failed: the kernel may have dropped the pages, and a later success would prove nothing. */
  failure: DatabaseUnavailable | undefined
  readonly #file: string
  readonly #onError: (error: Error) => void
  #descriptor: number | undefined
  #waiting: Done[] = []
  #running = false
  #idle: (() => void) | undefined

  constructor(file: string, onError: (error: Error) => void) {
    this.#file = file
    this.#onError = onError
  }

  /** Calls back, later, when everything committed before the call is on stable storage. */
  flush(done: Done): void {
    this.#waiting.push(done)
    if (!this.#running) this.#start()
  }

  #start(): void {
    const group = this.#waiting
    this.#waiting = []
    this.#running = true
    const finish = (error: Error | null): void => {
      if (error !== null && this.failure === undefined) {
        this.failure = new DatabaseUnavailable('the write-ahead log could not be synced; restart to recover', {
          cause: error,
          undecided: true,
        })
        this.#onError(this.failure)
      }
      for (const done of group) done(this.failure)
      this.#running = false
      if (this.#waiting.length > 0) this.#start()
      else this.#idle?.()
    }
    if (this.failure !== undefined) {
      setImmediate(finish, null)
      return
    }
    try {
      const first = this.#descriptor === undefined
      const descriptor = (this.#descriptor ??= openSync(`${this.#file}-wal`, 'r+'))
      fdatasync(descriptor, error => (error === null && first ? this.#syncFolder(finish) : finish(error)))
    } catch (error) {
      setImmediate(finish, error as Error)
    }
  }

  /** The log's name must survive as well. */
  #syncFolder(done: (error: Error | null) => void): void {
    const folder = openSync(dirname(this.#file), 'r')
    fsync(folder, error => {
      closeSync(folder)
      done(error)
    })
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    if (this.#running) await new Promise<void>(resolve => (this.#idle = resolve))
    if (this.#descriptor !== undefined) closeSync(this.#descriptor)
    this.#descriptor = undefined
  }
}
