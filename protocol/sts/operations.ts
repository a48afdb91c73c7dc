/** The actions of STS: who one is, temporary credentials, and those it has and we do not. */
import { type Fault, fault } from '../fault.ts'
import { Level, type Match, operation, type Reply, type WireRequest } from '../operation.ts'
import { parseAssumeRole, renderAssumeRole } from './assume-role.ts'
import { apiVersion, stsBodyLimitBytes, wantsJson } from './call.ts'
import { type StsAnswer, stsReply } from './reply.ts'
import { parseSessionToken, renderSessionToken } from './session-token.ts'

export interface IdentityRequest {
  readonly json: boolean
}
export interface IdentityAnswer extends StsAnswer {
  readonly account: string
  readonly arn: string
  readonly userId: string
}

function renderIdentity(answer: IdentityAnswer): Reply {
  const { arn, userId, account } = answer
  return stsReply('GetCallerIdentity', { Arn: arn, UserId: userId, Account: account }, answer)
}

/** Rows stand for calls as `stsCall` makes them. */
const shared = { access: 'any', refuses: [], body: { limitBytes: stsBodyLimitBytes } } as const

function called(action: string): Match {
  return {
    method: 'POST',
    level: Level.service,
    selector: 'Action',
    needs: { query: [`Action=${action}`, `Version=${apiVersion}`] },
  }
}

function notImplemented<const N extends string>(name: N) {
  return operation({
    ...shared,
    name,
    match: called(name),
    parse: () => fault('not-implemented', { action: name }),
    render: renderNothing,
    faults: ['not-implemented'],
  })
}
function renderNothing(): Reply {
  return { status: 200, headers: [], body: null }
}

/** One that STS does not have in the version asked for. */
function unknownAction({ query }: WireRequest): Fault<'argument-invalid'> | Fault<'request-invalid'> {
  const action = query.get('Action') ?? ''
  if (action === '') return fault('argument-invalid', { name: 'Action' })
  const version = query.get('Version') || 'NO_VERSION_SPECIFIED'
  return fault('request-invalid', { message: `Could not find operation ${action} for version ${version}` })
}
const none = { ...shared, parse: unknownAction, render: renderNothing } as const

export const stsOperations = [
  operation({
    ...shared,
    name: 'GetCallerIdentity',
    match: called('GetCallerIdentity'),
    parse: (request: WireRequest): IdentityRequest => ({ json: wantsJson(request) }),
    render: renderIdentity,
    faults: [],
  }),
  operation({
    ...shared,
    name: 'GetSessionToken',
    match: called('GetSessionToken'),
    parse: parseSessionToken,
    render: renderSessionToken,
    faults: ['parameter-invalid', 'access-denied'],
  }),
  operation({
    ...shared,
    name: 'AssumeRole',
    match: called('AssumeRole'),
    parse: parseAssumeRole,
    render: renderAssumeRole,
    faults: [
      'parameter-invalid',
      'tag-invalid',
      'policy-malformed',
      'session-policy-too-large',
      'not-implemented',
      'access-denied',
    ],
  }),
  notImplemented('AssumeRoleWithSAML'),
  notImplemented('AssumeRoleWithWebIdentity'),
  notImplemented('AssumeRoot'),
  notImplemented('DecodeAuthorizationMessage'),
  notImplemented('GetAccessKeyInfo'),
  notImplemented('GetDelegatedAccessToken'),
  notImplemented('GetFederationToken'),
  notImplemented('GetWebIdentityToken'),
  operation({
    ...none,
    name: 'UnknownAction',
    match: { method: 'POST', level: Level.service, selector: 'Action' },
    faults: ['argument-invalid', 'request-invalid'],
  }),
  operation({
    ...none,
    name: 'NoAction',
    match: { method: 'POST', level: Level.service, selector: '' },
    faults: ['argument-invalid', 'request-invalid'],
  }),
] as const
