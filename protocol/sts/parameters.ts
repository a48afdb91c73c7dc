/**
 * Parameters of an STS call against their constraints. Everything that is wrong is said in one message, in the words in
 * which AWS's services say it. Constraints: the service's published model.
 */
import { type Fault, fault } from '../fault.ts'
import type { Query } from '../query.ts'

export interface TextRule {
  readonly required?: true
  readonly min: number
  readonly max: number
  readonly pattern?: RegExp
}
interface Bounds {
  readonly min: number
  readonly max: number
}

const digits = /^-?\d{1,15}$/

export class Parameters {
  readonly #query: Query
  readonly #problems: string[] = []

  constructor(query: Query) {
    this.#query = query
  }

  /** A parameter without a value counts as absent: so SDKs write empty lists. */
  text(name: string, rule: TextRule): string | undefined {
    const value = this.#query.get(name)
    return this.check(value === '' && rule.min > 0 ? undefined : value, fieldOf(name), rule)
  }

  integer(name: string, { min, max }: Bounds): number | undefined {
    const text = this.#query.get(name)
    if (text === undefined || text === '') return undefined
    const field = fieldOf(name)
    if (!digits.test(text)) return this.#fail(text, field, 'Member must be an integer')
    const value = Number(text)
    if (value < min) return this.#fail(text, field, `Member must have value greater than or equal to ${min}`)
    if (value > max) return this.#fail(text, field, `Member must have value less than or equal to ${max}`)
    return value
  }

  /** `name.member.N` and, of structures, `name.member.N.part`: the parts of each member, by number. */
  list(name: string, max: number): readonly ReadonlyMap<string, string>[] {
    const prefix = `${name}.member.`
    const members = new Map<number, Map<string, string>>()
    for (const [key, value] of this.#query) {
      if (!key.startsWith(prefix)) continue
      const [number = '', part = ''] = key.slice(prefix.length).split('.', 2)
      if (!/^\d{1,6}$/.test(number)) continue
      const member = members.get(Number(number)) ?? new Map<string, string>()
      if (!member.has(part)) member.set(part, value)
      members.set(Number(number), member)
    }
    if (members.size > max)
      this.#fail(`${members.size} members`, fieldOf(name), `Member must have length less than or equal to ${max}`)
    return [...members].sort(([a], [b]) => a - b).map(([, member]) => member)
  }

  check(value: string | undefined, field: string, rule: TextRule): string | undefined {
    if (value === undefined) return rule.required ? this.#fail(undefined, field, 'Member must not be null') : undefined
    const length = [...value].length
    if (length < rule.min) this.#fail(value, field, `Member must have length greater than or equal to ${rule.min}`)
    if (length > rule.max) this.#fail(value, field, `Member must have length less than or equal to ${rule.max}`)
    if (rule.pattern !== undefined && !rule.pattern.test(value)) {
      const source = rule.pattern.source.replace(/^\^|\$$/g, '')
      this.#fail(value, field, `Member must satisfy regular expression pattern: ${source}`)
    }
    return value
  }

  /** What all that was asked for so far has wrong. */
  get refusal(): Fault<'parameter-invalid'> | undefined {
    const count = this.#problems.length
    if (count === 0) return undefined
    const message = `${count} validation error${count === 1 ? '' : 's'} detected: ${this.#problems.join('; ')}`
    return fault('parameter-invalid', { message })
  }

  #fail(value: string | undefined, field: string, constraint: string): undefined {
    const shown = value === undefined ? 'null' : `'${value}'`
    this.#problems.push(`Value ${shown} at '${field}' failed to satisfy constraint: ${constraint}`)
    return undefined
  }
}

/** Messages name members as the service's own code does. */
function fieldOf(name: string): string {
  return name.slice(0, 1).toLowerCase() + name.slice(1)
}
