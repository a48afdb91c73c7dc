import { createHash } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { KeyRing } from '../../gateway/keys/ring.ts'
import { decodeSealed, encodeSealed } from '../../gateway/keys/sealed.ts'
import { Fault } from '../../protocol/fault.ts'
import { parseSourceKey } from '../../protocol/s3/customer-key.ts'
import {
  parseEncryption,
  parseReadingEncryption,
  pushNewEncryptionHeaders,
  resolveEncryption,
} from '../../protocol/s3/encryption.ts'
import { encodeContext, parseContext, resolveKmsKey } from '../../protocol/s3/kms-key.ts'
import { noise } from '../unit/bytes-bodies.ts'
import { wireRequest } from '../unit/wire-request.ts'

const sse = 'x-amz-server-side-encryption'
const names = [
  '',
  '-aws-kms-key-id',
  '-context',
  '-bucket-key-enabled',
  '-customer-algorithm',
  '-customer-key',
  '-customer-key-md5',
]
const keys = [noise(32, 1), noise(32, 2), noise(31, 3)]
const value = fc.oneof(
  fc.constantFrom(
    'AES256',
    'aws:kms',
    'aws:kms:dsse',
    'true',
    'false',
    '',
    'alias/a',
    'testkey-1',
    'arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab',
    encodeContext('{"a":"b"}'),
    ...keys.map(key => key.toString('base64')),
    ...keys.map(key => createHash('md5').update(key).digest('base64')),
  ),
  fc.string({ maxLength: 40, unit: 'binary' }),
)
const anyHeaders = fc.dictionary(
  fc.constantFrom(
    ...names.map(name => sse + name),
    ...names.map(name => `x-amz-copy-source-server-side-encryption${name}`),
  ),
  value,
  { maxKeys: 6, noNullPrototype: true },
)
/** A customer key that fits together, which chance does not find, perhaps with one header more or another in its place. */
const customerHeaders = fc
  .tuple(fc.constantFrom(...keys), fc.boolean(), anyHeaders)
  .map(([key, disturbed, others]): Record<string, string> => {
    const [name, other] = Object.entries(others)[0] ?? []
    return {
      [`${sse}-customer-algorithm`]: 'AES256',
      [`${sse}-customer-key`]: key.toString('base64'),
      [`${sse}-customer-key-md5`]: createHash('md5').update(key).digest('base64'),
      ...(disturbed && name !== undefined ? { [name]: other! } : {}),
    }
  })
const headers = fc.oneof(anyHeaders, customerHeaders)
const ofEachKind: Record<string, string>[] = [
  { [sse]: 'AES256' },
  { [sse]: 'aws:kms' },
  {
    [`${sse}-customer-algorithm`]: 'AES256',
    [`${sse}-customer-key`]: keys[0]!.toString('base64'),
    [`${sse}-customer-key-md5`]: createHash('md5').update(keys[0]!).digest('base64'),
  },
  { [sse]: 'AES192' },
  { [`${sse}-customer-algorithm`]: 'AES128', [`${sse}-customer-key`]: 'a' },
]
const ring = new KeyRing(noise(32, 9))
const home = { region: 'us-east-1', account: '000000000000' }
const faults = new Set([
  'argument-invalid',
  'encryption-algorithm-invalid',
  'encryption-key-unknown',
  'customer-keys-blocked',
])
const visible = /^[\x20-\x7e]*$/

t.test('encryption headers: any → a fault of theirs, or a key that is made, sealed, opened and answered', async t => {
  const kinds = new Map<string, number>()
  fc.assert(
    fc.property(headers, fc.boolean(), (sent, blocksCustomerKeys) => {
      const asked = parseEncryption(wireRequest('PUT /b/k', sent))
      const byDefault = { method: 'aws:kms', keyId: 'alias/d', bucketKey: true, blocksCustomerKeys } as const
      const spec = asked instanceof Fault ? asked : resolveEncryption(asked, byDefault, home)
      const kind = spec instanceof Fault ? spec.code : spec.kind
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
      if (spec instanceof Fault) {
        if (!faults.has(spec.code)) throw new Error(spec.code)
        return
      }
      const { cipher, sealed } = ring.newDataKey(spec)
      const read = decodeSealed(encodeSealed(sealed))
      const customerKey = spec.kind === 'customer' ? spec : undefined
      const opened = ring.openSealed(read, customerKey)
      if (opened === undefined || !('key' in opened) || !opened.key.equals(cipher.key)) throw new Error('not opened')
      const answered: string[] = []
      pushNewEncryptionHeaders(answered, { encryption: read, customerKey })
      if (answered.length === 0 || !answered.every(text => visible.test(text))) throw new Error(answered.join())
    }),
    // Each kind comes at least once, whatever chance does.
    { numRuns: 4000, examples: ofEachKind.map(sent => [sent, false]) },
  )
  for (const kind of ['managed', 'named', 'customer', 'argument-invalid', 'encryption-algorithm-invalid'])
    t.ok((kinds.get(kind) ?? 0) > 0, `${kind}: ${kinds.get(kind)}`)
})

t.test('encryption headers: any, on reads and sources → a key, none, or a fault of theirs', async t => {
  fc.assert(
    fc.property(headers, sent => {
      const request = wireRequest('GET /b/k', sent)
      for (const parsed of [parseReadingEncryption(request), parseSourceKey(request)])
        if (parsed instanceof Fault && !faults.has(parsed.code)) throw new Error(parsed.code)
    }),
    { numRuns: 3000 },
  )
  t.pass()
})

t.test('encryption context: any map of texts, in any order → the same canonical text, which holds it', async t => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), { maxKeys: 6 }),
      map => {
        const entries = Object.entries(map)
        const text = (pairs: typeof entries) =>
          `{${pairs.map(([name, member]) => `${JSON.stringify(name)} : ${JSON.stringify(member)}`).join(' , ')}}`
        const context = parseContext(encodeContext(text(entries)))
        if (context !== parseContext(encodeContext(text(entries.reverse())))) throw new Error('order matters')
        if (context instanceof Fault) throw new Error(context.code)
        const read = context === '' ? {} : (JSON.parse(context) as Record<string, string>)
        if (Object.keys(read).length !== entries.length) throw new Error(context)
        for (const [name, member] of entries) if (read[name] !== member) throw new Error(context)
        if (context !== '' && parseContext(encodeContext(context)) !== context) throw new Error('not canonical')
      },
    ),
    { numRuns: 1000 },
  )
  t.pass()
})

t.test('KMS key names: any → a name a header line can carry, the same again for itself, or a fault', async t => {
  const name = fc.oneof(
    fc.string({ maxLength: 60, unit: 'binary' }),
    fc.stringMatching(/^(?:arn:aws:kms:us-east-1:[0-9]{12}:)?(?:key\/|alias\/)?[A-Za-z0-9_/-]{0,50}$/),
  )
  fc.assert(
    fc.property(name, text => {
      const resolved = resolveKmsKey(text, home)
      if (resolved instanceof Fault) return
      if (!visible.test(resolved) || resolved === '') throw new Error(resolved)
      if (resolveKmsKey(resolved, home) !== resolved) throw new Error(`${resolved} is not itself`)
    }),
    { numRuns: 3000 },
  )
  t.pass()
})
