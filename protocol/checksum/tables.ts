/**
 * Lookup tables of the three CRCs, for the state convention they share: reflected, all ones at the start, inverted at
 * the end. Entries are 64 bits wide (low word, high word) for all three, so that one loop serves them.
 */
export type CrcAlgorithm = 'crc32' | 'crc32c' | 'crc64nvme'

/** A reflected polynomial: the bit of weight x^0 is the highest of `width`. */
export interface CrcPolynomial {
  readonly width: 32 | 64
  readonly low: number
  readonly high: number
}

export const crcPolynomials: Readonly<Record<CrcAlgorithm, CrcPolynomial>> = {
  crc32: { width: 32, low: 0xedb88320, high: 0 },
  crc32c: { width: 32, low: 0x82f63b78, high: 0 },
  crc64nvme: { width: 64, low: 0xac4bc9b5, high: 0x9a6c9329 },
}

/** Bytes looked up per round. */
export const slices = 16
const entries = 256
export const tableBytes = slices * entries * 8

/** [k * 256 + b] is the state that byte b leaves behind after k more zero bytes; low and high word alternate. */
export function crcTable(algorithm: CrcAlgorithm): Int32Array {
  const { low: polyLow, high: polyHigh } = crcPolynomials[algorithm]
  const table = new Int32Array(slices * entries * 2)
  for (let byte = 0; byte < entries; byte++) {
    let low = byte
    let high = 0
    for (let bit = 0; bit < 8; bit++) {
      const odd = low & 1
      low = (low >>> 1) | (high << 31)
      high >>>= 1
      if (odd !== 0) {
        low ^= polyLow
        high ^= polyHigh
      }
    }
    table[byte * 2] = low
    table[byte * 2 + 1] = high
  }
  for (let at = entries; at < slices * entries; at++) {
    const low = table[(at - entries) * 2]!
    const high = table[(at - entries) * 2 + 1]!
    const byte = low & 255
    table[at * 2] = table[byte * 2]! ^ ((low >>> 8) | (high << 24))
    table[at * 2 + 1] = table[byte * 2 + 1]! ^ (high >>> 8)
  }
  return table
}
