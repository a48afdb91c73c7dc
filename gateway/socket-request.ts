/** A request copied off the socket: uWebSockets.js takes its own away when the callback returns. */
import type { HttpRequest } from 'uWebSockets.js'
import { type Fault, fault } from '../protocol/fault.ts'
import type { Dialect, Level, Method, WireRequest } from '../protocol/operation.ts'
import { emptyQuery, Query } from '../protocol/query.ts'

/** By comparing: a property is looked up by an interned name, and what comes off the socket is a new string. */
function methodOf(lower: string): Method | undefined {
  if (lower === 'get') return 'GET'
  if (lower === 'put') return 'PUT'
  if (lower === 'head') return 'HEAD'
  if (lower === 'post') return 'POST'
  if (lower === 'delete') return 'DELETE'
  return lower === 'options' ? 'OPTIONS' : undefined
}

export class SocketRequest implements WireRequest {
  /** undefined for a method no wire speaks. */
  readonly knownMethod: Method | undefined
  /** As received, in lower case. */
  readonly methodText: string
  /** As received, without the query; always starts with '/'. */
  readonly rawPath: string
  readonly query: Query
  readonly headers: string[]
  /** Bit n: some header's name has n letters, modulo 32. Parsers ask for some thirty names, and few are there. */
  #nameLengths = 0
  readonly dialect: Dialect
  level: Level = 0
  bucket = ''
  key = ''

  constructor(request: HttpRequest, dialect: Dialect) {
    this.dialect = dialect
    this.methodText = request.getMethod()
    this.knownMethod = methodOf(this.methodText)
    this.rawPath = originForm(request.getUrl())
    const query = request.getQuery()
    this.query = query === undefined || query === '' ? emptyQuery : new Query(query)
    const headers: string[] = []
    let nameLengths = 0
    request.forEach((name, value) => {
      headers.push(name, value)
      nameLengths |= 1 << (name.length & 31)
    })
    this.headers = headers
    this.#nameLengths = nameLengths
  }

  get method(): Method {
    return this.knownMethod ?? 'GET'
  }

  header(lowerName: string): string {
    if ((this.#nameLengths & (1 << (lowerName.length & 31))) === 0) return ''
    const headers = this.headers
    let found = ''
    for (let i = 0; i < headers.length; i += 2)
      if (headers[i] === lowerName) found = found === '' ? headers[i + 1]! : `${found},${headers[i + 1]!}`
    return found
  }

  /**
   * Presigning clients move `x-amz-*` headers into the query, and with Signature Version 2 also Content-Type and
   * Content-MD5: S3 takes them as if they were headers. Call once the signature is verified: it covers both, each in its
   * own place. 'argument-invalid' for what no header line can carry: a stored one would end its line, and begin another,
   * in every answer about the object.
   */
  adoptQueryHeaders(): Fault<'argument-invalid'> | undefined {
    const version4 = this.query.has('X-Amz-Algorithm')
    if (version4 && this.query.size <= signatureParameters.size) return undefined
    for (const [name, value] of this.query) {
      const lowerName = name.toLowerCase()
      if (!lowerName.startsWith('x-amz-') && (version4 || !positional.has(lowerName))) continue
      if (signatureParameters.has(lowerName) || unheeded.test(lowerName)) continue
      if (this.count(lowerName) > 0) continue
      if (!headerName.test(lowerName) || controls.test(value))
        return fault('argument-invalid', { name, message: 'Header name or value contains an invalid character.' })
      this.headers.push(lowerName, value)
      this.#nameLengths |= 1 << (lowerName.length & 31)
    }
    return undefined
  }

  /** How often a header stands in the request. */
  count(lowerName: string): number {
    let count = 0
    for (let i = 0; i < this.headers.length; i += 2) if (this.headers[i] === lowerName) count++
    return count
  }
}

/** Those of a presigned URL itself, without a session token. */
const signatureParameters: ReadonlySet<string> = new Set([
  'x-amz-algorithm',
  'x-amz-credential',
  'x-amz-date',
  'x-amz-expires',
  'x-amz-signedheaders',
  'x-amz-signature',
])
const positional: ReadonlySet<string> = new Set(['content-type', 'content-md5'])
/**
 * The session token has been checked already. Checksums in the query are not checked: the JavaScript SDK signs that of an
 * empty body into every link to upload with, and S3 lets the upload pass.
 */
const unheeded = /^x-amz-(?:checksum-(?:crc|sha|md5|xxhash)[a-z0-9]*|sdk-checksum-algorithm|security-token)$/

/** RFC 9110 §5.6.2, in lower case. */
const headerName = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/
const controls = /[\u0000-\u0008\u000a-\u001f\u007f]/

/** Proxies may send the absolute form (`GET http://host/path`, RFC 9112 §3.2.2): its path is what we serve. */
function originForm(target: string): string {
  if (target.charCodeAt(0) === 47) return target
  const scheme = target.indexOf('://')
  if (scheme < 0) return `/${target}`
  const slash = target.indexOf('/', scheme + 3)
  return slash < 0 ? '/' : target.slice(slash)
}
