/**
 * Running digests of large bodies, off the event loop where that pays: MD5 of one slab takes 0.7 ms. The threads are
 * started by the first job that needs them, at most two, and never hold the process while they are idle. When one dies
 * its jobs fail, and the next job starts another.
 */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { type Digest, type DigestAlgorithm, startDigest } from '../../protocol/checksum/digest.ts'

export type Digests = ReadonlyMap<DigestAlgorithm, Buffer>

/** What a worker is sent: the next bytes of a job, one algorithm each. */
export interface DigestRequest {
  readonly job: number
  readonly algorithm: DigestAlgorithm
  readonly bytes: Uint8Array
  readonly last: boolean
}
/** The digest after a job's last request; else null. */
export type DigestAnswer = Uint8Array | null

/**
 * Slowest first: what deserves a thread of its own. MD5 keeps one busy, so a worker gets one digest of a job and what is
 * left over is done on the event loop: beside MD5 on a single worker a 64 MiB PUT reaches 0.93 of the MD5 rate with
 * CRC-32C on the loop and 0.70 with both on the worker, CRC-64/NVME 0.82 and 0.69, SHA-256 0.89 and 0.67
 * (bench/micro/ingest.ts, two cores). CRC-32, 85 µs a slab, is never worth a thread.
 */
const threaded: readonly DigestAlgorithm[] = ['md5', 'sha512', 'sha256', 'sha1', 'crc64nvme', 'crc32c']
/** Young space is what a thread that only forwards slabs fills with messages. */
const workerLimits = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 2 }

export interface DigestJob {
  /**
   * Digests the next bytes; they lie on shared memory and must stay as they are until `done`.
   * @param last nothing comes after these (which may be none)
   */
  update(bytes: Uint8Array, last: boolean, done: (error: Error | null) => void): void
  /** Complete once the last update is done. */
  readonly digests: Digests
  /** Gives the job up; updates under way are still called back. */
  drop(): void
}

export class Digesters {
  readonly #workerCount: number
  #workers: DigestWorker[] = []
  #jobs = 0

  constructor(workerCount: number = Math.max(1, Math.min(2, availableParallelism() - 1))) {
    this.#workerCount = workerCount
  }

  start(algorithms: readonly DigestAlgorithm[]): DigestJob {
    const id = this.#jobs++
    const parts: Part[] = []
    for (const algorithm of threaded) {
      if (parts.length === this.#workerCount) break
      if (!algorithms.includes(algorithm)) continue
      const worker = this.#leastLoaded(parts)
      worker.enter()
      parts.push({ worker, algorithm, begun: false })
    }
    const here = algorithms.filter(algorithm => parts.every(part => part.algorithm !== algorithm))
    return new Job(id, here, parts)
  }

  /** Ends the threads; jobs under way fail. New jobs start new ones. */
  async close(): Promise<void> {
    await Promise.all(this.#workers.map(worker => worker.terminate()))
  }

  /** One that has none of `parts`; a new one while all are busy and more are allowed. */
  #leastLoaded(parts: readonly Part[]): DigestWorker {
    let least: DigestWorker | undefined
    for (const worker of this.#workers)
      if ((least === undefined || worker.load < least.load) && parts.every(part => part.worker !== worker))
        least = worker
    if (least !== undefined && (least.load === 0 || this.#workers.length === this.#workerCount)) return least
    const worker = new DigestWorker(() => {
      this.#workers = this.#workers.filter(other => other !== worker)
    })
    this.#workers.push(worker)
    return worker
  }
}

/** The digest of a job that one worker runs. */
interface Part {
  readonly worker: DigestWorker
  readonly algorithm: DigestAlgorithm
  begun: boolean
}

class Job implements DigestJob {
  readonly digests = new Map<DigestAlgorithm, Buffer>()
  readonly #id: number
  readonly #here: ReadonlyMap<DigestAlgorithm, Digest>
  readonly #parts: readonly Part[]
  #over = false

  constructor(id: number, here: readonly DigestAlgorithm[], parts: readonly Part[]) {
    this.#id = id
    this.#here = new Map(here.map(algorithm => [algorithm, startDigest(algorithm)]))
    this.#parts = parts
  }

  update(bytes: Uint8Array, last: boolean, done: (error: Error | null) => void): void {
    let open = this.#parts.length
    let failure: Error | null = null
    for (const part of this.#parts) {
      part.begun = true
      part.worker.send({ job: this.#id, algorithm: part.algorithm, bytes, last }, (error, answer) => {
        failure ??= error
        if (answer !== null) this.digests.set(part.algorithm, asBuffer(answer))
        if (--open === 0) done(failure)
      })
    }
    for (const [algorithm, digest] of this.#here) {
      digest.update(bytes)
      if (last) this.digests.set(algorithm, digest.digest())
    }
    if (last) this.#leave()
    if (this.#parts.length === 0) queueMicrotask(() => done(null))
  }

  drop(): void {
    if (this.#over) return
    for (const part of this.#parts) if (part.begun) part.worker.drop(this.#id)
    this.#leave()
  }

  #leave(): void {
    if (this.#over) return
    this.#over = true
    for (const part of this.#parts) part.worker.leave()
  }
}

type Answered = (error: Error | null, answer: DigestAnswer) => void

class DigestWorker {
  /** Running digests. */
  load = 0
  readonly #worker: Worker
  /** Answers come in the order of the requests. */
  #waiting: Answered[] = []
  #failure: Error | undefined
  readonly #died: () => void

  constructor(died: () => void) {
    this.#died = died
    this.#worker = new Worker(new URL('./digest-worker.js', import.meta.url), { resourceLimits: workerLimits })
    this.#worker.on('message', (answer: DigestAnswer) => {
      this.#waiting.shift()!(null, answer)
      this.#holdProcess()
    })
    this.#worker.on('error', error => this.#fail(error))
    this.#worker.on('exit', () => this.#fail(new Error('the digest worker ended')))
    this.#worker.unref()
  }

  enter(): void {
    this.load++
    this.#holdProcess()
  }
  leave(): void {
    this.load--
    this.#holdProcess()
  }

  send(request: DigestRequest, answered: Answered): void {
    const failure = this.#failure
    if (failure !== undefined) {
      queueMicrotask(() => answered(failure, null))
      return
    }
    this.#waiting.push(answered)
    this.#worker.postMessage(request)
  }

  drop(job: number): void {
    if (this.#failure === undefined) this.#worker.postMessage(job)
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate()
  }

  #holdProcess(): void {
    if (this.load > 0 || this.#waiting.length > 0) this.#worker.ref()
    else this.#worker.unref()
  }

  #fail(error: Error): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    this.#died()
    const waiting = this.#waiting
    this.#waiting = []
    for (const answered of waiting) answered(error, null)
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** The digesters of the process. */
export const processDigesters = new Digesters()
