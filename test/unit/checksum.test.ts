import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import t from 'tap'
import { combineCrc } from '../../protocol/checksum/combine.ts'
import { Crc } from '../../protocol/checksum/crc.ts'
import { type DigestAlgorithm, digestOnce, startDigest } from '../../protocol/checksum/digest.ts'
import { crcTable } from '../../protocol/checksum/tables.ts'

const check = Buffer.from('123456789')
/** The check values of the CRC catalogue and of RFC 1321, RFC 3174 and FIPS 180-4's published examples. */
const vectors: readonly (readonly [DigestAlgorithm, Buffer, string])[] = [
  ['crc32', check, 'cbf43926'],
  ['crc32c', check, 'e3069283'],
  ['crc64nvme', check, 'ae8b14860a799888'],
  ['crc32', Buffer.alloc(0), '00000000'],
  ['crc32c', Buffer.alloc(0), '00000000'],
  ['crc64nvme', Buffer.alloc(0), '0000000000000000'],
  // RFC 3720, B.4: 32 bytes of zeroes and of ones.
  ['crc32c', Buffer.alloc(32), '8a9136aa'],
  ['crc32c', Buffer.alloc(32, 255), '62a8ab43'],
  // NVM Express: 4,096 bytes of zeroes and of ones.
  ['crc64nvme', Buffer.alloc(4096), '6482d367eb22b64e'],
  ['crc64nvme', Buffer.alloc(4096, 255), 'c0ddba7302eca3ac'],
  ['md5', Buffer.from('abc'), '900150983cd24fb0d6963f7d28e17f72'],
  ['sha1', Buffer.from('abc'), 'a9993e364706816aba3e25717850c26c9cd0d89d'],
  ['sha256', Buffer.from('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
]

for (const [algorithm, bytes, hex] of vectors)
  t.test(`${algorithm}: ${bytes.length} bytes, published vector → ${hex.slice(0, 16)}`, async t => {
    t.equal(digestOnce(algorithm, bytes).toString('hex'), hex)
    const running = startDigest(algorithm)
    for (const byte of bytes) running.update(Uint8Array.of(byte))
    t.equal(running.digest().toString('hex'), hex, 'byte by byte')
  })

t.test('sha512: any bytes → what the runtime computes', async t => {
  t.same(digestOnce('sha512', check), createHash('sha512').update(check).digest())
})

t.test('crc32: a runtime without its own → the same values', async t => {
  const bytes = Buffer.alloc(200_000, 'several windows of the loop')
  const crc = new Crc('crc32')
  crc.update(bytes)
  t.equal(crc.digest().readUInt32BE(), crc32(bytes))
})

t.test('digests: bytes on shared memory, at odd places → the same values', async t => {
  const shared = new Uint8Array(new SharedArrayBuffer(70_000)).subarray(3, 66_004)
  for (let i = 0; i < shared.length; i++) shared[i] = i * 31
  for (const algorithm of ['md5', 'sha256', 'crc32', 'crc32c', 'crc64nvme'] as const) {
    const running = startDigest(algorithm)
    running.update(shared)
    t.same(running.digest(), digestOnce(algorithm, Buffer.from(shared)), algorithm)
  }
})

t.test('digests: an empty update at the start, in the middle and at the end → it changes nothing', async t => {
  for (const algorithm of ['crc32', 'crc32c', 'crc64nvme', 'md5', 'sha1', 'sha256', 'sha512'] as const) {
    const digest = startDigest(algorithm)
    for (const piece of ['', '1234', '', '56789', '']) digest.update(Buffer.from(piece))
    t.same(digest.digest(), digestOnce(algorithm, check), algorithm)
  }
})

t.test('digests: no bytes in between → the same values', async t => {
  for (const [algorithm, bytes, hex] of vectors) {
    const running = startDigest(algorithm)
    for (const piece of [new Uint8Array(0), bytes, new Uint8Array(0)]) running.update(piece)
    t.equal(running.digest().toString('hex'), hex, algorithm)
  }
})

t.test('digests: two running ones in turn → neither disturbs the other', async t => {
  const [a, b] = [startDigest('crc64nvme'), startDigest('crc64nvme')]
  a.update(check.subarray(0, 4))
  b.update(Buffer.from('something else'))
  a.update(check.subarray(4))
  t.equal(a.digest().toString('hex'), 'ae8b14860a799888')
  t.same(b.digest(), digestOnce('crc64nvme', Buffer.from('something else')))
})

t.test('tables: first slice of CRC-32 → its first entry by the polynomial', async t => {
  const table = crcTable('crc32')
  t.equal(table[2]! >>> 0, 0x77073096)
  t.equal(table[3], 0, 'the high word stays clear')
})

t.test('combineCrc: halves of the check string → its CRC', async t => {
  for (const algorithm of ['crc32', 'crc32c', 'crc64nvme'] as const)
    for (let cut = 0; cut <= check.length; cut++) {
      const [a, b] = [check.subarray(0, cut), check.subarray(cut)]
      const combined = combineCrc(algorithm, digestOnce(algorithm, a), digestOnce(algorithm, b), b.length)
      t.same(combined, digestOnce(algorithm, check), `${algorithm} at ${cut}`)
    }
})

t.test('combineCrc: B of terabytes → joining from the left and from the right agree', async t => {
  const sizes = [5 * 2 ** 40 + 7, 2 ** 33 - 1]
  for (const algorithm of ['crc32', 'crc32c', 'crc64nvme'] as const) {
    const [a, b, c] = ['one', 'two', 'three'].map(text => digestOnce(algorithm, Buffer.from(text))) as [
      Buffer,
      Buffer,
      Buffer,
    ]
    const left = combineCrc(algorithm, combineCrc(algorithm, a, b, sizes[0]!), c, sizes[1]!)
    const right = combineCrc(algorithm, a, combineCrc(algorithm, b, c, sizes[1]!), sizes[0]! + sizes[1]!)
    t.same(left, right, algorithm)
  }
})
