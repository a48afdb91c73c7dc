/**
 * The counters. Counting a request is a few additions into a Float64Array (20 ns, bench/micro/counting.ts); the exporter (prom-client: 10 MB of
 * resident memory, 55 ms to load) is loaded by the first scrape, and a process nobody scrapes never pays for it.
 */
import type { Registry } from 'prom-client'

/** Upper bounds of the duration histogram, seconds: a small object takes 0.1 ms, a large one seconds. */
export const durationBounds = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
] as const

/** Index is the status divided by 100; 0 is a request whose client left before it was answered. */
export const statusClasses = ['aborted', '1xx', '2xx', '3xx', '4xx', '5xx'] as const

export class OperationMetrics {
  readonly wire: string
  readonly operation: string
  readonly requests = new Float64Array(statusClasses.length)
  /** Not cumulative; the last one counts what is above every bound. */
  readonly durations = new Float64Array(durationBounds.length + 1)
  durationSeconds = 0
  bytesIn = 0
  bytesOut = 0

  constructor(wire: string, operation: string) {
    this.wire = wire
    this.operation = operation
  }

  /** @param status 100 to 599, or 0 when the client left */
  record(status: number, durationSeconds: number, bytesIn: number, bytesOut: number): void {
    this.requests[(status / 100) | 0]!++
    let bucket = 0
    while (bucket < durationBounds.length && durationSeconds > durationBounds[bucket]!) bucket++
    this.durations[bucket]!++
    this.durationSeconds += durationSeconds
    this.bytesIn += bytesIn
    this.bytesOut += bytesOut
  }
}

export class Metrics {
  readonly contentType = 'text/plain; version=0.0.4; charset=utf-8'
  /** Requests that arrived and are not answered to the last byte. */
  inFlight = 0
  aborted = 0
  readonly #operations = new Map<string, OperationMetrics>()
  readonly #faults = new Map<string, number>()
  readonly #lifecycleActions = new Map<string, number>()
  #exporter: Promise<Registry> | undefined

  /** The counters of one operation: ask once and keep them. Both names must come from a closed list. */
  operation(wire: string, name: string): OperationMetrics {
    const key = `${wire} ${name}`
    let found = this.#operations.get(key)
    if (found === undefined) this.#operations.set(key, (found = new OperationMetrics(wire, name)))
    return found
  }

  enter(): void {
    this.inFlight++
  }

  /** Once for every `enter`, however the request ended. */
  leave(): void {
    this.inFlight--
  }

  abort(): void {
    this.aborted++
  }

  fault(code: string): void {
    this.#faults.set(code, (this.#faults.get(code) ?? 0) + 1)
  }

  /** @param kind from a closed list */
  lifecycleAction(kind: string): void {
    this.#lifecycleActions.set(kind, (this.#lifecycleActions.get(kind) ?? 0) + 1)
  }

  get operations(): Iterable<OperationMetrics> {
    return this.#operations.values()
  }

  get faults(): ReadonlyMap<string, number> {
    return this.#faults
  }

  get lifecycleActions(): ReadonlyMap<string, number> {
    return this.#lifecycleActions
  }

  registry(): Promise<Registry> {
    return (this.#exporter ??= import('./metrics-export.ts').then(({ createRegistry }) => createRegistry(this)))
  }

  /** Every metric, in Prometheus' text format. */
  async text(): Promise<string> {
    return (await this.registry()).metrics()
  }
}

export function createMetrics(): Metrics {
  return new Metrics()
}
