/**
 * Access control lists: who may do what with a bucket or an object, beside its owner. Source: S3 User Guide, "Access
 * control list (ACL) overview".
 */

export const permissions = ['READ', 'WRITE', 'READ_ACP', 'WRITE_ACP', 'FULL_CONTROL'] as const
export type Permission = (typeof permissions)[number]

/** Groups that S3 knows; there are no others. */
export const allUsers = 'http://acs.amazonaws.com/groups/global/AllUsers'
export const authenticatedUsers = 'http://acs.amazonaws.com/groups/global/AuthenticatedUsers'
export const logDelivery = 'http://acs.amazonaws.com/groups/s3/LogDelivery'
const groups: ReadonlySet<string> = new Set([allUsers, authenticatedUsers, logDelivery])

/** Whose objects are those that nobody signed for. */
export const anonymousCanonicalId = '65a011a29cdf8ec533ec3d1ccaae921c'
/** Of EC2, which `aws-exec-read` lets fetch images. */
const execReader = '6aa5a366c34c1cbe25dc49211496e913e0351eb0e8c37aa3477e40942ec6b97c'

/** A canonical id, or a group's URI, which begins with `http:`. */
export interface Grant {
  readonly grantee: string
  readonly permission: Permission
}
/** As it is kept: e-mail addresses have become canonical ids. */
export interface Acl {
  /** Canonical id. */
  readonly owner: string
  readonly grants: readonly Grant[]
}

export const grantLimit = 100

export function isGroup(grantee: string): boolean {
  return grantee.startsWith('http:')
}
export function isKnownGroup(uri: string): boolean {
  return groups.has(uri)
}
export function isCanonicalId(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text) || text === anonymousCanonicalId
}

/** What a resource has that nobody gave one. */
export function privateAcl(owner: string): Acl {
  return { owner, grants: [{ grantee: owner, permission: 'FULL_CONTROL' }] }
}

/** Whether it grants anything to everybody, or to everybody who signs (S3 User Guide, "The meaning of public"). */
export function isPublicAcl({ grants }: Acl): boolean {
  return grants.some(isPublicGrant)
}
function isPublicGrant({ grantee }: Grant): boolean {
  return grantee === allUsers || grantee === authenticatedUsers
}
/** What is left of it under IgnorePublicAcls. */
export function withoutPublicGrants(acl: Acl): Acl {
  return isPublicAcl(acl) ? { owner: acl.owner, grants: acl.grants.filter(grant => !isPublicGrant(grant)) } : acl
}
/** Whether it grants nothing to anyone but its owner. */
export function isPrivateAcl({ owner, grants }: Acl): boolean {
  return grants.every(({ grantee }) => grantee === owner)
}

const letters: Readonly<Record<Permission, string>> = {
  READ: 'r',
  WRITE: 'w',
  READ_ACP: 'R',
  WRITE_ACP: 'W',
  FULL_CONTROL: 'f',
}
const permissionOf = new Map(permissions.map(permission => [letters[permission], permission]))

/** For a column: `["owner","r","grantee","f","grantee"…]`, the owner's own id written as ''. */
export function encodeAcl({ owner, grants }: Acl): string {
  const flat = grants.flatMap(({ grantee, permission }) => [letters[permission], grantee === owner ? '' : grantee])
  return JSON.stringify([owner, ...flat])
}
/** Takes only what `encodeAcl` made. */
export function decodeAcl(text: string): Acl {
  const [owner, ...flat] = JSON.parse(text) as [string, ...string[]]
  const grants: Grant[] = []
  for (let i = 0; i + 1 < flat.length; i += 2)
    grants.push({ permission: permissionOf.get(flat[i]!)!, grantee: flat[i + 1] || owner })
  return { owner, grants }
}

export const cannedAcls = [
  'private',
  'public-read',
  'public-read-write',
  'authenticated-read',
  'aws-exec-read',
  'bucket-owner-read',
  'bucket-owner-full-control',
  'log-delivery-write',
] as const
export type CannedAcl = (typeof cannedAcls)[number]

export function isCannedAcl(name: string): name is CannedAcl {
  return (cannedAcls as readonly string[]).includes(name)
}

/**
 * What a canned ACL grants beside its owner's full control. A bucket has no bucket's owner but its own: the names
 * that are about it mean private there.
 */
export function expandCannedAcl(name: CannedAcl, owner: string, bucketOwner: string): Acl {
  const acl = privateAcl(owner)
  const extra = cannedGrants(name, bucketOwner).filter(({ grantee }) => grantee !== owner)
  return { owner, grants: [...acl.grants, ...extra] }
}

function cannedGrants(name: CannedAcl, bucketOwner: string): readonly Grant[] {
  switch (name) {
    case 'private':
      return []
    case 'public-read':
      return [{ grantee: allUsers, permission: 'READ' }]
    case 'public-read-write':
      return [
        { grantee: allUsers, permission: 'READ' },
        { grantee: allUsers, permission: 'WRITE' },
      ]
    case 'authenticated-read':
      return [{ grantee: authenticatedUsers, permission: 'READ' }]
    case 'aws-exec-read':
      return [{ grantee: execReader, permission: 'READ' }]
    case 'bucket-owner-read':
      return [{ grantee: bucketOwner, permission: 'READ' }]
    case 'bucket-owner-full-control':
      return [{ grantee: bucketOwner, permission: 'FULL_CONTROL' }]
    case 'log-delivery-write':
      return [
        { grantee: logDelivery, permission: 'WRITE' },
        { grantee: logDelivery, permission: 'READ_ACP' },
      ]
  }
}
