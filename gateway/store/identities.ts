/** Environments, their identities and those's credentials. */
import { one, run, sql, type Unit } from '../../platform/database/unit.ts'
import { Fault } from '../../protocol/fault.ts'
import { parsePolicy } from '../../protocol/policy/parse.ts'
import type { Policy } from '../../protocol/policy/policy.ts'
import { anonymousCanonicalId } from '../../protocol/s3/acl.ts'
import { sessionPolicyRules } from '../../protocol/sts/assume-role.ts'
import type { Session } from '../context.ts'
import { deriveCanonicalId } from '../identities-file.ts'
import { nextOf } from './counters.ts'

/** What `--identities FILE` says, checked. */
export interface IdentitiesDefinition {
  readonly environments: readonly {
    readonly name: string
    /** 12 digits. */
    readonly account: string
    readonly identities: readonly {
      readonly name: string
      /** 64 hexadecimal digits. */
      readonly canonicalId?: string | undefined
      readonly credentials: readonly {
        readonly accessKeyId: string
        readonly secretAccessKey: string
        readonly sessionToken?: string | undefined
        readonly expiresAtMs?: number | undefined
      }[]
    }[]
  }[]
}

const FIND_ENVIRONMENT = sql(`SELECT id, account FROM environments WHERE name = $1`)
const INSERT_ENVIRONMENT = sql(`INSERT INTO environments (id, name, account, created_at) VALUES ($1, $2, $3, $4)`)
const UPDATE_ENVIRONMENT = sql(`UPDATE environments SET account = $1 WHERE id = $2`)
const FIND_IDENTITY = sql(`SELECT id, canonical_id FROM identities WHERE environment_id = $1 AND name = $2`)
const INSERT_IDENTITY = sql(`INSERT INTO identities (id, environment_id, name, canonical_id) VALUES ($1, $2, $3, $4)`)
const UPDATE_IDENTITY = sql(`UPDATE identities SET canonical_id = $1 WHERE id = $2`)
const SAVE_CREDENTIAL = sql(`
  INSERT INTO credentials (access_key_id, environment_id, identity_id, secret_access_key, session_token, expires_at)
  VALUES ($1, $2, $3, $4, $5, $6)
  ON CONFLICT (access_key_id) DO UPDATE SET environment_id = excluded.environment_id,
    identity_id = excluded.identity_id, secret_access_key = excluded.secret_access_key,
    session_token = excluded.session_token, expires_at = excluded.expires_at`)
const DELETE_CREDENTIAL = sql(`DELETE FROM credentials WHERE access_key_id = $1 AND secret_access_key = $2`)
const LOAD_CREDENTIAL = sql(`
  SELECT c.secret_access_key AS secret, c.session_token AS token, c.expires_at AS expires_at,
    c.environment_id AS environment_id, e.account AS account, c.identity_id AS identity_id, i.name AS identity_name,
    i.canonical_id AS canonical_id, c.role_arn AS role_arn, c.session_name AS session_name,
    c.session_policy AS session_policy
  FROM credentials c JOIN identities i ON i.id = c.identity_id JOIN environments e ON e.id = c.environment_id
  WHERE c.access_key_id = $1`)

const IDENTITY = sql(`SELECT canonical_id, name FROM identities WHERE id = $1`)
const NAME = sql(`SELECT name FROM identities WHERE canonical_id = $1`)

const BY_CANONICAL_ID = sql(`SELECT id FROM identities WHERE canonical_id = $1`)

/** Of those who own things; nobody's own id for what nobody signed for. */
export function* canonicalIdOf(identityId: number): Unit<string> {
  return (yield* identityOf(identityId)).canonicalId
}
export function* identityOf(identityId: number): Unit<{ readonly canonicalId: string; readonly name: string }> {
  const row = yield* one<{ canonical_id: string; name: string }>(IDENTITY, [identityId])
  return row === undefined ? nobody : { canonicalId: row.canonical_id, name: row.name }
}
const nobody = Object.freeze({ canonicalId: anonymousCanonicalId, name: 'anonymous' })

/** Names of those with these canonical ids. */
export function* namesOf(canonicalIds: readonly string[]): Unit<ReadonlyMap<string, string>> {
  const names = new Map<string, string>()
  for (const id of canonicalIds) {
    const row = yield* one<{ name: string }>(NAME, [id])
    if (row !== undefined) names.set(id, row.name)
  }
  return names
}
/** Which of these canonical ids belong to somebody. */
export function* findKnownIds(canonicalIds: readonly string[]): Unit<ReadonlySet<string>> {
  const known = new Set<string>([anonymousCanonicalId])
  for (const id of canonicalIds) if ((yield* one(BY_CANONICAL_ID, [id])) !== undefined) known.add(id)
  return known
}

/**
 * Makes what the definition names and the store lacks, and brings the rest up to date. What it no longer names stays:
 * others (the provisioner) make environments too. Throws when a name, account or canonical id is taken by another.
 * Answers the first environment: that of requests without a signature.
 */
export function* ensureIdentities(
  definition: IdentitiesDefinition,
  nowMs: number,
): Unit<{ readonly id: number; readonly account: string }> {
  let first: { readonly id: number; readonly account: string } | undefined
  for (const { name, account, identities } of definition.environments) {
    const environmentId = yield* ensureEnvironment(name, account, nowMs)
    first ??= { id: environmentId, account }
    for (const identity of identities) {
      const canonicalId = identity.canonicalId ?? deriveCanonicalId(account, identity.name)
      const identityId = yield* ensureIdentity(environmentId, identity.name, canonicalId)
      for (const { accessKeyId, secretAccessKey, sessionToken, expiresAtMs } of identity.credentials) {
        const rest = [secretAccessKey, sessionToken ?? null, expiresAtMs ?? null]
        yield* run(SAVE_CREDENTIAL, [accessKeyId, environmentId, identityId, ...rest])
      }
    }
  }
  if (first === undefined) throw new Error('identities without an environment')
  return first
}

/** Revokes a credential if it still has this secret. Answers whether it did. */
export function* revokeCredential(accessKeyId: string, secretAccessKey: string): Unit<boolean> {
  return (yield* run(DELETE_CREDENTIAL, [accessKeyId, secretAccessKey])) > 0
}

function* ensureEnvironment(name: string, account: string, nowMs: number): Unit<number> {
  const row = yield* one<{ id: number; account: string }>(FIND_ENVIRONMENT, [name])
  if (row === undefined) {
    const id = yield* nextOf('environment')
    yield* run(INSERT_ENVIRONMENT, [id, name, account, nowMs])
    return id
  }
  if (row.account !== account) yield* run(UPDATE_ENVIRONMENT, [account, row.id])
  return row.id
}

function* ensureIdentity(environmentId: number, name: string, canonicalId: string): Unit<number> {
  const row = yield* one<{ id: number; canonical_id: string }>(FIND_IDENTITY, [environmentId, name])
  if (row === undefined) {
    const id = yield* nextOf('identity')
    yield* run(INSERT_IDENTITY, [id, environmentId, name, canonicalId])
    return id
  }
  if (row.canonical_id !== canonicalId) yield* run(UPDATE_IDENTITY, [canonicalId, row.id])
  return row.id
}

export interface Credential {
  readonly secretAccessKey: string
  readonly sessionToken: string | null
  readonly expiresAtMs: number | null
  readonly environmentId: number
  readonly account: string
  readonly identityId: number
  readonly identityName: string
  readonly canonicalId: string
  /** Of a temporary one. */
  readonly session: Session | undefined
}
interface SessionColumns {
  readonly token: string | null
  readonly role_arn: string | null
  readonly session_name: string | null
  readonly session_policy: string | null
}
export function* loadCredential(accessKeyId: string): Unit<Credential | undefined> {
  const row = yield* one<
    SessionColumns & {
      secret: string
      expires_at: number | null
      environment_id: number
      account: string
      identity_id: number
      identity_name: string
      canonical_id: string
    }
  >(LOAD_CREDENTIAL, [accessKeyId])
  if (row === undefined) return undefined
  return {
    secretAccessKey: row.secret,
    sessionToken: row.token,
    expiresAtMs: row.expires_at,
    environmentId: row.environment_id,
    account: row.account,
    identityId: row.identity_id,
    identityName: row.identity_name,
    canonicalId: row.canonical_id,
    session: row.token === null ? undefined : readSession(row),
  }
}

function readSession(row: SessionColumns): Session {
  const { role_arn: arn, session_name: sessionName, session_policy: document } = row
  return {
    role: arn === null || sessionName === null ? undefined : { arn, sessionName },
    policy: document === null ? undefined : readPolicy(document),
  }
}
/** It was read before it was kept; one that cannot be read now must not lift its limits. */
function readPolicy(document: string): Policy {
  const policy = parsePolicy(Buffer.from(document), sessionPolicyRules)
  if (policy instanceof Fault) throw new Error('a session policy in the catalogue cannot be read')
  return policy
}
