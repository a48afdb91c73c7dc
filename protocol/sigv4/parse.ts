/**
 * Who signed a request, and when: everything that is checked before a secret is looked up. The order of the checks is
 * S3's, which answers the first that fails: both forms at once, then (header) scheme, time, clock, parts, scope, or
 * (query) algorithm, parameters, time, expiry, scope.
 *
 * Texts and forms: Amazon S3 API Reference, "Authenticating Requests (AWS Signature Version 4)"; the messages are those
 * S3 answers, which clients' tests match to the letter.
 */
import { Fault, fault } from '../fault.ts'
import { parseHttpDate } from '../http-date.ts'
import {
  algorithm,
  type Payload,
  type PayloadKind,
  type Signature,
  type SignedRequest,
  unsignedPayload,
} from './signature.ts'
import { formatAmzDate, formatSecond, parseAmzDate } from './time.ts'

export interface SignatureRules {
  readonly nowMs: number
  /** The service the scope must name: `s3`, `sts` … */
  readonly service: string
  /** The one region served; undefined serves any that is not empty. */
  readonly region?: string | undefined
}

export type SignatureFault =
  | 'access-denied'
  | 'argument-invalid'
  | 'clock-skewed'
  | 'credential-region-wrong'
  | 'credential-service-wrong'
  | 'not-implemented'
  | 'payload-hash-missing'
  | 'request-invalid'
  | 'signature-expired'
  | 'signature-malformed'
  | 'signature-not-yet-valid'
  | 'signature-query-malformed'

export const maxSkewMs = 15 * 60 * 1000
export const maxExpiresSeconds = 7 * 24 * 60 * 60

const unsupported = fault('request-invalid', {
  message: 'The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.',
})
const onlyOne =
  'Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the ' +
  'Authorization header should be specified'

/** The signature of a request; undefined when it carries none (anonymous); a Fault with S3's own `message`. */
export function parseSignature(
  request: SignedRequest,
  rules: SignatureRules,
): Signature | Fault<SignatureFault> | undefined {
  const authorization = request.header('authorization')
  const raw = request.query.raw
  const presigned = raw !== '' && request.query.has('X-Amz-Algorithm')
  const second = raw !== '' && request.query.has('Signature')
  if (authorization !== '') {
    if (presigned || second)
      return fault('argument-invalid', {
        message: onlyOne,
        name: 'Authorization',
        value: authorization,
      })
    return parseHeader(request, authorization, rules)
  }
  if (presigned)
    return second ? fault('argument-invalid', { message: onlyOne, name: 'Authorization' }) : parseQuery(request, rules)
  return second ? unsupported : undefined
}

function parseHeader(
  request: SignedRequest,
  authorization: string,
  rules: SignatureRules,
): Signature | Fault<SignatureFault> {
  const space = authorization.indexOf(' ')
  const scheme = space < 0 ? '' : authorization.slice(0, space)
  if (scheme !== algorithm) {
    const fail = refuseScheme(scheme.toUpperCase(), authorization)
    if (fail !== undefined) return fail
  }

  let amzDate = request.header('x-amz-date')
  let amzDateMs: number | undefined
  if (amzDate === '') {
    const date = request.header('date')
    amzDateMs = parseAmzDate(date) ?? parseHttpDate(date)
    if (amzDateMs !== undefined) amzDate = formatAmzDate(amzDateMs)
  } else amzDateMs = parseAmzDate(amzDate)
  if (amzDateMs === undefined)
    return fault('access-denied', { message: 'AWS authentication requires a valid Date or x-amz-date header' })
  if (Math.abs(rules.nowMs - amzDateMs) > maxSkewMs)
    return fault('clock-skewed', {
      requestTime: amzDate,
      serverTime: formatSecond(rules.nowMs),
      maxAllowedSkewMs: maxSkewMs,
    })

  let credential = ''
  let signedHeaders = ''
  let signature = ''
  for (let at = space + 1; at < authorization.length; ) {
    let end = authorization.indexOf(',', at)
    if (end < 0) end = authorization.length
    while (authorization.charCodeAt(at) === 0x20) at++
    if (authorization.startsWith('Credential=', at)) credential = authorization.slice(at + 11, end).trimEnd()
    else if (authorization.startsWith('SignedHeaders=', at)) signedHeaders = authorization.slice(at + 14, end).trimEnd()
    else if (authorization.startsWith('Signature=', at)) signature = authorization.slice(at + 10, end).trimEnd()
    at = end + 1
  }
  if (credential === '' || signedHeaders === '' || signature === '')
    return malformedHeader(
      'the authorization header requires three components: Credential, SignedHeaders, and Signature.',
    )

  const scope = parseScope(credential, 'header', rules)
  if (scope instanceof Fault) return scope
  if (!amzDate.startsWith(scope.date))
    return malformedHeader('Invalid credential date. Date is not the same as X-Amz-Date.')
  const payload = parsePayload(request.header('x-amz-content-sha256'), rules.service)
  if (payload instanceof Fault) return payload
  return {
    form: 'header',
    accessKeyId: scope.accessKeyId,
    date: scope.date,
    region: scope.region,
    service: rules.service,
    signedHeaders: splitHeaders(signedHeaders),
    signature,
    amzDate,
    amzDateMs,
    expiresSeconds: undefined,
    sessionToken: request.header('x-amz-security-token'),
    payload,
  }
}

/** @param scheme in upper case; '' when the header holds no space */
function refuseScheme(scheme: string, authorization: string): Fault<SignatureFault> | undefined {
  if (scheme === algorithm) return undefined
  // Version 2 is for S3 alone, and read before (../sigv2/parse.ts); 4A (elliptic curves) is nowhere here.
  if (scheme === 'AWS' || scheme === 'AWS4-ECDSA-P256-SHA256') return unsupported
  return fault('argument-invalid', {
    message:
      scheme === ''
        ? "Authorization header is invalid -- one and only one ' ' (space) required"
        : 'Unsupported Authorization Type',
    name: 'Authorization',
    value: authorization,
  })
}

function parseQuery(request: SignedRequest, rules: SignatureRules): Signature | Fault<SignatureFault> {
  // A name that stands twice counts by its first value, as in S3.
  const query = request.query
  const sentAlgorithm = query.get('X-Amz-Algorithm')
  if (sentAlgorithm !== algorithm) {
    if (sentAlgorithm === 'AWS4-ECDSA-P256-SHA256') return unsupported
    return malformedQuery('X-Amz-Algorithm only supports "AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256"')
  }
  const credential = query.get('X-Amz-Credential')
  const signature = query.get('X-Amz-Signature')
  const amzDate = query.get('X-Amz-Date')
  const signedHeaders = query.get('X-Amz-SignedHeaders')
  const expires = query.get('X-Amz-Expires')
  if (
    credential === undefined ||
    signature === undefined ||
    amzDate === undefined ||
    signedHeaders === undefined ||
    expires === undefined
  )
    return malformedQuery(
      'Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, ' +
        'X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.',
    )
  const amzDateMs = parseAmzDate(amzDate)
  if (amzDateMs === undefined)
    return malformedQuery("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
  const expiresSeconds = parseExpires(expires)
  if (expiresSeconds instanceof Fault) return expiresSeconds
  const late = checkWindow(amzDateMs, expiresSeconds, rules.nowMs)
  if (late !== undefined) return late

  const scope = parseScope(credential, 'query', rules)
  if (scope instanceof Fault) return scope
  if (!amzDate.startsWith(scope.date))
    return malformedQuery(
      `Invalid credential date "${scope.date}". This date is not the same as X-Amz-Date: "${amzDate.slice(0, 8)}".`,
    )
  const payload = presignedPayload(request, rules.service)
  if (payload instanceof Fault) return payload
  return {
    form: 'query',
    accessKeyId: scope.accessKeyId,
    date: scope.date,
    region: scope.region,
    service: rules.service,
    signedHeaders: splitHeaders(signedHeaders),
    signature,
    amzDate,
    amzDateMs,
    expiresSeconds,
    sessionToken: query.get('X-Amz-Security-Token') ?? request.header('x-amz-security-token'),
    payload,
  }
}

const hostOnly: readonly string[] = ['host']
/** Lists recently split: a client signs the same headers all day. */
const headerLists = new Map<string, readonly string[]>()
const headerListsLimit = 256

function splitHeaders(text: string): readonly string[] {
  if (text === 'host') return hostOnly
  const known = headerLists.get(text)
  if (known !== undefined) return known
  const names = text.split(';')
  if (text.length > 512) return names
  if (headerLists.size >= headerListsLimit) headerLists.clear()
  headerLists.set(text, names)
  return names
}

function parseExpires(text: string): number | Fault<'signature-query-malformed'> {
  if (!/^[+-]?\d{1,18}$/.test(text)) return malformedQuery('X-Amz-Expires should be a number')
  const seconds = Number(text)
  if (seconds < 0) return malformedQuery('X-Amz-Expires must be non-negative')
  if (seconds > maxExpiresSeconds)
    return malformedQuery(
      'X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than ' +
        '604800 seconds',
    )
  return seconds
}

function checkWindow(
  amzDateMs: number,
  expiresSeconds: number,
  nowMs: number,
): Fault<'signature-expired' | 'signature-not-yet-valid'> | undefined {
  const endMs = amzDateMs + expiresSeconds * 1000
  if (amzDateMs - nowMs > maxSkewMs)
    return fault('signature-not-yet-valid', {
      amzDateMs,
      expires: formatSecond(endMs),
      serverTime: formatSecond(nowMs),
    })
  // S3 serves a URL through its last second; one that lasts none is never served.
  if (nowMs > endMs || expiresSeconds === 0)
    return fault('signature-expired', {
      expiresSeconds,
      expires: formatSecond(endMs),
      serverTime: formatSecond(nowMs),
    })
  return undefined
}

export interface Scope {
  readonly accessKeyId: string
  readonly date: string
  readonly region: string
  readonly service: string
  readonly terminal: string
  /** The date has eight digits. */
  readonly dated: boolean
}

/** Credentials recently split: a client sends the same one all day. The bound is what keeps the map small. */
const scopes = new Map<string, Scope>()
const scopeLimit = 1024

/** Where a credential stands: its errors differ by it. */
type ScopeForm = 'header' | 'query' | 'form'

/** `AKID/yyyyMMdd/region/service/aws4_request`; a fault names the first part that is wrong, in S3's order. */
export function parseScope(credential: string, form: ScopeForm, rules: SignatureRules): Scope | Fault<ScopeFault> {
  const scope = scopes.get(credential) ?? splitScope(credential)
  if (scope === undefined)
    return scopeFault(
      form,
      credential,
      'signature-malformed',
      'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
    )
  const { date, region, service, terminal, dated } = scope
  if (region === '')
    return scopeFault(form, credential, 'signature-malformed', 'a non-empty region must be provided in the credential.')
  if (rules.region !== undefined && region !== rules.region)
    return scopeFault(
      form,
      credential,
      'credential-region-wrong',
      `the region '${region}' is wrong; expecting '${rules.region}'`,
      rules.region,
    )
  if (service !== rules.service)
    return scopeFault(
      form,
      credential,
      'credential-service-wrong',
      `incorrect service "${service}". This endpoint belongs to "${rules.service}".`,
    )
  if (terminal !== 'aws4_request')
    return scopeFault(
      form,
      credential,
      'signature-malformed',
      `incorrect terminal "${terminal}". This endpoint uses "aws4_request".`,
    )
  if (!dated)
    return scopeFault(
      form,
      credential,
      'signature-malformed',
      `incorrect date format "${date}". This date in the credential must be in the format "yyyyMMdd".`,
    )
  return scope
}

function splitScope(credential: string): Scope | undefined {
  // Visible ASCII only: signing keys are cached by scope and kept in byte buffers.
  if (credential.length > 512 || /[^\x21-\x7e]/.test(credential)) return undefined
  const parts = credential.split('/')
  if (parts.length !== 5 || parts[0] === '') return undefined
  const [accessKeyId, date, region, service, terminal] = parts as [string, string, string, string, string]
  const scope = { accessKeyId, date, region, service, terminal, dated: /^\d{8}$/.test(date) }
  if (scopes.size >= scopeLimit) scopes.clear()
  scopes.set(credential, scope)
  return scope
}

export type ScopeFault =
  | 'argument-invalid'
  | 'credential-region-wrong'
  | 'credential-service-wrong'
  | 'signature-malformed'
  | 'signature-query-malformed'

/** In a query S3 answers one code for them all, AuthorizationQueryParametersError; of a form it names the field. */
function scopeFault(
  form: ScopeForm,
  credential: string,
  code: Exclude<ScopeFault, 'argument-invalid' | 'signature-query-malformed'>,
  text: string,
  region?: string,
): Fault<ScopeFault> {
  if (form === 'form') return fault('argument-invalid', { name: 'X-Amz-Credential', value: credential, message: text })
  const message =
    form === 'header'
      ? `The authorization header is malformed; ${text}`
      : `Error parsing the X-Amz-Credential parameter; ${text}`
  return fault(
    form === 'header' ? code : 'signature-query-malformed',
    region === undefined ? { message } : { message, region },
  )
}

const ofBody: Payload = { kind: 'hash', text: '' }
const keywords = new Map<string, Payload>(
  (
    [
      ['UNSIGNED-PAYLOAD', 'unsigned'],
      ['STREAMING-AWS4-HMAC-SHA256-PAYLOAD', 'streaming-signed'],
      ['STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER', 'streaming-signed-trailer'],
      ['STREAMING-UNSIGNED-PAYLOAD-TRAILER', 'streaming-unsigned-trailer'],
    ] satisfies [string, PayloadKind][]
  ).map(([text, kind]) => [text, { kind, text }]),
)

type PayloadFault = 'argument-invalid' | 'not-implemented' | 'payload-hash-missing'

function parsePayload(text: string, service: string): Payload | Fault<PayloadFault> {
  if (text === '')
    return service === 's3'
      ? fault('payload-hash-missing', { message: 'Missing required header for this request: x-amz-content-sha256' })
      : ofBody
  if (text.length === 64 && /^[0-9A-Fa-f]+$/.test(text)) return { kind: 'hash', text }
  const keyword = keywords.get(text)
  if (keyword !== undefined) return keyword
  if (/^STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD(-TRAILER)?$/.test(text))
    return fault('not-implemented', { header: 'x-amz-content-sha256' })
  return fault('argument-invalid', {
    message:
      'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, ' +
      'STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, ' +
      'STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a valid ' +
      'sha256 value.',
    name: 'x-amz-content-sha256',
    value: text,
  })
}

/** The payload of a request without a signature: chunks cannot be signed then, the rest may be as ever. */
export function unsignedPayloadOf(request: Pick<SignedRequest, 'header'>): Payload | Fault<PayloadFault> {
  const text = request.header('x-amz-content-sha256')
  if (text === '') return unsignedPayload
  const payload = parsePayload(text, 's3')
  if (payload instanceof Fault) return payload
  return payload.kind === 'streaming-signed' || payload.kind === 'streaming-signed-trailer'
    ? fault('argument-invalid', {
        message: 'Chunks cannot be signed where the request is not.',
        name: 'x-amz-content-sha256',
        value: text,
      })
    : payload
}

/** S3 takes the header even when it was not signed (its value ends the canonical request either way), else the
 * parameter some signers move it to, else the body is not covered. */
function presignedPayload(request: SignedRequest, service: string): Payload | Fault<PayloadFault> {
  const header = request.header('x-amz-content-sha256')
  if (header !== '') return parsePayload(header, service)
  const parameter = request.query.get('X-Amz-Content-Sha256')
  if (parameter !== undefined && parameter !== '') return parsePayload(parameter, service)
  return service === 's3' ? unsignedPayload : ofBody
}

function malformedHeader(text: string): Fault<'signature-malformed'> {
  return fault('signature-malformed', { message: `The authorization header is malformed; ${text}` })
}
function malformedQuery(message: string): Fault<'signature-query-malformed'> {
  return fault('signature-query-malformed', { message })
}
