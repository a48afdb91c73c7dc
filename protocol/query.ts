/** A request's query string: kept raw for signatures, decoded for parsers. */

/** Decodes %XX as UTF-8; undefined when an escape is malformed or the bytes are not UTF-8. '+' stays '+'. */
export function decodePercent(text: string): string | undefined {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

export class Query {
  /** Exactly as received, without the '?'. */
  readonly raw: string
  /** False when some name or value could not be decoded (that pair is left out). */
  readonly wellFormed: boolean
  readonly #names: readonly string[]
  readonly #values: readonly string[]
  /** Some name is none of `signatureNames`. */
  readonly #selecting: boolean

  constructor(raw: string) {
    this.raw = raw
    const names: string[] = []
    const values: string[] = []
    let wellFormed = true
    let selecting = false
    let percent = indexOrEnd(raw, '%', 0)
    let plus = indexOrEnd(raw, '+', 0)
    for (let at = 0; at < raw.length; ) {
      const end = indexOrEnd(raw, '&', at)
      if (end > at) {
        const equals = Math.min(indexOrEnd(raw, '=', at), end)
        const known = signatureName(raw, at, equals)
        let name: string | undefined = known ?? raw.slice(at, equals)
        let value: string | undefined = equals === end ? '' : raw.slice(equals + 1, end)
        if (plus < end) {
          name = plusToSpace(name)
          value = plusToSpace(value)
          plus = indexOrEnd(raw, '+', end)
        }
        if (percent < end) {
          name = decodePercent(name)
          value = known === 'X-Amz-Credential' ? decodeCredential(value) : decodePercent(value)
          percent = indexOrEnd(raw, '%', end)
        }
        if (name === undefined || value === undefined) wellFormed = false
        else {
          names.push(name)
          values.push(value)
          if (known === undefined) selecting = true
        }
      }
      at = end + 1
    }
    this.#names = names
    this.#values = values
    this.#selecting = selecting
    this.wellFormed = wellFormed
  }

  get size(): number {
    return this.#names.length
  }
  has(name: string): boolean {
    return this.#names.includes(name)
  }
  /** The first value of a name; '' when it stands without one; undefined when absent. */
  get(name: string): string | undefined {
    const at = this.#names.indexOf(name)
    return at < 0 ? undefined : this.#values[at]
  }
  /**
   * The first name, in the order received, that the wire uses as a selector; '' when none is.
   * @param known holds no parameter of a signature
   */
  selector(known: ReadonlySet<string>): string {
    if (this.#selecting) for (const name of this.#names) if (known.has(name)) return name
    return ''
  }
  *[Symbol.iterator](): Generator<readonly [string, string]> {
    for (let i = 0; i < this.#names.length; i++) yield [this.#names[i]!, this.#values[i]!]
  }
}

/** Of Signature Version 4 in a query: the letter after `X-Amz-` and the length tell them apart. */
const signatureNames = [
  'X-Amz-Algorithm',
  'X-Amz-Content-Sha256',
  'X-Amz-Credential',
  'X-Amz-Date',
  'X-Amz-Expires',
  'X-Amz-Security-Token',
  'X-Amz-SignedHeaders',
  'X-Amz-Signature',
] as const

/**
 * The parameter of a signature whose name stands at `from`; undefined when another does. The constant and not the piece
 * of the text: two pieces are compared letter by letter, in native code, and each of these names is asked for often.
 */
function signatureName(raw: string, from: number, to: number): (typeof signatureNames)[number] | undefined {
  if (to - from < 10 || raw.charCodeAt(from) !== capitalX) return undefined
  const letter = raw.charCodeAt(from + 6)
  for (const name of signatureNames)
    if (name.length === to - from && name.charCodeAt(6) === letter && raw.startsWith(name, from)) return name
  return undefined
}

let lastCredential = ''
let lastDecoded: string | undefined = ''

/** A client sends the same one all day. */
function decodeCredential(text: string): string | undefined {
  if (text !== lastCredential) {
    lastDecoded = decodePercent(text)
    lastCredential = text
  }
  return lastDecoded
}

const capitalX = 0x58

function indexOrEnd(text: string, part: string, from: number): number {
  const at = text.indexOf(part, from)
  return at < 0 ? text.length : at
}

function plusToSpace(text: string): string {
  return text.includes('+') ? text.replaceAll('+', ' ') : text
}

export const emptyQuery = new Query('')
