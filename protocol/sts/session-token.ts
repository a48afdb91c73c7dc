/** GetSessionToken: temporary credentials of whoever asks. */
import type { Fault } from '../fault.ts'
import type { Reply, WireRequest } from '../operation.ts'
import { wantsJson } from './call.ts'
import { Parameters } from './parameters.ts'
import { type StsAnswer, stsReply } from './reply.ts'
import { type IssuedCredentials, minSessionSeconds, readMfa, renderCredentials } from './session.ts'

export interface SessionTokenRequest {
  readonly json: boolean
  readonly durationSeconds: number | undefined
  /** A code of an MFA device is given. */
  readonly mfa: boolean
}
export interface SessionTokenAnswer extends StsAnswer {
  readonly credentials: IssuedCredentials
}

export function parseSessionToken(request: WireRequest): SessionTokenRequest | Fault<'parameter-invalid'> {
  const parameters = new Parameters(request.query)
  const durationSeconds = parameters.integer('DurationSeconds', { min: minSessionSeconds, max: 129_600 })
  const mfa = readMfa(parameters)
  return parameters.refusal ?? { json: wantsJson(request), durationSeconds, mfa }
}

export function renderSessionToken(answer: SessionTokenAnswer): Reply {
  return stsReply('GetSessionToken', { Credentials: renderCredentials(answer.credentials) }, answer)
}
