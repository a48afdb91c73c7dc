/** CreateMultipartUpload, UploadPart and AbortMultipartUpload. */
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
import {
  checkSettings,
  type Description,
  type DescriptionFault,
  descriptionFaults,
  encryptionHeader,
  parseDescription,
  refusedReadHeaders,
  refusedWriteHeaders,
  type SettingFault,
} from './description.ts'
import { abortHeaders } from './lifecycle.ts'
import type { LifecycleDue } from './lifecycle-rule.ts'
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
export interface CreateUploadOutput {
  readonly input: CreateUploadInput
  readonly uploadId: string
  /** When it is aborted if it is not completed. */
  readonly abort?: LifecycleDue | undefined
}

function parseCreate(
  request: WireRequest,
): CreateUploadInput | DescriptionFault | SettingFault | ChecksumFault | Fault<'request-invalid'> {
  const settings = checkSettings(request)
  if (settings !== undefined) return settings
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
    const headers: string[] = [...encryptionHeader]
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
}
export interface UploadPartOutput {
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

/** SSE-C alone: the rest is said when the upload is created. */
const refusedPartHeaders = [...refusedReadHeaders, ...refusedChecksumHeaders]

export const uploadPart = operation({
  name: 'UploadPart',
  match: { method: 'PUT', level: Level.object, selector: 'uploadId' },
  access: 'write',
  body: 'stream',
  refuses: refusedPartHeaders,
  parse: (
    request: WireRequest,
  ):
    | UploadPartInput
    | ChecksumFault
    | Fault<'digest-malformed'>
    | Fault<'argument-invalid'>
    | Fault<'method-not-allowed'> => {
    const partNumber = parseRequiredPartNumber(request)
    if (typeof partNumber === 'object') return partNumber
    const integrity = parseIntegrity(request)
    if ('code' in integrity) return integrity
    return { ...parseUpload(request), partNumber, checksum: integrity.checksum, md5: integrity.md5 }
  },
  render: (out: UploadPartOutput): Reply => {
    const headers = ['x-amz-server-side-encryption', 'AES256', 'ETag', `"${out.etag}"`]
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
