/** GetObjectAttributes. */
import type { Unit } from '../../platform/database/unit.ts'
import { Fault } from '../../protocol/fault.ts'
import type { AttributesInput, AttributesOutput } from '../../protocol/s3/attributes.ts'
import type { ArgumentFault } from '../../protocol/s3/parameters.ts'
import type { RequestContext } from '../context.ts'
import type { KeyFault } from '../keys/ring.ts'
import type { ObjectRef } from '../store/contract.ts'
import { listObjectParts } from '../store/object-parts.ts'
import { type FindFault, headObject } from '../store/objects.ts'
import { openObject } from './object-encryption.ts'
import { objectRef, versionOf } from './object-ref.ts'

export function getObjectAttributes(context: RequestContext, input: AttributesInput) {
  const ref = objectRef(context, input.bucket, input.key, input.version)
  return context.services.database.read(() => findAttributes(context, ref, input))
}

function* findAttributes(
  context: RequestContext,
  ref: ObjectRef,
  input: AttributesInput,
): Unit<AttributesOutput | FindFault | KeyFault | ArgumentFault> {
  const object = yield* headObject(ref)
  if (object instanceof Fault) return object
  const opened = openObject(context, object.properties, input.customerKey)
  if (opened instanceof Fault) return opened
  const listed =
    input.wanted.has('ObjectParts') && (object.checksumType === 'COMPOSITE' || (input.ceph && object.parts > 0))
  const page = listed ? yield* listObjectParts(object, input.afterPart, input.maxParts) : undefined
  return { object, input, version: versionOf(object), page }
}
