/** What a request says about who signed it. */
import type { Query } from '../query.ts'

/** The parts of a request that a signature covers. */
export interface SignedRequest {
  readonly method: string
  /** As received, without the query; starts with '/'. */
  readonly rawPath: string
  readonly query: Query
  /** The value of a header by its lower-case name; '' when absent. */
  header(lowerName: string): string
  /** Every header as [lower-case name, value, …] in the order received. */
  readonly headers: readonly string[]
}

export const algorithm = 'AWS4-HMAC-SHA256'
export const emptySha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

export type StreamingKind = 'streaming-signed' | 'streaming-signed-trailer' | 'streaming-unsigned-trailer'
export type PayloadKind = 'unsigned' | 'hash' | StreamingKind

export interface Payload {
  readonly kind: PayloadKind
  /** As sent: 64 hexadecimal digits of either case for kind `hash` ('' where the service takes the body's own hash),
   * else the keyword. It ends the canonical request. */
  readonly text: string
}

export const unsignedPayload: Payload = { kind: 'unsigned', text: 'UNSIGNED-PAYLOAD' }

export interface Signature {
  readonly form: 'header' | 'query'
  readonly accessKeyId: string
  /** Of the credential scope: yyyyMMdd. */
  readonly date: string
  readonly region: string
  readonly service: string
  /** Lower-case names, in the order sent. */
  readonly signedHeaders: readonly string[]
  /** As sent; not yet checked. */
  readonly signature: string
  /** yyyyMMdd'T'HHmmss'Z'. */
  readonly amzDate: string
  readonly amzDateMs: number
  /** Presigned URLs only. */
  readonly expiresSeconds: number | undefined
  /** '' when there is none. */
  readonly sessionToken: string
  readonly payload: Payload
}

/** `20130524/us-east-1/s3/aws4_request`. */
export function scopeOf(signature: Signature): string {
  return `${signature.date}/${signature.region}/${signature.service}/aws4_request`
}
