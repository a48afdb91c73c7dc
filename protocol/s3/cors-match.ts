/**
 * Which cross-origin rule a request meets, and what S3 answers because of it. An actual request is never refused for
 * its origin: without a rule it is answered as any other, only without these headers (so recorded, also for errors).
 * Sources: S3 User Guide, "Using cross-origin resource sharing"; answers recorded from the service.
 */
import { type Fault, fault } from '../fault.ts'
import { Level, type Reply, type WireRequest } from '../operation.ts'
import { type CorsConfiguration, type CorsMethod, type CorsRule, corsMethods } from './cors.ts'

export interface CorsRequest {
  readonly origin: string
  /** The method asked about. */
  readonly method: string
  /** The names asked about, as sent. */
  readonly requestHeaders: readonly string[]
}

/**
 * What an actual request asks of the rules; undefined when it carries no Origin. The two headers of a preflight count
 * here as well: recorded, a GET with `Access-Control-Request-Method: PUT` is matched as a PUT.
 */
export function corsRequestOf(request: WireRequest): CorsRequest | undefined {
  const origin = request.header('origin')
  if (origin === '') return undefined
  return {
    origin,
    method: request.header('access-control-request-method') || request.method,
    requestHeaders: splitNames(request.header('access-control-request-headers')),
  }
}

/** Empty members of a list do not count (RFC 9110 §5.6.1). */
function splitNames(list: string): readonly string[] {
  return list === ''
    ? noNames
    : list
        .split(',')
        .map(name => name.trim())
        .filter(name => name !== '')
}
const noNames: readonly string[] = Object.freeze([])

/** The first rule that allows origin, method and every requested header. */
export function matchCors(configuration: CorsConfiguration, request: CorsRequest): CorsRule | undefined {
  const { origin, method } = request
  const names = new Set(request.requestHeaders.map(name => name.toLowerCase()))
  return configuration.rules.find(
    rule =>
      rule.allowedMethods.includes(method as CorsMethod) &&
      rule.allowedOrigins.some(pattern => matches(pattern, origin)) &&
      (names.size === 0 || allowsHeaders(rule, names)),
  )
}

/** Patterns without a `*` are looked up, not tried: both lists may be thousands long. */
function allowsHeaders({ allowedHeaders }: CorsRule, names: ReadonlySet<string>): boolean {
  const patterns = new Set(allowedHeaders.map(pattern => pattern.toLowerCase()))
  const wild = [...patterns].filter(pattern => pattern.includes('*'))
  for (const name of names) if (!patterns.has(name) && !wild.some(pattern => matches(pattern, name))) return false
  return true
}

/** A pattern has at most one `*`, which stands for any text, also for none; the rest must match to the letter. */
function matches(pattern: string, text: string): boolean {
  const star = pattern.indexOf('*')
  if (star < 0) return pattern === text
  const after = pattern.length - star - 1
  return (
    text.length >= star + after && text.startsWith(pattern.slice(0, star)) && text.endsWith(pattern.slice(star + 1))
  )
}

const varies = 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method'

/** The headers of an answer under a rule, [name, value, …]: the same for a preflight and an actual request. */
export function corsHeaders(rule: CorsRule, { origin, requestHeaders }: CorsRequest): readonly string[] {
  const anyOrigin = rule.allowedOrigins.find(pattern => matches(pattern, origin)) === '*'
  const headers = ['Access-Control-Allow-Origin', anyOrigin ? '*' : origin]
  headers.push('Access-Control-Allow-Methods', rule.allowedMethods.join(', '))
  // Only what was asked for, in lower case and in the order asked.
  if (requestHeaders.length > 0)
    headers.push('Access-Control-Allow-Headers', requestHeaders.map(name => name.toLowerCase()).join(', '))
  if (rule.exposeHeaders.length > 0) headers.push('Access-Control-Expose-Headers', rule.exposeHeaders.join(', '))
  if (rule.maxAgeSeconds !== undefined) headers.push('Access-Control-Max-Age', String(rule.maxAgeSeconds))
  if (!anyOrigin) headers.push('Access-Control-Allow-Credentials', 'true')
  headers.push('Vary', varies)
  return headers
}

/** The cross-origin headers of an answer to an actual request; none without an Origin, rules or a rule that matches. */
export function corsHeadersOf(request: WireRequest, configuration: CorsConfiguration | undefined): readonly string[] {
  if (configuration === undefined) return noNames
  const asked = corsRequestOf(request)
  const rule = asked === undefined ? undefined : matchCors(configuration, asked)
  return rule === undefined ? noNames : corsHeaders(rule, asked!)
}

export type PreflightFault = Fault<'cors-forbidden'> | Fault<'cors-request-invalid'>

/**
 * The answer to OPTIONS, which S3 gives to anyone, signed or not, and without looking for the object.
 * @param rules the bucket's; 'unconfigured' when it has none, 'missing' when there is no such bucket
 */
export function answerPreflight(
  request: WireRequest,
  rules: CorsConfiguration | 'unconfigured' | 'missing',
): Reply | PreflightFault {
  if (request.header('origin') === '') return fault('cors-request-invalid')
  const method = request.header('access-control-request-method')
  if (typeof rules === 'string')
    return fault('cors-forbidden', {
      message: `CORSResponse: ${rules === 'missing' ? 'Bucket not found' : 'CORS is not enabled for this bucket.'}`,
      method: method || 'OPTIONS',
      // Of no rules S3 says so of the bucket, even where the request is about an object.
      resourceType: 'BUCKET',
    })
  if (!corsMethods.includes(method as CorsMethod))
    return fault('cors-request-invalid', { message: `Invalid Access-Control-Request-Method: ${method || 'null'}` })
  const asked = corsRequestOf(request)!
  for (const name of asked.requestHeaders)
    if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name))
      return fault('cors-request-invalid', {
        message: `Access-Control-Request-Headers "${name}" contains invalid character.`,
      })
  const rule = matchCors(rules, asked)
  if (rule === undefined)
    return fault('cors-forbidden', { method, resourceType: request.level === Level.object ? 'OBJECT' : 'BUCKET' })
  return { status: 200, headers: corsHeaders(rule, asked), body: null }
}
