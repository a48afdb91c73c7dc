import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import { combineCrc } from '../../protocol/checksum/combine.ts'
import { Crc } from '../../protocol/checksum/crc.ts'
import { digestOnce, startDigest } from '../../protocol/checksum/digest.ts'
import type { CrcAlgorithm } from '../../protocol/checksum/tables.ts'

const crcs: readonly CrcAlgorithm[] = ['crc32', 'crc32c', 'crc64nvme']
const bytes = fc.uint8Array({ maxLength: 300 })

t.test('combineCrc: any A and B → the CRC of A followed by B', async () => {
  fc.assert(
    fc.property(fc.constantFrom(...crcs), bytes, bytes, (algorithm, a, b) => {
      const combined = combineCrc(algorithm, digestOnce(algorithm, a), digestOnce(algorithm, b), b.length)
      return combined.equals(digestOnce(algorithm, Buffer.concat([a, b])))
    }),
    { numRuns: 3000 },
  )
})

t.test('combineCrc: any number of parts → the CRC of the whole', async () => {
  fc.assert(
    fc.property(fc.constantFrom(...crcs), fc.array(bytes, { minLength: 1, maxLength: 12 }), (algorithm, parts) => {
      let combined = digestOnce(algorithm, parts[0]!)
      for (const part of parts.slice(1))
        combined = combineCrc(algorithm, combined, digestOnce(algorithm, part), part.length)
      return combined.equals(digestOnce(algorithm, Buffer.concat(parts)))
    }),
    { numRuns: 1000 },
  )
})

t.test('startDigest: any split of the bytes → the digest of all of them', async () => {
  const algorithms = ['md5', 'sha1', 'sha256', 'sha512', ...crcs] as const
  fc.assert(
    fc.property(fc.constantFrom(...algorithms), fc.array(bytes, { maxLength: 10 }), (algorithm, pieces) => {
      const running = startDigest(algorithm)
      for (const piece of pieces) running.update(piece)
      return running.digest().equals(digestOnce(algorithm, Buffer.concat(pieces)))
    }),
    { numRuns: 2000 },
  )
})

t.test('Crc: any bytes → as the runtime computes CRC-32', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5000 }), fc.nat(40), (all, skipped) => {
      const crc = new Crc('crc32')
      crc.update(all.subarray(skipped))
      return crc.digest().readUInt32BE() === crc32(all.subarray(skipped))
    }),
    { numRuns: 1000 },
  )
})
