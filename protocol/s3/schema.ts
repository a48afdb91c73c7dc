/**
 * Documents that S3 holds against its schema before it looks at what they say: an element that is unknown, stands too
 * often or holds what its type has not makes the whole document malformed (MalformedXML), wherever it stands.
 */
import type { XmlElement } from '../xml.ts'

/** What may stand in an element, by name: text or elements, at most once (singular) or any number of times (plural). */
export type Shape = Readonly<Record<string, 'text' | 'texts' | 'element' | 'elements'>>

export type Content<S extends Shape> = {
  readonly [Name in keyof S]: S[Name] extends 'text'
    ? string | undefined
    : S[Name] extends 'texts'
      ? readonly string[]
      : S[Name] extends 'element'
        ? XmlElement | undefined
        : readonly XmlElement[]
}

/** The children of an element by their names, in whatever order they stand; undefined when not of the shape. */
export function readContent<const S extends Shape>(parent: XmlElement, shape: S): Content<S> | undefined {
  if (parent.text.trim() !== '') return undefined
  const content: Record<string, string | XmlElement | (string | XmlElement)[] | undefined> = {}
  for (const name in shape) content[name] = isPlural(shape[name]!) ? [] : undefined
  for (const child of parent.children) {
    const kind = Object.hasOwn(shape, child.name) ? shape[child.name] : undefined
    if (kind === undefined) return undefined
    const isText = kind === 'text' || kind === 'texts'
    if (isText && child.children.length > 0) return undefined
    const value = isText ? child.text : child
    const known = content[child.name]
    if (Array.isArray(known)) known.push(value)
    else if (known === undefined) content[child.name] = value
    else return undefined
  }
  return content as Content<S>
}

function isPlural(kind: Shape[string]): boolean {
  return kind === 'texts' || kind === 'elements'
}

/** A whole number of 32 bits; undefined for anything else. */
export function readInteger(text: string): number | undefined {
  const trimmed = text.trim()
  if (!/^[+-]?[0-9]{1,10}$/.test(trimmed)) return undefined
  const value = Number(trimmed)
  return value >= -2_147_483_648 && value <= 2_147_483_647 ? value : undefined
}

/** A whole number of up to 18 digits, beyond 2^53 not to the last one; undefined for anything else. */
export function readLong(text: string): number | undefined {
  const trimmed = text.trim()
  return /^[+-]?[0-9]{1,18}$/.test(trimmed) ? Number(trimmed) : undefined
}

export function readBoolean(text: string): boolean | undefined {
  const trimmed = text.trim()
  if (trimmed === 'true' || trimmed === '1') return true
  return trimmed === 'false' || trimmed === '0' ? false : undefined
}

const isoDate = /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})?)?$/

/**
 * A moment as ISO 8601 writes it, in milliseconds since 1970: a day (its midnight UTC) or a day with a time, in UTC
 * when no offset is given. Undefined for anything else, also for days no calendar has.
 */
export function readDate(text: string): number | undefined {
  const match = isoDate.exec(text.trim())
  if (match === null) return undefined
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])]
  const [hour, minute, second] = [Number(match[4] ?? 0), Number(match[5] ?? 0), Number(match[6] ?? 0)]
  if (hour > 23 || minute > 59 || second > 59) return undefined
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined
  const millisecond = Math.floor(Number(`0.${match[7] ?? 0}`) * 1000)
  const offset = readOffset(match[8] ?? 'Z')
  if (offset === undefined) return undefined
  const ms = date.setUTCHours(hour, minute, second, millisecond) - offset
  return ms >= firstDateMs && ms <= lastDateMs ? ms : undefined
}
/** Four digits of a year are all that is ever written back. */
const firstDateMs = Date.parse('0001-01-01T00:00:00Z')
const lastDateMs = Date.parse('9999-12-31T23:59:59.999Z')

function readOffset(text: string): number | undefined {
  if (text === 'Z') return 0
  const [hours, minutes] = [Number(text.slice(1, 3)), Number(text.slice(4))]
  if (hours > 14 || minutes > 59) return undefined
  return (text.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000
}
