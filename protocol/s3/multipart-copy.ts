/** UploadPartCopy. */
import type { CustomerKey } from '../encryption.ts'
import type { Fault } from '../fault.ts'
import { formatIsoDate } from '../http-date.ts'
import { Level, operation, type Reply, type WireRequest } from '../operation.ts'
import { type Checksums, checksumXml } from './checksum-headers.ts'
import { type Conditions, parseSourceConditions } from './conditions.ts'
import { type CopySource, type CopySourceFault, parseCopySource } from './copy-source.ts'
import { type CustomerKeyFault, parseSourceKey } from './customer-key.ts'
import {
  type EncryptionAnswer,
  parsePartEncryption,
  pushEncryptionHeaders,
  readingKeyFaults,
  uploadKeyFaults,
} from './encryption.ts'
import { parseRequiredPartNumber, parseUpload, type UploadInput } from './multipart-upload.ts'
import { parseCopyRange } from './ranges.ts'
import { pushSourceVersion, type VersionName } from './version-id.ts'
import { etagElement, s3Document, xmlReply } from './xml.ts'

export interface PartCopyInput extends UploadInput {
  readonly partNumber: number
  readonly source: CopySource
  readonly sourceKey: CustomerKey | undefined
  /** Of the upload. */
  readonly customerKey: CustomerKey | undefined
  readonly sourceConditions: Conditions
  readonly range: { readonly first: number; readonly last: number } | undefined
}
export interface PartCopyOutput extends EncryptionAnswer {
  readonly etag: string
  readonly modifiedAtMs: number
  readonly checksums: Checksums
  readonly sourceVersion?: VersionName | undefined
}

export const uploadPartCopy = operation({
  name: 'UploadPartCopy',
  match: { method: 'PUT', level: Level.object, selector: 'uploadId', needs: { header: ['x-amz-copy-source'] } },
  access: 'write',
  body: 'none',
  refuses: [],
  parse: (request: WireRequest): PartCopyInput | CopySourceFault | CustomerKeyFault | Fault<'method-not-allowed'> => {
    const partNumber = parseRequiredPartNumber(request)
    if (typeof partNumber === 'object') return partNumber
    const source = parseCopySource(request.header('x-amz-copy-source'))
    if ('code' in source) return source
    const range = parseCopyRange(request.header('x-amz-copy-source-range'))
    if (range !== undefined && 'code' in range) return range
    const customerKey = parsePartEncryption(request)
    if (customerKey !== undefined && 'code' in customerKey) return customerKey
    const sourceKey = parseSourceKey(request)
    if (sourceKey !== undefined && 'code' in sourceKey) return sourceKey
    const sourceConditions = parseSourceConditions(request)
    return { ...parseUpload(request), partNumber, source, sourceKey, sourceConditions, range, customerKey }
  },
  render: (out: PartCopyOutput): Reply => {
    const headers: string[] = []
    pushEncryptionHeaders(headers, out)
    pushSourceVersion(headers, out.sourceVersion)
    return xmlReply(
      s3Document(
        'CopyPartResult',
        etagElement(out.etag) +
          `<LastModified>${formatIsoDate(out.modifiedAtMs)}</LastModified>` +
          checksumXml(out.checksums),
      ),
      headers,
    )
  },
  faults: [
    'argument-invalid',
    'request-invalid',
    'header-refused',
    'key-too-long',
    'method-not-allowed',
    'bucket-missing',
    'access-denied',
    'region-wrong',
    'object-missing',
    'version-missing',
    'object-archived',
    'copy-source-too-large',
    'upload-missing',
    'precondition-failed',
    'condition-conflict',
    'storage-full',
    ...readingKeyFaults,
    ...uploadKeyFaults,
  ],
})
