/** AWS's own signer as the oracle: what it signs is accepted however it is written on the wire, anything else is not. */
import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'
import fc from 'fast-check'
import t from 'tap'
import { Fault } from '../../protocol/fault.ts'
import { parseSignature } from '../../protocol/sigv4/parse.ts'
import type { SignedRequest } from '../../protocol/sigv4/signature.ts'
import { SigningKeys } from '../../protocol/sigv4/signing-key.ts'
import { verifySignature } from '../../protocol/sigv4/verify.ts'
import { example, request } from './sigv4-request.ts'

class Sha256 {
  readonly #hash: Hash | Hmac
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret))
  }
  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(data))
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }
  reset(): void {
    throw new Error('not used by the signer')
  }
}
function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Buffer {
  if (typeof data === 'string') return Buffer.from(data)
  return ArrayBuffer.isView(data) ? Buffer.from(data.buffer, data.byteOffset, data.byteLength) : Buffer.from(data)
}

interface Sample {
  readonly method: string
  readonly key: string
  readonly query: Record<string, string | string[]>
  readonly headers: Record<string, string>
  readonly sessionToken: string | undefined
  readonly secret: string
  readonly presigned: boolean
}

const piece = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: 'grapheme-ascii', maxLength: 8 }) },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme', maxLength: 4 }) },
  fc.constantFrom('+', '%', ' ', '  ', '//', '/./', '/../', '%2F', '%zz', '*', '~', "!'()", 'ü', '中', '💾', ''),
)
const text = fc.array(piece, { maxLength: 5 }).map(pieces => pieces.join(''))
const visible = fc.string({ unit: fc.constantFrom(...' !"#$%&\'()*+-./09:;<=>?@AZ[]^_`az{|}~,'), maxLength: 12 })
// The signer keeps one value per name in an object: reserved names are its, not S3's.
const name = text.filter(
  candidate => candidate !== '__proto__' && !/^x-amz-/i.test(candidate) && candidate !== 'Signature',
)
const sample: fc.Arbitrary<Sample> = fc.record({
  method: fc.constantFrom('GET', 'PUT', 'HEAD', 'POST', 'DELETE'),
  key: text,
  query: fc.dictionary(name, fc.oneof(text, fc.array(text, { minLength: 1, maxLength: 3 })), { maxKeys: 5 }),
  headers: fc
    .dictionary(fc.constantFrom('x-amz-meta-a', 'x-amz-meta-b', 'range', 'content-type', 'x-amz-acl'), visible)
    .map(headers => ({ ...headers })),
  sessionToken: fc.option(
    visible.filter(token => token.trim() !== ''),
    { nil: undefined },
  ),
  secret: fc.string({ minLength: 1, maxLength: 60 }),
  presigned: fc.boolean(),
})
const encode = (value: string) =>
  encodeURIComponent(value).replace(/[!'()*]/g, c => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)

async function sign(
  from: Sample,
): Promise<{ path: string; query: Record<string, string | string[]>; headers: Record<string, string> }> {
  const signer = new SignatureV4({
    credentials: {
      accessKeyId: example.accessKeyId,
      secretAccessKey: from.secret,
      ...(from.sessionToken === undefined ? {} : { sessionToken: from.sessionToken }),
    },
    region: 'us-east-1',
    service: 's3',
    sha256: Sha256,
    uriEscapePath: false,
  })
  const path = `/bucket/${from.key.split('/').map(encode).join('/')}`
  const plain = {
    method: from.method,
    protocol: 'http:',
    hostname: 'localhost',
    port: 4566,
    path,
    query: { ...from.query },
    headers: { host: 'localhost:4566', 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD', ...from.headers },
  }
  const signingDate = new Date(example.nowMs)
  const signed = from.presigned
    ? await signer.presign(plain, { signingDate, expiresIn: 60 })
    : await signer.sign(plain, { signingDate })
  return { path, query: (signed.query ?? {}) as Record<string, string | string[]>, headers: signed.headers }
}

/** How a client may write the same parameters: in another order, more or less escaped. */
const writing = fc.record({ seed: fc.infiniteStream(fc.nat()), reorder: fc.boolean() })
type Writing = typeof writing extends fc.Arbitrary<infer W> ? W : never
const asciiLoose = new Set("!'()*:@$,;")

function loosely(value: string, take: () => number, inPath: boolean): string {
  return encode(value).replace(/%[0-9A-F]{2}|./g, unit => {
    const choice = take() % 4
    if (unit.length === 1) return choice === 0 && unit !== '/' ? `%${unit.charCodeAt(0).toString(16)}` : unit
    const character = String.fromCharCode(Number.parseInt(unit.slice(1), 16))
    if (choice === 1) return unit.toLowerCase()
    if (choice === 2 && asciiLoose.has(character)) return character
    return choice === 3 && unit === '%20' && !inPath ? '+' : unit
  })
}

function write(signed: Awaited<ReturnType<typeof sign>>, method: string, key: string, how: Writing): SignedRequest {
  const take = () => how.seed.next().value as number
  const pairs: string[] = []
  for (const [name, value] of Object.entries(signed.query))
    for (const one of Array.isArray(value) ? value : [value])
      pairs.push(
        one === '' && take() % 2 === 0
          ? loosely(name, take, false)
          : `${loosely(name, take, false)}=${loosely(one, take, false)}`,
      )
  if (how.reorder) pairs.sort((a, b) => (take() % 3) - 1 || (a < b ? 1 : -1))
  // An empty name without '=' is no pair at all on the wire.
  const query = pairs.map(pair => (pair === '' ? '=' : pair)).join('&')
  const path = `/bucket/${key
    .split('/')
    .map(part => loosely(part, take, true))
    .join('/')}`
  return request(method, `${path}${query === '' ? '' : `?${query}`}`, Object.entries(signed.headers))
}

const keys = new SigningKeys(64)
function accepts(signed: SignedRequest, secret: string): boolean {
  const signature = parseSignature(signed, { nowMs: example.nowMs, service: 's3', region: 'us-east-1' })
  if (signature === undefined || signature instanceof Fault) return false
  const key = keys.get(secret, signature.date, signature.region, signature.service)
  return verifySignature(signature, signed, { key }) === undefined
}

t.test("AWS's signer: any request, written in any way → accepted", async () => {
  await fc.assert(
    fc.asyncProperty(sample, writing, async (from, how) => {
      const signed = write(await sign(from), from.method, from.key, how)
      return accepts(signed, from.secret)
    }),
    { numRuns: 1500 },
  )
})

t.test("AWS's signer: another secret, method or one flipped bit → refused", async () => {
  const flip = (value: string, at: number, bit: number) => {
    const bytes = Buffer.from(value)
    if (bytes.length === 0) return value
    bytes[at % bytes.length]! ^= 1 << (bit % 7)
    return bytes.toString()
  }
  const decoded = (value: string) => {
    try {
      return decodeURIComponent(value)
    } catch {
      return value
    }
  }
  await fc.assert(
    fc.asyncProperty(
      sample,
      fc.constantFrom('path', 'query', 'header', 'secret', 'method'),
      fc.nat(),
      fc.nat(6),
      async (from, what, at, bit) => {
        const result = await sign(from)
        const pairs = Object.entries(result.query).flatMap(([name, value]) =>
          (Array.isArray(value) ? value : [value]).map(one => `${encode(name)}=${encode(one)}`),
        )
        const query = pairs.join('&')
        const headers = Object.entries(result.headers)
        if (!accepts(request(from.method, `${result.path}?${query}`, headers), from.secret)) return false
        if (what === 'secret')
          return !accepts(request(from.method, `${result.path}?${query}`, headers), `${from.secret}x`)
        if (what === 'method') return !accepts(request('PATCH', `${result.path}?${query}`, headers), from.secret)
        if (what === 'header') {
          const chosen = headers[at % headers.length]!
          const value = flip(chosen[1], at, bit)
          // Blanks round a value, the scheme's case and blanks between the parts of Authorization are not signed.
          fc.pre(value.trim() !== chosen[1].trim() && chosen[0] !== 'authorization')
          const altered = headers.map(
            ([name, old]) => (name === chosen[0] ? [name, value] : [name, old]) as [string, string],
          )
          return !accepts(request(from.method, `${result.path}?${query}`, altered), from.secret)
        }
        if (what === 'path') {
          const path = flip(result.path, at, bit)
          // A digit of an escape in the other case, '?' and '%' that cut the text elsewhere are other requests.
          fc.pre(decoded(path) !== decoded(result.path) && !path.includes('?') && path.startsWith('/'))
          return !accepts(request(from.method, `${path}?${query}`, headers), from.secret)
        }
        fc.pre(query !== '')
        const altered = flip(query, at, bit)
        fc.pre(decoded(altered.replaceAll('+', ' ')) !== decoded(query))
        return !accepts(request(from.method, `${result.path}?${altered}`, headers), from.secret)
      },
    ),
    { numRuns: 1500 },
  )
})

t.test("AWS's signer: a flipped bit of the signature → refused", async () => {
  await fc.assert(
    fc.asyncProperty(sample, fc.nat(63), fc.nat(6), async (from, at, bit) => {
      const result = await sign(from)
      const spoil = (value: string) => {
        const start = value.length - 64 + at
        const changed = String.fromCharCode(value.charCodeAt(start) ^ (1 << bit))
        return value.slice(0, start) + changed + value.slice(start + 1)
      }
      const name = 'X-Amz-Signature'
      if (from.presigned) result.query[name] = spoil(result.query[name] as string)
      else result.headers['authorization'] = spoil(result.headers['authorization']!)
      const query = Object.entries(result.query).flatMap(([key, value]) =>
        (Array.isArray(value) ? value : [value]).map(one => `${encode(key)}=${encode(one)}`),
      )
      return !accepts(
        request(from.method, `${result.path}?${query.join('&')}`, Object.entries(result.headers)),
        from.secret,
      )
    }),
    { numRuns: 500 },
  )
})
