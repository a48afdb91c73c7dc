/**
 * How long a connection may stand still in the middle of a request. uWebSockets.js cuts one after some 10 s without a
 * byte, and an upload below 16 KB/s as well (measured: stalls of 12 s, either way), which is less than a client takes that
 * works on what it has read, or reads from a tape. Pausing and resuming a socket sets that clock anew, so here is when it
 * is: until nothing has moved for `stallMs`. A client that is gone without a word costs its socket for that long.
 */
import type { Exchange } from './exchange.ts'

const stallMs = 60_000
/** uWebSockets.js counts in steps of 4 s, and cuts after two of them at the earliest. */
const lookMs = 4_000

interface Place {
  exchange: Exchange | undefined
  bytes: number
  /** When `bytes` last changed; milliseconds that only grow. */
  atMs: number
}

export class Patience {
  /**
   * As many as ever waited at once, used again and again. Not a Map: its outgrown tables point at their successors, and
   * one that the garbage collector calls old keeps every exchange after it (measured: 3 KB and 9 µs a PUT).
   */
  readonly #places: Place[] = []
  readonly #free: number[] = []
  #timer: NodeJS.Timeout | undefined

  /** Call when an exchange begins to wait for its client: for the rest of a body, or to take a stream. */
  watch(exchange: Exchange): void {
    if (exchange.place !== undefined) return
    const index = this.#free.pop() ?? this.#places.length
    const place = (this.#places[index] ??= { exchange: undefined, bytes: -1, atMs: 0 })
    place.exchange = exchange
    place.bytes = -1
    exchange.place = index
    this.#timer ??= setInterval(() => this.#look(), lookMs).unref()
  }

  /** Call when the exchange ends: its response must not be touched any more. */
  forget(exchange: Exchange): void {
    if (exchange.place === undefined) return
    this.#places[exchange.place]!.exchange = undefined
    this.#free.push(exchange.place)
    exchange.place = undefined
  }

  #look(): void {
    if (this.#free.length === this.#places.length) {
      clearInterval(this.#timer)
      this.#timer = undefined
      return
    }
    const nowMs = performance.now()
    for (const place of this.#places) {
      const { exchange } = place
      if (exchange === undefined) continue
      const bytes = exchange.movedBytes()
      if (bytes !== place.bytes || !exchange.waiting) {
        place.bytes = bytes
        place.atMs = nowMs
      }
      if (exchange.waiting && nowMs - place.atMs < stallMs) exchange.stretch()
    }
  }
}
