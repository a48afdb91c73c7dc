import { createHash } from 'node:crypto'
import type { Handlers } from '../../protocol/operation.ts'
import type { IdentityAnswer, IdentityRequest, stsOperations } from '../../protocol/sts/operations.ts'
import type { RequestContext } from '../context.ts'

const base32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** `AIDA` and 17 letters, as the ids of users look: always the same for one canonical id. */
function userId(canonicalId: string): string {
  const digest = createHash('sha256').update(canonicalId).digest()
  return `AIDA${Array.from(digest.subarray(0, 17), byte => base32[byte & 31]).join('')}`
}

/** An identity named `root` is its account's root user; all others are users. */
function getCallerIdentity({ principal, requestId }: RequestContext, { json }: IdentityRequest): IdentityAnswer {
  const { account, identityName, canonicalId } = principal
  const root = identityName === 'root'
  return {
    json,
    account,
    arn: `arn:aws:iam::${account}:${root ? 'root' : `user/${identityName}`}`,
    userId: root ? account : userId(canonicalId),
    requestId,
  }
}

export const stsHandlers: Handlers<typeof stsOperations, RequestContext> = {
  GetCallerIdentity: getCallerIdentity,
  'GetCallerIdentity (GET)': getCallerIdentity,
}
