/**
 * One request and its answer. States: open → answered (status written) → finished (last byte handed over), or
 * open/answered → aborted (the client left). Every exchange is counted and logged exactly once, when it ends.
 */
import type { HttpResponse } from 'uWebSockets.js'
import type { Route } from '../protocol/operation.ts'
import type { Verified } from './authenticate.ts'
import type { RequestContext } from './context.ts'
import { remoteAddress } from './remote-address.ts'
import { requestId } from './request-id.ts'
import type { Answer } from './respond.ts'
import type { SocketBody } from './socket-body.ts'
import type { SocketRequest } from './socket-request.ts'
import type { BucketColumns } from './store/rows.ts'

export class Exchange {
  readonly id = requestId()
  readonly startedAt = performance.now()
  readonly response: HttpResponse
  readonly request: SocketRequest
  /** Undefined when the request has no body. */
  readonly body: SocketBody | undefined
  readonly scheme: 'http' | 'https'
  /** The host the client sees: Host, or a trusted proxy's X-Forwarded-Host. */
  readonly host: string
  wire: 's3' | 'sts' | 'website' = 's3'
  route: Route<RequestContext> | undefined
  /** What log and metrics call it while no row does. */
  unrouted: 'Unknown' | 'Preflight' = 'Unknown'
  virtualHost = false
  /** Header lines of its answer, whichever it will be, for a page of another origin. */
  crossOriginLines = ''
  /** From a trusted proxy's X-Forwarded-For. */
  forwardedFor: string | undefined
  #remote: string | undefined
  /** Whoever asks pays, because the bucket's owner does not. */
  charged = false
  /** Once authenticated. */
  verified: Verified | undefined
  /** Its bucket, where that has settings; and the size of the object that was found. */
  noted: BucketColumns | undefined
  notedBytes: number | undefined
  /** The handler's output; only where the bucket is noted. */
  outcome: unknown
  /** Of a fault, in the wire's words; only where the bucket is noted. */
  errorCode: string | undefined
  /** Its answer closes the connection. */
  lastOnConnection = false
  /**
   * To run the handler once more: when a blob went away between its row's reading and its opening. No closure: with one
   * per request half of all that a GET allocates outlived it, and was moved by the garbage collector.
   */
  again: { readonly context: RequestContext; readonly input: unknown } | undefined
  /** Made, and kept for the end of the turn. */
  answer: Answer | undefined
  /** Still inside the request's own callback, where uWebSockets.js has corked the response for us. */
  inCallback = true
  aborted = false
  /** Where `Patience` keeps it; undefined while nobody waits for its client. */
  place: number | undefined
  /** Counted and logged: nothing more happens. */
  finished = false
  /** Stops the stream that is answering, when there is one. */
  stopStream: (() => void) | undefined

  constructor(
    response: HttpResponse,
    request: SocketRequest,
    body: SocketBody | undefined,
    scheme: 'http' | 'https',
    host: string,
  ) {
    this.response = response
    this.request = request
    this.body = body
    this.scheme = scheme
    this.host = host
  }

  /** The client's address as its connection, or a trusted proxy, tells it. Asked while the client is there. */
  remoteAddress(): string {
    this.#remote ??= this.forwardedFor ?? (this.aborted ? '' : remoteAddress(this.response))
    return this.#remote
  }

  /** We wait for the client: to send the rest of a body, or to take more of a stream. */
  get waiting(): boolean {
    return this.stopStream !== undefined || (this.body !== undefined && !this.body.arrivedAll && !this.body.paused)
  }

  /** Bytes that have come and gone so far. Only while the client is there and the answer is not all written. */
  movedBytes(): number {
    return (this.body?.receivedBytes ?? 0) + (this.stopStream === undefined ? 0 : this.response.getWriteOffset())
  }

  /** Has uWebSockets.js wait for the client anew; only when `waiting`. */
  stretch(): void {
    this.response.pause()
    this.response.resume()
  }

  /** Runs `write` corked. Only while the client is there. */
  cork(write: () => void): void {
    if (this.inCallback) write()
    else this.response.cork(write)
  }

  /** Call when the request's callback returns without an answer: uWebSockets.js ends the process otherwise. */
  wait(whenAborted: () => void): void {
    this.inCallback = false
    this.response.onAborted(() => {
      this.aborted = true
      this.body?.abort()
      this.stopStream?.()
      whenAborted()
    })
  }
}
