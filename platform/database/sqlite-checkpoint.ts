/**
 * Carries the write-ahead log's pages into the database file on a thread of its own: SQLite syncs both files for that,
 * which on the event loop cost 30 of 55 µs per small write, in stalls of 10–60 ms (bench/micro/database.ts).
 *
 * idle → copying (PASSIVE: writes go on) → finishing (RESTART: this process's writes wait, reads go on, so that the rest
 * is short and the log starts over instead of growing for as long as there are writes) → idle.
 * The thread costs 15 MB; it is started by the first full log and ended when no other follows.
 */
import { Worker } from 'node:worker_threads'
import type Sqlite from 'better-sqlite3'

/** Frames (4 KiB pages) in the log that call for a checkpoint: 16 MiB. */
const startFrames = 4096
/** Asking for the log's length costs 1.4 µs, so it is asked once in this many commits. */
const commitsPerLook = 16
const threadIdleMs = 5000

/** What a connection of its own would do without a thread; the backstop when the thread cannot run. */
export const backstopFrames = 32768

export class Checkpointer {
  readonly #file: string
  readonly #frames: Sqlite.Statement
  readonly #pause: (paused: boolean) => void
  #commits = 0
  #thread: Worker | undefined
  #running: Promise<void> | undefined
  #retire: NodeJS.Timeout | undefined

  /** @param pause stops this process's writes before they begin a transaction, and lets them go on */
  constructor(file: string, db: Sqlite.Database, pause: (paused: boolean) => void) {
    this.#file = file
    this.#frames = db.prepare('PRAGMA wal_checkpoint(NOOP)')
    this.#pause = pause
  }

  /** To be called after each commit. */
  committed(): void {
    if (++this.#commits < commitsPerLook || this.#running !== undefined) return
    this.#commits = 0
    this.#startWhenOver(startFrames)
  }

  /** The disk was full: the log may have to give its room back before anything more can be written. */
  makeRoom(): void {
    if (this.#running === undefined) this.#startWhenOver(1)
  }

  #startWhenOver(frames: number): void {
    const state = this.#frames.get() as { log: number; checkpointed: number }
    if (state.log < frames || state.log === state.checkpointed) return
    this.#running = this.#checkpoint().finally(() => {
      this.#running = undefined
      this.#retire = setTimeout(() => this.#end(), threadIdleMs).unref()
    })
  }

  async #checkpoint(): Promise<void> {
    clearTimeout(this.#retire)
    if (!(await this.#run('PASSIVE'))) return
    this.#pause(true)
    try {
      await this.#run('RESTART')
    } finally {
      this.#pause(false)
    }
  }

  /** Answers whether it was done; what fails here (a full disk) is tried again later, and the log keeps everything. */
  #run(mode: 'PASSIVE' | 'RESTART'): Promise<boolean> {
    return new Promise(resolve => {
      const thread = (this.#thread ??= this.#start())
      const settle = (done: boolean): void => {
        thread.removeAllListeners('message')
        thread.removeAllListeners('exit')
        resolve(done)
      }
      thread.once('message', (failure: string | null) => settle(failure === null))
      thread.once('exit', () => {
        this.#thread = undefined
        settle(false)
      })
      thread.postMessage(mode)
    })
  }

  #start(): Worker {
    // Beside this module, and with its ending: .js once built.
    const module = new URL(
      import.meta.url.endsWith('.ts') ? './checkpoint-thread.ts' : './checkpoint-thread.js',
      import.meta.url,
    )
    const thread = new Worker(module, {
      workerData: { file: this.#file },
      resourceLimits: { maxOldGenerationSizeMb: 24, maxYoungGenerationSizeMb: 2, stackSizeMb: 2 },
    })
    // An error ends the thread; `exit` follows it.
    thread.on('error', () => {})
    thread.unref()
    return thread
  }

  #end(): void {
    void this.#thread?.terminate()
    this.#thread = undefined
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    await this.#running
    clearTimeout(this.#retire)
    await this.#thread?.terminate()
    this.#thread = undefined
  }
}
