import t from 'tap'
import { parseSignature, type SignatureRules } from '../../protocol/sigv4/parse.ts'
import type { SignedRequest } from '../../protocol/sigv4/signature.ts'
import { formatAmzDate, parseAmzDate } from '../../protocol/sigv4/time.ts'
import {
  edited,
  empty,
  headerExample,
  parsed,
  presignedExample,
  reauthorized,
  requeried,
  s3,
  verify,
} from './sigv4-examples.ts'
import { example, request } from './sigv4-request.ts'

t.test('parseSignature: header form → typed value', async t => {
  t.match(parsed(headerExample), {
    form: 'header',
    accessKeyId: example.accessKeyId,
    date: '20130524',
    region: 'us-east-1',
    service: 's3',
    signedHeaders: ['host', 'range', 'x-amz-content-sha256', 'x-amz-date'],
    amzDate: '20130524T000000Z',
    amzDateMs: example.nowMs,
    expiresSeconds: undefined,
    sessionToken: '',
    payload: { kind: 'hash', text: empty },
  })
  for (const edit of [
    (value: string) => value.replaceAll(',', ', '),
    (value: string) => value.replaceAll(',', ' ,   '),
    (value: string) => value.replace('AWS4-HMAC-SHA256', 'aws4-hmac-sha256'),
  ])
    t.equal(verify(reauthorized(edit)), undefined, edit.toString())
  t.equal(parsed(edited(headerExample, { 'x-amz-security-token': 'token' })).sessionToken, 'token')
})

t.test('parseSignature: presigned form → typed value', async t => {
  t.match(parsed(requeried(raw => `${raw}&X-Amz-Security-Token=a%2Fb%2B`)), {
    form: 'query',
    accessKeyId: example.accessKeyId,
    signedHeaders: ['host'],
    amzDateMs: example.nowMs,
    expiresSeconds: 86400,
    sessionToken: 'a/b+',
    payload: { kind: 'unsigned', text: 'UNSIGNED-PAYLOAD' },
  })
})

t.test('parseSignature: x-amz-content-sha256 → kind of payload', async t => {
  for (const [text, kind] of [
    ['UNSIGNED-PAYLOAD', 'unsigned'],
    [empty, 'hash'],
    ['STREAMING-AWS4-HMAC-SHA256-PAYLOAD', 'streaming-signed'],
    ['STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER', 'streaming-signed-trailer'],
    ['STREAMING-UNSIGNED-PAYLOAD-TRAILER', 'streaming-unsigned-trailer'],
  ] as const) {
    t.strictSame(parsed(edited(headerExample, { 'x-amz-content-sha256': text })).payload, { kind, text })
    t.equal(parsed(requeried(raw => raw, [['x-amz-content-sha256', text]])).payload.kind, kind)
    t.equal(parsed(requeried(raw => `${raw}&X-Amz-Content-Sha256=${text}`)).payload.kind, kind)
  }
})

t.test('parseSignature: no credentials → undefined', async t => {
  for (const target of ['/', '/?list-type=2', '/?X-Amz-Signature=00', '/?AWSAccessKeyId=x'])
    t.equal(parseSignature(request('GET', target, [['host', 'localhost']]), s3), undefined, target)
})

const header = 'The authorization header is malformed; '
const query = 'Error parsing the X-Amz-Credential parameter; '
const components = `${header}the authorization header requires three components: Credential, SignedHeaders, and Signature.`
const shape = 'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".'
const noDate = 'AWS authentication requires a valid Date or x-amz-date header'
const version2 = 'The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.'
const onlyOne =
  'Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified'
const required =
  'Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.'
const week =
  'X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds'

const refused: readonly (readonly [title: string, SignedRequest, code: string, detail: object])[] = [
  [
    'both forms',
    edited(presignedExample, { authorization: 'AWS4-HMAC-SHA256 a' }),
    'argument-invalid',
    { message: onlyOne, name: 'Authorization', value: 'AWS4-HMAC-SHA256 a' },
  ],
  [
    'header and version 2 query',
    request('GET', '/?Signature=x', [['authorization', 'AWS a:b']]),
    'argument-invalid',
    { message: onlyOne },
  ],
  [
    'both query forms',
    requeried(raw => `${raw}&Signature=x`),
    'argument-invalid',
    { message: onlyOne, name: 'Authorization' },
  ],
  [
    'version 2 header where S3 is not the service',
    edited(headerExample, { authorization: 'AWS key:c2lnbmF0dXJl' }),
    'request-invalid',
    { message: version2 },
  ],
  [
    'version 2 query where S3 is not the service',
    request('GET', '/?AWSAccessKeyId=k&Signature=s&Expires=1', []),
    'request-invalid',
    { message: version2 },
  ],
  [
    'version 4A header',
    reauthorized(value => value.replace('HMAC', 'ECDSA-P256')),
    'request-invalid',
    { message: version2 },
  ],
  [
    'another scheme',
    edited(headerExample, { authorization: 'Bearer token' }),
    'argument-invalid',
    { message: 'Unsupported Authorization Type', name: 'Authorization', value: 'Bearer token' },
  ],
  [
    'no space',
    edited(headerExample, { authorization: 'AWS4-HMAC-SHA256' }),
    'argument-invalid',
    { message: "Authorization header is invalid -- one and only one ' ' (space) required" },
  ],
  ['no date', edited(headerExample, { 'x-amz-date': undefined }), 'access-denied', { message: noDate }],
  [
    'date in another form',
    edited(headerExample, { 'x-amz-date': '2013-05-24T00:00:00Z' }),
    'access-denied',
    { message: noDate },
  ],
  [
    'impossible date',
    edited(headerExample, { 'x-amz-date': '20130230T000000Z' }),
    'access-denied',
    { message: noDate },
  ],
  [
    'no Credential',
    reauthorized(value => value.replace(/Credential=[^,]*,/, '')),
    'signature-malformed',
    { message: components },
  ],
  [
    'no SignedHeaders',
    reauthorized(value => value.replace(/SignedHeaders=[^,]*,/, '')),
    'signature-malformed',
    { message: components },
  ],
  [
    'no Signature',
    reauthorized(value => value.replace(/,Signature=.*/, '')),
    'signature-malformed',
    { message: components },
  ],
  [
    'credential of four parts',
    reauthorized(value => value.replace('/us-east-1/', '/')),
    'signature-malformed',
    { message: header + shape },
  ],
  [
    'credential of six parts',
    reauthorized(value => value.replace('/s3/', '/s3/s3/')),
    'signature-malformed',
    { message: header + shape },
  ],
  [
    'credential with a line break',
    reauthorized(value => value.replace('us-east-1', 'us\neast')),
    'signature-malformed',
    { message: header + shape },
  ],
  [
    'no region',
    reauthorized(value => value.replace('us-east-1', '')),
    'signature-malformed',
    { message: `${header}a non-empty region must be provided in the credential.` },
  ],
  [
    'another region',
    reauthorized(value => value.replace('us-east-1', 'eu-west-1')),
    'credential-region-wrong',
    { message: `${header}the region 'eu-west-1' is wrong; expecting 'us-east-1'`, region: 'us-east-1' },
  ],
  [
    'another service',
    reauthorized(value => value.replace('/s3/', '/ec2/')),
    'credential-service-wrong',
    { message: `${header}incorrect service "ec2". This endpoint belongs to "s3".` },
  ],
  [
    'another terminal',
    reauthorized(value => value.replace('aws4_request', 'aws4_reques')),
    'signature-malformed',
    { message: `${header}incorrect terminal "aws4_reques". This endpoint uses "aws4_request".` },
  ],
  [
    'scope date of seven digits',
    reauthorized(value => value.replace('/20130524/', '/2013052/')),
    'signature-malformed',
    {
      message: `${header}incorrect date format "2013052". This date in the credential must be in the format "yyyyMMdd".`,
    },
  ],
  [
    'scope date of another day',
    reauthorized(value => value.replace('/20130524/', '/20130523/')),
    'signature-malformed',
    { message: `${header}Invalid credential date. Date is not the same as X-Amz-Date.` },
  ],
  [
    'no x-amz-content-sha256',
    edited(headerExample, { 'x-amz-content-sha256': undefined }),
    'payload-hash-missing',
    { message: 'Missing required header for this request: x-amz-content-sha256' },
  ],
  [
    'no hash in x-amz-content-sha256',
    edited(headerExample, { 'x-amz-content-sha256': empty.slice(1) }),
    'argument-invalid',
    {
      message: /^x-amz-content-sha256 must be UNSIGNED-PAYLOAD, .* or a valid sha256 value\.$/,
      name: 'x-amz-content-sha256',
      value: empty.slice(1),
    },
  ],
  [
    'elliptic-curve chunks',
    edited(headerExample, { 'x-amz-content-sha256': 'STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER' }),
    'not-implemented',
    { header: 'x-amz-content-sha256' },
  ],
  [
    'presigned: another algorithm',
    requeried(raw => raw.replace('SHA256', 'SHA1')),
    'signature-query-malformed',
    { message: 'X-Amz-Algorithm only supports "AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256"' },
  ],
  ...['Credential', 'Signature', 'Date', 'SignedHeaders', 'Expires'].map(
    name =>
      [
        `presigned: no X-Amz-${name}`,
        requeried(raw => raw.replace(`X-Amz-${name}=`, 'x=')),
        'signature-query-malformed',
        { message: required },
      ] as const,
  ),
  [
    'presigned: date in another form',
    requeried(raw => raw.replace('20130524T000000Z', '2013-05-24')),
    'signature-query-malformed',
    { message: `X-Amz-Date must be in the ISO8601 Long Format "yyyyMMdd'T'HHmmss'Z'"` },
  ],
  [
    'presigned: expiry no number',
    requeried(raw => raw.replace('=86400', '=1h')),
    'signature-query-malformed',
    { message: 'X-Amz-Expires should be a number' },
  ],
  [
    'presigned: expiry beyond numbers',
    requeried(raw => raw.replace('=86400', `=${'9'.repeat(40)}`)),
    'signature-query-malformed',
    { message: 'X-Amz-Expires should be a number' },
  ],
  [
    'presigned: expiry negative',
    requeried(raw => raw.replace('=86400', '=-1')),
    'signature-query-malformed',
    { message: 'X-Amz-Expires must be non-negative' },
  ],
  [
    'presigned: expiry beyond a week',
    requeried(raw => raw.replace('=86400', '=604801')),
    'signature-query-malformed',
    { message: week },
  ],
  [
    'presigned: credential of four parts',
    requeried(raw => raw.replace('us-east-1%2F', '')),
    'signature-query-malformed',
    { message: query + shape },
  ],
  [
    'presigned: another region',
    requeried(raw => raw.replace('us-east-1', 'eu-west-1')),
    'signature-query-malformed',
    { message: `${query}the region 'eu-west-1' is wrong; expecting 'us-east-1'`, region: 'us-east-1' },
  ],
  [
    'presigned: another service',
    requeried(raw => raw.replace('Fs3%', 'Fec2%')),
    'signature-query-malformed',
    { message: `${query}incorrect service "ec2". This endpoint belongs to "s3".` },
  ],
  [
    'presigned: scope date of another day',
    requeried(raw => raw.replace('20130524%2F', '20130525%2F')),
    'signature-query-malformed',
    { message: 'Invalid credential date "20130525". This date is not the same as X-Amz-Date: "20130524".' },
  ],
]
t.test('parseSignature: malformed → S3 error to the letter', async t => {
  for (const [title, signed, code, detail] of refused) t.match(parseSignature(signed, s3), { code, detail }, title)
})

t.test('parseSignature: clock → within 15 minutes, and within the time of a URL', async t => {
  const at = (signed: SignedRequest, seconds: number) =>
    parseSignature(signed, { ...s3, nowMs: example.nowMs + seconds * 1000 })
  for (const seconds of [-900, 0, 900]) t.match(at(headerExample, seconds), { form: 'header' })
  for (const seconds of [-901, 901])
    t.match(at(headerExample, seconds), {
      code: 'clock-skewed',
      detail: {
        requestTime: '20130524T000000Z',
        serverTime: seconds < 0 ? '2013-05-23T23:44:59Z' : '2013-05-24T00:15:01Z',
        maxAllowedSkewMs: 900000,
      },
    })
  for (const seconds of [-900, 0, 86400]) t.match(at(presignedExample, seconds), { form: 'query' })
  t.match(at(presignedExample, 86401), {
    code: 'signature-expired',
    detail: { expiresSeconds: 86400, expires: '2013-05-25T00:00:00Z', serverTime: '2013-05-25T00:00:01Z' },
  })
  t.match(at(presignedExample, -901), { code: 'signature-not-yet-valid', detail: { amzDateMs: example.nowMs } })
  t.match(
    at(
      requeried(raw => raw.replace('=86400', '=0')),
      0,
    ),
    { code: 'signature-expired' },
  )
  t.match(
    at(
      requeried(raw => raw.replace('=86400', '=604800')),
      604800,
    ),
    { form: 'query' },
  )
})

t.test('parseSignature: region not fixed → any; Date header in place of x-amz-date → read', async t => {
  const anywhere: SignatureRules = { nowMs: example.nowMs, service: 's3' }
  t.equal(
    parsed(
      reauthorized(value => value.replace('us-east-1', 'auto')),
      anywhere,
    ).region,
    'auto',
  )
  const dated = edited(headerExample, { 'x-amz-date': undefined, date: 'Fri, 24 May 2013 00:00:00 GMT' })
  t.equal(parsed(dated).amzDate, '20130524T000000Z')
})

t.test('parseSignature: STS without x-amz-content-sha256 → hash of the body', async t => {
  const sts = parsed(
    edited(headerExample, {
      'x-amz-content-sha256': undefined,
      authorization: headerExample.header('authorization').replace('/s3/', '/sts/'),
    }),
    { ...s3, service: 'sts' },
  )
  t.strictSame(sts.payload, { kind: 'hash', text: '' })
})

t.test('parseAmzDate: only real moments in the exact form → read', async t => {
  t.equal(parseAmzDate('20240229T235959Z'), Date.UTC(2024, 1, 29, 23, 59, 59))
  t.equal(formatAmzDate(Date.UTC(2024, 1, 29, 23, 59, 59)), '20240229T235959Z')
  for (const text of [
    '',
    '20230229T000000Z',
    '19000229T000000Z',
    '20240431T000000Z',
    '20241301T000000Z',
    '20240001T000000Z',
    '20240100T000000Z',
    '20240101T240000Z',
    '20240101T006000Z',
    '20240101T000060Z',
    '20240101t000000Z',
    '20240101T000000',
    '2024 101T000000Z',
    '+0240101T000000Z',
    '00500101T000000Z',
  ])
    t.equal(parseAmzDate(text), undefined, text)
})
