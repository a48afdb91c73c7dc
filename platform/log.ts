/** The log: pino's JSON lines, gathered in memory and written to standard output together. */
import { type DestinationStream, type Logger, destination as openDestination, pino } from 'pino'
import type { LogLevel } from './options.ts'

export type { Logger } from 'pino'

/** @param destination for tests; standard output without it */
export function createLogger({ level, destination }: { level: LogLevel; destination?: DestinationStream }): Logger {
  const formatters = { level: (label: string) => ({ level: label }) }
  return pino({ level, base: null, formatters }, destination ?? new GatheredOutput())
}

const flushEveryMs = 50
const flushAtBytes = 64 * 1024
const gatherBytes = 2 * flushAtBytes
const limitBytes = 8 * 1024 * 1024

const output = { fd: 1, contentMode: 'buffer' } as const

/**
 * Gathers lines and hands them to pino's own asynchronous destination every 50 ms, when 64 KiB wait, and at exit.
 * Gathering there instead (`minLength`) measures the whole chunk again for every line: 94 µs a line in chunks of
 * 256 KiB. Gathered as bytes: as one long string the pieces of every line outlived two collections of garbage. Should
 * the reader of standard output stall, lines beyond 8 MiB are dropped: a full pipe costs log lines, and neither memory
 * nor requests.
 */
class GatheredOutput implements DestinationStream {
  readonly #output = openDestination({ ...output, sync: false, maxLength: limitBytes })
  readonly #gathered = Buffer.allocUnsafe(gatherBytes)
  #filled = 0
  #timer: NodeJS.Timeout | undefined
  /** The output has bytes that it has not written yet. */
  #writing = false
  /** The reader of standard output is gone. */
  #broken = false

  constructor() {
    this.#output.on('drain', () => {
      this.#writing = false
    })
    this.#output.on('error', () => {
      this.#broken = true
    })
    process.on('exit', () => this.flushSync())
  }

  write(line: string): void {
    if (this.#broken) return
    // A character takes at most three bytes for each of its UTF-16 units.
    if (line.length * 3 > gatherBytes - this.#filled) {
      this.#handOver()
      if (line.length * 3 > gatherBytes) return this.#pass(Buffer.from(line))
    }
    this.#filled += this.#gathered.write(line, this.#filled)
    if (this.#filled >= flushAtBytes) this.#handOver()
    // unref: the exit hook writes what is left.
    else this.#timer ??= setTimeout(() => this.#handOver(), flushEveryMs).unref()
  }

  /** What `logger.flush` calls. */
  flush(done: () => void): void {
    this.#handOver()
    if (this.#writing && !this.#broken) this.#output.once('drain', done).once('error', done)
    else done()
  }

  /** For the end of the process, and after a fatal line. */
  flushSync(): void {
    if (this.#broken) return
    // While the asynchronous output rests, it would begin a write that the end of the process cuts off.
    if (this.#writing) {
      this.#handOver()
      this.#output.flushSync()
    } else openDestination({ ...output, sync: true }).write(this.#take() as never)
  }

  #handOver(): void {
    const chunk = this.#take()
    if (chunk.length > 0) this.#pass(chunk)
  }

  #pass(chunk: Buffer): void {
    if (this.#broken) return
    this.#writing = true
    // The types know text only.
    this.#output.write(chunk as never)
  }

  #take(): Buffer {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const chunk = Buffer.from(this.#gathered.subarray(0, this.#filled))
    this.#filled = 0
    return chunk
  }
}

/** What a request line says. There is no place in it for headers, signatures or the query string. */
export interface RequestLine {
  readonly requestId: string
  /** `s3`, `sts` … */
  readonly wire: string
  /** The vendor's name of the operation. */
  readonly operation: string
  /** The status answered; 0 when the client left before. */
  readonly status: number
  readonly bytesIn: number
  readonly bytesOut: number
  readonly durationMs: number
  readonly bucket?: string | undefined
  readonly key?: string | undefined
  /** The client's address. */
  readonly remote?: string | undefined
  /** The code of the fault answered. */
  readonly fault?: string | undefined
}

export type RequestLog = (line: RequestLine) => void

/**
 * Writes one line per request, at level `info`. Only the named fields are read, so that a caller who passes more cannot
 * leak it.
 *
 * The line is put together by hand and given to pino's sink past pino's serializer: 0.95 µs a line instead of 2.2
 * (bench/micro/counting.ts).
 * @param now milliseconds since 1970
 */
export function requestLog(logger: Logger, now: () => number = Date.now): RequestLog {
  if (!logger.isLevelEnabled('info')) return () => {}
  const sink = (logger as unknown as Record<symbol, DestinationStream>)[pino.symbols.streamSym]!
  let timeMs = 0
  let timeText = '0'
  return line => {
    const nowMs = now()
    // Many lines a millisecond, and a number this long is slow to spell.
    if (nowMs !== timeMs) {
      timeMs = nowMs
      timeText = String(nowMs)
    }
    let text =
      `{"level":"info","time":${timeText},"requestId":"${line.requestId}","wire":"${line.wire}",` +
      `"operation":"${line.operation}","status":${line.status},"bytesIn":${line.bytesIn},"bytesOut":${line.bytesOut},` +
      `"durationMs":${millis(line.durationMs)}`
    if (line.bucket) text += `,"bucket":${quote(line.bucket)}`
    if (line.key) text += `,"key":${quote(line.key)}`
    if (line.remote) text += `,"remote":${quote(line.remote)}`
    if (line.fault) text += `,"fault":"${line.fault}"`
    sink.write(`${text}}\n`)
  }
}

/** To the microsecond. Of whole numbers: one with a fraction takes five times as long to spell. */
function millis(ms: number): string {
  const micros = Math.round(ms * 1000)
  const fraction = micros % 1000
  const whole = (micros - fraction) / 1000
  return fraction === 0 ? `${whole}` : `${whole}.${fraction < 10 ? '00' : fraction < 100 ? '0' : ''}${fraction}`
}

/** Characters that stand for themselves in a JSON string. */
const plain = /^[ !#-[\]-~]*$/

function quote(text: string): string {
  return plain.test(text) ? `"${text}"` : JSON.stringify(text)
}
