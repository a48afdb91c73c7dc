/** ListObjects and ListObjectsV2: one listing, two ways to ask and answer. */
import { formatIsoDate } from '../http-date.ts'
import { Level, operation, type Reply, type WireRequest } from '../operation.ts'
import { element, escapeXml } from '../xml.ts'
import { bucketFaults } from './bucket.ts'
import { type ArgumentFault, argumentInvalid, decodeToken, encodeToken, parseKeyPage, parseText } from './parameters.ts'
import type { RestoreState } from './restore.ts'
import { parseOptionalAttributes, restoreStatusXml } from './version-listing.ts'
import {
  checksumAlgorithmName,
  encodeKey,
  type KeyEncoding,
  type Owner,
  ownerElement,
  s3Document,
  xmlReply,
} from './xml.ts'

export interface Listing {
  readonly bucket: string
  readonly prefix: string
  readonly delimiter: string
  /** List strictly after this key or common prefix. */
  readonly after: string
  readonly limit: number
  readonly encoding: KeyEncoding
  readonly withRestoreStatus: boolean
}
export interface ListObjectsRequest extends Listing {
  readonly marker: string
  /** The prefix is answered as it is, whatever the encoding. */
  readonly ceph: boolean
}
export interface ListObjectsV2Request extends Listing {
  readonly startAfter: string
  readonly token: string | undefined
  readonly withOwner: boolean
  readonly ceph: boolean
}

/** What a listing says of one object. ETag without quotes; checksum names in lower case. */
export interface ListedEntry {
  readonly key: string
  readonly sizeBytes: number
  readonly etag: string
  readonly modifiedAtMs: number
  readonly storageClass: string
  readonly checksumType: string | undefined
  readonly checksumNames: readonly string[]
  /** Of an archived object that is or was asked for, when the listing asks. */
  readonly restore?: RestoreState | undefined
  readonly ownerId: number
}
export interface ListAnswer<Asked extends Listing> {
  readonly asked: Asked
  readonly entries: readonly ListedEntry[]
  readonly commonPrefixes: readonly string[]
  readonly truncated: boolean
  readonly last: string
  /** By the entries' `ownerId`. */
  readonly ownerOf: (ownerId: number) => Owner
  readonly region: string
}

const tokenKind = 'objects'

function parseListing(request: WireRequest): Omit<Listing, 'after'> | ArgumentFault {
  const page = parseKeyPage(request.query)
  if ('code' in page) return page
  const withRestoreStatus = parseOptionalAttributes(request)
  if (typeof withRestoreStatus !== 'boolean') return withRestoreStatus
  return { bucket: request.bucket, ...page, withRestoreStatus }
}

function parseListObjects(request: WireRequest): ListObjectsRequest | ArgumentFault {
  const listing = parseListing(request)
  if (!('bucket' in listing)) return listing
  const marker = parseText(request.query, 'marker')
  if (typeof marker !== 'string') return marker
  return { ...listing, marker, after: marker, ceph: request.dialect === 'ceph' }
}

function parseListObjectsV2(request: WireRequest): ListObjectsV2Request | ArgumentFault {
  const { query } = request
  const type = query.get('list-type')
  if (type !== '2') return argumentInvalid('list-type', 'Invalid List Type specified in Request', type ?? '')
  const listing = parseListing(request)
  if (!('bucket' in listing)) return listing
  const startAfter = parseText(query, 'start-after')
  if (typeof startAfter !== 'string') return startAfter
  const token = query.get('continuation-token')
  // A token outdoes start-after, which S3 then also leaves out of its answer.
  const ceph = request.dialect === 'ceph'
  const after = token === undefined || (ceph && token === '') ? startAfter : decodeToken(tokenKind, token)
  if (after === undefined) return argumentInvalid('continuation-token', 'The continuation token provided is incorrect')
  return { ...listing, after, startAfter, token, withOwner: query.get('fetch-owner') === 'true', ceph }
}

/** One string is appended to: 1,000 entries in about 1 ms. */
function renderEntries(answer: ListAnswer<Listing>, withOwner: boolean): string {
  // What is percent-encoded has nothing left to escape.
  const written = answer.asked.encoding === undefined ? escapeXml : (key: string) => encodeKey(key, 'url')
  const owners = withOwner ? new Map<number, string>() : undefined
  let xml = ''
  for (const entry of answer.entries) {
    const owner = owners === undefined ? '' : ownerXml(owners, entry.ownerId, answer)
    xml +=
      `<Contents><Key>${written(entry.key)}</Key>` +
      `<LastModified>${formatIsoDate(entry.modifiedAtMs)}</LastModified><ETag>&quot;${entry.etag}&quot;</ETag>`
    for (const name of entry.checksumNames)
      xml += `<ChecksumAlgorithm>${checksumAlgorithmName(name)}</ChecksumAlgorithm>`
    if (entry.checksumType !== undefined) xml += `<ChecksumType>${entry.checksumType}</ChecksumType>`
    xml += `<Size>${entry.sizeBytes}</Size>${owner}<StorageClass>${entry.storageClass}</StorageClass>`
    if (entry.restore !== undefined) xml += restoreStatusXml(entry.restore)
    xml += '</Contents>'
  }
  for (const prefix of answer.commonPrefixes)
    xml += `<CommonPrefixes><Prefix>${written(prefix)}</Prefix></CommonPrefixes>`
  return xml
}

/** Made once for each owner: most pages have one. */
function ownerXml(known: Map<number, string>, ownerId: number, { ownerOf }: ListAnswer<Listing>): string {
  let xml = known.get(ownerId)
  if (xml === undefined) {
    xml = ownerElement('Owner', ownerOf(ownerId))
    known.set(ownerId, xml)
  }
  return xml
}

/** The elements after the page size that both answers share. */
function renderShared({ asked, truncated }: ListAnswer<Listing>): string {
  return (
    `<MaxKeys>${asked.limit}</MaxKeys>` +
    (asked.delimiter === '' ? '' : element('Delimiter', encodeKey(asked.delimiter, asked.encoding))) +
    (asked.encoding === undefined ? '' : '<EncodingType>url</EncodingType>') +
    `<IsTruncated>${truncated}</IsTruncated>`
  )
}

function renderHead({ asked }: ListAnswer<Listing>): string {
  return element('Name', asked.bucket) + element('Prefix', encodeKey(asked.prefix, asked.encoding))
}

function renderListObjects(answer: ListAnswer<ListObjectsRequest>): Reply {
  const { asked, truncated, last, region } = answer
  // Without a delimiter the last key is the next marker, and S3 leaves it to the client to know.
  const next = truncated && asked.delimiter !== '' ? element('NextMarker', encodeKey(last, asked.encoding)) : ''
  const document = s3Document(
    'ListBucketResult',
    (asked.ceph ? element('Name', asked.bucket) + element('Prefix', asked.prefix) : renderHead(answer)) +
      element('Marker', encodeKey(asked.marker, asked.encoding)) +
      next +
      renderShared(answer) +
      renderEntries(answer, true),
  )
  return xmlReply(document, ['x-amz-bucket-region', region])
}

function renderListObjectsV2(answer: ListAnswer<ListObjectsV2Request>): Reply {
  const { asked, truncated, last, region } = answer
  let paging = ''
  if (asked.token !== undefined) paging += element('ContinuationToken', asked.token)
  if (asked.startAfter !== '' && (asked.token === undefined || asked.ceph))
    paging += element('StartAfter', encodeKey(asked.startAfter, asked.encoding))
  if (truncated) paging += element('NextContinuationToken', encodeToken(tokenKind, last))
  const document = s3Document(
    'ListBucketResult',
    renderHead(answer) +
      paging +
      `<KeyCount>${answer.entries.length + answer.commonPrefixes.length}</KeyCount>` +
      renderShared(answer) +
      renderEntries(answer, asked.withOwner),
  )
  return xmlReply(document, ['x-amz-bucket-region', region])
}

export const listingOperations = [
  operation({
    name: 'ListObjects',
    match: { method: 'GET', level: Level.bucket, selector: '' },
    access: 'list',
    body: 'none',
    refuses: [],
    parse: parseListObjects,
    render: renderListObjects,
    faults: [...bucketFaults, 'argument-invalid'],
  }),
  operation({
    name: 'ListObjectsV2',
    match: { method: 'GET', level: Level.bucket, selector: 'list-type' },
    access: 'list',
    body: 'none',
    refuses: [],
    parse: parseListObjectsV2,
    render: renderListObjectsV2,
    faults: [...bucketFaults, 'argument-invalid'],
  }),
] as const
