/**
 * The Principal element, and who asks. Forms: IAM User Guide, "AWS JSON policy elements: Principal". Ceph's gateway and
 * its test suite leave the account of a user's ARN empty, name tenants in its place, and users by canonical id.
 */

/** Someone with a name in an account. */
export interface IdentityPrincipal {
  /** 12 digits. */
  readonly account: string
  readonly name: string
  readonly canonicalId: string
  /** `arn:aws:iam::ACCOUNT:user/NAME`, or that of an assumed role's session. */
  readonly arn: string
  /** Of the role that was assumed. */
  readonly roleArn?: string | undefined
}
/** A service that acts by itself, such as `s3.amazonaws.com` when it notifies a queue. */
export interface ServicePrincipal {
  readonly service: string
}
/** Undefined: nobody who says who they are. */
export type PolicyPrincipal = IdentityPrincipal | ServicePrincipal | undefined

interface UserName {
  /** '' is any account. */
  readonly account: string
  readonly name: string
}

/** Whom an element names. */
export interface Principals {
  readonly everyone: boolean
  readonly accounts: ReadonlySet<string>
  readonly users: readonly UserName[]
  readonly canonicalIds: ReadonlySet<string>
  /** Of roles and of their sessions. */
  readonly arns: ReadonlySet<string>
  readonly services: ReadonlySet<string>
  /** Identity providers: nobody signs in through one here, so these name nobody. */
  readonly federated: ReadonlySet<string>
}

/** `syntax`: not an element of this kind. `invalid`: one that names what cannot be a principal. */
export type PrincipalProblem = 'syntax' | 'invalid'

const accountForm = /^\d{12}$/
/** Unique ids of users and roles, which remain in a policy when those are deleted. */
const uniqueIdForm = /^A(?:IDA|ROA|GPA|IPA|SCA)[A-Z0-9]{12,125}$/
const arnForm = /^arn:aws(?:-cn|-us-gov)?:(iam|sts)::([\w-]{0,64}):(.+)$/
const namePath = '(?:[\\w+=,.@-]{1,512}\\/){0,16}[\\w+=,.@-]{1,128}'
const userForm = new RegExp(`^user/(${namePath})$`)
const roleForm = new RegExp(`^role/${namePath}$`)
const sessionForm = new RegExp(`^(?:assumed-role|federated-user)/${namePath}$`)
const canonicalForm = /^[\w-]{1,128}$/
const serviceForm = /^[a-z0-9-]+(?:\.[a-z0-9-]+){0,8}\.amazonaws\.com(?:\.cn)?$/

function keep(names: Set<string>, name: string): true {
  names.add(name)
  return true
}

class Reader implements Principals {
  everyone = false
  readonly accounts = new Set<string>()
  readonly users: UserName[] = []
  readonly canonicalIds = new Set<string>()
  readonly arns = new Set<string>()
  readonly services = new Set<string>()
  readonly federated = new Set<string>()

  /** Whether the name is one of its kind; takes it when it is. */
  readonly kinds: Readonly<Record<string, (name: string) => boolean>> = {
    AWS: name => this.#aws(name),
    CanonicalUser: name => canonicalForm.test(name) && keep(this.canonicalIds, name),
    Service: name => serviceForm.test(name) && keep(this.services, name),
    Federated: name => name !== '' && name !== '*' && keep(this.federated, name),
  }

  #aws(name: string): boolean {
    if (name === '*') {
      this.everyone = true
      return true
    }
    if (accountForm.test(name)) return keep(this.accounts, name)
    if (uniqueIdForm.test(name)) return true
    const [, service, account, entity] = arnForm.exec(name) ?? []
    if (service === undefined || account === undefined || entity === undefined) return false
    if (service === 'sts') return account !== '' && sessionForm.test(entity) && keep(this.arns, name)
    if (entity === 'root') return account !== '' && keep(this.accounts, account)
    const user = userForm.exec(entity)
    if (user !== null) {
      this.users.push({ account, name: user[1]!.slice(user[1]!.lastIndexOf('/') + 1) })
      return true
    }
    return roleForm.test(entity) && keep(this.arns, name)
  }
}

export function parsePrincipals(element: unknown): Principals | PrincipalProblem {
  const reader = new Reader()
  if (element === '*') {
    reader.everyone = true
    return reader
  }
  if (typeof element !== 'object' || element === null || Array.isArray(element)) return 'syntax'
  const kinds = Object.entries(element)
  for (const [kind, listed] of kinds) {
    const take = Object.hasOwn(reader.kinds, kind) ? reader.kinds[kind] : undefined
    const names: readonly unknown[] = Array.isArray(listed) ? (listed as unknown[]) : [listed]
    if (take === undefined || names.length === 0) return 'invalid'
    for (const name of names) if (typeof name !== 'string' || !take(name)) return 'invalid'
  }
  return kinds.length === 0 ? 'invalid' : reader
}

export function namesPrincipal(principals: Principals, asker: PolicyPrincipal): boolean {
  if (principals.everyone) return true
  if (asker === undefined) return false
  if ('service' in asker) return principals.services.has(asker.service)
  return (
    principals.accounts.has(asker.account) ||
    principals.canonicalIds.has(asker.canonicalId) ||
    principals.arns.has(asker.arn) ||
    (asker.roleArn !== undefined && principals.arns.has(asker.roleArn)) ||
    principals.users.some(user => isUser(user, asker))
  )
}

function isUser({ account, name }: UserName, asker: IdentityPrincipal): boolean {
  return (account === '' || account === asker.account) && (name === asker.name || name === asker.canonicalId)
}
