/** GetObjectAttributes. */

import type { CustomerKey } from '../encryption.ts'
import { type Fault, fault } from '../fault.ts'
import { formatHttpDate } from '../http-date.ts'
import { Level, operation, type Reply, type WireRequest } from '../operation.ts'
import { type Checksums, checksumXml, compositeSuffix } from './checksum-headers.ts'
import type { CustomerKeyFault } from './customer-key.ts'
import { parseReadingEncryption, readingKeyFaults } from './encryption.ts'
import { parseCount } from './multipart-list.ts'
import { checkKey } from './names.ts'
import type { ReadableObject } from './object-read.ts'
import { type AskedVersion, parseVersion, pushVersion, type VersionName } from './version-id.ts'
import { s3Document, xmlReply } from './xml.ts'

const attributes = ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize'] as const
export type Attribute = (typeof attributes)[number]

export interface AttributesInput {
  readonly bucket: string
  readonly key: string
  readonly version: AskedVersion | undefined
  readonly wanted: ReadonlySet<Attribute>
  /** List parts after this number, at most so many. */
  readonly afterPart: number
  readonly maxParts: number
  readonly ceph: boolean
  readonly customerKey: CustomerKey | undefined
}

export interface AttributesOutput {
  readonly object: ReadableObject
  readonly input: AttributesInput
  readonly version?: VersionName | undefined
  /** Undefined when no part list is due: S3 lists the parts of composite objects only. */
  readonly page:
    | {
        readonly parts: readonly {
          readonly number: number
          readonly sizeBytes: number
          readonly checksums: Checksums
        }[]
        readonly truncated: boolean
      }
    | undefined
}

type AttributesFault = CustomerKeyFault | Fault<'request-invalid'> | Fault<'key-too-long'>

function parseAttributes(request: WireRequest): AttributesInput | AttributesFault {
  const tooLong = checkKey(request.key)
  if (tooLong !== undefined) return tooLong
  const version = parseVersion(request)
  if (typeof version === 'object') return version
  const header = request.header('x-amz-object-attributes')
  const wanted = new Set<Attribute>()
  for (const part of header.split(',')) {
    const name = part.trim()
    if (name === '') continue
    if (!(attributes as readonly string[]).includes(name))
      return fault('argument-invalid', {
        name: 'x-amz-object-attributes',
        value: name,
        message: 'Invalid attribute name specified.',
      })
    wanted.add(name as Attribute)
  }
  if (wanted.size === 0)
    return fault('request-invalid', {
      message:
        'The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty',
    })
  const maxParts = parseCount('x-amz-max-parts', request.header('x-amz-max-parts'), 1000)
  if (typeof maxParts !== 'number') return maxParts
  const afterPart = parseCount('x-amz-part-number-marker', request.header('x-amz-part-number-marker'), 0)
  if (typeof afterPart !== 'number') return afterPart
  const customerKey = parseReadingEncryption(request)
  if (customerKey !== undefined && 'code' in customerKey) return customerKey
  const { bucket, key } = request
  const ceph = request.dialect === 'ceph'
  return { bucket, key, version, wanted, afterPart, maxParts: Math.min(maxParts, 1000), ceph, customerKey }
}

function renderAttributes(out: AttributesOutput): Reply {
  const { object, input } = out
  const { wanted } = input
  let xml = ''
  if (wanted.has('ETag')) xml += `<ETag>${object.etag}</ETag>`
  if (wanted.has('Checksum')) {
    // Ceph writes a composite one as everywhere else, with the number of its parts.
    const suffix = input.ceph ? compositeSuffix(object.checksumType, object.parts) : ''
    const checksums = checksumXml(object.checksums, suffix)
    if (checksums !== '' && object.checksumType !== undefined)
      xml += `<Checksum>${checksums}<ChecksumType>${object.checksumType}</ChecksumType></Checksum>`
  }
  if (wanted.has('ObjectParts') && object.parts > 0) xml += partsXml(out)
  if (wanted.has('StorageClass')) xml += `<StorageClass>${object.storageClass}</StorageClass>`
  if (wanted.has('ObjectSize')) xml += `<ObjectSize>${object.sizeBytes}</ObjectSize>`
  const headers = ['Last-Modified', formatHttpDate(object.modifiedAtMs)]
  pushVersion(headers, out.version)
  return xmlReply(s3Document('GetObjectAttributesResponse', xml), headers)
}

function partsXml(out: AttributesOutput): string {
  const { page, input } = out
  const total = `<PartsCount>${out.object.parts}</PartsCount>`
  if (page === undefined) return `<ObjectParts>${total}</ObjectParts>`
  let xml =
    total +
    `<PartNumberMarker>${input.afterPart}</PartNumberMarker>` +
    `<NextPartNumberMarker>${page.parts.at(-1)?.number ?? 0}</NextPartNumberMarker>` +
    `<MaxParts>${input.maxParts}</MaxParts><IsTruncated>${page.truncated}</IsTruncated>`
  for (const part of page.parts)
    xml += `<Part><PartNumber>${part.number}</PartNumber><Size>${part.sizeBytes}</Size>${checksumXml(part.checksums)}</Part>`
  return `<ObjectParts>${xml}</ObjectParts>`
}

export const getObjectAttributes = operation({
  name: 'GetObjectAttributes',
  match: { method: 'GET', level: Level.object, selector: 'attributes' },
  access: 'read',
  body: 'none',
  refuses: [],
  parse: parseAttributes,
  render: renderAttributes,
  faults: [
    'argument-invalid',
    'request-invalid',
    'key-too-long',
    'bucket-missing',
    'access-denied',
    'region-wrong',
    'object-missing',
    'version-missing',
    'method-not-allowed',
    ...readingKeyFaults,
  ],
})
