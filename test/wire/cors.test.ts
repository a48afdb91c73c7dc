/** Pages of other origins: preflights that nobody signs, and the headers of every answer. */
import { CreateBucketCommand, PutBucketCorsCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import t from 'tap'
import { newBucket, s3 } from '../support/clients.ts'
import { postForm, signFields4 } from '../support/forms.ts'
import { startServer } from '../support/server.ts'
import { element, presign, type SignedRequest, signedFetch, type WireResponse } from '../support/signed.ts'

const strangers = { accessKeyId: 'stranger', secretAccessKey: 'stranger-secret' }
const server = await startServer(t, {
  identities: {
    environments: [
      {
        name: 'default',
        account: '000000000000',
        identities: [{ name: 'main', credentials: [{ accessKeyId: 'test', secretAccessKey: 'test' }] }],
      },
      { name: 'elsewhere', account: '111111111111', identities: [{ name: 'main', credentials: [strangers] }] },
    ],
  },
})
const client = s3(t, server)
const page = 'https://app.example'
const varies = 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method'

async function withRules(of: S3Client = client, origin = page): Promise<string> {
  const Bucket = await newBucket(of)
  const CORSRules = [
    {
      AllowedOrigins: [origin],
      AllowedMethods: ['GET', 'PUT', 'DELETE', 'HEAD', 'POST'],
      AllowedHeaders: ['x-amz-*', 'content-type'],
      ExposeHeaders: ['ETag'],
      MaxAgeSeconds: 600,
    },
    { AllowedOrigins: ['*'], AllowedMethods: ['GET'] },
  ]
  await of.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules } }))
  return Bucket
}

/** Unsigned. */
const raw = (wanted: SignedRequest) => signedFetch(server, { credentials: null, ...wanted })
const preflight = (path: string, headers: Record<string, string>, host?: string) =>
  raw({ method: 'OPTIONS', path, headers, ...(host === undefined ? {} : { host }) })
const corsOf = ({ headers }: WireResponse) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('access-control-') || name === 'vary'))
const allowed = {
  'access-control-allow-origin': page,
  'access-control-allow-methods': 'GET, PUT, DELETE, HEAD, POST',
  'access-control-expose-headers': 'ETag',
  'access-control-max-age': '600',
  'access-control-allow-credentials': 'true',
  vary: varies,
}

t.test('preflight: a rule allows it → 200 with its headers, unsigned, whether or not there is an object', async t => {
  const bucket = await withRules()
  const asked = {
    origin: page,
    'access-control-request-method': 'PUT',
    'access-control-request-headers': 'X-Amz-Date,content-type',
  }
  const granted = { ...allowed, 'access-control-allow-headers': 'x-amz-date, content-type' }
  for (const answer of [
    await preflight(`/${bucket}/no/such/key`, asked),
    await preflight(`/${bucket}`, asked),
    await preflight('/key', asked, `${bucket}.s3.localhost:${server.port}`),
    await preflight(`/${bucket}/key?uploads`, asked),
  ]) {
    t.equal(answer.status, 200)
    t.same(corsOf(answer), granted)
    t.same([answer.headers['content-length'], answer.headers['content-type'], answer.text], ['0', undefined, ''])
    t.match(answer.headers, { 'x-amz-request-id': /^[0-9A-Z]{16}$/, server: 'AmazonS3' })
  }
  const anyone = { origin: 'http://other', 'access-control-request-method': 'GET' }
  t.same(corsOf(await preflight(`/${bucket}/key`, anyone)), {
    'access-control-allow-origin': '*',
    'access-control-allow-methods': 'GET',
    vary: varies,
  })
})

t.test('preflight: no Origin, no bucket, no rules, no rule → S3 says which', async t => {
  const bucket = await withRules()
  const plain = await newBucket(client)
  const asked = { origin: page, 'access-control-request-method': 'PUT' }
  const notFound = [403, 'AccessForbidden', 'CORSResponse: Bucket not found']
  const unlisted = /^CORSResponse: This CORS request is not allowed\./
  for (const [path, headers, expected] of [
    [`/${bucket}/key`, {}, [400, 'BadRequest', 'Insufficient information. Origin request header needed.']],
    [`/${bucket}/key`, { origin: page }, [400, 'BadRequest', 'Invalid Access-Control-Request-Method: null']],
    [
      `/${bucket}/key`,
      { ...asked, 'access-control-request-method': 'PATCH' },
      [400, 'BadRequest', 'Invalid Access-Control-Request-Method: PATCH'],
    ],
    [`/${bucket}/key`, { ...asked, origin: 'http://other' }, [403, 'AccessForbidden', unlisted]],
    [`/${bucket}/key`, { ...asked, 'access-control-request-headers': 'x-other' }, [403, 'AccessForbidden', unlisted]],
    [`/${plain}/key`, asked, [403, 'AccessForbidden', 'CORSResponse: CORS is not enabled for this bucket.']],
    ['/no-such-bucket-here/key', asked, notFound],
    ['/', asked, notFound],
    [`/${bucket}/%ff`, asked, [400, 'InvalidURI', /./]],
  ] as const) {
    const answer = await preflight(path, headers)
    t.match([answer.status, element(answer.text, 'Code'), element(answer.text, 'Message')], expected, path)
    t.same(corsOf(answer), {}, path)
  }
  const forbidden = await preflight(`/${bucket}/key`, { ...asked, origin: 'http://other' })
  t.same([element(forbidden.text, 'Method'), element(forbidden.text, 'ResourceType')], ['PUT', 'OBJECT'])
})

t.test('request with an Origin: a rule matches → its headers on every answer', async t => {
  const bucket = await withRules()
  const origin = { origin: page }
  const large = Buffer.alloc(3 * 1024 * 1024, 'x')
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'large', Body: large }))
  const put = await signedFetch(server, { method: 'PUT', path: `/${bucket}/key`, headers: origin, body: 'small' })
  const etag = String(put.headers.etag)
  const answers: readonly (readonly [name: string, status: number, answer: WireResponse])[] = [
    ['put', 200, put],
    ['get', 200, await signedFetch(server, { method: 'GET', path: `/${bucket}/key`, headers: origin })],
    ['head', 200, await signedFetch(server, { method: 'HEAD', path: `/${bucket}/key`, headers: origin })],
    ['streamed', 200, await signedFetch(server, { method: 'GET', path: `/${bucket}/large`, headers: origin })],
    [
      'streamed range',
      206,
      await signedFetch(server, {
        method: 'GET',
        path: `/${bucket}/large`,
        headers: { ...origin, range: 'bytes=100000-2000000' },
      }),
    ],
    [
      'not modified',
      304,
      await signedFetch(server, {
        method: 'GET',
        path: `/${bucket}/key`,
        headers: { ...origin, 'if-none-match': etag },
      }),
    ],
    ['list', 200, await signedFetch(server, { method: 'GET', path: `/${bucket}`, headers: origin })],
    ['missing', 404, await signedFetch(server, { method: 'GET', path: `/${bucket}/none`, headers: origin })],
    ['head of missing', 404, await signedFetch(server, { method: 'HEAD', path: `/${bucket}/none`, headers: origin })],
    ['denied', 403, await raw({ method: 'GET', path: `/${bucket}/key`, headers: origin })],
    [
      'wrong signature',
      403,
      await signedFetch(server, {
        method: 'GET',
        path: `/${bucket}/key`,
        headers: origin,
        credentials: { accessKeyId: 'test', secretAccessKey: 'wrong' },
      }),
    ],
    ['malformed query', 400, await raw({ method: 'GET', path: `/${bucket}/key`, query: 'a=%ff', headers: origin })],
    ['delete', 204, await signedFetch(server, { method: 'DELETE', path: `/${bucket}/key`, headers: origin })],
  ]
  for (const [name, status, answer] of answers) {
    t.equal(answer.status, status, name)
    t.same(corsOf(answer), allowed, name)
  }
  t.equal(answers[3]![2].body.length, large.length)
  const unknown = await raw({ method: 'PATCH', path: `/${bucket}/key`, headers: origin })
  t.same([unknown.status, corsOf(unknown)], [405, {}])
})

t.test('request without an Origin, of another origin, or of no bucket → none of these headers', async t => {
  const bucket = await newBucket(client)
  const CORSRules = [{ AllowedOrigins: [page], AllowedMethods: ['GET'] }]
  await client.send(new PutBucketCorsCommand({ Bucket: bucket, CORSConfiguration: { CORSRules } }))
  const get = (path: string, headers: Record<string, string>) => signedFetch(server, { method: 'GET', path, headers })
  t.same(corsOf(await get(`/${bucket}`, {})), {})
  t.same(corsOf(await get(`/${bucket}`, { origin: 'https://app.example.org' })), {})
  t.same(corsOf(await get('/', { origin: page })), {})
  t.same(corsOf(await get('/no-such-bucket-here', { origin: page })), {})
  t.same(corsOf(await get(`/${await newBucket(client)}`, { origin: page })), {})
  const put = await signedFetch(server, { method: 'PUT', path: `/${bucket}/key`, headers: { origin: page }, body: 'x' })
  t.same([put.status, corsOf(put)], [200, {}])
  // A page's preflight headers on the request itself choose the rule, as recorded from S3.
  const asGet = { origin: page, 'access-control-request-method': 'GET' }
  const answer = await signedFetch(server, { method: 'PUT', path: `/${bucket}/key`, headers: asGet, body: 'x' })
  t.equal(answer.headers['access-control-allow-methods'], 'GET')
})

t.test('DeleteBucketCors, DeleteBucket: with an Origin → answered by the rules they remove', async t => {
  const bucket = await withRules()
  const remove = (query: string) =>
    signedFetch(server, { method: 'DELETE', path: `/${bucket}`, query, headers: { origin: page } })
  const removed = await remove('cors=')
  t.same([removed.status, corsOf(removed)], [204, allowed])
  t.same(corsOf(await signedFetch(server, { method: 'GET', path: `/${bucket}`, headers: { origin: page } })), {})
  await client.send(
    new PutBucketCorsCommand({
      Bucket: bucket,
      CORSConfiguration: { CORSRules: [{ AllowedOrigins: ['*'], AllowedMethods: ['DELETE'] }] },
    }),
  )
  const gone = await remove('')
  t.same([gone.status, gone.headers['access-control-allow-origin']], [204, '*'])
})

t.test('another environment: the key a request names tells whose bucket it means, without being verified', async t => {
  const theirs = s3(t, server, { credentials: strangers })
  const bucket = await withRules(theirs)
  // The default environment has one of the same name, with other rules.
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  const asked = { origin: page, 'access-control-request-method': 'PUT' }
  const link = new URL(presign(server, { method: 'PUT', path: `/${bucket}/key`, credentials: strangers }))
  const query = link.search.slice(1)
  const probe = (wanted: Partial<SignedRequest>) =>
    raw({ method: 'OPTIONS', path: `/${bucket}/key`, headers: asked, ...wanted })
  t.same(corsOf(await probe({ query })), allowed)
  t.same(corsOf(await probe({ query: query.replace(/Signature=[0-9a-f]+/, 'Signature=0') })), allowed)
  t.same(corsOf(await probe({ query: 'AWSAccessKeyId=stranger&Signature=x&Expires=1' })), allowed)
  for (const authorization of [
    'AWS4-HMAC-SHA256 Credential=stranger/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0',
    'AWS stranger:c2lnbmF0dXJl',
  ])
    t.same(corsOf(await probe({ headers: { ...asked, authorization } })), allowed, authorization)
  t.equal((await probe({})).status, 403)
  t.equal((await probe({ query: 'AWSAccessKeyId=nobody' })).status, 403)
  const signed = { path: `/${bucket}/key`, headers: { origin: page }, credentials: strangers }
  t.same(corsOf(await signedFetch(server, { method: 'PUT', body: 'x', ...signed })), allowed)

  const form = (credentials: typeof strangers) => {
    const conditions = [{ bucket }, ['starts-with', '$key', '']]
    const fields = { key: 'posted', ...signFields4(conditions, { credentials }) }
    return postForm(server, `/${bucket}`, { fields }, { origin: page })
  }
  const posted = await form(strangers)
  t.same([posted.status, corsOf(posted)], [204, allowed])
  t.same(corsOf(await form({ accessKeyId: 'test', secretAccessKey: 'test' })), {})
})
