/**
 * The memory that large bodies pass through: a fixed number of slabs on shared memory, so that the disk and the digest
 * workers use them where they lie.
 *
 * Nobody holds a slab while waiting for one, apart from slabs that are being written or digested and come back by
 * themselves; so the first in the queue always gets one, and no set of bodies can block itself. Those who hold slabs
 * that nothing is done with (a slow client's) are asked to give them back while others wait.
 */
export const slabBytes = 512 * 1024
const totalBytes = 24 * 1024 * 1024
/** How long a slab may lie idle while others wait. */
const idleMs = 20

export interface Slab {
  readonly bytes: Uint8Array
}

export interface SlabUser {
  /** A slab it waited for. */
  granted(slab: Slab): void
  /** Others wait: give back what has been idle since the last call. */
  yieldIdle(): void
}

export class SlabPool {
  readonly count: number
  readonly #free: Slab[] = []
  #made = 0
  readonly #waiting = new Set<SlabUser>()
  readonly #holders = new Set<SlabUser>()
  #timer: NodeJS.Timeout | undefined

  constructor(count: number = totalBytes / slabBytes) {
    this.count = count
  }

  /** Slabs that nobody has. */
  get freeCount(): number {
    return this.#free.length + this.count - this.#made
  }

  /** A slab at once; undefined when none is free or others wait. */
  tryTake(): Slab | undefined {
    return this.#waiting.size > 0 ? undefined : this.#take()
  }

  /** Queues; `granted` may be called before this returns. */
  wait(user: SlabUser): void {
    const slab = this.tryTake()
    if (slab !== undefined) {
      user.granted(slab)
      return
    }
    this.#waiting.add(user)
    this.#timer ??= setInterval(() => this.#reclaim(), idleMs)
  }

  cancel(user: SlabUser): void {
    this.#waiting.delete(user)
    this.#stopWhenQuiet()
  }

  release(slab: Slab): void {
    this.#free.push(slab)
    for (const user of this.#waiting) {
      const next = this.#take()
      if (next === undefined) return
      this.#waiting.delete(user)
      this.#stopWhenQuiet()
      user.granted(next)
    }
  }

  /** Says whether `user` has slabs that are neither being written nor digested. */
  setHolding(user: SlabUser, holding: boolean): void {
    if (holding) this.#holders.add(user)
    else this.#holders.delete(user)
  }

  #take(): Slab | undefined {
    const used = this.#free.pop()
    if (used !== undefined || this.#made === this.count) return used
    this.#made++
    return { bytes: new Uint8Array(new SharedArrayBuffer(slabBytes)) }
  }

  #reclaim(): void {
    for (const user of [...this.#holders]) if (this.#waiting.size > 0) user.yieldIdle()
  }

  #stopWhenQuiet(): void {
    if (this.#waiting.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}

/** The one pool of the process. */
export const processSlabs = new SlabPool()
