/**
 * URI encoding as signatures want it: every byte but the unreserved ones (RFC 3986 §2.3) as %XX in upper case. Clients
 * escape more or less than that on the wire, so what arrives is decoded and encoded again; what is canonical already,
 * as nearly all requests are, is used as it is.
 */
import { Buffer } from 'node:buffer'

/** A character that must be escaped, or an escape that is not canonical. A slash stands unescaped in a path. */
const unlikeCanonicalPath = /[^A-Za-z0-9\-._~/%]|%(?!2[0-9A-C]|[0189A-F][0-9A-F]|3[A-F]|40|5[B-E]|60|7[BCDF])/
const unlikeCanonicalPair = /[^A-Za-z0-9\-._~=&%]|%(?!2[0-9A-CF]|[0189A-F][0-9A-F]|3[A-F]|40|5[B-E]|60|7[BCDF])/
const unlikeUnreserved = /[^A-Za-z0-9\-._~]/

const escapes: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte)
  return unlikeUnreserved.test(character) ? `%${byte.toString(16).toUpperCase().padStart(2, '0')}` : character
})

/** S3's canonical URI: the path's bytes encoded once; dot segments and empty segments stay (S3 keys may hold them). */
export function canonicalPath(rawPath: string): string {
  return unlikeCanonicalPath.test(rawPath) ? encodeBytes(decodeBytes(rawPath, false), true) : rawPath
}

/** The canonical URI of every other service: the path as sent, encoded once more, with its segments resolved first
 * when `normalize` is set. */
export function canonicalServicePath(rawPath: string, normalize: boolean): string {
  return encodeBytes(Buffer.from(normalize ? removeDotSegments(rawPath) : rawPath), true)
}

/**
 * The canonical query string: names and values encoded, sorted by name, then value, each pair with its '='.
 * @param omit the name of a parameter left out wherever it stands; '' for none
 */
export function canonicalQuery(raw: string, omit: string): string {
  if (raw === '') return ''
  if (unlikeCanonicalPair.test(raw)) return sortedQuery(raw, omit)
  // Canonical characters throughout: only the order and the form of the pairs are left to check.
  let omitFrom = -1
  let omitTo = -1
  let lastAt = -1
  let equals = raw.indexOf('=')
  for (let at = 0; at <= raw.length; ) {
    let end = raw.indexOf('&', at)
    if (end < 0) end = raw.length
    if (equals < 0 || equals >= end) return sortedQuery(raw, omit)
    const nextEquals = raw.indexOf('=', equals + 1)
    if (nextEquals >= 0 && nextEquals < end) return sortedQuery(raw, omit)
    if (equals - at === omit.length && omit !== '' && raw.startsWith(omit, at)) {
      if (omitFrom >= 0) return sortedQuery(raw, omit)
      omitFrom = at
      omitTo = end
    } else {
      if (lastAt >= 0 && !inOrder(raw, lastAt, at)) return sortedQuery(raw, omit)
      lastAt = at
    }
    equals = nextEquals
    at = end + 1
  }
  if (omitFrom < 0) return raw
  if (omitTo < raw.length) return raw.slice(0, omitFrom) + raw.slice(omitTo + 1)
  return raw.slice(0, Math.max(0, omitFrom - 1))
}

/** Whether the pair at `first` stands rightly before the one at `second`: by name, then by value. */
function inOrder(raw: string, first: number, second: number): boolean {
  for (;;) {
    const a = orderOf(raw, first++)
    const b = orderOf(raw, second++)
    if (a !== b) return a < b
    if (a === 0) return true
  }
}

/** What a character counts for: a name's end comes before all that can stand in one, a pair's end before all else. */
function orderOf(raw: string, at: number): number {
  const code = at < raw.length ? raw.charCodeAt(at) : 0x26
  return code === 0x26 ? 0 : code === 0x3d ? 1 : code
}

function sortedQuery(raw: string, omit: string): string {
  const pairs: { name: string; value: string }[] = []
  for (const text of raw.split('&')) {
    if (text === '') continue
    const equals = text.indexOf('=')
    const name = encodeBytes(decodeBytes(equals < 0 ? text : text.slice(0, equals), true), false)
    if (name === omit && omit !== '') continue
    pairs.push({ name, value: equals < 0 ? '' : encodeBytes(decodeBytes(text.slice(equals + 1), true), false) })
  }
  pairs.sort((a, b) => compare(a.name, b.name) || compare(a.value, b.value))
  return pairs.map(pair => `${pair.name}=${pair.value}`).join('&')
}

/** All of it is ASCII by now, so code units order as bytes do. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function encodeBytes(bytes: Uint8Array, keepSlash: boolean): string {
  let text = ''
  for (const byte of bytes) text += byte === 0x2f && keepSlash ? '/' : escapes[byte]!
  return text
}

/** Undoes %XX; a '%' that starts no escape is itself. In a query '+' is a space, as S3 and every form reads it. */
function decodeBytes(text: string, plusIsSpace: boolean): Uint8Array {
  const bytes = Buffer.from(text)
  let length = 0
  for (let at = 0; at < bytes.length; at++) {
    let byte = bytes[at]!
    if (byte === 0x25) {
      const high = hexDigit(bytes[at + 1])
      const low = hexDigit(bytes[at + 2])
      if (high >= 0 && low >= 0) {
        byte = high * 16 + low
        at += 2
      }
    } else if (byte === 0x2b && plusIsSpace) byte = 0x20
    bytes[length++] = byte
  }
  return bytes.subarray(0, length)
}

function hexDigit(code: number | undefined): number {
  if (code === undefined) return -1
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const letter = code | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}

function removeDotSegments(path: string): string {
  const kept: string[] = []
  for (const segment of path.split('/'))
    if (segment === '..') kept.pop()
    else if (segment !== '' && segment !== '.') kept.push(segment)
  return `/${kept.join('/')}${kept.length > 0 && path.endsWith('/') ? '/' : ''}`
}

/** The bytes of a text as S3 prints them beside it: `41 57 53 34`. */
export function spacedHex(text: string): string {
  return Buffer.from(text)
    .toString('hex')
    .replace(/..(?=.)/g, '$& ')
}
