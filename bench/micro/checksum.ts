/**
 * Digest rates on one core: running (512 KiB slabs) in MB/s, one-shot over 1 KiB in µs, and the cost of combining CRCs.
 *
 *     node out/bench/micro/checksum.js
 */
import { combineCrc } from '../../protocol/checksum/combine.ts'
import { type DigestAlgorithm, digestOnce, startDigest } from '../../protocol/checksum/digest.ts'
import { crcTable } from '../../protocol/checksum/tables.ts'

const algorithms: readonly DigestAlgorithm[] = ['md5', 'sha1', 'sha256', 'sha512', 'crc32', 'crc32c', 'crc64nvme']
const slab = Buffer.allocUnsafe(512 * 1024)
for (let i = 0; i < slab.length; i++) slab[i] = (i * 2654435761) >>> 13
const small = slab.subarray(0, 1024)

/** Median seconds of five runs. */
function median(run: () => void): number {
  const seconds: number[] = []
  for (let i = 0; i < 5; i++) {
    const start = process.hrtime.bigint()
    run()
    seconds.push(Number(process.hrtime.bigint() - start) / 1e9)
  }
  return seconds.sort((a, b) => a - b)[2]!
}

function runningRate(algorithm: DigestAlgorithm): number {
  const slabs = 256
  const seconds = median(() => {
    const digest = startDigest(algorithm)
    for (let i = 0; i < slabs; i++) digest.update(slab)
    digest.digest()
  })
  return (slabs * slab.length) / seconds / 1e6
}

function microseconds(times: number, run: () => void): number {
  for (let i = 0; i < times; i++) run()
  return (
    (median(() => {
      for (let i = 0; i < times; i++) run()
    }) /
      times) *
    1e6
  )
}

/** What the WebAssembly loop is measured against: 8 look-ups per 8 bytes in JavaScript, on pairs of words. */
function plainRate(algorithm: 'crc32c' | 'crc64nvme'): number {
  const table = crcTable(algorithm)
  const words = new Int32Array(slab.buffer, slab.byteOffset, slab.length / 4)
  let [low, high] = [-1, -1]
  const entry = (slice: number, byte: number) => (slice * 256 + byte) * 2
  const seconds = median(() => {
    for (let at = 0; at < words.length; at += 2) {
      const a = low ^ words[at]!
      const b = high ^ words[at + 1]!
      const i7 = entry(7, a & 255)
      const i6 = entry(6, (a >>> 8) & 255)
      const i5 = entry(5, (a >>> 16) & 255)
      const i4 = entry(4, a >>> 24)
      const i3 = entry(3, b & 255)
      const i2 = entry(2, (b >>> 8) & 255)
      const i1 = entry(1, (b >>> 16) & 255)
      const i0 = entry(0, b >>> 24)
      low = table[i7]! ^ table[i6]! ^ table[i5]! ^ table[i4]! ^ table[i3]! ^ table[i2]! ^ table[i1]! ^ table[i0]!
      if (algorithm === 'crc32c') high = 0
      else
        high =
          table[i7 + 1]! ^
          table[i6 + 1]! ^
          table[i5 + 1]! ^
          table[i4 + 1]! ^
          table[i3 + 1]! ^
          table[i2 + 1]! ^
          table[i1 + 1]! ^
          table[i0 + 1]!
    }
  })
  return slab.length / seconds / 1e6
}

for (const algorithm of algorithms) {
  const rate = runningRate(algorithm).toFixed(0).padStart(6)
  const once = microseconds(20_000, () => void digestOnce(algorithm, small)).toFixed(2)
  console.log(`${algorithm.padEnd(10)} ${rate} MB/s   1 KiB at once ${once} µs`)
}
for (const algorithm of ['crc32c', 'crc64nvme'] as const)
  console.log(`${algorithm.padEnd(10)} ${plainRate(algorithm).toFixed(0).padStart(6)} MB/s in plain JavaScript`)
for (const algorithm of ['crc32', 'crc32c', 'crc64nvme'] as const) {
  const [a, b] = [digestOnce(algorithm, slab), digestOnce(algorithm, small)]
  let size = 2 ** 40
  const fresh = microseconds(2_000, () => void combineCrc(algorithm, a, b, --size))
  const same = microseconds(20_000, () => void combineCrc(algorithm, a, b, 5 << 20))
  console.log(`${algorithm.padEnd(10)} combine ${fresh.toFixed(2)} µs, at the size before ${same.toFixed(2)} µs`)
}
