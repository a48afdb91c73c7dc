/** ListParts and ListMultipartUploads. */
import type { CustomerKey } from '../encryption.ts'
import { type Fault, fault } from '../fault.ts'
import { formatIsoDate } from '../http-date.ts'
import { Level, operation, type Reply, type WireRequest } from '../operation.ts'
import { element, optionalElement } from '../xml.ts'
import { type ChecksumName, type Checksums, type ChecksumType, checksumXml } from './checksum-headers.ts'
import { type CustomerKeyFault, parseReadingKey } from './customer-key.ts'
import { uploadKeyFaults } from './encryption.ts'
import { abortHeaders } from './lifecycle.ts'
import type { LifecycleDue } from './lifecycle-rule.ts'
import { parseUpload, type UploadInput } from './multipart-upload.ts'
import { encodeKey, etagElement, type KeyEncoding, type Owner, ownerElement, s3Document, xmlReply } from './xml.ts'

/** A count or position: digits up to 2³¹ − 1; `otherwise` when absent or empty, as S3 takes it. */
export function parseCount(
  name: string,
  text: string | undefined,
  otherwise: number,
): number | Fault<'argument-invalid'> {
  if (text === undefined || text === '') return otherwise
  const value = /^[0-9]{1,10}$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY
  if (value <= 0x7fffffff) return value
  return fault('argument-invalid', {
    name,
    value: text,
    message: `Provided ${name} not an integer or within integer range`,
  })
}

/** Entries of a page at most. */
const pageLimit = 1000

export interface ListPartsInput extends UploadInput {
  readonly afterPart: number
  readonly maxParts: number
  readonly customerKey: CustomerKey | undefined
}
/** An upload as the store describes it. */
export interface ListedUpload {
  readonly key: string
  readonly uploadId: string
  readonly initiatedAtMs: number
  readonly storageClass: string
  readonly checksumAlgorithm: ChecksumName | undefined
  readonly checksumType: ChecksumType | undefined
  readonly initiatorId: number
  readonly ownerId: number
}
export interface ListPartsOutput {
  readonly input: ListPartsInput
  readonly upload: ListedUpload
  readonly ownerOf: (identityId: number) => Owner
  readonly initiatorOf: (identityId: number) => Owner
  readonly parts: readonly {
    readonly number: number
    readonly sizeBytes: number
    readonly etag: string
    readonly modifiedAtMs: number
    readonly checksums: Checksums
  }[]
  readonly truncated: boolean
  /** When it is aborted if it is not completed. */
  readonly abort?: LifecycleDue | undefined
}

function people(
  upload: ListedUpload,
  { initiatorOf, ownerOf }: Pick<ListPartsOutput, 'initiatorOf' | 'ownerOf'>,
): string {
  return ownerElement('Initiator', initiatorOf(upload.initiatorId)) + ownerElement('Owner', ownerOf(upload.ownerId))
}

function checksumKind(upload: ListedUpload): string {
  const { checksumAlgorithm, checksumType } = upload
  if (checksumAlgorithm === undefined) return ''
  return `<ChecksumAlgorithm>${checksumAlgorithm.toUpperCase()}</ChecksumAlgorithm>${optionalElement('ChecksumType', checksumType)}`
}

function renderParts(out: ListPartsOutput): Reply {
  const { input, upload } = out
  const algorithm = upload.checksumAlgorithm
  let parts = ''
  for (const part of out.parts) {
    // The checksum kept for an upload that asked for none is S3's own: not listed.
    const checksum = algorithm === undefined ? undefined : part.checksums[algorithm]
    parts +=
      `<Part><PartNumber>${part.number}</PartNumber><LastModified>${formatIsoDate(part.modifiedAtMs)}</LastModified>` +
      `${etagElement(part.etag)}<Size>${part.sizeBytes}</Size>` +
      `${algorithm === undefined || checksum === undefined ? '' : checksumXml({ [algorithm]: checksum })}</Part>`
  }
  return xmlReply(
    s3Document(
      'ListPartsResult',
      element('Bucket', input.bucket) +
        element('Key', input.key) +
        element('UploadId', input.uploadId) +
        people(upload, out) +
        element('StorageClass', upload.storageClass) +
        element('PartNumberMarker', input.afterPart) +
        element('NextPartNumberMarker', out.parts.at(-1)?.number ?? 0) +
        element('MaxParts', input.maxParts) +
        element('IsTruncated', String(out.truncated)) +
        checksumKind(upload) +
        parts,
    ),
    out.abort === undefined ? [] : abortHeaders(out.abort),
  )
}

export const listParts = operation({
  name: 'ListParts',
  match: { method: 'GET', level: Level.object, selector: 'uploadId' },
  access: 'read',
  body: 'none',
  refuses: [],
  parse: (request: WireRequest): ListPartsInput | CustomerKeyFault => {
    const maxParts = parseCount('max-parts', request.query.get('max-parts'), pageLimit)
    if (typeof maxParts === 'object') return maxParts
    const afterPart = parseCount('part-number-marker', request.query.get('part-number-marker'), 0)
    if (typeof afterPart === 'object') return afterPart
    const customerKey = parseReadingKey(request)
    if (customerKey !== undefined && 'code' in customerKey) return customerKey
    return { ...parseUpload(request), afterPart, maxParts: Math.min(maxParts, pageLimit), customerKey }
  },
  render: renderParts,
  faults: ['argument-invalid', 'bucket-missing', 'access-denied', 'region-wrong', 'upload-missing', ...uploadKeyFaults],
})

export interface ListUploadsInput {
  readonly bucket: string
  readonly prefix: string
  readonly delimiter: string
  readonly keyMarker: string
  /** Counts only with a key marker. */
  readonly uploadIdMarker: string
  readonly maxUploads: number
  readonly encoding: KeyEncoding
}
export interface ListUploadsOutput {
  readonly input: ListUploadsInput
  readonly ownerOf: (identityId: number) => Owner
  readonly initiatorOf: (identityId: number) => Owner
  readonly uploads: readonly ListedUpload[]
  readonly commonPrefixes: readonly string[]
  readonly truncated: boolean
  /** Key or common prefix the page ended with. */
  readonly last: string
}

function parseUploads(request: WireRequest): ListUploadsInput | Fault<'argument-invalid'> {
  const query = request.query
  const maxUploads = parseCount('max-uploads', query.get('max-uploads'), pageLimit)
  if (typeof maxUploads === 'object') return maxUploads
  const encoding = query.get('encoding-type')
  if (encoding !== undefined && encoding !== 'url')
    return fault('argument-invalid', {
      name: 'encoding-type',
      value: encoding,
      message: 'Invalid Encoding Method specified in Request',
    })
  const keyMarker = query.get('key-marker') ?? ''
  return {
    bucket: request.bucket,
    prefix: query.get('prefix') ?? '',
    delimiter: query.get('delimiter') ?? '',
    keyMarker,
    uploadIdMarker: keyMarker === '' ? '' : (query.get('upload-id-marker') ?? ''),
    maxUploads: Math.min(maxUploads, pageLimit),
    encoding,
  }
}

function renderUploads(out: ListUploadsOutput): Reply {
  const { input } = out
  const encode = (key: string) => encodeKey(key, input.encoding)
  const last = out.uploads.at(-1)
  // S3 names the last upload of the page even when nothing follows. When the page was cut after a common prefix it
  // names nothing, and nobody can go on from there: we name the prefix.
  const cutAfterPrefix = out.truncated && (last === undefined || out.last !== last.key)
  const nextKey = cutAfterPrefix ? out.last : (last?.key ?? '')
  const nextUploadId = cutAfterPrefix ? '' : (last?.uploadId ?? '')
  let uploads = ''
  for (const upload of out.uploads)
    uploads +=
      `<Upload>${element('Key', encode(upload.key))}${element('UploadId', upload.uploadId)}` +
      `${people(upload, out)}` +
      `${element('StorageClass', upload.storageClass)}<Initiated>${formatIsoDate(upload.initiatedAtMs)}</Initiated>` +
      `${checksumKind(upload)}</Upload>`
  for (const prefix of out.commonPrefixes)
    uploads += `<CommonPrefixes>${element('Prefix', encode(prefix))}</CommonPrefixes>`
  return xmlReply(
    s3Document(
      'ListMultipartUploadsResult',
      element('Bucket', input.bucket) +
        element('KeyMarker', encode(input.keyMarker)) +
        element('UploadIdMarker', input.uploadIdMarker) +
        element('NextKeyMarker', encode(nextKey)) +
        element('NextUploadIdMarker', nextUploadId) +
        optionalElement('Delimiter', encode(input.delimiter)) +
        optionalElement('Prefix', encode(input.prefix)) +
        optionalElement('EncodingType', input.encoding) +
        element('MaxUploads', input.maxUploads) +
        element('IsTruncated', String(out.truncated)) +
        uploads,
    ),
  )
}

export const listMultipartUploads = operation({
  name: 'ListMultipartUploads',
  match: { method: 'GET', level: Level.bucket, selector: 'uploads' },
  access: 'list',
  body: 'none',
  refuses: [],
  parse: parseUploads,
  render: renderUploads,
  faults: ['argument-invalid', 'bucket-missing', 'access-denied', 'region-wrong'],
})
