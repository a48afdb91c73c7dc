/**
 * AssumeRole. Roles are not kept here: any well-formed one of the account may be named, and its session has the rights of
 * whoever asked, limited by the policy it is given. Sources: STS API Reference, "AssumeRole"; IAM User Guide, "Session
 * policies" and "IAM and AWS STS quotas".
 */
import { Fault, fault } from '../fault.ts'
import type { Reply, WireRequest } from '../operation.ts'
import { parsePolicy } from '../policy/parse.ts'
import type { PolicyRules } from '../policy/policy.ts'
import { wantsJson } from './call.ts'
import { Parameters } from './parameters.ts'
import { type StsAnswer, stsReply } from './reply.ts'
import { type IssuedCredentials, minSessionSeconds, readMfa, renderCredentials } from './session.ts'

export interface AssumeRoleRequest {
  readonly json: boolean
  readonly role: Role
  readonly sessionName: string
  readonly durationSeconds: number | undefined
  /** A policy document that was found good. */
  readonly policy: string | undefined
  /** Of what policy and tags may fill, in percent; undefined without either. */
  readonly packedPolicySize: number | undefined
  readonly sourceIdentity: string | undefined
  /** A code of an MFA device is given. */
  readonly mfa: boolean
}
export interface Role {
  readonly arn: string
  readonly account: string
  /** Without its path. */
  readonly name: string
}
export interface AssumeRoleAnswer extends StsAnswer {
  readonly credentials: IssuedCredentials
  readonly arn: string
  readonly assumedRoleId: string
  readonly packedPolicySize: number | undefined
  readonly sourceIdentity: string | undefined
}
export type AssumeRoleFault =
  | Fault<'parameter-invalid'>
  | Fault<'tag-invalid'>
  | Fault<'policy-malformed'>
  | Fault<'session-policy-too-large'>
  | Fault<'not-implemented'>

const limitBytes = 2048
/** Documents of sessions: whoever holds them is who they are about. */
export const sessionPolicyRules: PolicyRules = { limitBytes, principals: 'refused', uniqueSids: true }

const nameRule = { min: 2, max: 64, pattern: /^[\w+=,.@-]*$/ } as const
const tagKeyRule = { required: true, min: 1, max: 128, pattern: /^[\p{L}\p{Z}\p{N}_.:/=+\-@]+$/u } as const
const tagValueRule = { required: true, min: 0, max: 256, pattern: /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u } as const
const roleForm = /^arn:aws:iam::(\d{12}):role\/(?:[!-.0-~]{1,510}\/){0,32}([\w+=,.@-]{1,64})$/
const tagLimit = 50
const maxSessionSeconds = 43_200

export function parseAssumeRole(request: WireRequest): AssumeRoleRequest | AssumeRoleFault {
  const parameters = new Parameters(request.query)
  const arn = parameters.text('RoleArn', { required: true, min: 20, max: 2048 })
  const sessionName = parameters.text('RoleSessionName', { required: true, ...nameRule })
  const durationSeconds = parameters.integer('DurationSeconds', { min: minSessionSeconds, max: maxSessionSeconds })
  const policy = parameters.text('Policy', { min: 1, max: request.query.raw.length })
  parameters.text('ExternalId', { min: 2, max: 1224, pattern: /^[\w+=,.@:/-]*$/ })
  const sourceIdentity = parameters.text('SourceIdentity', nameRule)
  const mfa = readMfa(parameters)
  const tags = readTags(parameters)
  const transitive = parameters
    .list('TransitiveTagKeys', tagLimit)
    .map((member, at) => parameters.check(member.get(''), `transitiveTagKeys.${at + 1}.member`, tagKeyRule))
  const refused = parameters.refusal ?? unsupported(parameters)
  if (refused !== undefined) return refused
  const role = parseRole(arn!)
  if (role instanceof Fault) return role
  const wrong = checkTags(tags, transitive)
  if (wrong !== undefined) return wrong
  const packedPolicySize = packedSize(policy, tags)
  if (packedPolicySize instanceof Fault) return packedPolicySize
  const parsed = policy === undefined ? undefined : parsePolicy(Buffer.from(policy.trim()), sessionPolicyRules)
  if (parsed instanceof Fault) return parsed
  const json = wantsJson(request)
  const name = sessionName!
  return {
    json,
    role,
    sessionName: name,
    durationSeconds,
    policy: policy?.trim(),
    packedPolicySize,
    sourceIdentity,
    mfa,
  }
}

/** What would change a session's rights and is not done here; a session with more of them would be a surprise. */
function unsupported(parameters: Parameters): Fault<'not-implemented'> | undefined {
  for (const name of ['PolicyArns', 'ProvidedContexts'])
    if (parameters.list(name, Number.POSITIVE_INFINITY).length > 0)
      return fault('not-implemented', { action: `AssumeRole with ${name}` })
  return undefined
}

function parseRole(arn: string): Role | Fault<'parameter-invalid'> {
  const match = roleForm.exec(arn)
  if (match === null) return fault('parameter-invalid', { message: `${arn} is invalid` })
  return { arn, account: match[1]!, name: match[2]! }
}

type Tag = readonly [key: string, value: string]

function readTags(parameters: Parameters): readonly Tag[] {
  return parameters.list('Tags', tagLimit).map((member, at) => {
    const field = `tags.${at + 1}.member`
    const key = parameters.check(member.get('Key'), `${field}.key`, tagKeyRule)
    const value = parameters.check(member.get('Value'), `${field}.value`, tagValueRule)
    return [key ?? '', value ?? ''] as const
  })
}

function checkTags(
  tags: readonly Tag[],
  transitive: readonly (string | undefined)[],
): Fault<'tag-invalid'> | undefined {
  const keys = new Set(tags.map(([key]) => key.toLowerCase()))
  if (keys.size < tags.length)
    return fault('tag-invalid', {
      message: 'Duplicate tag keys found. Please note that Tag keys are case insensitive.',
    })
  for (const key of transitive)
    if (!keys.has((key ?? '').toLowerCase()))
      return fault('tag-invalid', {
        message: 'The specified transitive tag key must be included in the requested tags.',
      })
  return undefined
}

/** How AWS packs them is not told; here they count as they are written. */
function packedSize(
  policy: string | undefined,
  tags: readonly Tag[],
): number | undefined | Fault<'session-policy-too-large'> {
  if (policy === undefined && tags.length === 0) return undefined
  let size = policy?.trim().length ?? 0
  for (const [key, value] of tags) size += key.length + value.length
  const percent = Math.ceil((size * 100) / limitBytes)
  if (percent <= 100) return percent
  const message = `Packed policy consumes ${percent}% of allotted space, please use smaller policy.`
  return fault('session-policy-too-large', { message })
}

export function renderAssumeRole(answer: AssumeRoleAnswer): Reply {
  const result = {
    AssumedRoleUser: { AssumedRoleId: answer.assumedRoleId, Arn: answer.arn },
    Credentials: renderCredentials(answer.credentials),
    PackedPolicySize: answer.packedPolicySize,
    SourceIdentity: answer.sourceIdentity,
  }
  return stsReply('AssumeRole', result, answer)
}
