/** What GetSessionToken and AssumeRole answer alike. */
import type { Parameters } from './parameters.ts'
import type { Result } from './reply.ts'

/** Temporary ones. */
export interface IssuedCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
  readonly expiresAtMs: number
}

export function renderCredentials(issued: IssuedCredentials): Result {
  return {
    AccessKeyId: issued.accessKeyId,
    SecretAccessKey: issued.secretAccessKey,
    SessionToken: issued.sessionToken,
    Expiration: new Date(issued.expiresAtMs),
  }
}

export const minSessionSeconds = 900

/** Whether a code of an MFA device is given. There are no such devices here, so none can be right. */
export function readMfa(parameters: Parameters): boolean {
  const serial = parameters.text('SerialNumber', { min: 9, max: 256, pattern: /^[\w+=/:,.@-]*$/ })
  const code = parameters.text('TokenCode', { min: 6, max: 6, pattern: /^[\d]*$/ })
  return serial !== undefined || code !== undefined
}
