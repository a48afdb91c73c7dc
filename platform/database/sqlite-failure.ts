/** SQLite's error codes → what callers are told. */
import { DatabaseUnavailable, StatementFailed } from './unit.ts'

/** Extended result codes of a write that found no room; a quota or a file size limit shows as an I/O error. */
const noRoom = /^SQLITE_(FULL|IOERR_(WRITE|FSYNC|DIR_FSYNC|TRUNCATE|SHMSIZE|SHMMAP|SHMOPEN|COMMIT_ATOMIC))$/
const outage = /^SQLITE_(FULL|IOERR|BUSY|LOCKED|NOMEM|CANTOPEN|READONLY|CORRUPT|NOTADB|PROTOCOL)/

export function isBusy(error: unknown): boolean {
  return codeOf(error).startsWith('SQLITE_BUSY')
}

/** An outage as DatabaseUnavailable, a failed statement as StatementFailed, both with `cause`. */
export function sqliteFailure(error: unknown, statement?: string): Error {
  if (error instanceof DatabaseUnavailable || error instanceof StatementFailed) return error
  const code = codeOf(error)
  const message = error instanceof Error ? error.message : String(error)
  if (outage.test(code)) {
    return new DatabaseUnavailable(`${code}: ${message}`, { cause: error, full: noRoom.test(code) })
  }
  if (message.includes('database connection is not open')) return new DatabaseUnavailable(message, { cause: error })
  return new StatementFailed(message, statement ?? '', error)
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : ''
  return typeof code === 'string' ? code : ''
}
