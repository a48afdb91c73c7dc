/**
 * Whether a Version 2 signature belongs to its request: Base64 of the HMAC-SHA1 of a string made of method, Content-MD5,
 * Content-Type, date, x-amz-* headers and resource. Source: see parse.ts.
 */
import { Buffer } from 'node:buffer'
import { createHmac, timingSafeEqual } from 'node:crypto'
import { type Fault, fault } from '../fault.ts'
import { spacedHex } from '../sigv4/encode.ts'
import type { SignedRequest } from '../sigv4/signature.ts'
import type { Version2Signature } from './parse.ts'

/**
 * The query parameters that belong to the resource. S3's documentation lists the older half, the SDKs of Java, Python
 * and JavaScript agree on the rest.
 */
const signedParameters: ReadonlySet<string> = new Set(
  (
    'accelerate acl analytics cors defaultObjectAcl delete inventory lifecycle location logging metrics notification ' +
    'object-lock partNumber policy replication requestPayment response-cache-control response-content-disposition ' +
    'response-content-encoding response-content-language response-content-type response-expires restore select ' +
    'select-type storageClass tagging torrent uploadId uploads versionId versioning versions website'
  ).split(' '),
)

/**
 * Undefined when the signature is right; else `signature-mismatch` with what was signed here.
 * @param hostBucket the bucket that the request's host names, '' when its path does
 */
export function verifyVersion2(
  signature: Version2Signature,
  request: SignedRequest,
  secret: string,
  hostBucket: string,
): Fault<'signature-mismatch'> | undefined {
  const query = signature.form === 'query'
  const head =
    `${request.method}\n${positional(request, 'content-md5', query)}\n${positional(request, 'content-type', query)}\n` +
    `${signature.dateLine}\n${canonicalHeaders(request, query)}`
  const resources = canonicalResources(request, hostBucket)
  for (const resource of resources) if (matches(head + resource, secret, signature.signature)) return undefined
  const stringToSign = `${head}${resources[0]}`
  return fault('signature-mismatch', {
    accessKeyId: signature.accessKeyId,
    signatureProvided: signature.signature,
    stringToSign,
    stringToSignBytes: spacedHex(stringToSign),
  })
}

function matches(stringToSign: string, secret: string, sent: string): boolean {
  const expected = Buffer.from(createHmac('sha1', secret).update(stringToSign).digest('base64'))
  const provided = Buffer.from(sent)
  return expected.length === provided.length && timingSafeEqual(expected, provided)
}

/** Presigning clients move these two into the query, like x-amz-* headers. */
function positional(request: SignedRequest, lowerName: string, query: boolean): string {
  if (query && !hasHeader(request, lowerName))
    for (const [name, value] of request.query) if (name.toLowerCase() === lowerName) return value.trim()
  return request.header(lowerName).trim()
}

/** `name:value,value\n` of every x-amz-* header, sorted; runs of blanks stay, unlike in Version 4. */
function canonicalHeaders(request: SignedRequest, query: boolean): string {
  const values = new Map<string, string>()
  const headers = request.headers
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!
    // A presigned request is dated by Expires alone.
    if (!name.startsWith('x-amz-') || (query && name === 'x-amz-date')) continue
    const value = headers[i + 1]!.trim()
    const before = values.get(name)
    values.set(name, before === undefined ? value : `${before},${value}`)
  }
  if (query)
    for (const [name, value] of request.query) {
      const lowerName = name.toLowerCase()
      if (!lowerName.startsWith('x-amz-') || lowerName === 'x-amz-date' || values.has(lowerName)) continue
      values.set(lowerName, value.trim())
    }
  let text = ''
  for (const name of [...values.keys()].sort()) text += `${name}:${values.get(name)}\n`
  return text
}

/**
 * The resource in the forms clients sign it, S3's own first. boto3 ends a path that is only a bucket with a slash it
 * does not send (S3 itself refuses that by path, but boto3 goes to S3 by host), and some sign the '=' of a parameter
 * without a value where others do not.
 */
function canonicalResources(request: SignedRequest, hostBucket: string): readonly [string, ...string[]] {
  const rawPath = request.rawPath
  const path = hostBucket === '' ? rawPath : `/${hostBucket}${rawPath}`
  const onlyBucket = hostBucket === '' && rawPath.length > 1 && rawPath.indexOf('/', 1) < 0
  const pairs = [...request.query].filter(([name]) => signedParameters.has(name))
  if (pairs.length === 0) return onlyBucket ? [path, `${path}/`] : [path]
  pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  const plain = `?${pairs.map(([name, value]) => (value === '' ? name : `${name}=${value}`)).join('&')}`
  const equals = `?${pairs.map(([name, value]) => `${name}=${value}`).join('&')}`
  const more = plain === equals ? [] : [path + equals]
  return onlyBucket ? [path + plain, ...more, `${path}/${plain}`, `${path}/${equals}`] : [path + plain, ...more]
}

function hasHeader(request: SignedRequest, lowerName: string): boolean {
  const headers = request.headers
  for (let i = 0; i < headers.length; i += 2) if (headers[i] === lowerName) return true
  return false
}
