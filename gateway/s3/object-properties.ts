/** Tags, retention and legal hold of versions. */
import type { Unit } from '../../platform/database/unit.ts'
import { Fault, fault } from '../../protocol/fault.ts'
import type { Handlers } from '../../protocol/operation.ts'
import type { Properties } from '../../protocol/properties.ts'
import type { NamedAcl } from '../../protocol/s3/acl-document.ts'
import type { AclRequest } from '../../protocol/s3/acl-request.ts'
import type { EventName } from '../../protocol/s3/event-names.ts'
import type { OfVersion, PropertyOutput, propertyOperations } from '../../protocol/s3/object-properties.ts'
import type { RequestContext } from '../context.ts'
import { guardsOf } from '../rules/guards.ts'
import { effectiveAcl } from '../rules/ownership.ts'
import { checkRetentionChange } from '../rules/retention.ts'
import type { ToldChange } from '../store/aftermath.ts'
import type { FoundObject, ObjectRef } from '../store/contract.ts'
import { type AclFault, makeAcl, nameAcl, withAcl } from '../store/describing.ts'
import { canonicalIdOf } from '../store/identities.ts'
import { type FindFault, headObject } from '../store/objects.ts'
import { type ChangedVersion, changeProperties } from '../store/properties.ts'
import { readSettings } from '../store/settings-text.ts'
import { updateObjectEncryption } from './encryption-update.ts'
import { objectRef, versionOf } from './object-ref.ts'
import { namesOwners } from './owners.ts'

function change<R extends Properties | Fault>(
  context: RequestContext,
  input: OfVersion,
  next: (found: ChangedVersion) => R,
  name?: EventName,
) {
  const ref = objectRef(context, input.bucket, input.key, input.version)
  const told = name === undefined ? { nowMs: context.nowMs } : { nowMs: context.nowMs, name }
  return context.services.database.write(() => changed(ref, next, told))
}
function* changed<R extends Properties | Fault>(
  ref: ObjectRef,
  next: (found: ChangedVersion) => R,
  told: ToldChange,
): Unit<PropertyOutput<undefined> | FindFault | Extract<R, Fault>> {
  const done = yield* changeProperties(ref, next, told)
  return done instanceof Fault ? done : { value: undefined, version: done.version }
}

function read<R>(context: RequestContext, input: OfVersion, value: (found: FoundObject) => R) {
  const ref = objectRef(context, input.bucket, input.key, input.version)
  return context.services.database.read(() => told(ref, value))
}
function* told<R>(
  ref: ObjectRef,
  value: (found: FoundObject) => R,
): Unit<PropertyOutput<Exclude<R, Fault>> | FindFault | Extract<R, Fault>> {
  const found = yield* headObject(ref)
  if (found instanceof Fault) return found
  const tells = value(found)
  if (tells instanceof Fault) return tells as Extract<R, Fault>
  return { value: tells as Exclude<R, Fault>, version: versionOf(found) }
}

const noLock = fault('lock-unavailable')
const notLocked = fault('lock-missing')

export const propertyHandlers: Handlers<typeof propertyOperations, RequestContext> = {
  PutObjectTagging(context, input) {
    const tagged = ({ object }: ChangedVersion) => {
      const rest = withoutTags(object.properties)
      return input.value.length === 0 ? rest : { ...rest, tags: input.value }
    }
    return change(context, input, tagged, 's3:ObjectTagging:Put')
  },
  GetObjectTagging(context, input) {
    return read(context, input, found => found.properties?.tags ?? [])
  },
  DeleteObjectTagging(context, input) {
    return change(context, input, ({ object }) => withoutTags(object.properties), 's3:ObjectTagging:Delete')
  },

  PutObjectAcl(context, input) {
    const ref = objectRef(context, input.bucket, input.key, input.version)
    return context.services.database.write(() => giveAcl(ref, input.value, context.nowMs))
  },
  GetObjectAcl(context, input) {
    const ref = objectRef(context, input.bucket, input.key, input.version)
    return context.services.database.read(() => aclOf(ref, namesOwners(context)))
  },

  PutObjectRetention(context, input) {
    const { retention, bypass } = input.value
    const next = retention === 'none' ? undefined : retention
    return change(context, input, ({ object, settings }) => {
      if (settings.lock === undefined) return noLock
      const { retention: present, ...rest } = object.properties ?? {}
      const refusal = checkRetentionChange(present, next, context.nowMs, bypass)
      return refusal ?? (next === undefined ? rest : { ...rest, retention: next })
    })
  },
  GetObjectRetention(context, input) {
    return read(context, input, found =>
      readSettings(found.bucket.settings).lock === undefined ? noLock : (found.properties?.retention ?? notLocked),
    )
  },
  PutObjectLegalHold(context, input) {
    return change(context, input, ({ object, settings }) =>
      settings.lock === undefined ? noLock : { ...object.properties, legalHold: input.value },
    )
  },
  GetObjectLegalHold(context, input) {
    return read(context, input, found =>
      readSettings(found.bucket.settings).lock === undefined ? noLock : (found.properties?.legalHold ?? notLocked),
    )
  },

  UpdateObjectEncryption: updateObjectEncryption,
}

function* giveAcl(
  ref: ObjectRef,
  request: AclRequest,
  nowMs: number,
): Unit<PropertyOutput<undefined> | FindFault | AclFault> {
  const found = yield* headObject(ref)
  if (found instanceof Fault) return found
  const guards = guardsOf(readSettings(found.bucket.settings), ref.bucket)
  const acl = yield* makeAcl(guards, request, found.ownerId, found.bucket.ownerId)
  if (acl instanceof Fault) return acl
  const told = { nowMs, name: 's3:ObjectAcl:Put' } as const
  return yield* changed(ref, ({ object }) => withAcl(object.properties, acl) ?? {}, told)
}

function* aclOf(ref: ObjectRef, named: boolean): Unit<PropertyOutput<NamedAcl> | FindFault> {
  const found = yield* headObject(ref)
  if (found instanceof Fault) return found
  const guards = guardsOf(readSettings(found.bucket.settings), ref.bucket)
  const owner = yield* canonicalIdOf(found.ownerId)
  const bucketOwner = yield* canonicalIdOf(found.bucket.ownerId)
  const acl = effectiveAcl(guards, found.properties?.acl, owner, bucketOwner)
  return { value: yield* nameAcl(acl, named), version: versionOf(found) }
}

function withoutTags(properties: Properties | undefined): Properties {
  const { tags: _, ...rest } = properties ?? {}
  return rest
}
