/**
 * aws-chunked: the framing in which S3's clients stream a body with a signature per chunk, with trailing headers, or
 * with both (S3 API Reference, "Signature Calculations: Transferring Payload in Multiple Chunks" and "… Including
 * Trailing Headers").
 *
 *     400;chunk-signature=0055…\r\n <1,024 bytes> \r\n … 0;chunk-signature=b6c6…\r\n
 *     x-amz-checksum-crc32c:sOO8/Q==\r\n x-amz-trailer-signature:d81f…\r\n \r\n
 *
 * States: size (a chunk's header line) → data → data-end (its CRLF) → size …; after the chunk of size 0 trailer → done.
 * A fault ends the decoder: every later call answers it again.
 *
 * Payload is handed on before its chunk's signature can be known, so whoever takes it must be able to throw it away.
 */
import { Buffer } from 'node:buffer'
import { createHash, type Hash, hash } from 'node:crypto'
import { type Fault, fault } from '../fault.ts'
import { spacedHex } from './encode.ts'
import { emptySha256, type StreamingKind } from './signature.ts'
import { equalSignatures, type SigningKey } from './signing-key.ts'

export interface ChunkSigning {
  readonly key: SigningKey
  /** The request's own signature, the first link of the chain. */
  readonly seed: string
  readonly amzDate: string
  readonly accessKeyId: string
}

export interface ChunkedOptions {
  readonly kind: StreamingKind
  /** x-amz-decoded-content-length. */
  readonly decodedBytes: number
  /** Names announced by x-amz-trailer, in lower case; each must come, and no other. */
  readonly trailers: readonly string[]
  /** Needed by the signed kinds. */
  readonly signing?: ChunkSigning | undefined
}

export type ChunkedFault = 'body-truncated' | 'chunk-signature-mismatch' | 'chunk-size-invalid' | 'trailer-malformed'

export interface Decoded {
  /** By lower-case name, in the order received; without x-amz-trailer-signature. */
  readonly trailers: ReadonlyMap<string, string>
}

/** A header line has two short fields; a trailer at most a checksum. */
const lineLimitBytes = 4096
/** S3 refuses a chunk below this that is not the last one, in every kind. */
const minChunkBytes = 8192

const State = { size: 0, data: 1, dataEnd: 2, trailer: 3, done: 4, failed: 5 } as const
type State = (typeof State)[keyof typeof State]

const truncated = fault('body-truncated')
const lengthWrong = fault('body-truncated', {
  message: 'You did not provide the number of bytes specified by the Content-Length HTTP header',
})
const trailerMalformed = fault('trailer-malformed')
const lineFeed = 10
const carriageReturn = 13

export class AwsChunkedDecoder {
  readonly #options: ChunkedOptions
  readonly #signing: ChunkSigning | undefined
  readonly #onPayload: (bytes: Uint8Array) => void
  #state: State = State.size
  #fault: Fault<ChunkedFault> | undefined
  /** The start of a line whose end has not arrived. */
  #line: Buffer | undefined
  #lineBytes = 0
  #chunkLeft = 0
  #chunkNumber = 0
  #lastChunkBytes = 0
  #decodedBytes = 0
  #chunkSignature = ''
  #priorSignature: string
  #hash: Hash | undefined
  #crSeen = false
  #trailerText = ''
  #trailerSigned = false
  #tailBytes = 0
  readonly #trailers = new Map<string, string>()

  /** @param onPayload takes slices of what is written, valid only during the call */
  constructor(options: ChunkedOptions, onPayload: (bytes: Uint8Array) => void) {
    if (options.kind !== 'streaming-unsigned-trailer' && options.signing === undefined)
      throw new TypeError(`${options.kind} needs a signing key`)
    this.#options = options
    this.#signing = options.kind === 'streaming-unsigned-trailer' ? undefined : options.signing
    this.#priorSignature = this.#signing?.seed ?? ''
    this.#onPayload = onPayload
  }

  /** Takes the next bytes of the body, split anywhere. */
  write(bytes: Uint8Array): Fault<ChunkedFault> | undefined {
    let at = 0
    while (at < bytes.length) {
      switch (this.#state) {
        case State.data: {
          const end = Math.min(bytes.length, at + this.#chunkLeft)
          const slice = at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end)
          this.#hash?.update(slice)
          this.#onPayload(slice)
          this.#chunkLeft -= end - at
          if (this.#chunkLeft === 0) this.#state = State.dataEnd
          at = end
          break
        }
        case State.dataEnd: {
          if (bytes[at] !== (this.#crSeen ? lineFeed : carriageReturn)) return this.#fail(truncated)
          at++
          if (this.#crSeen) {
            const wrong = this.#verifyChunk()
            if (wrong !== undefined) return this.#fail(wrong)
            this.#state = State.size
          }
          this.#crSeen = !this.#crSeen
          break
        }
        case State.size:
        case State.trailer: {
          const feed = bytes.indexOf(lineFeed, at)
          const end = feed < 0 ? bytes.length : feed + 1
          if (this.#lineBytes + end - at > lineLimitBytes) return this.#fail(this.#lineFault())
          if (feed < 0) {
            this.#keep(bytes, at, end)
            return undefined
          }
          const wrong = this.#takeLine(this.#lineText(bytes, at, end))
          if (wrong !== undefined) return this.#fail(wrong)
          at = end
          break
        }
        case State.done:
          // Some clients end the trailers' last line with LF alone and then write one CRLF more than the framing asks.
          if (this.#tailBytes > 1 || bytes[at] !== (this.#tailBytes === 0 ? carriageReturn : lineFeed))
            return this.#fail(truncated)
          this.#tailBytes++
          at++
          break
        case State.failed:
          return this.#fault
      }
    }
    return this.#fault
  }

  /** Call once all bytes are written. */
  end(): Decoded | Fault<ChunkedFault> {
    if (this.#fault !== undefined) return this.#fault
    if (this.#state !== State.done) return this.#fail(truncated)
    return { trailers: this.#trailers }
  }

  #fail(why: Fault<ChunkedFault>): Fault<ChunkedFault> {
    this.#fault = why
    this.#state = State.failed
    this.#line = undefined
    return why
  }

  #lineFault(): Fault<ChunkedFault> {
    return this.#state === State.trailer ? trailerMalformed : truncated
  }

  #keep(bytes: Uint8Array, from: number, to: number): void {
    this.#line ??= Buffer.allocUnsafe(lineLimitBytes)
    this.#line.set(bytes.subarray(from, to), this.#lineBytes)
    this.#lineBytes += to - from
  }

  /** A whole line with its line feed. Latin-1: one character per byte, so nothing invalid can hide. */
  #lineText(bytes: Uint8Array, from: number, to: number): string {
    if (this.#lineBytes === 0) return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1')
    this.#keep(bytes, from, to)
    const text = this.#line!.toString('latin1', 0, this.#lineBytes)
    this.#lineBytes = 0
    return text
  }

  #takeLine(line: string): Fault<ChunkedFault> | undefined {
    return this.#state === State.size ? this.#takeSize(line) : this.#takeTrailer(line)
  }

  #takeSize(line: string): Fault<ChunkedFault> | undefined {
    const match = (this.#signing === undefined ? unsignedHeader : signedHeader).exec(line)
    if (match === null) return truncated
    const size = Number.parseInt(match[1]!, 16)
    this.#chunkSignature = match[2] ?? ''
    this.#chunkNumber++
    if (size === 0) return this.#endPayload()
    if (this.#chunkNumber > 1 && this.#lastChunkBytes < minChunkBytes)
      return fault('chunk-size-invalid', { chunk: this.#chunkNumber, badChunkSize: this.#lastChunkBytes })
    this.#decodedBytes += size
    if (this.#decodedBytes > this.#options.decodedBytes) return lengthWrong
    this.#lastChunkBytes = size
    this.#chunkLeft = size
    if (this.#signing !== undefined) this.#hash = createHash('sha256')
    this.#state = State.data
    return undefined
  }

  #endPayload(): Fault<ChunkedFault> | undefined {
    if (this.#decodedBytes !== this.#options.decodedBytes) return lengthWrong
    this.#state = State.trailer
    return this.#verifyChunk()
  }

  #takeTrailer(line: string): Fault<ChunkedFault> | undefined {
    const kind = this.#options.kind
    if (line === '\r\n' || line === '\n') {
      // Clients that end a trailer with LF alone write an empty line before its signature.
      if (kind === 'streaming-signed-trailer' && !this.#trailerSigned && this.#trailers.size > 0) return undefined
      return this.#endTrailers()
    }
    const match = trailerLine.exec(line)
    if (match === null || this.#trailerSigned) return trailerMalformed
    const name = match[1]!.toLowerCase()
    const value = match[2]!.trim()
    if (name === 'x-amz-trailer-signature' && kind === 'streaming-signed-trailer') return this.#verifyTrailers(value)
    if (kind === 'streaming-signed' || !this.#options.trailers.includes(name) || this.#trailers.has(name))
      return trailerMalformed
    this.#trailers.set(name, value)
    this.#trailerText += `${name}:${value}\n`
    return undefined
  }

  #endTrailers(): Fault<ChunkedFault> | undefined {
    const { kind, trailers } = this.#options
    if (kind === 'streaming-signed-trailer' && !this.#trailerSigned) return trailerMalformed
    if (kind !== 'streaming-signed') for (const name of trailers) if (!this.#trailers.has(name)) return trailerMalformed
    this.#state = State.done
    return undefined
  }

  /** Checks the chunk that ended: its hash, chained to the signature before it. */
  #verifyChunk(): Fault<ChunkedFault> | undefined {
    const signing = this.#signing
    if (signing === undefined) return undefined
    const digest = this.#hash === undefined ? emptySha256 : this.#hash.digest('hex')
    this.#hash = undefined
    return this.#verify(signing, 'AWS4-HMAC-SHA256-PAYLOAD', `${emptySha256}\n${digest}`, this.#chunkSignature)
  }

  #verifyTrailers(sent: string): Fault<ChunkedFault> | undefined {
    this.#trailerSigned = true
    return this.#verify(this.#signing!, 'AWS4-HMAC-SHA256-TRAILER', hash('sha256', this.#trailerText, 'hex'), sent)
  }

  #verify(signing: ChunkSigning, head: string, tail: string, sent: string): Fault<ChunkedFault> | undefined {
    const text = `${head}\n${signing.amzDate}\n${signing.key.scope}\n${this.#priorSignature}\n${tail}`
    const expected = signing.key.sign(text)
    if (!equalSignatures(expected, sent))
      return fault('chunk-signature-mismatch', {
        accessKeyId: signing.accessKeyId,
        signatureProvided: sent,
        stringToSign: text,
        stringToSignBytes: spacedHex(text),
      })
    this.#priorSignature = expected
    return undefined
  }
}

/** 13 hexadecimal digits stay within the safe integers; leading zeros beyond that are nobody's. */
const unsignedHeader = /^([0-9A-Fa-f]{1,13})\r\n$/
const signedHeader = /^([0-9A-Fa-f]{1,13});chunk-signature=([\x21-\x7e]{1,128})\r\n$/
/** A name is a token (RFC 9110 §5.6.2); a value visible ASCII and blanks. */
const trailerLine = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}):([\t\x20-\x7e]*)\r?\n$/
