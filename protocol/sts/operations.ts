/** GetCallerIdentity, the one STS action here: tools ask who they are before they do anything else. */
import { type Fault, fault } from '../fault.ts'
import { Level, operation, type Reply, type WireRequest } from '../operation.ts'
import { Query } from '../query.ts'
import { element, escapeXml } from '../xml.ts'

export const stsNamespace = 'https://sts.amazonaws.com/doc/2011-06-15/'
const apiVersion = '2011-06-15'
export const stsBodyLimitBytes = 64 * 1024

/** The service's other actions (its published model): known, and answered as not implemented. */
const otherActions: ReadonlySet<string> = new Set([
  'AssumeRole',
  'AssumeRoleWithSAML',
  'AssumeRoleWithWebIdentity',
  'AssumeRoot',
  'DecodeAuthorizationMessage',
  'GetAccessKeyInfo',
  'GetDelegatedAccessToken',
  'GetFederationToken',
  'GetSessionToken',
  'GetWebIdentityToken',
])

export type StsCallFault = Fault<'argument-invalid'> | Fault<'request-invalid'> | Fault<'not-implemented'>
export interface StsCall {
  readonly action: 'GetCallerIdentity'
}

/**
 * The call that a form body or, when it names no action, a query asks for.
 * @returns 'argument-invalid' without an Action, 'request-invalid' for one that STS does not have in that version
 */
export function parseStsCall(body: Uint8Array, query: Query): StsCall | StsCallFault {
  const form = new Query(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8').trim())
  const from = form.has('Action') ? form : query
  const action = from.get('Action') ?? ''
  const version = from.get('Version') ?? ''
  if (action === '') return fault('argument-invalid', { name: 'Action' })
  const known = version === apiVersion && (action === 'GetCallerIdentity' || otherActions.has(action))
  if (!known) {
    const asked = version === '' ? 'NO_VERSION_SPECIFIED' : version
    return fault('request-invalid', { message: `Could not find operation ${action} for version ${asked}` })
  }
  return action === 'GetCallerIdentity' ? { action } : fault('not-implemented', { action })
}

export interface IdentityRequest {
  /** The answer is wanted as JSON, which STS has beside XML. */
  readonly json: boolean
}
export interface IdentityAnswer extends IdentityRequest {
  readonly account: string
  readonly arn: string
  readonly userId: string
  readonly requestId: string
}

function parseIdentity(request: WireRequest, body: Uint8Array): IdentityRequest | StsCallFault {
  const call = parseStsCall(body, request.query)
  return 'action' in call ? { json: /^application\/json\b/i.test(request.header('accept')) } : call
}

function renderIdentity({ json, account, arn, userId, requestId }: IdentityAnswer): Reply {
  if (json) {
    const result = { Account: account, Arn: arn, UserId: userId }
    const answer = { GetCallerIdentityResult: result, ResponseMetadata: { RequestId: requestId } }
    return {
      status: 200,
      headers: ['Content-Type', 'application/json'],
      body: JSON.stringify({ GetCallerIdentityResponse: answer }),
    }
  }
  return {
    status: 200,
    headers: ['Content-Type', 'text/xml'],
    body:
      `<GetCallerIdentityResponse xmlns="${stsNamespace}"><GetCallerIdentityResult>` +
      element('Arn', arn) +
      element('UserId', userId) +
      element('Account', account) +
      `</GetCallerIdentityResult><ResponseMetadata><RequestId>${escapeXml(requestId)}</RequestId></ResponseMetadata>` +
      '</GetCallerIdentityResponse>',
  }
}

/** Rows are found by the request line, and the action may stand in the body: so there is one row per method. */
const shared = {
  access: 'any',
  refuses: [],
  parse: parseIdentity,
  render: renderIdentity,
  faults: ['argument-invalid', 'request-invalid', 'not-implemented'],
} as const

export const stsOperations = [
  operation({
    ...shared,
    name: 'GetCallerIdentity',
    match: { method: 'POST', level: Level.service, selector: '' },
    body: { limitBytes: stsBodyLimitBytes },
  }),
  operation({
    ...shared,
    name: 'GetCallerIdentity (GET)',
    match: { method: 'GET', level: Level.service, selector: '' },
    body: 'none',
  }),
] as const
