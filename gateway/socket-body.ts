/**
 * A request's body on its socket. Chunks that arrive before somebody reads are kept, the socket paused meanwhile, so at
 * most what one receive call delivers (512 KiB) waits here.
 *
 * States: waiting (no sink) → flowing → done. `discard` swallows what is left, so that an early answer reaches a client
 * that sends its whole body before it reads.
 */
import type { HttpResponse } from 'uWebSockets.js'
import { aborted, type BodySink, type IncomingBody } from './bytes/contract.ts'

export class SocketBody implements IncomingBody {
  /** NaN when the client declared what is no length. */
  readonly declaredBytes: number | undefined
  /** Bytes received from the socket so far. */
  receivedBytes = 0
  arrivedAll = false
  readonly #response: HttpResponse
  #sink: BodySink | undefined
  #waiting: Uint8Array[] = []
  #done = false
  #discarding = false
  /** The socket is paused. */
  #paused = false
  /** The sink asked for a pause. */
  #held = false
  #cut = false

  /** Call inside the request's callback: uWebSockets.js loses what arrives before a handler is attached. */
  constructor(response: HttpResponse, declaredBytes: number | undefined) {
    this.declaredBytes = declaredBytes
    this.#response = response
    response.onData((data, last) => this.#receive(new Uint8Array(data), last))
  }

  /** We do not read, whatever the client sends. */
  get paused(): boolean {
    return this.#paused
  }

  read(sink: BodySink): void {
    this.#sink = sink
    const waiting = this.#waiting
    this.#waiting = []
    for (const chunk of waiting) if (!this.#done) sink.chunk(chunk)
    if (this.arrivedAll || this.#cut) this.#finish()
    else if (!this.#held) this.#resumeSocket()
  }

  pause(): void {
    this.#held = true
    this.#pauseSocket()
  }

  resume(): void {
    this.#held = false
    this.#resumeSocket()
  }

  #pauseSocket(): void {
    if (this.#paused || this.arrivedAll || this.#cut) return
    this.#paused = true
    this.#response.pause()
  }

  #resumeSocket(): void {
    if (!this.#paused || this.arrivedAll || this.#cut) return
    this.#paused = false
    this.#response.resume()
  }

  /** Nobody reads (any more): swallow the rest. */
  discard(): void {
    this.#discarding = true
    this.#done = true
    this.#waiting = []
    this.#resumeSocket()
  }

  /** The client left. */
  abort(): void {
    if (this.#cut) return
    this.#cut = true
    this.#waiting = []
    if (this.#sink !== undefined) this.#finish()
  }

  #receive(chunk: Uint8Array, last: boolean): void {
    this.receivedBytes += chunk.length
    if (last) this.arrivedAll = true
    if (this.#discarding || this.#done) return
    if (this.#sink === undefined) {
      if (chunk.length > 0) this.#waiting.push(chunk.slice())
      if (!last) this.#pauseSocket()
      return
    }
    if (chunk.length > 0) this.#sink.chunk(chunk)
    if (last) this.#finish()
  }

  #finish(): void {
    if (this.#done) return
    this.#done = true
    // Also when all had arrived: what nobody had read yet is gone.
    if (this.#cut) this.#sink?.fail(aborted)
    else this.#sink?.end()
  }
}

/** The body of a request that has none. */
export const emptyBody: IncomingBody = {
  declaredBytes: 0,
  read(sink) {
    sink.end()
  },
  pause() {},
  resume() {},
}
