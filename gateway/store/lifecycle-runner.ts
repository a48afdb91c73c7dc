/**
 * Goes through the buckets that have a lifecycle, again and again, and does what is due: on every gateway, for every
 * step is a unit of work that looks for itself (lifecycle-acting.ts). Steps are small, and other work comes between.
 */
import type { Clock } from '../../platform/clock.ts'
import { type Database, DatabaseUnavailable } from '../../platform/database/unit.ts'
import { msPerDay } from '../../protocol/s3/due-date.ts'
import { actOnStacks, lookAtStacks, type StackTurn, type VersionActionKind } from './lifecycle-acting.ts'
import { abortsUploads, findLifecycle, lifecycleBuckets, prefixesOf } from './lifecycle-buckets.ts'
import type { StackPosition } from './lifecycle-stacks.ts'
import { abortFirst, firstUpload, lookAtUploads, type UploadPosition, type UploadTurn } from './lifecycle-uploads.ts'

export type LifecycleActionKind = VersionActionKind | 'abort-upload'

export interface LifecycleRunnerOptions {
  readonly database: Database
  readonly clock: Clock
  readonly dayMs: number
  /** Of each action that was done. */
  readonly onAction?: (kind: LifecycleActionKind) => void
  /** Bytes may be without a name now. */
  readonly onReleased?: () => void
  readonly logger?: {
    info(what: object, message: string): void
    error(what: object, message: string): void
  }
}

/** S3 itself looks once a day. */
const intervalMs = 60_000
const shortIntervalMs = 10_000
/** What follows from an action is mostly done with it; the rest takes a pass more each time. */
const mostPasses = 16

export class LifecycleRunner {
  readonly #options: LifecycleRunnerOptions
  #interval: NodeJS.Timeout | undefined
  #pass: Promise<number> | undefined
  /** The time was moved during a pass. */
  #again = false
  #stopping = false

  constructor(options: LifecycleRunnerOptions) {
    this.#options = options
  }

  start(): void {
    if (this.#interval !== undefined) return
    this.#stopping = false
    const { dayMs } = this.#options
    const everyMs = dayMs >= msPerDay ? intervalMs : Math.min(shortIntervalMs, Math.ceil(dayMs / 4))
    this.#interval = setInterval(() => this.#beginAlone(), everyMs)
    this.#interval.unref()
    this.#beginAlone()
  }

  /** Looks at once: the time was moved. */
  wake(): void {
    if (this.#interval === undefined) return
    if (this.#pass === undefined) this.#beginAlone()
    else this.#again = true
  }

  /** Ends after the step under way. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.#again = false
    clearInterval(this.#interval)
    this.#interval = undefined
    await this.#pass?.catch(() => undefined)
  }

  /** Until nothing is due any more. Answers how many actions that took. */
  async runToEnd(): Promise<number> {
    let actions = 0
    for (let pass = 0; pass < mostPasses; pass++) {
      // One that is under way may be past what has become due since it began.
      await this.#pass?.catch(() => undefined)
      const done = await this.#begin()
      actions += done
      if (done === 0) break
    }
    return actions
  }

  #beginAlone(): void {
    if (this.#pass !== undefined) return
    this.#begin().catch((error: unknown) => this.#options.logger?.error({ err: error }, 'lifecycle'))
  }

  #begin(): Promise<number> {
    this.#pass ??= this.#run().finally(() => {
      this.#pass = undefined
      if (!this.#again) return
      this.#again = false
      this.#beginAlone()
    })
    return this.#pass
  }

  async #run(): Promise<number> {
    const { database, logger } = this.#options
    const pass = new Pass(this.#options, () => this.#stopping)
    try {
      for (let after: number | undefined = 0; after !== undefined && !this.#stopping; ) {
        await pass.otherWork()
        const from: number = after
        const { ids, next } = await database.read(() => lifecycleBuckets(from))
        for (const id of ids) await pass.goThrough(id).catch((error: unknown) => pass.fail(id, error))
        after = next
      }
    } finally {
      if (pass.done.size > 0) {
        logger?.info({ buckets: pass.buckets, actions: Object.fromEntries(pass.done) }, 'lifecycle')
        this.#options.onReleased?.()
      }
    }
    if (pass.failure !== undefined) throw pass.failure
    return [...pass.done.values()].reduce((sum, count) => sum + count, 0)
  }
}

/** One way through all buckets. */
class Pass {
  readonly #options: LifecycleRunnerOptions
  readonly #stopping: () => boolean
  readonly done = new Map<LifecycleActionKind, number>()
  buckets = 0
  /** The first one: a bucket that cannot be gone through does not keep those after it waiting. */
  failure: Error | undefined

  constructor(options: LifecycleRunnerOptions, stopping: () => boolean) {
    this.#options = options
    this.#stopping = stopping
  }

  fail(bucketId: number, error: unknown): void {
    if (error instanceof DatabaseUnavailable) throw error
    this.failure ??= new Error(`the lifecycle of bucket ${bucketId}`, { cause: error })
  }

  otherWork(): Promise<void> {
    return new Promise(resolve => setImmediate(resolve))
  }

  async goThrough(bucketId: number): Promise<void> {
    const bucket = await this.#options.database.read(() => findLifecycle(bucketId))
    if (bucket === undefined) return
    this.buckets++
    for (const prefix of prefixesOf(bucket.lifecycle)) await this.#goThroughKeys(bucketId, prefix)
    if (abortsUploads(bucket.lifecycle)) await this.#goThroughUploads(bucketId)
  }

  async #goThroughKeys(bucketId: number, prefix: string): Promise<void> {
    const { database, clock, dayMs } = this.#options
    let position: StackPosition | undefined = { from: prefix }
    while (position !== undefined && !this.#stopping()) {
      const turn: StackTurn = { bucketId, prefix, position, nowMs: clock.now(), dayMs }
      await this.otherWork()
      const { due, next } = await database.read(() => lookAtStacks(turn))
      const acted = due === 0 ? [] : await database.write(() => actOnStacks(turn))
      for (const kind of acted) this.#count(kind)
      // What was done may have made more due, and room for more keys.
      if (acted.length === 0) position = next
    }
  }

  async #goThroughUploads(bucketId: number): Promise<void> {
    const { database, clock, dayMs } = this.#options
    let after: UploadPosition | undefined = firstUpload
    while (after !== undefined && !this.#stopping()) {
      const turn: UploadTurn = { bucketId, after, nowMs: clock.now(), dayMs }
      await this.otherWork()
      const { due, next } = await database.read(() => lookAtUploads(turn))
      const outcome = due === 0 ? 'none' : await database.write(() => abortFirst(turn))
      if (outcome === 'aborted') this.#count('abort-upload')
      if (outcome === 'none') after = next
    }
  }

  #count(kind: LifecycleActionKind): void {
    this.done.set(kind, (this.done.get(kind) ?? 0) + 1)
    this.#options.onAction?.(kind)
  }
}
