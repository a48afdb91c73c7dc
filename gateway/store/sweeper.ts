/**
 * Removes what nobody names any more. Any number of sweepers may run on one store: every step is one unit of work or may
 * be done twice, and nothing is removed that a row could still name:
 * - a blob at 0 references cannot be found, so it cannot gain one: its file goes first, then its row;
 * - a file without a row may belong to an upload under way, so only the blocks of dead gateways are looked through, and
 *   only once they are closed (`swept` 1): from then on no row can be inserted for their ids (blobs.ts).
 * A gateway is dead when its heartbeat has not changed for a minute of our own time; clocks are not compared.
 */
import type { Clock } from '../../platform/clock.ts'
import { all, type Database, one, run, sql, type Unit } from '../../platform/database/unit.ts'
import { type BlobStore, blobsPerBlock } from '../bytes/contract.ts'
import type { BlobPins } from './pins.ts'
import { composed, inline, stored } from './rows.ts'
import { forgetSessions } from './sessions.ts'

const UNREFERENCED = sql(`SELECT id, place FROM blobs WHERE refs = 0 AND id > $1 ORDER BY id LIMIT $2`)
const DELETE_INLINE = sql(`DELETE FROM blobs WHERE refs = 0 AND place = 0 AND id > $1 AND id <= $2`)
const DELETE_BLOB = sql(`DELETE FROM blobs WHERE id = $1 AND refs = 0`)
const LAST_OF_CHUNK = sql(`
  SELECT MAX(start) AS start FROM (SELECT start FROM extents WHERE composed_id = $1 ORDER BY start LIMIT $2) AS e`)
const RELEASE_EXTENTS = sql(`
  UPDATE blobs SET refs = refs - d.n FROM (
    SELECT blob_id, COUNT(*) AS n FROM extents WHERE composed_id = $1 AND start <= $2 GROUP BY blob_id) AS d
  WHERE blobs.id = d.blob_id`)
const DELETE_EXTENTS = sql(`DELETE FROM extents WHERE composed_id = $1 AND start <= $2`)
const DELETE_OBJECT_PARTS = sql(`DELETE FROM object_parts WHERE composed_id = $1`)
const GATEWAYS = sql(`SELECT id, seen_at FROM gateways WHERE dead = 0`)
const BURY = sql(`UPDATE gateways SET dead = 1 WHERE id = $1 AND seen_at = $2`)
const ORPHANED_BLOCK = sql(`
  SELECT MIN(block) AS block FROM blob_blocks WHERE gateway_id IN (SELECT id FROM gateways WHERE dead = 1)`)
const CLOSE_BLOCK = sql(`UPDATE blob_blocks SET swept = 1 WHERE block = $1`)
const ROWS_OF_BLOCK = sql(`SELECT id FROM blobs WHERE id >= $1 AND id < $2`)
const DELETE_BLOCK = sql(`DELETE FROM blob_blocks WHERE block = $1`)
const FORGET_GATEWAYS = sql(`
  DELETE FROM gateways WHERE dead = 1 AND NOT EXISTS (SELECT 1 FROM blob_blocks WHERE gateway_id = gateways.id)`)
const FORGET_COMPLETED = sql(`DELETE FROM completed_uploads WHERE completed_at < $1`)

const batchBlobs = 500
const batchExtents = 500
const unlinksAtOnce = 8
const intervalMs = 5_000
const wakeDelayMs = 100
export const deadAfterMs = 60_000
/** For how long a repeated CompleteMultipartUpload is answered as the first. */
const completedKeptMs = 24 * 3600 * 1000
/** For how long an expired credential is answered as that, and not as one nobody knows. */
const expiredKeptMs = 24 * 3600 * 1000
const batchSessions = 500

export interface SweeperOptions {
  readonly database: Database
  readonly blobs: BlobStore
  readonly clock: Clock
  /** This process's own gateway is never taken for dead. */
  readonly blobIds?: { readonly gatewayId: number }
  readonly pins?: BlobPins
  readonly logger?: { error(what: object, message: string): void }
  /** Milliseconds that only grow. */
  readonly uptime?: () => number
}

interface Unreferenced {
  readonly id: number
  readonly place: number
}

export class Sweeper {
  readonly #options: SweeperOptions
  readonly #uptime: () => number
  /** When each gateway's heartbeat was first seen at its present value. */
  readonly #seen = new Map<number, { readonly at: number; readonly since: number }>()
  #interval: NodeJS.Timeout | undefined
  #soon: NodeJS.Timeout | undefined
  #turn: Promise<void> | undefined
  #stopping = false
  /** Where the next batch begins: blobs that are held, or fail, do not keep those after them waiting. */
  #cursor = 0

  constructor(options: SweeperOptions) {
    this.#options = options
    this.#uptime = options.uptime ?? (() => performance.now())
  }

  start(): void {
    if (this.#interval !== undefined) return
    this.#stopping = false
    this.#interval = setInterval(() => this.#begin(true), intervalMs)
    this.#interval.unref()
    this.#begin(true)
  }

  /** Sweeps soon: something was released. What is released meanwhile goes in the same turn. */
  wake(): void {
    if (this.#interval === undefined || this.#soon !== undefined) return
    this.#soon = setTimeout(() => {
      this.#soon = undefined
      this.#begin(false)
    }, wakeDelayMs)
    this.#soon.unref()
  }

  /** Ends after the step under way. */
  async stop(): Promise<void> {
    this.#stopping = true
    clearInterval(this.#interval)
    clearTimeout(this.#soon)
    this.#interval = this.#soon = undefined
    await this.#turn
  }

  /** One bounded turn of everything. `removed`: blobs, blocks of dead gateways with their stray files, sessions. */
  async sweepOnce(): Promise<{ removed: number }> {
    const removed = (await this.#sweepBlobs()) + (await this.#sweepGateways())
    const { clock, database } = this.#options
    const now = clock.now()
    await database.write(() => run(FORGET_COMPLETED, [now - completedKeptMs]))
    const forgotten = await database.write(() => forgetSessions(now - expiredKeptMs, batchSessions))
    return { removed: removed + forgotten }
  }

  #begin(everything: boolean): void {
    this.#turn ??= this.#run(everything).finally(() => {
      this.#turn = undefined
    })
  }

  async #run(everything: boolean): Promise<void> {
    try {
      let removed = 1
      while (removed > 0 && !this.#stopping) {
        removed = everything ? (await this.sweepOnce()).removed : await this.#sweepBlobs()
        // Other work comes first.
        await new Promise(resolve => setImmediate(resolve))
      }
    } catch (error) {
      this.#options.logger?.error({ err: error }, 'sweeper')
    }
  }

  async #sweepBlobs(): Promise<number> {
    const { database, pins } = this.#options
    const from = this.#cursor
    const found = await database.read(() => all<Unreferenced>(UNREFERENCED, [from, batchBlobs]))
    const last = found.at(-1)
    this.#cursor = last === undefined || found.length < batchBlobs ? 0 : last.id
    if (last === undefined) return from === 0 ? 0 : this.#sweepBlobs()
    const free = found.filter(blob => pins === undefined || !pins.holds(blob.id))
    let removed = 0
    if (free.some(blob => blob.place === inline)) {
      removed += await database.write(() => run(DELETE_INLINE, [from, last.id]))
    }
    removed += await this.#removeStored(free.filter(blob => blob.place === stored))
    for (const { id, place } of free) {
      if (place === composed && !this.#stopping) removed += await this.#takeApart(id)
    }
    return removed
  }

  async #removeStored(found: readonly Unreferenced[]): Promise<number> {
    const { database } = this.#options
    let removed = 0
    for (let at = 0; at < found.length && !this.#stopping; at += unlinksAtOnce) {
      const group = found.slice(at, at + unlinksAtOnce)
      await Promise.all(group.map(({ id }) => this.#options.blobs.remove(id)))
      removed += await database.write(() => deleteBlobs(group))
    }
    return removed
  }

  async #takeApart(id: number): Promise<number> {
    const { database } = this.#options
    while ((await database.write(() => releaseExtents(id))) === batchExtents) if (this.#stopping) return 0
    return database.write(() => deleteComposed(id))
  }

  async #sweepGateways(): Promise<number> {
    const { database, blobs } = this.#options
    await this.#buryTheDead()
    const orphaned = await database.read(() => one<{ block: number | null }>(ORPHANED_BLOCK, []))
    const block = orphaned?.block ?? null
    if (block === null) {
      await database.write(() => run(FORGET_GATEWAYS, []))
      return 0
    }
    await database.write(() => run(CLOSE_BLOCK, [block]))
    const files = await blobs.listBlock(block)
    // A write, for its isolation: an insertion that overlapped with the closing is either seen here or undone.
    const rows = new Set(await database.write(() => idsOfBlock(block)))
    const strays = files.filter(id => !rows.has(id))
    for (const id of strays) await blobs.remove(id)
    await database.write(() => run(DELETE_BLOCK, [block]))
    return strays.length + 1
  }

  async #buryTheDead(): Promise<void> {
    const { database, blobIds } = this.#options
    const now = this.#uptime()
    const gateways = await database.read(() => all<{ id: number; seen_at: number }>(GATEWAYS, []))
    for (const { id, seen_at } of gateways) {
      const seen = this.#seen.get(id)
      if (seen?.at !== seen_at) this.#seen.set(id, { at: seen_at, since: now })
      else if (now - seen.since >= deadAfterMs && id !== blobIds?.gatewayId) {
        await database.write(() => run(BURY, [id, seen_at]))
      }
    }
    const there = new Set(gateways.map(({ id }) => id))
    for (const id of this.#seen.keys()) if (!there.has(id)) this.#seen.delete(id)
  }
}

function* deleteBlobs(blobs: readonly Unreferenced[]): Unit<number> {
  let deleted = 0
  for (const { id } of blobs) deleted += yield* run(DELETE_BLOB, [id])
  return deleted
}

/** Takes the first extents of a composed blob away. Answers how many. */
function* releaseExtents(id: number): Unit<number> {
  const last = (yield* one<{ start: number | null }>(LAST_OF_CHUNK, [id, batchExtents]))?.start ?? null
  if (last === null) return 0
  yield* run(RELEASE_EXTENTS, [id, last])
  return yield* run(DELETE_EXTENTS, [id, last])
}

function* deleteComposed(id: number): Unit<number> {
  yield* run(DELETE_OBJECT_PARTS, [id])
  return yield* run(DELETE_BLOB, [id])
}

function* idsOfBlock(block: number): Unit<readonly number[]> {
  const rows = yield* all<{ id: number }>(ROWS_OF_BLOCK, [block * blobsPerBlock, (block + 1) * blobsPerBlock])
  return rows.map(row => row.id)
}
