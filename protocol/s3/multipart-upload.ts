/** CreateMultipartUpload, UploadPart and AbortMultipartUpload. */
import type { CustomerKey } from '../encryption.ts'
import { type Fault, fault } from '../fault.ts'
import { Level, operation, type Reply, type WireRequest } from '../operation.ts'
import { element } from '../xml.ts'
import {
  type ChecksumFault,
  type ChecksumName,
  type Checksums,
  type ChecksumType,
  checksumTypeOf,
  parseChecksumAlgorithm,
  parseChecksumType,
  pushChecksumHeaders,
  refusedChecksumHeaders,
} from './checksum-headers.ts'
import type { CustomerKeyFault } from './customer-key.ts'
import {
  type Description,
  type DescriptionFault,
  descriptionFaults,
  parseDescription,
  refusedWriteHeaders,
} from './description.ts'
import {
  type EncryptionAnswer,
  parsePartEncryption,
  pushEncryptionHeaders,
  pushNewEncryptionHeaders,
  uploadKeyFaults,
} from './encryption.ts'
import { abortHeaders } from './lifecycle.ts'
import type { LifecycleDue } from './lifecycle-rule.ts'
import { checkKey } from './names.ts'
import { parsePartNumber } from './object-read.ts'
import { type Integrity, parseIntegrity, payloadFaults } from './object-write.ts'
import { s3Document, xmlReply } from './xml.ts'

export interface CreateUploadInput {
  readonly bucket: string
  readonly key: string
  readonly description: Description
  readonly checksumAlgorithm: ChecksumName | undefined
  readonly checksumType: ChecksumType | undefined
}
export interface CreateUploadOutput extends EncryptionAnswer {
  readonly input: CreateUploadInput
  readonly uploadId: string
  /** When it is aborted if it is not completed. */
  readonly abort?: LifecycleDue | undefined
}

function parseCreate(
  request: WireRequest,
): CreateUploadInput | DescriptionFault | ChecksumFault | Fault<'key-too-long'> | Fault<'request-invalid'> {
  const tooLong = checkKey(request.key)
  if (tooLong !== undefined) return tooLong
  const description = parseDescription(request)
  if ('code' in description) return description
  const checksumAlgorithm = parseChecksumAlgorithm(request)
  if (typeof checksumAlgorithm === 'object') return checksumAlgorithm
  const asked = parseChecksumType(request)
  if (typeof asked === 'object') return asked
  if (checksumAlgorithm === undefined && asked !== undefined)
    return fault('request-invalid', {
      message: 'The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.',
    })
  const checksumType = checksumAlgorithm === undefined ? undefined : checksumTypeOf(checksumAlgorithm, asked)
  if (typeof checksumType === 'object') return checksumType
  return { bucket: request.bucket, key: request.key, description, checksumAlgorithm, checksumType }
}

export const createMultipartUpload = operation({
  name: 'CreateMultipartUpload',
  match: { method: 'POST', level: Level.object, selector: 'uploads' },
  access: 'write',
  body: 'none',
  refuses: refusedWriteHeaders,
  parse: parseCreate,
  render: (out: CreateUploadOutput): Reply => {
    const { bucket, key, checksumAlgorithm, checksumType } = out.input
    const headers: string[] = []
    pushNewEncryptionHeaders(headers, out)
    if (checksumAlgorithm !== undefined) headers.push('x-amz-checksum-algorithm', checksumAlgorithm.toUpperCase())
    if (checksumType !== undefined) headers.push('x-amz-checksum-type', checksumType)
    if (out.abort !== undefined) headers.push(...abortHeaders(out.abort))
    return xmlReply(
      s3Document(
        'InitiateMultipartUploadResult',
        element('Bucket', bucket) + element('Key', key) + element('UploadId', out.uploadId),
      ),
      headers,
    )
  },
  faults: [
    ...descriptionFaults,
    'request-invalid',
    'header-refused',
    'checksum-malformed',
    'key-too-long',
    'bucket-missing',
    'access-denied',
    'region-wrong',
  ],
})

export interface UploadInput {
  readonly bucket: string
  readonly key: string
  readonly uploadId: string
}
export interface UploadPartInput extends UploadInput, Integrity {
  readonly partNumber: number
  readonly customerKey: CustomerKey | undefined
}
export interface UploadPartOutput extends EncryptionAnswer {
  readonly etag: string
  readonly checksums: Checksums
}

/** Which upload a request is about. */
export function parseUpload(request: WireRequest): UploadInput {
  return { bucket: request.bucket, key: request.key, uploadId: request.query.get('uploadId') ?? '' }
}

/** `partNumber` of a request that must have one. */
export function parseRequiredPartNumber(
  request: WireRequest,
): number | Fault<'argument-invalid'> | Fault<'method-not-allowed'> {
  // S3 knows no PUT with an upload and without a part.
  return parsePartNumber(request.query.get('partNumber')) ?? fault('method-not-allowed')
}

export const uploadPart = operation({
  name: 'UploadPart',
  match: { method: 'PUT', level: Level.object, selector: 'uploadId' },
  access: 'write',
  body: 'stream',
  refuses: refusedChecksumHeaders,
  parse: (
    request: WireRequest,
  ): UploadPartInput | ChecksumFault | Fault<'digest-malformed'> | CustomerKeyFault | Fault<'method-not-allowed'> => {
    const partNumber = parseRequiredPartNumber(request)
    if (typeof partNumber === 'object') return partNumber
    const integrity = parseIntegrity(request)
    if ('code' in integrity) return integrity
    // The customer's key alone: the rest is said when the upload is created.
    const customerKey = parsePartEncryption(request)
    if (customerKey !== undefined && 'code' in customerKey) return customerKey
    return { ...parseUpload(request), partNumber, checksum: integrity.checksum, md5: integrity.md5, customerKey }
  },
  render: (out: UploadPartOutput): Reply => {
    const headers: string[] = []
    pushEncryptionHeaders(headers, out)
    headers.push('ETag', `"${out.etag}"`)
    // S3 names no checksum type with a part.
    pushChecksumHeaders(headers, out.checksums, undefined, '')
    return { status: 200, headers, body: null }
  },
  faults: [
    ...payloadFaults,
    'argument-invalid',
    'method-not-allowed',
    'bucket-missing',
    'access-denied',
    'region-wrong',
    'upload-missing',
    ...uploadKeyFaults,
  ],
})

const noContent: Reply = Object.freeze({ status: 204, headers: [], body: null })

export const abortMultipartUpload = operation({
  name: 'AbortMultipartUpload',
  match: { method: 'DELETE', level: Level.object, selector: 'uploadId' },
  access: 'write',
  body: 'none',
  // A condition of directory buckets.
  refuses: ['x-amz-if-match-initiated-time'],
  parse: parseUpload,
  render: (_: undefined): Reply => noContent,
  faults: ['bucket-missing', 'access-denied', 'region-wrong', 'upload-missing'],
})
