/** Bodies in AWS's own chunked framing (Signature Version 4, "Transferring payload in multiple chunks"). */
import { hmac, type Signature, sha256 } from './signed.ts'

export interface Chunking {
  readonly chunkBytes: number
  /** Signs each chunk after this seed; unsigned frames when absent. */
  readonly signature?: Signature
  /** Trailing headers, lower case. */
  readonly trailers?: Readonly<Record<string, string>>
  /** Changes the signature of chunk n (from 0; the empty last one counts). */
  readonly tamper?: (signature: string, chunk: number) => string
  /** Changes the signature of the trailer. */
  readonly tamperTrailer?: (signature: string) => string
}

export function awsChunked(body: Uint8Array, chunking: Chunking): Buffer {
  const pieces: Uint8Array[] = []
  const { signature } = chunking
  let previous = signature?.value ?? ''
  let count = 0
  const frame = (chunk: Uint8Array) => {
    let extension = ''
    if (signature !== undefined) {
      const { key, amzDate, scope } = signature
      previous = hmac(
        key,
        `AWS4-HMAC-SHA256-PAYLOAD\n${amzDate}\n${scope}\n${previous}\n${sha256('')}\n${sha256(chunk)}`,
      ).toString('hex')
      extension = `;chunk-signature=${chunking.tamper?.(previous, count) ?? previous}`
    }
    count++
    pieces.push(Buffer.from(`${chunk.length.toString(16)}${extension}\r\n`), chunk)
  }
  for (let at = 0; at < body.length; at += chunking.chunkBytes) {
    frame(body.subarray(at, at + chunking.chunkBytes))
    pieces.push(Buffer.from('\r\n'))
  }
  frame(new Uint8Array(0))
  const trailers = Object.entries(chunking.trailers ?? {})
  for (const [name, value] of trailers) pieces.push(Buffer.from(`${name}:${value}\r\n`))
  if (signature !== undefined && trailers.length > 0) {
    const { key, amzDate, scope } = signature
    const lines = trailers.map(([name, value]) => `${name}:${value}\n`).join('')
    const trailer = hmac(key, `AWS4-HMAC-SHA256-TRAILER\n${amzDate}\n${scope}\n${previous}\n${sha256(lines)}`).toString(
      'hex',
    )
    pieces.push(Buffer.from(`x-amz-trailer-signature:${chunking.tamperTrailer?.(trailer) ?? trailer}\r\n`))
  }
  pieces.push(Buffer.from('\r\n'))
  return Buffer.concat(pieces)
}
