/** Temporary credentials. */
import { run, sql, type Unit } from '../../platform/database/unit.ts'

export interface NewSession {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
  readonly expiresAtMs: number
  readonly environmentId: number
  readonly identityId: number
  readonly role?: { readonly arn: string; readonly sessionName: string } | undefined
  /** A policy document. */
  readonly policy?: string | undefined
}

const SAVE = sql(`
  INSERT INTO credentials (access_key_id, environment_id, identity_id, secret_access_key, session_token, expires_at,
    role_arn, session_name, session_policy)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`)
const FORGET = sql(`
  DELETE FROM credentials WHERE access_key_id IN (
    SELECT access_key_id FROM credentials WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)`)

export function* saveSession(s: NewSession): Unit<void> {
  const whose = [s.accessKeyId, s.environmentId, s.identityId]
  const role = [s.role?.arn ?? null, s.role?.sessionName ?? null]
  yield* run(SAVE, [...whose, s.secretAccessKey, s.sessionToken, s.expiresAtMs, ...role, s.policy ?? null])
}

/** Removes at most `limit` of those that ended before. Answers how many. */
export function* forgetSessions(beforeMs: number, limit: number): Unit<number> {
  return yield* run(FORGET, [beforeMs, limit])
}
