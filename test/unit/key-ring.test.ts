/** Data keys: sealed, opened again, and not opened by anything else. */

import fc from 'fast-check'
import t from 'tap'
import { etagOf, KeyRing } from '../../gateway/keys/ring.ts'
import { decodeSealed, encodeSealed, SealBroken, type SealedEncryption } from '../../gateway/keys/sealed.ts'

import type { CustomerKey, KeySpec, NamedKey } from '../../protocol/encryption.ts'
import { fault } from '../../protocol/fault.ts'
import { noise } from './bytes-bodies.ts'

const ring = new KeyRing(noise(32, 1))
const customer = (seed: number): CustomerKey => ({ kind: 'customer', key: noise(32, seed), md5: `md5 of ${seed}` })
const named: NamedKey = {
  kind: 'named',
  name: 'arn:aws:kms:us-east-1:000000000000:key/a',
  context: '{"a":"b"}',
  dual: false,
  bucketKey: true,
}
const specs: readonly KeySpec[] = [{ kind: 'managed' }, named, { ...named, dual: true, bucketKey: false }, customer(5)]
const keyFor = (spec: KeySpec) => (spec.kind === 'customer' ? spec : undefined)
const opened = (keys: KeyRing, sealed: SealedEncryption | undefined, key?: CustomerKey) => {
  const cipher = keys.openSealed(sealed, key)
  return cipher !== undefined && 'key' in cipher ? cipher.key : cipher
}

t.test('newDataKey: every kind → a new key each time, which its sealed text opens', async t => {
  for (const spec of specs) {
    const made = Array.from({ length: 200 }, () => ring.newDataKey(spec))
    t.equal(new Set(made.map(({ cipher }) => cipher.key.toString('hex'))).size, made.length, spec.kind)
    t.equal(new Set(made.map(({ sealed }) => encodeSealed(sealed))).size, made.length, spec.kind)
    for (const { cipher, sealed } of made) {
      t.equal(cipher.key.length, 32)
      const read = decodeSealed(encodeSealed(sealed))
      t.same(read, sealed)
      t.same(opened(ring, read, keyFor(spec)), cipher.key)
    }
  }
})

t.test('sealed text: what it holds → neither the data key nor the customer’s, and few bytes', async t => {
  for (const spec of specs) {
    const { cipher, sealed } = ring.newDataKey(spec)
    const text = encodeSealed(sealed)
    const secrets = [cipher.key, ...(spec.kind === 'customer' ? [spec.key] : [])]
    for (const secret of secrets)
      for (const encoding of ['base64', 'hex', 'base64url'] as const)
        t.notOk(text.includes(secret.toString(encoding).slice(0, 30)), `${spec.kind} ${encoding}`)
    if (spec.kind === 'customer') t.notOk(text.includes(spec.md5))
    t.ok(text.length < 300, `${text.length} bytes`)
  }
  t.ok(encodeSealed(ring.newDataKey({ kind: 'managed' }).sealed).length <= 120)
})

t.test('openSealed: another master key → SealBroken; a customer’s needs none', async t => {
  const other = new KeyRing(noise(32, 2))
  for (const spec of specs) {
    const { cipher, sealed } = ring.newDataKey(spec)
    if (spec.kind === 'customer') t.same(opened(other, sealed, spec), cipher.key)
    else t.throws(() => other.openSealed(sealed, undefined), { name: 'SealBroken' }, spec.kind)
  }
})

t.test('openSealed: customer keys missing, wrong, unexpected → their faults', async t => {
  const { sealed } = ring.newDataKey(customer(5))
  t.same(ring.openSealed(sealed, undefined), fault('customer-key-missing'))
  t.same(ring.openSealed(sealed, customer(6)), fault('customer-key-wrong'))
  const short: CustomerKey = { ...customer(5), key: customer(5).key.subarray(0, 31) }
  t.same(ring.openSealed(sealed, short), fault('customer-key-wrong'), 'of another length')
  t.same(ring.openSealed(sealed, { ...short, key: Buffer.alloc(0) }), fault('customer-key-wrong'), 'of no length')
  for (const spec of specs.slice(0, 3))
    t.same(ring.openSealed(ring.newDataKey(spec).sealed, customer(5)), fault('customer-key-unexpected'), spec.kind)
  t.same(ring.openSealed(undefined, customer(5)), fault('customer-key-unexpected'), 'not encrypted')
  t.equal(ring.openSealed(undefined, undefined), undefined)
})

t.test('openUpload: parts with and without the key of their upload → the faults of parts', async t => {
  const { cipher, sealed } = ring.newDataKey(customer(5))
  t.same(ring.openUpload(sealed, customer(5)), cipher)
  t.same(ring.openUpload(sealed, undefined), fault('upload-key-unfitting'))
  t.same(ring.openUpload(sealed, customer(6)), fault('upload-key-different'))
  t.same(ring.openUpload(ring.newDataKey(named).sealed, customer(5)), fault('upload-key-unfitting'))
  t.same(ring.openUpload(undefined, customer(5)), fault('upload-key-unfitting'))
  t.equal(ring.openUpload(undefined, undefined), undefined)
})

t.test('openSealed: any byte of a wrapped key changed, or cut, or longer → SealBroken', async t => {
  for (const spec of specs.slice(0, 3)) {
    const { sealed } = ring.newDataKey(spec)
    if (sealed.kind === 'customer') throw new Error('not wrapped')
    const bytes = Buffer.from(sealed.wrapped, 'base64')
    const broken = (wrapped: Buffer) => () =>
      ring.openSealed({ ...sealed, wrapped: wrapped.toString('base64') }, undefined)
    for (let i = 0; i < bytes.length; i++) {
      const changed = Buffer.from(bytes)
      changed[i]! ^= 1 << (i % 8)
      t.throws(broken(changed), { name: 'SealBroken' }, `byte ${i}`)
    }
    t.throws(broken(bytes.subarray(0, -1)), { name: 'SealBroken' })
    t.throws(broken(Buffer.concat([bytes, Buffer.alloc(1)])), { name: 'SealBroken' })
    t.throws(broken(Buffer.alloc(0)), { name: 'SealBroken' })
  }
})

t.test('openSealed: a named key’s name, context or flags changed, its kind too → SealBroken', async t => {
  const { sealed } = ring.newDataKey(named)
  if (sealed.kind !== 'named') throw new Error('not named')
  for (const change of [{ name: `${named.name}b` }, { context: '' }, { dual: true }, { bucketKey: false }])
    t.throws(() => ring.openSealed({ ...sealed, ...change }, undefined), { name: 'SealBroken' }, JSON.stringify(change))
  t.throws(() => ring.openSealed({ kind: 'managed', wrapped: sealed.wrapped }, undefined), { name: 'SealBroken' })
})

t.test('openSealed: a customer’s salt or check changed → wrong key, or SealBroken when cut', async t => {
  const { sealed } = ring.newDataKey(customer(5))
  if (sealed.kind !== 'customer') throw new Error('not a customer’s')
  const salt = noise(32, 77).toString('base64')
  t.same(ring.openSealed({ ...sealed, salt }, customer(5)), fault('customer-key-wrong'))
  t.same(ring.openSealed({ ...sealed, check: salt }, customer(5)), fault('customer-key-wrong'))
  for (const cut of [{ salt: '' }, { check: 'AAAA' }])
    t.throws(() => ring.openSealed({ ...sealed, ...cut }, customer(5)), { name: 'SealBroken' })
})

t.test('decodeSealed: anything → a sealed key of a known form, or SealBroken', async t => {
  const member = fc.oneof(
    fc.constantFrom('managed', 'named', 'customer', '__proto__', true, null),
    fc.string(),
    fc.nat(),
  )
  const names = fc.constantFrom('kind', 'wrapped', 'name', 'context', 'dual', 'bucketKey', 'salt', 'check', 'x')
  const anything = fc.oneof(fc.dictionary(names, member), fc.array(member), member)
  let known = 0
  fc.assert(
    fc.property(
      anything.map(value => JSON.stringify(value)),
      text => {
        try {
          const sealed = decodeSealed(text)
          if (!['managed', 'named', 'customer'].includes(sealed.kind)) throw new Error(text)
          known++
        } catch (error) {
          if (!(error instanceof SealBroken)) throw error
        }
      },
    ),
    { numRuns: 3000 },
  )
  t.ok(known > 0, `${known} were of a known form`)
  for (const text of ['', '{', 'null', '[]', '"managed"', '{"kind":"managed"}', '{"kind":"named","wrapped":"x"}'])
    t.throws(() => decodeSealed(text), { name: 'SealBroken' }, text)
})

t.test('KeyRing: more names than are kept → the same wrapping keys', async t => {
  const first = ring.newDataKey(named)
  for (let i = 0; i < 1_100; i++) ring.newDataKey({ ...named, name: `key-${i}` })
  t.same(opened(ring, first.sealed), first.cipher.key)
})

t.test('KeyRing: a master key or a customer’s of another length → throws', async t => {
  t.throws(() => new KeyRing(Buffer.alloc(31)), { name: 'RangeError' })
  t.throws(() => ring.newDataKey({ ...customer(5), key: Buffer.alloc(16) }), { name: 'RangeError' })
})

t.test('etagOf: managed or not encrypted → the MD5; named or customer → something else, per key', async t => {
  const md5 = noise(16, 3)
  t.equal(etagOf(undefined, undefined, md5), md5.toString('hex'))
  const etags = specs.map(spec => {
    const { sealed, cipher } = ring.newDataKey(spec)
    return etagOf(sealed, cipher, md5)
  })
  t.equal(etags[0], md5.toString('hex'))
  t.equal(new Set(etags).size, specs.length)
  for (const etag of etags) t.match(etag, /^[0-9a-f]{32}$/)
})
