/**
 * CRC of a concatenation from the CRCs of its halves. Appending n bytes multiplies the register, a polynomial over
 * GF(2), by x^8n modulo the CRC's polynomial; the initial and final inversions cancel in crc(a) · x^8n + crc(b).
 */
import { type CrcAlgorithm, type CrcPolynomial, crcPolynomials } from './tables.ts'

/** A polynomial of degree below 64, reflected: the bit of weight x^0 is the highest of the CRC's width. */
interface Residue {
  readonly low: number
  readonly high: number
}

/** x^(2^k) for k = 0, 1, 2 …, as far as some size needed it. */
const powers: Readonly<Record<CrcAlgorithm, Residue[]>> = { crc32: [], crc32c: [], crc64nvme: [] }
/** The factor last used: the parts of one upload are alike in size, and then one multiplication does. */
const last: Partial<Record<CrcAlgorithm, { readonly sizeBytes: number; readonly factor: Residue }>> = {}

/**
 * The CRC of A followed by B. Parts of equal size cost a multiplication, others at most 53 (bench/micro/checksum.ts).
 * @param a the CRC of A, big-endian
 * @param b the CRC of B, big-endian
 * @param sizeOfB bytes of B
 */
export function combineCrc(algorithm: CrcAlgorithm, a: Uint8Array, b: Uint8Array, sizeOfB: number): Buffer {
  const polynomial = crcPolynomials[algorithm]
  const product = multiply(polynomial, decode(a), shiftBy(algorithm, sizeOfB))
  const other = decode(b)
  const combined = Buffer.allocUnsafe(polynomial.width / 8)
  if (polynomial.width === 64) combined.writeInt32BE(product.high ^ other.high)
  combined.writeInt32BE(product.low ^ other.low, combined.length - 4)
  return combined
}

/** x^8n: what n more bytes multiply a register by. */
function shiftBy(algorithm: CrcAlgorithm, sizeBytes: number): Residue {
  const known = last[algorithm]
  if (known?.sizeBytes === sizeBytes) return known.factor
  const polynomial = crcPolynomials[algorithm]
  let factor = powerOfX(polynomial, 0)
  let exponent = 3
  for (let rest = sizeBytes; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) factor = multiply(polynomial, factor, repeatedSquare(algorithm, exponent))
    exponent++
  }
  last[algorithm] = { sizeBytes, factor }
  return factor
}

/** x^(2^k). */
function repeatedSquare(algorithm: CrcAlgorithm, k: number): Residue {
  const polynomial = crcPolynomials[algorithm]
  const known = powers[algorithm]
  if (known.length === 0) known.push(powerOfX(polynomial, 1))
  while (known.length <= k) {
    const root = known[known.length - 1]!
    known.push(multiply(polynomial, root, root))
  }
  return known[k]!
}

/** x^n for n below 32. */
function powerOfX({ width }: CrcPolynomial, n: number): Residue {
  const bit = 1 << (31 - n)
  return width === 64 ? { low: 0, high: bit } : { low: bit, high: 0 }
}

function multiply({ width, low: polyLow, high: polyHigh }: CrcPolynomial, a: Residue, b: Residue): Residue {
  let { low, high } = b
  let productLow = 0
  let productHigh = 0
  for (let bit = width - 1; bit >= 0; bit--) {
    // All ones where `a` has this power of x, else zero: a branch here would be mispredicted every other time.
    const take = -(((bit >= 32 ? a.high : a.low) >>> (bit & 31)) & 1)
    productLow ^= low & take
    productHigh ^= high & take
    const reduce = -(low & 1)
    low = ((low >>> 1) | (high << 31)) ^ (polyLow & reduce)
    high = (high >>> 1) ^ (polyHigh & reduce)
  }
  return { low: productLow, high: productHigh }
}

function decode(crc: Uint8Array): Residue {
  const view = new DataView(crc.buffer, crc.byteOffset, crc.byteLength)
  return crc.byteLength === 8 ? { high: view.getInt32(0), low: view.getInt32(4) } : { high: 0, low: view.getInt32(0) }
}
