/**
 * Writes the replicas that were asked for, beside the requests. Any number of them may run on one store: each replica is
 * one unit of work with the end of its request.
 */
import type { Clock } from '../../platform/clock.ts'
import type { Database } from '../../platform/database/unit.ts'
import { replicate } from './replicating.ts'
import { listReplications, type ReplicationRow } from './replications.ts'

const batchRows = 100
/** They share a transaction on SQLite; in which order versions come does not matter. */
const replicasAtOnce = 8
/** For what another process wrote, or this one before it was killed. */
const intervalMs = 5_000
const wakeDelayMs = 20

export interface ReplicatorOptions {
  readonly database: Database
  readonly clock: Clock
  readonly logger?: { error(what: object, message: string): void }
}

export class Replicator {
  readonly #options: ReplicatorOptions
  #interval: NodeJS.Timeout | undefined
  #soon: NodeJS.Timeout | undefined
  #turn: Promise<void> | undefined
  #stopping = false

  constructor(options: ReplicatorOptions) {
    this.#options = options
  }

  start(): void {
    if (this.#interval !== undefined) return
    this.#stopping = false
    this.#interval = setInterval(() => this.#begin(), intervalMs)
    this.#interval.unref()
    this.#begin()
  }

  /** Looks soon: something may have been asked for. */
  wake(): void {
    if (this.#interval === undefined || this.#soon !== undefined) return
    this.#soon = setTimeout(() => {
      this.#soon = undefined
      // A turn that is under way may have looked before.
      if (this.#turn === undefined) this.#begin()
      else void this.#turn.then(() => this.#begin())
    }, wakeDelayMs)
    this.#soon.unref()
  }

  /** Ends after the replica under way; what is left is done when a gateway starts again. */
  async stop(): Promise<void> {
    this.#stopping = true
    clearInterval(this.#interval)
    clearTimeout(this.#soon)
    this.#interval = this.#soon = undefined
    await this.#turn
  }

  /** Goes once through all that is asked for. One that fails does not keep those after it waiting. */
  async replicateAll(): Promise<void> {
    const { database, clock, logger } = this.#options
    let last: ReplicationRow | undefined
    for (;;) {
      const after = last
      const rows = await database.read(() => listReplications(after, batchRows))
      for (let at = 0; at < rows.length; at += replicasAtOnce) {
        if (this.#stopping) return
        const group = rows.slice(at, at + replicasAtOnce)
        const written = group.map(row => database.write(() => replicate(row, clock.now())))
        for (const outcome of await Promise.allSettled(written))
          if (outcome.status === 'rejected') logger?.error({ err: outcome.reason }, 'replicator')
      }
      last = rows.at(-1)
      if (rows.length < batchRows) return
    }
  }

  #begin(): void {
    if (this.#stopping) return
    this.#turn ??= this.replicateAll()
      .catch((error: unknown) => this.#options.logger?.error({ err: error }, 'replicator'))
      .finally(() => {
        this.#turn = undefined
      })
  }
}
