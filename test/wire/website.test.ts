/** Buckets as websites: what a browser gets under their host names, without signatures and without XML. */
import {
  CreateBucketCommand,
  DeleteBucketWebsiteCommand,
  DeleteObjectCommand,
  DeletePublicAccessBlockCommand,
  PutBucketCorsCommand,
  PutBucketPolicyCommand,
  PutBucketRequestPaymentCommand,
  PutBucketVersioningCommand,
  PutBucketWebsiteCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  type WebsiteConfiguration,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { newBucket, s3 } from '../support/clients.ts'
import { startServer } from '../support/server.ts'
import { type SignedRequest, signedFetch, type WireResponse } from '../support/signed.ts'

const server = await startServer(t, { args: ['--domains', 'storage.example'] })
const client = s3(t, server)
const documents: WebsiteConfiguration = {
  IndexDocument: { Suffix: 'index.html' },
  ErrorDocument: { Key: 'error.html' },
}

interface Site {
  readonly bucket: string
  readonly host: string
  get(path: string, headers?: Record<string, string>, more?: Partial<SignedRequest>): Promise<WireResponse>
  head(path: string, headers?: Record<string, string>): Promise<WireResponse>
}
function siteOf(bucket: string, suffix = 'localhost'): Site {
  const host = `${bucket}.s3-website.${suffix}:${server.port}`
  const ask = (method: string, path: string, headers = {}, more: Partial<SignedRequest> = {}) => {
    const [target = '', query] = path.split('?')
    const asked = query === undefined ? {} : { query }
    return signedFetch(server, { method, path: target, host, headers, credentials: null, ...asked, ...more })
  }
  return {
    bucket,
    host,
    get: (path, headers, more) => ask('GET', path, headers, more),
    head: (path, headers) => ask('HEAD', path, headers),
  }
}

/** A bucket whose objects anybody may read. */
async function publicBucket(actions = ['s3:GetObject', 's3:ListBucket'], condition: object = {}): Promise<string> {
  const Bucket = await newBucket(client)
  await client.send(new DeletePublicAccessBlockCommand({ Bucket }))
  const Resource = [`arn:aws:s3:::${Bucket}`, `arn:aws:s3:::${Bucket}/*`]
  const Statement = actions.map(Action => ({
    Effect: 'Allow',
    Principal: '*',
    Action,
    Resource: Resource[Action === 's3:ListBucket' ? 0 : 1],
    ...condition,
  }))
  await client.send(
    new PutBucketPolicyCommand({ Bucket, Policy: JSON.stringify({ Version: '2012-10-17', Statement }) }),
  )
  return Bucket
}
const configure = (Bucket: string, configuration: WebsiteConfiguration) =>
  client.send(new PutBucketWebsiteCommand({ Bucket, WebsiteConfiguration: configuration }))
const put = (Bucket: string, Key: string, Body: string | Buffer = Key, more: object = {}) =>
  client.send(new PutObjectCommand({ Bucket, Key, Body, ContentType: 'text/html', ...more }))

async function site(configuration = documents, actions?: string[], condition?: object): Promise<Site> {
  const bucket = await publicBucket(actions, condition)
  await configure(bucket, configuration)
  await put(bucket, 'index.html', 'home')
  await put(bucket, 'photos/index.html', 'photos')
  await put(bucket, 'error.html', 'lost?')
  return siteOf(bucket)
}
/** Code and message of an error page. */
const said = ({ text }: WireResponse) =>
  ['Code', 'Message'].map(name => new RegExp(`<li>${name}: ([^<]*)</li>`).exec(text)?.[1])
const noKey = ['NoSuchKey', 'The specified key does not exist.']
const noAccess = ['AccessDenied', 'Access Denied']

t.test('website: root and folders → index documents; other keys → themselves', async t => {
  const { bucket, get, head } = await site()
  await put(bucket, 'a b/ü.txt', 'deep', { Metadata: { colour: 'green' }, CacheControl: 'no-cache' })
  for (const [path, text] of [
    ['/', 'home'],
    ['/?any=thing', 'home'],
    ['/index.html', 'home'],
    ['/photos/', 'photos'],
    ['/a%20b/%C3%BC.txt', 'deep'],
  ] as const) {
    const answer = await get(path)
    t.same([answer.status, answer.text, answer.headers['content-type']], [200, text, 'text/html'], path)
  }
  const deep = await head('/a%20b/%C3%BC.txt')
  t.match(deep.headers, {
    etag: /^"[0-9a-f]{32}"$/,
    'content-length': '4',
    'x-amz-meta-colour': 'green',
    'cache-control': 'no-cache',
  })
  t.same([deep.status, deep.text], [200, ''])
  // Sub-resources, versions and overrides are words of the other endpoint.
  for (const query of ['acl', 'versionId=none', 'response-content-type=text/plain', 'uploadId=%ff', 'partNumber=0']) {
    const answer = await get(`/index.html?${query}`)
    t.same([answer.status, answer.text, answer.headers['content-type']], [200, 'home', 'text/html'], query)
  }
})

t.test('website: host forms → the same site; the bucket itself stays what it was', async t => {
  const { bucket } = await site()
  for (const host of [
    `${bucket}.s3-website.localhost`,
    `${bucket}.S3-Website.LocalHost:${server.port}`,
    `${bucket}.s3-website-us-east-1.localhost`,
    `${bucket}.s3-website.us-east-1.localhost:80`,
    `${bucket}.s3-website.storage.example`,
    `${bucket}.s3-website-us-east-1.amazonaws.com`,
    `${bucket}.s3-website.us-east-1.amazonaws.com`,
  ])
    t.equal((await signedFetch(server, { method: 'GET', path: '/', host, credentials: null })).text, 'home', host)
  for (const host of [`${bucket}.s3.localhost`, `${bucket}.localhost`])
    t.match((await signedFetch(server, { method: 'GET', path: '/', host })).text, /<ListBucketResult/, host)
})

t.test('website: the host of another region → 400 that names the right one', async t => {
  const { bucket, get } = await site()
  for (const [host, endpoint] of [
    [`${bucket}.s3-website-eu-west-1.localhost:4566`, `${bucket}.s3-website-us-east-1.localhost:4566`],
    [`${bucket}.s3-website.eu-central-1.amazonaws.com`, `${bucket}.s3-website.us-east-1.amazonaws.com`],
  ] as const) {
    const answer = await get('/', {}, { host })
    t.same([answer.status, said(answer)[0]], [400, 'IncorrectEndpoint'])
    t.match(answer.text, `<li>Endpoint: ${endpoint}</li>`)
  }
})

t.test('website: a bucket with dots, a signature that is wrong → served all the same', async t => {
  const Bucket = `www.site-${process.pid}.example`
  await client.send(new CreateBucketCommand({ Bucket }))
  await client.send(new DeletePublicAccessBlockCommand({ Bucket }))
  await configure(Bucket, documents)
  await put(Bucket, 'index.html', 'dotted')
  const { get } = siteOf(Bucket)
  t.equal((await get('/')).status, 403)
  // The owner's signature opens nothing here.
  t.equal((await get('/', {}, { credentials: { accessKeyId: 'test', secretAccessKey: 'test' } })).status, 403)
  const Statement = [{ Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: `arn:aws:s3:::${Bucket}/*` }]
  await client.send(
    new PutBucketPolicyCommand({ Bucket, Policy: JSON.stringify({ Version: '2012-10-17', Statement }) }),
  )
  t.equal((await get('/', { authorization: 'AWS4-HMAC-SHA256 nonsense' })).text, 'dotted')
  t.equal((await get('/?X-Amz-Signature=0&X-Amz-Algorithm=AWS4-HMAC-SHA256')).text, 'dotted')
})

t.test('website: ranges and conditions → as of any object', async t => {
  const { bucket, get, head } = await site({ IndexDocument: { Suffix: 'index.html' } })
  const large = Buffer.alloc(2 * 1024 * 1024)
  for (let i = 0; i < large.length; i += 4) large.writeUInt32BE(i, i)
  await put(bucket, 'large/index.html', large)
  const { headers } = await head('/large/')
  t.equal(headers['content-length'], String(large.length))
  const etag = String(headers.etag)
  const modified = String(headers['last-modified'])
  t.same((await get('/large/')).body, large)
  const part = await get('/large/', { range: 'bytes=1000-1500000' })
  t.same([part.status, part.headers['content-range']], [206, `bytes 1000-1500000/${large.length}`])
  t.same(part.body, large.subarray(1000, 1500001))
  for (const condition of [{ 'if-none-match': etag }, { 'if-modified-since': modified }]) {
    const unchanged = await get('/large/', condition)
    t.same([unchanged.status, unchanged.headers.etag, unchanged.text], [304, etag, ''])
  }
  t.equal((await get('/large/', { 'if-none-match': '"other"', range: 'bytes=0-3' })).status, 206)
  const failed = await get('/', { 'if-match': '"other"' })
  t.same([failed.status, said(failed)[0]], [412, 'PreconditionFailed'])
  const beyond = await get('/', { range: 'bytes=10-' })
  t.same([beyond.status, said(beyond)[0], beyond.headers['content-range']], [416, 'InvalidRange', 'bytes */4'])
})

t.test('website: a key that names a folder → 302 to it, if it has an index document', async t => {
  for (const actions of [['s3:GetObject', 's3:ListBucket'], ['s3:GetObject']]) {
    const { bucket, get, head } = await site(documents, actions)
    await put(bucket, 'a?b/c d/index.html', 'odd')
    const answer = await get('/photos?x=1')
    t.same([answer.status, answer.headers.location], [302, '/photos/'])
    t.match(answer.headers, { 'x-amz-error-code': 'Found', 'content-type': /^text\/html/ })
    t.match(answer.text, '<title>302 Found</title>')
    t.equal((await get('/a%3Fb/c%20d')).headers.location, '/a%3Fb/c%20d/')
    const bare = await head('/photos')
    t.same([bare.status, bare.headers.location, bare.text], [302, '/photos/', ''])
    t.equal((await get('/phot')).status, actions.length === 2 ? 404 : 403)
    // An object of that very name comes first.
    await put(bucket, 'photos', 'not a folder')
    t.equal((await get('/photos')).text, 'not a folder')
  }
})

t.test('website: a missing key → 404 with the error document; HEAD → the headers alone', async t => {
  const { get, head } = await site()
  const answer = await get('/no/such.html', { range: 'bytes=0-1', 'if-match': '"x"' })
  t.same([answer.status, answer.text, answer.headers['content-type']], [404, 'lost?', 'text/html'])
  t.match(answer.headers, {
    'x-amz-error-code': 'NoSuchKey',
    'x-amz-error-message': 'The specified key does not exist.',
    'x-amz-error-detail-key': 'no/such.html',
  })
  t.equal((await get('/empty/')).headers['x-amz-error-detail-key'], 'empty/index.html')
  const bare = await head('/no/such.html')
  t.match(bare.headers, { 'x-amz-error-code': 'NoSuchKey', 'x-amz-error-detail-key': 'no/such.html' })
  t.same([bare.status, bare.text, bare.headers.etag], [404, '', undefined])
})

t.test('website: a large error document → streamed under the status of the error', async t => {
  const { bucket, get } = await site()
  const large = Buffer.alloc(3 * 1024 * 1024, 'lost')
  await put(bucket, 'error.html', large)
  const answer = await get('/none')
  t.same([answer.status, answer.headers['content-length']], [404, String(large.length)])
  t.ok(answer.body.equals(large))
})

t.test('website: no error document → a page that says what went wrong, its text escaped', async t => {
  const { get, head } = await site({ IndexDocument: { Suffix: 'index.html' } })
  const answer = await get('/%3Cscript%3E&amp')
  t.equal(answer.status, 404)
  t.equal(answer.headers['content-type'], 'text/html; charset=utf-8')
  t.same(said(answer), noKey)
  t.match(answer.text, '<title>404 Not Found</title>')
  t.match(answer.text, '<li>Key: &lt;script&gt;&amp;amp</li>')
  t.match(answer.text, `<li>RequestId: ${answer.headers['x-amz-request-id']}</li>`)
  t.match(answer.text, `<li>HostId: ${answer.headers['x-amz-id-2']}</li>`)
  t.notMatch(answer.text, '<?xml')
  t.match((await head('/none')).headers, { 'x-amz-error-code': 'NoSuchKey' })
  const long = await get(`/${'k'.repeat(1025)}`)
  t.same([long.status, said(long)[0]], [400, 'KeyTooLongError'])
})

t.test('website: an error document that cannot be sent → the page says that too', async t => {
  const { get } = await site({ ...documents, ErrorDocument: { Key: 'gone.html' } })
  const answer = await get('/none')
  t.same([answer.status, said(answer)], [404, noKey])
  t.match(answer.text, 'An Error Occurred While Attempting to Retrieve a Custom Error Document')
  t.match(answer.text, '<li>Key: gone.html</li>')
  t.match(answer.text, '<li>Key: none</li>')
})

t.test('website: access → decided as of anybody, by policy, ACL and who pays', async t => {
  const closed = await newBucket(client)
  await configure(closed, documents)
  await put(closed, 'index.html', 'private')
  await put(closed, 'error.html', 'lost?')
  const denied = await siteOf(closed).get('/')
  t.same([denied.status, said(denied)], [403, noAccess])
  t.match(denied.text, 'An Error Occurred While Attempting to Retrieve a Custom Error Document')

  const unlisted = await site(documents, ['s3:GetObject'])
  const missing = await unlisted.get('/none')
  t.same([missing.status, missing.text, missing.headers['x-amz-error-code']], [403, 'lost?', 'AccessDenied'])
  t.equal(missing.headers['x-amz-error-detail-key'], undefined)

  // Who may list but not read learns what there is, and no more: as on the other endpoint.
  const listed = await site({ IndexDocument: { Suffix: 'index.html' } }, ['s3:ListBucket'])
  t.same(said(await listed.get('/none')), noKey)
  t.same(said(await listed.get('/')), noAccess)
  const rest = (key: string) =>
    signedFetch(server, { method: 'GET', path: `/${listed.bucket}/${key}`, credentials: null })
  t.same([(await rest('none')).status, (await rest('index.html')).status], [404, 403])

  const linked = await site(documents, ['s3:GetObject'], {
    Condition: { StringLike: { 'aws:Referer': 'https://app.example/*' } },
  })
  t.equal((await linked.get('/')).status, 403)
  t.equal((await linked.get('/', { referer: 'https://app.example/page' })).text, 'home')

  const byAcl = `acl-site-${process.pid}`
  await client.send(new CreateBucketCommand({ Bucket: byAcl, ObjectOwnership: 'BucketOwnerPreferred' }))
  await client.send(new DeletePublicAccessBlockCommand({ Bucket: byAcl }))
  await configure(byAcl, documents)
  await put(byAcl, 'index.html', 'home', { ACL: 'public-read' })
  await put(byAcl, 'secret.html', 'secret')
  await put(byAcl, 'error.html', 'lost?', { ACL: 'public-read' })
  t.equal((await siteOf(byAcl).get('/')).text, 'home')
  const secret = await siteOf(byAcl).get('/secret.html')
  t.same([secret.status, secret.text], [403, 'lost?'])
  await client.send(new PutObjectAclCommand({ Bucket: byAcl, Key: 'secret.html', ACL: 'public-read' }))
  t.equal((await siteOf(byAcl).get('/secret.html')).text, 'secret')

  const paid = await site()
  await client.send(
    new PutBucketRequestPaymentCommand({
      Bucket: paid.bucket,
      RequestPaymentConfiguration: { Payer: 'Requester' },
    }),
  )
  t.equal((await paid.get('/', { 'x-amz-request-payer': 'requester' })).status, 403)
})

t.test('website: no bucket, no website, no reading → HTML that says so', async t => {
  const none = await siteOf('no-such-bucket-here').get('/')
  t.same([none.status, said(none)], [404, ['NoSuchBucket', 'The specified bucket does not exist']])
  t.match(none.text, '<li>BucketName: no-such-bucket-here</li>')

  const { bucket, get, host } = await site()
  for (const method of ['PUT', 'POST', 'DELETE', 'PATCH']) {
    const answer = await signedFetch(server, { method, path: '/index.html', host, body: method === 'PUT' ? 'x' : '' })
    t.same([answer.status, said(answer)[0], answer.headers.allow], [405, 'MethodNotAllowed', 'GET, HEAD, OPTIONS'])
    t.match(answer.text, `<li>Method: ${method}</li>`)
  }
  t.equal((await get('/')).text, 'home')
  const malformed = await get('/%ff')
  t.same([malformed.status, said(malformed)[0]], [400, 'InvalidURI'])
  t.match(malformed.headers['content-type'], /^text\/html/)

  await client.send(new DeleteBucketWebsiteCommand({ Bucket: bucket }))
  const answer = await get('/')
  t.equal(answer.status, 404)
  t.same(said(answer), ['NoSuchWebsiteConfiguration', 'The specified bucket does not have a website configuration'])
  t.match(answer.text, `<li>BucketName: ${bucket}</li>`)
})

t.test('website: a deleted object of a bucket with versions → missing; back again → served', async t => {
  const { bucket, get } = await site()
  await client.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } }))
  await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'index.html' }))
  const answer = await get('/')
  t.same([answer.status, answer.text, answer.headers['x-amz-error-code']], [404, 'lost?', 'NoSuchKey'])
  await put(bucket, 'index.html', 'again')
  const back = await get('/')
  t.same([back.status, back.text], [200, 'again'])
  t.match(back.headers['x-amz-version-id'], /./)
})

t.test('website: RedirectAllRequestsTo → 301 with path and query kept, whoever asks for whatever', async t => {
  const bucket = await newBucket(client)
  const { get, head, host } = siteOf(bucket)
  await configure(bucket, { RedirectAllRequestsTo: { HostName: 'www.example.com' } })
  const answer = await get('/a%20b//c?d=e&f=%ff')
  t.same([answer.status, answer.headers.location, answer.text], [301, 'http://www.example.com/a%20b//c?d=e&f=%ff', ''])
  t.same([answer.headers['content-length'], answer.headers['content-type']], ['0', undefined])
  t.equal((await head('/')).headers.location, 'http://www.example.com/')
  await configure(bucket, { RedirectAllRequestsTo: { HostName: 'www.example.com', Protocol: 'https' } })
  t.equal((await get('/')).headers.location, 'https://www.example.com/')
  t.equal((await signedFetch(server, { method: 'DELETE', path: '/', host })).status, 405)
})

t.test('website: routing rules → before the object, or after it was not found', async t => {
  const { get, host, head } = await site({
    ...documents,
    RoutingRules: [
      { Condition: { KeyPrefixEquals: 'docs/' }, Redirect: { ReplaceKeyPrefixWith: 'documents/' } },
      {
        Condition: { KeyPrefixEquals: 'app/', HttpErrorCodeReturnedEquals: '404' },
        Redirect: { HostName: 'app.example', Protocol: 'https', ReplaceKeyPrefixWith: '#!/', HttpRedirectCode: '307' },
      },
      { Condition: { KeyPrefixEquals: 'photos/' }, Redirect: { ReplaceKeyWith: 'gone.html', HttpRedirectCode: '302' } },
      { Condition: { KeyPrefixEquals: 'kept/' }, Redirect: { HttpRedirectCode: '308', HostName: 'x.example' } },
    ],
  })
  for (const [path, status, location] of [
    ['/docs/a.html?x=1', 301, `http://${host}/documents/a.html?x=1`],
    ['/app/some/page', 307, 'https://app.example/#!/some/page'],
    ['/photos/', 302, `http://${host}/gone.html`],
    ['/kept/k', 308, 'http://x.example/kept/k'],
  ] as const) {
    const answer = await get(path)
    t.same([answer.status, answer.headers.location], [status, location], path)
    t.same([(await head(path)).status, (await head(path)).headers.location], [status, location], path)
  }
  t.equal((await get('/other')).text, 'lost?')
})

t.test('website: x-amz-website-redirect-location → 301 here, a header on the other endpoint', async t => {
  const { bucket, get, head } = await site()
  await put(bucket, 'old.html', 'old', { WebsiteRedirectLocation: '/index.html' })
  await put(bucket, 'out/index.html', 'out', { WebsiteRedirectLocation: 'https://example.com/x?y=z' })
  for (const [path, location] of [
    ['/old.html', '/index.html'],
    ['/out/', 'https://example.com/x?y=z'],
  ] as const)
    for (const answer of [await get(path, { 'if-none-match': '*' }), await head(path)])
      t.same([answer.status, answer.headers.location, answer.text], [301, location, ''], path)
  const rest = await signedFetch(server, { method: 'GET', path: `/${bucket}/old.html` })
  t.same([rest.status, rest.text, rest.headers['x-amz-website-redirect-location']], [200, 'old', '/index.html'])
  await put(bucket, 'error.html', 'moved', { WebsiteRedirectLocation: '/elsewhere' })
  const answer = await get('/none')
  t.same([answer.status, answer.headers.location], [301, '/elsewhere'])
})

t.test('website: a page of another origin → the headers of the bucket’s rules, preflights too', async t => {
  const { bucket, get, host } = await site()
  const CORSRules = [{ AllowedOrigins: ['https://app.example'], AllowedMethods: ['GET'], ExposeHeaders: ['ETag'] }]
  await client.send(new PutBucketCorsCommand({ Bucket: bucket, CORSConfiguration: { CORSRules } }))
  const origin = { origin: 'https://app.example' }
  for (const path of ['/', '/none', '/photos']) {
    const { headers } = await get(path, origin)
    t.equal(headers['access-control-allow-origin'], 'https://app.example', path)
    t.equal(headers['access-control-expose-headers'], 'ETag', path)
    t.equal((await get(path)).headers['access-control-allow-origin'], undefined, path)
  }
  const preflight = (method: string) =>
    signedFetch(server, {
      method: 'OPTIONS',
      path: '/',
      host,
      credentials: null,
      headers: { ...origin, 'access-control-request-method': method },
    })
  const allowed = await preflight('GET')
  t.same([allowed.status, allowed.headers['access-control-allow-methods']], [200, 'GET'])
  const refused = await preflight('PUT')
  t.same([refused.status, said(refused)[0]], [403, 'AccessForbidden'])
})
