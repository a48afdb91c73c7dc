/**
 * Listing by seeking: an index range read in chunks that skips from one common prefix to the next, so that the cost
 * follows the number of results. Keys sort by their UTF-8 bytes, which is the order of code points and not of
 * JavaScript's UTF-16: they are never compared with `<`.
 */
import type { Unit } from '../../platform/database/unit.ts'
import type { ListQuery } from './contract.ts'

/** Sorts after every key: a key has at most 1,024 bytes, this has 1,028 of the greatest code point. */
export const beyondAllKeys = '\u{10FFFF}'.repeat(257)

/** The least text greater than all that begin with `prefix`; undefined when there is none ('' and all-U+10FFFF). */
export function successor(prefix: string): string | undefined {
  for (let end = prefix.length; end > 0; ) {
    const start = end - (isTrail(prefix, end - 1) ? 2 : 1)
    const point = prefix.codePointAt(start)!
    if (point < 0x10ffff) {
      // Surrogates are no characters: UTF-8 has none.
      const next = point === 0xd7ff ? 0xe000 : point + 1
      return prefix.slice(0, start) + String.fromCodePoint(next)
    }
    end = start
  }
  return undefined
}

function isTrail(text: string, at: number): boolean {
  return at > 0 && (text.charCodeAt(at) & 0xfc00) === 0xdc00 && (text.charCodeAt(at - 1) & 0xfc00) === 0xd800
}

/** Order of two texts by their UTF-8 bytes: negative, 0 or positive. */
export function compareUtf8(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b))
}

/** The common prefix of a key under a query, or undefined when the key is listed itself. */
export function commonPrefixOf(key: string, { prefix, delimiter }: ListQuery): string | undefined {
  if (delimiter === '') return undefined
  const at = key.indexOf(delimiter, prefix.length)
  return at < 0 ? undefined : key.slice(0, at + delimiter.length)
}

/** Where a scan goes on: at the first key ≥ `from`, or with what follows `after` (a key, or a whole row). */
export type Position<After> = { readonly from: string } | { readonly after: After }

/** The first position of a query; undefined when nothing can follow `query.after`. */
export function startOf(query: ListQuery): Position<string> | undefined {
  const { prefix, after } = query
  if (!after.startsWith(prefix)) return compareUtf8(after, prefix) < 0 ? { from: prefix } : undefined
  if (after === '') return { from: '' }
  const within = query.afterIs === 'key' ? undefined : commonPrefixOf(after, query)
  if (within === undefined) return { after }
  const from = successor(within)
  return from === undefined ? undefined : { from }
}

export interface Walked<Row> {
  readonly rows: readonly Row[]
  readonly commonPrefixes: readonly string[]
  readonly truncated: boolean
  /** Of the last entry: its row (also when it is a common prefix), and the common prefix it is. */
  readonly lastRow: Row | undefined
  readonly lastPrefix: string | undefined
}

const smallestChunk = 8
const firstChunk = 32

/**
 * Reads entries, at most `query.limit`, and whether there is one more. A chunk is as large as what is still wanted, or
 * with a delimiter four times what the last chunk yielded: flat folders are read in few statements, and folders of a
 * million keys cost one small chunk and one seek each.
 * @param fetch up to `count` rows, in order, from a position to the end of the query's prefix
 */
export function* walk<Row extends { readonly key: string }>(
  query: ListQuery,
  start: Position<Row>,
  fetch: (position: Position<Row>, count: number) => Unit<readonly Row[]>,
): Unit<Walked<Row>> {
  const { delimiter, limit } = query
  const rows: Row[] = []
  const commonPrefixes: string[] = []
  let position = start
  let lastRow: Row | undefined
  let current: string | undefined
  let lastPrefix: string | undefined
  let count = 0
  let wanted = delimiter === '' ? limit + 1 : Math.min(firstChunk, limit + 1)
  for (;;) {
    const chunk = yield* fetch(position, wanted)
    const before = count
    for (const row of chunk) {
      if (current !== undefined && row.key.startsWith(current)) continue
      if (count === limit) return { rows, commonPrefixes, truncated: true, lastRow, lastPrefix }
      count++
      current = commonPrefixOf(row.key, query)
      if (current === undefined) rows.push(row)
      else commonPrefixes.push(current)
      lastRow = row
      lastPrefix = current
    }
    const end = chunk.at(-1)
    const next = current === undefined ? undefined : successor(current)
    if (end === undefined || chunk.length < wanted || (current !== undefined && next === undefined)) {
      return { rows, commonPrefixes, truncated: false, lastRow, lastPrefix }
    }
    position = next === undefined ? { after: end } : { from: next }
    wanted = Math.min(limit - count + 1, Math.max(smallestChunk, 4 * (count - before)))
    if (delimiter !== '') wanted = Math.max(wanted, smallestChunk)
  }
}
