/**
 * Blob ids, unique for ever. A gateway claims blocks of 4,096 and hands them out from memory, so that almost no write
 * waits for an id; it registers in `gateways` and keeps a heartbeat there, so that others may look after the files it
 * leaves when it dies.
 *
 * States: registered (heartbeats change its row) → found dead by a sweeper (its row says so: it registers anew and drops
 * the ids it holds) → stopped (its row says dead: its blocks are looked through at once).
 */
import type { Clock } from '../../platform/clock.ts'
import { type Database, run, sql, type Unit } from '../../platform/database/unit.ts'
import { blobsPerBlock } from '../bytes/contract.ts'
import { nextOf } from './counters.ts'

const REGISTER = sql(`INSERT INTO gateways (id, seen_at, dead) VALUES ($1, $2, 0)`)
const BEAT = sql(`UPDATE gateways SET seen_at = $1 WHERE id = $2 AND dead = 0`)
const BURY = sql(`UPDATE gateways SET dead = 1 WHERE id = $1`)
const BURY_OTHERS = sql(`UPDATE gateways SET dead = 1 WHERE dead = 0`)
const CLAIM = sql(`INSERT INTO blob_blocks (block, gateway_id, swept) VALUES ($1, $2, 0)`)

export const heartbeatMs = 10_000
/** The next block is claimed when this many ids are left: the rest covers the writes of the meantime. */
const claimAt = blobsPerBlock / 2

export interface BlobIdsOptions {
  readonly database: Database
  /** Not used for heartbeats: a test that moves the time must not kill a gateway. */
  readonly clock?: Clock
  /** No other process uses this store: every gateway registered before is dead. */
  readonly alone?: boolean
  readonly onError?: (error: unknown) => void
}

export class BlobIds {
  readonly #database: Database
  readonly #onError: (error: unknown) => void
  readonly #timer: NodeJS.Timeout
  #gatewayId: number
  /** Changes when the gateway registers anew: ids claimed before do not count. */
  #generation = 0
  #next = 0
  #end = 0
  #ahead: number[] = []
  #claiming: Promise<void> | undefined
  #beating: Promise<void> | undefined
  #stopped = false

  private constructor({ database, onError }: BlobIdsOptions, gatewayId: number) {
    this.#database = database
    this.#onError = onError ?? (() => {})
    this.#gatewayId = gatewayId
    this.#timer = setInterval(() => {
      this.#beating ??= this.heartbeat()
        .catch(this.#onError)
        .finally(() => {
          this.#beating = undefined
        })
    }, heartbeatMs)
    this.#timer.unref()
  }

  /** Registers this gateway and claims its first block. @throws DatabaseUnavailable */
  static async start(options: BlobIdsOptions): Promise<BlobIds> {
    const gatewayId = await options.database.write(() => register(options.alone ?? false))
    const ids = new BlobIds(options, gatewayId)
    await ids.#claim()
    return ids
  }

  get gatewayId(): number {
    return this.#gatewayId
  }

  /** An id nobody had before. A promise only when the ids in memory have run out; it rejects when the database fails. */
  next(): number | Promise<number> {
    if (this.#next < this.#end || this.#advance()) {
      if (this.#ahead.length === 0 && this.#end - this.#next <= claimAt) this.#claim().catch(this.#onError)
      return this.#next++
    }
    return this.#claim().then(() => this.next())
  }

  /** As `next`, at once; throws when there is none: call `ensure` before. */
  take(): number {
    const id = this.#next < this.#end || this.#advance() ? this.next() : undefined
    if (typeof id !== 'number') throw new Error('no blob id at hand: ensure() was not called')
    return id
  }

  /** Sees to it that `take` succeeds `count` times, if nothing else takes ids meanwhile. */
  ensure(count: number): void | Promise<void> {
    if (this.#left() >= count) return
    return this.#claim().then(() => this.ensure(count))
  }

  /** Says that this gateway lives; every 10 s by itself. Registers anew when it was taken for dead. */
  async heartbeat(): Promise<void> {
    const id = this.#gatewayId
    const alive = await this.#database.write(() => beat(id))
    if (!alive && !this.#stopped && id === this.#gatewayId) await this.#revive()
  }

  async stop(): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    clearInterval(this.#timer)
    await this.#claiming?.catch(() => {})
    await this.#beating
    const id = this.#gatewayId
    await this.#database.write(function* () {
      yield* run(BURY, [id])
    })
  }

  #left(): number {
    return this.#end - this.#next + this.#ahead.length * blobsPerBlock
  }

  #advance(): boolean {
    const block = this.#ahead.shift()
    if (block === undefined) return false
    this.#next = block * blobsPerBlock
    this.#end = this.#next + blobsPerBlock
    return true
  }

  #claim(): Promise<void> {
    this.#claiming ??= this.#claimBlock().finally(() => {
      this.#claiming = undefined
    })
    return this.#claiming
  }

  async #claimBlock(): Promise<void> {
    for (;;) {
      const generation = this.#generation
      const id = this.#gatewayId
      const block = await this.#database.write(() => claim(id))
      if (block === undefined) await this.#revive()
      else if (generation === this.#generation) {
        this.#ahead.push(block)
        return
      }
    }
  }

  async #revive(): Promise<void> {
    const before = this.#gatewayId
    const id = await this.#database.write(() => register(false))
    if (before !== this.#gatewayId) return
    this.#gatewayId = id
    this.#generation++
    this.#ahead = []
    this.#next = this.#end = 0
  }
}

function* register(alone: boolean): Unit<number> {
  if (alone) yield* run(BURY_OTHERS, [])
  const id = yield* nextOf('gateway')
  yield* run(REGISTER, [id, Date.now()])
  return id
}

function* beat(id: number): Unit<boolean> {
  return (yield* run(BEAT, [Date.now(), id])) === 1
}

/** undefined when this gateway was taken for dead. */
function* claim(gatewayId: number): Unit<number | undefined> {
  if (!(yield* beat(gatewayId))) return undefined
  const block = yield* nextOf('blob-block')
  yield* run(CLAIM, [block, gatewayId])
  return block
}
