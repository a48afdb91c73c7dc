/** What a request says an ACL shall be: by a canned name, by grant headers, or by a document. */
import { type Fault, fault } from '../fault.ts'
import type { WireRequest } from '../operation.ts'
import {
  type Acl,
  type CannedAcl,
  expandCannedAcl,
  type Grant,
  grantLimit,
  isCannedAcl,
  isCanonicalId,
  isKnownGroup,
  type Permission,
} from './acl.ts'
import { parseAclDocument } from './acl-document.ts'
import { grantHeaders } from './actions.ts'
import { type ArgumentFault, argumentInvalid } from './parameters.ts'

/** A grant as sent: its grantee may be an e-mail address, which holds a `@`. */
export type AclRequest =
  | { readonly kind: 'canned'; readonly name: CannedAcl }
  | { readonly kind: 'grants'; readonly grants: readonly Grant[] }
  /** `owner` is what the document says. */
  | { readonly kind: 'document'; readonly owner: string; readonly grants: readonly Grant[] }

export type AclHeaderFault = ArgumentFault | Fault<'request-invalid'> | Fault<'acl-malformed'>
export type AclRequestFault = AclHeaderFault | Fault<'acl-header-missing'> | Fault<'acl-body-unexpected'>

/** What giving an ACL may meet, in its request or in its bucket. */
export const aclFaults = [
  'argument-invalid',
  'request-invalid',
  'acl-malformed',
  'acl-unsupported',
  'email-unresolvable',
  'access-denied',
] as const

const permissionOfHeader: Readonly<Record<(typeof grantHeaders)[number], Permission>> = {
  'x-amz-grant-read': 'READ',
  'x-amz-grant-write': 'WRITE',
  'x-amz-grant-read-acp': 'READ_ACP',
  'x-amz-grant-write-acp': 'WRITE_ACP',
  'x-amz-grant-full-control': 'FULL_CONTROL',
}

const tooMany = fault('acl-malformed')

/** The ACL that a write's headers ask for; undefined when they say nothing. */
export function parseAclHeaders(request: Pick<WireRequest, 'header'>): AclRequest | AclHeaderFault | undefined {
  const canned = request.header('x-amz-acl')
  const given = grantHeaders.filter(name => request.header(name) !== '')
  if (canned !== '') {
    if (given.length > 0)
      return fault('request-invalid', { message: 'Specifying both Canned ACLs and Header Grants is not allowed' })
    // S3 says nothing more than the name and value.
    return isCannedAcl(canned) ? { kind: 'canned', name: canned } : argumentInvalid('x-amz-acl', '', canned)
  }
  if (given.length === 0) return undefined
  const grants: Grant[] = []
  for (const name of given) {
    const grantees = parseGrantees(name, request.header(name))
    if ('code' in grantees) return grantees
    for (const grantee of grantees) grants.push({ grantee, permission: permissionOfHeader[name] })
  }
  return grants.length > grantLimit ? tooMany : { kind: 'grants', grants }
}

const granteeForm = /^\s*(id|uri|emailAddress)\s*=\s*(?:"([^"]*)"|([^"\s]*))\s*$/i

/** `id="…", uri="…", emailAddress="…"`, the quotes optional. No form of grantee holds a comma. */
function parseGrantees(header: string, value: string): readonly string[] | ArgumentFault {
  const grantees: string[] = []
  for (const piece of value.split(',')) {
    const match = granteeForm.exec(piece)
    if (match === null) return argumentInvalid(header, 'Argument format not recognized', piece.trim())
    const grantee = match[2] ?? match[3]!
    const wrong = checkGrantee(match[1]!.toLowerCase(), grantee)
    if (wrong !== undefined) return wrong
    grantees.push(grantee)
  }
  return grantees
}

function checkGrantee(type: string, grantee: string): ArgumentFault | undefined {
  if (type === 'id') return isCanonicalId(grantee) ? undefined : argumentInvalid('id', 'Invalid id', grantee)
  if (type === 'uri') return isKnownGroup(grantee) ? undefined : argumentInvalid('uri', 'Invalid group uri', grantee)
  return grantee.includes('@') ? undefined : argumentInvalid('emailAddress', 'Invalid email address', grantee)
}

/** PutBucketAcl and PutObjectAcl: headers or a document, not both and not neither. */
export function parsePutAcl(request: Pick<WireRequest, 'header'>, body: Uint8Array): AclRequest | AclRequestFault {
  const asked = parseAclHeaders(request)
  if (asked !== undefined) {
    if ('code' in asked || body.length === 0) return asked
    return fault('acl-body-unexpected')
  }
  return body.length === 0 ? fault('acl-header-missing') : parseAclDocument(body)
}

/** The e-mail addresses and canonical ids that must be looked up before a request becomes an ACL, each once. */
export function granteesOf(request: AclRequest): {
  readonly emails: readonly string[]
  readonly ids: readonly string[]
} {
  const emails = new Set<string>()
  const ids = new Set<string>()
  if (request.kind !== 'canned')
    for (const { grantee } of request.grants)
      if (grantee.includes('@')) emails.add(grantee)
      else if (!isKnownGroup(grantee)) ids.add(grantee)
  return { emails: [...emails], ids: [...ids] }
}

export interface AclSubject {
  /** Canonical id of who owns the bucket or object. */
  readonly owner: string
  /** Canonical id of the owner of the bucket. */
  readonly bucketOwner: string
  /** The canonical id behind an e-mail address. */
  readonly idOfEmail?: ((email: string) => string | undefined) | undefined
  /** Whether there is such a canonical id; absent: every well-formed one is taken. */
  readonly isKnownId?: ((id: string) => boolean) | undefined
}

export type AclResolutionFault = ArgumentFault | Fault<'access-denied'> | Fault<'email-unresolvable'>

/** The ACL a request asks for. A document that names another owner would give the resource away: it is denied. */
export function resolveAcl(request: AclRequest, subject: AclSubject): Acl | AclResolutionFault {
  const { owner, bucketOwner } = subject
  if (request.kind === 'canned') return expandCannedAcl(request.name, owner, bucketOwner)
  if (request.kind === 'document' && request.owner !== owner) return fault('access-denied')
  const grants: Grant[] = []
  for (const { grantee, permission } of request.grants) {
    const id = grantee.includes('@') ? subject.idOfEmail?.(grantee) : grantee
    if (id === undefined) return fault('email-unresolvable')
    if (!isKnownGroup(id) && id !== owner && subject.isKnownId?.(id) === false)
      return argumentInvalid(request.kind === 'document' ? 'CanonicalUser/ID' : 'id', 'Invalid id', id)
    grants.push({ grantee: id, permission })
  }
  return { owner, grants }
}
