/**
 * Server-side encryption on the wire: what a request asks for, what that means in its bucket, and what answers say.
 *
 * Nothing here knows whether the asker may do it. Bucket policies look at these headers too, and S3 lets a policy refuse a
 * request before it says that a header is wrong: keep a fault of `parseEncryption` until access is settled.
 */
import type { CustomerKey, KeySpec, ManagedKey, NamedKey } from '../encryption.ts'
import { type Fault, fault } from '../fault.ts'
import {
  type CustomerKeyFault,
  type EncryptionHeaders,
  encryptionName,
  namesCustomerKey,
  parseCustomerKey,
  parseReadingKey,
} from './customer-key.ts'
import { encodeContext, type KeyHome, parseContext, resolveKmsKey } from './kms-key.ts'
import { argumentInvalid } from './parameters.ts'

const keyIdName = `${encryptionName}-aws-kms-key-id`
const contextName = `${encryptionName}-context`
const bucketKeyName = `${encryptionName}-bucket-key-enabled`

/** What a request that makes an object says about its encryption. */
export type EncryptionAsked = AskedDefault | ManagedKey | AskedNamed | CustomerKey
/** Nothing, but perhaps whether to use a bucket key if the bucket's default would. */
export interface AskedDefault {
  readonly kind: 'default'
  readonly bucketKey: boolean | undefined
}
export interface AskedNamed {
  readonly kind: 'named'
  /** As the client named it; '' for the default key. */
  readonly keyId: string
  /** Canonical JSON, '' for none. */
  readonly context: string
  readonly dual: boolean
  readonly bucketKey: boolean | undefined
}

/** As a description keeps it: a fault is told once access is settled. */
export type EncryptionRequest = EncryptionAsked | CustomerKeyFault

/** Why the key of a new object or upload cannot be made. */
export const newKeyFaults = ['encryption-algorithm-invalid', 'encryption-key-unknown', 'customer-keys-blocked'] as const
/** Why an object cannot be read with the key that came, or without one. */
export const readingKeyFaults = [
  'encryption-algorithm-invalid',
  'customer-key-missing',
  'customer-key-unexpected',
  'customer-key-wrong',
] as const
/** Why a request does not fit its upload. */
export const uploadKeyFaults = ['encryption-algorithm-invalid', 'upload-key-unfitting', 'upload-key-different'] as const

const nothingAsked: AskedDefault = Object.freeze({ kind: 'default', bucketKey: undefined })
const managed: ManagedKey = Object.freeze({ kind: 'managed' })

/** Of PutObject, CopyObject (its target), CreateMultipartUpload and POST Object. */
export function parseEncryption(request: EncryptionHeaders): EncryptionAsked | CustomerKeyFault {
  if (!mentionsEncryption(request)) return nothingAsked
  const method = request.header(encryptionName)
  // An empty header is a wrong one, an absent one is not: header() answers '' for both.
  const isNamed = request.headers.some((name, i) => i % 2 === 0 && name === encryptionName)
  if (namesCustomerKey(request)) {
    if (isNamed)
      return argumentInvalid(
        encryptionName,
        'Server Side Encryption with Customer provided key is incompatible with the encryption method specified',
        method,
      )
    return keyNeedsKms(request) ?? parseCustomerKey(request)!
  }
  const bucketKey = parseBucketKey(request)
  if (typeof bucketKey === 'object') return bucketKey
  if (method === 'aws:kms' || method === 'aws:kms:dsse')
    return parseNamed(request, method === 'aws:kms:dsse', bucketKey)
  if (isNamed && method !== 'AES256')
    return argumentInvalid(encryptionName, 'The encryption method specified is not supported', method)
  return keyNeedsKms(request) ?? (isNamed ? managed : { kind: 'default', bucketKey })
}

function mentionsEncryption({ headers }: EncryptionHeaders): boolean {
  for (let i = 0; i < headers.length; i += 2) if (headers[i]!.startsWith(encryptionName)) return true
  return false
}

function parseNamed(
  request: EncryptionHeaders,
  dual: boolean,
  bucketKey: boolean | undefined,
): AskedNamed | CustomerKeyFault {
  if (dual && bucketKey === true)
    return argumentInvalid(bucketKeyName, 'S3 Bucket Keys are not supported for aws:kms:dsse', 'true')
  const text = request.header(contextName)
  const context = text === '' ? '' : parseContext(text)
  if (typeof context === 'object') return context
  const keyId = request.header(keyIdName)
  // Ceph has no key of the account's own.
  if (keyId === '' && request.dialect === 'ceph')
    return argumentInvalid(keyIdName, `Missing required header ${keyIdName}`)
  return { kind: 'named', keyId, context, dual, bucketKey }
}

function parseBucketKey(request: EncryptionHeaders): boolean | undefined | CustomerKeyFault {
  const text = request.header(bucketKeyName)
  if (text === '') return undefined
  const lower = text.toLowerCase()
  if (lower === 'true' || lower === 'false') return lower === 'true'
  return argumentInvalid(bucketKeyName, `Invalid ${bucketKeyName}`, text)
}

/** A KMS key or a context without KMS. */
function keyNeedsKms(request: EncryptionHeaders): CustomerKeyFault | undefined {
  if (request.header(keyIdName) === '' && request.header(contextName) === '') return undefined
  return argumentInvalid(
    encryptionName,
    'Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms',
  )
}

/**
 * Of GetObject, HeadObject and GetObjectAttributes: how to encrypt is no question there, so S3 refuses to be told
 * (recorded; API reference, GetObject).
 */
export function parseReadingEncryption(request: EncryptionHeaders): CustomerKey | undefined | CustomerKeyFault {
  if (!mentionsEncryption(request)) return undefined
  return refuseEncryption(request) ?? parseReadingKey(request)
}

/** Of UploadPart and UploadPartCopy: S3 refuses it there too, as a dozen clients have found out; Ceph looks away. */
export function parsePartEncryption(request: EncryptionHeaders): CustomerKey | undefined | CustomerKeyFault {
  return request.dialect === 'ceph' ? parseReadingKey(request) : parseReadingEncryption(request)
}

/** The refusal of what only a request that makes an object may say. */
function refuseEncryption(request: EncryptionHeaders): CustomerKeyFault | undefined {
  for (const name of [encryptionName, contextName, bucketKeyName]) {
    const value = request.header(name)
    if (value !== '') return argumentInvalid(name, `${name} header is not supported for this operation.`, value)
  }
  return keyNeedsKms(request)
}

/**
 * S3's answer to a request about an object under a KMS key that is not signed with Signature Version 4: an anonymous one,
 * or one of version 2 (recorded).
 */
export const kmsNeedsSignatureV4 = argumentInvalid(
  'Authorization',
  'Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4.',
  'null',
)

/** A bucket's ServerSideEncryptionConfiguration, in its one rule. */
export interface DefaultEncryption {
  readonly method: 'AES256' | 'aws:kms' | 'aws:kms:dsse'
  /** KMSMasterKeyID as it was given; '' for none. */
  readonly keyId: string
  readonly bucketKey: boolean
  /** BlockedEncryptionTypes has SSE-C. */
  readonly blocksCustomerKeys: boolean
}

/** Who wants to do what, for the one refusal that says so. */
export interface Attempt {
  /** ARN. */
  readonly user: string
  /** `s3:PutObject`. */
  readonly action: string
  /** ARN. */
  readonly resource: string
}

/**
 * What an object is to be encrypted with. A key asked for without a name is the account's own for S3, and not the one of
 * the bucket's default; whether to use a bucket key is the bucket's affair when the request does not say (user guide,
 * "Specifying SSE-KMS"; recorded).
 */
export function resolveEncryption(
  asked: EncryptionAsked = nothingAsked,
  byDefault: DefaultEncryption | undefined,
  home: KeyHome,
  attempt?: Attempt,
): KeySpec | Fault<'encryption-key-unknown'> | Fault<'customer-keys-blocked'> {
  if (asked.kind === 'customer')
    return byDefault?.blocksCustomerKeys === true ? fault('customer-keys-blocked', { ...attempt }) : asked
  if (asked.kind === 'managed') return managed
  if (asked.kind === 'default' && (byDefault === undefined || byDefault.method === 'AES256')) return managed
  const { keyId, dual, context } =
    asked.kind === 'named'
      ? asked
      : { keyId: byDefault!.keyId, dual: byDefault!.method === 'aws:kms:dsse', context: '' }
  const name = resolveKmsKey(keyId, home)
  if (typeof name === 'object') return name
  const bucketKey = !dual && (asked.bucketKey ?? byDefault?.bucketKey ?? false)
  return { kind: 'named', name, context, dual, bucketKey }
}

/** What answers say of an object's encryption: of the row's sealed key, or of what the request asked for. */
export type EncryptionSaid =
  | { readonly kind: 'managed' | 'customer' }
  | Pick<NamedKey, 'kind' | 'name' | 'context' | 'dual' | 'bucketKey'>

/** What an answer says of encryption. */
export interface EncryptionAnswer {
  /** undefined: nothing was asked for, by request or bucket. S3 has said AES256 of such objects since 2023. */
  readonly encryption?: EncryptionSaid | undefined
  /** Of the request, repeated to it. */
  readonly customerKey?: CustomerKey | undefined
}

const algorithmName = `${encryptionName}-customer-algorithm`
const md5Name = `${encryptionName}-customer-key-MD5`

/** Adds the headers to an answer. */
export function pushEncryptionHeaders(headers: string[], { encryption, customerKey }: EncryptionAnswer): void {
  if (encryption === undefined || encryption.kind === 'managed') headers.push(encryptionName, 'AES256')
  else if (encryption.kind === 'named') {
    const { name, dual, bucketKey } = encryption
    headers.push(encryptionName, dual ? 'aws:kms:dsse' : 'aws:kms', keyIdName, name)
    if (bucketKey) headers.push(bucketKeyName, 'true')
  } else if (customerKey !== undefined) headers.push(algorithmName, 'AES256', md5Name, customerKey.md5)
}

/** With the encryption context: PutObject, CopyObject and CreateMultipartUpload answer it, reads never do. */
export function pushNewEncryptionHeaders(headers: string[], answer: EncryptionAnswer): void {
  pushEncryptionHeaders(headers, answer)
  const { encryption } = answer
  if (encryption?.kind === 'named' && encryption.context !== '')
    headers.push(contextName, encodeContext(encryption.context))
}
