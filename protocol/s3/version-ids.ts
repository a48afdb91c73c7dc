/**
 * Version ids: a version's sequence, sealed. 32 characters of letters, digits, '.' and '_', as S3's are, that tell
 * nothing about each other: 17 bytes of the sequence's digest, then the sequence's 7 bytes masked with the first of
 * them. An id that was never given out does not decode. The id of a null version is the word 'null', which is none of
 * these.
 */
import { hash } from 'node:crypto'

const sealBytes = 17
const sequenceBytes = 7

/** The id of a version by its sequence, a whole number from 0 to 2⁵³ − 1. */
export function encodeVersionId(seq: number): string {
  const bytes = Buffer.alloc(sealBytes + sequenceBytes)
  seal(seq).copy(bytes, 0, 0, sealBytes)
  for (let i = 0, rest = seq; i < sequenceBytes; i++, rest = Math.floor(rest / 256))
    bytes[sealBytes + i] = (rest % 256) ^ bytes[i]!
  return bytes.toString('base64').replaceAll('+', '.').replaceAll('/', '_')
}

const pattern = /^[A-Za-z0-9._]{32}$/

/** The sequence an id stands for; undefined for a text that is no id. */
export function decodeVersionId(text: string): number | undefined {
  if (!pattern.test(text)) return undefined
  const bytes = Buffer.from(text.replaceAll('.', '+').replaceAll('_', '/'), 'base64')
  let seq = 0
  for (let i = sequenceBytes - 1; i >= 0; i--) seq = seq * 256 + (bytes[sealBytes + i]! ^ bytes[i]!)
  if (!Number.isSafeInteger(seq)) return undefined
  return seal(seq).compare(bytes, 0, sealBytes, 0, sealBytes) === 0 ? seq : undefined
}

function seal(seq: number): Buffer {
  return Buffer.from(hash('sha256', `version\n${seq}`, 'binary'), 'latin1')
}
