/** PutObject. */
import { Fault } from '../../protocol/fault.ts'
import type { EventName } from '../../protocol/s3/event-names.ts'
import type { PutInput } from '../../protocol/s3/object-write.ts'
import { Aborted } from '../bytes/contract.ts'
import type { RequestContext } from '../context.ts'
import type { DataKey } from '../keys/ring.ts'
import { resolveBucket } from '../store/buckets.ts'
import * as store from '../store/objects.ts'
import { expiryOf } from './expiry.ts'
import { customerKeyOf, newKey, sealedOf, sealInUnit, withKey } from './object-encryption.ts'
import { commitStaged, left, lookFirstBytes, receivePayload } from './object-payload.ts'
import { objectRef } from './object-ref.ts'

/** S3 computes this one when the client sends none. */
export const ownChecksum = 'crc64nvme'

/** @param event what it is called to those who are told of it; a POST comes from the fields of a form */
export async function putObject(context: RequestContext, input: PutInput, event: EventName = 's3:ObjectCreated:Put') {
  const byForm = event === 's3:ObjectCreated:Post'
  const { database } = context.services
  const ref = objectRef(context, input.bucket, input.key)
  const { declaredBytes } = context.body
  const looksFirst = declaredBytes === undefined || declaredBytes > lookFirstBytes
  const asked = input.description.encryption
  let key: DataKey | undefined
  if (looksFirst) {
    const bucket = await database.read(() => resolveBucket(ref))
    if (bucket instanceof Fault) return bucket
    const made = newKey(context, ref, asked, bucket, byForm)
    if (made instanceof Fault) return made
    key = made
  }
  const name = input.checksum?.name ?? ownChecksum
  const payload = await receivePayload(context, input, [name], key?.cipher)
  if (payload instanceof Fault) return payload
  if (payload instanceof Aborted) return left(payload)
  const { staged } = payload
  const checksums = { [name]: payload.checksum(name) }
  const written = await commitStaged(context, staged, inlineBlobId =>
    store.putObject({
      ref,
      bytes: staged,
      inlineBlobId,
      description: withKey(input.description, key),
      etag: payload.etag(key),
      checksums,
      checksumType: 'FULL_OBJECT',
      parts: 0,
      conditions: input.conditions,
      seal: looksFirst ? undefined : sealInUnit(context, ref, asked, staged, payload.md5, byForm),
      nowMs: context.nowMs,
      event,
    }),
  )
  if (written instanceof Fault) return written
  const { etag, version, settings, properties } = written
  const { sizeBytes } = staged
  const expiration =
    settings === null
      ? undefined
      : expiryOf(settings, { key: input.key, sizeBytes, modifiedAtMs: context.nowMs, properties })
  const encryption = sealedOf(properties?.encryption)
  const customerKey = customerKeyOf(asked)
  return { etag, checksums, checksumType: 'FULL_OBJECT' as const, version, expiration, encryption, customerKey }
}
