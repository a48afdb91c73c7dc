/**
 * Requests signed by hand and sent byte for byte: for what the SDKs cannot send (paths with dot segments, wrong
 * signatures, bodies that do not match). Written from AWS's documentation of Signature Version 4, not from the server's
 * verifier: it is one of the two oracles that the verifier is tested against (the SDKs are the other).
 */
import { createHash, createHmac } from 'node:crypto'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'

export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}
export const testCredentials: Credentials = { accessKeyId: 'test', secretAccessKey: 'test' }

export interface SignedRequest {
  readonly method: string
  /** Goes out as it is: percent-encode it yourself. */
  readonly path: string
  /** Without the question mark, or pairs that are then encoded. */
  readonly query?: string | Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string | Uint8Array
  /** null sends it anonymously. */
  readonly credentials?: Credentials | null
  readonly region?: string
  readonly service?: string
  /** The clock of the client. */
  readonly nowMs?: number
  /** What x-amz-content-sha256 says; the hash of the body when absent. */
  readonly contentSha256?: string
  /** Puts the signature into the query, valid for `presign` seconds. */
  readonly presign?: number
  /** The Host that is sent and signed; the server's address when absent. */
  readonly host?: string
  /** Changes the finished request before it is sent. */
  readonly tamper?: (request: ReadyRequest) => ReadyRequest
}

export interface ReadyRequest {
  readonly method: string
  /** Path and query. */
  readonly target: string
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly body: Uint8Array
}

export interface Signature {
  readonly value: string
  readonly key: Buffer
  readonly scope: string
  readonly amzDate: string
}

export interface WireResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
  readonly body: Buffer
  readonly text: string
}

/** Signs and sends; answers whatever came back. Rejects when the connection breaks. */
export async function signedFetch(server: { readonly origin: string }, wanted: SignedRequest): Promise<WireResponse> {
  const { request } = sign(server, wanted)
  return send(server, wanted.tamper ? wanted.tamper(request) : request)
}

/** A presigned link, valid for `presign` seconds (900). */
export function presign(server: { readonly origin: string }, wanted: SignedRequest): string {
  const { request } = sign(server, { ...wanted, presign: wanted.presign ?? 900 })
  return `http://${request.headers['host']}${request.target}`
}

export function sign(
  server: { readonly origin: string },
  wanted: SignedRequest,
): { request: ReadyRequest; signature?: Signature } {
  const body = Buffer.from(wanted.body ?? '')
  const host = wanted.host ?? new URL(server.origin).host
  const headers: Record<string, string | readonly string[]> = { host }
  for (const [name, value] of Object.entries(wanted.headers ?? {})) headers[name.toLowerCase()] = value
  let query = typeof wanted.query === 'object' ? encodePairs(Object.entries(wanted.query)) : (wanted.query ?? '')
  const credentials = wanted.credentials === undefined ? testCredentials : wanted.credentials
  const target = () => (query === '' ? wanted.path : `${wanted.path}?${query}`)
  if (credentials === null) return { request: { method: wanted.method, target: target(), headers, body } }

  const amzDate = timestamp(wanted.nowMs ?? Date.now())
  const scope = `${amzDate.slice(0, 8)}/${wanted.region ?? 'us-east-1'}/${wanted.service ?? 's3'}/aws4_request`
  const presigned = wanted.presign !== undefined
  const payload = wanted.contentSha256 ?? (presigned ? 'UNSIGNED-PAYLOAD' : sha256(body))
  if (!presigned) {
    headers['x-amz-date'] = amzDate
    headers['x-amz-content-sha256'] = payload
    if (credentials.sessionToken !== undefined) headers['x-amz-security-token'] = credentials.sessionToken
  }
  const names = Object.keys(headers).sort()
  if (presigned) {
    const pairs: [string, string][] = [
      ['X-Amz-Algorithm', 'AWS4-HMAC-SHA256'],
      ['X-Amz-Credential', `${credentials.accessKeyId}/${scope}`],
      ['X-Amz-Date', amzDate],
      ['X-Amz-Expires', String(wanted.presign)],
      ['X-Amz-SignedHeaders', names.join(';')],
    ]
    if (credentials.sessionToken !== undefined) pairs.push(['X-Amz-Security-Token', credentials.sessionToken])
    query = [query, encodePairs(pairs)].filter(part => part !== '').join('&')
  }
  const canonical = [
    wanted.method,
    canonicalPath(wanted.path),
    canonicalQuery(query),
    ...names.map(name => `${name}:${canonicalValue(headers[name] ?? '')}`),
    '',
    names.join(';'),
    payload,
  ].join('\n')
  const key = signingKey(credentials.secretAccessKey, scope)
  const value = hmac(key, `AWS4-HMAC-SHA256\n${amzDate}\n${scope}\n${sha256(canonical)}`).toString('hex')
  if (presigned) query += `&X-Amz-Signature=${value}`
  else
    headers['authorization'] =
      `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${value}`
  return {
    request: { method: wanted.method, target: target(), headers, body },
    signature: { value, key, scope, amzDate },
  }
}

export function send(server: { readonly origin: string }, ready: ReadyRequest): Promise<WireResponse> {
  const { hostname, port } = new URL(server.origin)
  const headers: string[] = []
  for (const [name, value] of Object.entries(ready.headers))
    for (const one of typeof value === 'string' ? [value] : value) headers.push(name, one)
  if (!('content-length' in ready.headers) && !('transfer-encoding' in ready.headers))
    if (ready.body.length > 0 || ready.method === 'PUT' || ready.method === 'POST')
      headers.push('content-length', String(ready.body.length))
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      // Raw header pairs keep the order and the repetitions; without `setHost: false` a second Host would go out.
      { hostname, port, method: ready.method, path: ready.target, headers, agent: false, setHost: false },
      response => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.once('error', reject)
        response.once('end', () => {
          const body = Buffer.concat(chunks)
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            rawHeaders: response.rawHeaders,
            body,
            text: body.toString('utf8'),
          })
        })
      },
    )
    outgoing.once('error', reject)
    outgoing.end(ready.body)
  })
}

/** The text of the first element of this name in an XML answer, entities decoded; undefined when there is none. */
export function element(xml: string, name: string): string | undefined {
  const found = new RegExp(`<${name}(?: [^>]*)?>([^<]*)</${name}>`).exec(xml)
  return found?.[1]
    ?.replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#xD;', '\r')
    .replaceAll('&#xA;', '\n')
    .replaceAll('&#10;', '\n')
    .replaceAll('&apos;', "'")
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
}

/** Percent-encodes every byte but RFC 3986's unreserved ones. */
export function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}
/** The path of an object: every segment encoded, slashes kept. */
export function objectPath(bucket: string, key: string): string {
  return `/${bucket}/${key.split('/').map(encode).join('/')}`
}

export function timestamp(nowMs: number): string {
  return new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, '')
}
export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}
export function hmac(key: string | Buffer, data: string): Buffer {
  return createHmac('sha256', key).update(data).digest()
}
export function signingKey(secret: string, scope: string): Buffer {
  let key: Buffer = Buffer.from(`AWS4${secret}`)
  for (const part of scope.split('/')) key = hmac(key, part)
  return key
}

function canonicalPath(path: string): string {
  return path.split('/').map(recode).join('/')
}
function canonicalQuery(query: string): string {
  if (query === '') return ''
  const pairs = query.split('&').map(pair => {
    const at = pair.indexOf('=')
    return at < 0 ? [recode(pair), ''] : [recode(pair.slice(0, at)), recode(pair.slice(at + 1))]
  })
  return pairs
    .map(([name, value]) => `${name}=${value}`)
    .sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
    .join('&')
}
/** What is encoded stays encoded; what is not but ought to be becomes so. */
function recode(part: string): string {
  return part.replace(/%[0-9A-Fa-f]{2}|[^%]+|%/g, piece =>
    piece.length === 3 && piece.startsWith('%') ? recodeByte(piece) : encode(piece),
  )
}
function recodeByte(encoded: string): string {
  const char = String.fromCharCode(Number.parseInt(encoded.slice(1), 16))
  return /[A-Za-z0-9\-._~]/.test(char) ? char : encoded.toUpperCase()
}
function canonicalValue(value: string | readonly string[]): string {
  const values = typeof value === 'string' ? [value] : value
  return values.map(one => one.trim().replace(/ +/g, ' ')).join(',')
}
function encodePairs(pairs: readonly (readonly [string, string])[]): string {
  return pairs.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&')
}
