/** Server-side encryption as a program uses it, and what of it lies on the disk. */
import { createHash, randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  CopyObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutBucketEncryptionCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import t, { type Test } from 'tap'
import { bytesOf, newBucket, refusal, s3 } from '../support/clients.ts'
import { startServer, temporaryFolder } from '../support/server.ts'
import { element, signedFetch } from '../support/signed.ts'

const mebibyte = 1024 * 1024
const dataDir = join(temporaryFolder(t), 'data')
const key = (byte: number) => Buffer.alloc(32, byte)
const customer = (byte: number) => ({
  SSECustomerAlgorithm: 'AES256',
  SSECustomerKey: key(byte).toString('base64'),
  SSECustomerKeyMD5: createHash('md5').update(key(byte)).digest('base64'),
})

/** Whether a text stands in any file under the data directory: the catalogue, its log, the blobs. */
function onDisk(text: Buffer): boolean {
  const files = readdirSync(dataDir, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  return files.some(file => readFileSync(join(file.parentPath, file.name)).includes(text))
}
async function start(t: Test) {
  const server = await startServer(t, { dataDir })
  return { server, client: s3(t, server, { maxAttempts: 1 }) }
}

t.test(
  'customer’s keys: put, ranges, parts, copies → the text to the key alone, nothing of it on the disk',
  async t => {
    const { client } = await start(t)
    const Bucket = await newBucket(client)
    const small = randomBytes(900)
    const large = randomBytes(12 * mebibyte)
    const put = await client.send(new PutObjectCommand({ Bucket, Key: 'small', Body: small, ...customer(1) }))
    t.match(put, { SSECustomerAlgorithm: 'AES256', SSECustomerKeyMD5: customer(1).SSECustomerKeyMD5 })
    t.not(put.ETag, `"${createHash('md5').update(small).digest('hex')}"`)
    t.equal(put.ServerSideEncryption, undefined)
    await new Upload({ client, params: { Bucket, Key: 'large', Body: large, ...customer(1) } }).done()
    for (const [Key, bytes] of [
      ['small', small],
      ['large', large],
    ] as const) {
      t.ok(bytes.equals(await bytesOf(await client.send(new GetObjectCommand({ Bucket, Key, ...customer(1) })))), Key)
      t.match(await refusal(client.send(new GetObjectCommand({ Bucket, Key }))), {
        name: 'InvalidRequest',
        status: 400,
      })
      t.match(await refusal(client.send(new GetObjectCommand({ Bucket, Key, ...customer(2) }))), {
        name: 'AccessDenied',
        status: 403,
      })
      t.equal((await refusal(client.send(new HeadObjectCommand({ Bucket, Key })))).status, 400)
      const CopySource = `${Bucket}/${Key}`
      const copy = {
      Bucket, Key: 'copy', CopySource, ...customer(2),
      CopySourceSSECustomerAlgorithm: 'AES256',
      CopySourceSSECustomerKey: customer(1).SSECustomerKey,
      CopySourceSSECustomerKeyMD5: customer(1).SSECustomerKeyMD5,
    } // biome-ignore format: short
      await client.send(new CopyObjectCommand(copy))
      t.ok(
        bytes.equals(await bytesOf(await client.send(new GetObjectCommand({ Bucket, Key: 'copy', ...customer(2) })))),
      )
      for (const at of [0, bytes.length - 32]) t.notOk(onDisk(bytes.subarray(at, at + 32)), `${Key} at ${at}`)
    }
    for (const [from, to] of [
      [5 * mebibyte - 3, 5 * mebibyte + 12],
      [12 * mebibyte - 1, 12 * mebibyte - 1],
    ] as const) {
      const range = await client.send(
        new GetObjectCommand({ Bucket, Key: 'large', Range: `bytes=${from}-${to}`, ...customer(1) }),
      )
      t.ok(large.subarray(from, to + 1).equals(await bytesOf(range)), `${from}-${to}`)
    }
    t.notOk(onDisk(key(1)), 'the key itself')
  },
)

t.test('plain objects: nothing asked → said to be AES256, kept as they are', async t => {
  const { client } = await start(t)
  const Bucket = await newBucket(client)
  const text = randomBytes(900)
  t.equal((await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: text }))).ServerSideEncryption, 'AES256')
  t.ok(onDisk(text.subarray(0, 32)))
})

t.test('managed and named keys: a bucket’s default, a server started anew → still read', async t => {
  const first = await start(t)
  const Bucket = await newBucket(first.client)
  const SSEAlgorithm = 'aws:kms'
  const byDefault = { ApplyServerSideEncryptionByDefault: { SSEAlgorithm, KMSMasterKeyID: 'alias/mine' } } as const
  const configuration = { Rules: [{ ...byDefault, BucketKeyEnabled: true }] }
  await first.client.send(new PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration: configuration }))
  const texts = { small: randomBytes(900), medium: randomBytes(50_000), large: randomBytes(6 * mebibyte) }
  for (const [Key, Body] of Object.entries(texts)) {
    const put = await first.client.send(new PutObjectCommand({ Bucket, Key, Body }))
    t.match(put, { ServerSideEncryption: 'aws:kms', BucketKeyEnabled: true })
    t.match(put.SSEKMSKeyId, /^arn:aws:kms:us-east-1:000000000000:key\/[0-9a-f-]{36}$/)
    t.notOk(onDisk(Body.subarray(-32)), Key)
  }
  const Body = texts.small
  await first.client.send(new PutObjectCommand({ Bucket, Key: 'managed', Body, ServerSideEncryption: 'AES256' }))
  await first.server.stop()
  const { client } = await start(t)
  for (const [Key, bytes] of Object.entries({ ...texts, managed: Body })) {
    const got = await client.send(new GetObjectCommand({ Bucket, Key }))
    t.ok(bytes.equals(await bytesOf(got)), Key)
    t.equal(got.ServerSideEncryption, Key === 'managed' ? 'AES256' : 'aws:kms')
  }
})

t.test(
  'policies: a wrong method where a policy asks for encryption → AccessDenied, elsewhere InvalidArgument',
  async t => {
    const { server, client } = await start(t)
    const Bucket = await newBucket(client)
    const headers = { 'x-amz-server-side-encryption': 'AES192' }
    const put = () => signedFetch(server, { method: 'PUT', path: `/${Bucket}/k`, headers, body: 'x' })
    const refused = await put()
    t.same([refused.status, element(refused.text, 'Code')], [400, 'InvalidArgument'])
    const Condition = { StringNotEquals: { 's3:x-amz-server-side-encryption': 'AES256' } }
    const Resource = `arn:aws:s3:::${Bucket}/*`
    const Statement = [{ Effect: 'Deny', Principal: '*', Action: 's3:PutObject', Resource, Condition }]
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement })
    await client.send(new PutBucketPolicyCommand({ Bucket, Policy }))
    const denied = await put()
    t.same([denied.status, element(denied.text, 'Code')], [403, 'AccessDenied'])
    t.equal((await signedFetch(server, { method: 'GET', path: `/${Bucket}/k` })).status, 404)
    await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x', ServerSideEncryption: 'AES256' }))
  },
)

t.test('reads: what only writes may say → refused', async t => {
  const { server, client } = await start(t)
  const Bucket = await newBucket(client)
  await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }))
  const headers = { 'x-amz-server-side-encryption': 'AES256' }
  const got = await signedFetch(server, { method: 'GET', path: `/${Bucket}/k`, headers })
  t.same([got.status, element(got.text, 'Code')], [400, 'InvalidArgument'])
})
