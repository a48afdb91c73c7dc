/** AccessControlPolicy documents. */
import { type Fault, fault } from '../fault.ts'
import type { Reply } from '../operation.ts'
import { attributeOf, childOf, childText, element, optionalElement, parseXml, type XmlElement } from '../xml.ts'
import {
  type Acl,
  type Grant,
  grantLimit,
  isCanonicalId,
  isGroup,
  isKnownGroup,
  type Permission,
  permissions,
} from './acl.ts'
import type { AclRequest } from './acl-request.ts'
import { type ArgumentFault, argumentInvalid } from './parameters.ts'
import { s3Document, xmlReply } from './xml.ts'

/** 100 grants of some 400 bytes each. */
/** An ACL as it is answered. */
export interface NamedAcl {
  readonly acl: Acl
  /** Display names by canonical id; undefined: none are sent. */
  readonly names: ReadonlyMap<string, string> | undefined
}

export const aclDocumentLimitBytes = 64 * 1024

const documentLimits = { maxDepth: 6, maxNodes: 2000 }
const malformed = fault('acl-malformed')

type DocumentFault = Fault<'acl-malformed'> | ArgumentFault
type DocumentRequest = Extract<AclRequest, { readonly kind: 'document' }>

export function parseAclDocument(body: Uint8Array): DocumentRequest | DocumentFault {
  const root = parseXml(body, documentLimits)
  if (root === undefined || root.name !== 'AccessControlPolicy') return malformed
  const owner = childOf(root, 'Owner')
  const list = childOf(root, 'AccessControlList')
  if (owner === undefined || list === undefined) return malformed
  const ownerId = childText(owner, 'ID')?.trim()
  if (ownerId === undefined) return malformed
  if (!isCanonicalId(ownerId)) return argumentInvalid('CanonicalUser/ID', 'Invalid id', ownerId)
  if (list.children.length > grantLimit) return malformed
  const grants: Grant[] = []
  for (const child of list.children) {
    const grant = child.name === 'Grant' ? parseGrant(child) : malformed
    if ('code' in grant) return grant
    grants.push(grant)
  }
  return { kind: 'document', owner: ownerId, grants }
}

function parseGrant(grant: XmlElement): Grant | DocumentFault {
  const permission = childText(grant, 'Permission')?.trim()
  const grantee = childOf(grant, 'Grantee')
  if (grantee === undefined || !isPermission(permission)) return malformed
  const named = parseGrantee(grantee)
  return typeof named === 'string' ? { grantee: named, permission } : named
}

function isPermission(text: string | undefined): text is Permission {
  return (permissions as readonly (string | undefined)[]).includes(text)
}

function parseGrantee(grantee: XmlElement): string | DocumentFault {
  const text = (name: string) => childText(grantee, name)?.trim()
  switch (attributeOf(grantee, 'type')) {
    case 'CanonicalUser': {
      const id = text('ID')
      if (id === undefined) return malformed
      return isCanonicalId(id) ? id : argumentInvalid('CanonicalUser/ID', 'Invalid id', id)
    }
    case 'Group': {
      const uri = text('URI')
      if (uri === undefined) return malformed
      return isKnownGroup(uri) ? uri : argumentInvalid('Group/URI', 'Invalid group uri', uri)
    }
    case 'AmazonCustomerByEmail': {
      const email = text('EmailAddress')
      return email?.includes('@') === true ? email : malformed
    }
    default:
      return malformed
  }
}

const instanceNamespace = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'

/**
 * Groups stand before users: the order means nothing to S3's clients, and it is the one that Ceph's suite compares.
 * @param nameOf the display name of a canonical id. S3 stopped sending names in 2025: without this there are none.
 */
export function renderAcl(acl: Acl, nameOf?: (canonicalId: string) => string | undefined): Reply {
  const ordered = [
    ...acl.grants.filter(({ grantee }) => isGroup(grantee)),
    ...acl.grants.filter(({ grantee }) => !isGroup(grantee)),
  ]
  const user = (id: string) => element('ID', id) + optionalElement('DisplayName', nameOf?.(id))
  let grants = ''
  for (const { grantee, permission } of ordered) {
    const group = isGroup(grantee)
    grants +=
      `<Grant><Grantee ${instanceNamespace} xsi:type="${group ? 'Group' : 'CanonicalUser'}">` +
      `${group ? element('URI', grantee) : user(grantee)}</Grantee><Permission>${permission}</Permission></Grant>`
  }
  return xmlReply(
    s3Document(
      'AccessControlPolicy',
      `<Owner>${user(acl.owner)}</Owner><AccessControlList>${grants}</AccessControlList>`,
    ),
  )
}
