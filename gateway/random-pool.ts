/**
 * Random bytes in small portions. One call of the system's generator costs some 5 µs whether it is asked for 16 bytes or
 * for 4,096 (bench/micro/encryption.ts), so a pool is filled at once and handed out, each byte once.
 */
import { randomFillSync } from 'node:crypto'

const poolBytes = 4096
const pool = Buffer.allocUnsafeSlow(poolBytes)
let next = poolBytes

/** At most `poolBytes`; the answer is the caller's own. */
export function randomPortion(sizeBytes: number): Buffer {
  if (next + sizeBytes > poolBytes) {
    randomFillSync(pool)
    next = 0
  }
  const portion = Buffer.allocUnsafeSlow(sizeBytes)
  pool.copy(portion, 0, next, next + sizeBytes)
  // Keys come from here: they are not left lying.
  pool.fill(0, next, next + sizeBytes)
  next += sizeBytes
  return portion
}
