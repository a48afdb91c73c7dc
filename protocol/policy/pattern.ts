/**
 * Texts of a policy that stand for many: `*` and `?` wildcards and, since version 2012-10-17, variables such as
 * `${aws:username}` (IAM User Guide, "Policy variables and tags"). What a variable puts in is taken literally.
 */

/** What a request says of a condition key (lower case); undefined when it says nothing. */
export type Lookup = (key: string) => readonly string[] | undefined

/** The code unit of a character, or one of these, or what a variable will put in. */
type Token = number | Variable
const anyText = -1
const anyCharacter = -2

interface Variable {
  /** Lower case. */
  readonly key: string
  /** Of `${key, 'otherwise'}`. */
  readonly otherwise: string | undefined
}

export interface Pattern {
  /** As written. */
  readonly source: string
  /** The one text it stands for, when it has neither wildcards nor variables. */
  readonly exact: string | undefined
  /** What its texts begin with, when a single `*` at the end is all it has. */
  readonly prefix: string | undefined
  readonly hasVariables: boolean
  readonly tokens: readonly Token[]
}

export interface PatternSyntax {
  readonly wildcards: boolean
  readonly variables: boolean
}

export function compilePattern(source: string, syntax: PatternSyntax): Pattern {
  const tokens: Token[] = []
  for (let at = 0; at < source.length; at++) {
    const character = source[at]
    const variable = syntax.variables && character === '$' ? readVariable(source, at) : undefined
    if (variable !== undefined) {
      tokens.push(variable.token)
      at = variable.end - 1
    } else if (syntax.wildcards && character === '*') {
      if (tokens.at(-1) !== anyText) tokens.push(anyText)
    } else tokens.push(syntax.wildcards && character === '?' ? anyCharacter : source.charCodeAt(at))
  }
  const special = tokens.findIndex(token => typeof token !== 'number' || token < 0)
  return {
    source,
    exact: special < 0 ? textOf(tokens) : undefined,
    prefix:
      special >= 0 && special === tokens.length - 1 && tokens[special] === anyText
        ? textOf(tokens.slice(0, -1))
        : undefined,
    hasVariables: tokens.some(token => typeof token !== 'number'),
    tokens,
  }
}

const variableLimit = 256
const variableForm = /^\s*([\w:/.\-+=@]+)\s*(?:,\s*'([^']*)'\s*)?$/

/** The variable or escape that begins at a `$`; what is neither stays text. */
function readVariable(source: string, start: number): { readonly token: Token; readonly end: number } | undefined {
  if (source[start + 1] !== '{') return undefined
  const close = source.slice(start, start + variableLimit).indexOf('}')
  if (close < 0) return undefined
  const inner = source.slice(start + 2, start + close)
  const end = start + close + 1
  if (inner === '*' || inner === '?' || inner === '$') return { token: inner.charCodeAt(0), end }
  const match = variableForm.exec(inner)
  return match === null ? undefined : { token: { key: match[1]!.toLowerCase(), otherwise: match[2] }, end }
}

export function matchesPattern(pattern: Pattern, text: string, lookup: Lookup): boolean {
  if (pattern.exact !== undefined) return pattern.exact === text
  if (pattern.prefix !== undefined) return text.startsWith(pattern.prefix)
  const tokens = pattern.hasVariables ? substitute(pattern.tokens, lookup) : (pattern.tokens as readonly number[])
  return tokens !== undefined && matchesTokens(tokens, text)
}

/** The text of a pattern without wildcards; undefined when a variable has no value in this request. */
export function resolvePattern(pattern: Pattern, lookup: Lookup): string | undefined {
  if (pattern.exact !== undefined) return pattern.exact
  const tokens = substitute(pattern.tokens, lookup)
  return tokens === undefined ? undefined : textOf(tokens)
}

/** Only keys of a single value can be put in. */
function substitute(tokens: readonly Token[], lookup: Lookup): readonly number[] | undefined {
  const resolved: number[] = []
  for (const token of tokens) {
    if (typeof token === 'number') {
      resolved.push(token)
      continue
    }
    const values = lookup(token.key)
    const text = values?.length === 1 ? values[0] : token.otherwise
    if (text === undefined) return undefined
    for (let i = 0; i < text.length; i++) resolved.push(text.charCodeAt(i))
  }
  return resolved
}

/**
 * Matching that only ever goes back to the last `*`: at most text × pattern steps, whatever is written, where a
 * regular expression could take exponentially many.
 */
function matchesTokens(tokens: readonly number[], text: string): boolean {
  let at = 0
  let next = 0
  let star = -1
  let resume = 0
  while (at < text.length) {
    const token = tokens[next]
    if (token === anyText) {
      star = next++
      resume = at
    } else if (token === anyCharacter) {
      at += isPair(text, at) ? 2 : 1
      next++
    } else if (token === text.charCodeAt(at)) {
      at++
      next++
    } else if (star >= 0) {
      next = star + 1
      at = ++resume
    } else return false
  }
  while (tokens[next] === anyText) next++
  return next === tokens.length
}

/** `?` is one character, also when UTF-16 writes it as two units. */
function isPair(text: string, at: number): boolean {
  return text.codePointAt(at)! > 0xffff
}

/**
 * Whether some text that begins with `start` and goes on matches, whatever variables may put in. For policies, which
 * must name resources of their own.
 */
export function canContinue(pattern: Pattern, start: string): boolean {
  const tokens = loosen(pattern)
  let reached = new Set(behindStar(tokens, 0))
  for (let at = 0; at < start.length; at++) {
    const moved = new Set<number>()
    for (const position of reached) {
      const token = tokens[position]
      if (token === anyText) moved.add(position).add(position + 1)
      else if (token === anyCharacter || token === start.charCodeAt(at))
        for (const after of behindStar(tokens, position + 1)) moved.add(after)
    }
    reached = moved
  }
  for (const position of reached) if (position < tokens.length) return true
  return false
}

/** As `matchesPattern`, whatever variables may put in. */
export function canMatch(pattern: Pattern, text: string): boolean {
  return pattern.exact === undefined ? matchesTokens(loosen(pattern), text) : pattern.exact === text
}

/** Variables become `*`, of which no two stand together. */
function loosen(pattern: Pattern): readonly number[] {
  if (!pattern.hasVariables) return pattern.tokens as readonly number[]
  const tokens: number[] = []
  for (const token of pattern.tokens) {
    const loose = typeof token === 'number' ? token : anyText
    if (loose !== anyText || tokens.at(-1) !== anyText) tokens.push(loose)
  }
  return tokens
}

/** The positions reached at this one without reading a character. */
function behindStar(tokens: readonly number[], position: number): readonly number[] {
  return tokens[position] === anyText ? [position, position + 1] : [position]
}

function textOf(tokens: readonly Token[]): string {
  let text = ''
  for (const token of tokens) if (typeof token === 'number') text += String.fromCharCode(token)
  return text
}
