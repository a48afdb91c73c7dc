/** The payload of a request: its body freed of aws-chunked framing, with what the signature says about it. */
import { Fault, fault } from '../protocol/fault.ts'
import { parseBoundary } from '../protocol/form-data.ts'
import type { BodyMode } from '../protocol/operation.ts'
import { formLimitBytes } from '../protocol/s3/post-form.ts'
import { AwsChunkedDecoder, type ChunkSigning } from '../protocol/sigv4/chunked.ts'
import { emptySha256, type StreamingKind } from '../protocol/sigv4/signature.ts'
import type { Verified } from './authenticate.ts'
import type { Aborted, BodySink, IncomingBody } from './bytes/contract.ts'
import type { Exchange } from './exchange.ts'
import { type OpenForm, readFields } from './form-body.ts'
import { emptyBody, type SocketBody } from './socket-body.ts'
import type { SocketRequest } from './socket-request.ts'

const lengthMissing = fault('length-missing')
/** S3 takes HTTP's own chunks only around those of aws-chunked, which tell the payload's size beforehand. */
const chunkedRefused = fault('not-implemented', { header: 'Transfer-Encoding' })
const notAForm = fault('precondition-failed', {
  condition: 'Bucket POST must be of the enclosure-type multipart/form-data',
})
const formMalformed = fault('form-malformed')
const noTrailers: ReadonlyMap<string, string> = new Map()

/**
 * The payload a handler reads. 'length-missing' or 'not-implemented' for a streamed body whose size the client does not
 * tell; a declared hash that cannot be that of an absent body is 'payload-hash-mismatch'.
 */
export function openPayload(exchange: Exchange, verified: Verified, mode: BodyMode): IncomingBody | Fault {
  const { kind, text } = verified.payload
  const body = exchange.body
  if (mode === 'none') return emptyBody
  if (kind === 'streaming-signed' || kind === 'streaming-signed-trailer' || kind === 'streaming-unsigned-trailer') {
    const decodedBytes = parseLength(exchange.request.header('x-amz-decoded-content-length'))
    if (decodedBytes === undefined || body === undefined) return lengthMissing
    return new ChunkedBody(body, kind, decodedBytes, exchange.request, verified.chunks)
  }
  const expected = kind === 'hash' && text !== '' ? text.toLowerCase() : undefined
  if (body === undefined) {
    if (mode === 'stream' && exchange.request.header('content-length') === '') return lengthMissing
    return expected === undefined || expected === emptySha256
      ? emptyBody
      : fault('payload-hash-mismatch', { client: expected, computed: emptySha256 })
  }
  if (mode === 'stream' && body.declaredBytes === undefined && exchange.request.dialect === 'aws') return chunkedRefused
  return expected === undefined ? body : new HashedBody(body, expected)
}

/** The boundary of a form; 'precondition-failed' for a body that is none. */
export function formBoundary(request: SocketRequest): string | Fault {
  return parseBoundary(request.header('content-type')) ?? notAForm
}

/** The fields of a form, as soon as they have come, and its file as a body. Its length must be known, as of any payload. */
export function openForm({ body, request }: Exchange, boundary: string): Fault | Promise<OpenForm | Fault | Aborted> {
  if (body === undefined) return request.header('content-length') === '' ? lengthMissing : formMalformed
  return body.declaredBytes === undefined ? chunkedRefused : readFields(body, boundary, formLimitBytes)
}

function parseLength(text: string): number | undefined {
  return /^\d{1,16}$/.test(text) ? Number(text) : undefined
}

/** A body whose SHA-256 the client has signed: whoever reads it compares. */
class HashedBody implements IncomingBody {
  readonly declaredBytes: number | undefined
  readonly expectedPayloadSha256: string
  readonly #body: SocketBody

  constructor(body: SocketBody, expected: string) {
    this.#body = body
    this.declaredBytes = body.declaredBytes
    this.expectedPayloadSha256 = expected
  }
  read(sink: BodySink): void {
    this.#body.read(sink)
  }
  pause(): void {
    this.#body.pause()
  }
  resume(): void {
    this.#body.resume()
  }
}

class ChunkedBody implements IncomingBody {
  readonly declaredBytes: number
  readonly #body: SocketBody
  readonly #decoder: AwsChunkedDecoder
  #sink: BodySink | undefined
  #trailers = noTrailers

  constructor(
    body: SocketBody,
    kind: StreamingKind,
    decodedBytes: number,
    request: SocketRequest,
    signing: ChunkSigning | undefined,
  ) {
    this.#body = body
    this.declaredBytes = decodedBytes
    const trailers = request
      .header('x-amz-trailer')
      .split(',')
      .map(name => name.trim().toLowerCase())
      .filter(name => name !== '')
    this.#decoder = new AwsChunkedDecoder({ kind, decodedBytes, trailers, signing }, bytes => this.#sink?.chunk(bytes))
  }

  /** Those of the end of the body; empty before it has been read. */
  trailers(): ReadonlyMap<string, string> {
    return this.#trailers
  }

  read(sink: BodySink): void {
    this.#sink = sink
    this.#body.read({
      chunk: bytes => {
        const wrong = this.#decoder.write(bytes)
        if (wrong !== undefined) this.#end(wrong)
      },
      end: () => {
        const decoded = this.#decoder.end()
        if (!(decoded instanceof Fault)) this.#trailers = decoded.trailers
        this.#end(decoded instanceof Fault ? decoded : undefined)
      },
      fail: why => {
        const reader = this.#sink
        this.#sink = undefined
        reader?.fail(why)
      },
    })
  }

  /** Only once; after a fault the rest of the body is swallowed. */
  #end(wrong: Fault | undefined): void {
    const sink = this.#sink
    if (sink === undefined) return
    this.#sink = undefined
    if (wrong === undefined) sink.end()
    else {
      this.#body.discard()
      sink.fail(wrong)
    }
  }

  pause(): void {
    this.#body.pause()
  }
  resume(): void {
    this.#body.resume()
  }
}
