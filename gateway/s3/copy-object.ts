/** CopyObject: adds a reference to the source's bytes; reads them only when the copy needs digests of its own. */
import type { Unit } from '../../platform/database/unit.ts'
import { Fault, fault } from '../../protocol/fault.ts'
import type { ChecksumName } from '../../protocol/s3/checksum-headers.ts'
import { type CopyInput, describeCopy } from '../../protocol/s3/copy.ts'
import { putLimitBytes } from '../../protocol/s3/object-write.ts'
import type { BlobSource } from '../bytes/contract.ts'
import type { RequestContext } from '../context.ts'
import { checkSource } from '../rules/conditions.ts'
import { isReadable } from '../rules/restoring.ts'
import type { Checksums, Conditions, FoundObject, ObjectRef } from '../store/contract.ts'
import * as store from '../store/objects.ts'
import { copyAttempts, digestBytes } from './copy-digests.ts'
import { expiryOf } from './expiry.ts'
import { bytesOf } from './object-read.ts'
import { objectRef, sourceRef } from './object-ref.ts'
import { ownChecksum } from './object-write.ts'

export type SourceFault = store.FindFault | Fault<'object-archived'> | Fault<'precondition-failed'>

/** A copy's source: found, its conditions hold, and it can be read. */
export function* openSource(ref: ObjectRef, conditions: Conditions, nowMs: number): Unit<FoundObject | SourceFault> {
  const found = yield* store.findObject(ref)
  if (found instanceof Fault)
    return new Fault(found.code, { bucket: ref.bucket, key: ref.key, ...found.detail, side: 'source' })
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
}

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
  input: CopyInput,
  source: ObjectRef,
  nowMs: number,
): Unit<Plan | SourceFault | Fault<'copy-source-too-large'> | Fault<'request-invalid'>> {
  const found = yield* openSource(source, input.sourceConditions, nowMs)
  if (found instanceof Fault) return found
  const description = describeCopy(input, found)
  if (description instanceof Fault) return description
  if (found.sizeBytes > putLimitBytes) return copySourceTooLarge()
  const algorithms = algorithmsFor(input, found)
  return { found, algorithms, bytes: algorithms.length === 0 ? null : yield* bytesOf(found, undefined) }
}

export async function copyObject(context: RequestContext, input: CopyInput) {
  const { database } = context.services
  const source = sourceRef(context, input.source)
  const target = objectRef(context, input.bucket, input.key)
  for (let attempt = 1; attempt <= copyAttempts; attempt++) {
    const plan = await database.read(() => planCopy(input, source, context.nowMs))
    if (plan instanceof Fault) return plan
    const { found, algorithms } = plan
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
        sourceBlobId: found.blobId,
        target,
        targetConditions: input.targetConditions,
        describe: from => describeCopy(input, from),
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
    const whole = { checksumType: 'FULL_OBJECT', parts: 0 } as const
    return { etag, checksums, ...whole, modifiedAtMs, version, sourceVersion, expiration }
  }
  return fault('condition-conflict', { key: input.key })
}
