/**
 * Answers of one turn of the event loop, written together at its end. Each answer sent by itself wakes a client that
 * sleeps, and the next request is worked on with the kernel's network code in the caches: under 16 connections that was a
 * third of the time of a small GET (27,400 answers/s, 36,900 together). A request that comes alone is answered at once.
 *
 * uWebSockets.js answers requests that a client sends one behind another, without waiting, only where each is answered
 * within its own callback; otherwise it closes the connection, as RFC 9112 §9.3.2 lets a server do. So answers are kept
 * back only after several turns with more than one request, and not for a while after such a connection was closed.
 */
import type { Exchange } from './exchange.ts'

/** Turns in a row with more than one request, before the next are answered together. */
const crowdedTurns = 8
/** Answers kept back at most: what comes after them in the same turn is answered at once. */
const keptAtMost = 64
/** A turn may be long, of large listings: what was kept for longer than this goes out in its middle. */
const keptAtMostMs = 2
/** How long every request is answered at once after a connection was closed for ours being late. */
const apartMs = 60_000

export class Turn {
  readonly #write: (exchange: Exchange) => void
  readonly #now: () => number
  #kept: Exchange[] = []
  #arrived = 0
  #crowded = 0
  #apartUntilMs = 0
  readonly #end = (): void => this.#finish()

  /**
   * @param write writes the answer of an exchange that was kept; called once for each, at the end of its turn
   * @param now milliseconds that only grow
   */
  constructor(write: (exchange: Exchange) => void, now: () => number = () => performance.now()) {
    this.#write = write
    this.#now = now
  }

  /** Whether the answer of a request that is still in its callback waits for the end of the turn. */
  keeps(exchange: Exchange): boolean {
    if (this.#arrived++ === 0) setImmediate(this.#end)
    const kept = this.#kept
    if (kept.length > 0 && exchange.startedAt - kept[0]!.startedAt > keptAtMostMs) this.#writeKept()
    if (this.#crowded < crowdedTurns || this.#kept.length >= keptAtMost) return false
    this.#kept.push(exchange)
    return true
  }

  #finish(): void {
    this.#crowded = this.#arrived > 1 ? this.#crowded + 1 : 0
    this.#arrived = 0
    if (this.#kept.length > 0) this.#writeKept()
    if (this.#crowded >= crowdedTurns && this.#now() < this.#apartUntilMs) this.#crowded = 0
  }

  #writeKept(): void {
    const kept = this.#kept
    this.#kept = []
    for (const exchange of kept) {
      if (exchange.aborted) this.#apartUntilMs = this.#now() + apartMs
      this.#write(exchange)
    }
  }
}
