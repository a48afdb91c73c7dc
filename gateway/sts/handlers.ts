import { randomBytes } from 'node:crypto'
import { type Fault, fault } from '../../protocol/fault.ts'
import type { Handlers } from '../../protocol/operation.ts'
import { evaluate } from '../../protocol/policy/evaluate.ts'
import type { AssumeRoleAnswer, AssumeRoleRequest } from '../../protocol/sts/assume-role.ts'
import type { IdentityAnswer, stsOperations } from '../../protocol/sts/operations.ts'
import type { IssuedCredentials } from '../../protocol/sts/session.ts'
import type { SessionTokenAnswer, SessionTokenRequest } from '../../protocol/sts/session-token.ts'
import type { Principal, RequestContext } from '../context.ts'
import { arnOf, base32Of, isRoot, roleIdOf, sessionArn, userIdOf } from '../principal-arn.ts'
import { type NewSession, saveSession } from '../store/sessions.ts'

/** Of roles, and of an account's root user. */
const hourSeconds = 3_600
const userSessionSeconds = 43_200

function getCallerIdentity({ principal, requestId }: RequestContext, { json }: { json: boolean }): IdentityAnswer {
  return { json, account: principal.account, arn: arnOf(principal), userId: userIdOf(principal), requestId }
}

async function getSessionToken(
  context: RequestContext,
  { json, durationSeconds, mfa }: SessionTokenRequest,
): Promise<SessionTokenAnswer | Fault<'access-denied'>> {
  const { principal, requestId } = context
  if (principal.session !== undefined) return denied('Cannot call GetSessionToken with session credentials')
  if (mfa) return mfaFailed
  const wanted = durationSeconds ?? userSessionSeconds
  // Root users are given an hour, whatever they ask for (STS API Reference, GetSessionToken).
  const seconds = isRoot(principal) ? Math.min(wanted, hourSeconds) : wanted
  return { json, requestId, credentials: await issue(context, seconds, {}) }
}

async function assumeRole(
  context: RequestContext,
  input: AssumeRoleRequest,
): Promise<AssumeRoleAnswer | Fault<'access-denied'> | Fault<'parameter-invalid'>> {
  const { principal, requestId } = context
  const { json, role, sessionName, policy, packedPolicySize, sourceIdentity } = input
  const refused = refuseRole(context, input)
  if (refused !== undefined) return refused
  const seconds = input.durationSeconds ?? hourSeconds
  if (principal.session?.role !== undefined && seconds > hourSeconds) return chainTooLong
  const credentials = await issue(context, seconds, { role: { arn: role.arn, sessionName }, policy })
  const arn = sessionArn(role.arn, sessionName)
  const assumedRoleId = `${roleIdOf(role.arn)}:${sessionName}`
  return { json, requestId, credentials, arn, assumedRoleId, packedPolicySize, sourceIdentity }
}

/** Whoever is of the account may, unless a session policy says otherwise: it holds until its session ends. */
function refuseRole(
  { principal }: RequestContext,
  { role, mfa }: AssumeRoleRequest,
): Fault<'access-denied'> | undefined {
  if (isRoot(principal) && principal.session?.role === undefined)
    return denied('Roles may not be assumed by root accounts.')
  if (role.account !== principal.account || !allowsRole(principal, role.arn))
    return denied(`User: ${arnOf(principal)} is not authorized to perform: sts:AssumeRole on resource: ${role.arn}`)
  return mfa ? mfaFailed : undefined
}

function allowsRole(principal: Principal, resource: string): boolean {
  const policy = principal.session?.policy
  if (policy === undefined) return true
  const asked = { principal: undefined, action: 'sts:AssumeRole', resource, context: () => undefined }
  return evaluate(policy, asked) === 'allow'
}

function denied(message: string): Fault<'access-denied'> {
  return fault('access-denied', { message })
}
const mfaFailed = denied(
  'MultiFactorAuthentication failed, unable to validate MFA code. ' +
    'Please verify your MFA serial number is valid and associated with this user.',
)
const chainTooLong = fault('parameter-invalid', {
  message: 'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining',
})

/** Makes temporary credentials and keeps them. Expiry is told in whole seconds, and so it is kept. */
async function issue(
  { services, principal, nowMs }: RequestContext,
  seconds: number,
  session: Pick<NewSession, 'role' | 'policy'>,
): Promise<IssuedCredentials> {
  const credentials: IssuedCredentials = {
    accessKeyId: `ASIA${base32Of(randomBytes(16))}`,
    secretAccessKey: randomBytes(30).toString('base64'),
    sessionToken: randomBytes(96).toString('base64'),
    expiresAtMs: (Math.floor(nowMs / 1000) + seconds) * 1000,
  }
  const { environmentId, identityId } = principal
  await services.database.write(() => saveSession({ ...credentials, ...session, environmentId, identityId }))
  return credentials
}

/** Never called: the parsers of these rows answer the fault. */
function unreachable(): never {
  throw new Error('an action that is not there was handled')
}

export const stsHandlers: Handlers<typeof stsOperations, RequestContext> = {
  GetCallerIdentity: getCallerIdentity,
  GetSessionToken: getSessionToken,
  AssumeRole: assumeRole,
  AssumeRoleWithSAML: unreachable,
  AssumeRoleWithWebIdentity: unreachable,
  AssumeRoot: unreachable,
  DecodeAuthorizationMessage: unreachable,
  GetAccessKeyInfo: unreachable,
  GetDelegatedAccessToken: unreachable,
  GetFederationToken: unreachable,
  GetWebIdentityToken: unreachable,
  UnknownAction: unreachable,
  NoAction: unreachable,
}
