import { randomFillSync } from 'node:crypto'

const codes = Buffer.from('0123456789ABCDEFGHJKMNPQRSTVWXYZ')
const characters = Buffer.alloc(16)
const pool = new Uint8Array(16 * 256)
let at = pool.length

/** 16 characters of Crockford's base 32 (80 random bits), as S3's request ids look. About 0.2 µs. */
export function requestId(): string {
  if (at === pool.length) {
    randomFillSync(pool)
    at = 0
  }
  for (let i = 0; i < 16; i++) characters[i] = codes[pool[at++]! & 31]!
  return characters.toString('latin1')
}
