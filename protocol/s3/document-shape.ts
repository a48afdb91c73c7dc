/**
 * Documents as data. A shape says which elements a document has; it reads and writes them. What does not fit is what S3
 * answers MalformedXML to ("did not validate against our published schema"); rules beyond a schema stand in each
 * document's own file. Values are plain JSON, so that what was read can be kept and written again.
 */
import { type Fault, fault } from '../fault.ts'
import { element, parseXml, type XmlElement, xmlDeclaration } from '../xml.ts'
import { formatTimestamp, parseTimestamp } from './timestamps.ts'
import { s3Namespace } from './xml.ts'

export interface Shape<T> {
  /** The value of an element, or undefined when it is not of this shape. */
  read(element: XmlElement): T | undefined
  /** An element of this name. */
  write(name: string, value: T): string
}
export type ValueOf<S> = S extends Shape<infer T> ? T : never

/** One or more children of a record, under one name. */
interface Member<T, Optional extends boolean> {
  readonly name: string
  readonly optional: Optional
  read(elements: readonly XmlElement[]): T | undefined
  write(value: T): string
}

export type MalformedFault = Fault<'xml-malformed'>

/** Enough for 1,000 rules of every kind; deeper or longer is no document of S3's. */
const limits = { maxDepth: 12, maxNodes: 50_000 }

/** A document whose root has this name, or the fault of one that is not of this shape. */
export function readDocument<T>(root: string, shape: Shape<T>, body: Uint8Array): T | MalformedFault {
  const parsed = parseXml(body, limits)
  if (parsed === undefined || parsed.name !== root) return fault('xml-malformed')
  return shape.read(parsed) ?? fault('xml-malformed')
}

/** A whole document: declaration, root in S3's namespace, and what is in it. */
export function writeDocument<T>(root: string, shape: Shape<T>, value: T): string {
  return `${xmlDeclaration}<${root} xmlns="${s3Namespace}"${shape.write(root, value).slice(root.length + 1)}`
}

function leaf(element: XmlElement): string | undefined {
  return element.children.length === 0 ? element.text : undefined
}

/** Free text, kept as sent. */
export const text: Shape<string> = { read: leaf, write: element }

/** One of a list of words; spaces around it are not minded. */
export function oneOf<const W extends string>(...words: readonly W[]): Shape<W> {
  return {
    read: element => {
      const word = leaf(element)?.trim()
      return words.find(candidate => candidate === word)
    },
    write: element,
  }
}

export const enabledOrDisabled = oneOf('Enabled', 'Disabled')

/** A whole number within 32 bits. */
export const integer: Shape<number> = {
  read: element => {
    const digits = leaf(element)?.trim()
    if (digits === undefined || !/^[+-]?\d{1,10}$/.test(digits)) return undefined
    const value = Number(digits)
    // -0 is 0: JSON would make it so.
    return Math.abs(value) > 0x7fffffff ? undefined : value + 0
  },
  write: element,
}

const booleans = oneOf('true', 'false', 'TRUE', 'FALSE', 'True', 'False')
export const trueOrFalse: Shape<boolean> = {
  read: element => {
    const word = booleans.read(element)
    return word === undefined ? undefined : word.toLowerCase() === 'true'
  },
  write: (name, value) => element(name, String(value)),
}

/** ISO 8601, as milliseconds since 1970. */
export const timestamp: Shape<number> = {
  read: element => parseTimestamp(leaf(element)?.trim() ?? ''),
  write: (name, value) => element(name, formatTimestamp(value)),
}

/** An element that says something by being there. */
export const mark: Shape<true> = {
  read: element => (element.children.length === 0 && element.text.trim() === '' ? true : undefined),
  write: name => `<${name}/>`,
}

/** An element whose content is not looked at: one that is known, and refused. */
export const anything: Shape<true> = { read: () => true, write: name => `<${name}/>` }

/** A child that must be there, once. */
export function required<T>(name: string, shape: Shape<T>): Member<T, false> {
  return {
    name,
    optional: false,
    read: elements => (elements.length === 1 ? shape.read(elements[0]!) : undefined),
    write: value => shape.write(name, value),
  }
}

/** A child that may be there, once. */
export function optional<T>(name: string, shape: Shape<T>): Member<T, true> {
  return { ...required(name, shape), optional: true }
}

/** Children of one name, as many as there are. */
export function repeated<T>(name: string, shape: Shape<T>): Member<readonly T[], false> {
  return {
    name,
    optional: false,
    read: elements => readAll(elements, shape),
    write: values => values.map(value => shape.write(name, value)).join(''),
  }
}

/** A child that may be there and holds nothing but children of one name. */
export function wrapped<T>(name: string, itemName: string, shape: Shape<T>): Member<readonly T[], true> {
  const items = record({ items: repeated(itemName, shape) })
  return {
    name,
    optional: true,
    read: elements => (elements.length === 1 ? items.read(elements[0]!)?.items : undefined),
    write: values => items.write(name, { items: values }),
  }
}

function readAll<T>(elements: readonly XmlElement[], shape: Shape<T>): readonly T[] | undefined {
  const values: T[] = []
  for (const element of elements) {
    const value = shape.read(element)
    if (value === undefined) return undefined
    values.push(value)
  }
  return values
}

type Members = Readonly<Record<string, Member<unknown, boolean>>>
type MemberValue<M> = M extends Member<infer T, boolean> ? T : never
type NamesWith<M extends Members, Optional extends boolean> = {
  [K in keyof M]: M[K] extends Member<unknown, Optional> ? K : never
}[keyof M]
type RecordOf<M extends Members> = { readonly [K in NamesWith<M, false>]: MemberValue<M[K]> } & {
  readonly [K in NamesWith<M, true>]?: MemberValue<M[K]>
}
type Flat<T> = { [K in keyof T]: T[K] }

/** An element with children: those listed, in any order, and no others; written in the order listed. */
export function record<const M extends Members>(members: M): Shape<Flat<RecordOf<M>>> {
  const rows = Object.entries<Member<unknown, boolean>>(members)
  const known = new Set(rows.map(([, member]) => member.name))
  return {
    read: element => {
      if (element.text.trim() !== '') return undefined
      const byName = new Map<string, XmlElement[]>()
      for (const child of element.children) {
        if (!known.has(child.name)) return undefined
        const same = byName.get(child.name)
        if (same === undefined) byName.set(child.name, [child])
        else same.push(child)
      }
      const values: Record<string, unknown> = {}
      for (const [key, member] of rows) {
        const elements = byName.get(member.name)
        if (elements === undefined && member.optional) continue
        const value = member.read(elements ?? [])
        if (value === undefined) return undefined
        values[key] = value
      }
      return values as Flat<RecordOf<M>>
    },
    write: (name, record) => {
      const values = record as Readonly<Record<string, unknown>>
      let content = ''
      for (const [key, member] of rows) {
        const value = values[key]
        if (value !== undefined) content += member.write(value)
      }
      return content === '' ? `<${name}/>` : `<${name}>${content}</${name}>`
    },
  }
}
