/** The bucket in the host name, and servers behind proxies. */
import { Agent } from 'node:http'
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3'
import t from 'tap'
import { newBucket, s3 } from '../support/clients.ts'
import { startServer } from '../support/server.ts'
import { element, signedFetch } from '../support/signed.ts'

const server = await startServer(t, { ephemeral: true, args: ['--domains', 'storage.example'] })
const client = s3(t, server)

for (const suffix of ['s3.localhost', 'localhost', 'storage.example', 's3.storage.example'])
  t.test(`virtual host BUCKET.${suffix} → the bucket of that name`, async t => {
    const bucket = await newBucket(client)
    const host = `${bucket}.${suffix}:${server.port}`
    const put = await signedFetch(server, { method: 'PUT', path: '/a/../b//c', host, body: 'x' })
    t.equal(put.status, 200, put.text)
    t.equal((await signedFetch(server, { method: 'GET', path: `/${bucket}/a/../b//c` })).text, 'x')
    t.equal((await signedFetch(server, { method: 'GET', path: '/a/../b//c', host, presign: 60 })).text, 'x')
    const listed = await signedFetch(server, { method: 'GET', path: '/', query: 'list-type=2', host })
    t.equal(element(listed.text, 'Name'), bucket)
    t.equal(element(listed.text, 'Key'), 'a/../b//c')
  })

t.test('host without a bucket: localhost, s3.localhost, an address, in any case → path-style', async t => {
  const bucket = await newBucket(client)
  for (const host of [
    'localhost',
    'S3.LocalHost',
    `s3.localhost:${server.port}`,
    '127.0.0.1',
    `[::1]:${server.port}`,
    'storage.example',
  ]) {
    const head = await signedFetch(server, { method: 'HEAD', path: `/${bucket}`, host })
    t.equal(head.status, 200, host)
  }
})

t.test('virtual host of a bucket with dots → that bucket', async t => {
  const host = `dots.in.name.s3.localhost:${server.port}`
  t.equal((await signedFetch(server, { method: 'PUT', path: '/', host })).status, 200)
  t.equal((await signedFetch(server, { method: 'HEAD', path: '/dots.in.name' })).status, 200)
  t.equal((await signedFetch(server, { method: 'DELETE', path: '/', host })).status, 204)
})

t.test('virtual host of a missing bucket → NoSuchBucket', async t => {
  const answer = await signedFetch(server, { method: 'GET', path: '/', host: 'missing-bucket-name.s3.localhost' })
  t.same([answer.status, element(answer.text, 'Code')], [404, 'NoSuchBucket'])
  t.equal(element(answer.text, 'BucketName'), 'missing-bucket-name')
})

t.test('SDK without forcePathStyle → put, get and list', async t => {
  const Bucket = await newBucket(client)
  // Not every machine resolves names below localhost.
  const lookup = (_: string, options: { all?: boolean }, done: (error: null, ...found: unknown[]) => void) =>
    options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4)
  const httpAgent = new Agent({ lookup } as unknown as ConstructorParameters<typeof Agent>[0])
  const virtual = s3(
    t,
    { origin: `http://s3.localhost:${server.port}` },
    { forcePathStyle: false, requestHandler: { httpAgent } },
  )
  await virtual.send(new PutObjectCommand({ Bucket, Key: 'a b/ü', Body: 'virtual' }))
  const got = await virtual.send(new GetObjectCommand({ Bucket, Key: 'a b/ü' }))
  t.equal(await got.Body?.transformToString(), 'virtual')
  const listed = await virtual.send(new ListObjectsV2Command({ Bucket }))
  t.same(
    listed.Contents?.map(one => one.Key),
    ['a b/ü'],
  )
})

t.test('trusted proxy: Host rewritten, X-Forwarded-Host as signed → verified; URLs name that host', async t => {
  const proxied = await startServer(t, { ephemeral: true, args: ['--trusted-proxies', '127.0.0.0/8'] })
  const bucket = await newBucket(s3(t, proxied))
  const host = 'files.example.org'
  const tamper = (request: { headers: object }) =>
    ({
      ...request,
      headers: { ...request.headers, host: 'backend:80', 'x-forwarded-host': host, 'x-forwarded-proto': 'https' },
    }) as never
  const put = await signedFetch(proxied, { method: 'PUT', path: `/${bucket}/key`, host, body: 'x', tamper })
  t.equal(put.status, 200, put.text)
  t.equal((await signedFetch(proxied, { method: 'GET', path: `/${bucket}/key`, host, presign: 60, tamper })).text, 'x')

  const started = await signedFetch(proxied, {
    method: 'POST',
    path: `/${bucket}/key`,
    query: 'uploads=',
    host,
    tamper,
  })
  const upload = element(started.text, 'UploadId') ?? ''
  const query = { partNumber: '1', uploadId: upload }
  const part = await signedFetch(proxied, { method: 'PUT', path: `/${bucket}/key`, query, host, body: 'y', tamper })
  const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${part.headers.etag}</ETag></Part></CompleteMultipartUpload>`
  const done = await signedFetch(proxied, {
    method: 'POST',
    path: `/${bucket}/key`,
    query: { uploadId: upload },
    host,
    body,
    tamper,
  })
  t.equal(element(done.text, 'Location'), `https://${host}/${bucket}/key`)
})

t.test('stranger: X-Forwarded-Host → ignored', async t => {
  const bucket = await newBucket(client)
  const answer = await signedFetch(server, {
    method: 'HEAD',
    path: `/${bucket}`,
    host: 'files.example.org',
    tamper: request => ({
      ...request,
      headers: { ...request.headers, host: 'backend:80', 'x-forwarded-host': 'files.example.org' },
    }),
  })
  t.equal(answer.status, 403)
})
