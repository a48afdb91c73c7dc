/** The Condition element: every operator and key in it must hold; of the values of a key, one. */
import { nullOperator, type Operator, operators, type Test } from './operators.ts'
import type { Lookup } from './pattern.ts'

export interface Condition {
  readonly operator: Operator
  /** How many of the request's values must satisfy it, where a key has several. */
  readonly quantifier: 'any' | 'all' | undefined
  /** Also holds when the request does not have the key. */
  readonly ifExists: boolean
  /** Lower case. */
  readonly key: string
  /** As written. */
  readonly values: readonly string[]
  readonly tests: readonly Test[]
}

/** What is wrong with a Condition element, in S3's words. */
export type ConditionProblem = { readonly problem: string }

const syntax: ConditionProblem = { problem: 'Invalid policy syntax.' }

export function parseConditions(element: unknown, variables: boolean): readonly Condition[] | ConditionProblem {
  if (!isRecord(element)) return syntax
  const conditions: Condition[] = []
  for (const [type, keys] of Object.entries(element)) {
    const parsed = parseType(type)
    if (parsed === undefined) return { problem: `Invalid Condition type : ${type}` }
    if (!isRecord(keys)) return syntax
    for (const [key, listed] of Object.entries(keys)) {
      const values = parseValues(listed)
      if (values === undefined) return syntax
      const tests: Test[] = []
      for (const value of values) {
        const test = parsed.operator.compile(value, variables)
        if (test === undefined) return valueProblem(parsed.operator)
        tests.push(test)
      }
      conditions.push({ ...parsed, key: key.toLowerCase(), values, tests })
    }
  }
  return conditions
}

const quantifiers = { 'ForAnyValue:': 'any', 'ForAllValues:': 'all' } as const
const existsSuffix = 'IfExists'

function parseType(type: string): Pick<Condition, 'operator' | 'quantifier' | 'ifExists'> | undefined {
  let name = type
  let quantifier: Condition['quantifier']
  for (const [prefix, meaning] of Object.entries(quantifiers))
    if (name.startsWith(prefix)) {
      quantifier = meaning
      name = name.slice(prefix.length)
    }
  const ifExists = name.endsWith(existsSuffix)
  const operator = operators.get(ifExists ? name.slice(0, -existsSuffix.length) : name)
  // Null asks about the key itself: neither addition has a meaning there.
  if (operator === undefined || (operator.name === nullOperator && (ifExists || quantifier !== undefined)))
    return undefined
  return { operator, quantifier, ifExists }
}

/** Numbers and booleans may stand without quotes. */
function parseValues(listed: unknown): readonly string[] | undefined {
  const values: string[] = []
  for (const value of Array.isArray(listed) ? (listed as unknown[]) : [listed]) {
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return undefined
    values.push(String(value))
  }
  return values.length === 0 ? undefined : values
}

function valueProblem({ name }: Operator): ConditionProblem {
  return {
    problem: name.endsWith('IpAddress')
      ? 'Invalid IP address in Conditions'
      : `Invalid value in Conditions for operator ${name}`,
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function conditionHolds(condition: Condition, lookup: Lookup): boolean {
  const { operator, quantifier, ifExists, tests } = condition
  const values = lookup(condition.key)
  if (values === undefined || values.length === 0) {
    if (operator.name === nullOperator) return tests.some(test => test('true', lookup))
    if (ifExists || quantifier === 'all') return true
    return quantifier === undefined && operator.negated
  }
  if (operator.name === nullOperator) return tests.some(test => test('false', lookup))
  const satisfies = (value: string) => tests.some(test => test(value, lookup)) !== operator.negated
  // Without a quantifier a negated operator must hold for every value, as "none of them" is what it says.
  return quantifier === 'all' || (quantifier === undefined && operator.negated)
    ? values.every(satisfies)
    : values.some(satisfies)
}
