/**
 * Policy documents. Elements: IAM User Guide, "Grammar of the IAM JSON policy language". Messages are S3's, as recorded
 * in public bug reports and suites where there are any; a queue or session policy is refused in the same words.
 */
import { type Fault, fault } from '../fault.ts'
import { type Condition, parseConditions } from './condition.ts'
import { parseStrictJson } from './json.ts'
import { canMatch, compilePattern, type Pattern } from './pattern.ts'
import type { Policy, PolicyRules, Statement, Vocabulary } from './policy.ts'
import { type Principals, parsePrincipals } from './principal.ts'

export type PolicyFault = Fault<'policy-malformed'>

function malformed(message: string): PolicyFault {
  return fault('policy-malformed', { message })
}
const syntaxInvalid = malformed('Invalid policy syntax.')
const actionInvalid = malformed('Policy has invalid action')
const resourceInvalid = malformed('Policy has invalid resource')
const principalInvalid = malformed('Invalid principal in policy')

const policyElements = new Set(['Version', 'Id', 'Statement'])
const statementElements = new Set([
  'Sid',
  'Effect',
  'Principal',
  'NotPrincipal',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Condition',
])

type Members = Readonly<Record<string, unknown>>

export function parsePolicy(bytes: Uint8Array, rules: PolicyRules): Policy | PolicyFault {
  if (bytes[0] !== 0x7b) return malformed("Policies must be valid JSON and the first byte must be '{'")
  const document = parseStrictJson(bytes)
  if (document === undefined) return malformed('This policy contains invalid Json')
  if (Buffer.byteLength(JSON.stringify(document.value)) > rules.limitBytes)
    return malformed(`Normalized policy document exceeds the maximum allowed size of ${rules.limitBytes} bytes`)
  const members = document.value as Members
  const unknown = unknownElement(members, policyElements)
  if (unknown !== undefined) return unknown
  const { Version: version = '2008-10-17', Id: id, Statement: listed } = members
  if (version !== '2008-10-17' && version !== '2012-10-17')
    return malformed('The policy must contain a valid version string')
  if (id !== undefined && typeof id !== 'string') return syntaxInvalid
  if (listed === undefined) return malformed('Missing required field Statement')
  const statements = parseStatements(Array.isArray(listed) ? (listed as unknown[]) : [listed], version, rules)
  return 'code' in statements ? statements : { version, id, statements }
}

function unknownElement(members: Members, known: ReadonlySet<string>): PolicyFault | undefined {
  for (const name of Object.keys(members)) if (!known.has(name)) return malformed(`Unknown field ${name}`)
  return undefined
}

function parseStatements(
  listed: readonly unknown[],
  version: Policy['version'],
  rules: PolicyRules,
): readonly Statement[] | PolicyFault {
  if (listed.length === 0) return malformed('Could not parse the policy: Statement is empty!')
  const statements: Statement[] = []
  const sids = new Set<string>()
  for (const members of listed) {
    if (!isMembers(members)) return syntaxInvalid
    const statement = parseStatement(members, version === '2012-10-17', rules)
    if ('code' in statement) return statement
    const { sid } = statement
    if (rules.uniqueSids && sid !== undefined && sid !== '') {
      if (sids.has(sid)) return malformed('Statement IDs (SID) in a single policy must be unique.')
      sids.add(sid)
    }
    statements.push(statement)
  }
  return statements
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parseStatement(members: Members, variables: boolean, rules: PolicyRules): Statement | PolicyFault {
  const unknown = unknownElement(members, statementElements)
  if (unknown !== undefined) return unknown
  const { Sid: sid, Effect: effect } = members
  if (sid !== undefined && typeof sid !== 'string') return syntaxInvalid
  if (effect === undefined) return malformed('Missing required field Effect')
  if (effect !== 'Allow' && effect !== 'Deny')
    return typeof effect === 'string' ? malformed(`Invalid effect: ${effect}`) : syntaxInvalid
  const named = readPrincipals(members, effect, rules)
  if ('code' in named) return named
  const actions = readTexts(members, 'Action', actionInvalid)
  if ('code' in actions) return actions
  const resources = readTexts(members, 'Resource', resourceInvalid)
  if ('code' in resources) return resources
  const conditions = readConditions(members, variables)
  if ('code' in conditions) return conditions
  const statement: Statement = {
    sid,
    effect: effect === 'Allow' ? 'allow' : 'deny',
    principals: named.principals,
    exceptPrincipals: named.except,
    actions: actions.texts.map(text => compilePattern(text.toLowerCase(), { wildcards: true, variables: false })),
    exceptActions: actions.except,
    resources: resources.texts.map(text => compilePattern(text, { wildcards: true, variables })),
    exceptResources: resources.except,
    conditions,
  }
  return checkWords(statement, rules.vocabulary) ?? statement
}

/** Of an element and its `Not` form, the one that is there. */
function readEither(
  members: Members,
  name: string,
): { readonly value: unknown; readonly except: boolean } | PolicyFault {
  const [value, except] = [members[name], members[`Not${name}`]]
  if (value !== undefined && except !== undefined) return syntaxInvalid
  if (value === undefined && except === undefined) return malformed(`Missing required field ${name}`)
  return value === undefined ? { value: except, except: true } : { value, except: false }
}

interface Named {
  readonly principals: Principals | undefined
  readonly except: boolean
}

function readPrincipals(members: Members, effect: 'Allow' | 'Deny', rules: PolicyRules): Named | PolicyFault {
  if (rules.principals === 'refused') {
    const { Principal: some, NotPrincipal: others } = members
    return some === undefined && others === undefined
      ? { principals: undefined, except: false }
      : malformed('Policy document should not specify a principal.')
  }
  const either = readEither(members, 'Principal')
  if ('code' in either) return either
  // It would let in everyone else, the anonymous included (IAM User Guide, "NotPrincipal").
  if (either.except && effect === 'Allow') return malformed('Allow with NotPrincipal is not allowed.')
  const principals = parsePrincipals(either.value)
  if (principals === 'syntax') return syntaxInvalid
  return principals === 'invalid' ? principalInvalid : { principals, except: either.except }
}

interface Texts {
  readonly texts: readonly string[]
  readonly except: boolean
}

function readTexts(members: Members, name: string, whenEmpty: PolicyFault): Texts | PolicyFault {
  const either = readEither(members, name)
  if ('code' in either) return either
  const texts = new Set<string>()
  for (const text of Array.isArray(either.value) ? (either.value as unknown[]) : [either.value]) {
    if (typeof text !== 'string') return syntaxInvalid
    if (text === '') return whenEmpty
    texts.add(text)
  }
  return texts.size === 0 ? whenEmpty : { texts: [...texts], except: either.except }
}

function readConditions(members: Members, variables: boolean): readonly Condition[] | PolicyFault {
  const { Condition: element } = members
  if (element === undefined) return []
  const conditions = parseConditions(element, variables)
  return 'problem' in conditions ? malformed(conditions.problem) : conditions
}

/**
 * A statement must be about actions, resources and condition keys there are, and each of its actions must be able to
 * meet one of its resources and to have every one of its keys.
 */
function checkWords(statement: Statement, vocabulary: Vocabulary | undefined): PolicyFault | undefined {
  if (vocabulary === undefined) return undefined
  const matched: (readonly string[])[] = []
  for (const pattern of statement.actions) {
    const names = actionsMatching(pattern, vocabulary)
    if (names.length === 0) return actionInvalid
    matched.push(names)
  }
  let kinds = 0
  for (const pattern of statement.resources) {
    const named = vocabulary.resourceKinds(pattern)
    if (named === 0) return resourceInvalid
    kinds |= named
  }
  return checkKeys(statement, matched, vocabulary) ?? checkApplies(statement, matched, kinds, vocabulary)
}

function actionsMatching(pattern: Pattern, { actions }: Vocabulary): readonly string[] {
  if (pattern.exact !== undefined) return actions.has(pattern.exact) ? [pattern.exact] : []
  return [...actions.keys()].filter(action => canMatch(pattern, action))
}

function checkKeys(
  statement: Statement,
  matched: readonly (readonly string[])[],
  vocabulary: Vocabulary,
): PolicyFault | undefined {
  for (const { key } of statement.conditions) {
    const having = vocabulary.actionsOfKey(key)
    if (having === undefined) return malformed('Policy has an invalid condition key')
    if (having === 'any' || statement.exceptActions) continue
    if (!matched.every(names => names.some(name => having.has(name))))
      return malformed('Conditions do not apply to combination of actions and resources in statement')
  }
  return undefined
}

function checkApplies(
  statement: Statement,
  matched: readonly (readonly string[])[],
  kinds: number,
  { actions }: Vocabulary,
): PolicyFault | undefined {
  if (statement.exceptActions || statement.exceptResources) return undefined
  const applies = matched.every(names => names.some(name => (actions.get(name)! & kinds) !== 0))
  return applies ? undefined : malformed('Action does not apply to any resource(s) in statement')
}
