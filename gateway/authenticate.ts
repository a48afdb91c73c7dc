/** From a request to the identity that signed it. Synchronous while the credential is cached or the catalogue is SQLite. */
import { timingSafeEqual } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database/unit.ts'
import { Fault, fault } from '../protocol/fault.ts'
import type { WireRequest } from '../protocol/operation.ts'
import { anonymousCanonicalId } from '../protocol/s3/acl.ts'
import { claimedAccessKey } from '../protocol/s3/claimed-key.ts'
import type { PostForm } from '../protocol/s3/post-form.ts'
import { checkPolicy, parsePolicy, type SizeRange } from '../protocol/s3/post-policy.ts'
import { type PostSignature, parsePostSignature, verifyPost2, verifyPost4 } from '../protocol/s3/post-signature.ts'
import { parseVersion2, type Version2Signature } from '../protocol/sigv2/parse.ts'
import { verifyVersion2 } from '../protocol/sigv2/verify.ts'
import type { ChunkSigning } from '../protocol/sigv4/chunked.ts'
import { parseSignature, unsignedPayloadOf } from '../protocol/sigv4/parse.ts'
import { type Payload, type Signature, unsignedPayload } from '../protocol/sigv4/signature.ts'
import { SigningKeys } from '../protocol/sigv4/signing-key.ts'
import { verifySignature } from '../protocol/sigv4/verify.ts'
import type { Principal } from './context.ts'
import type { Exchange } from './exchange.ts'
import { anonymousId } from './rules/access.ts'
import { type Credential, loadCredential } from './store/identities.ts'

export interface Verified {
  readonly principal: Principal
  /** Where the signature stands. */
  readonly form: 'header' | 'query' | 'form' | 'none'
  /** By the client's clock; undefined where the signature does not say. */
  readonly signedAtMs: number | undefined
  /** What the signature says about the body. */
  readonly payload: Payload
  /** Of a payload whose chunks are signed. */
  readonly chunks: ChunkSigning | undefined
  readonly nowMs: number
}

export interface VerifiedForm extends Verified {
  /** The sizes that its policy lets its file have; undefined for any. */
  readonly sizes: SizeRange | undefined
}

const anonymousDenied = fault('anonymous-denied')
const tokenInvalid = fault('session-token-invalid')
const tokenExpired = fault('session-token-expired')

/** A credential that another process adds, changes or revokes is noticed within this time. */
const credentialTtlMs = 5_000
const credentialsHeld = 10_000
/** The cache's own times to live set a timer every millisecond. */
interface HeldCredential {
  readonly credential: Credential
  /** By `performance.now`. */
  readonly untilMs: number
}
const signingKeysHeld = 10_000

export class Authenticator {
  readonly #database: Database
  readonly #clock: Clock
  readonly #nobody: Principal
  readonly #keys = new SigningKeys(signingKeysHeld)
  readonly #credentials = new LRUCache<string, HeldCredential>({ max: credentialsHeld })

  /** @param unsigned the environment of requests without a signature */
  constructor(database: Database, clock: Clock, unsigned: { readonly id: number; readonly account: string }) {
    this.#database = database
    this.#clock = clock
    this.#nobody = {
      accessKeyId: '',
      environmentId: unsigned.id,
      account: unsigned.account,
      identityId: anonymousId,
      identityName: '',
      canonicalId: anonymousCanonicalId,
      region: '',
    }
  }

  /** @param payloadHash SHA-256 of the body in hexadecimal, for services that hash it themselves (STS) */
  authenticate(
    exchange: Exchange,
    service: 's3' | 'sts',
    payloadHash?: string,
  ): Verified | Fault | Promise<Verified | Fault> {
    const nowMs = this.#clock.now()
    const signature =
      (service === 's3' ? parseVersion2(exchange.request, nowMs) : undefined) ??
      parseSignature(exchange.request, { nowMs, service })
    if (signature === undefined) return service === 's3' ? this.#unsigned(exchange, nowMs) : anonymousDenied
    if (signature instanceof Fault) return signature
    return this.#withCredential(signature.accessKeyId, credential =>
      this.#verify(exchange, signature, credential, nowMs, payloadHash),
    )
  }

  /** Nobody, whatever a signature says: websites have none. */
  anonymous(): Verified {
    return this.#anonymous(unsignedPayload, this.#clock.now())
  }

  /** The environment whose buckets a request means, by the key it names; nothing is verified. */
  environmentOf(request: WireRequest): number | Promise<number> {
    const accessKeyId = claimedAccessKey(request)
    const fallback = this.#nobody.environmentId
    if (accessKeyId === '') return fallback
    const found = this.#withCredential(accessKeyId, credential => credential.environmentId)
    const known = (id: number | Fault): number => (id instanceof Fault ? fallback : id)
    return found instanceof Promise ? found.then(known) : known(found)
  }

  /** A form by its own fields: who signed its policy, and whether it meets it. */
  authenticateForm(form: PostForm): VerifiedForm | Fault | Promise<VerifiedForm | Fault> {
    const nowMs = this.#clock.now()
    const signature = parsePostSignature(form, nowMs)
    if (signature === undefined) return { ...this.#anonymous(unsignedPayload, nowMs), sizes: undefined }
    if (signature instanceof Fault) return signature
    return this.#withCredential(signature.accessKeyId, credential =>
      this.#verifyForm(form, signature, credential, nowMs),
    )
  }

  /** Nobody, who may do what everybody may. */
  #unsigned(exchange: Exchange, nowMs: number): Verified | Fault {
    const payload = unsignedPayloadOf(exchange.request)
    return payload instanceof Fault ? payload : this.#anonymous(payload, nowMs)
  }
  #anonymous(payload: Payload, nowMs: number): Verified {
    return { principal: this.#nobody, form: 'none', signedAtMs: undefined, payload, chunks: undefined, nowMs }
  }

  #withCredential<T>(
    accessKeyId: string,
    verify: (credential: Credential) => T | Fault,
  ): T | Fault | Promise<T | Fault> {
    const known = this.#credentials.get(accessKeyId)
    const nowMs = performance.now()
    if (known !== undefined && known.untilMs > nowMs) return verify(known.credential)
    const loaded = this.#database.read(() => loadCredential(accessKeyId))
    const proceed = (credential: Credential | undefined): T | Fault => {
      if (credential === undefined) return fault('access-key-unknown', { accessKeyId })
      this.#credentials.set(accessKeyId, { credential, untilMs: nowMs + credentialTtlMs })
      return verify(credential)
    }
    return loaded instanceof Promise ? loaded.then(proceed) : proceed(loaded)
  }

  #verify(
    exchange: Exchange,
    signature: Signature | Version2Signature,
    credential: Credential,
    nowMs: number,
    payloadHash: string | undefined,
  ): Verified | Fault {
    const checked =
      'region' in signature
        ? this.#verify4(exchange, signature, credential, payloadHash)
        : verify2(exchange, signature, credential)
    if (checked instanceof Fault) return checked
    const { region, chunks } = checked
    const principal = admit(credential, signature, region, nowMs)
    if (principal instanceof Fault) return principal
    const signedAtMs = 'amzDateMs' in signature ? signature.amzDateMs : undefined
    return { principal, form: signature.form, signedAtMs, payload: signature.payload, chunks, nowMs }
  }

  #verifyForm(form: PostForm, signature: PostSignature, credential: Credential, nowMs: number): VerifiedForm | Fault {
    const { scope } = signature
    const wrong =
      scope === undefined
        ? verifyPost2(signature, credential.secretAccessKey)
        : verifyPost4(signature, this.#keys.get(credential.secretAccessKey, scope.date, scope.region, scope.service))
    if (wrong !== undefined) return wrong
    const principal = admit(credential, signature, scope?.region ?? '', nowMs)
    if (principal instanceof Fault) return principal
    const policy = parsePolicy(signature.policy)
    if (policy instanceof Fault) return policy
    const sizes = checkPolicy(policy, form, nowMs)
    if (sizes instanceof Fault) return sizes
    const payload = unsignedPayload
    return { principal, form: 'form', signedAtMs: undefined, payload, chunks: undefined, nowMs, sizes }
  }

  #verify4(
    exchange: Exchange,
    signature: Signature,
    credential: Credential,
    payloadHash: string | undefined,
  ): Checked | Fault {
    const { accessKeyId, amzDate, region, signature: seed } = signature
    const key = this.#keys.get(credential.secretAccessKey, signature.date, region, signature.service)
    const received = exchange.request.header('host')
    const wrong = verifySignature(signature, exchange.request, {
      key,
      hosts: received === exchange.host ? undefined : [exchange.host, received],
      payloadHash,
    })
    if (wrong !== undefined) return wrong
    const { kind } = signature.payload
    const signed = kind === 'streaming-signed' || kind === 'streaming-signed-trailer'
    return { region, chunks: signed ? { key, seed, amzDate, accessKeyId } : undefined }
  }
}

/** What only the signature tells, once it is right. */
type Checked = { readonly region: string; readonly chunks: ChunkSigning | undefined }

const regionless: Checked = { region: '', chunks: undefined }

/** Version 2 names no region: buckets of every one answer. */
function verify2(exchange: Exchange, signature: Version2Signature, credential: Credential): Checked | Fault {
  const hostBucket = exchange.virtualHost ? exchange.request.bucket : ''
  return verifyVersion2(signature, exchange.request, credential.secretAccessKey, hostBucket) ?? regionless
}

/** Whoever holds a credential whose signature was right, unless its session is over. */
function admit(
  credential: Credential,
  signature: { readonly accessKeyId: string; readonly sessionToken: string },
  region: string,
  nowMs: number,
): Principal | Fault {
  const { accessKeyId, sessionToken } = signature
  const token = credential.sessionToken ?? ''
  // Without its token a temporary key is none that S3 knows.
  if (token !== '' && sessionToken === '') return fault('access-key-unknown', { accessKeyId })
  if (!sameToken(token, sessionToken)) return tokenInvalid
  if (credential.expiresAtMs !== null && credential.expiresAtMs <= nowMs) return tokenExpired
  const { environmentId, account, identityId, identityName, canonicalId, session } = credential
  return { accessKeyId, environmentId, account, identityId, identityName, canonicalId, region, session }
}

function sameToken(expected: string, sent: string): boolean {
  if (expected === '' || sent === '') return expected === sent
  const [left, right] = [Buffer.from(expected), Buffer.from(sent)]
  return left.length === right.length && timingSafeEqual(left, right)
}
