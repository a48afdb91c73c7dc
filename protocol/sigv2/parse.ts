/**
 * Who signed a request with Signature Version 2, S3's own form of it: everything that is checked before a secret is
 * looked up. Old tools send it in the Authorization header; boto3 and version 1 of the AWS CLI presign with it for
 * us-east-1 unless told otherwise.
 *
 * Source: Amazon S3 API Reference, "Signing and authenticating REST requests (AWS signature version 2)"; the messages
 * and their order are those S3 answers.
 */
import { type Fault, fault } from '../fault.ts'
import { parseHttpDate } from '../http-date.ts'
import { maxSkewMs } from '../sigv4/parse.ts'
import { type Payload, type SignedRequest, unsignedPayload } from '../sigv4/signature.ts'
import { formatSecond, parseAmzDate } from '../sigv4/time.ts'

export interface Version2Signature {
  readonly form: 'header' | 'query'
  readonly accessKeyId: string
  /** As sent; not yet checked. */
  readonly signature: string
  /** Fourth line of the string to sign: Date or Expires as sent, '' beside an x-amz-date header. */
  readonly dateLine: string
  /** '' when there is none. */
  readonly sessionToken: string
  /** Version 2 covers no body but by Content-MD5. */
  readonly payload: Payload
}

export type Version2Fault =
  | 'access-denied'
  | 'access-key-unknown'
  | 'argument-invalid'
  | 'clock-skewed'
  | 'signature-expired'

/**
 * The signature of a request; undefined when it carries none of Version 2, or one of another form beside it, which is
 * for parseSignature to refuse.
 */
export function parseVersion2(
  request: SignedRequest,
  nowMs: number,
): Version2Signature | Fault<Version2Fault> | undefined {
  const authorization = request.header('authorization')
  const query = request.query
  if (authorization === '') {
    if (query.raw === '' || !query.has('Signature') || query.has('X-Amz-Algorithm')) return undefined
    return parseQuery(request, nowMs)
  }
  if (authorization.charCodeAt(3) !== 0x20 || authorization.slice(0, 3).toUpperCase() !== 'AWS') return undefined
  if (query.raw !== '' && (query.has('Signature') || query.has('X-Amz-Algorithm'))) return undefined
  return parseHeader(request, authorization, nowMs)
}

/** `AWS AKID:signature`. */
function parseHeader(
  request: SignedRequest,
  authorization: string,
  nowMs: number,
): Version2Signature | Fault<Version2Fault> {
  const text = authorization.slice(4)
  if (text.includes(' '))
    return malformed("Authorization header is invalid -- one and only one ' ' (space) required", authorization)
  const [accessKeyId, signature, more] = text.split(':')
  if (accessKeyId === undefined || signature === undefined || signature === '' || more !== undefined)
    return malformed('AWS authorization header is invalid.  Expected AwsAccessKeyId:signature', authorization)
  const amzDate = request.header('x-amz-date')
  const ownDate = amzDate !== '' || hasHeader(request, 'x-amz-date')
  const dateLine = ownDate ? '' : request.header('date')
  const date = ownDate ? amzDate : dateLine
  const dateMs = parseDate(date)
  // To S3 a date before 1970 is none, and an x-amz-date without one stands in Date's place all the same.
  if (dateMs === undefined || dateMs < 0)
    return fault('access-denied', { message: 'AWS authentication requires a valid Date or x-amz-date header' })
  if (Math.abs(nowMs - dateMs) > maxSkewMs)
    return fault('clock-skewed', {
      requestTime: date,
      serverTime: formatSecond(nowMs),
      maxAllowedSkewMs: maxSkewMs,
    })
  return build('header', accessKeyId, signature, dateLine, request.header('x-amz-security-token'))
}

/** `?AWSAccessKeyId=…&Expires=…&Signature=…`. */
function parseQuery(request: SignedRequest, nowMs: number): Version2Signature | Fault<Version2Fault> {
  const query = request.query
  const accessKeyId = query.get('AWSAccessKeyId')
  const expires = query.get('Expires')
  const signature = query.get('Signature')
  if (accessKeyId === undefined || expires === undefined || signature === undefined)
    return fault('access-denied', {
      message: 'Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters',
    })
  // S3 takes no moment after 2038.
  const seconds = /^[+-]?\d{1,19}$/.test(expires) ? Number(expires) : Number.NaN
  if (!(seconds < 2 ** 31))
    return fault('access-denied', { message: `Invalid date (should be seconds since epoch): ${expires}` })
  if (nowMs > seconds * 1000)
    return fault('signature-expired', {
      expires: formatSecond(Math.max(seconds, yearOne) * 1000),
      serverTime: formatSecond(nowMs),
    })
  let sessionToken = request.header('x-amz-security-token')
  if (sessionToken === '')
    for (const [name, value] of query) if (name.toLowerCase() === 'x-amz-security-token') sessionToken ||= value
  return build('query', accessKeyId, signature, expires, sessionToken)
}

/** 0001-01-01; what expired before it is said to have expired then. */
const yearOne = -62_135_596_800

function build(
  form: 'header' | 'query',
  accessKeyId: string,
  signature: string,
  dateLine: string,
  sessionToken: string,
): Version2Signature | Fault<'access-key-unknown'> {
  // Visible ASCII only: no key is called otherwise, and PostgreSQL's text takes no NUL to look for.
  if (!/^[\x21-\x7e]{1,512}$/.test(accessKeyId)) return fault('access-key-unknown', { accessKeyId })
  return { form, accessKeyId, signature, dateLine, sessionToken, payload: unsignedPayload }
}

function hasHeader({ headers }: SignedRequest, lowerName: string): boolean {
  for (let i = 0; i < headers.length; i += 2) if (headers[i] === lowerName) return true
  return false
}

function malformed(message: string, value: string): Fault<'argument-invalid'> {
  return fault('argument-invalid', { message, name: 'Authorization', value })
}

/** HTTP's forms, the compact one, and e-mail's with a zone (`Tue, 27 Mar 2007 21:36:42 +0200`), as shell scripts send. */
function parseDate(text: string): number | undefined {
  const plain = parseAmzDate(text) ?? parseHttpDate(text)
  if (plain !== undefined) return plain
  const zone = / ([+-])(\d\d)([0-5]\d)$/.exec(text)
  if (zone === null) return undefined
  const localMs = parseHttpDate(`${text.slice(0, -5)}+0000`)
  if (localMs === undefined) return undefined
  const offsetMs = (Number(zone[2]) * 60 + Number(zone[3])) * 60_000
  return zone[1] === '+' ? localMs - offsetMs : localMs + offsetMs
}
