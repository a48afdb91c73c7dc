/** What a client says about an object and reads back: content headers, user metadata, storage class. */
import { Fault, fault } from '../fault.ts'
import type { WireRequest } from '../operation.ts'
import type { Properties } from '../properties.ts'
import { type AclHeaderFault, type AclRequest, parseAclHeaders } from './acl-request.ts'
import { encryptionName } from './customer-key.ts'
import { type EncryptionRequest, newKeyFaults, parseEncryption } from './encryption.ts'
import { parseLockHeaders, pushLockHeaders, refusedLockHeaders } from './object-lock.ts'
import { parseTagHeader, pushTagCount, type TagFault } from './tagging.ts'

export interface Description {
  /** Stored response headers by lower-case name; content-type is always there. */
  readonly headers: Readonly<Record<string, string>>
  /** User metadata by lower-case name without its prefix. */
  readonly metadata: Readonly<Record<string, string>>
  readonly storageClass: string
  readonly properties?: Properties | undefined
  /** Of a request: who may do what with the new object. */
  readonly acl?: AclRequest | undefined
  /** Of a request: what to encrypt the new object with; undefined when it says nothing of it. */
  readonly encryption?: EncryptionRequest | undefined
}

export const defaultContentType = 'binary/octet-stream'
export const standardStorageClass = 'STANDARD'
/** Those of general purpose buckets; OUTPOSTS, SNOW, EXPRESS_ONEZONE and FSX_* belong to other stores. */
const storageClasses: ReadonlySet<string> = new Set([
  standardStorageClass,
  'REDUCED_REDUNDANCY',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER_IR',
  'GLACIER',
  'DEEP_ARCHIVE',
])
/** An object in one of these is read after RestoreObject only. */
export function isArchived(storageClass: string): boolean {
  return storageClass === 'GLACIER' || storageClass === 'DEEP_ARCHIVE'
}

/** Names as answers write them. */
const headerNames: Readonly<Record<string, string>> = {
  'content-type': 'Content-Type',
  'cache-control': 'Cache-Control',
  'content-disposition': 'Content-Disposition',
  'content-encoding': 'Content-Encoding',
  'content-language': 'Content-Language',
  expires: 'Expires',
  'x-amz-website-redirect-location': 'x-amz-website-redirect-location',
}
const describing: ReadonlySet<string> = new Set(Object.keys(headerNames))

const metadataPrefix = 'x-amz-meta-'
/** "User-defined metadata": 2 KB, counted over the UTF-8 bytes of names (without prefix) and values. */
const metadataLimitBytes = 2048

export type DescriptionFault =
  | Fault<'metadata-too-large'>
  | Fault<'storage-class-invalid'>
  | Fault<'argument-invalid'>
  | TagFault
  | AclHeaderFault
/** What `parseDescription` may answer, and what a bucket may say to the properties it asks for. */
export const descriptionFaults = [
  'metadata-too-large',
  'storage-class-invalid',
  'argument-invalid',
  'tag-invalid',
  'tags-too-many',
  'lock-unavailable',
  'request-invalid',
  'acl-malformed',
  'acl-unsupported',
  'email-unresolvable',
  ...newKeyFaults,
] as const

/** Reads a description from a request that creates an object. */
export function parseDescription(request: WireRequest): Description | DescriptionFault {
  const storageClass = parseStorageClass(request)
  if (typeof storageClass !== 'string') return storageClass
  const stored: Record<string, string> = { 'content-type': defaultContentType }
  let metadata: Record<string, string> | undefined
  let metadataBytes = 0
  let encrypts = false
  const headers = request.headers
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!
    const value = headers[i + 1]!
    if (name.startsWith(metadataPrefix)) {
      const key = name.slice(metadataPrefix.length)
      if (key === '') continue
      metadata ??= Object.create(null) as Record<string, string>
      const before = metadata[key]
      metadata[key] = before === undefined ? value : `${before},${value}`
      metadataBytes += before === undefined ? Buffer.byteLength(key) : 1
      metadataBytes += Buffer.byteLength(value)
    } else if (describing.has(name) && value !== '') {
      const kept = name === 'content-encoding' ? withoutFraming(value) : value
      if (kept !== '') stored[name] = kept
    } else if (name.startsWith(encryptionName)) encrypts = true
  }
  if (metadataBytes > metadataLimitBytes)
    return fault('metadata-too-large', { sizeBytes: metadataBytes, limitBytes: metadataLimitBytes })
  const redirect = stored['x-amz-website-redirect-location']
  if (redirect !== undefined && !/^(?:https?:\/\/|\/)/.test(redirect))
    return fault('argument-invalid', {
      name: 'x-amz-website-redirect-location',
      value: redirect,
      message: "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.",
    })
  const properties = parseProperties(request)
  if (properties !== undefined && 'code' in properties) return properties
  const acl = parseAclHeaders(request)
  if (acl instanceof Fault) return acl
  return {
    headers: stored,
    metadata: metadata ?? noMetadata,
    storageClass: storageClass || standardStorageClass,
    properties,
    acl,
    encryption: encrypts ? parseEncryption(request) : undefined,
  }
}

/** Tags and lock that a request asks for its new object; undefined for none. */
function parseProperties(request: WireRequest): Properties | undefined | Fault<'argument-invalid'> | TagFault {
  const tags = parseTagHeader(request)
  if ('code' in tags) return tags
  const lock = parseLockHeaders(request)
  if (lock !== undefined && 'code' in lock) return lock
  if (tags.length === 0) return lock
  return { ...lock, tags }
}
const noMetadata: Readonly<Record<string, string>> = Object.freeze({})

/** x-amz-storage-class; '' when absent. */
export function parseStorageClass(request: WireRequest): string | Fault<'storage-class-invalid'> {
  const value = request.header('x-amz-storage-class')
  if (value === '' || storageClasses.has(value)) return value
  return fault('storage-class-invalid', { value })
}

/** `aws-chunked` frames the request; it is no encoding of the object (S3 stores the others). */
function withoutFraming(encoding: string): string {
  if (!/aws-chunked/i.test(encoding)) return encoding
  return encoding
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '' && part.toLowerCase() !== 'aws-chunked')
    .join(',')
}

/** Adds the stored headers and the metadata to an answer. */
export function pushDescription(headers: string[], description: Description): void {
  const stored = description.headers
  for (const name in stored) headers.push(headerNames[name] ?? name, stored[name]!)
  const metadata = description.metadata
  for (const name in metadata) headers.push(metadataPrefix + name, encodeMetadata(metadata[name]!))
  if (description.storageClass !== standardStorageClass) headers.push('x-amz-storage-class', description.storageClass)
  const properties = description.properties
  if (properties === undefined) return
  if (properties.tags !== undefined) pushTagCount(headers, properties.tags.length)
  pushLockHeaders(headers, properties)
  if (properties.replication !== undefined) headers.push('x-amz-replication-status', properties.replication)
}

const ascii = /^[\x09\x20-\x7e]*$/
/** Values with other than printable ASCII are answered as RFC 2047 words, as S3 does. */
function encodeMetadata(value: string): string {
  return ascii.test(value) ? value : `=?UTF-8?B?${Buffer.from(value).toString('base64')}?=`
}

/** Headers that ask for what is not done yet. */
export const refusedWriteHeaders = [...refusedLockHeaders, 'x-amz-write-offset-bytes'] as const
