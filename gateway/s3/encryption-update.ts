/**
 * UpdateObjectEncryption. The data key of an object is sealed anew and its bytes stay as they are; those of an object that
 * is kept plain, which S3 calls encrypted under its own key, are written again.
 */
import type { Unit } from '../../platform/database/unit.ts'
import type { NamedKey } from '../../protocol/encryption.ts'
import { Fault, fault } from '../../protocol/fault.ts'
import type { Properties } from '../../protocol/properties.ts'
import {
  type EncryptionUpdate,
  keyOfOtherAccount,
  sourceUnsupported,
  updateLocked,
  updateNeedsSignatureV4,
} from '../../protocol/s3/encryption-update.ts'
import { resolveKmsKey } from '../../protocol/s3/kms-key.ts'
import type { PropertyInput, PropertyOutput } from '../../protocol/s3/object-properties.ts'
import type { BlobSource } from '../bytes/contract.ts'
import type { RequestContext } from '../context.ts'
import { decodeSealed, encodeSealed } from '../keys/sealed.ts'
import { checkRemoval } from '../rules/retention.ts'
import type { FoundObject, ObjectRef } from '../store/contract.ts'
import { type FindFault, findObject } from '../store/objects.ts'
import { type ChangedVersion, changeProperties } from '../store/properties.ts'
import { reencryptVersion } from '../store/reencrypting.ts'
import { copyAttempts } from './copy-digests.ts'
import { isSignedOtherwise } from './object-encryption.ts'
import { commitStaged } from './object-payload.ts'
import { bytesOf } from './object-read.ts'
import { objectRef } from './object-ref.ts'
import { rewrite } from './rewriting.ts'

type RefusedFault = Fault<'access-denied'> | Fault<'request-invalid'>
type UpdateFault = RefusedFault | Fault<'encryption-key-unknown'> | Fault<'condition-conflict'> | Fault<'storage-full'>

const done: PropertyOutput<undefined> = { value: undefined }

export async function updateObjectEncryption(
  context: RequestContext,
  input: PropertyInput<EncryptionUpdate>,
): Promise<PropertyOutput<undefined> | FindFault | UpdateFault> {
  const { database, keys, blobIds } = context.services
  const ref = objectRef(context, input.bucket, input.key, input.version)
  for (let attempt = 1; attempt <= copyAttempts; attempt++) {
    const plan = await database.read(() => planUpdate(context, input.value, ref))
    if (plan instanceof Fault) return plan
    const { found, bytes, key } = plan
    if (bytes === null) {
      const resealed = await database.write(() => changeProperties(ref, changed => sealedAnew(context, key, changed)))
      if (!(resealed instanceof Fault)) return done
      if (resealed.code === 'condition-conflict') continue
      return resealed
    }
    const { cipher, sealed } = keys.newDataKey(key)
    const payload = await rewrite(context, bytes, [], cipher)
    if (payload === undefined) continue
    if (payload instanceof Fault) return payload
    const { staged } = payload
    const composedBlobId = await blobIds.next()
    const encryption = encodeSealed(sealed)
    const written = await commitStaged(context, staged, inlineBlobId =>
      reencryptVersion({
        ref,
        found,
        bytes: staged,
        inlineBlobId,
        composedBlobId,
        change: ({ object }) => refusal(context, object.properties) ?? { ...object.properties, encryption },
      }),
    )
    if (!(written instanceof Fault)) return done
    if (written.code !== 'condition-conflict') return written
  }
  return fault('condition-conflict', { key: input.key })
}

interface Plan {
  readonly found: FoundObject
  /** Those that must be written again; null where none must. */
  readonly bytes: Uint8Array | BlobSource | null
  readonly key: NamedKey
}

function* planUpdate(
  context: RequestContext,
  asked: EncryptionUpdate,
  ref: ObjectRef,
): Unit<Plan | FindFault | RefusedFault | Fault<'encryption-key-unknown'>> {
  const found = yield* findObject(ref)
  if (found instanceof Fault) return found
  const refused = refusal(context, found.properties)
  if (refused !== undefined) return refused
  const { account, region } = context.principal
  if (asked.account !== account) return keyOfOtherAccount
  const name = resolveKmsKey(asked.keyName, { region, account })
  if (name instanceof Fault) return name
  const plain = found.properties?.encryption === undefined
  const bytes = plain ? yield* bytesOf(found, undefined, undefined) : null
  return { found, bytes, key: { kind: 'named', name, context: '', dual: false, bucketKey: asked.bucketKey } }
}

function refusal(context: RequestContext, properties: Properties | undefined): RefusedFault | undefined {
  if (isSignedOtherwise(context)) return updateNeedsSignatureV4
  const { encryption, ...lock } = properties ?? {}
  if (checkRemoval(lock, context.nowMs, false) !== undefined) return updateLocked
  if (encryption === undefined) return undefined
  const sealed = decodeSealed(encryption)
  return sealed.kind === 'customer' || (sealed.kind === 'named' && sealed.dual) ? sourceUnsupported : undefined
}

/** The same data key under another; of an object without bytes a new one. */
function sealedAnew(
  context: RequestContext,
  key: NamedKey,
  { object }: ChangedVersion,
): Properties | RefusedFault | Fault<'condition-conflict'> {
  const { properties } = object
  const refused = refusal(context, properties)
  if (refused !== undefined) return refused
  const { keys } = context.services
  if (properties?.encryption === undefined)
    return object.sizeBytes === 0
      ? { ...properties, encryption: encodeSealed(keys.newDataKey(key).sealed) }
      : fault('condition-conflict', { key: object.key })
  const sealed = decodeSealed(properties.encryption)
  return sealed.kind === 'customer'
    ? sourceUnsupported
    : { ...properties, encryption: encodeSealed(keys.reseal(sealed, key)) }
}
