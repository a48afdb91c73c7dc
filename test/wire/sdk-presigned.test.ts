import { randomBytes } from 'node:crypto'
import { DeleteObjectCommand, GetObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import t from 'tap'
import { bytesOf, newBucket, s3 } from '../support/clients.ts'
import { startServer } from '../support/server.ts'
import { element } from '../support/signed.ts'

const server = await startServer(t)
const client = s3(t, server)
const Bucket = await newBucket(client)
const Body = randomBytes(200_000)
await client.send(new PutObjectCommand({ Bucket, Key: 'read me +%ü', Body }))

t.test('presigned GetObject: plain link → the bytes, for anyone', async t => {
  const url = await getSignedUrl(client, new GetObjectCommand({ Bucket, Key: 'read me +%ü' }))
  const answer = await fetch(url)
  t.equal(answer.status, 200)
  t.ok(Body.equals(Buffer.from(await answer.arrayBuffer())))
  const range = await fetch(url, { headers: { range: 'bytes=10-19' } })
  t.equal(range.status, 206)
  t.ok(Body.subarray(10, 20).equals(Buffer.from(await range.arrayBuffer())))
})

t.test('presigned GetObject: response-* overrides → signed and returned', async t => {
  const url = await getSignedUrl(
    client,
    new GetObjectCommand({
      Bucket,
      Key: 'read me +%ü',
      ResponseContentDisposition: 'attachment; filename="a b.bin"',
      ResponseContentType: 'image/png',
    }),
  )
  const answer = await fetch(url)
  t.equal(answer.headers.get('content-disposition'), 'attachment; filename="a b.bin"')
  t.equal(answer.headers.get('content-type'), 'image/png')
  await answer.arrayBuffer()
  const changed = await fetch(url.replace('image%2Fpng', 'text%2Fhtml'))
  t.equal(changed.status, 403)
  t.equal(element(await changed.text(), 'Code'), 'SignatureDoesNotMatch')
})

t.test('presigned PutObject: with signed metadata and type → stored as sent', async t => {
  const url = await getSignedUrl(
    client,
    new PutObjectCommand({ Bucket, Key: 'put/by link', ContentType: 'text/plain', Metadata: { from: 'link' } }),
    { signableHeaders: new Set(['content-type']) },
  )
  const answer = await fetch(url, { method: 'PUT', body: 'by link', headers: { 'content-type': 'text/plain' } })
  t.equal(answer.status, 200, await answer.text())
  const got = await client.send(new GetObjectCommand({ Bucket, Key: 'put/by link' }))
  t.match(got, { ContentType: 'text/plain', Metadata: { from: 'link' } })
  t.equal((await bytesOf(got)).toString(), 'by link')
  const other = await fetch(url, { method: 'PUT', body: 'x', headers: { 'content-type': 'text/html' } })
  t.equal(other.status, 403, 'another content type than the signed one')
  await other.arrayBuffer()
})

t.test('presigned PutObject: a link for reading used for writing → SignatureDoesNotMatch', async t => {
  const url = await getSignedUrl(client, new GetObjectCommand({ Bucket, Key: 'read me +%ü' }))
  const answer = await fetch(url, { method: 'PUT', body: 'x' })
  t.equal(answer.status, 403)
  t.equal(element(await answer.text(), 'Code'), 'SignatureDoesNotMatch')
})

t.test('presigned HeadObject, DeleteObject: links → done', async t => {
  await client.send(new PutObjectCommand({ Bucket, Key: 'short', Body: 'x' }))
  const head = await fetch(await getSignedUrl(client, new HeadObjectCommand({ Bucket, Key: 'short' })), {
    method: 'HEAD',
  })
  t.same([head.status, head.headers.get('content-length')], [200, '1'])
  const remove = await getSignedUrl(client, new DeleteObjectCommand({ Bucket, Key: 'short' }))
  t.equal((await fetch(remove, { method: 'DELETE' })).status, 204)
  t.equal((await fetch(remove, { method: 'DELETE' })).status, 204)
})
