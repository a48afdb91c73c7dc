/** PutObject. */
import { Fault } from '../../protocol/fault.ts'
import type { EventName } from '../../protocol/s3/event-names.ts'
import type { PutInput } from '../../protocol/s3/object-write.ts'
import { Aborted } from '../bytes/contract.ts'
import type { RequestContext } from '../context.ts'
import { resolveBucket } from '../store/buckets.ts'
import * as store from '../store/objects.ts'
import { expiryOf } from './expiry.ts'
import { commitStaged, left, lookFirstBytes, receivePayload } from './object-payload.ts'
import { objectRef } from './object-ref.ts'

/** S3 computes this one when the client sends none. */
export const ownChecksum = 'crc64nvme'

export async function putObject(context: RequestContext, input: PutInput, event: EventName = 's3:ObjectCreated:Put') {
  const { database } = context.services
  const ref = objectRef(context, input.bucket, input.key)
  const { declaredBytes } = context.body
  if (declaredBytes === undefined || declaredBytes > lookFirstBytes) {
    const bucket = await database.read(() => resolveBucket(ref))
    if (bucket instanceof Fault) return bucket
  }
  const name = input.checksum?.name ?? ownChecksum
  const payload = await receivePayload(context, input, [name])
  if (payload instanceof Fault) return payload
  if (payload instanceof Aborted) return left(payload)
  const { staged, etag } = payload
  const checksums = { [name]: payload.checksum(name) }
  const written = await commitStaged(context, staged, inlineBlobId =>
    store.putObject({
      ref,
      bytes: staged,
      inlineBlobId,
      description: input.description,
      etag,
      checksums,
      checksumType: 'FULL_OBJECT',
      parts: 0,
      conditions: input.conditions,
      nowMs: context.nowMs,
      event,
    }),
  )
  if (written instanceof Fault) return written
  const { version, settings, properties } = written
  const { sizeBytes } = staged
  const expiration =
    settings === null
      ? undefined
      : expiryOf(settings, { key: input.key, sizeBytes, modifiedAtMs: context.nowMs, properties })
  return { etag, checksums, checksumType: 'FULL_OBJECT' as const, version, expiration }
}
