/**
 * CopyObject: adds a reference to the source's bytes; reads them only when the copy needs digests of its own, and writes
 * others only when it is encrypted differently.
 */
import type { Unit } from '../../platform/database/unit.ts'
import { Fault, fault } from '../../protocol/fault.ts'
import type { ChecksumName } from '../../protocol/s3/checksum-headers.ts'
import { type CopyInput, describeCopy } from '../../protocol/s3/copy.ts'
import { putLimitBytes } from '../../protocol/s3/object-write.ts'
import type { BlobSource } from '../bytes/contract.ts'
import type { RequestContext } from '../context.ts'
import type { DataKey, KeyFault } from '../keys/ring.ts'
import { checkSource } from '../rules/conditions.ts'
import { isReadable } from '../rules/restoring.ts'
import { resolveBucket } from '../store/buckets.ts'
import type {
  BucketFault,
  Checksums,
  Conditions,
  Description,
  FoundObject,
  ObjectRecord,
  ObjectRef,
} from '../store/contract.ts'
import * as store from '../store/objects.ts'
import { aboutSource } from '../store/rows.ts'
import { describeSealed } from '../store/sealing.ts'
import { copyAttempts, digestBytes } from './copy-digests.ts'
import { expiryOf } from './expiry.ts'
import { customerKeyOf, type NewKeyFault, newKey, type Opened, openObject, withKey } from './object-encryption.ts'
import { commitStaged } from './object-payload.ts'
import { bytesOf } from './object-read.ts'
import { objectRef, sourceRef, versionOf } from './object-ref.ts'
import { ownChecksum } from './object-write.ts'
import { rewrite } from './rewriting.ts'

export type SourceFault =
  | store.FindFault
  | Fault<'request-invalid'>
  | Fault<'object-archived'>
  | Fault<'precondition-failed'>

/** A copy's source: found, its conditions hold, and it can be read. */
export function* openSource(ref: ObjectRef, conditions: Conditions, nowMs: number): Unit<FoundObject | SourceFault> {
  const found = yield* store.findObject(ref)
  if (found instanceof Fault)
    return aboutSource(new Fault(found.code, { bucket: ref.bucket, key: ref.key, ...found.detail }))
  if (!isReadable(found.storageClass, found.properties, nowMs))
    return fault('object-archived', {
      storageClass: found.storageClass,
      message: "Operation is not valid for the source object's storage class",
    })
  return checkSource(conditions, found, nowMs) ?? found
}

export function copySourceTooLarge(): Fault<'copy-source-too-large'> {
  return fault('copy-source-too-large', { limitBytes: putLimitBytes })
}

interface Plan {
  readonly found: FoundObject
  readonly bytes: Uint8Array | BlobSource | null
  readonly algorithms: readonly ChecksumName[]
  /** How the bytes are kept that the copy shares; of others, under which key: undefined for none. */
  readonly encryption: { readonly shared: Opened } | { readonly rewritten: DataKey | undefined }
}
type PlanFault =
  | SourceFault
  | BucketFault
  | KeyFault
  | NewKeyFault
  | Fault<'copy-source-too-large'>
  | Fault<'request-invalid'>

/** What a copy has to compute. S3 gives the copy of a multipart object a plain MD5 and a whole object's checksum. */
function algorithmsFor(input: CopyInput, found: FoundObject): readonly ChecksumName[] {
  const known = found.checksumType === 'FULL_OBJECT' ? found.checksums : undefined
  const wanted = checksumOf(input, found)
  const algorithms: ChecksumName[] = []
  if (found.parts > 0) algorithms.push('md5')
  if (known?.[wanted] === undefined && wanted !== algorithms[0]) algorithms.push(wanted)
  return algorithms
}
function checksumOf(input: CopyInput, found: FoundObject): ChecksumName {
  return input.checksumAlgorithm ?? (Object.keys(found.checksums)[0] as ChecksumName | undefined) ?? ownChecksum
}

function* planCopy(
  context: RequestContext,
  input: CopyInput,
  source: ObjectRef,
  target: ObjectRef,
): Unit<Plan | PlanFault> {
  const found = yield* openSource(source, input.sourceConditions, context.nowMs)
  if (found instanceof Fault) return found
  const opened = openObject(context, found.properties, input.sourceKey)
  if (opened instanceof Fault) return opened
  const description = describeCopy(input, found)
  if (description instanceof Fault) return description
  if (found.sizeBytes > putLimitBytes) return copySourceTooLarge()
  const bucket = yield* resolveBucket(target)
  if (bucket instanceof Fault) return bucket
  const key = newKey(context, target, input.description.encryption, bucket)
  if (key instanceof Fault) return key
  const shares = canShare(opened, key)
  const algorithms = shares ? algorithmsFor(input, found) : all(input, found)
  const bytes = algorithms.length === 0 ? null : yield* bytesOf(found, undefined, opened.cipher)
  return { found, algorithms, bytes, encryption: shares ? { shared: opened } : { rewritten: key } }
}

/** Bytes under a managed key may be named twice with that key; others under the key of one version alone. */
function canShare({ sealed }: Opened, key: DataKey | undefined): boolean {
  if (sealed === undefined) return key === undefined
  return sealed.kind === 'managed' && (key === undefined || key.sealed.kind === 'managed')
}
function all(input: CopyInput, found: FoundObject): readonly ChecksumName[] {
  const wanted = checksumOf(input, found)
  return wanted === 'md5' ? ['md5'] : ['md5', wanted]
}

export async function copyObject(context: RequestContext, input: CopyInput) {
  const { database } = context.services
  const source = sourceRef(context, input.source)
  const target = objectRef(context, input.bucket, input.key)
  for (let attempt = 1; attempt <= copyAttempts; attempt++) {
    const plan = await database.read(() => planCopy(context, input, source, target))
    if (plan instanceof Fault) return plan
    const { found, algorithms, encryption } = plan
    if ('rewritten' in encryption) {
      const rewritten = await rewriteObject(context, input, target, plan, encryption.rewritten)
      if (rewritten === undefined) continue
      return rewritten
    }
    const digests = await digestBytes(context, plan.bytes, algorithms)
    if (digests === undefined) continue
    const name = checksumOf(input, found)
    const checksums: Checksums = { [name]: digests.get(name)?.toString('base64') ?? found.checksums[name]! }
    const etag = found.parts > 0 ? digests.get('md5')!.toString('hex') : found.etag
    const copied = await database.write(() =>
      store.copyObject({
        source,
        sourceConditions: input.sourceConditions,
        sourceSeq: found.seq,
        sourceBytes: found,
        target,
        targetConditions: input.targetConditions,
        describe: (from): Description | DescribeFault => {
          const description = describeCopy(input, from)
          return description instanceof Fault ? description : describeShared(description, from)
        },
        nowMs: context.nowMs,
        etag,
        checksums: { type: 'FULL_OBJECT', values: checksums },
      }),
    )
    if (copied instanceof Fault) {
      if (copied.code === 'condition-conflict') continue
      return copied
    }
    const { modifiedAtMs, version, sourceVersion } = copied
    const expiration = expiryOf(copied.settings, { key: input.key, ...copied })
    const { sealed } = encryption.shared
    return { ...whole, etag, checksums, modifiedAtMs, version, sourceVersion, expiration, encryption: sealed }
  }
  return fault('condition-conflict', { key: input.key })
}
const whole = { checksumType: 'FULL_OBJECT', parts: 0 } as const
type DescribeFault = Extract<ReturnType<typeof describeCopy>, Fault>

/** What shares bytes shares their sealed key. */
function describeShared(description: Description, { properties }: ObjectRecord): Description {
  return properties === undefined ? description : describeSealed(description, properties)
}

/** A copy with bytes of its own; undefined when the source was replaced while it was read. */
async function rewriteObject(
  context: RequestContext,
  input: CopyInput,
  target: ObjectRef,
  { found, bytes, algorithms }: Plan,
  key: DataKey | undefined,
) {
  const description = describeCopy(input, found)
  if (description instanceof Fault) return description
  const payload = await rewrite(context, bytes, algorithms, key?.cipher)
  if (payload === undefined || payload instanceof Fault) return payload
  const name = checksumOf(input, found)
  const checksums: Checksums = { [name]: payload.checksum(name) }
  const { nowMs } = context
  const written = await commitStaged(context, payload.staged, inlineBlobId =>
    store.putObject({
      ref: target,
      bytes: payload.staged,
      inlineBlobId,
      description: withKey(description, key),
      etag: payload.etag(key),
      checksums,
      checksumType: whole.checksumType,
      parts: whole.parts,
      conditions: input.targetConditions,
      nowMs,
    }),
  )
  if (written instanceof Fault) return written
  const { etag, version } = written
  const answer = { encryption: key?.sealed, customerKey: customerKeyOf(input.description.encryption) }
  return { ...whole, etag, checksums, modifiedAtMs: nowMs, version, sourceVersion: versionOf(found), ...answer }
}
