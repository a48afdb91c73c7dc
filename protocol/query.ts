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

  constructor(raw: string) {
    this.raw = raw
    const names: string[] = []
    const values: string[] = []
    let wellFormed = true
    for (let at = 0; at < raw.length; ) {
      let end = raw.indexOf('&', at)
      if (end < 0) end = raw.length
      if (end > at) {
        let equals = raw.indexOf('=', at)
        if (equals < 0 || equals > end) equals = end
        const name = decodePercent(plusToSpace(raw.slice(at, equals)))
        const value = equals === end ? '' : decodePercent(plusToSpace(raw.slice(equals + 1, end)))
        if (name === undefined || value === undefined) wellFormed = false
        else {
          names.push(name)
          values.push(value)
        }
      }
      at = end + 1
    }
    this.#names = names
    this.#values = values
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
  /** The first name, in the order received, that the wire uses as a selector; '' when none is. */
  selector(known: ReadonlySet<string>): string {
    for (const name of this.#names) if (known.has(name)) return name
    return ''
  }
  *[Symbol.iterator](): Generator<readonly [string, string]> {
    for (let i = 0; i < this.#names.length; i++) yield [this.#names[i]!, this.#values[i]!]
  }
}

function plusToSpace(text: string): string {
  return text.includes('+') ? text.replaceAll('+', ' ') : text
}

export const emptyQuery = new Query('')
