/** What a failure is called before the client: no inner message reaches it. */
import { DatabaseUnavailable } from '../platform/database/unit.ts'
import { type Fault, fault } from '../protocol/fault.ts'

const internal = fault('internal')
const unavailable = fault('unavailable')
const storageFull = fault('storage-full')

/** 'storage-full', 'unavailable' for what passes by itself (the database is away, no descriptor is free), else 'internal'. */
export function faultOf(error: unknown): Fault {
  if (error instanceof DatabaseUnavailable) return error.full ? storageFull : unavailable
  switch ((error as NodeJS.ErrnoException | null)?.code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return storageFull
    case 'EMFILE':
    case 'ENFILE':
      return unavailable
    default:
      return internal
  }
}
