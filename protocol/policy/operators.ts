/** The operators of policy conditions. Source: IAM User Guide, "IAM JSON policy elements: Condition operators". */
import { inRange, parseRange } from './address-range.ts'
import { compilePattern, type Lookup, matchesPattern, type PatternSyntax, resolvePattern } from './pattern.ts'

/** Whether a value of the request satisfies one value of the condition. */
export type Test = (value: string, lookup: Lookup) => boolean

export interface Operator {
  readonly name: string
  /** Holds when none of the condition's values is satisfied: the operators with Not. */
  readonly negated: boolean
  /** Undefined: the text is not of the operator's type. */
  readonly compile: (text: string, variables: boolean) => Test | undefined
}

/** `Null` looks at whether the key is there, not at its values. */
export const nullOperator = 'Null'

const literal: PatternSyntax = { wildcards: false, variables: true }

/** An operator whose values are compared once variables stand in: `compare` reads the condition's text. */
function comparing(compare: (text: string) => ((value: string) => boolean) | undefined): Operator['compile'] {
  return (text, variables) => {
    const pattern = compilePattern(text, variables ? literal : { wildcards: false, variables: false })
    if (pattern.exact !== undefined) return compare(pattern.exact)
    return (value, lookup) => {
      const resolved = resolvePattern(pattern, lookup)
      return resolved !== undefined && compare(resolved)?.(value) === true
    }
  }
}

const equals = comparing(text => value => value === text)
const equalsIgnoreCase = comparing(text => {
  const lower = text.toLowerCase()
  return value => value.toLowerCase() === lower
})
function like(text: string, variables: boolean): Test {
  const pattern = compilePattern(text, { wildcards: true, variables })
  return (value, lookup) => matchesPattern(pattern, value, lookup)
}

function numeric(holds: (value: number, limit: number) => boolean): Operator['compile'] {
  return ordered(parseNumber, holds)
}
function date(holds: (value: number, limit: number) => boolean): Operator['compile'] {
  return ordered(parseMoment, holds)
}
function ordered(
  parse: (text: string) => number | undefined,
  holds: (value: number, limit: number) => boolean,
): Operator['compile'] {
  return comparing(text => {
    const limit = parse(text)
    if (limit === undefined) return undefined
    return value => {
      const number = parse(value)
      return number !== undefined && holds(number, limit)
    }
  })
}

function parseNumber(text: string): number | undefined {
  return /^[+-]?\d{1,18}(?:\.\d{1,18})?$/.test(text) ? Number(text) : undefined
}

const momentForm = /^\d{4}(?:-\d\d(?:-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?)?)?$/

/** Milliseconds from an ISO 8601 date (W3C's profile) or from seconds since 1970. */
function parseMoment(text: string): number | undefined {
  // Four digits are a year.
  if (/^[+-]?\d{5,15}$/.test(text)) return Number(text) * 1000
  if (!momentForm.test(text)) return undefined
  const ms = Date.parse(text)
  return Number.isNaN(ms) ? undefined : ms
}

const bool = comparing(text => {
  const wanted = text.toLowerCase()
  return wanted === 'true' || wanted === 'false' ? value => value.toLowerCase() === wanted : undefined
})

const base64Form = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const binary = comparing(text => {
  if (!base64Form.test(text)) return undefined
  const wanted = Buffer.from(text, 'base64')
  return value => base64Form.test(value) && wanted.equals(Buffer.from(value, 'base64'))
})

const address = comparing(text => {
  const range = parseRange(text)
  return range === undefined ? undefined : value => inRange(range, value)
})

/** Each of the six parts of an ARN is matched by itself; ArnEquals takes wildcards like ArnLike. */
function arn(text: string, variables: boolean): Test | undefined {
  const wanted = splitArn(text, variables)?.map(part => compilePattern(part, { wildcards: true, variables }))
  if (wanted === undefined) return undefined
  return (value, lookup) => {
    const parts = splitArn(value, false)
    return parts?.every((part, index) => matchesPattern(wanted[index]!, part, lookup)) === true
  }
}

/** The six parts; colons within a variable are not separators, those of the last part are its own. */
function splitArn(text: string, variables: boolean): readonly string[] | undefined {
  // A pattern of `*` alone is any ARN.
  if (text === '*') return ['*', '*', '*', '*', '*', '*']
  const parts: string[] = []
  let start = 0
  for (let at = 0; at < text.length && parts.length < 5; at++) {
    if (variables && text.startsWith('${', at)) {
      const close = text.indexOf('}', at)
      if (close > 0) at = close
    } else if (text[at] === ':') {
      parts.push(text.slice(start, at))
      start = at + 1
    }
  }
  return parts.length === 5 ? [...parts, text.slice(start)] : undefined
}

const positive = {
  StringEquals: equals,
  StringEqualsIgnoreCase: equalsIgnoreCase,
  StringLike: like,
  NumericEquals: numeric((value, limit) => value === limit),
  NumericLessThan: numeric((value, limit) => value < limit),
  NumericLessThanEquals: numeric((value, limit) => value <= limit),
  NumericGreaterThan: numeric((value, limit) => value > limit),
  NumericGreaterThanEquals: numeric((value, limit) => value >= limit),
  DateEquals: date((value, limit) => value === limit),
  DateLessThan: date((value, limit) => value < limit),
  DateLessThanEquals: date((value, limit) => value <= limit),
  DateGreaterThan: date((value, limit) => value > limit),
  DateGreaterThanEquals: date((value, limit) => value >= limit),
  Bool: bool,
  BinaryEquals: binary,
  IpAddress: address,
  ArnEquals: arn,
  ArnLike: arn,
  [nullOperator]: bool,
} as const
const negative = {
  StringNotEquals: equals,
  StringNotEqualsIgnoreCase: equalsIgnoreCase,
  StringNotLike: like,
  NumericNotEquals: positive.NumericEquals,
  DateNotEquals: positive.DateEquals,
  NotIpAddress: address,
  ArnNotEquals: arn,
  ArnNotLike: arn,
} as const

/** By name; their case counts. */
export const operators: ReadonlyMap<string, Operator> = new Map(
  [...rows(positive, false), ...rows(negative, true)].map(row => [row.name, row]),
)

function rows(compilers: Readonly<Record<string, Operator['compile']>>, negated: boolean): Operator[] {
  return Object.entries(compilers).map(([name, compile]) => ({ name, negated, compile }))
}
