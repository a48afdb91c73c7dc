import t from 'tap'
import { Fault } from '../../protocol/fault.ts'
import { parseVersion2, type Version2Signature } from '../../protocol/sigv2/parse.ts'
import { verifyVersion2 } from '../../protocol/sigv2/verify.ts'
import type { SignedRequest } from '../../protocol/sigv4/signature.ts'
import { calls, links, published, recordedMs } from './sigv2-recorded.ts'
import { example, type HeaderList, request } from './sigv4-request.ts'

const { accessKeyId: key, secret } = example

interface Signed {
  readonly method: string
  readonly target: string
  readonly headers: HeaderList
  readonly hostBucket: string
  readonly nowMs: number
}

function parsed({ method, target, headers, nowMs }: Signed): { signed: SignedRequest; signature: Version2Signature } {
  const signed = request(method, target, headers)
  const signature = parseVersion2(signed, nowMs)
  if (signature === undefined || signature instanceof Fault) throw new Error(`not parsed: ${JSON.stringify(signature)}`)
  return { signed, signature }
}
function verify(one: Signed, withSecret: string = secret) {
  const { signed, signature } = parsed(one)
  return verifyVersion2(signature, signed, withSecret, one.hostBucket)
}

for (const [title, hostBucket, method, target, headers, signature] of published)
  t.test(`verifyVersion2: published example "${title}" → right`, async t => {
    const date = headers.find(([name]) => name === 'Date')?.[1] ?? ''
    const one = { method, target, hostBucket, nowMs: Date.parse(date) }
    const authorization = (text: string): HeaderList => [...headers, ['Authorization', `AWS ${key}:${text}`]]
    t.equal(verify({ ...one, headers: authorization(signature) }), undefined)
    t.equal(verify({ ...one, headers: authorization(`A${signature.slice(1)}`) })?.code, 'signature-mismatch')
    t.equal(verify({ ...one, headers: authorization(signature) }, 'another')?.code, 'signature-mismatch')
  })

const publishedLink: Signed = {
  method: 'GET',
  target: `/photos/puppy.jpg?AWSAccessKeyId=${key}&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620`,
  headers: [],
  hostBucket: 'johnsmith',
  nowMs: 1_175_139_620_000,
}

t.test('verifyVersion2: published presigned request → right, and only as it is', async t => {
  t.equal(verify(publishedLink), undefined)
  for (const other of [
    { ...publishedLink, method: 'HEAD' },
    { ...publishedLink, hostBucket: 'johnsmit' },
    { ...publishedLink, target: publishedLink.target.replace('puppy', 'Puppy') },
    { ...publishedLink, target: publishedLink.target.replace('1175139620', '1175139621') },
    { ...publishedLink, target: `${publishedLink.target}&acl` },
    { ...publishedLink, target: `${publishedLink.target}&x-amz-acl=private` },
    { ...publishedLink, target: publishedLink.target.replace('%3D', '%3D%3D') },
    { ...publishedLink, headers: [['x-amz-acl', 'private']] as HeaderList },
    { ...publishedLink, headers: [['content-type', 'text/plain']] as HeaderList },
  ])
    t.equal(verify(other)?.code, 'signature-mismatch', JSON.stringify(other))
  for (const same of [
    { ...publishedLink, target: `${publishedLink.target}&prefix=x` },
    {
      ...publishedLink,
      headers: [
        ['x-amz-date', 'anything'],
        ['date', 'anything'],
        ['range', 'bytes=0-1'],
      ] as HeaderList,
    },
  ])
    t.equal(verify(same), undefined, JSON.stringify(same))
})

for (const [method, hostBucket, target, signature] of links)
  t.test(`verifyVersion2: link of boto3, ${method} ${hostBucket} ${target} → right`, async t => {
    const own = `AWSAccessKeyId=${key}&Signature=${signature}&Expires=1779970500`
    const link = `${target}${target.includes('?') ? '&' : '?'}${own}`
    const one: Signed = { method, target: link, headers: [], hostBucket, nowMs: recordedMs }
    t.equal(verify(one), undefined)
    t.equal(verify({ ...one, target: link.replace('Expires=17', 'Expires=18') })?.code, 'signature-mismatch')
  })

for (const [method, hostBucket, target, headers, signature] of calls)
  t.test(`verifyVersion2: call of boto3, ${method} ${hostBucket} ${target} → right`, async t => {
    const dated = (date: string): HeaderList => [
      ...headers,
      ['Date', date],
      ['Authorization', `AWS ${key}:${signature}`],
    ]
    const one: Signed = {
      method,
      target,
      headers: dated('Thu, 28 May 2026 12:00:00 GMT'),
      hostBucket,
      nowMs: recordedMs,
    }
    t.equal(verify(one), undefined)
    t.equal(verify({ ...one, headers: dated('Thu, 28 May 2026 12:00:01 GMT') })?.code, 'signature-mismatch')
  })

t.test('verifyVersion2: wrong → what was signed here, without a canonical request', async t => {
  const { target } = publishedLink
  const wrong = verify({
    ...publishedLink,
    hostBucket: '',
    target: target.replace('/photos', '/b?acl=&').replace('.jpg?', '=&'),
  })
  const stringToSign = 'GET\n\n\n1175139620\n/b?acl'
  t.strictSame(wrong?.detail, {
    accessKeyId: key,
    signatureProvided: 'NpgCjnDzrM+WFzoENXmpNDUsSn8=',
    stringToSign,
    stringToSignBytes: Buffer.from(stringToSign)
      .toString('hex')
      .replace(/..(?=.)/g, '$& '),
  })
  const byHeader = verify({
    ...publishedLink,
    target: '/a',
    nowMs: Date.UTC(2007, 2, 27, 21, 20),
    headers: [
      ['date', 'ignored'],
      ['x-amz-date', 'Tue, 27 Mar 2007 21:20:26 +0000'],
      ['authorization', `AWS ${key}:x`],
    ],
  })
  t.equal(byHeader?.detail['stringToSign'], 'GET\n\n\n\nx-amz-date:Tue, 27 Mar 2007 21:20:26 +0000\n/johnsmith/a')
})

t.test('parseVersion2: header and query → typed value', async t => {
  t.match(parsed(publishedLink).signature, {
    form: 'query',
    accessKeyId: key,
    signature: 'NpgCjnDzrM+WFzoENXmpNDUsSn8=',
    dateLine: '1175139620',
    sessionToken: '',
    payload: { kind: 'unsigned' },
  })
  const header = { ...publishedLink, target: '/' }
  for (const [date, dateLine] of [
    [['Date', 'Thu, 29 Mar 2007 03:40:20 GMT'], 'Thu, 29 Mar 2007 03:40:20 GMT'],
    [['Date', 'Thu, 29 Mar 2007 05:40:20 +0200'], 'Thu, 29 Mar 2007 05:40:20 +0200'],
    [['Date', 'Wed, 28 Mar 2007 22:10:20 -0530'], 'Wed, 28 Mar 2007 22:10:20 -0530'],
    [['x-amz-date', '20070329T034020Z'], ''],
    [['X-Amz-Date', 'Thursday, 29-Mar-07 03:40:20 GMT'], ''],
  ] as const) {
    const headers: HeaderList = [date, ['x-amz-security-token', 'token'], ['authorization', `aws ${key}:c2ln`]]
    const { signature } = parsed({ ...header, headers })
    t.match(signature, { form: 'header', accessKeyId: key, signature: 'c2ln', dateLine, sessionToken: 'token' })
  }
})

t.test('parseVersion2: another form, two forms or none → undefined', async t => {
  const version2: HeaderList = [['authorization', `AWS ${key}:c2ln`]]
  for (const [target, headers] of [
    ['/', []],
    ['/?AWSAccessKeyId=x&Expires=1', []],
    ['/?signature=x', []],
    ['/?X-Amz-Algorithm=x&Signature=x', []],
    ['/?Signature=x', version2],
    ['/?X-Amz-Algorithm=x', version2],
    ['/', [['authorization', 'AWS4-HMAC-SHA256 Credential=x']]],
    ['/', [['authorization', 'AWSx y']]],
    ['/', [['authorization', 'AWS']]],
  ] as const)
    t.equal(parseVersion2(request('GET', target, headers), 0), undefined, target)
})

const nowMs = Date.UTC(2007, 2, 29, 3, 40, 20)
const link = (more: string) => request('GET', `/b/k?Signature=s&${more}`, [])
const header = (authorization: string, headers: HeaderList = [['date', 'Thu, 29 Mar 2007 03:40:20 GMT']]) =>
  request('GET', '/b/k', [...headers, ['authorization', authorization]])
const parameters = 'Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters'
const noDate = 'AWS authentication requires a valid Date or x-amz-date header'
const expected = 'AWS authorization header is invalid.  Expected AwsAccessKeyId:signature'
const oneSpace = "Authorization header is invalid -- one and only one ' ' (space) required"
const invalidDate = 'Invalid date (should be seconds since epoch): '

const refused: readonly (readonly [title: string, SignedRequest, code: string, detail: object])[] = [
  ['link without Expires', link('AWSAccessKeyId=k'), 'access-denied', { message: parameters }],
  ['link without key', link('Expires=1'), 'access-denied', { message: parameters }],
  ['Expires no number', link('AWSAccessKeyId=k&Expires=1e9'), 'access-denied', { message: `${invalidDate}1e9` }],
  ['Expires empty', link('AWSAccessKeyId=k&Expires='), 'access-denied', { message: invalidDate }],
  [
    'Expires beyond 2038',
    link('AWSAccessKeyId=k&Expires=2147483648'),
    'access-denied',
    { message: `${invalidDate}2147483648` },
  ],
  [
    'Expires a second ago',
    link('AWSAccessKeyId=k&Expires=1175139619'),
    'signature-expired',
    { expires: '2007-03-29T03:40:19Z', serverTime: '2007-03-29T03:40:20Z' },
  ],
  [
    'Expires before all years',
    link('AWSAccessKeyId=k&Expires=-9223372036854775808'),
    'signature-expired',
    { expires: '0001-01-01T00:00:00Z', serverTime: '2007-03-29T03:40:20Z' },
  ],
  ['key with a NUL', link('AWSAccessKeyId=k%00&Expires=2147483647'), 'access-key-unknown', { accessKeyId: 'k\0' }],
  ['key empty', header('AWS :c2ln'), 'access-key-unknown', { accessKeyId: '' }],
  [
    'header without signature',
    header('AWS key:'),
    'argument-invalid',
    { message: expected, name: 'Authorization', value: 'AWS key:' },
  ],
  [
    'header without colon',
    header('AWS key'),
    'argument-invalid',
    { message: expected, name: 'Authorization', value: 'AWS key' },
  ],
  [
    'header with two colons',
    header('AWS key:a:b'),
    'argument-invalid',
    { message: expected, name: 'Authorization', value: 'AWS key:a:b' },
  ],
  [
    'header with two spaces',
    header('AWS  key:a'),
    'argument-invalid',
    { message: oneSpace, name: 'Authorization', value: 'AWS  key:a' },
  ],
  ['no date', header('AWS key:a', []), 'access-denied', { message: noDate }],
  ['unreadable date', header('AWS key:a', [['date', 'yesterday']]), 'access-denied', { message: noDate }],
  [
    'date before 1970',
    header('AWS key:a', [['x-amz-date', 'Fri, 07 Jul 1950 21:53:04 GMT']]),
    'access-denied',
    { message: noDate },
  ],
  [
    'empty x-amz-date beside a Date',
    header('AWS key:a', [
      ['date', 'Thu, 29 Mar 2007 03:40:20 GMT'],
      ['x-amz-date', ''],
    ]),
    'access-denied',
    { message: noDate },
  ],
  [
    'unreadable date with a zone',
    header('AWS key:a', [['date', 'yesterday +0200']]),
    'access-denied',
    { message: noDate },
  ],
  [
    'unreadable x-amz-date beside a Date',
    header('AWS key:a', [
      ['date', 'Thu, 29 Mar 2007 03:40:20 GMT'],
      ['x-amz-date', 'x'],
    ]),
    'access-denied',
    { message: noDate },
  ],
  [
    '16 minutes late',
    header('AWS key:a', [['date', 'Thu, 29 Mar 2007 03:24:20 GMT']]),
    'clock-skewed',
    { requestTime: 'Thu, 29 Mar 2007 03:24:20 GMT', serverTime: '2007-03-29T03:40:20Z', maxAllowedSkewMs: 900_000 },
  ],
  [
    '16 minutes early',
    header('AWS key:a', [['x-amz-date', '20070329T035620Z']]),
    'clock-skewed',
    { requestTime: '20070329T035620Z', serverTime: '2007-03-29T03:40:20Z', maxAllowedSkewMs: 900_000 },
  ],
]

for (const [title, signed, code, detail] of refused)
  t.test(`parseVersion2: ${title} → ${code}`, async t => {
    const answer = parseVersion2(signed, nowMs)
    t.ok(answer instanceof Fault)
    t.strictSame(answer, new Fault(code as never, detail as never))
  })
