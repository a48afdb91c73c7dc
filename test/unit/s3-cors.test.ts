/** Cross-origin rules: expected answers are recorded from S3 where there is a record (see protocol/s3/cors.ts). */
import t from 'tap'
import { Fault } from '../../protocol/fault.ts'
import { type CorsConfiguration, parseCors, renderCors } from '../../protocol/s3/cors.ts'
import { answerPreflight, corsHeadersOf, matchCors } from '../../protocol/s3/cors-match.ts'
import { parseXml } from '../../protocol/xml.ts'
import { wireRequest } from './wire-request.ts'

const document = (rules: string) =>
  Buffer.from(`<CORSConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${rules}</CORSConfiguration>`)
const rule = (inside: string) => `<CORSRule>${inside}</CORSRule>`
const least = '<AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin>'
const parsed = (rules: string): CorsConfiguration => {
  const configuration = parseCors(document(rules))
  if (configuration instanceof Fault) throw new Error(JSON.stringify(configuration))
  return configuration
}

t.test('parseCors: all elements → a rule, in the order and spelling given', async t => {
  t.same(
    parsed(
      rule(
        '<ID>r1</ID><AllowedHeader>x-AMZ-*</AllowedHeader><AllowedHeader>b</AllowedHeader>' +
          '<AllowedMethod>GET</AllowedMethod><AllowedMethod>PUT</AllowedMethod>' +
          '<AllowedOrigin>*.get</AllowedOrigin><AllowedOrigin>http://test.com:80</AllowedOrigin>' +
          '<ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds>3000</MaxAgeSeconds>',
      ) + rule(least),
    ),
    {
      rules: [
        {
          id: 'r1',
          allowedOrigins: ['*.get', 'http://test.com:80'],
          allowedMethods: ['GET', 'PUT'],
          allowedHeaders: ['x-AMZ-*', 'b'],
          exposeHeaders: ['ETag'],
          maxAgeSeconds: 3000,
        },
        { allowedOrigins: ['*'], allowedMethods: ['GET'], allowedHeaders: [], exposeHeaders: [] },
      ],
    },
  )
})

t.test('parseCors: an empty origin, an exposed header named like a method, no age → accepted', async t => {
  const configuration = parsed(
    rule(
      '<AllowedMethod>GET</AllowedMethod><AllowedOrigin/><ExposeHeader>PUT</ExposeHeader><MaxAgeSeconds>0</MaxAgeSeconds>',
    ),
  )
  t.same(configuration.rules[0]?.allowedOrigins, [''])
  t.equal(configuration.rules[0]?.maxAgeSeconds, 0)
})

t.test('parseCors: not of the schema → malformed', async t => {
  const malformed = [
    '',
    rule(''),
    rule('<AllowedMethod>GET</AllowedMethod>'),
    rule('<AllowedOrigin>*</AllowedOrigin>'),
    rule(`${least}<Unknown/>`),
    rule(`${least}<ID>a</ID><ID>b</ID>`),
    rule(`${least}<MaxAgeSeconds>1</MaxAgeSeconds><MaxAgeSeconds>2</MaxAgeSeconds>`),
    rule(`${least}<MaxAgeSeconds>soon</MaxAgeSeconds>`),
    rule(`${least}<MaxAgeSeconds>-1</MaxAgeSeconds>`),
    rule(`${least}<MaxAgeSeconds/>`),
    `${rule(least)}<Other/>`,
    // A rule that is not whole counts before one that is wrong.
    rule('<AllowedMethod>OPTIONS</AllowedMethod><AllowedOrigin>*</AllowedOrigin>') + rule(''),
  ]
  for (const rules of malformed) t.match(parseCors(document(rules)), { code: 'xml-malformed' }, rules)
  for (const body of ['', 'x', '<CORSRule/>', '<CORSConfiguration>'])
    t.match(parseCors(Buffer.from(body)), { code: 'xml-malformed' }, body)
})

const refused: readonly (readonly [string, string])[] = [
  ['<AllowedMethod>MYMETHOD</AllowedMethod><AllowedOrigin>*</AllowedOrigin>', 'Found unsupported HTTP method in CORS config. Unsupported method is MYMETHOD'],
  ['<AllowedMethod>OPTIONS</AllowedMethod><AllowedOrigin>*</AllowedOrigin>', 'Found unsupported HTTP method in CORS config. Unsupported method is OPTIONS'],
  ['<AllowedMethod>get</AllowedMethod><AllowedOrigin>*</AllowedOrigin>', 'Found unsupported HTTP method in CORS config. Unsupported method is get'],
  ['<AllowedMethod/><AllowedOrigin>*</AllowedOrigin>', 'Found unsupported HTTP method in CORS config. Unsupported method is '],
  ['<AllowedMethod>GET</AllowedMethod><AllowedOrigin>*example*.com</AllowedOrigin>', 'AllowedOrigin "*example*.com" can not have more than one wildcard.'],
  [`${least}<AllowedHeader>*-*</AllowedHeader>`, 'AllowedHeader "*-*" can not have more than one wildcard.'],
  [`${least}<AllowedHeader>X Header</AllowedHeader>`, 'AllowedHeader "X Header" contains invalid character.'],
  [`${least}<ExposeHeader>x-amz-*</ExposeHeader>`, 'ExposeHeader "x-amz-*" contains wildcard. We currently do not support wildcard for ExposeHeader.'],
  [`${least}<ExposeHeader>a&#10;b</ExposeHeader>`, 'ExposeHeader "a\nb" contains invalid character.'],
  [`${least}<ID>${'i'.repeat(256)}</ID>`, 'ID length should not exceed allowed limit of 255'],
] // biome-ignore format: a table

for (const [inside, message] of refused)
  t.test(`parseCors: ${inside.slice(0, 100)} → ${message}`, async t => {
    t.match(parseCors(document(rule(inside))), { code: 'request-invalid', detail: { message } })
  })

t.test('parseCors: 100 rules, ID of 255 → accepted; 101 rules → refused', async t => {
  t.equal(parsed(rule(`<ID>${'i'.repeat(255)}</ID>${least}`).repeat(100)).rules.length, 100)
  t.match(parseCors(document(rule(least).repeat(101))), {
    code: 'request-invalid',
    detail: { message: 'The number of CORS rules should not exceed allowed limit of 100 rules.' },
  })
})

t.test('renderCors: → reads back the same, only what was set', async t => {
  const configuration = parsed(
    rule(
      `${least}<ID>&lt;&amp;&gt;</ID><AllowedHeader>*</AllowedHeader><ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds>0</MaxAgeSeconds>`,
    ) + rule(least),
  )
  const xml = renderCors(configuration)
  t.same(parseCors(Buffer.from(xml)), configuration)
  t.same(JSON.parse(JSON.stringify(configuration)), configuration, 'plain data')
  t.same(
    parseXml(Buffer.from(xml))!.children[1]!.children.map(child => child.name),
    ['AllowedOrigin', 'AllowedMethod'],
  )
})

const suffixes = parsed(
  ['*suffix', 'start*end', 'prefix*']
    .map(origin => rule(`<AllowedMethod>GET</AllowedMethod><AllowedOrigin>${origin}</AllowedOrigin>`))
    .join('') + rule('<AllowedMethod>PUT</AllowedMethod><AllowedOrigin>*.put</AllowedOrigin>'),
)
const origins: readonly (readonly [string, boolean])[] = [
  ['foo.suffix', true],
  ['suffix', true],
  ['foo.bar', false],
  ['foo.suffix.get', false],
  ['startend', true],
  ['start1end', true],
  ['start12end', true],
  ['0start12end', false],
  ['starend', false],
  ['prefix', true],
  ['prefix.suffix', true],
  ['bla.prefix', false],
  ['foo.put', false],
  ['FOO.SUFFIX', false],
]

t.test('matchCors: a wildcard → any text, also none, anchored on both ends', async t => {
  for (const [origin, allowed] of origins)
    t.equal(matchCors(suffixes, { origin, method: 'GET', requestHeaders: [] }) !== undefined, allowed, origin)
  t.same(matchCors(suffixes, { origin: 'foo.put', method: 'PUT', requestHeaders: [] }), suffixes.rules[3])
  const overlap = parsed(rule('<AllowedMethod>GET</AllowedMethod><AllowedOrigin>ab*ba</AllowedOrigin>'))
  t.equal(matchCors(overlap, { origin: 'aba', method: 'GET', requestHeaders: [] }), undefined, 'no letter counts twice')
})

t.test('matchCors: requested headers → all must be allowed, whatever their case', async t => {
  const headers = parsed(
    rule(`${least}<AllowedHeader>x-amz-*</AllowedHeader><AllowedHeader>Content-TYPE</AllowedHeader>`),
  )
  const allowed = (...requestHeaders: string[]) =>
    matchCors(headers, { origin: 'o', method: 'GET', requestHeaders }) !== undefined
  t.ok(allowed())
  t.ok(allowed('X-AMZ-meta-a', 'content-type'))
  t.notOk(allowed('x-amz-meta-a', 'authorization'))
  t.notOk(matchCors(suffixes, { origin: 'prefix', method: 'GET', requestHeaders: ['x-amz-meta-header2'] }))
})

t.test('matchCors: several rules match → the first', async t => {
  const two = parsed(rule(`<ID>1</ID>${least}`) + rule(`<ID>2</ID>${least}`))
  t.equal(matchCors(two, { origin: 'o', method: 'GET', requestHeaders: [] })?.id, '1')
})

const local = parsed(
  rule(
    '<AllowedOrigin>https://localhost:4200</AllowedOrigin><AllowedMethod>GET</AllowedMethod>' +
      '<AllowedMethod>PUT</AllowedMethod><MaxAgeSeconds>3000</MaxAgeSeconds><AllowedHeader>*</AllowedHeader>',
  ),
)
const localHeaders = [
  'Access-Control-Allow-Origin',
  'https://localhost:4200',
  'Access-Control-Allow-Methods',
  'GET, PUT',
  'Access-Control-Max-Age',
  '3000',
  'Access-Control-Allow-Credentials',
  'true',
  'Vary',
  'Origin, Access-Control-Request-Headers, Access-Control-Request-Method',
]

t.test('an actual request: allowed origin → the headers of the rule', async t => {
  t.same(corsHeadersOf(wireRequest('GET /b/k', { origin: 'https://localhost:4200' }), local), localHeaders)
})

t.test('an actual request: no origin, no rules, another origin → no headers', async t => {
  t.same(corsHeadersOf(wireRequest('GET /b/k'), local), [])
  t.same(corsHeadersOf(wireRequest('GET /b/k', { origin: 'https://localhost:4200' }), undefined), [])
  t.same(corsHeadersOf(wireRequest('GET /b/k', { origin: 'http://localhost:4200' }), local), [])
})

t.test('an actual request: the method a preflight would name → decides instead of its own', async t => {
  const asked = (method: string, named: string) =>
    corsHeadersOf(
      wireRequest(`${method} /b/k`, { origin: 'foo.suffix', 'access-control-request-method': named }),
      suffixes,
    ).slice(0, 4)
  const allowed = ['Access-Control-Allow-Origin', 'foo.suffix', 'Access-Control-Allow-Methods', 'GET']
  t.same(asked('PUT', 'GET'), allowed)
  t.same(asked('GET', 'GET'), allowed)
  t.same(asked('GET', 'PUT'), [])
  t.same(asked('PUT', 'DELETE'), [])
})

t.test('an actual request: requested headers that are not allowed → no headers', async t => {
  const headers = { origin: 'prefix', 'access-control-request-headers': 'x-amz-request-payer' }
  t.same(corsHeadersOf(wireRequest('GET /b/k', headers), suffixes), [])
})

t.test('an origin allowed by * → *, without credentials', async t => {
  const any = parsed(rule(`${least}<ExposeHeader>x-amz-id-2</ExposeHeader><ExposeHeader>ETag</ExposeHeader>`))
  t.same(corsHeadersOf(wireRequest('GET /b/k', { origin: 'example.origin' }), any), [
    'Access-Control-Allow-Origin',
    '*',
    'Access-Control-Allow-Methods',
    'GET',
    'Access-Control-Expose-Headers',
    'x-amz-id-2, ETag',
    'Vary',
    'Origin, Access-Control-Request-Headers, Access-Control-Request-Method',
  ])
})

const preflight = (headers: Record<string, string>, rules: Parameters<typeof answerPreflight>[1], target = '/b/k') =>
  answerPreflight(wireRequest(`OPTIONS ${target}`, headers), rules)

t.test('a preflight: allowed → 200 with the headers, no body', async t => {
  const headers = { origin: 'https://localhost:4200', 'access-control-request-method': 'PUT' }
  t.same(preflight(headers, local), { status: 200, headers: localHeaders, body: null })
})

t.test('a preflight: requested headers → answered in lower case, in the order asked', async t => {
  const headers = {
    origin: 'https://localhost:4200',
    'access-control-request-method': 'GET',
    'access-control-request-headers': 'x-AMZ-expected-BUCKET-owner,, x-amz-server-side-encryption ',
  }
  const answer = preflight(headers, local)
  if (answer instanceof Fault) throw new Error(answer.code)
  t.same(answer.headers.slice(4, 6), [
    'Access-Control-Allow-Headers',
    'x-amz-expected-bucket-owner, x-amz-server-side-encryption',
  ])
})

t.test('a preflight: not about an origin → 400, whatever the bucket', async t => {
  for (const rules of [local, 'unconfigured', 'missing'] as const) {
    t.match(preflight({}, rules), { code: 'cors-request-invalid' })
    t.match(preflight({ 'access-control-request-method': 'GET' }, rules), { code: 'cors-request-invalid' })
  }
})

t.test('a preflight: no such bucket, no rules → 403 about the bucket', async t => {
  t.match(preflight({ origin: 'o', 'access-control-request-method': 'PUT' }, 'unconfigured'), {
    code: 'cors-forbidden',
    detail: { message: 'CORSResponse: CORS is not enabled for this bucket.', method: 'PUT', resourceType: 'BUCKET' },
  })
  t.match(preflight({ origin: 'o' }, 'missing'), {
    code: 'cors-forbidden',
    detail: { message: 'CORSResponse: Bucket not found', method: 'OPTIONS', resourceType: 'BUCKET' },
  })
})

t.test('a preflight: no method, or none there is → 400', async t => {
  t.match(preflight({ origin: 'foo.suffix' }, suffixes), {
    code: 'cors-request-invalid',
    detail: { message: 'Invalid Access-Control-Request-Method: null' },
  })
  t.match(preflight({ origin: 'foo.suffix', 'access-control-request-method': 'get' }, suffixes), {
    code: 'cors-request-invalid',
    detail: { message: 'Invalid Access-Control-Request-Method: get' },
  })
})

t.test('a preflight: a requested header that is none → 400', async t => {
  const headers = {
    origin: 'prefix',
    'access-control-request-method': 'GET',
    'access-control-request-headers': 'a, b c',
  }
  t.match(preflight(headers, local), {
    code: 'cors-request-invalid',
    detail: { message: 'Access-Control-Request-Headers "b c" contains invalid character.' },
  })
})

t.test('a preflight: no rule matches → 403 about what was asked', async t => {
  const about = (target: string) =>
    preflight({ origin: 'foo.bar', 'access-control-request-method': 'GET' }, suffixes, target)
  t.match(about('/b/k'), { code: 'cors-forbidden', detail: { method: 'GET', resourceType: 'OBJECT' } })
  t.match(about('/b'), { code: 'cors-forbidden', detail: { method: 'GET', resourceType: 'BUCKET' } })
  const slash = { origin: 'https://localhost:4200/', 'access-control-request-method': 'GET' }
  t.match(preflight(slash, local), { code: 'cors-forbidden' }, 'an origin has no slash')
})
