/** Bodies and stores that misbehave on demand. */
import type {
  Aborted,
  BlobReader,
  BlobStore,
  BlobWriter,
  BodySink,
  IncomingBody,
  Slice,
} from '../../gateway/bytes/contract.ts'
import { BlobSource } from '../../gateway/bytes/contract.ts'
import type { Fault } from '../../protocol/fault.ts'

/** Bytes without a period that a misplaced slab would keep. */
export function noise(sizeBytes: number, seed = 1): Buffer {
  const bytes = Buffer.allocUnsafe(sizeBytes)
  let state = seed | 1
  for (let i = 0; i < sizeBytes; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    bytes[i] = state >>> 24
  }
  return bytes
}

export interface BodyPlan {
  readonly declared?: boolean
  /** What it ends with instead of an end, before the chunk of this index. */
  readonly failure?: { readonly before: number; readonly why: Fault | Aborted }
  /** Chunks that still come after a pause. */
  readonly deaf?: number
  /** Stops before the chunk of this index until `release`. */
  readonly stallBefore?: number
}

/** Delivers chunks one by one, in turns of the event loop; each chunk's memory is wiped after its call. */
export class ScriptedBody implements IncomingBody {
  readonly declaredBytes: number | undefined
  /** Chunks that came although the body was paused. */
  unwelcome = 0
  pauses = 0
  finished = false
  readonly #chunks: readonly Uint8Array[]
  readonly #plan: BodyPlan
  #sink: BodySink | undefined
  #next = 0
  #paused = false
  #deafLeft = 0
  #scheduled = false
  #stalled: boolean

  constructor(chunks: readonly Uint8Array[], plan: BodyPlan = {}) {
    this.#chunks = chunks
    this.#plan = plan
    this.#stalled = plan.stallBefore !== undefined
    this.declaredBytes = plan.declared ? chunks.reduce((sum, chunk) => sum + chunk.length, 0) : undefined
  }

  read(sink: BodySink): void {
    this.#sink = sink
    this.#schedule()
  }
  pause(): void {
    this.#paused = true
    this.#deafLeft = this.#plan.deaf ?? 0
    this.pauses++
  }
  resume(): void {
    this.#paused = false
    this.#schedule()
  }
  release(): void {
    this.#stalled = false
    this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#step()
    })
  }

  #step(): void {
    if (this.finished || this.#sink === undefined) return
    if (this.#stalled && this.#next === this.#plan.stallBefore) return
    if (this.#paused && this.#deafLeft-- <= 0) return
    if (this.#paused) this.unwelcome++
    const { failure } = this.#plan
    if (failure !== undefined && this.#next === failure.before) {
      this.finished = true
      this.#sink.fail(failure.why)
    } else if (this.#next === this.#chunks.length) {
      this.finished = true
      this.#sink.end()
    } else {
      const chunk = Buffer.from(this.#chunks[this.#next++]!)
      this.#sink.chunk(chunk)
      chunk.fill(0)
      this.#schedule()
    }
  }
}

/** A whole body in one call, at once. */
export function bodyOf(bytes: Uint8Array): IncomingBody {
  return {
    declaredBytes: bytes.length,
    read(sink) {
      if (bytes.length > 0) sink.chunk(bytes)
      sink.end()
    },
    pause() {},
    resume() {},
  }
}

export interface StorePlan {
  readonly write?: (index: number) => Error | null
  readonly finish?: () => Error | null
  readonly read?: (position: number) => Error | null
  /** Turns of the event loop that a write takes. */
  readonly writeTurns?: number
}

/** A store that does as another does, but for the plan. */
export class PlannedBlobs implements BlobStore {
  readonly #store: BlobStore
  readonly #plan: StorePlan
  openReaders = 0
  constructor(store: BlobStore, plan: StorePlan) {
    this.#store = store
    this.#plan = plan
  }

  create(id: number): BlobWriter {
    const writer = this.#store.create(id)
    const plan = this.#plan
    let writes = 0
    return {
      write(bytes, done) {
        const error = plan.write?.(writes++) ?? null
        const go = () => (error === null ? writer.write(bytes, done) : done(error))
        turns(plan.writeTurns ?? 1, go)
      },
      finish(done) {
        const error = plan.finish?.() ?? null
        if (error === null) writer.finish(done)
        else setImmediate(() => done(error))
      },
      discard: () => writer.discard(),
    }
  }

  open(id: number, done: (error: NodeJS.ErrnoException | null, reader: BlobReader | null) => void): void {
    this.#store.open(id, (error, reader) => {
      if (reader === null) return done(error, null)
      this.openReaders++
      done(null, {
        read: (buffer, offset, length, position, done) => {
          const error = this.#plan.read?.(position) ?? null
          if (error !== null) setImmediate(() => done(error, 0))
          else reader.read(buffer, offset, length, position, done)
        },
        close: () => {
          this.openReaders--
          reader.close()
        },
      })
    })
  }

  remove(id: number): Promise<void> {
    return this.#store.remove(id)
  }
  listBlock(block: number): Promise<readonly number[]> {
    return this.#store.listBlock(block)
  }
  clear(): Promise<void> {
    return this.#store.clear()
  }
  close(): Promise<void> {
    return this.#store.close()
  }
}

function turns(count: number, then: () => void): void {
  if (count === 0) then()
  else setImmediate(() => turns(count - 1, then))
}

export function wholeBlob(blobId: number, sizeBytes: number): BlobSource {
  return new BlobSource([{ blobId, offset: 0, sizeBytes }])
}

/** Writes a blob and answers the slice of all of it. */
export function putBlob(blobs: BlobStore, id: number, bytes: Uint8Array): Promise<Slice> {
  const writer = blobs.create(id)
  return new Promise((resolve, reject) => {
    writer.write(bytes, error => {
      if (error !== null) return reject(error)
      writer.finish(error => {
        if (error !== null) reject(error)
        else resolve({ blobId: id, offset: 0, sizeBytes: bytes.length })
      })
    })
  })
}

/** Waits, a few seconds at most, until something holds that is about to. */
export async function eventually(holds: () => boolean | Promise<boolean>): Promise<boolean> {
  for (let turn = 0; turn < 600; turn++) {
    if (await holds()) return true
    await new Promise(resolve => setTimeout(resolve, turn < 100 ? 1 : 10))
  }
  return false
}
