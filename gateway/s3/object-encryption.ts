/**
 * Keys of objects and uploads, as handlers need them: new ones for what is made, opened ones for what is read. An object
 * for which neither its request nor its bucket asks for encryption has none: its bytes are kept as they came.
 */

import type { CustomerKey } from '../../protocol/encryption.ts'
import { Fault, fault } from '../../protocol/fault.ts'
import type { Properties } from '../../protocol/properties.ts'
import type { BucketEncryption } from '../../protocol/s3/bucket-encryption.ts'
import {
  type Attempt,
  type DefaultEncryption,
  type EncryptionRequest,
  kmsNeedsSignatureV4,
  type newKeyFaults,
  resolveEncryption,
} from '../../protocol/s3/encryption.ts'
import type { ArgumentFault } from '../../protocol/s3/parameters.ts'
import { encryptInline, type ObjectCipher } from '../bytes/object-cipher.ts'
import type { RequestContext } from '../context.ts'
import { type DataKey, etagOf, type KeyFault, type UploadKeyFault } from '../keys/ring.ts'
import { decodeSealed, encodeSealed, type SealedEncryption } from '../keys/sealed.ts'
import { askerOf } from '../request-guard.ts'
import type { Description, NewBytes, ObjectRef } from '../store/contract.ts'
import type { BucketColumns } from '../store/rows.ts'
import { describeSealed, type SealBytes, type SealedBytes, type SealUpload } from '../store/sealing.ts'
import { readSettings } from '../store/settings-text.ts'

export type NewKeyFault = Fault<(typeof newKeyFaults)[number]> | ArgumentFault

/**
 * The key of an object or upload that is made in a bucket; undefined when it needs none.
 * @param asked by the request
 * @param byForm its fields are signed: see `refuseUnsigned`
 */
export function newKey(
  context: RequestContext,
  ref: ObjectRef,
  asked: EncryptionRequest | undefined,
  bucket: Pick<BucketColumns, 'region' | 'settings'>,
  byForm = false,
): DataKey | undefined | NewKeyFault {
  if (asked === undefined && bucket.settings === null) return undefined
  if (asked instanceof Fault) return asked
  const byDefault = readSettings(bucket.settings).encryption
  if (byDefault === undefined && (asked === undefined || asked.kind === 'default')) return undefined
  const { principal, services } = context
  const home = { region: bucket.region, account: principal.account }
  const attempt = asked?.kind === 'customer' ? attemptOf(context, ref) : undefined
  const spec = resolveEncryption(asked, byDefault && readDefault(byDefault), home, attempt)
  if (spec instanceof Fault) return spec
  if (spec.kind === 'named' && !byForm && isSignedOtherwise(context)) return kmsNeedsSignatureV4
  return services.keys.newDataKey(spec)
}

function readDefault({ algorithm, kmsKeyId, bucketKeyEnabled, blocked }: BucketEncryption): DefaultEncryption {
  return {
    method: algorithm,
    keyId: kmsKeyId ?? '',
    bucketKey: bucketKeyEnabled,
    blocksCustomerKeys: blocked === 'SSE-C',
  }
}

function attemptOf({ principal }: RequestContext, { bucket, key }: ObjectRef): Attempt {
  const user = askerOf(principal)?.arn ?? '*'
  return { user, action: 's3:PutObject', resource: `arn:aws:s3:::${bucket}/${key}` }
}

/** Version 2 and nobody name no region. Of forms signed with version 2 no such answer is known. */
export function isSignedOtherwise({ principal }: RequestContext): boolean {
  return principal.region === ''
}

/** With the sealed key that the bytes are kept under. */
export function withKey(description: Description, key: DataKey | undefined): Description {
  return describeSealed(description, key && { encryption: encodeSealed(key.sealed) })
}

/**
 * Encrypts small bytes in the unit that writes their row, where the bucket is known without a statement more.
 * @param md5 of the text
 */
export function sealInUnit(
  context: RequestContext,
  ref: ObjectRef,
  asked: EncryptionRequest | undefined,
  bytes: NewBytes,
  md5: Uint8Array,
  byForm: boolean,
): SealBytes<NewKeyFault> {
  return (bucket): SealedBytes | undefined | NewKeyFault => {
    const key = newKey(context, ref, asked, bucket, byForm)
    if (key === undefined || key instanceof Fault) return key
    const inline = bytes.inline && encryptInline(bytes.inline, key.cipher)
    return { inline, etag: etagOf(key.sealed, key.cipher, md5), encryption: encodeSealed(key.sealed) }
  }
}

/** The same for an upload. */
export function sealUpload(
  context: RequestContext,
  ref: ObjectRef,
  asked: EncryptionRequest | undefined,
): SealUpload<NewKeyFault> {
  return bucket => {
    const key = newKey(context, ref, asked, bucket)
    return key === undefined || key instanceof Fault ? key : encodeSealed(key.sealed)
  }
}

/** How bytes are kept that a request may use. */
export interface Opened {
  /** undefined: as they came. */
  readonly sealed: SealedEncryption | undefined
  readonly cipher: ObjectCipher | undefined
}
const plain: Opened = Object.freeze({ sealed: undefined, cipher: undefined })

/**
 * The key of an object's bytes. Asked anew by every request that reads them, wherever its row came from.
 * @throws SealBroken when they were sealed under another master key
 */
export function openObject(
  context: RequestContext,
  properties: Properties | undefined,
  customerKey: CustomerKey | undefined,
): Opened | KeyFault | ArgumentFault {
  const text = properties?.encryption
  if (text === undefined) return customerKey === undefined ? plain : fault('customer-key-unexpected')
  const sealed = decodeSealed(text)
  if (sealed.kind === 'named' && isSignedOtherwise(context)) return kmsNeedsSignatureV4
  const cipher = context.services.keys.openSealed(sealed, customerKey)
  return cipher instanceof Fault ? cipher : { sealed, cipher }
}

/** The key of an upload's parts. @throws SealBroken */
export function openUpload(
  { services }: RequestContext,
  properties: Properties | undefined,
  customerKey: CustomerKey | undefined,
): Opened | UploadKeyFault {
  const text = properties?.encryption
  if (text === undefined && customerKey === undefined) return plain
  const sealed = sealedOf(text)
  const cipher = services.keys.openUpload(sealed, customerKey)
  return cipher instanceof Fault ? cipher : { sealed, cipher }
}

/** What was written, for its answer. */
export function sealedOf(text: string | undefined): SealedEncryption | undefined {
  return text === undefined ? undefined : decodeSealed(text)
}

/** A customer's key as the request named it, for the answer that repeats it. */
export function customerKeyOf(asked: EncryptionRequest | undefined): CustomerKey | undefined {
  return asked === undefined || asked instanceof Fault || asked.kind !== 'customer' ? undefined : asked
}
