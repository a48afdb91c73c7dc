/**
 * The memory that blobs are read into on their way out: buffers of 512 KiB, or less for small sources, together bounded.
 *
 * A buffer whose bytes a slow client does not take is not lost time but lost memory: when others wait, streams that are
 * stalled must give theirs up, and read again when their client goes on. So a buffer is only ever held for the time of
 * a read, and slow clients cannot starve the others.
 */
export const readBufferBytes = 512 * 1024
const totalBytes = 32 * 1024 * 1024

export interface BufferUser {
  granted(buffer: Buffer): void
}
export interface StalledUser {
  /** Others wait: give back every buffer. */
  giveUp(): void
}

interface Waiting {
  readonly user: BufferUser
  readonly sizeBytes: number
}

export class ReadBuffers {
  readonly totalBytes: number
  #freeBytes: number
  /** Of `readBufferBytes` each, to be used again; not counted as in use. */
  readonly #spare: Buffer[] = []
  readonly #queue = new Map<BufferUser, Waiting>()
  readonly #stalled = new Set<StalledUser>()

  constructor(total: number = totalBytes) {
    this.totalBytes = total
    this.#freeBytes = total
  }

  get freeBytes(): number {
    return this.#freeBytes
  }

  /** A buffer at once; undefined when there is none or others wait. */
  tryTake(sizeBytes: number): Buffer | undefined {
    return this.#queue.size > 0 ? undefined : this.#take(sizeBytes)
  }

  /** Grants in order, perhaps before this returns. */
  wait(sizeBytes: number, user: BufferUser): void {
    this.#queue.set(user, { user, sizeBytes })
    this.#serve()
  }

  cancel(user: BufferUser): void {
    this.#queue.delete(user)
    this.#serve()
  }

  release(buffer: Buffer): void {
    this.#freeBytes += buffer.length
    if (buffer.length === readBufferBytes) this.#spare.push(buffer)
    this.#serve()
  }

  setStalled(user: StalledUser, stalled: boolean): void {
    if (stalled) this.#stalled.add(user)
    else this.#stalled.delete(user)
    if (stalled && this.#queue.size > 0) this.#serve()
  }

  #serve(): void {
    for (const waiting of this.#queue.values()) {
      const buffer = this.#take(waiting.sizeBytes)
      if (buffer === undefined) break
      this.#queue.delete(waiting.user)
      waiting.user.granted(buffer)
    }
    if (this.#queue.size === 0) return
    for (const user of this.#stalled) {
      this.#stalled.delete(user)
      // Releases, which serves.
      user.giveUp()
      return
    }
  }

  #take(sizeBytes: number): Buffer | undefined {
    if (sizeBytes > this.#freeBytes) return undefined
    this.#freeBytes -= sizeBytes
    return (sizeBytes === readBufferBytes ? this.#spare.pop() : undefined) ?? Buffer.allocUnsafeSlow(sizeBytes)
  }
}

/** The buffers of the process. */
export const processReadBuffers = new ReadBuffers()
