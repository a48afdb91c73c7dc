/** S3's checksums as headers and elements: which one a request declares, and how they are written in answers. */
import { type Fault, fault } from '../fault.ts'
import type { WireRequest } from '../operation.ts'

export const checksumNames = ['crc32', 'crc32c', 'crc64nvme', 'sha1', 'sha256', 'sha512', 'md5'] as const
export type ChecksumName = (typeof checksumNames)[number]
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE'
/** Base64 by algorithm; composite ones without their "-N". */
export type Checksums = Readonly<Partial<Record<ChecksumName, string>>>

const prefix = 'x-amz-checksum-'
const digestBytes: Readonly<Record<ChecksumName, number>> = {
  crc32: 4,
  crc32c: 4,
  crc64nvme: 8,
  sha1: 20,
  sha256: 32,
  sha512: 64,
  md5: 16,
}
export const checksumHeaders = Object.fromEntries(checksumNames.map(name => [name, prefix + name])) as Readonly<
  Record<ChecksumName, string>
>
/** Element names: `ChecksumCRC32` … */
export const checksumElements = Object.fromEntries(
  checksumNames.map(name => [name, `Checksum${name.toUpperCase()}`]),
) as Readonly<Record<ChecksumName, string>>

/** Algorithms S3 has and we do not: asking for one is refused, never dropped. */
export const refusedChecksumHeaders = [
  'x-amz-checksum-xxhash64',
  'x-amz-checksum-xxhash3',
  'x-amz-checksum-xxhash128',
] as const
const refusedAlgorithms: ReadonlySet<string> = new Set(['xxhash64', 'xxhash3', 'xxhash128'])

/** The checksum a request declares of its payload: its value, or that the value will come in the trailer. */
export interface DeclaredChecksum {
  readonly name: ChecksumName
  /** Base64; undefined when the trailer carries it. */
  readonly value: string | undefined
}

export type ChecksumFault = Fault<'request-invalid'> | Fault<'checksum-malformed'> | Fault<'header-refused'>

const several = 'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.'
const unsupported =
  'Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, MD5, SHA1, SHA256, SHA512, XXHASH128, XXHASH3, XXHASH64]'

/** What a request with a payload declares; undefined when nothing. */
export function parseDeclaredChecksum(request: WireRequest): DeclaredChecksum | undefined | ChecksumFault {
  const declared = parseChecksumHeader(request)
  if (isFault(declared)) return declared
  const trailer = parseTrailerNames(request.header('x-amz-trailer'))
  if (isFault(trailer)) return trailer
  if (declared !== undefined && trailer !== undefined) return fault('request-invalid', { message: several })
  const found = declared ?? (trailer === undefined ? undefined : { name: trailer, value: undefined })
  const sdk = request.header('x-amz-sdk-checksum-algorithm')
  if (sdk === '') return found
  if (refusedAlgorithms.has(sdk.toLowerCase())) return refuse('x-amz-sdk-checksum-algorithm')
  if (checksumNameOf(sdk) === undefined)
    return fault('request-invalid', { message: 'Value for x-amz-sdk-checksum-algorithm header is invalid.' })
  if (found === undefined)
    return fault('request-invalid', {
      message:
        'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.',
    })
  return found
}

/** The one x-amz-checksum-<algorithm> header, its value checked for form. A composite value may end in "-N". */
export function parseChecksumHeader(
  request: WireRequest,
  composite = false,
): { readonly name: ChecksumName; readonly value: string } | undefined | ChecksumFault {
  let found: { name: ChecksumName; value: string } | undefined
  const headers = request.headers
  for (let i = 0; i < headers.length; i += 2) {
    const header = headers[i]!
    if (!header.startsWith(prefix)) continue
    const name = header.slice(prefix.length)
    if (!isChecksumName(name)) continue
    if (found !== undefined) return fault('request-invalid', { message: several })
    const value = headers[i + 1]!
    const digest = composite ? value.replace(/-[0-9]{1,5}$/, '') : value
    if (!isDigest(name, digest)) return fault('checksum-malformed', { header })
    found = { name, value }
  }
  return found
}

function parseTrailerNames(trailer: string): ChecksumName | undefined | ChecksumFault {
  if (trailer === '') return undefined
  let found: ChecksumName | undefined
  for (const part of trailer.toLowerCase().split(',')) {
    const header = part.trim()
    // The signature of signed trailers is the framing's affair.
    if (header === '' || header === 'x-amz-trailer-signature') continue
    const name = header.startsWith(prefix) ? header.slice(prefix.length) : ''
    if (refusedAlgorithms.has(name)) return refuse(header)
    if (!isChecksumName(name))
      return fault('request-invalid', { message: 'The value specified in the x-amz-trailer header is not supported' })
    if (found !== undefined) return fault('request-invalid', { message: several })
    found = name
  }
  return found
}

/** `x-amz-checksum-algorithm` of CreateMultipartUpload and CopyObject; undefined when absent. */
export function parseChecksumAlgorithm(request: WireRequest): ChecksumName | undefined | ChecksumFault {
  const text = request.header('x-amz-checksum-algorithm')
  if (text === '') return undefined
  if (refusedAlgorithms.has(text.toLowerCase())) return refuse('x-amz-checksum-algorithm')
  return checksumNameOf(text) ?? fault('request-invalid', { message: unsupported })
}

/** `x-amz-checksum-type`; undefined when absent. S3 compares it without case. */
export function parseChecksumType(request: WireRequest): ChecksumType | undefined | Fault<'request-invalid'> {
  const text = request.header('x-amz-checksum-type').toUpperCase()
  if (text === '' || text === 'COMPOSITE' || text === 'FULL_OBJECT') return text === '' ? undefined : text
  return fault('request-invalid', { message: 'Value for x-amz-checksum-type header is invalid.' })
}

/** Which types an algorithm can have in a multipart upload ("Checking object integrity" in S3's user guide). */
export function checksumTypeOf(
  algorithm: ChecksumName,
  asked: ChecksumType | undefined,
): ChecksumType | Fault<'request-invalid'> {
  const fullObject = algorithm === 'crc32' || algorithm === 'crc32c' || algorithm === 'crc64nvme'
  const composite = algorithm !== 'crc64nvme'
  const type = asked ?? (composite ? 'COMPOSITE' : 'FULL_OBJECT')
  if (type === 'COMPOSITE' ? composite : fullObject) return type
  return fault('request-invalid', {
    message: `The ${type} checksum type cannot be used with the ${algorithm} checksum algorithm.`,
  })
}

export function isChecksumName(text: string): text is ChecksumName {
  return Object.hasOwn(digestBytes, text)
}
/** By S3's name in any case: `CRC64NVME`. */
export function checksumNameOf(text: string): ChecksumName | undefined {
  const name = text.toLowerCase()
  return isChecksumName(name) ? name : undefined
}
/** Whether a text is base64 of as many bytes as the algorithm's digests have. */
export function isDigest(name: ChecksumName, text: string): boolean {
  return isBase64Of(text, digestBytes[name])
}
export function isBase64Of(text: string, sizeBytes: number): boolean {
  if (text.length !== Math.ceil(sizeBytes / 3) * 4) return false
  const bytes = Buffer.from(text, 'base64')
  // Buffer skips what is not base64: only a text that comes back the same was whole.
  return bytes.length === sizeBytes && bytes.toString('base64') === text
}

/** Adds an object's checksum headers. `suffix` is a composite one's "-N". */
export function pushChecksumHeaders(
  headers: string[],
  checksums: Checksums,
  type: ChecksumType | undefined,
  suffix: string,
): void {
  let any = false
  for (const name in checksums) {
    headers.push(checksumHeaders[name as ChecksumName], checksums[name as ChecksumName]! + suffix)
    any = true
  }
  if (any && type !== undefined) headers.push('x-amz-checksum-type', type)
}

/** The same as elements, without the type. */
export function checksumXml(checksums: Checksums, suffix = ''): string {
  let xml = ''
  for (const name in checksums) {
    const element = checksumElements[name as ChecksumName]
    xml += `<${element}>${checksums[name as ChecksumName]}${suffix}</${element}>`
  }
  return xml
}

/** "-N" of a composite checksum of N parts. */
export function compositeSuffix(type: ChecksumType | undefined, parts: number): string {
  return type === 'COMPOSITE' && parts > 0 ? `-${parts}` : ''
}

function refuse(header: string): Fault<'header-refused'> {
  return fault('header-refused', { header })
}
function isFault<T>(value: T | ChecksumFault): value is ChecksumFault {
  return value instanceof Object && 'code' in value
}
