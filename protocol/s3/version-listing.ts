/** ListObjectVersions: what it asks and how it is answered. */
import { Fault, fault } from '../fault.ts'
import { formatIsoDate } from '../http-date.ts'
import type { Reply, WireRequest } from '../operation.ts'
import { element, escapeXml } from '../xml.ts'
import { type ArgumentFault, argumentInvalid, parseKeyPage, parseText } from './parameters.ts'
import type { RestoreState } from './restore.ts'
import { formatTimestamp } from './timestamps.ts'
import { decodeVersionId } from './version-ids.ts'
import {
  checksumAlgorithmName,
  encodeKey,
  type KeyEncoding,
  type Owner,
  ownerElement,
  s3Document,
  xmlReply,
} from './xml.ts'

/** A version by what its id says: its sequence, or the null version. */
export type VersionRef = number | 'null'

export interface VersionListing {
  readonly bucket: string
  readonly prefix: string
  readonly delimiter: string
  readonly limit: number
  readonly encoding: KeyEncoding
  /** List after this key: '' from the first. */
  readonly keyMarker: string
  /** List after this version of it; undefined: after all its versions. */
  readonly versionMarker: VersionRef | undefined
  /** As sent; '' when absent. */
  readonly versionIdMarker: string
  readonly withRestoreStatus: boolean
}

interface ListedKey {
  readonly key: string
  /** 'null' for a null version. */
  readonly versionId: string
  readonly isLatest: boolean
  readonly modifiedAtMs: number
  readonly owner: Owner
}
export interface ListedVersion extends ListedKey {
  readonly kind: 'version'
  /** Without quotes. */
  readonly etag: string
  readonly sizeBytes: number
  readonly storageClass: string
  readonly checksumType: string | undefined
  /** In lower case. */
  readonly checksumNames: readonly string[]
  /** Of an archived object that is or was asked for. */
  readonly restore?: RestoreState | undefined
}
export interface ListedMarker extends ListedKey {
  readonly kind: 'delete-marker'
}

export interface VersionListAnswer {
  readonly asked: VersionListing
  /** By key, the newest version of each first. */
  readonly entries: readonly (ListedVersion | ListedMarker)[]
  readonly commonPrefixes: readonly string[]
  /** Where to go on; undefined when this is all. Without a version after a common prefix. */
  readonly next: { readonly key: string; readonly versionId?: string } | undefined
  readonly region: string
}

export function parseVersionListing(request: WireRequest): VersionListing | ArgumentFault {
  const { query, bucket } = request
  const page = parseKeyPage(query)
  if ('code' in page) return page
  const keyMarker = parseText(query, 'key-marker')
  if (typeof keyMarker !== 'string') return keyMarker
  const versionIdMarker = query.get('version-id-marker') ?? ''
  const versionMarker = parseVersionMarker(versionIdMarker, keyMarker)
  if (versionMarker instanceof Fault) return versionMarker
  const withRestoreStatus = parseOptionalAttributes(request)
  if (typeof withRestoreStatus !== 'boolean') return withRestoreStatus
  return { bucket, ...page, keyMarker, versionMarker, versionIdMarker, withRestoreStatus }
}

function parseVersionMarker(text: string, keyMarker: string): VersionRef | undefined | ArgumentFault {
  if (text === '') return undefined
  if (keyMarker === '')
    return argumentInvalid('version-id-marker', 'A version-id marker cannot be specified without a key marker.', text)
  if (text === 'null') return text
  return decodeVersionId(text) ?? argumentInvalid('version-id-marker', 'Invalid version id specified', text)
}

/** x-amz-optional-object-attributes of the listings: whether RestoreStatus, the only one there is, is asked for. */
export function parseOptionalAttributes(request: WireRequest): boolean | ArgumentFault {
  let withRestoreStatus = false
  for (const part of request.header('x-amz-optional-object-attributes').split(',')) {
    const name = part.trim()
    if (name === 'RestoreStatus') withRestoreStatus = true
    else if (name !== '')
      return fault('argument-invalid', {
        name: 'x-amz-optional-object-attributes',
        value: name,
        message: 'Invalid attribute name specified.',
      })
  }
  return withRestoreStatus
}

export function renderVersionListing({ asked, entries, commonPrefixes, next, region }: VersionListAnswer): Reply {
  // What is percent-encoded has nothing left to escape.
  const written = asked.encoding === undefined ? escapeXml : (key: string) => encodeKey(key, 'url')
  let xml =
    element('Name', asked.bucket) +
    `<Prefix>${written(asked.prefix)}</Prefix><KeyMarker>${written(asked.keyMarker)}</KeyMarker>` +
    element('VersionIdMarker', asked.versionIdMarker)
  if (next !== undefined) {
    xml += `<NextKeyMarker>${written(next.key)}</NextKeyMarker>`
    if (next.versionId !== undefined) xml += element('NextVersionIdMarker', next.versionId)
  }
  xml += `<MaxKeys>${asked.limit}</MaxKeys>`
  if (asked.delimiter !== '') xml += `<Delimiter>${written(asked.delimiter)}</Delimiter>`
  if (asked.encoding !== undefined) xml += '<EncodingType>url</EncodingType>'
  xml += `<IsTruncated>${next !== undefined}</IsTruncated>`
  for (const entry of entries) {
    const tag = entry.kind === 'version' ? 'Version' : 'DeleteMarker'
    xml +=
      `<${tag}><Key>${written(entry.key)}</Key><VersionId>${entry.versionId}</VersionId>` +
      `<IsLatest>${entry.isLatest}</IsLatest><LastModified>${formatIsoDate(entry.modifiedAtMs)}</LastModified>` +
      (entry.kind === 'version' ? contentXml(entry, asked.withRestoreStatus) : '') +
      `${ownerElement('Owner', entry.owner)}</${tag}>`
  }
  for (const prefix of commonPrefixes) xml += `<CommonPrefixes><Prefix>${written(prefix)}</Prefix></CommonPrefixes>`
  return xmlReply(s3Document('ListVersionsResult', xml), ['x-amz-bucket-region', region])
}

function contentXml(version: ListedVersion, withRestoreStatus: boolean): string {
  let xml = `<ETag>&quot;${version.etag}&quot;</ETag>`
  for (const name of version.checksumNames)
    xml += `<ChecksumAlgorithm>${checksumAlgorithmName(name)}</ChecksumAlgorithm>`
  if (version.checksumType !== undefined) xml += `<ChecksumType>${version.checksumType}</ChecksumType>`
  xml += `<Size>${version.sizeBytes}</Size><StorageClass>${version.storageClass}</StorageClass>`
  return withRestoreStatus ? xml + restoreStatusXml(version.restore) : xml
}

/** RestoreStatus of a listed object; nothing for one that was never asked for. */
export function restoreStatusXml(restore: RestoreState | undefined): string {
  if (restore === undefined) return ''
  const running = restore.kind === 'running'
  const expiry = running ? '' : `<RestoreExpiryDate>${formatTimestamp(restore.expiresAtMs)}</RestoreExpiryDate>`
  return `<RestoreStatus><IsRestoreInProgress>${running}</IsRestoreInProgress>${expiry}</RestoreStatus>`
}
