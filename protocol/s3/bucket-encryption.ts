/** The encryption that a bucket gives to objects whose requests name none. */
import { Fault, fault } from '../fault.ts'
import type { Reply } from '../operation.ts'
import {
  type MalformedFault,
  oneOf,
  optional,
  readDocument,
  record,
  repeated,
  required,
  text,
  trueOrFalse,
  type ValueOf,
  writeDocument,
} from './document-shape.ts'
import { type ArgumentFault, argumentInvalid } from './parameters.ts'
import { xmlReply } from './xml.ts'

const algorithms = oneOf('AES256', 'aws:kms', 'aws:kms:dsse')
export type EncryptionAlgorithm = ValueOf<typeof algorithms>
const blockable = oneOf('NONE', 'SSE-C')

export interface BucketEncryption {
  readonly algorithm: EncryptionAlgorithm
  /** As the client named it: an id, an alias or an ARN; never of AES256. */
  readonly kmsKeyId?: string
  readonly bucketKeyEnabled: boolean
  /** What writes may not ask for, in the document's words; absent when it did not say. */
  readonly blocked?: 'NONE' | 'SSE-C'
}

/** What S3 answers, and does, since 2023 where nothing was set. */
export const defaultBucketEncryption: BucketEncryption = Object.freeze({ algorithm: 'AES256', bucketKeyEnabled: false })

const root = 'ServerSideEncryptionConfiguration'
const rule = record({
  byDefault: optional(
    'ApplyServerSideEncryptionByDefault',
    record({ algorithm: required('SSEAlgorithm', algorithms), kmsKeyId: optional('KMSMasterKeyID', text) }),
  ),
  bucketKeyEnabled: optional('BucketKeyEnabled', trueOrFalse),
  blocked: optional('BlockedEncryptionTypes', record({ types: repeated('EncryptionType', blockable) })),
})
const shape = record({ rules: repeated('Rule', rule) })

export function parseBucketEncryption(body: Uint8Array): BucketEncryption | MalformedFault | ArgumentFault {
  const document = readDocument(root, shape, body)
  if (document instanceof Fault) return document
  const [only, ...more] = document.rules
  if (only === undefined || more.length > 0) return fault('xml-malformed')
  const algorithm = only.byDefault?.algorithm ?? 'AES256'
  const kmsKeyId = only.byDefault?.kmsKeyId?.trim() ?? ''
  if (kmsKeyId !== '' && algorithm === 'AES256')
    return argumentInvalid(
      'ApplyServerSideEncryptionByDefault',
      'a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse',
    )
  const types = only.blocked?.types ?? []
  // One word: NONE takes the others back.
  if (types.length > 1 || (only.blocked !== undefined && types.length === 0)) return fault('xml-malformed')
  return {
    algorithm,
    bucketKeyEnabled: only.bucketKeyEnabled ?? false,
    ...(kmsKeyId === '' ? {} : { kmsKeyId }),
    ...(types[0] === undefined ? {} : { blocked: types[0] }),
  }
}

export function renderBucketEncryption(encryption: BucketEncryption): Reply {
  const { algorithm, kmsKeyId, bucketKeyEnabled, blocked } = encryption
  const value = {
    byDefault: { algorithm, ...(kmsKeyId === undefined ? {} : { kmsKeyId }) },
    bucketKeyEnabled,
    ...(blocked === undefined ? {} : { blocked: { types: [blocked] } }),
  }
  return xmlReply(writeDocument(root, shape, { rules: [value] }))
}
