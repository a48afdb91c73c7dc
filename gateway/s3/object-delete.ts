/** DeleteObject and DeleteObjects. */
import { Fault } from '../../protocol/fault.ts'
import type { DeleteInput, DeleteManyInput } from '../../protocol/s3/object-delete.ts'
import type { RequestContext } from '../context.ts'
import * as store from '../store/objects.ts'
import { bucketRef, objectRef } from './object-ref.ts'

export async function deleteObject(context: RequestContext, input: DeleteInput) {
  const ref = objectRef(context, input.bucket, input.key)
  const outcome = await context.services.database.write(() => store.deleteObject({ ref, conditions: input.conditions }))
  return outcome instanceof Fault ? outcome : undefined
}

/** Each key has its own outcome; only the bucket's faults are the request's. */
export async function deleteObjects(context: RequestContext, input: DeleteManyInput) {
  const items = input.items.filter(item => item.fault === undefined)
  const outcomes = await context.services.database.write(() =>
    store.deleteObjects({ ref: bucketRef(context, input.bucket), items }),
  )
  if (outcomes instanceof Fault) return outcomes
  let next = 0
  const results = input.items.map(item => {
    if (item.fault !== undefined) return item.fault
    const outcome = outcomes[next++]
    return outcome instanceof Fault ? outcome : undefined
  })
  return { input, results }
}
