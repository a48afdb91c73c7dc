/** What an identity, or a session of it, is called in policies and by STS. */
import { createHash } from 'node:crypto'
import type { Principal } from './context.ts'

/** An identity named `root` is its account's root user; all others are users. */
export function isRoot({ identityName }: Pick<Principal, 'identityName'>): boolean {
  return identityName === 'root'
}

type Named = Pick<Principal, 'account' | 'identityName' | 'canonicalId' | 'session'>

export function arnOf(principal: Named): string {
  const { account, identityName, session } = principal
  if (session?.role !== undefined) return sessionArn(session.role.arn, session.role.sessionName)
  return `arn:aws:iam::${account}:${isRoot(principal) ? 'root' : `user/${identityName}`}`
}

/** Of a role's session: the role's path is left out. */
export function sessionArn(roleArn: string, sessionName: string): string {
  const [, , , , account] = roleArn.split(':', 5)
  return `arn:aws:sts::${account}:assumed-role/${roleArn.slice(roleArn.lastIndexOf('/') + 1)}/${sessionName}`
}

export function userIdOf(principal: Named): string {
  const { account, canonicalId, session } = principal
  if (session?.role !== undefined) return `${roleIdOf(session.role.arn)}:${session.role.sessionName}`
  return isRoot(principal) ? account : `AIDA${letters(canonicalId)}`
}

export function roleIdOf(roleArn: string): string {
  return `AROA${letters(roleArn)}`
}

const base32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** 17 letters, as unique ids look: always the same for one text. */
function letters(text: string): string {
  const digest = createHash('sha256').update(text).digest()
  return base32Of(digest.subarray(0, 17))
}

export function base32Of(bytes: Uint8Array): string {
  return Array.from(bytes, byte => base32[byte & 31]).join('')
}
