/** Behind nginx, as platform teams run it: once with the client's Host passed on, once with it only in X-Forwarded-Host. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import t, { type Test } from 'tap'
import { bytesOf, newBucket, refusal, s3, tool } from '../support/clients.ts'
import { freePort, type Server, startServer, type Teardown, temporaryFolder } from '../support/server.ts'

const nginx = tool('nginx')

/** Starts nginx in front of a server. Answers the origin that clients use. */
async function front(t: Teardown, server: Server, headers: readonly string[]): Promise<{ origin: string }> {
  const folder = temporaryFolder(t)
  const port = await freePort()
  mkdirSync(join(folder, 'tmp'))
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map(name => `${name}_temp_path ${join(folder, 'tmp', name)};`)
    .join('\n  ')
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  writeFileSync(
    join(folder, 'nginx.conf'),
    `${user} daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log;
events { worker_connections 128; }
http {
  access_log off; client_max_body_size 0; ${temporary}
  upstream store { server 127.0.0.1:${server.port}; keepalive 8; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://store; proxy_http_version 1.1; proxy_set_header Connection "";
      ${headers.map(header => `proxy_set_header ${header};`).join(' ')}
    }
  }
}
`,
  )
  const child = spawn(nginx.path, ['-c', join(folder, 'nginx.conf')], { stdio: 'ignore' })
  const gone = new Promise(resolve => child.once('close', resolve))
  t.teardown(async () => {
    child.kill('SIGTERM')
    await gone
  })
  const origin = `http://127.0.0.1:${port}`
  for (;;) {
    if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}`)
    const answer = await fetch(`${origin}/_mockfactory/healthz`).catch(() => undefined)
    await answer?.arrayBuffer()
    if (answer?.status === 200) return { origin }
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

async function everything(t: Test, client: S3Client, origin: string): Promise<void> {
  const Bucket = await newBucket(client)
  const keys = ['plain', 'a//b/../c', 'grün und +%', 'x'.repeat(900)]
  const small = randomBytes(3_000)
  for (const Key of keys) {
    await client.send(new PutObjectCommand({ Bucket, Key, Body: small }))
    t.ok(small.equals(await bytesOf(await client.send(new GetObjectCommand({ Bucket, Key })))), Key.slice(0, 20))
  }
  const large = randomBytes(6 * 1024 * 1024)
  await client.send(new PutObjectCommand({ Bucket, Key: 'large', Body: large }))
  const url = await getSignedUrl(client, new GetObjectCommand({ Bucket, Key: 'large' }))
  const answer = await fetch(url)
  t.equal(answer.status, 200, 'presigned')
  t.ok(large.equals(Buffer.from(await answer.arrayBuffer())))
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'parts' }))
  const { ETag } = await client.send(
    new UploadPartCommand({ Bucket, Key: 'parts', UploadId, PartNumber: 1, Body: large }),
  )
  const completed = await client.send(
    new CompleteMultipartUploadCommand({
      Bucket,
      Key: 'parts',
      UploadId,
      MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] },
    }),
  )
  t.equal(completed.Location, `${origin}/${Bucket}/parts`, 'the URL is the client’s own')
  const listed = await client.send(new ListObjectsV2Command({ Bucket }))
  t.equal(listed.KeyCount, keys.length + 2)
}

t.test('nginx passes the Host on → everything as without it', { skip: nginx.skip }, async t => {
  const server = await startServer(t)
  const { origin } = await front(t, server, ['Host $http_host'])
  await everything(t, s3(t, { origin }), origin)
})

t.test('nginx tells the Host in X-Forwarded-Host only → believed of a trusted proxy', { skip: nginx.skip }, async t => {
  const server = await startServer(t, { args: ['--trusted-proxies', '127.0.0.1'] })
  const { origin } = await front(t, server, ['Host store', 'X-Forwarded-Host $http_host', 'X-Forwarded-Proto http'])
  await everything(t, s3(t, { origin }), origin)
})

t.test(
  'nginx tells the Host in X-Forwarded-Host only → SignatureDoesNotMatch of a stranger',
  { skip: nginx.skip },
  async t => {
    const server = await startServer(t)
    const { origin } = await front(t, server, ['Host store', 'X-Forwarded-Host $http_host'])
    const refused = await refusal(s3(t, { origin }).send(new ListObjectsV2Command({ Bucket: 'bucket' })))
    t.match(refused, { name: 'SignatureDoesNotMatch', status: 403 })
  },
)
