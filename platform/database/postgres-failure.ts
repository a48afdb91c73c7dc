/** PostgreSQL's SQLSTATEs and the client's own errors → what callers are told. */
import { DatabaseUnavailable, StatementFailed } from './unit.ts'

/**
 * Classes 08 (connection), 53 (out of a resource), 57 (shut down, cancelled by a time-out), 58 (I/O); lock time-out;
 * read-only, as a server is that has become a standby; and refused log-ins, which an operator mends without a restart.
 */
const outage = /^(08|53|57|58|28|55P03|25006|3D000)/

/** The transaction took part in a conflict and may succeed when it is run again. */
export function isConflict(error: unknown): boolean {
  const code = codeOf(error)
  return code === '40001' || code === '40P01'
}

/**
 * Under SERIALIZABLE a race for one key may be reported as the key's violation, although the unit had looked first
 * (PostgreSQL manual, 13.5 "Serialization Failure Handling"): worth one more try, then it is the unit's own.
 */
export function isUniqueViolation(error: unknown): boolean {
  return codeOf(error) === '23505'
}

/** The server cannot have kept anything that was not committed, and this connection is of no further use. */
export function isConnectionLost(error: unknown): boolean {
  const code = codeOf(error)
  if (/^(08|57P0)/.test(code)) return true
  // Errors without SQLSTATE come from the socket or from the client library, which has given the connection up.
  return !/^[0-9A-Z]{5}$/.test(code)
}

/** An outage as DatabaseUnavailable, a failed statement as StatementFailed, both with `cause`. */
export function postgresFailure(error: unknown, statement?: string): Error {
  if (error instanceof DatabaseUnavailable || error instanceof StatementFailed) return error
  const code = codeOf(error)
  const message = error instanceof Error ? error.message : String(error)
  if (outage.test(code) || isConnectionLost(error)) {
    return new DatabaseUnavailable(`${code || 'connection'}: ${message}`, { cause: error, full: code === '53100' })
  }
  return new StatementFailed(`${code}: ${message}`, statement ?? '', error)
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : ''
  return typeof code === 'string' ? code : ''
}
