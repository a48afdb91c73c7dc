/** DeleteObject and DeleteObjects. */
import { Fault, fault } from '../fault.ts'
import { Level, operation, type Reply, type WireRequest } from '../operation.ts'

import { childText, element, parseXml, type XmlElement } from '../xml.ts'
import { refusedChecksumHeaders } from './checksum-headers.ts'
import { type DeleteConditions, parseDeleteConditions, unquote } from './conditions.ts'
import { checkDocument, type IntegrityFault, integrityFaults } from './document-integrity.ts'
import { describeFault } from './faults.ts'
import { checkKey } from './names.ts'
import { parseBypass } from './object-lock.ts'
import { type AskedVersion, parseVersion, parseVersionId, type VersionName, versionIdOf } from './version-id.ts'
import { checkMfa } from './versioning.ts'
import { s3Document, xmlReply } from './xml.ts'

export interface DeleteInput {
  readonly bucket: string
  readonly key: string
  readonly version: AskedVersion | undefined
  /** Overlook retention in governance mode. */
  readonly bypass: boolean
  readonly conditions: DeleteConditions
}

/** What a delete did. */
export interface DeleteOutput {
  /** A delete marker was put or, when a version was named, removed. */
  readonly marker: boolean
  /** Of the marker, or of what was removed; undefined in a bucket that never had versions. */
  readonly version: VersionName | undefined
}

const noContent: Reply = Object.freeze({ status: 204, headers: [], body: null })

export const deleteObject = operation({
  name: 'DeleteObject',
  match: { method: 'DELETE', level: Level.object, selector: '' },
  access: 'write',
  body: 'none',
  refuses: [],
  parse: (
    request: WireRequest,
  ):
    | DeleteInput
    | Fault<'header-refused'>
    | Fault<'argument-invalid'>
    | Fault<'key-too-long'>
    | Fault<'access-denied'> => {
    const tooLong = checkKey(request.key)
    if (tooLong !== undefined) return tooLong
    const version = parseVersion(request)
    if (typeof version === 'object') return version
    const conditions = parseDeleteConditions(request)
    if ('code' in conditions) return conditions
    const bypass = parseBypass(request) ?? false
    return checkMfa(request) ?? { bucket: request.bucket, key: request.key, version, bypass, conditions }
  },
  render: ({ marker, version }: DeleteOutput): Reply => {
    if (version === undefined) return noContent
    const headers = ['x-amz-version-id', versionIdOf(version)]
    if (marker) headers.push('x-amz-delete-marker', 'true')
    return { status: 204, headers, body: null }
  },
  faults: [
    'argument-invalid',
    'header-refused',
    'key-too-long',
    'bucket-missing',
    'access-denied',
    'region-wrong',
    'object-missing',
    'object-locked',
    'precondition-failed',
    'condition-conflict',
  ],
})

/** One entry of a DeleteObjects document: what to delete, or why it cannot be asked for. */
export interface DeleteItem {
  readonly key: string
  /** As sent; undefined when absent. */
  readonly versionId: string | undefined
  readonly version: AskedVersion | undefined
  readonly conditions: DeleteConditions
  readonly fault: Fault | undefined
}
export interface DeleteManyInput {
  readonly bucket: string
  readonly quiet: boolean
  readonly bypass: boolean
  readonly items: readonly DeleteItem[]
}
export interface DeleteManyOutput {
  readonly input: DeleteManyInput
  /** In the order of the items. */
  readonly results: readonly (Fault | DeleteOutput)[]
}

/** Documents of at most 1,000 keys; 2 MiB hold them with every byte escaped once. */
const itemLimit = 1000
const documentLimitBytes = 2 * 1024 * 1024

type DeleteManyFault = IntegrityFault | Fault<'xml-malformed'> | Fault<'access-denied'>

function parseDeleteMany(request: WireRequest, body: Uint8Array): DeleteManyInput | DeleteManyFault {
  // S3 demands a digest of this document.
  const broken = checkDocument(request, body, 'required')
  if (broken !== undefined) return broken
  const root = parseXml(body)
  if (root === undefined || root.name !== 'Delete') return fault('xml-malformed')
  const items: DeleteItem[] = []
  let quiet = false
  for (const child of root.children) {
    if (child.name === 'Quiet') {
      const text = child.text.trim().toLowerCase()
      if (text !== 'true' && text !== 'false') return fault('xml-malformed')
      quiet = text === 'true'
    } else if (child.name === 'Object') {
      const item = parseItem(child)
      if (item === undefined || items.length === itemLimit) return fault('xml-malformed')
      items.push(item)
    } else return fault('xml-malformed')
  }
  if (items.length === 0) return fault('xml-malformed')
  const bypass = parseBypass(request) ?? false
  return checkMfa(request) ?? { bucket: request.bucket, quiet, bypass, items }
}

function parseItem(object: XmlElement): DeleteItem | undefined {
  const key = childText(object, 'Key')
  if (key === undefined || key === '') return undefined
  const versionId = childText(object, 'VersionId') || undefined
  const version = parseVersionId(versionId)
  const etag = childText(object, 'ETag')
  return {
    key,
    versionId,
    version: typeof version === 'object' ? undefined : version,
    conditions: etag === undefined || etag === '' ? {} : { ifMatch: [unquote(etag.trim())] },
    fault: checkKey(key) ?? checkItemVersion(key, versionId, version) ?? checkItemConditions(object),
  }
}
/** An id that was never given out is missing here, and not invalid as it is elsewhere. */
function checkItemVersion(key: string, versionId: string | undefined, parsed: unknown): Fault | undefined {
  return typeof parsed === 'object' ? fault('version-missing', { key, versionId: versionId ?? '' }) : undefined
}
/** LastModifiedTime and Size are conditions of directory buckets only. */
function checkItemConditions(object: XmlElement): Fault | undefined {
  for (const name of ['LastModifiedTime', 'Size'])
    if (childText(object, name) !== undefined) return fault('header-refused', { header: name })
  return undefined
}

function renderDeleteMany(out: DeleteManyOutput): Reply {
  const { items, quiet } = out.input
  let xml = ''
  for (let i = 0; i < items.length; i++) {
    const { key, versionId } = items[i]!
    const version = versionId === undefined ? '' : element('VersionId', versionId)
    const result = out.results[i]!
    if (!(result instanceof Fault)) {
      if (!quiet) xml += `<Deleted>${element('Key', key)}${version}${markerXml(result)}</Deleted>`
    } else {
      const { code, message } = describeFault(result, { method: 'POST', resource: '', requestId: '', hostId: '', key })
      xml += `<Error>${element('Key', key)}${version}${element('Code', code)}${element('Message', message)}</Error>`
    }
  }
  return xmlReply(s3Document('DeleteResult', xml))
}

function markerXml({ marker, version }: DeleteOutput): string {
  if (!marker || version === undefined) return ''
  return `<DeleteMarker>true</DeleteMarker>${element('DeleteMarkerVersionId', versionIdOf(version))}`
}

export const deleteObjects = operation({
  name: 'DeleteObjects',
  match: { method: 'POST', level: Level.bucket, selector: 'delete' },
  access: 'write',
  body: { limitBytes: documentLimitBytes },
  refuses: refusedChecksumHeaders,
  parse: parseDeleteMany,
  render: renderDeleteMany,
  faults: ['xml-malformed', ...integrityFaults, 'bucket-missing', 'access-denied', 'region-wrong'],
})
