/**
 * multipart/form-data as browsers send forms (RFC 7578 over RFC 2046 §5.1), taken in as it arrives: the fields before
 * the file are collected, the file's bytes are handed on in slices of what is written, and what follows the file is
 * looked through and dropped.
 *
 * States: preamble → tail (behind a delimiter) → header (lines) → value | file | ignored → tail … → epilogue.
 * A fault ends the decoder: every later call answers it again.
 *
 * The file is the part that is named `file` and is form-data: a file name makes none, clients send one with every field.
 * File bytes are handed on before the form is known to be whole, so whoever takes them must be able to throw them away.
 */
import { Buffer, isUtf8 } from 'node:buffer'
import { type Fault, fault } from './fault.ts'
import { parseParameters } from './header-parameters.ts'

export interface FormField {
  /** As sent. */
  readonly name: string
  readonly value: string
}

/** Everything before the file's first byte. */
export interface FormHead {
  /** In the order sent; names may stand twice. */
  readonly fields: readonly FormField[]
  /** Of the file, as sent: maybe a path. Undefined when the client names none. */
  readonly fileName: string | undefined
  /** Of the file's part; '' when it says nothing. */
  readonly contentType: string
  /** From the body's first byte to here. */
  readonly sizeBytes: number
}

export interface FormSink {
  /** Called once, before the first bytes of the file. */
  file(head: FormHead): void
  /** The file's bytes, valid only during the call. */
  chunk(bytes: Uint8Array): void
}

export type FormFault = 'form-malformed' | 'form-too-large' | 'argument-invalid'

/** A header has two short fields; this leaves room for a long file name. */
const lineLimitBytes = 8192
const boundaryLimitBytes = 70

const State = {
  preamble: 0,
  value: 1,
  file: 2,
  ignored: 3,
  tail: 4,
  closing: 5,
  padding: 6,
  header: 7,
  epilogue: 8,
  failed: 9,
} as const
type State = (typeof State)[keyof typeof State]

const malformed = fault('form-malformed')
const notUnicode = fault('argument-invalid', {
  name: 'formField',
  message: 'Malformed Unicode code sequence in the field.',
})
const lineFeed = 10
const carriageReturn = 13
const dash = 45

interface Disposition {
  readonly name: string
  readonly fileName: string | undefined
  readonly isFile: boolean
}

/**
 * The boundary a Content-Type gives.
 * @returns undefined when the type is not multipart/form-data; 'form-malformed' without a boundary of 1 to 70 characters
 */
export function parseBoundary(contentType: string): string | undefined | Fault<'form-malformed'> {
  const header = parseParameters(contentType)
  if (header === undefined)
    return /^\s*multipart\/form-data\s*(?:;|$)/i.test(contentType) ? fault('form-malformed') : undefined
  if (header.value !== 'multipart/form-data') return undefined
  const boundary = header.parameters.get('boundary') ?? ''
  return boundary.length <= boundaryLimitBytes && /^[\x20-\x7e]*[\x21-\x7e]$/.test(boundary)
    ? boundary
    : fault('form-malformed')
}

export class FormDataDecoder {
  readonly #limitBytes: number
  readonly #sink: FormSink
  /** CRLF, two dashes, the boundary. Its only CR is its first byte, which makes the search for it simple. */
  readonly #delimiter: Buffer
  /** How much of the delimiter what is written so far ends with. The body begins as if behind a CRLF. */
  #matched = 2
  #state: State = State.preamble
  #fault: Fault<FormFault> | undefined
  /** Bytes of earlier writes. */
  #before = 0
  /** The start of a line whose end has not arrived. */
  #line: Buffer | undefined
  #lineBytes = 0
  /** Of the part whose headers or content are being read. */
  #disposition: Disposition | undefined
  #contentType = ''
  #value: Buffer[] = []
  #fields: FormField[] = []
  #files = 0

  /**
   * @param boundary as parseBoundary answers it
   * @param limitBytes most bytes before the file's own: beyond them 'form-too-large'
   */
  constructor(boundary: string, limitBytes: number, sink: FormSink) {
    this.#delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1')
    this.#limitBytes = limitBytes
    this.#sink = sink
  }

  /** Takes the next bytes of the body, split anywhere. */
  write(bytes: Uint8Array): Fault<FormFault> | undefined {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    for (let at = 0; at < buffer.length && this.#fault === undefined; ) {
      at = this.#step(buffer, at)
      if (this.#files > 0 || this.#before + at <= this.#limitBytes) continue
      // Before whatever else is wrong there: the answer must not depend on how the body is cut.
      this.#fault = undefined
      this.#fail(fault('form-too-large', { limitBytes: this.#limitBytes }))
    }
    this.#before += buffer.length
    return this.#fault
  }

  /** Call once all bytes are written. */
  end(): Fault<FormFault> | undefined {
    if (this.#fault === undefined && this.#state !== State.epilogue) this.#fail(malformed)
    return this.#fault
  }

  /** Answers how far it came. */
  #step(bytes: Buffer, at: number): number {
    switch (this.#state) {
      case State.preamble:
      case State.value:
      case State.file:
      case State.ignored:
        return this.#content(bytes, at)
      case State.tail:
        this.#state = bytes[at] === dash ? State.closing : State.padding
        return bytes[at] === dash ? at + 1 : at
      case State.closing:
        if (bytes[at] === dash) this.#close()
        else this.#fail(malformed)
        return at + 1
      case State.padding:
      case State.header:
        return this.#readLine(bytes, at)
      case State.epilogue:
      case State.failed:
        return bytes.length
    }
  }

  /** Bytes up to the next delimiter. */
  #content(bytes: Buffer, at: number): number {
    const delimiter = this.#delimiter
    if (this.#matched > 0) {
      const count = Math.min(delimiter.length - this.#matched, bytes.length - at)
      if (bytes.compare(delimiter, this.#matched, this.#matched + count, at, at + count) === 0) {
        this.#matched += count
        if (this.#matched === delimiter.length) this.#delimited()
        return at + count
      }
      // No CR among them: no later place of what was held back can begin a delimiter.
      const held = this.#matched
      this.#matched = 0
      this.#hand(delimiter.subarray(0, held))
      return at
    }
    const found = bytes.indexOf(delimiter, at)
    if (found >= 0) {
      this.#hand(bytes.subarray(at, found))
      this.#delimited()
      return found + delimiter.length
    }
    const end = this.#beginOfDelimiter(bytes, at)
    this.#matched = bytes.length - end
    this.#hand(bytes.subarray(at, end))
    return bytes.length
  }

  /** Where the delimiter's beginning stands at the end of the bytes; their length when it does not. */
  #beginOfDelimiter(bytes: Buffer, at: number): number {
    const from = Math.max(at, bytes.length - this.#delimiter.length + 1)
    const last = bytes.subarray(from).lastIndexOf(carriageReturn)
    if (last < 0) return bytes.length
    const begin = from + last
    return bytes.compare(this.#delimiter, 0, bytes.length - begin, begin, bytes.length) === 0 ? begin : bytes.length
  }

  #hand(bytes: Buffer): void {
    if (bytes.length === 0 || this.#fault !== undefined) return
    if (this.#state === State.file) this.#sink.chunk(bytes)
    // Beyond the limit nothing is kept: the fault comes with the end of this step.
    else if (this.#state === State.value && bytes.length <= this.#limitBytes) this.#value.push(Buffer.from(bytes))
  }

  #delimited(): void {
    if (this.#state === State.value) this.#endValue()
    if (this.#fault !== undefined) return
    this.#matched = 0
    this.#state = State.tail
  }

  #endValue(): void {
    const bytes = Buffer.concat(this.#value)
    this.#value = []
    if (isUtf8(bytes)) this.#fields.push({ name: this.#disposition!.name, value: bytes.toString('utf8') })
    else this.#fail(notUnicode)
  }

  #close(): void {
    if (this.#files === 0) this.#fail(filesFault(0))
    else this.#state = State.epilogue
  }

  #readLine(bytes: Buffer, at: number): number {
    const feed = bytes.indexOf(lineFeed, at)
    const end = feed < 0 ? bytes.length : feed + 1
    const room = lineLimitBytes - this.#lineBytes
    if (end - at > room) {
      this.#fail(malformed)
      return at + room + 1
    }
    if (feed < 0) this.#keep(bytes, at, end)
    else this.#takeLine(this.#wholeLine(bytes, at, end), end)
    return end
  }

  #keep(bytes: Buffer, from: number, to: number): void {
    this.#line ??= Buffer.allocUnsafe(lineLimitBytes)
    bytes.copy(this.#line, this.#lineBytes, from, to)
    this.#lineBytes += to - from
  }

  #wholeLine(bytes: Buffer, from: number, to: number): Buffer {
    if (this.#lineBytes === 0) return bytes.subarray(from, to)
    this.#keep(bytes, from, to)
    const line = this.#line!.subarray(0, this.#lineBytes)
    this.#lineBytes = 0
    return line
  }

  /** @param end where the line ends in what is being written */
  #takeLine(line: Buffer, end: number): void {
    if (line.length < 2 || line[line.length - 2] !== carriageReturn) return this.#fail(malformed)
    if (!isUtf8(line)) return this.#fail(notUnicode)
    const text = line.toString('utf8', 0, line.length - 2)
    if (this.#state === State.padding) {
      // RFC 2046 §5.1.1: blanks behind a boundary were added on the way.
      if (!/^[ \t]*$/.test(text)) return this.#fail(malformed)
      this.#disposition = undefined
      this.#contentType = ''
      this.#state = State.header
    } else if (text === '') this.#endHeaders(end)
    else this.#takeHeader(text)
  }

  #takeHeader(text: string): void {
    const colon = text.indexOf(':')
    const name = text.slice(0, Math.max(colon, 0)).toLowerCase()
    if (!/^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(name)) return this.#fail(malformed)
    const value = text.slice(colon + 1).trim()
    if (name === 'content-type') this.#contentType = value
    // RFC 7578 §4.8: others are ignored.
    if (name !== 'content-disposition') return
    const parsed = parseParameters(value)
    const field = parsed?.parameters.get('name')
    if (parsed === undefined || field === undefined || this.#disposition !== undefined) return this.#fail(malformed)
    const isFile = parsed.value === 'form-data' && field.toLowerCase() === 'file'
    this.#disposition = { name: field, fileName: parsed.parameters.get('filename'), isFile }
  }

  #endHeaders(end: number): void {
    const disposition = this.#disposition
    if (disposition === undefined) return this.#fail(malformed)
    if (this.#files > 0) {
      if (disposition.isFile) this.#fail(filesFault(2))
      else this.#state = State.ignored
    } else if (disposition.isFile) this.#beginFile(disposition.fileName, this.#before + end)
    else this.#state = State.value
  }

  #beginFile(fileName: string | undefined, sizeBytes: number): void {
    // Too much: found out when this step ends.
    if (sizeBytes > this.#limitBytes) return
    this.#files = 1
    this.#state = State.file
    const fields = this.#fields
    this.#fields = []
    this.#sink.file({ fields, fileName, contentType: this.#contentType, sizeBytes })
  }

  #fail(why: Fault<FormFault>): void {
    if (this.#fault !== undefined) return
    this.#fault = why
    this.#state = State.failed
    this.#line = undefined
    this.#value = []
    this.#fields = []
  }
}

function filesFault(count: number): Fault<'argument-invalid'> {
  return fault('argument-invalid', {
    name: 'file',
    value: String(count),
    message: 'POST requires exactly one file upload per request.',
  })
}
