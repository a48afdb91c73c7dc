/**
 * The key ring: makes data keys, seals them for a row, and opens them again.
 *
 * A data key is random and wrapped with AES-256-GCM: under a key of the master key's own (managed), or under one that is
 * derived from it by the name the client gave (named; its context is bound as associated data). A customer's data key is
 * not kept at all: it is made from the customer's key and a random salt. There is no key service: every name is taken to be
 * a key that exists.
 *
 * The seal is bound to no bucket or object, so that a row can be renamed, or share its blob with a copy, without being
 * sealed again.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { CustomerKey, KeySpec, NamedKey } from '../../protocol/encryption.ts'
import { type Fault, fault } from '../../protocol/fault.ts'
import { type ObjectCipher, opaqueEtag } from '../bytes/object-cipher.ts'
import { randomPortion } from '../random-pool.ts'
import { loadMasterKey, masterKeyBytes } from './master.ts'
import {
  SealBroken,
  type SealedCustomer,
  type SealedEncryption,
  type SealedManaged,
  type SealedNamed,
} from './sealed.ts'

export interface DataKey {
  readonly cipher: ObjectCipher
  readonly sealed: SealedEncryption
}

/** Why a stored object's bytes cannot be read with what the request has. */
export type KeyFault = Fault<'customer-key-missing'> | Fault<'customer-key-unexpected'> | Fault<'customer-key-wrong'>
/** Why a request does not fit the upload it names. */
export type UploadKeyFault = Fault<'upload-key-unfitting'> | Fault<'upload-key-different'>

const keyBytes = 32
const nonceBytes = 12
const tagBytes = 16
/** Wrapping keys that are kept: deriving one takes 30 µs. */
const wrappingKeysKept = 1_000

export class KeyRing {
  readonly #master: Buffer
  readonly #managed: Buffer
  readonly #named = new LRUCache<string, Buffer>({ max: wrappingKeysKept })

  /** @param master 32 random bytes */
  constructor(master: Buffer) {
    if (master.length !== masterKeyBytes) throw new RangeError(`a master key has ${masterKeyBytes} bytes`)
    this.#master = master
    this.#managed = this.#derive('managed')
  }

  /**
   * The ring of a data directory; without one, of this process alone.
   * @throws MasterKeyUnusable, or the error of the file system
   */
  static async open(dataDir: string | undefined): Promise<KeyRing> {
    return new KeyRing(dataDir === undefined ? randomBytes(masterKeyBytes) : await loadMasterKey(dataDir))
  }

  /** A key for one object version or one upload: make a new one for each write (object-cipher.ts says why). */
  newDataKey(spec: KeySpec): DataKey {
    if (spec.kind === 'customer') return newCustomerKey(spec)
    const key = randomPortion(keyBytes)
    if (spec.kind === 'named') return { cipher: { key }, sealed: this.#sealNamed(key, spec) }
    return { cipher: { key }, sealed: { kind: 'managed', wrapped: wrap(key, this.#managed, managedLabel) } }
  }

  /**
   * Seals a data key that is in use under another name: what is encrypted with it stays as it is.
   * @throws SealBroken when the sealed key is not of this ring, or was changed
   */
  reseal(sealed: SealedManaged | SealedNamed, spec: NamedKey): SealedNamed {
    return this.#sealNamed(this.#open(sealed), spec)
  }

  #sealNamed(key: Buffer, spec: NamedKey): SealedNamed {
    const { kind, name, context, dual, bucketKey } = spec
    return { kind, name, context, dual, bucketKey, wrapped: wrap(key, this.#wrappingKey(name), namedLabel(spec)) }
  }

  #open(sealed: SealedManaged | SealedNamed): Buffer {
    return sealed.kind === 'managed'
      ? unwrap(sealed.wrapped, this.#managed, managedLabel)
      : unwrap(sealed.wrapped, this.#wrappingKey(sealed.name), namedLabel(sealed))
  }

  /**
   * What decrypts an object; undefined when it is not encrypted.
   * @throws SealBroken when the sealed key is not of this ring, or was changed
   */
  openSealed(
    sealed: SealedEncryption | undefined,
    customerKey: CustomerKey | undefined,
  ): ObjectCipher | undefined | KeyFault {
    if (sealed?.kind === 'customer') {
      if (customerKey === undefined) return fault('customer-key-missing')
      return openCustomer(sealed, customerKey) ?? fault('customer-key-wrong')
    }
    if (customerKey !== undefined) return fault('customer-key-unexpected')
    return sealed === undefined ? undefined : { key: this.#open(sealed) }
  }

  /**
   * As openSealed, for the upload that a part is to belong to: it was created with a customer's key or without one, and
   * its parts come with the same.
   */
  openUpload(
    sealed: SealedEncryption | undefined,
    customerKey: CustomerKey | undefined,
  ): ObjectCipher | undefined | UploadKeyFault {
    const opened = this.openSealed(sealed, customerKey)
    if (opened === undefined || !('code' in opened)) return opened
    return opened.code === 'customer-key-wrong' ? fault('upload-key-different') : fault('upload-key-unfitting')
  }

  #wrappingKey(name: string): Buffer {
    const known = this.#named.get(name)
    if (known !== undefined) return known
    const key = this.#derive(`named ${name}`)
    this.#named.set(name, key)
    return key
  }

  #derive(label: string): Buffer {
    return Buffer.from(hkdfSync('sha256', this.#master, noSalt, `mockfactory ${label}`, keyBytes))
  }
}
const noSalt = Buffer.alloc(0)

/**
 * An object's ETag, or a part's: the MD5 of its text where the key is managed or there is none, and nothing that could be
 * compared with an MD5 otherwise (S3's API reference, "Object", ETag).
 */
export function etagOf(
  sealed: SealedEncryption | undefined,
  cipher: ObjectCipher | undefined,
  md5: Uint8Array,
): string {
  return cipher === undefined || sealed === undefined || sealed.kind === 'managed'
    ? Buffer.from(md5).toString('hex')
    : opaqueEtag(cipher, md5)
}

const managedLabel = Buffer.from('managed')
function namedLabel({ name, context, dual, bucketKey }: NamedKey): Buffer {
  return Buffer.from(JSON.stringify(['named', name, context, dual, bucketKey]))
}

function wrap(key: Buffer, under: Buffer, label: Buffer): string {
  const nonce = randomPortion(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', under, nonce)
  cipher.setAAD(label)
  const wrapped = cipher.update(key)
  cipher.final()
  return Buffer.concat([nonce, wrapped, cipher.getAuthTag()]).toString('base64')
}

function unwrap(text: string, under: Buffer, label: Buffer): Buffer {
  const sealed = Buffer.from(text, 'base64')
  if (sealed.length !== nonceBytes + keyBytes + tagBytes) throw new SealBroken('a wrapped key of another length')
  const decipher = createDecipheriv('aes-256-gcm', under, sealed.subarray(0, nonceBytes), { authTagLength: tagBytes })
  decipher.setAAD(label)
  decipher.setAuthTag(sealed.subarray(nonceBytes + keyBytes))
  const key = decipher.update(sealed.subarray(nonceBytes, nonceBytes + keyBytes))
  try {
    decipher.final()
  } catch (error) {
    throw new SealBroken('a wrapped key that this master key did not wrap, or that was changed', { cause: error })
  }
  return key
}

function newCustomerKey({ key }: CustomerKey): DataKey {
  if (key.length !== keyBytes) throw new RangeError(`a customer's key has ${keyBytes} bytes`)
  const salt = randomPortion(keyBytes)
  const sealed = {
    kind: 'customer',
    salt: salt.toString('base64'),
    check: salted(key, 'check', salt).toString('base64'),
  } as const
  return { cipher: { key: salted(key, 'data', salt) }, sealed }
}

/** Undefined when it is another key. */
function openCustomer(sealed: SealedCustomer, { key }: CustomerKey): ObjectCipher | undefined {
  const salt = Buffer.from(sealed.salt, 'base64')
  const check = Buffer.from(sealed.check, 'base64')
  if (salt.length !== keyBytes || check.length !== keyBytes) throw new SealBroken('a salt or digest of another length')
  return timingSafeEqual(salted(key, 'check', salt), check) ? { key: salted(key, 'data', salt) } : undefined
}

function salted(key: Buffer, label: string, salt: Buffer): Buffer {
  return createHmac('sha256', key).update(label).update(salt).digest()
}
