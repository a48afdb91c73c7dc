/** From a handler's outcome to the wire: the one place where an exchange ends, is counted and is logged. */
import type { Logger, RequestLog } from '../platform/log.ts'
import type { Metrics, OperationMetrics } from '../platform/metrics.ts'
import { Fault, type FaultCode } from '../protocol/fault.ts'
import type { Reply } from '../protocol/operation.ts'
import { describeFault, renderFault } from '../protocol/s3/faults.ts'
import { renderWebsiteFault } from '../protocol/s3/website-page.ts'
import { wantsJson } from '../protocol/sts/call.ts'
import { renderStsFault } from '../protocol/sts/faults.ts'
import type { Afterwards } from './afterwards.ts'
import { Aborted, BlobSource, type BlobStore } from './bytes/contract.ts'
import { type OpenSource, openSource } from './bytes/egress.ts'
import type { Exchange } from './exchange.ts'
import { hostId } from './host-id.ts'
import { faultOf } from './outage.ts'
import { Patience } from './patience.ts'
import { type Answer, type Frame, headerBlock, writeHead, writeReply } from './respond.ts'
import type { BlobPins } from './store/pins.ts'
import { Turn } from './turn.ts'

const faultRenderers = { s3: renderFault, website: renderWebsiteFault }

export class Responder {
  readonly #blobs: BlobStore
  readonly #pins: BlobPins
  readonly #log: RequestLog
  readonly #logger: Logger
  readonly #metrics: Metrics
  /** By route; by wire and name for requests that matched no row. */
  readonly #operationMetrics = new Map<object | string, OperationMetrics>()
  readonly #turn = new Turn(exchange => this.#write(exchange, exchange.answer!))
  readonly patience = new Patience()
  /** Where requests on buckets with settings go once they are answered. */
  afterwards: Afterwards | undefined
  /** Asks clients to close their connections. */
  draining = false

  constructor(blobs: BlobStore, pins: BlobPins, logger: Logger, log: RequestLog, metrics: Metrics) {
    this.#blobs = blobs
    this.#pins = pins
    this.#logger = logger
    this.#log = log
    this.#metrics = metrics
  }

  /** Answers a handler's outcome: its output, a fault, or word that the client left. */
  answer(exchange: Exchange, outcome: unknown): void {
    if (exchange.finished) return
    if (exchange.aborted || outcome instanceof Aborted) return this.abandon(exchange)
    if (outcome instanceof Fault) return this.fault(exchange, outcome)
    if (exchange.noted !== undefined) exchange.outcome = outcome
    const reply = exchange.route!.operation.render(outcome as never)
    if (reply.body instanceof BlobSource && reply.body.sizeBytes > 0) this.#stream(exchange, reply, reply.body)
    else this.reply(exchange, reply)
  }

  /** @param error the bug or outage behind an internal or unavailable answer, for the log */
  fault(exchange: Exchange, why: Fault, error?: unknown): void {
    if (error !== undefined)
      this.#logger.error(
        { requestId: exchange.id, operation: exchange.route?.operation.name, err: error },
        'request failed',
      )
    if (exchange.finished) return
    if (exchange.aborted) return this.abandon(exchange)
    const about = {
      resource: exchange.request.rawPath,
      requestId: exchange.id,
      hostId,
      method: exchange.request.method,
      bucket: exchange.request.bucket,
      key: exchange.request.key,
      region: exchange.verified?.principal.region ?? '',
      presigned: exchange.request.query.has('X-Amz-Algorithm'),
      dialect: exchange.request.dialect,
    }
    if (exchange.noted !== undefined) exchange.errorCode = describeFault(why, about).code
    const reply =
      exchange.wire === 'sts'
        ? renderStsFault(why, { requestId: exchange.id, json: wantsJson(exchange.request) })
        : faultRenderers[exchange.wire](why, about)
    this.reply(exchange, reply, why.code)
  }

  /** Writes a reply whose body is at hand. */
  reply(exchange: Exchange, reply: Reply, code?: FaultCode): void {
    if (exchange.finished) return
    if (exchange.aborted) return this.abandon(exchange)
    // What the handler did not read of the body is swallowed: a client that sends before it reads gets its answer.
    exchange.body?.discard()
    const frame = this.#frame(exchange, reply.status)
    const answer = { reply, frame, block: headerBlock(reply, frame), code }
    if (exchange.inCallback && this.#turn.keeps(exchange)) exchange.answer = answer
    else this.#write(exchange, answer)
  }

  #write(exchange: Exchange, { reply, frame, block, code }: Answer): void {
    if (exchange.finished) return
    if (exchange.aborted) return this.abandon(exchange)
    let sent = 0
    exchange.cork(() => {
      sent = writeReply(exchange.response, reply, frame, block)
    })
    this.#finish(exchange, reply.status, sent, code)
  }

  /** Logs a failure that belongs to no exchange. */
  report(error: unknown): void {
    this.#logger.error({ err: error }, 'failure')
  }

  /** The client left: nothing can be written. */
  abandon(exchange: Exchange): void {
    if (exchange.finished) return
    this.#metrics.abort()
    this.#finish(exchange, 0, 0, undefined)
  }

  #stream(exchange: Exchange, reply: Reply, source: BlobSource): void {
    // From this turn on: the sweeper runs in another.
    const release = source.heldBlobId === undefined ? () => {} : this.#pins.hold(source.heldBlobId)
    openSource(source, this.#blobs)
      .then(
        open => this.#send(exchange, reply, open, release),
        error => {
          release()
          this.#reopen(exchange, error)
        },
      )
      .catch(failure => this.fault(exchange, faultOf(failure), failure))
  }

  #send(exchange: Exchange, reply: Reply, open: OpenSource, release: () => void): void {
    if (exchange.aborted) {
      open.close()
      release()
      return this.abandon(exchange)
    }
    const frame = this.#frame(exchange, reply.status)
    let block: string
    try {
      block = headerBlock(reply, frame)
    } catch (error) {
      open.close()
      release()
      throw error
    }
    exchange.body?.discard()
    exchange.cork(() => {
      writeHead(exchange.response, reply.status, frame, block)
      const sending = open.send(exchange.response, {
        done: sent => {
          release()
          this.#finish(exchange, reply.status, sent, undefined)
        },
        failed: error => {
          release()
          this.#logger.error({ requestId: exchange.id, err: error }, 'stream failed')
          this.#finish(exchange, reply.status, 0, 'internal')
        },
        aborted: () => {
          release()
          this.abandon(exchange)
        },
      })
      exchange.stopStream = () => sending.abort()
      if (!exchange.finished) this.patience.watch(exchange)
    })
  }

  /** The object was replaced between its row's reading and its file's opening: look it up once more. */
  #reopen(exchange: Exchange, error: NodeJS.ErrnoException): void {
    const again = exchange.again
    exchange.again = undefined
    if (error.code !== 'ENOENT' || again === undefined) return this.fault(exchange, faultOf(error), error)
    Promise.resolve()
      .then(() => exchange.route!.handle(again.context, again.input))
      .then(outcome => this.answer(exchange, outcome))
      .catch(failure => this.fault(exchange, faultOf(failure), failure))
  }

  #frame(exchange: Exchange, status: number): Frame {
    const head = `${exchange.id}\r\nx-amz-id-2: ${hostId}\r\nServer: AmazonS3${exchange.crossOriginLines}`
    return {
      head: exchange.request.knownMethod === 'HEAD',
      close: this.draining || exchange.lastOnConnection,
      firstHeader: exchange.wire === 'sts' ? 'x-amzn-RequestId' : 'x-amz-request-id',
      prefix:
        exchange.wire === 'sts'
          ? exchange.id
          : exchange.charged && status < 400
            ? `${head}\r\nx-amz-request-charged: requester`
            : head,
    }
  }

  #finish(exchange: Exchange, status: number, bytesOut: number, code: FaultCode | undefined): void {
    if (exchange.finished) return
    exchange.finished = true
    this.patience.forget(exchange)
    const durationMs = performance.now() - exchange.startedAt
    const bytesIn = exchange.body?.receivedBytes ?? 0
    const operation = exchange.route?.operation.name ?? exchange.unrouted
    this.#counters(exchange, operation).record(status, durationMs / 1000, bytesIn, bytesOut)
    if (code !== undefined) this.#metrics.fault(code)
    this.#metrics.leave()
    if (exchange.noted !== undefined) this.afterwards?.ended(exchange, { status, bytesOut, durationMs })
    this.#log({
      requestId: exchange.id,
      wire: exchange.wire,
      operation,
      status,
      bytesIn,
      bytesOut,
      durationMs,
      bucket: exchange.request.bucket,
      key: exchange.request.key,
      remote: undefined,
      fault: code,
    })
  }

  #counters(exchange: Exchange, operation: string): OperationMetrics {
    const key = exchange.route ?? `${exchange.wire} ${operation}`
    let counters = this.#operationMetrics.get(key)
    if (counters === undefined) {
      counters = this.#metrics.operation(exchange.wire, operation)
      this.#operationMetrics.set(key, counters)
    }
    return counters
  }
}
