/** Lifecycle rules as a document gives them: held against the schema, not yet looked at for sense. */
import type { XmlElement } from '../xml.ts'
import { type LifecycleFilter, type LifecycleTag, transitionClasses } from './lifecycle-rule.ts'
import { readBoolean, readContent, readDate, readInteger, readLong } from './schema.ts'

export interface GivenTime {
  readonly days?: number
  readonly dateMs?: number
  /** The date as written, for errors. */
  readonly dateText?: string
}
export type GivenExpiration = GivenTime | { readonly expiredObjectDeleteMarker: boolean }
export interface GivenTransition extends GivenTime {
  readonly storageClass: string
}
export interface GivenNoncurrent {
  readonly days: number
  readonly newerVersions?: number
}
export interface GivenNoncurrentTransition extends GivenNoncurrent {
  readonly storageClass: string
}
export interface GivenRule {
  /** '' when none was given. */
  readonly id: string
  readonly enabled: boolean
  readonly filter: LifecycleFilter
  readonly expiration?: GivenExpiration
  readonly transitions: readonly GivenTransition[]
  readonly noncurrentExpiration?: GivenNoncurrent
  readonly noncurrentTransitions: readonly GivenNoncurrentTransition[]
  readonly abortUploadDays?: number
}

/** Classes the schema knows; that nothing may move to two of them is said by name. */
const schemaClasses: ReadonlySet<string> = new Set([...transitionClasses, 'STANDARD', 'REDUCED_REDUNDANCY'])

/** The rules under a root; undefined when something does not validate. */
export function readLifecycleRules(root: XmlElement): readonly GivenRule[] | undefined {
  const content = readContent(root, { Rule: 'elements' })
  return content === undefined ? undefined : readEach(content.Rule, readRule)
}

function readEach<T>(elements: readonly XmlElement[], read: (one: XmlElement) => T | undefined): T[] | undefined {
  const all: T[] = []
  for (const one of elements) {
    const value = read(one)
    if (value === undefined) return undefined
    all.push(value)
  }
  return all
}

/** Undefined for an optional element that is not there; null for one that does not validate. */
function readOptional<T>(one: XmlElement | undefined, read: (one: XmlElement) => T | undefined): T | undefined | null {
  return one === undefined ? undefined : (read(one) ?? null)
}

function readRule(rule: XmlElement): GivenRule | undefined {
  const content = readContent(rule, {
    ID: 'text',
    Prefix: 'text',
    Filter: 'element',
    Status: 'text',
    Expiration: 'element',
    Transition: 'elements',
    NoncurrentVersionExpiration: 'element',
    NoncurrentVersionTransition: 'elements',
    AbortIncompleteMultipartUpload: 'element',
  })
  const status = content?.Status?.trim()
  if (content === undefined || (status !== 'Enabled' && status !== 'Disabled')) return undefined
  const filter = readScope(content.Prefix, content.Filter)
  const expiration = readOptional(content.Expiration, readExpiration)
  const transitions = readEach(content.Transition, readTransition)
  const noncurrentExpiration = readOptional(content.NoncurrentVersionExpiration, readNoncurrentExpiration)
  const noncurrentTransitions = readEach(content.NoncurrentVersionTransition, readNoncurrentTransition)
  const abortUploadDays = readOptional(content.AbortIncompleteMultipartUpload, readAbort)
  if (filter === undefined || transitions === undefined || noncurrentTransitions === undefined) return undefined
  if (expiration === null || noncurrentExpiration === null || abortUploadDays === null) return undefined
  return {
    id: content.ID ?? '',
    enabled: status === 'Enabled',
    filter,
    ...(expiration === undefined ? {} : { expiration }),
    transitions,
    ...(noncurrentExpiration === undefined ? {} : { noncurrentExpiration }),
    noncurrentTransitions,
    ...(abortUploadDays === undefined ? {} : { abortUploadDays }),
  }
}

/** A rule has either a Filter or, as rules had before there were filters, a Prefix. */
function readScope(prefix: string | undefined, filter: XmlElement | undefined): LifecycleFilter | undefined {
  if (prefix !== undefined) return filter === undefined ? { form: 'rule-prefix', prefix, tags: [] } : undefined
  return filter === undefined ? undefined : readFilter(filter)
}

const conditions = {
  Prefix: 'text',
  Tag: 'elements',
  ObjectSizeGreaterThan: 'text',
  ObjectSizeLessThan: 'text',
} as const

function readFilter(filter: XmlElement): LifecycleFilter | undefined {
  if (filter.children.length > 1) return undefined
  const [only] = filter.children
  if (only === undefined) return filter.text.trim() === '' ? { form: 'empty', tags: [] } : undefined
  const isAnd = only.name === 'And'
  // One condition needs no And, and is refused in it.
  if (isAnd && only.children.length < 2) return undefined
  const content = readContent(isAnd ? only : filter, conditions)
  if (content === undefined) return undefined
  const { Prefix: prefix, ObjectSizeGreaterThan: greater, ObjectSizeLessThan: less } = content
  const tags = readEach(content.Tag, readTag)
  const sizeGreaterThan = greater === undefined ? undefined : readLong(greater)
  const sizeLessThan = less === undefined ? undefined : readLong(less)
  if (tags === undefined) return undefined
  if (greater !== undefined && sizeGreaterThan === undefined) return undefined
  if (less !== undefined && sizeLessThan === undefined) return undefined
  return {
    form: isAnd ? 'and' : 'single',
    ...(prefix === undefined ? {} : { prefix }),
    tags,
    ...(sizeGreaterThan === undefined ? {} : { sizeGreaterThan }),
    ...(sizeLessThan === undefined ? {} : { sizeLessThan }),
  }
}

function readTag(tag: XmlElement): LifecycleTag | undefined {
  const content = readContent(tag, { Key: 'text', Value: 'text' })
  if (content?.Key === undefined || content.Value === undefined) return undefined
  return { key: content.Key, value: content.Value }
}

function readTime(days: string | undefined, date: string | undefined): GivenTime | undefined {
  const count = days === undefined ? undefined : readInteger(days)
  const dateMs = date === undefined ? undefined : readDate(date)
  if ((days !== undefined && count === undefined) || (date !== undefined && dateMs === undefined)) return undefined
  if (count !== undefined && dateMs !== undefined) return undefined
  if (count !== undefined) return { days: count }
  return dateMs === undefined ? {} : { dateMs, dateText: date!.trim() }
}

/** One of its three forms. */
function readExpiration(expiration: XmlElement): GivenExpiration | undefined {
  const content = readContent(expiration, { Days: 'text', Date: 'text', ExpiredObjectDeleteMarker: 'text' })
  if (content === undefined || expiration.children.length !== 1) return undefined
  if (content.ExpiredObjectDeleteMarker === undefined) return readTime(content.Days, content.Date)
  const expiredObjectDeleteMarker = readBoolean(content.ExpiredObjectDeleteMarker)
  return expiredObjectDeleteMarker === undefined ? undefined : { expiredObjectDeleteMarker }
}

function readTransition(transition: XmlElement): GivenTransition | undefined {
  const content = readContent(transition, { Days: 'text', Date: 'text', StorageClass: 'text' })
  const storageClass = content?.StorageClass?.trim()
  if (content === undefined || storageClass === undefined || !schemaClasses.has(storageClass)) return undefined
  const time = readTime(content.Days, content.Date)
  return time === undefined ? undefined : { ...time, storageClass }
}

const noncurrent = { NoncurrentDays: 'text', NewerNoncurrentVersions: 'text' } as const

function readNoncurrentExpiration(expiration: XmlElement): GivenNoncurrent | undefined {
  const content = readContent(expiration, noncurrent)
  return content === undefined ? undefined : readNoncurrent(content.NoncurrentDays, content.NewerNoncurrentVersions)
}

function readNoncurrentTransition(transition: XmlElement): GivenNoncurrentTransition | undefined {
  const content = readContent(transition, { ...noncurrent, StorageClass: 'text' })
  const storageClass = content?.StorageClass?.trim()
  if (content === undefined || storageClass === undefined || !schemaClasses.has(storageClass)) return undefined
  const given = readNoncurrent(content.NoncurrentDays, content.NewerNoncurrentVersions)
  return given === undefined ? undefined : { ...given, storageClass }
}

/** A count of versions does without an age nowhere. */
function readNoncurrent(days: string | undefined, newer: string | undefined): GivenNoncurrent | undefined {
  const count = days === undefined ? undefined : readInteger(days)
  const newerVersions = newer === undefined ? undefined : readInteger(newer)
  if (count === undefined || (newer !== undefined && newerVersions === undefined)) return undefined
  return { days: count, ...(newerVersions === undefined ? {} : { newerVersions }) }
}

function readAbort(abort: XmlElement): number | undefined {
  const days = readContent(abort, { DaysAfterInitiation: 'text' })?.DaysAfterInitiation
  return days === undefined ? undefined : readInteger(days)
}
