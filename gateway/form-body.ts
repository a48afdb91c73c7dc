/**
 * A form on its socket: its fields first, then its file as a body of its own.
 *
 * States: fields → file waits (the socket paused; of the file is kept what came with the fields, at most one receive
 * call) → file flows → ended. A form that is wrong, or whose file has not the size it may have, ends at once: the sink is
 * told, and the rest is swallowed.
 */
import { Fault, fault } from '../protocol/fault.ts'
import { FormDataDecoder, type FormHead } from '../protocol/form-data.ts'
import type { SizeRange } from '../protocol/s3/post-policy.ts'
import type { Aborted, BodySink, IncomingBody } from './bytes/contract.ts'
import type { SocketBody } from './socket-body.ts'

/** What a form's body needs to be. */
export type FormSource = Pick<SocketBody, 'declaredBytes' | 'read' | 'pause' | 'resume' | 'discard'>

export interface OpenForm {
  readonly head: FormHead
  readonly file: FormFile
}

/**
 * Reads the fields of a form.
 * @param limitBytes most bytes before the file's own
 */
export function readFields(
  body: FormSource,
  boundary: string,
  limitBytes: number,
): Promise<OpenForm | Fault | Aborted> {
  return new Promise(resolve => new FormFile(body, boundary, limitBytes, resolve).begin())
}

export class FormFile implements IncomingBody {
  /** Nobody has said how large it is. */
  readonly declaredBytes = undefined
  readonly #body: FormSource
  readonly #decoder: FormDataDecoder
  readonly #opened: (form: OpenForm | Fault | Aborted) => void
  readonly #closingBytes: number
  #headBytes = 0
  #range: SizeRange | undefined
  #sizeBytes = 0
  #waiting: Uint8Array[] = []
  #sink: BodySink | undefined
  /** The sink asked for a pause. */
  #held = false
  #outcome: 'end' | Fault | Aborted | undefined

  constructor(
    body: FormSource,
    boundary: string,
    limitBytes: number,
    opened: (form: OpenForm | Fault | Aborted) => void,
  ) {
    this.#body = body
    this.#opened = opened
    this.#closingBytes = `\r\n--${boundary}--\r\n`.length
    this.#decoder = new FormDataDecoder(boundary, limitBytes, {
      file: head => this.#begin(head),
      chunk: bytes => this.#take(bytes),
    })
  }

  begin(): void {
    this.#body.read({
      chunk: bytes => {
        if (this.#outcome !== undefined) return
        const wrong = this.#decoder.write(bytes)
        if (wrong !== undefined) this.#end(wrong)
      },
      end: () => {
        if (this.#outcome === undefined) this.#end(this.#decoder.end() ?? this.#tooSmall() ?? 'end')
      },
      fail: why => this.#end(why),
    })
  }

  /** Which sizes the file may have. Call before `read`. */
  limit(range: SizeRange | undefined): void {
    this.#range = range
    if (this.#outcome === 'end') this.#outcome = this.#tooLarge() ?? this.#tooSmall() ?? 'end'
    else if (this.#outcome === undefined) this.#checkSize()
  }

  read(sink: BodySink): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const bytes of waiting) sink.chunk(bytes)
    this.#sink = sink
    if (this.#outcome !== undefined) this.#tell(this.#outcome)
    else if (!this.#held) this.#body.resume()
  }

  pause(): void {
    this.#held = true
    this.#body.pause()
  }
  resume(): void {
    this.#held = false
    // While `read` still hands over what waited, more must not come.
    if (this.#sink !== undefined) this.#body.resume()
  }

  #begin(head: FormHead): void {
    this.#headBytes = head.sizeBytes
    this.#body.pause()
    this.#opened({ head, file: this })
  }

  #take(bytes: Uint8Array): void {
    if (this.#outcome !== undefined) return
    this.#sizeBytes += bytes.length
    if (this.#checkSize()) return
    if (this.#sink === undefined) this.#waiting.push(Uint8Array.prototype.slice.call(bytes))
    else this.#sink.chunk(bytes)
  }

  /** Ends the file when it is already too large. */
  #checkSize(): boolean {
    const wrong = this.#tooLarge()
    if (wrong !== undefined) this.#end(wrong)
    return wrong !== undefined
  }

  #tooLarge(): Fault<'object-too-large'> | undefined {
    const limitBytes = this.#range?.maxBytes
    if (limitBytes === undefined || this.#sizeBytes <= limitBytes) return undefined
    // As far as can be told before the rest has come: if nothing follows the file.
    const declared = (this.#body.declaredBytes ?? 0) - this.#headBytes - this.#closingBytes
    return fault('object-too-large', { sizeBytes: Math.max(this.#sizeBytes, declared), limitBytes })
  }

  #tooSmall(): Fault<'object-too-small'> | undefined {
    const limitBytes = this.#range?.minBytes
    if (limitBytes === undefined || this.#sizeBytes >= limitBytes) return undefined
    return fault('object-too-small', { sizeBytes: this.#sizeBytes, limitBytes })
  }

  #end(outcome: 'end' | Fault | Aborted): void {
    if (this.#outcome !== undefined) return
    this.#outcome = outcome
    this.#waiting = outcome === 'end' ? this.#waiting : []
    if (outcome instanceof Fault) this.#body.discard()
    if (outcome !== 'end') this.#opened(outcome)
    if (this.#sink !== undefined) this.#tell(outcome)
  }

  #tell(outcome: 'end' | Fault | Aborted): void {
    const sink = this.#sink!
    this.#sink = undefined
    if (outcome === 'end') sink.end()
    else sink.fail(outcome)
  }
}
