/**
 * HMAC-SHA256 under the signing key of one credential scope. `createHmac` costs 2.1 µs for a string to sign, two calls
 * of `crypto.hash` over prepared pads 0.9 µs (bench/micro/sigv4.ts), so a key keeps its padded blocks.
 */
import { Buffer } from 'node:buffer'
import { createHmac, hash, timingSafeEqual } from 'node:crypto'
import { algorithm } from './signature.ts'

const blockBytes = 64
/** The longest scope whose string to sign is prepared: a region is a short word, an attacker's may be anything. */
const scopeLimit = 256

export class SigningKey {
  /** `20130524/us-east-1/s3/aws4_request`. */
  readonly scope: string
  readonly #key: Buffer
  /** The key under the inner pad, then the string to sign of this scope with gaps for its time and hash. */
  readonly #inner: Buffer
  /** The key under the outer pad, then a gap for the inner digest. */
  readonly #outer: Buffer
  readonly #hashAt: number
  /** The time that stands in `#inner`. */
  #amzDate = ''

  constructor(key: Buffer, scope: string) {
    this.#key = key
    this.scope = scope
    const head = `${algorithm}\n`
    const gap = ' '.repeat(16)
    const text = `${head}${gap}\n${scope.length > scopeLimit ? '' : scope}\n`
    this.#hashAt = blockBytes + Buffer.byteLength(text)
    this.#inner = Buffer.alloc(this.#hashAt + 64)
    this.#outer = Buffer.alloc(blockBytes + 32)
    this.#inner.fill(0x36, 0, blockBytes)
    this.#outer.fill(0x5c, 0, blockBytes)
    for (let i = 0; i < key.length; i++) {
      this.#inner[i]! ^= key[i]!
      this.#outer[i]! ^= key[i]!
    }
    this.#inner.write(text, blockBytes)
  }

  /**
   * The signature of a request, in lower-case hexadecimal.
   * @param amzDate 16 ASCII characters
   * @param requestHash SHA-256 of the canonical request, 64 hexadecimal digits
   */
  signRequest(amzDate: string, requestHash: string): string {
    if (this.scope.length > scopeLimit) return this.sign(stringToSign(amzDate, this.scope, requestHash))
    const inner = this.#inner
    // Requests of one second, and those of one link, say the same.
    if (amzDate !== this.#amzDate) {
      put(inner, blockBytes + algorithm.length + 1, amzDate, 16)
      this.#amzDate = amzDate
    }
    put(inner, this.#hashAt, requestHash, 64)
    put(this.#outer, blockBytes, hash('sha256', inner, 'binary'), 32)
    return hash('sha256', this.#outer, 'hex')
  }

  /** HMAC-SHA256 of a text, in lower-case hexadecimal. */
  sign(text: string): string {
    return createHmac('sha256', this.#key).update(text).digest('hex')
  }
}

/** Writes `count` characters below 256. By hand: a call into native code costs as much as a hundred of them. */
function put(into: Buffer, at: number, text: string, count: number): void {
  for (let i = 0; i < count; i++) into[at + i] = text.charCodeAt(i)
}

export function stringToSign(amzDate: string, scope: string, requestHash: string): string {
  return `${algorithm}\n${amzDate}\n${scope}\n${requestHash}`
}

/**
 * A cache of signing keys in two generations: when the young one is full it becomes the old one and the old is lost, so
 * a hit moves nothing, and at most `limit` keys are held. In front of it the last key of each secret: a client uses one
 * scope all day, and naming a scope costs 0.2 µs (bench/micro/sigv4.ts).
 */
export class SigningKeys {
  readonly #generationLimit: number
  #young = new Map<string, SigningKey>()
  #old = new Map<string, SigningKey>()
  #last = new Map<string, LastKey>()

  /** @param limit how many keys are held at most; at least 2 */
  constructor(limit: number) {
    this.#generationLimit = Math.max(1, Math.floor(limit / 2))
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }

  /** @param date yyyyMMdd */
  get(secret: string, date: string, region: string, service: string): SigningKey {
    const last = this.#last.get(secret)
    if (last !== undefined && last.date === date && last.region === region && last.service === service) return last.key
    const scope = `${date}/${region}/${service}/aws4_request`
    const key = this.#find(secret, date, region, service, scope)
    this.#last.set(secret, { date, region, service, key })
    return key
  }

  clear(): void {
    this.#young = new Map()
    this.#old = new Map()
    this.#last = new Map()
  }

  #find(secret: string, date: string, region: string, service: string, scope: string): SigningKey {
    // A scope holds no line break (the parser admits visible ASCII only), so no two pairs share a name.
    const name = `${scope}\n${secret}`
    const known = this.#young.get(name)
    if (known !== undefined) return known
    const key = this.#old.get(name) ?? deriveKey(secret, date, region, service, scope)
    if (this.#young.size >= this.#generationLimit) {
      this.#old = this.#young
      this.#young = new Map()
      // It may point into the generation just lost.
      this.#last = new Map()
    } else this.#old.delete(name)
    this.#young.set(name, key)
    return key
  }
}

interface LastKey {
  readonly date: string
  readonly region: string
  readonly service: string
  readonly key: SigningKey
}

function deriveKey(secret: string, date: string, region: string, service: string, scope: string): SigningKey {
  const dateKey = hmac(`AWS4${secret}`, date)
  return new SigningKey(hmac(hmac(hmac(dateKey, region), service), 'aws4_request'), scope)
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

const left = Buffer.alloc(64)
const right = Buffer.alloc(64)

/** Whether a signature sent is the one expected (64 hexadecimal digits), in a time that tells nothing about where they
 * differ. Upper case does not count as equal. */
export function equalSignatures(expected: string, sent: string): boolean {
  if (sent.length !== 64 || expected.length !== 64) return false
  let beyond = 0
  for (let i = 0; i < 64; i++) {
    const code = sent.charCodeAt(i)
    // A byte of it could pass for a digit.
    beyond |= code >> 8
    left[i] = expected.charCodeAt(i)
    right[i] = code
  }
  return beyond === 0 && timingSafeEqual(left, right)
}
