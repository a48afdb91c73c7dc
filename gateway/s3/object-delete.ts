/** DeleteObject and DeleteObjects. */
import { Fault } from '../../protocol/fault.ts'
import type { DeleteInput, DeleteManyInput } from '../../protocol/s3/object-delete.ts'
import type { RequestContext } from '../context.ts'
import * as store from '../store/objects.ts'
import { bucketRef, objectRef } from './object-ref.ts'

export function deleteObject(context: RequestContext, input: DeleteInput) {
  const ref = objectRef(context, input.bucket, input.key, input.version)
  const { nowMs } = context
  return context.services.database.write(() =>
    store.deleteObject({ ref, conditions: input.conditions, bypass: input.bypass, nowMs }),
  )
}

/** Each key has its own outcome; only the bucket's faults are the request's. */
export async function deleteObjects(context: RequestContext, input: DeleteManyInput) {
  const items = input.items.filter(item => item.fault === undefined)
  const outcomes = await context.services.database.write(() =>
    store.deleteObjects({
      ref: bucketRef(context, input.bucket),
      items,
      guardOf: (key, version) => context.access.ofObject(input.bucket, key, version !== undefined),
      bypass: input.bypass,
      nowMs: context.nowMs,
    }),
  )
  if (outcomes instanceof Fault) return outcomes
  let next = 0
  const results = input.items.map(item => item.fault ?? outcomes[next++]!)
  return { input, results }
}
