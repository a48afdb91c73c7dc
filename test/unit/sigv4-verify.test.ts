import t from 'tap'
import { canonicalPath, canonicalQuery } from '../../protocol/sigv4/encode.ts'
import { SigningKeys } from '../../protocol/sigv4/signing-key.ts'
import { canonicalRequest, verifySignature } from '../../protocol/sigv4/verify.ts'
import {
  edited,
  empty,
  examples,
  headerExample,
  keys,
  parsed,
  reauthorized,
  requeried,
  s3,
  scope,
  verify,
} from './sigv4-examples.ts'
import { example, request } from './sigv4-request.ts'

t.test('S3 examples of the API reference → accepted', async t => {
  for (const [title, signed] of examples) t.equal(verify(signed), undefined, title)
})

t.test('verifySignature: headers that S3 wants signed and are not → access-denied with their names', async t => {
  const message = 'There were headers present in the request which were not signed'
  t.match(verify(edited(headerExample, { 'x-amz-meta-a': '1', 'x-amz-acl': 'private' })), {
    code: 'access-denied',
    detail: { message, headersNotSigned: 'x-amz-meta-a, x-amz-acl' },
  })
  t.match(verify(requeried(raw => raw, [['x-amz-tagging', 'a=b']])), {
    code: 'access-denied',
    detail: { message, headersNotSigned: 'x-amz-tagging' },
  })
  t.match(verify(reauthorized(value => value.replace('=host;', '='))), {
    code: 'access-denied',
    detail: { headersNotSigned: 'host' },
  })
  t.equal(verify(edited(headerExample, { 'content-type': 'text/plain', 'x-amzn-trace-id': 'r' })), undefined)
  // x-amz-content-sha256 ends the canonical request: unsigned it passes when it says what was signed.
  t.equal(verify(requeried(raw => raw, [['x-amz-content-sha256', 'UNSIGNED-PAYLOAD']])), undefined)
  t.match(verify(requeried(raw => raw, [['x-amz-content-sha256', empty]])), { code: 'signature-mismatch' })
})

t.test('verifySignature: wrong → signature-mismatch with what was signed here', async t => {
  const signed = reauthorized(value => value.replace(/.$/, '2'))
  const canonicalText = `GET\n/test.txt\n\nhost:examplebucket.s3.amazonaws.com\nrange:bytes=0-9\nx-amz-content-sha256:${empty}\nx-amz-date:20130524T000000Z\n\nhost;range;x-amz-content-sha256;x-amz-date\n${empty}`
  const toSign = `AWS4-HMAC-SHA256\n20130524T000000Z\n${scope}\n7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972`
  const bytes = (text: string) => Buffer.from(text).toString('hex').match(/../g)!.join(' ')
  const wrong = verify(signed)
  if (wrong === undefined) throw new Error('accepted')
  t.equal(wrong.code, 'signature-mismatch')
  t.strictSame(wrong.detail, {
    accessKeyId: example.accessKeyId,
    signatureProvided: 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb42',
    stringToSign: toSign,
    stringToSignBytes: bytes(toSign),
    canonicalRequest: canonicalText,
    canonicalRequestBytes: bytes(canonicalText),
  })
  for (const signature of [
    '',
    '0',
    'f0e8',
    `${'š'.repeat(64)}`,
    headerExample.header('authorization').slice(-64).toUpperCase(),
  ])
    t.match(
      verifySignature({ ...parsed(headerExample), signature }, headerExample, {
        key: keys.get(example.secret, '20130524', 'us-east-1', 's3'),
      }),
      { code: 'signature-mismatch' },
      JSON.stringify(signature.slice(0, 8)),
    )
})

t.test('verifySignature: several hosts → the one that was signed is found, the first is reported', async t => {
  const behind = edited(headerExample, { host: 'gateway:9000' })
  t.match(verify(behind), { code: 'signature-mismatch' })
  t.equal(verify(behind, s3, ['gateway:9000', 'examplebucket.s3.amazonaws.com']), undefined)
  const wrong = verify(behind, s3, ['first', 'second'])
  t.match(wrong?.detail['canonicalRequest'], /\nhost:first\n/)
})

t.test('canonicalPath: as S3 encodes → escaped once, nothing folded', async t => {
  for (const [raw, canonical] of [
    ['/', '/'],
    ['/a/b-c_d.e~f', '/a/b-c_d.e~f'],
    ['/a%20b/a+b', '/a%20b/a%2Bb'],
    ['/%c3%bc/%E4%B8%AD', '/%C3%BC/%E4%B8%AD'],
    ['/ü', '/%C3%BC'],
    ["/!*'()~=&:@$,;", '/%21%2A%27%28%29~%3D%26%3A%40%24%2C%3B'],
    ['/%21%2A%27%28%29%7E%3D%26%3A', '/%21%2A%27%28%29~%3D%26%3A'],
    ['/%41%2d%2E%5F%7e', '/A-._~'],
    ['/100%25/100%/%zz%4', '/100%25/100%25/%25zz%254'],
    ['/a%2Fb', '/a/b'],
    ['//a//../b/./', '//a//../b/./'],
    ['/%ff%00', '/%FF%00'],
  ] as const)
    t.equal(canonicalPath(raw), canonical, raw)
})

t.test('canonicalQuery: any order and encoding → sorted by name, then value', async t => {
  for (const [raw, canonical] of [
    ['', ''],
    ['a=1&b=2', 'a=1&b=2'],
    ['b=2&a=1', 'a=1&b=2'],
    ['a=2&a=1&a=&A=3', 'A=3&a=&a=1&a=2'],
    ['acl', 'acl='],
    ['acl&b=', 'acl=&b='],
    ['&&a=1&', 'a=1'],
    ['=v', '=v'],
    ['a=b+c&d=e%2Bf&g=%20', 'a=b%20c&d=e%2Bf&g=%20'],
    // '-' and '.' come before '=': the order is that of names, not of the pairs' text.
    ['k=1&k-x=2&k.y=3&k0=4', 'k=1&k-x=2&k.y=3&k0=4'],
    ['k-x=2&k=1', 'k=1&k-x=2'],
    ["k=%c3%bc~!*'()&l=a=b&m=a:b/c", 'k=%C3%BC~%21%2A%27%28%29&l=a%3Db&m=a%3Ab%2Fc'],
    ['a=%zz', 'a=%25zz'],
    ['a=1&X=2&b=3', 'a=1&b=3'],
    ['X=2&b=3', 'b=3'],
    ['a=1&X=2', 'a=1'],
    ['X=2', ''],
    ['X=2&X=2&a=1', 'a=1'],
    ['%58=2&a=1', 'a=1'],
    ['X&a=1', 'a=1'],
  ] as const)
    t.equal(canonicalQuery(raw, 'X'), canonical, raw)
  t.equal(canonicalQuery('=v&a=1', ''), '=v&a=1')
})

t.test('canonicalRequest: repeated and spaced headers → joined and folded', async t => {
  const signed = request('GET', '/', [
    ['host', 'h'],
    ['x-amz-meta-s', '  a   b \t c  '],
    ['x-amz-meta-s', ''],
    ['x-amz-meta-s', 'd'],
    ['x-amz-meta-t', ' '],
  ])
  const signature = {
    ...parsed(headerExample),
    signedHeaders: ['host', 'x-amz-meta-absent', 'x-amz-meta-s', 'x-amz-meta-t'],
  }
  t.match(
    canonicalRequest(signature, signed, {}),
    '\nhost:h\nx-amz-meta-absent:\nx-amz-meta-s:a b c,,d\nx-amz-meta-t:\n\n',
  )
})

t.test('SigningKeys: more keys than the bound → the oldest go, the answers stay', async t => {
  const few = new SigningKeys(4)
  const first = few.get('secret', '20130524', 'us-east-1', 's3')
  t.equal(few.get('secret', '20130524', 'us-east-1', 's3'), first)
  for (let i = 0; i < 100; i++) {
    few.get(`secret-${i}`, '20130524', 'us-east-1', 's3')
    t.ok(few.size <= 4)
  }
  const again = few.get('secret', '20130524', 'us-east-1', 's3')
  t.not(again, first)
  t.equal(again.sign('text'), first.sign('text'))
  few.clear()
  t.equal(few.size, 0)
})

t.test('SigningKey: a scope longer than the prepared buffer → same signature as by plain HMAC', async t => {
  const region = 'r'.repeat(1000)
  const key = new SigningKeys(2).get(example.secret, '20130524', region, 's3')
  t.equal(
    key.signRequest('20130524T000000Z', empty),
    key.sign(`AWS4-HMAC-SHA256\n20130524T000000Z\n20130524/${region}/s3/aws4_request\n${empty}`),
  )
})
