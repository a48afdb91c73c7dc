/** CompleteMultipartUpload. */
import type { CustomerKey } from '../encryption.ts'
import { type Fault, fault } from '../fault.ts'
import { type Dialect, Level, operation, type Reply, type WireRequest } from '../operation.ts'
import { element, parseXml, type XmlElement } from '../xml.ts'
import {
  type ChecksumFault,
  type ChecksumName,
  type Checksums,
  type ChecksumType,
  checksumElements,
  checksumNames,
  checksumXml,
  compositeSuffix,
  parseChecksumHeader,
  parseChecksumType,
  refusedChecksumHeaders,
} from './checksum-headers.ts'
import { type Conditions, parseWriteConditions, unquote } from './conditions.ts'
import { type CustomerKeyFault, parseReadingKey } from './customer-key.ts'
import { type EncryptionAnswer, pushEncryptionHeaders, uploadKeyFaults } from './encryption.ts'
import { expirationHeader } from './lifecycle.ts'
import type { LifecycleDue } from './lifecycle-rule.ts'
import { parseUpload, type UploadInput } from './multipart-upload.ts'
import { pushVersion, type VersionName } from './version-id.ts'
import { etagElement, s3Document, xmlReply } from './xml.ts'

/** A part as the client lists it. */
export interface ListedPart {
  readonly number: number
  /** Without quotes. */
  readonly etag: string
  readonly checksums: Checksums
}

export interface CompleteInput extends UploadInput {
  /** As listed; empty when there was no document at all. Their order is checked once the upload is known to exist. */
  readonly parts: readonly ListedPart[]
  /** The object's checksum as the client has it; composite ones may end in "-N". */
  readonly checksum: { readonly name: ChecksumName; readonly value: string } | undefined
  readonly checksumType: ChecksumType | undefined
  readonly sizeBytes: number | undefined
  readonly conditions: Conditions
  readonly dialect: Dialect
  readonly customerKey: CustomerKey | undefined
}

export interface CompleteOutput extends EncryptionAnswer {
  readonly input: CompleteInput
  readonly etag: string
  /** Of how many parts the object is made. */
  readonly parts: number
  readonly checksums: Checksums
  readonly checksumType: ChecksumType | undefined
  /** URL of the object in the client's own view. */
  readonly location: string
  readonly version?: VersionName | undefined
  readonly expiration?: LifecycleDue | undefined
}

/** 10,000 parts with a SHA-512 each, indented, are 3 MB. */
const documentLimitBytes = 4 * 1024 * 1024
const partLimit = 10_000

type CompleteFault =
  | ChecksumFault
  | Fault<'xml-malformed'>
  | Fault<'request-invalid'>
  | Fault<'header-refused'>
  | CustomerKeyFault

function parseComplete(request: WireRequest, body: Uint8Array): CompleteInput | CompleteFault {
  const upload = parseUpload(request)
  const { dialect = 'aws' } = request
  if (dialect === 'ceph' && body.length === 0) return fault('xml-malformed')
  const parts = parseParts(body)
  if ('code' in parts) return parts
  const checksum = parseChecksumHeader(request, true)
  if (checksum !== undefined && 'code' in checksum) return checksum
  const checksumType = parseChecksumType(request)
  if (typeof checksumType === 'object') return checksumType
  const conditions = parseWriteConditions(request)
  if ('code' in conditions) return conditions
  const size = request.header('x-amz-mp-object-size')
  if (size !== '' && !/^[0-9]{1,15}$/.test(size))
    return fault('argument-invalid', {
      name: 'x-amz-mp-object-size',
      value: size,
      message: 'Value for x-amz-mp-object-size header is invalid.',
    })
  const customerKey = parseReadingKey(request)
  if (customerKey !== undefined && 'code' in customerKey) return customerKey
  const sizeBytes = size === '' ? undefined : Number(size)
  return { ...upload, parts, checksum, checksumType, conditions, sizeBytes, dialect, customerKey }
}

function parseParts(body: Uint8Array): readonly ListedPart[] | Fault<'xml-malformed'> {
  if (body.length === 0) return []
  const root = parseXml(body)
  if (root === undefined || root.name !== 'CompleteMultipartUpload') return fault('xml-malformed')
  const parts: ListedPart[] = []
  for (const child of root.children) {
    const part = child.name === 'Part' ? parsePart(child) : undefined
    if (part === undefined || parts.length === partLimit) return fault('xml-malformed')
    parts.push(part)
  }
  return parts.length === 0 ? fault('xml-malformed') : parts
}

const elementNames = new Map<string, ChecksumName>(checksumNames.map(name => [checksumElements[name], name]))

function parsePart(part: XmlElement): ListedPart | undefined {
  let number: number | undefined
  let etag: string | undefined
  let checksums: Partial<Record<ChecksumName, string>> | undefined
  for (const child of part.children) {
    if (child.name === 'PartNumber') {
      const text = child.text.trim()
      if (!/^[0-9]{1,9}$/.test(text)) return undefined
      number = Number(text)
    } else if (child.name === 'ETag') etag = unquote(child.text.trim())
    else {
      const name = elementNames.get(child.name)
      if (name === undefined) continue
      checksums ??= {}
      checksums[name] = child.text.trim()
    }
  }
  if (number === undefined || etag === undefined) return undefined
  return { number, etag, checksums: checksums ?? none }
}
const none: Checksums = Object.freeze({})

export const completeMultipartUpload = operation({
  name: 'CompleteMultipartUpload',
  match: { method: 'POST', level: Level.object, selector: 'uploadId' },
  access: 'write',
  body: { limitBytes: documentLimitBytes },
  refuses: refusedChecksumHeaders,
  parse: parseComplete,
  render: (out: CompleteOutput): Reply => {
    const headers: string[] = []
    pushEncryptionHeaders(headers, out)
    pushVersion(headers, out.version)
    if (out.expiration !== undefined) headers.push('x-amz-expiration', expirationHeader(out.expiration))
    return xmlReply(
      s3Document(
        'CompleteMultipartUploadResult',
        element('Location', out.location) +
          element('Bucket', out.input.bucket) +
          element('Key', out.input.key) +
          etagElement(out.etag) +
          checksumXml(out.checksums, compositeSuffix(out.checksumType, out.parts)) +
          (out.checksumType === undefined ? '' : `<ChecksumType>${out.checksumType}</ChecksumType>`),
      ),
      headers,
    )
  },
  faults: [
    'xml-malformed',
    'argument-invalid',
    'request-invalid',
    'header-refused',
    'checksum-malformed',
    'checksum-mismatch',
    'part-order-invalid',
    'part-invalid',
    'part-too-small',
    'object-too-large',
    'bucket-missing',
    'access-denied',
    'region-wrong',
    'upload-missing',
    'object-missing',
    'precondition-failed',
    'condition-conflict',
    'storage-full',
    ...uploadKeyFaults,
  ],
})
