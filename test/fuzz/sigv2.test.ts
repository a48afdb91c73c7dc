/** No input makes the parser or the verifier of Signature Version 2 throw, and none but the right signature passes. */
import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { Fault } from '../../protocol/fault.ts'
import { Query } from '../../protocol/query.ts'
import { parseVersion2 } from '../../protocol/sigv2/parse.ts'
import { verifyVersion2 } from '../../protocol/sigv2/verify.ts'
import type { SignedRequest } from '../../protocol/sigv4/signature.ts'

const nowMs = Date.UTC(2013, 4, 24)
const token = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom(
    'AWS ',
    'key:c2ln',
    'Fri, 24 May 2013 00:00:00 GMT',
    ' +0200',
    '20130524T000000Z',
    '%00',
    '&',
    '=',
    '+',
  ),
  fc.constantFrom(
    'Signature=c2ln',
    '&AWSAccessKeyId=key',
    '&Expires=1400000000',
    '&Expires=-9',
    '&x-amz-acl=a',
    '&acl',
  ),
)
const line = fc.array(token, { maxLength: 8 }).map(tokens => tokens.join(''))
const name = fc.constantFrom('authorization', 'date', 'x-amz-date', 'x-amz-meta-a', 'content-type', 'host')
/** Half of them well-formed, so that they come as far as the signature. */
const query = fc.oneof(
  line,
  line.map(more => `Signature=c2ln&AWSAccessKeyId=key&Expires=1400000000&${more}`),
)
const dated: readonly (readonly [string, string])[] = [
  ['authorization', 'AWS key:c2ln'],
  ['date', 'Fri, 24 May 2013 00:00:00 GMT'],
]
const headers: fc.Arbitrary<readonly (readonly [string, string])[]> = fc.oneof(
  fc.array(fc.tuple(name, line), { maxLength: 6 }),
  fc
    .array(fc.tuple(fc.constantFrom('x-amz-meta-a', 'content-type', 'content-md5', 'x-amz-acl'), line), {
      maxLength: 6,
    })
    .map(more => [...more, ...dated]),
  fc.constant([]),
)
const anyRequest: fc.Arbitrary<SignedRequest> = fc
  .record({ path: line, query: fc.oneof(query, fc.constant('')), headers })
  .map(({ path, query, headers }) => ({
    method: 'GET',
    rawPath: `/${path}`,
    query: new Query(query),
    headers: headers.flat(),
    header: wanted =>
      headers
        .filter(([one]) => one === wanted)
        .map(([, value]) => value)
        .join(','),
  }))

t.test('parseVersion2, verifyVersion2: any request → a value, and only the right signature is right', async t => {
  let right = 0
  fc.assert(
    fc.property(anyRequest, fc.constantFrom('', 'bucket'), (request, hostBucket) => {
      const signature = parseVersion2(request, nowMs)
      if (signature === undefined || signature instanceof Fault) return true
      const wrong = verifyVersion2(signature, request, 'secret', hostBucket)
      if (wrong === undefined) return false
      const stringToSign = String(wrong.detail['stringToSign'])
      const resigned = createHmac('sha1', 'secret').update(stringToSign).digest('base64')
      right++
      return verifyVersion2({ ...signature, signature: resigned }, request, 'secret', hostBucket) === undefined
    }),
    {
      numRuns: 5000,
      examples: [[link('/k?Signature=c2ln&AWSAccessKeyId=key&Expires=1400000000&x-amz-acl=a&acl'), '']],
    },
  )
  t.ok(right > 500, `${right} requests came to the signature`)
})

function link(target: string): SignedRequest {
  const [rawPath = '', query = ''] = target.split('?')
  return { method: 'GET', rawPath, query: new Query(query), headers: [], header: () => '' }
}
