/**
 * The time by which everything is dated and expires. Tests move it: an hour passes in a microsecond, and no test waits.
 */
export interface Clock {
  /** Integer milliseconds since 1970. */
  now(): number
}

/**
 * Follows the machine's clock plus an offset, or stands still at an instant once `freeze` was called. While frozen,
 * `advance` and `set` move that instant; `reset` lets it run by the machine's clock again.
 */
export class MovableClock implements Clock {
  #offsetMs = 0
  #frozenAtMs: number | undefined
  readonly #machine: () => number

  /** @param machine the clock underneath; only a test of this class gives another than the machine's */
  constructor(machine: () => number = Date.now) {
    this.#machine = machine
  }

  now(): number {
    return this.#frozenAtMs ?? this.#machine() + this.#offsetMs
  }

  /** Moves by whole milliseconds, backwards when negative. Throws RangeError for anything else. */
  advance(ms: number): void {
    this.set(this.now() + checked(ms))
  }

  /** Makes it `ms` now; it goes on running (or stays frozen) from there. Throws RangeError unless a safe integer. */
  set(ms: number): void {
    checked(ms)
    if (this.#frozenAtMs === undefined) this.#offsetMs = ms - this.#machine()
    else this.#frozenAtMs = ms
  }

  /** Stops at an instant, by default at this one. Throws RangeError unless a safe integer. */
  freeze(atMs: number = this.now()): void {
    this.#frozenAtMs = checked(atMs)
  }

  /** Back to the machine's clock. */
  reset(): void {
    this.#offsetMs = 0
    this.#frozenAtMs = undefined
  }
}

function checked(ms: number): number {
  if (!Number.isSafeInteger(ms)) throw new RangeError(`not whole milliseconds: ${ms}`)
  return ms
}
