/** RenameObject. */
import type { RenameInput } from '../../protocol/s3/object-rename.ts'
import type { RequestContext } from '../context.ts'
import * as store from '../store/renaming.ts'
import { objectRef, sourceRef } from './object-ref.ts'

export function renameObject(context: RequestContext, input: RenameInput) {
  const { bucket, key, sourceKey, conditions, sourceConditions, token } = input
  return context.services.database.write(() =>
    store.renameObject({
      ref: objectRef(context, bucket, key),
      source: sourceRef(context, { bucket, key: sourceKey, version: undefined }),
      conditions,
      sourceConditions,
      token,
      nowMs: context.nowMs,
    }),
  )
}
