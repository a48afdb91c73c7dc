/** UploadPartCopy: a part that refers to bytes of an object. They are read for the part's digests, and not moved. */
import type { Unit } from '../../platform/database/unit.ts'
import { Fault, fault } from '../../protocol/fault.ts'
import type { ChecksumName } from '../../protocol/s3/checksum-headers.ts'
import type { PartCopyInput } from '../../protocol/s3/multipart-copy.ts'
import { putLimitBytes } from '../../protocol/s3/object-write.ts'
import { resolveCopyRange, type Span } from '../../protocol/s3/ranges.ts'
import type { BlobSource } from '../bytes/contract.ts'
import type { RequestContext } from '../context.ts'
import type { KeyFault, UploadKeyFault } from '../keys/ring.ts'
import type { BucketFault, Checksums, FoundObject, ObjectRef } from '../store/contract.ts'
import * as store from '../store/uploads.ts'
import { copyAttempts, digestBytes } from './copy-digests.ts'
import { copySourceTooLarge, openSource, type SourceFault } from './copy-object.ts'
import { type Opened, openObject, openUpload } from './object-encryption.ts'
import { commitStaged } from './object-payload.ts'
import { bytesOf } from './object-read.ts'
import { objectRef, sourceRef, versionOf } from './object-ref.ts'
import { ownChecksum } from './object-write.ts'
import { rewrite } from './rewriting.ts'

interface Plan {
  readonly found: FoundObject
  /** Undefined: all of the source. */
  readonly span: Span | undefined
  readonly checksum: ChecksumName
  /** Whether the upload asked for that checksum: else it is kept and not answered. */
  readonly asked: boolean
  readonly algorithms: readonly ChecksumName[]
  readonly bytes: Uint8Array | BlobSource | null
  readonly upload: Opened
  /** The bytes become others under the upload's key, or without the source's. */
  readonly rewrites: boolean
}
type PlanFault =
  | KeyFault
  | UploadKeyFault
  | SourceFault
  | BucketFault
  | Fault<'upload-missing'>
  | Fault<'argument-invalid'>
  | Fault<'request-invalid'>
  | Fault<'copy-source-too-large'>

function* planPartCopy(
  context: RequestContext,
  input: PartCopyInput,
  source: ObjectRef,
  target: ObjectRef,
): Unit<Plan | PlanFault> {
  const upload = yield* store.findUpload(target, input.uploadId)
  if (upload instanceof Fault) return upload
  const uploadKey = openUpload(context, upload.properties, input.customerKey)
  if (uploadKey instanceof Fault) return uploadKey
  const found = yield* openSource(source, input.sourceConditions, context.nowMs)
  if (found instanceof Fault) return found
  const sourceKey = openObject(context, found.properties, input.sourceKey)
  if (sourceKey instanceof Fault) return sourceKey
  const resolved = input.range === undefined ? undefined : resolveCopyRange(input.range, found.sizeBytes)
  if (resolved instanceof Fault) return resolved
  if ((resolved?.length ?? found.sizeBytes) > putLimitBytes) return copySourceTooLarge()
  const span = resolved?.length === found.sizeBytes ? undefined : resolved
  const checksum = upload.checksumAlgorithm ?? ownChecksum
  const rewrites = uploadKey.cipher !== undefined || sourceKey.cipher !== undefined
  const algorithms = span === undefined && !rewrites ? missingDigests(found, checksum) : both(checksum)
  const bytes = algorithms.length === 0 ? null : yield* bytesOf(found, span, sourceKey.cipher)
  const asked = upload.checksumAlgorithm !== undefined
  return { found, span, checksum, asked, algorithms, bytes, upload: uploadKey, rewrites }
}

/** What is not known yet of a whole object. An object put whole has its MD5 as ETag. */
function missingDigests(found: FoundObject, checksum: ChecksumName): readonly ChecksumName[] {
  const known = found.parts === 0 && found.checksumType === 'FULL_OBJECT' && found.checksums[checksum] !== undefined
  return known ? [] : both(checksum)
}
function both(checksum: ChecksumName): readonly ChecksumName[] {
  return checksum === 'md5' ? ['md5'] : ['md5', checksum]
}

export async function uploadPartCopy(context: RequestContext, input: PartCopyInput) {
  const { database, blobIds } = context.services
  const source = sourceRef(context, input.source)
  const target = objectRef(context, input.bucket, input.key)
  for (let attempt = 1; attempt <= copyAttempts; attempt++) {
    const plan = await database.read(() => planPartCopy(context, input, source, target))
    if (plan instanceof Fault) return plan
    const { found, span, checksum } = plan
    const answer = { encryption: plan.upload.sealed, customerKey: input.customerKey }
    if (plan.rewrites) {
      const rewritten = await rewritePart(context, input, target, plan)
      if (rewritten === undefined) continue
      return rewritten instanceof Fault ? rewritten : { ...rewritten, ...answer }
    }
    const digests = await digestBytes(context, plan.bytes, plan.algorithms)
    if (digests === undefined) continue
    const etag = digests.get('md5')?.toString('hex') ?? found.etag
    const checksums: Checksums = { [checksum]: digests.get(checksum)?.toString('base64') ?? found.checksums[checksum]! }
    const ids = { inline: await blobIds.next(), composed: await blobIds.next() }
    const copied = await database.write(() =>
      store.copyPart({
        source,
        sourceConditions: input.sourceConditions,
        sourceSeq: found.seq,
        sourceBytes: found,
        range: span,
        target,
        uploadId: input.uploadId,
        number: input.partNumber,
        blobIds: ids,
        nowMs: context.nowMs,
        etag,
        checksums,
      }),
    )
    if (copied instanceof Fault) {
      if (copied.code === 'condition-conflict') continue
      return copied
    }
    const { sourceVersion } = copied
    return { etag, modifiedAtMs: context.nowMs, checksums: plan.asked ? checksums : {}, sourceVersion, ...answer }
  }
  return fault('condition-conflict', { key: input.source.key })
}

/** A part of bytes of its own; undefined when the source was replaced while it was read. */
async function rewritePart(context: RequestContext, input: PartCopyInput, target: ObjectRef, plan: Plan) {
  const payload = await rewrite(context, plan.bytes, plan.algorithms, plan.upload.cipher)
  if (payload === undefined || payload instanceof Fault) return payload
  const etag = payload.etag(plan.upload)
  const checksums: Checksums = { [plan.checksum]: payload.checksum(plan.checksum) }
  const { nowMs } = context
  const written = await commitStaged(context, payload.staged, inlineBlobId =>
    store.putPart({
      ref: target,
      uploadId: input.uploadId,
      number: input.partNumber,
      bytes: payload.staged,
      inlineBlobId,
      etag,
      checksums,
      nowMs,
    }),
  )
  if (written instanceof Fault) return written
  return { etag, modifiedAtMs: nowMs, checksums: plan.asked ? checksums : {}, sourceVersion: versionOf(plan.found) }
}
