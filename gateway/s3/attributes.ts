/** GetObjectAttributes. */
import type { Unit } from '../../platform/database/unit.ts'
import { Fault } from '../../protocol/fault.ts'
import type { AttributesInput, AttributesOutput } from '../../protocol/s3/attributes.ts'
import type { RequestContext } from '../context.ts'
import type { ObjectRef } from '../store/contract.ts'
import { listObjectParts } from '../store/object-parts.ts'
import { type FindFault, headObject } from '../store/objects.ts'
import { objectRef, versionOf } from './object-ref.ts'

export function getObjectAttributes(context: RequestContext, input: AttributesInput) {
  const ref = objectRef(context, input.bucket, input.key, input.version)
  return context.services.database.read(() => findAttributes(ref, input))
}

function* findAttributes(ref: ObjectRef, input: AttributesInput): Unit<AttributesOutput | FindFault> {
  const object = yield* headObject(ref)
  if (object instanceof Fault) return object
  const listed =
    input.wanted.has('ObjectParts') && (object.checksumType === 'COMPOSITE' || (input.ceph && object.parts > 0))
  const page = listed ? yield* listObjectParts(object, input.afterPart, input.maxParts) : undefined
  return { object, input, version: versionOf(object), page }
}
