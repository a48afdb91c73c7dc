/** RestoreObject: says in the version's row from when to when it can be read; no bytes move. */
import { Fault } from '../../protocol/fault.ts'
import type { RestoreInput } from '../../protocol/s3/object-restore.ts'
import type { RequestContext } from '../context.ts'
import { restoreVersion } from '../rules/restoring.ts'
import { changeProperties } from '../store/properties.ts'
import { objectRef } from './object-ref.ts'

export async function restoreObject(context: RequestContext, input: RestoreInput) {
  const { services, nowMs } = context
  const ref = objectRef(context, input.bucket, input.key, input.version)
  let already = false
  const changed = await services.database.write(() =>
    changeProperties(
      ref,
      ({ object }) => {
        const restored = restoreVersion(input.asked, object, nowMs, services.lifecycleDayMs)
        if (restored instanceof Fault) return restored
        already = restored.already
        return { ...object.properties, restore: restored.restore }
      },
      { name: 's3:ObjectRestore:Post', nowMs },
    ),
  )
  return changed instanceof Fault ? changed : { already, version: changed.version }
}
