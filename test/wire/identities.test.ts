/** Environments share nothing; identities of one environment share its bucket names and nothing else. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  GetObjectCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts'
import t from 'tap'
import { refusal, s3, sts } from '../support/clients.ts'
import { freePort, spawnServer, startServer, temporaryFolder } from '../support/server.ts'

const canonical = (digit: string) => digit.repeat(64)
const key = (name: string) => ({ accessKeyId: `AKIA${name.toUpperCase()}`, secretAccessKey: `secret-of-${name}` })
const session = { ...key('session'), sessionToken: 'token/with+odd=characters' }
const identities = {
  environments: [
    {
      name: 'default',
      account: '111111111111',
      identities: [
        { name: 'main', canonicalId: canonical('a'), credentials: [key('main'), key('second')] },
        { name: 'other', canonicalId: canonical('b'), credentials: [key('other')] },
      ],
    },
    {
      name: 'staging',
      account: '222222222222',
      identities: [{ name: 'main', canonicalId: canonical('c'), credentials: [key('staging'), session] }],
    },
  ],
}

/** The SDK writes into the credentials it is given. */
const untouched = structuredClone(identities)
const server = await startServer(t, { identities })
const main = s3(t, server, { credentials: key('main') })
const second = s3(t, server, { credentials: key('second') })
const other = s3(t, server, { credentials: key('other') })
const staging = s3(t, server, { credentials: key('staging') })
const Bucket = 'shared-name'
await main.send(new CreateBucketCommand({ Bucket }))
await main.send(new PutObjectCommand({ Bucket, Key: 'key', Body: 'of main' }))

t.test('identities file: replaces the default credentials', async t => {
  const refused = await refusal(s3(t, server).send(new ListBucketsCommand({})))
  t.match(refused, { name: 'InvalidAccessKeyId', status: 403 })
})

t.test('GetCallerIdentity: each credential → its environment’s account', async t => {
  const account = async (name: string) =>
    (await sts(t, server, key(name)).send(new GetCallerIdentityCommand({}))).Account
  t.equal(await account('main'), '111111111111')
  t.equal(await account('other'), '111111111111')
  t.equal(await account('staging'), '222222222222')
})

t.test('two credentials of one identity → the same buckets', async t => {
  const got = await second.send(new GetObjectCommand({ Bucket, Key: 'key' }))
  t.equal(await got.Body?.transformToString(), 'of main')
})

t.test('ListBuckets: each identity → its own buckets and canonical id', async t => {
  const of = async (client: typeof main) => {
    const listed = await client.send(new ListBucketsCommand({}))
    return [listed.Owner?.ID, listed.Buckets?.map(bucket => bucket.Name) ?? []]
  }
  t.same(await of(main), [canonical('a'), [Bucket]])
  t.same(await of(other), [canonical('b'), []])
  t.same(await of(staging), [canonical('c'), []])
})

t.test('another identity of the environment → AccessDenied, and the name is taken', async t => {
  const denied = { name: 'AccessDenied', status: 403 }
  t.match(await refusal(other.send(new GetObjectCommand({ Bucket, Key: 'key' }))), denied)
  t.match(await refusal(other.send(new PutObjectCommand({ Bucket, Key: 'key', Body: 'x' }))), denied)
  t.match(await refusal(other.send(new ListObjectsV2Command({ Bucket }))), denied)
  t.match(await refusal(other.send(new DeleteBucketCommand({ Bucket }))), denied)
  t.match(await refusal(other.send(new HeadBucketCommand({ Bucket }))), { status: 403 })
  t.match(await refusal(other.send(new CreateBucketCommand({ Bucket }))), { name: 'BucketAlreadyExists', status: 409 })
})

t.test('CopyObject: from a bucket of another identity → AccessDenied', async t => {
  await other.send(new CreateBucketCommand({ Bucket: 'bucket-of-other' }))
  const copy = new CopyObjectCommand({ Bucket: 'bucket-of-other', Key: 'stolen', CopySource: `${Bucket}/key` })
  t.match(await refusal(other.send(copy)), { name: 'AccessDenied', status: 403 })
})

t.test('another environment → the bucket does not exist, and its name is free', async t => {
  const missing = { name: 'NoSuchBucket', status: 404 }
  t.match(await refusal(staging.send(new GetObjectCommand({ Bucket, Key: 'key' }))), missing)
  await staging.send(new CreateBucketCommand({ Bucket }))
  await staging.send(new PutObjectCommand({ Bucket, Key: 'key', Body: 'of staging' }))
  const got = await staging.send(new GetObjectCommand({ Bucket, Key: 'key' }))
  t.equal(await got.Body?.transformToString(), 'of staging')
  const still = await main.send(new GetObjectCommand({ Bucket, Key: 'key' }))
  t.equal(await still.Body?.transformToString(), 'of main')
  await staging.send(new CreateBucketCommand({ Bucket: 'only-in-staging' }))
  const copy = new CopyObjectCommand({ Bucket, Key: 'stolen', CopySource: 'only-in-staging/key' })
  t.match(await refusal(main.send(copy)), missing)
})

t.test('credential with a session token → accepted with it, InvalidToken with another or none', async t => {
  await s3(t, server, { credentials: session }).send(new ListBucketsCommand({}))
  const without = s3(t, server, { credentials: key('session') })
  t.match(await refusal(without.send(new ListBucketsCommand({}))), { status: 403 })
  const wrong = s3(t, server, { credentials: { ...session, sessionToken: 'other' } })
  t.match(await refusal(wrong.send(new ListBucketsCommand({}))), { name: 'InvalidToken', status: 400 })
})

t.test('reset of one environment → the other keeps its buckets, credentials stay', async t => {
  const reset = await fetch(`${server.origin}/_mockfactory/reset`, {
    method: 'POST',
    body: '{"environment":"staging"}',
  })
  t.equal(reset.status, 200, await reset.text())
  t.same((await staging.send(new ListBucketsCommand({}))).Buckets ?? [], [])
  await main.send(new HeadBucketCommand({ Bucket }))
})

for (const [title, content] of [
  ['not JSON', '{'],
  ['no environments', '{}'],
  ['account of 3 digits', JSON.stringify({ environments: [{ name: 'a', account: '123', identities: [] }] })],
  [
    'one key twice',
    JSON.stringify({
      environments: [
        {
          name: 'default',
          account: '111111111111',
          identities: [{ name: 'main', canonicalId: canonical('a'), credentials: [key('main'), key('main')] }],
        },
      ],
    }),
  ],
] as const)
  t.test(`identities file: ${title} → exit code 2 and a message`, async t => {
    const folder = temporaryFolder(t)
    const file = join(folder, 'identities.json')
    writeFileSync(file, content)
    const port = String(await freePort())
    const running = spawnServer([
      '--ephemeral',
      '--port',
      port,
      '--s3-port',
      '0',
      '--tls-port',
      '0',
      '--identities',
      file,
    ])
    t.teardown(() => running.stop())
    t.equal((await running.ended).code, 2)
    t.match(running.logs(), 'mockfactory: ')
    t.notMatch(running.logs(), /\n\s+at /, 'no stack')
    t.notMatch(running.logs(), 'secret-of')
  })

t.test(
  'published credentials: store started with them, then with a file that does not name them → refused',
  async t => {
    const dataDir = temporaryFolder(t)
    const first = await startServer(t, { dataDir })
    await s3(t, first).send(new ListBucketsCommand({}))
    await first.stop()
    const second = await startServer(t, { dataDir, identities: untouched })
    t.match(await refusal(s3(t, second).send(new ListBucketsCommand({}))), { name: 'InvalidAccessKeyId', status: 403 })
  },
)
