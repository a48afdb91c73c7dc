/**
 * What encryption costs one request, in microseconds: a data key made and sealed, opened again, small bodies encrypted and
 * decrypted, and 512 KiB by the size of the pieces that go through the cipher. Medians of rounds.
 *
 *     node out/bench/micro/encryption.js [rounds, 7]
 */
import { createCipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { blobKeystream, decryptInline, encryptInline } from '../../gateway/bytes/object-cipher.ts'
import { KeyRing } from '../../gateway/keys/ring.ts'
import { decodeSealed, encodeSealed } from '../../gateway/keys/sealed.ts'
import { randomPortion } from '../../gateway/random-pool.ts'
import type { CustomerKey, NamedKey } from '../../protocol/encryption.ts'

const rounds = Number(process.argv[2] ?? 7)
const ring = new KeyRing(randomBytes(32))
const named: NamedKey = { kind: 'named', name: 'alias/a', context: '', dual: false, bucketKey: false }
const customer: CustomerKey = { kind: 'customer', key: randomBytes(32), md5: '' }
const managedText = encodeSealed(ring.newDataKey({ kind: 'managed' }).sealed)
const namedSealed = ring.newDataKey(named).sealed
const customerSealed = ring.newDataKey(customer).sealed
const { cipher } = ring.newDataKey({ kind: 'managed' })
const small = randomBytes(1024)
const stored = encryptInline(small, cipher)
const slab = new Uint8Array(new SharedArrayBuffer(512 * 1024))

function inPieces(pieceBytes: number): void {
  const stream = createCipheriv('aes-256-ctr', cipher.key, small.subarray(0, 16))
  for (let at = 0; at < slab.length; at += pieceBytes) slab.set(stream.update(slab.subarray(at, at + pieceBytes)), at)
}

const cases: readonly (readonly [string, number, () => unknown])[] = [
  ['16 random bytes from the system', 20_000, () => randomBytes(16)],
  ['16 random bytes from the pool', 20_000, () => randomPortion(16)],
  ['managed key: make and seal', 10_000, () => encodeSealed(ring.newDataKey({ kind: 'managed' }).sealed)],
  ['managed key: open', 10_000, () => ring.openSealed(decodeSealed(managedText), undefined)],
  ['named key: make and seal', 10_000, () => ring.newDataKey(named)],
  ['named key: open', 10_000, () => ring.openSealed(namedSealed, undefined)],
  ['customer key: make', 10_000, () => ring.newDataKey(customer)],
  ['customer key: open', 10_000, () => ring.openSealed(customerSealed, customer)],
  ['wrapping key by HKDF', 5_000, () => hkdfSync('sha256', cipher.key, '', 'x', 32)],
  ['1 KiB: encrypt', 20_000, () => encryptInline(small, cipher)],
  ['1 KiB: decrypt', 20_000, () => decryptInline(stored, cipher)],
  ['512 KiB as it is done', 200, () => blobKeystream(cipher, 1).apply(slab, 0)],
  ...[16, 32, 64, 128, 512].map(kib => [`512 KiB in pieces of ${kib} KiB`, 200, () => inPieces(kib * 1024)] as const),
]
for (const [name, times, run] of cases) {
  const each: number[] = []
  for (let round = 0; round <= rounds; round++) {
    const start = process.hrtime.bigint()
    for (let i = 0; i < times; i++) run()
    // The first one warms up.
    if (round > 0) each.push(Number(process.hrtime.bigint() - start) / times / 1e3)
  }
  each.sort((a, b) => a - b)
  console.log(`${name.padEnd(36)} ${each[each.length >> 1]!.toFixed(2).padStart(8)} µs`)
}
