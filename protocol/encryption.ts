/** Who keeps the key that an object's bytes are encrypted under, in words that no wire owns. */

/** This server (S3: SSE-S3). */
export interface ManagedKey {
  readonly kind: 'managed'
}

/** This server, under a name that the client chose as if a key service had it (S3: SSE-KMS). */
export interface NamedKey {
  readonly kind: 'named'
  /** As answers say it. */
  readonly name: string
  /** What the wrapped key is bound to: canonical JSON of names and texts, '' for none. */
  readonly context: string
  /** Asked for as two layers (S3: DSSE-KMS). It is said in answers; the bytes have one layer. */
  readonly dual: boolean
  /** Asked for under a key of the bucket (S3 Bucket Keys). It is said in answers; it saves calls that are not made here. */
  readonly bucketKey: boolean
}

/** The client, who sends it with every request (S3: SSE-C). */
export interface CustomerKey {
  readonly kind: 'customer'
  /** 32 bytes where something is encrypted; whatever came where it only has to be the right one. */
  readonly key: Buffer
  /** Base64 of its MD5, which answers repeat. */
  readonly md5: string
}

export type KeySpec = ManagedKey | NamedKey | CustomerKey
export type KeyKind = KeySpec['kind']
