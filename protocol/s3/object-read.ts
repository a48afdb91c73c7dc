/** GetObject and HeadObject: what they ask for, and how an object is answered. */

import type { CustomerKey } from '../encryption.ts'
import { type Fault, fault } from '../fault.ts'
import { formatHttpDate } from '../http-date.ts'
import { type ByteSource, type KeptHeaders, Level, operation, type Reply, type WireRequest } from '../operation.ts'
import { type Checksums, type ChecksumType, compositeSuffix, pushChecksumHeaders } from './checksum-headers.ts'
import { type Conditions, parseReadConditions } from './conditions.ts'
import type { CustomerKeyFault } from './customer-key.ts'
import { type Description, pushDescription } from './description.ts'
import { type EncryptionAnswer, parseReadingEncryption, pushEncryptionHeaders, readingKeyFaults } from './encryption.ts'
import { expirationHeader } from './lifecycle.ts'
import type { LifecycleDue } from './lifecycle-rule.ts'
import { checkKey } from './names.ts'
import { type AskedRange, parseRange, type Span } from './ranges.ts'
import { type RestoreState, restoreHeader } from './restore.ts'
import { type AskedVersion, parseVersion, pushVersion, type VersionName } from './version-id.ts'

export interface ReadInput {
  readonly bucket: string
  readonly key: string
  /** undefined: the current one. */
  readonly version: AskedVersion | undefined
  readonly conditions: Conditions
  readonly range: AskedRange | undefined
  /** The Range header as sent, for the error that quotes it. */
  readonly rangeText: string
  /** The range counts only if this ETag or date still holds (RFC 9110 §13.1.5); '' when absent. */
  readonly ifRange: string
  readonly partNumber: number | undefined
  readonly withChecksums: boolean
  /** Response headers that the query overrides: lower-case names. */
  readonly overrides: Readonly<Record<string, string>> | undefined
  /** A part's checksum is told of full-object ones too. */
  readonly ceph: boolean
  /** What the bytes were encrypted with, when the client says so. */
  readonly customerKey: CustomerKey | undefined
}

/** An object as the store describes it. */
export interface ReadableObject extends Description {
  readonly sizeBytes: number
  readonly etag: string
  readonly modifiedAtMs: number
  readonly parts: number
  readonly checksumType: ChecksumType | undefined
  readonly checksums: Checksums
  /** Of an object that is kept to be answered again: what a plain GET answers. */
  readonly kept?: KeptHeaders | undefined
}

export interface ReadOutput extends EncryptionAnswer {
  readonly object: ReadableObject
  readonly input: ReadInput
  /** undefined in a bucket that never had versions. */
  readonly version?: VersionName | undefined
  readonly expiration?: LifecycleDue | undefined
  /** Of an archived object. */
  readonly restore?: RestoreState | undefined
  /** The bytes answered when not simply all: status 206. */
  readonly span: Span | undefined
  /** Checksums of one part, when a part of a composite object was asked for. */
  readonly partChecksums: Checksums | undefined
  /** Ignored by HeadObject. */
  readonly body: Uint8Array | ByteSource | null
}

export type ReadFault = CustomerKeyFault | Fault<'request-invalid'> | Fault<'key-too-long'>

const overridable: Readonly<Record<string, string>> = {
  'response-content-type': 'content-type',
  'response-content-language': 'content-language',
  'response-expires': 'expires',
  'response-cache-control': 'cache-control',
  'response-content-disposition': 'content-disposition',
  'response-content-encoding': 'content-encoding',
}

function parseRead(request: WireRequest): ReadInput | ReadFault {
  const tooLong = checkKey(request.key)
  if (tooLong !== undefined) return tooLong
  const rangeText = request.header('range')
  let version: AskedVersion | undefined
  let partNumber: number | undefined
  let overrides: Record<string, string> | undefined
  if (request.query.size > 0) {
    const asked = parseVersion(request)
    if (typeof asked === 'object') return asked
    version = asked
    const part = parsePartNumber(request.query.get('partNumber'))
    if (typeof part === 'object') return part
    partNumber = part
    if (partNumber !== undefined && rangeText !== '')
      return fault('request-invalid', { message: 'Cannot specify both Range header and partNumber query parameter' })
    for (const [name, value] of request.query) {
      if (!name.startsWith('response-') || !Object.hasOwn(overridable, name)) continue
      const bad = checkOverride(name, value)
      if (bad !== undefined) return bad
      overrides ??= {}
      overrides[overridable[name]!] ??= value
    }
  }
  const customerKey = parseReadingEncryption(request)
  if (customerKey !== undefined && 'code' in customerKey) return customerKey
  return {
    bucket: request.bucket,
    key: request.key,
    version,
    conditions: parseReadConditions(request),
    range: parseRange(rangeText),
    rangeText,
    ifRange: rangeText === '' ? '' : request.header('if-range'),
    partNumber,
    withChecksums: request.header('x-amz-checksum-mode').toUpperCase() === 'ENABLED',
    overrides,
    ceph: request.dialect === 'ceph',
    customerKey,
  }
}

/** `partNumber`: 1 to 10,000; undefined when absent. */
export function parsePartNumber(text: string | undefined): number | undefined | Fault<'argument-invalid'> {
  if (text === undefined) return undefined
  const number = /^[0-9]{1,9}$/.test(text) ? Number(text) : 0
  if (number >= 1 && number <= 10_000) return number
  return fault('argument-invalid', {
    name: 'partNumber',
    value: text,
    message: 'Part number must be an integer between 1 and 10000, inclusive',
  })
}

/** A value that would end its header line, or that no header can carry, is refused. */
function checkOverride(name: string, value: string): Fault<'argument-invalid'> | undefined {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i)
    if (code > 0xff)
      return fault('argument-invalid', {
        name,
        value,
        message: 'Header value cannot be represented using ISO-8859-1.',
      })
    if ((code < 0x20 && code !== 0x09) || code === 0x7f)
      return fault('argument-invalid', { name, value: '', message: 'Header value contains a control character.' })
  }
  return undefined
}

/** The headers of an object, for GET and HEAD alike. Built in one array, without intermediate objects: the hot path. */
function readHeaders(out: ReadOutput): string[] {
  const { object, input, span } = out
  const headers: string[] = [
    'Last-Modified',
    formatHttpDate(object.modifiedAtMs),
    'ETag',
    `"${object.etag}"`,
    'Accept-Ranges',
    'bytes',
  ]
  pushEncryptionHeaders(headers, out)
  pushVersion(headers, out.version)
  if (out.expiration !== undefined) headers.push('x-amz-expiration', expirationHeader(out.expiration))
  if (out.restore !== undefined) headers.push('x-amz-restore', restoreHeader(out.restore))
  if (input.overrides === undefined) pushDescription(headers, object)
  else pushDescription(headers, { ...object, headers: { ...object.headers, ...input.overrides } })
  if (span !== undefined && object.sizeBytes > 0)
    headers.push('Content-Range', `bytes ${span.offset}-${span.offset + span.length - 1}/${object.sizeBytes}`)
  if (input.partNumber !== undefined && object.parts > 0) headers.push('x-amz-mp-parts-count', String(object.parts))
  if (input.withChecksums) pushChecksums(headers, out)
  return headers
}

/** Its headers say nothing but what the object is: nothing of the request, and nothing that passes. */
function isPlain({ input, span, expiration, restore, customerKey }: ReadOutput): boolean {
  return (
    span === undefined &&
    input.overrides === undefined &&
    input.partNumber === undefined &&
    !input.withChecksums &&
    expiration === undefined &&
    restore === undefined &&
    customerKey === undefined
  )
}

/** S3 answers checksums with the whole object, or with one part of a composite one; never with another range. */
function pushChecksums(headers: string[], out: ReadOutput): void {
  const { object, span } = out
  if (out.partChecksums !== undefined) pushChecksumHeaders(headers, out.partChecksums, object.checksumType, '')
  else if (span === undefined || span.length === object.sizeBytes)
    pushChecksumHeaders(
      headers,
      object.checksums,
      object.checksumType,
      compositeSuffix(object.checksumType, object.parts),
    )
}

const faults = [
  'argument-invalid',
  'request-invalid',
  'key-too-long',
  'bucket-missing',
  'access-denied',
  'region-wrong',
  'object-missing',
  'version-missing',
  'method-not-allowed',
  'object-archived',
  'not-modified',
  'precondition-failed',
  'range-unsatisfiable',
  'part-range-unsatisfiable',
  ...readingKeyFaults,
] as const

export const getObject = operation({
  name: 'GetObject',
  match: { method: 'GET', level: Level.object, selector: '' },
  access: 'read',
  body: 'none',
  refuses: [],
  parse: parseRead,
  render: (out: ReadOutput): Reply => {
    const kept = isPlain(out) ? out.object.kept : undefined
    if (kept === undefined)
      return { status: out.span === undefined ? 200 : 206, headers: readHeaders(out), kept, body: out.body }
    if (kept.headers.length === 0) kept.headers = readHeaders(out)
    return { status: 200, headers: kept.headers, kept, body: out.body }
  },
  faults,
})

export const headObject = operation({
  name: 'HeadObject',
  match: { method: 'HEAD', level: Level.object, selector: '' },
  access: 'read',
  body: 'none',
  refuses: [],
  parse: parseRead,
  render: (out: ReadOutput): Reply => {
    const headers = readHeaders(out)
    headers.push('Content-Length', String(out.span === undefined ? out.object.sizeBytes : out.span.length))
    return { status: out.span === undefined ? 200 : 206, headers, body: null }
  },
  faults,
})
