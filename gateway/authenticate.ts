/** From a request to the identity that signed it. Synchronous while the credential is cached or the catalogue is SQLite. */
import { timingSafeEqual } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database/unit.ts'
import { Fault, fault } from '../protocol/fault.ts'
import { parseVersion2, type Version2Signature } from '../protocol/sigv2/parse.ts'
import { verifyVersion2 } from '../protocol/sigv2/verify.ts'
import type { ChunkSigning } from '../protocol/sigv4/chunked.ts'
import { parseSignature } from '../protocol/sigv4/parse.ts'
import type { Payload, Signature } from '../protocol/sigv4/signature.ts'
import { SigningKeys } from '../protocol/sigv4/signing-key.ts'
import { verifySignature } from '../protocol/sigv4/verify.ts'
import type { Principal } from './context.ts'
import type { Exchange } from './exchange.ts'
import { type Credential, loadCredential } from './store/identities.ts'

export interface Verified {
  readonly principal: Principal
  /** Where the signature stands. */
  readonly form: 'header' | 'query'
  /** What the signature says about the body. */
  readonly payload: Payload
  /** Of a payload whose chunks are signed. */
  readonly chunks: ChunkSigning | undefined
  readonly nowMs: number
}

const anonymousDenied = fault('anonymous-denied')
const tokenInvalid = fault('session-token-invalid')
const tokenExpired = fault('session-token-expired')

/** A credential that another process adds, changes or revokes is noticed within this time. */
const credentialTtlMs = 5_000
const credentialsHeld = 10_000
const signingKeysHeld = 10_000

export class Authenticator {
  readonly #database: Database
  readonly #clock: Clock
  readonly #keys = new SigningKeys(signingKeysHeld)
  readonly #credentials = new LRUCache<string, Credential>({ max: credentialsHeld, ttl: credentialTtlMs })

  constructor(database: Database, clock: Clock) {
    this.#database = database
    this.#clock = clock
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
    if (signature === undefined) return anonymousDenied
    if (signature instanceof Fault) return signature
    const known = this.#credentials.get(signature.accessKeyId)
    if (known !== undefined) return this.#verify(exchange, signature, known, nowMs, payloadHash)
    const loaded = this.#database.read(() => loadCredential(signature.accessKeyId))
    const proceed = (credential: Credential | undefined): Verified | Fault => {
      if (credential === undefined) return fault('access-key-unknown', { accessKeyId: signature.accessKeyId })
      this.#credentials.set(signature.accessKeyId, credential)
      return this.#verify(exchange, signature, credential, nowMs, payloadHash)
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
    const token = credential.sessionToken ?? ''
    // Without its token a temporary key is none that S3 knows.
    if (token !== '' && signature.sessionToken === '')
      return fault('access-key-unknown', { accessKeyId: signature.accessKeyId })
    if (!sameToken(token, signature.sessionToken)) return tokenInvalid
    if (credential.expiresAtMs !== null && credential.expiresAtMs <= nowMs) return tokenExpired
    const { environmentId, account, identityId, identityName, canonicalId } = credential
    const { accessKeyId, form, payload } = signature
    const { region, chunks } = checked
    return {
      principal: { accessKeyId, environmentId, account, identityId, identityName, canonicalId, region },
      form,
      payload,
      chunks,
      nowMs,
    }
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
      ...(received === exchange.host ? {} : { hosts: [exchange.host, received] }),
      ...(payloadHash === undefined ? {} : { payloadHash }),
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

function sameToken(expected: string, sent: string): boolean {
  if (expected === '' || sent === '') return expected === sent
  const [left, right] = [Buffer.from(expected), Buffer.from(sent)]
  return left.length === right.length && timingSafeEqual(left, right)
}
