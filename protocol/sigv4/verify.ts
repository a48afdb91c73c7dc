/** Whether a signature belongs to its request. Canonical request: S3 API Reference, "Signature Calculations". */
import { hash } from 'node:crypto'
import { type Fault, fault } from '../fault.ts'
import { canonicalPath, canonicalQuery, canonicalServicePath, spacedHex } from './encode.ts'
import { emptySha256, type Signature, type SignedRequest } from './signature.ts'
import { equalSignatures, type SigningKey, stringToSign } from './signing-key.ts'

export interface Verification {
  /** Of the signature's own date, region and service. */
  readonly key: SigningKey
  /** The Host values that the client may have signed, likeliest first; the one received when absent. */
  readonly hosts?: readonly string[] | undefined
  /** SHA-256 of the body in hexadecimal, for services that do not take the client's word (not S3). */
  readonly payloadHash?: string | undefined
  /** Services other than S3 resolve dot segments and double slashes before they sign; true unless said otherwise. */
  readonly normalizePath?: boolean
}

/**
 * Undefined when the signature is right. `access-denied` with `headersNotSigned` when S3 asks for headers to be signed
 * that are not; else `signature-mismatch` with what was signed here, for the person who looks for the difference.
 */
export function verifySignature(
  signature: Signature,
  request: SignedRequest,
  verification: Verification,
): Fault<'access-denied' | 'signature-mismatch'> | undefined {
  if (signature.service === 's3') {
    const missing = headersNotSigned(signature, request)
    if (missing !== undefined) return missing
  }
  const hosts = verification.hosts
  const first = canonicalRequest(signature, request, verification, hosts?.[0])
  if (matches(first, signature, verification.key)) return undefined
  if (hosts !== undefined)
    for (let i = 1; i < hosts.length; i++)
      if (matches(canonicalRequest(signature, request, verification, hosts[i]), signature, verification.key))
        return undefined
  const toSign = stringToSign(signature.amzDate, verification.key.scope, hash('sha256', first, 'hex'))
  return fault('signature-mismatch', {
    accessKeyId: signature.accessKeyId,
    signatureProvided: signature.signature,
    stringToSign: toSign,
    stringToSignBytes: spacedHex(toSign),
    canonicalRequest: first,
    canonicalRequestBytes: spacedHex(first),
  })
}

function matches(canonical: string, signature: Signature, key: SigningKey): boolean {
  return equalSignatures(key.signRequest(signature.amzDate, hash('sha256', canonical, 'hex')), signature.signature)
}

/**
 * S3 wants `host` signed and every x-amz-* header that is present. Not x-amz-content-sha256: its value ends the
 * canonical request, signed or not.
 */
function headersNotSigned(signature: Signature, request: SignedRequest): Fault<'access-denied'> | undefined {
  const signed = signature.signedHeaders
  const headers = request.headers
  let names = signed.includes('host') ? '' : 'host'
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!
    if (name.charCodeAt(0) !== 0x78 || !name.startsWith('x-amz-') || name === 'x-amz-content-sha256') continue
    if (!signed.includes(name)) names = names === '' ? name : `${names}, ${name}`
  }
  if (names === '') return undefined
  return fault('access-denied', {
    message: 'There were headers present in the request which were not signed',
    headersNotSigned: names,
  })
}

/** @param host stands in for the received Host header when given */
export function canonicalRequest(
  signature: Signature,
  request: SignedRequest,
  options: { readonly payloadHash?: string | undefined; readonly normalizePath?: boolean },
  host?: string,
): string {
  const path =
    signature.service === 's3'
      ? canonicalPath(request.rawPath)
      : canonicalServicePath(request.rawPath, options.normalizePath !== false)
  const query = canonicalQuery(request.query.raw, signature.form === 'query' ? 'X-Amz-Signature' : '')
  let headers = ''
  let names = ''
  for (const name of signature.signedHeaders) {
    const value = name === 'host' && host !== undefined ? host : canonicalValue(request.headers, name)
    headers += `${name}:${value}\n`
    names = names === '' ? name : `${names};${name}`
  }
  const payload = options.payloadHash ?? (signature.payload.text === '' ? emptySha256 : signature.payload.text)
  return `${request.method}\n${path}\n${query}\n${headers}\n${names}\n${payload}`
}

/** All values of one header: each trimmed, runs of blanks folded, joined by ','. */
function canonicalValue(headers: readonly string[], name: string): string {
  let value: string | undefined
  for (let i = 0; i < headers.length; i += 2)
    if (headers[i] === name) {
      const folded = foldBlanks(headers[i + 1]!)
      value = value === undefined ? folded : `${value},${folded}`
    }
  return value ?? ''
}

function foldBlanks(text: string): string {
  // Nothing to do for nearly every value.
  return isFolded(text) ? text : text.replace(/[ \t\r\n]+/g, ' ').replace(/^ | $/g, '')
}

/** No blank at an end, none beside another, and none but spaces. */
function isFolded(text: string): boolean {
  let blank = true
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code > 0x20) blank = false
    else if (blank || code !== 0x20) return false
    else blank = true
  }
  return !blank || text === ''
}
