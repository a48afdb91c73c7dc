/** PutObject, and what every operation with a payload declares about it. */
import { type Fault, fault } from '../fault.ts'
import { Level, operation, type Reply, type WireRequest } from '../operation.ts'
import {
  type ChecksumFault,
  type Checksums,
  type ChecksumType,
  type DeclaredChecksum,
  isBase64Of,
  parseDeclaredChecksum,
  pushChecksumHeaders,
  refusedChecksumHeaders,
} from './checksum-headers.ts'
import { type Conditions, parseWriteConditions } from './conditions.ts'
import {
  type Description,
  type DescriptionFault,
  descriptionFaults,
  parseDescription,
  refusedWriteHeaders,
} from './description.ts'
import { type EncryptionAnswer, pushNewEncryptionHeaders } from './encryption.ts'
import { expirationHeader } from './lifecycle.ts'
import type { LifecycleDue } from './lifecycle-rule.ts'
import { checkKey } from './names.ts'
import { pushVersion, type VersionName } from './version-id.ts'

/** What the client says its payload's digests are. */
export interface Integrity {
  readonly checksum: DeclaredChecksum | undefined
  /** Content-MD5, base64. */
  readonly md5: string | undefined
}

export interface PutInput extends Integrity {
  readonly bucket: string
  readonly key: string
  readonly description: Description
  readonly conditions: Conditions
}

export interface PutOutput extends EncryptionAnswer {
  /** Without quotes. */
  readonly etag: string
  readonly checksums: Checksums
  readonly checksumType: ChecksumType | undefined
  readonly version?: VersionName | undefined
  readonly expiration?: LifecycleDue | undefined
}

/** Most bytes of an object put whole, and of a part. */
export const putLimitBytes = 5 * 1024 ** 3

/** What may go wrong while a payload is received and checked. */
export const payloadFaults = [
  'body-truncated',
  'body-too-slow',
  'body-too-large',
  'object-too-large',
  'length-missing',
  'chunk-signature-mismatch',
  'signature-mismatch',
  'signature-malformed',
  'payload-hash-mismatch',
  'digest-malformed',
  'digest-mismatch',
  'checksum-malformed',
  'checksum-mismatch',
  'checksum-missing',
  'request-invalid',
  'header-refused',
  'storage-full',
] as const
export type PayloadFault = Fault<(typeof payloadFaults)[number]>

export function parseIntegrity(request: WireRequest): Integrity | ChecksumFault | Fault<'digest-malformed'> {
  const checksum = parseDeclaredChecksum(request)
  if (checksum !== undefined && 'code' in checksum) return checksum
  const md5 = request.header('content-md5')
  // An empty Content-MD5 is malformed, an absent one is not: header() answers '' for both.
  if (md5 === '' ? isSent(request, 'content-md5') : !isBase64Of(md5, 16))
    return fault('digest-malformed', { value: md5 })
  return { checksum, md5: md5 === '' ? undefined : md5 }
}

function isSent(request: WireRequest, name: string): boolean {
  const headers = request.headers
  for (let i = 0; i < headers.length; i += 2) if (headers[i] === name) return true
  return false
}

export type PutFault =
  | DescriptionFault
  | Fault<'key-too-long'>
  | ChecksumFault
  | Fault<'digest-malformed'>
  | Fault<'method-not-allowed'>

export function parsePut(request: WireRequest): PutInput | PutFault {
  // A part number without an upload must not overwrite the object of that name.
  if (request.query.size > 0 && request.query.has('partNumber')) return fault('method-not-allowed')
  const tooLong = checkKey(request.key)
  if (tooLong !== undefined) return tooLong
  const description = parseDescription(request)
  if ('code' in description) return description
  const integrity = parseIntegrity(request)
  if ('code' in integrity) return integrity
  const conditions = parseWriteConditions(request)
  if ('code' in conditions) return conditions
  return {
    bucket: request.bucket,
    key: request.key,
    description,
    checksum: integrity.checksum,
    md5: integrity.md5,
    conditions,
  }
}

/** What the answer to a write says about the object. */
export function putHeaders(out: PutOutput): string[] {
  const headers: string[] = []
  pushNewEncryptionHeaders(headers, out)
  headers.push('ETag', `"${out.etag}"`)
  pushChecksumHeaders(headers, out.checksums, out.checksumType, '')
  pushVersion(headers, out.version)
  if (out.expiration !== undefined) headers.push('x-amz-expiration', expirationHeader(out.expiration))
  return headers
}

export const putObject = operation({
  name: 'PutObject',
  match: { method: 'PUT', level: Level.object, selector: '' },
  access: 'write',
  body: 'stream',
  refuses: [...refusedWriteHeaders, ...refusedChecksumHeaders],
  parse: parsePut,
  render: (out: PutOutput): Reply => ({ status: 200, headers: putHeaders(out), body: null }),
  faults: [
    ...payloadFaults,
    ...descriptionFaults,
    'key-too-long',
    'method-not-allowed',
    'bucket-missing',
    'access-denied',
    'region-wrong',
    'object-missing',
    'precondition-failed',
    'condition-conflict',
  ],
})
