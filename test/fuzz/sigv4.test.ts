/** No input makes the parser or the verifier throw, and encoding obeys its laws. */
import fc from 'fast-check'
import t from 'tap'
import { Fault } from '../../protocol/fault.ts'
import { Query } from '../../protocol/query.ts'
import { canonicalPath, canonicalQuery, canonicalServicePath } from '../../protocol/sigv4/encode.ts'
import { parseSignature } from '../../protocol/sigv4/parse.ts'
import type { SignedRequest } from '../../protocol/sigv4/signature.ts'
import { SigningKeys } from '../../protocol/sigv4/signing-key.ts'
import { formatAmzDate, parseAmzDate } from '../../protocol/sigv4/time.ts'
import { verifySignature } from '../../protocol/sigv4/verify.ts'

const nowMs = Date.UTC(2013, 4, 24)
const token = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom(
    'AWS4-HMAC-SHA256',
    'AWS4-HMAC-SHA256 ',
    'AWS ',
    'Credential=',
    'Credential=AKID/20130524/us-east-1/s3/aws4_request',
    'AKID/20130524/us-east-1/s3/aws4_request',
    'AKID%2F20130524%2Fus-east-1%2Fs3%2Faws4_request',
    'SignedHeaders=',
    'SignedHeaders=host;x-amz-date',
    'host;x-amz-date',
    'Signature=',
    'Signature=00',
    'X-Amz-Algorithm=AWS4-HMAC-SHA256',
    'X-Amz-Credential=',
    'X-Amz-Date=20130524T000000Z',
    'X-Amz-Expires=60',
    'X-Amz-SignedHeaders=host',
    'X-Amz-Signature=00',
    'X-Amz-Security-Token=t',
    '20130524T000000Z',
    'Fri, 24 May 2013 00:00:00 GMT',
    'UNSIGNED-PAYLOAD',
    'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
    ', ',
    ',',
    '&',
    '=',
    '/',
    ';',
    '%',
    '%2',
    '%ff',
    '+',
    '\uD800',
    '\n',
  ),
)
const line = fc.array(token, { maxLength: 12 }).map(tokens => tokens.join(''))
const name = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('authorization', 'x-amz-date', 'date', 'x-amz-content-sha256', 'host') },
  fc.constantFrom('x-amz-security-token', 'x-amz-meta-a'),
  fc.string({ maxLength: 6 }),
)
const anyRequest: fc.Arbitrary<SignedRequest> = fc
  .record({ method: fc.string({ maxLength: 5 }), path: line, query: line, headers: fc.array(fc.tuple(name, line)) })
  .map(({ method, path, query, headers }) => {
    const flat = headers.flat()
    return {
      method,
      rawPath: `/${path}`,
      query: new Query(query),
      headers: flat,
      header: lower => flat[flat.findIndex((text, i) => i % 2 === 0 && text === lower) + 1] ?? '',
    }
  })
const keys = new SigningKeys(32)

t.test('parseSignature, verifySignature: arbitrary requests → never throw, never accept', async () => {
  fc.assert(
    fc.property(anyRequest, fc.constantFrom('s3', 'sts'), (request, service) => {
      const signature = parseSignature(request, { nowMs, service, region: 'us-east-1' })
      if (signature === undefined || signature instanceof Fault) return true
      const key = keys.get('secret', signature.date, signature.region, signature.service)
      return verifySignature(signature, request, { key, hosts: ['a', 'b'] }) instanceof Fault
    }),
    { numRuns: 5000 },
  )
})

t.test('parseSignature: arbitrary fields in a well-formed frame → never throw, never accept', async () => {
  const credential = fc.oneof(line, fc.constant('AKID/20130524/us-east-1/s3/aws4_request'))
  const date = fc.oneof(line, fc.constant('20130524T000000Z'))
  const payload = fc.oneof(line, fc.constant('UNSIGNED-PAYLOAD'))
  fc.assert(
    fc.property(credential, line, line, date, payload, line, (credential, signed, signature, date, hash, path) => {
      const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=host;${signed}, Signature=${signature}`
      const flat = ['authorization', authorization, 'x-amz-date', date, 'x-amz-content-sha256', hash, 'host', 'h']
      const request: SignedRequest = {
        method: 'GET',
        rawPath: `/${path}`,
        query: new Query(path),
        headers: flat,
        header: lower => flat[flat.findIndex((text, i) => i % 2 === 0 && text === lower) + 1] ?? '',
      }
      const parsed = parseSignature(request, { nowMs, service: 's3' })
      if (parsed === undefined) return false
      if (parsed instanceof Fault) return true
      const key = keys.get('secret', parsed.date, parsed.region, parsed.service)
      return verifySignature(parsed, request, { key }) instanceof Fault
    }),
    { numRuns: 5000 },
  )
})

const canonicalText = /^(?:[A-Za-z0-9\-._~/]|%[0-9A-F]{2})*$/
t.test('canonicalPath, canonicalQuery: any text → canonical, and canonical already the second time', async () => {
  fc.assert(
    fc.property(line, raw => {
      const path = canonicalPath(raw)
      const query = canonicalQuery(raw, '')
      return (
        canonicalText.test(path) &&
        canonicalPath(path) === path &&
        canonicalText.test(query.replaceAll(/[&=]/g, '')) &&
        canonicalQuery(query, '') === query &&
        canonicalText.test(canonicalServicePath(raw, true))
      )
    }),
    { numRuns: 5000 },
  )
})

t.test('canonicalQuery: pairs in any order → one canonical form, the short way and the long way', async () => {
  const safe = fc.string({ unit: fc.constantFrom(...'abAB09-._~'), maxLength: 3 })
  fc.assert(
    fc.property(fc.array(fc.tuple(safe, safe), { maxLength: 8 }), fc.infiniteStream(fc.nat()), (pairs, seed) => {
      const text = pairs.map(([name, value]) => `${name}=${value}`)
      const canonical = canonicalQuery(text.join('&'), 'a')
      const shuffled = text
        .map(pair => ({ pair, at: seed.next().value as number }))
        .sort((x, y) => x.at - y.at)
        .map(({ pair }) => pair)
      const expected = pairs
        .filter(([name]) => name !== 'a')
        .sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : x > y ? 1 : 0))
        .map(([name, value]) => `${name}=${value}`)
        .join('&')
      // A '+' sends any text the long way.
      const long = canonicalQuery([...shuffled, '~~~~=+'].join('&'), 'a')
      return (
        canonical === expected &&
        canonicalQuery(shuffled.join('&'), 'a') === expected &&
        canonicalQuery(expected, 'a') === expected &&
        long === (expected === '' ? '~~~~=%20' : `${expected}&~~~~=%20`)
      )
    }),
    { numRuns: 5000 },
  )
})

t.test('parseAmzDate: any second → reads what was formatted; anything else → undefined or the same text', async () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_000_000_000 }), second => {
      return parseAmzDate(formatAmzDate(second * 1000)) === second * 1000
    }),
  )
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'0123456789TZ-'), minLength: 14, maxLength: 17 }), text => {
      const ms = parseAmzDate(text)
      return ms === undefined || formatAmzDate(ms) === text
    }),
    { numRuns: 2000 },
  )
})
