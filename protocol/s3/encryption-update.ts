/**
 * UpdateObjectEncryption: which key an object that is there is to be kept under. Source: S3 API Reference,
 * "UpdateObjectEncryption", with its errors and their texts.
 */
import { Fault, fault } from '../fault.ts'
import { anything, type MalformedFault, optional, readDocument, record, text } from './document-shape.ts'

export interface EncryptionUpdate {
  /** The key's ARN. */
  readonly keyName: string
  /** Whose key it is: 12 digits. */
  readonly account: string
  readonly bucketKey: boolean
}

const shape = record({
  kms: optional(
    'SSE-KMS',
    record({ keyArn: optional('KMSKeyArn', text), bucketKey: optional('BucketKeyEnabled', text) }),
  ),
  managed: optional('SSE-S3', anything),
  dual: optional('DSSE-KMS', anything),
})

const keyArn = /^arn:aws[a-zA-Z0-9-]*:kms:[a-z0-9-]+:([0-9]{12}):key\/[a-zA-Z0-9-]+$/
const keyArnLimit = 2048

function refused(message: string): Fault<'request-invalid'> {
  return fault('request-invalid', { message })
}
const noDual = refused(
  "The UpdateObjectEncryption operation doesn't support updating the encryption type to DSSE-KMS or SSE-C. Modify the " +
    'request to specify SSE-KMS for the updated encryption type, and then try again.',
)
const noType = refused(
  'Requests that modify an object encryption configuration require a valid new encryption type. Valid values are ' +
    'SSEKMS. Modify the request to specify SSE-KMS for the updated encryption type, and then try again.',
)
const noKey = refused(
  "Requests that modify an object's encryption type to SSE-KMS require an AWS KMS key Amazon Resource Name (ARN). " +
    'Modify the request to specify a KMS key ARN, and then try again.',
)
const wrongKey = refused(
  "Requests that modify an object's encryption type to SSE-KMS require a valid AWS KMS key Amazon Resource Name (ARN). " +
    'Confirm that you have a correctly formatted KMS key ARN in your request, and then try again.',
)
const wrongBucketKey = refused(
  "The BucketKeyEnabled value isn't valid. Valid values are true or false. Modify the request to specify a valid value, " +
    'and then try again.',
)

export function parseEncryptionUpdate(body: Uint8Array): EncryptionUpdate | MalformedFault | Fault<'request-invalid'> {
  const document = readDocument('ObjectEncryption', shape, body)
  if (document instanceof Fault) return document
  const { kms } = document
  if (kms === undefined) return document.dual === undefined ? noType : noDual
  const keyName = kms.keyArn?.trim() ?? ''
  if (keyName === '') return noKey
  const account = keyName.length > keyArnLimit ? undefined : keyArn.exec(keyName)?.[1]
  if (account === undefined) return wrongKey
  const bucketKey = kms.bucketKey?.trim().toLowerCase() ?? 'false'
  if (bucketKey !== 'true' && bucketKey !== 'false') return wrongBucketKey
  return { keyName, account, bucketKey: bucketKey === 'true' }
}

/** Of an object that is kept under a customer's key, or under two layers. */
export const sourceUnsupported = refused(
  "The UpdateObjectEncryption operation doesn't support source objects with the encryption type DSSE-KMS or SSE-C. Only " +
    'source objects encrypted with SSE-S3 or SSE-KMS are supported.',
)
export const updateNeedsSignatureV4 = refused(
  'Requests that modify an object encryption configuration require AWS Signature Version 4. Modify the request to use AWS ' +
    'Signature Version 4, and then try again.',
)
export const keyOfOtherAccount = fault('access-denied', {
  message:
    'The AWS KMS key in the request must be owned by the same account as the bucket. Modify the request to specify a KMS ' +
    'key from the same account, and then try again.',
})
export const updateLocked = fault('access-denied', {
  message:
    "The encryption type for the specified object can't be updated because that object is protected by S3 Object Lock. If " +
    'the object has a governance-mode retention period or a legal hold, you must first remove the Object Lock status on ' +
    "the object before you issue your UpdateObjectEncryption request. You can't use the UpdateObjectEncryption operation " +
    'with objects that have an Object Lock compliance mode retention period applied to them.',
})
