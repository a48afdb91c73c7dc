import type { Handlers } from '../../protocol/operation.ts'
import { notImplementedOperations } from '../../protocol/s3/not-implemented.ts'
import type { RequestContext } from '../context.ts'

type MissingHandlers = Handlers<typeof notImplementedOperations, RequestContext>

/** Never called: the parsers of these rows answer the fault. */
function unreachable(): never {
  throw new Error('an operation that is not implemented was handled')
}

export const notImplementedHandlers = Object.fromEntries(
  notImplementedOperations.map(row => [row.name, unreachable]),
) as unknown as MissingHandlers
