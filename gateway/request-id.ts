import { randomFillSync } from 'node:crypto'

const codes = Buffer.from('0123456789ABCDEFGHJKMNPQRSTVWXYZ')
const pool = Buffer.alloc(16 * 64)
/** What was drawn last, as one text of which every id is a piece. */
let drawn = ''
let at = 0

/** 16 characters of Crockford's base 32 (80 random bits), as S3's request ids look. */
export function requestId(): string {
  if (at === drawn.length) {
    randomFillSync(pool)
    for (let i = 0; i < pool.length; i++) pool[i] = codes[pool[i]! & 31]!
    drawn = pool.toString('latin1')
    at = 0
  }
  at += 16
  return drawn.slice(at - 16, at)
}
