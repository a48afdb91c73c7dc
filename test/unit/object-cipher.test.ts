/** The cipher of stored bytes, held against NIST's vector and against counter mode made of single blocks. */
import { createCipheriv } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import {
  blobKeystream,
  decryptInline,
  encryptInline,
  inlineHeadBytes,
  Keystream,
  type ObjectCipher,
  opaqueEtag,
} from '../../gateway/bytes/object-cipher.ts'
import { noise } from './bytes-bodies.ts'

const cipher: ObjectCipher = { key: noise(32, 7) }

/** Counter mode by its definition: each block's counter as a number, encrypted by itself. */
function byDefinition(key: Buffer, start: Buffer, position: number, text: Uint8Array): Buffer {
  const out = Buffer.from(text)
  const first = BigInt(`0x${start.toString('hex')}`)
  for (let i = 0; i < text.length; i++) {
    const block = BigInt(Math.floor((position + i) / 16))
    const counter = ((first + block) % 2n ** 128n).toString(16).padStart(32, '0')
    const ecb = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false)
    out[i]! ^= ecb.update(Buffer.from(counter, 'hex'))[(position + i) % 16]!
  }
  return out
}
function applied(keystream: Keystream, bytes: Uint8Array, position: number): Buffer {
  const copy = Buffer.from(bytes)
  keystream.apply(copy, position)
  return copy
}

t.test("Keystream: NIST's vector F.5.5 → its ciphertext", async t => {
  const key = Buffer.from('603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4', 'hex')
  const start = Buffer.from('f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff', 'hex')
  const text = Buffer.from(
    '6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51' +
      '30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710',
    'hex',
  )
  const expected =
    '601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5' +
    '2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6'
  t.equal(applied(new Keystream({ key }, start), text, 0).toString('hex'), expected)
})

t.test('Keystream: positions before and behind every carry of the counter → as defined', async t => {
  const text = noise(40)
  const starts = ['00', 'ff'].map(byte => Buffer.from(byte.repeat(16), 'hex'))
  starts.push(Buffer.from('00000000ffffffffffffffffffffffff', 'hex'))
  starts.push(Buffer.from('12345678000000000000000000000000', 'hex'))
  for (const start of starts) {
    const keystream = new Keystream(cipher, start)
    for (const blocks of [0, 1, 2 ** 16, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 40, 2 ** 48 + 5])
      for (const within of [0, 1, 15]) {
        const position = blocks * 16 + within
        t.same(
          applied(keystream, text, position),
          byDefinition(cipher.key, start, position, text),
          `${start.toString('hex')} at ${position}`,
        )
      }
  }
})

t.test('Keystream: any start, position and length → as defined, and back again', async t => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      fc.oneof(fc.nat(100), fc.integer({ min: 2 ** 36 - 40, max: 2 ** 36 + 40 }), fc.maxSafeNat()),
      fc.uint8Array({ maxLength: 70 }),
      (start, position, text) => {
        if (position + text.length > Number.MAX_SAFE_INTEGER) return
        const keystream = new Keystream(cipher, Buffer.from(start))
        const encrypted = applied(keystream, text, position)
        if (!encrypted.equals(byDefinition(cipher.key, Buffer.from(start), position, text))) throw new Error('differs')
        if (!applied(keystream, encrypted, position).equals(text)) throw new Error('does not come back')
      },
    ),
    { numRuns: 300 },
  )
  t.pass()
})

t.test('Keystream: any splits, larger than its pieces too → the same as in one', async t => {
  const text = noise(700_000)
  const whole = applied(blobKeystream(cipher, 3), text, 0)
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 300_000 }), { minLength: 1, maxLength: 6 }), sizes => {
      const split = Buffer.from(text)
      for (let at = 0, i = 0; at < split.length; i++) {
        const size = sizes[i % sizes.length]! + (sizes.length === 1 ? 1000 : 200)
        blobKeystream(cipher, 3).apply(split.subarray(at, at + size), at)
        at += size
      }
      if (!split.equals(whole)) throw new Error('differs')
    }),
    { numRuns: 40 },
  )
  t.pass()
})

t.test('blobKeystream: other blobs, other keys → other streams; the same → the same', async t => {
  const zeros = Buffer.alloc(64)
  const of = (key: ObjectCipher, blobId: number) => applied(blobKeystream(key, blobId), zeros, 0).toString('hex')
  const streams = [1, 2, 4096, 2 ** 53 - 1].map(blobId => of(cipher, blobId))
  streams.push(of({ key: noise(32, 8) }, 1))
  t.equal(new Set(streams).size, streams.length)
  t.equal(of(cipher, 1), of({ key: Buffer.from(cipher.key) }, 1))
})

t.test('inline: the same text twice → stored differently, and read back whole or in part', async t => {
  const text = noise(1000)
  const [first, second] = [encryptInline(text, cipher), encryptInline(text, cipher)]
  t.equal(first.length, text.length + inlineHeadBytes)
  t.notOk(first.equals(second))
  t.notOk(first.subarray(inlineHeadBytes).equals(second.subarray(inlineHeadBytes)))
  t.notOk(first.includes(text.subarray(0, 8)))
  const before = Buffer.from(first)
  for (const stored of [first, second]) {
    t.same(decryptInline(stored, cipher), text)
    for (const [offset, length] of [
      [0, 1000],
      [0, 0],
      [1, 1],
      [15, 2],
      [17, 500],
      [999, 1],
      [1000, 0],
    ] as const)
      t.same(decryptInline(stored, cipher, offset, length), text.subarray(offset, offset + length), `${offset}`)
    t.same(decryptInline(stored, cipher, 600), text.subarray(600))
  }
  t.same(first, before, 'what is stored stays as it is')
})

t.test('inline: no text → nothing stored; a range outside, a lost head → throws', async t => {
  t.equal(encryptInline(new Uint8Array(0), cipher).length, 0)
  t.equal(decryptInline(new Uint8Array(0), cipher).length, 0)
  const stored = encryptInline(noise(10), cipher)
  for (const [offset, length] of [
    [0, 11],
    [5, 6],
    [11, 0],
    [-1, 2],
    [2, -1],
  ] as const)
    t.throws(() => decryptInline(stored, cipher, offset, length), { name: 'RangeError' })
  t.throws(() => decryptInline(stored.subarray(0, 15), cipher), /without their head/)
})

t.test('inline: another key → other bytes', async t => {
  const text = noise(100)
  t.notOk(decryptInline(encryptInline(text, cipher), { key: noise(32, 8) }).equals(text))
})

t.test('opaqueEtag: the same key and text → the same; neither MD5 nor another key’s', async t => {
  const md5 = noise(16)
  const etag = opaqueEtag(cipher, md5)
  t.match(etag, /^[0-9a-f]{32}$/)
  t.equal(etag, opaqueEtag(cipher, Buffer.from(md5)))
  t.not(etag, md5.toString('hex'))
  t.not(etag, opaqueEtag({ key: noise(32, 8) }, md5))
  t.not(etag, opaqueEtag(cipher, noise(16, 5)))
})
