/** Query parameters that several operations share, and the errors S3 answers when they are wrong. */
import { createHash } from 'node:crypto'
import { type Fault, fault } from '../fault.ts'
import type { Query } from '../query.ts'
import type { KeyEncoding } from './xml.ts'

export type ArgumentFault = Fault<'argument-invalid'>

export function argumentInvalid(name: string, message: string, value?: string): ArgumentFault {
  return fault('argument-invalid', value === undefined ? { name, message } : { name, value, message })
}

/**
 * A page size such as max-keys: absent or empty is the most, more than the most is the most.
 * @param camelName how S3 calls the parameter in one of its two messages (`maxKeys`)
 */
export function parseLimit(query: Query, name: string, camelName: string, most = 1000): number | ArgumentFault {
  const text = query.get(name)
  if (text === undefined || text === '') return most
  if (!/^[+-]?\d+$/.test(text) || Math.abs(Number(text)) > 2_147_483_647)
    return argumentInvalid(name, `Provided ${name} not an integer or within integer range`, text)
  const limit = Number(text)
  if (limit < 0)
    return argumentInvalid(camelName, `Argument ${camelName} must be an integer between 0 and 2147483647`, text)
  return Math.min(limit, most)
}

export function parseEncoding(query: Query): KeyEncoding | ArgumentFault {
  const text = query.get('encoding-type')
  if (text === undefined || text === 'url') return text
  return argumentInvalid('encoding-type', 'Invalid Encoding Method specified in Request', text)
}

/**
 * A free text such as a prefix or marker; '' when absent. No key has a NUL (see address.ts), nor can the catalogue be
 * asked about one.
 */
export function parseText(query: Query, name: string): string | ArgumentFault {
  const text = query.get(name) ?? ''
  return text.includes('\0') ? argumentInvalid(name, `Invalid ${name}`) : text
}

/**
 * A continuation token: where to go on, with a check that it was made here. Its letters need no escaping in a URL.
 * @param kind keeps the tokens of one listing from being taken by another
 */
export function encodeToken(kind: string, after: string): string {
  return Buffer.concat([seal(kind, after), Buffer.from(after, 'utf8')]).toString('base64url')
}
/** Where a token says to go on; undefined when it was not made by `encodeToken` for this kind. */
export function decodeToken(kind: string, token: string): string | undefined {
  const bytes = Buffer.from(token, 'base64url')
  if (bytes.length < sealBytes) return undefined
  const after = bytes.toString('utf8', sealBytes)
  return encodeToken(kind, after) === token ? after : undefined
}

const sealBytes = 9
function seal(kind: string, after: string): Buffer {
  return createHash('sha256').update(`${kind}\n${after}`).digest().subarray(0, sealBytes)
}

/** What the listings of keys ask for in the same words, looked at in this order. */
export interface KeyPage {
  readonly prefix: string
  readonly delimiter: string
  readonly limit: number
  readonly encoding: KeyEncoding
}
export function parseKeyPage(query: Query): KeyPage | ArgumentFault {
  const prefix = parseText(query, 'prefix')
  if (typeof prefix !== 'string') return prefix
  const delimiter = parseText(query, 'delimiter')
  if (typeof delimiter !== 'string') return delimiter
  const encoding = parseEncoding(query)
  if (typeof encoding === 'object') return encoding
  const limit = parseLimit(query, 'max-keys', 'maxKeys')
  if (typeof limit !== 'number') return limit
  return { prefix, delimiter, limit, encoding }
}
