/** Asking a policy. Source: IAM User Guide, "Policy evaluation logic" and "Condition element". */
import { conditionHolds } from './condition.ts'
import { type Lookup, matchesPattern, type Pattern } from './pattern.ts'
import type { Policy, Statement } from './policy.ts'
import { namesPrincipal, type PolicyPrincipal } from './principal.ts'

export interface PolicyRequest {
  readonly principal: PolicyPrincipal
  /** `s3:GetObject`. */
  readonly action: string
  /** `arn:aws:s3:::bucket/key`. */
  readonly resource: string
  /** Asked only for the keys that a statement otherwise met needs. */
  readonly context: Lookup
}

/** `none`: the policy says nothing of such a request. */
export type Verdict = 'deny' | 'allow' | 'none'

/** A denial wins over whatever else the policy says. */
export function evaluate(policy: Policy, request: PolicyRequest): Verdict {
  const action = request.action.toLowerCase()
  let verdict: Verdict = 'none'
  for (const statement of policy.statements) {
    if (verdict === 'allow' && statement.effect === 'allow') continue
    if (!covers(statement, request, action)) continue
    if (statement.effect === 'deny') return 'deny'
    verdict = 'allow'
  }
  return verdict
}

function covers(statement: Statement, request: PolicyRequest, action: string): boolean {
  const { principals, conditions } = statement
  if (anyMatches(statement.actions, action, noVariables) === statement.exceptActions) return false
  if (principals !== undefined && namesPrincipal(principals, request.principal) === statement.exceptPrincipals)
    return false
  if (anyMatches(statement.resources, request.resource, request.context) === statement.exceptResources) return false
  return conditions.every(condition => conditionHolds(condition, request.context))
}

const noVariables: Lookup = () => undefined

function anyMatches(patterns: readonly Pattern[], text: string, lookup: Lookup): boolean {
  for (const pattern of patterns) if (matchesPattern(pattern, text, lookup)) return true
  return false
}
