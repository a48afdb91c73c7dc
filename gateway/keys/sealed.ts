/**
 * What a row keeps of a data key: nothing that opens it without the key ring, or without the customer's key. As JSON text
 * in a column, about 120 bytes for a managed key.
 */
import type { KeyKind, NamedKey } from '../../protocol/encryption.ts'

/** Base64 of nonce, wrapped data key and tag. */
type Wrapped = string

export interface SealedManaged {
  readonly kind: 'managed'
  readonly wrapped: Wrapped
}
export interface SealedNamed extends NamedKey {
  readonly wrapped: Wrapped
}
export interface SealedCustomer {
  readonly kind: 'customer'
  /** Base64 of 32 random bytes, from which the data key is made with the customer's. */
  readonly salt: string
  /** Base64 of a salted digest of the customer's key, to know it again; AES-256 is the only algorithm there is. */
  readonly check: string
}
export type SealedEncryption = SealedManaged | SealedNamed | SealedCustomer

/** A sealed text that was not made here, or was changed since: never a client's fault. */
export class SealBroken extends Error {
  override readonly name = 'SealBroken'
}

export function encodeSealed(sealed: SealedEncryption): string {
  return JSON.stringify(sealed)
}

/** @throws SealBroken */
export function decodeSealed(text: string): SealedEncryption {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new SealBroken('a sealed key that is not JSON', { cause: error })
  }
  const members = (typeof value === 'object' && value !== null ? value : {}) as Readonly<Record<string, unknown>>
  const form = forms[members['kind'] as KeyKind] as Record<string, string> | undefined
  for (const name in form) if (typeof members[name] !== form[name]) throw new SealBroken(`a sealed key without ${name}`)
  if (form === undefined) throw new SealBroken('a sealed key of an unknown kind')
  return value as SealedEncryption
}

const forms = {
  __proto__: null as never,
  managed: { wrapped: 'string' },
  named: { wrapped: 'string', name: 'string', context: 'string', dual: 'boolean', bucketKey: 'boolean' },
  customer: { salt: 'string', check: 'string' },
} satisfies Record<KeyKind, object> & { __proto__: never }
