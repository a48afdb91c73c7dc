/**
 * JSON as a policy may be written: `JSON.parse` with two refusals. A member named twice in one object would lose its
 * first value silently, and with it a condition; deep nesting would overflow the stack of whoever walks the value.
 */
import { isUtf8 } from 'node:buffer'

const depthLimit = 16

/** The document, or undefined when the bytes are not UTF-8, not JSON, ambiguous or nested too deeply. */
export function parseStrictJson(bytes: Uint8Array): { readonly value: unknown } | undefined {
  if (!isUtf8(bytes)) return undefined
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
  try {
    const value: unknown = JSON.parse(text)
    return isUnambiguous(text) ? { value } : undefined
  } catch {
    return undefined
  }
}

/** Walks the tokens of a text that is known to be JSON. */
function isUnambiguous(text: string): boolean {
  /** One entry for each open bracket: the names seen in an object, null for a list. */
  const open: (Set<string> | null)[] = []
  for (let at = 0; at < text.length; at++) {
    switch (text[at]) {
      case '{':
      case '[':
        if (open.length === depthLimit) return false
        open.push(text[at] === '{' ? new Set() : null)
        break
      case '}':
      case ']':
        open.pop()
        break
      case '"': {
        const end = stringEnd(text, at)
        const names = open.at(-1)
        // In an object a string is a member's name when a colon follows.
        if (names && nextToken(text, end) === ':') {
          const name = JSON.parse(text.slice(at, end)) as string
          if (names.has(name)) return false
          names.add(name)
        }
        at = end - 1
      }
    }
  }
  return true
}

/** Position behind the closing quote of the string that opens at `start`. */
function stringEnd(text: string, start: number): number {
  let at = start + 1
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at + 1
}

function nextToken(text: string, from: number): string | undefined {
  let at = from
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at++
  return text[at]
}
