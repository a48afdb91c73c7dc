import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { newBucket, s3 } from '../support/clients.ts'
import { startServer } from '../support/server.ts'
import { element, signedFetch } from '../support/signed.ts'

const server = await startServer(t)
const client = s3(t, server)
const admin = (page: string, body?: unknown, headers: Record<string, string> = {}) =>
  fetch(
    `${server.origin}/_mockfactory/${page}`,
    body === undefined
      ? { headers }
      : { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body), headers },
  )

t.test('healthz, readyz → 200 without credentials', async t => {
  for (const page of ['healthz', 'readyz']) {
    const answer = await admin(page)
    t.equal(answer.status, 200)
    await answer.text()
    const head = await fetch(`${server.origin}/_mockfactory/${page}`, { method: 'HEAD' })
    t.equal(head.status, 200)
  }
})

t.test('metrics: after requests → counted by operation, in the Prometheus format', async t => {
  const Bucket = await newBucket(client)
  await client.send(new PutObjectCommand({ Bucket, Key: 'counted', Body: 'x' }))
  const answer = await admin('metrics')
  t.equal(answer.status, 200)
  t.match(answer.headers.get('content-type'), /^text\/plain/)
  const text = await answer.text()
  t.match(text, /^# TYPE \S+ (counter|histogram|gauge)$/m)
  t.match(text, /\{[^}]*PutObject[^}]*\} [1-9]/)
  t.match(text, 'process_resident_memory_bytes')
})

t.test('an unknown page → 404, not a bucket', async t => {
  t.equal((await admin('nonsense')).status, 404)
})

t.test('reset: everything → no buckets, no uploads, and the server works on', async t => {
  const Bucket = await newBucket(client)
  await client.send(new PutObjectCommand({ Bucket, Key: 'gone', Body: Buffer.alloc(100_000) }))
  t.equal((await admin('reset', '')).status, 200)
  t.same((await client.send(new ListBucketsCommand({}))).Buckets ?? [], [])
  await client.send(new CreateBucketCommand({ Bucket }))
  await t.rejects(client.send(new GetObjectCommand({ Bucket, Key: 'gone' })), { name: 'NoSuchKey' })
  await client.send(new PutObjectCommand({ Bucket, Key: 'new', Body: 'x' }))
})

t.test('reset: unknown environment → 404; nonsense → 400; GET → 405; from a web page → 403', async t => {
  const Bucket = await newBucket(client)
  t.equal((await admin('reset', { environment: 'nobody' })).status, 404)
  t.equal((await admin('reset', 'nonsense')).status, 400)
  t.equal((await admin('reset', { wrong: 1 })).status, 400)
  t.equal((await admin('reset')).status, 405)
  t.equal((await admin('reset', '', { origin: 'https://evil.example' })).status, 403)
  const names = (await client.send(new ListBucketsCommand({}))).Buckets?.map(bucket => bucket.Name)
  t.ok(names?.includes(Bucket), 'none of them emptied anything')
})

t.test('clock: moved → presigned links expire, objects carry the time, signatures are held against it', async t => {
  const bucket = await newBucket(client)
  const link = { method: 'GET', path: `/${bucket}/key`, presign: 300 }
  await signedFetch(server, { method: 'PUT', path: `/${bucket}/key`, body: 'x' })
  const nowMs = Date.now()
  t.equal((await admin('clock', { advanceMs: 301_000 })).status, 200)
  const expired = await signedFetch(server, { ...link, nowMs })
  t.same([expired.status, element(expired.text, 'Message')], [403, 'Request has expired'])
  const futureMs = Date.parse('2030-06-01T12:00:00Z')
  t.equal((await admin('clock', { nowMs: futureMs })).status, 200)
  const skewed = await signedFetch(server, { method: 'GET', path: `/${bucket}/key` })
  t.equal(element(skewed.text, 'Code'), 'RequestTimeTooSkewed')
  const put = await signedFetch(server, { method: 'PUT', path: `/${bucket}/later`, body: 'x', nowMs: futureMs })
  t.equal(put.status, 200, put.text)
  t.equal((await admin('clock', { reset: true })).status, 200)
  const head = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: 'later' }))
  t.match(head.LastModified?.toISOString(), /^2030-06-01T12:0/)
  t.equal((await admin('clock', { advanceMs: 'x' })).status, 400)
})
