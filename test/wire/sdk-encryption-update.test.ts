/** UpdateObjectEncryption as a program uses it: what it leaves as it was, what it changes, and what it refuses. */
import { createHash, randomBytes } from 'node:crypto'
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  PutObjectRetentionCommand,
  type S3Client,
  UpdateObjectEncryptionCommand,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import t, { type Test } from 'tap'
import { bytesOf, newBucket, refusal, s3 } from '../support/clients.ts'
import { startPostgres } from '../support/postgres.ts'
import { startServer } from '../support/server.ts'
import { signedFetch } from '../support/signed.ts'

const mebibyte = 1024 * 1024
const account = '000000000000'
const key = (last: number, of = account) =>
  `arn:aws:kms:us-east-1:${of}:key/11111111-2222-3333-4444-${String(last).padStart(12, '0')}`

interface Named {
  readonly Bucket: string
  readonly Key: string
  readonly VersionId?: string
}

const postgres = await startPostgres()
await t.test('sqlite', t => suite(t, []))
if ('skip' in postgres) await t.test('postgres', { skip: postgres.skip }, async () => {})
else
  await t.test('postgres', async t => {
    t.teardown(() => postgres.stop())
    await suite(t, ['--database-url', await postgres.createDatabase()])
  })

async function suite(t: Test, args: readonly string[]): Promise<void> {
  const server = await startServer(t, { args })
  const client = s3(t, server, { maxAttempts: 1 })

  const update = (of: Named, KMSKeyArn: string | undefined, BucketKeyEnabled?: boolean) =>
    client.send(
      new UpdateObjectEncryptionCommand({
        ...of,
        ObjectEncryption: { SSEKMS: { KMSKeyArn, ...(BucketKeyEnabled === undefined ? {} : { BucketKeyEnabled }) } },
      }),
    )
  const head = (of: Named) => client.send(new HeadObjectCommand({ ...of, ChecksumMode: 'ENABLED' }))
  const get = async (of: Named, more: { Range?: string; PartNumber?: number } = {}) =>
    bytesOf(await client.send(new GetObjectCommand({ ...of, ...more })))

  /** Everything of an object's head but its encryption. */
  async function rest(of: Named) {
    const { $metadata, ServerSideEncryption, SSEKMSKeyId, BucketKeyEnabled, ...others } = await head(of)
    return others
  }

  await t.test(
    'empty, inline, a file, parts: to a key, to another, with a bucket key → all else as it was',
    async t => {
      const Bucket = await newBucket(client)
      const bodies: Record<string, Buffer> = {
        empty: Buffer.alloc(0),
        inline: randomBytes(1000),
        file: randomBytes(mebibyte),
        parts: randomBytes(11 * mebibyte),
        'small/parts': randomBytes(2000),
      }
      for (const [Key, Body] of Object.entries(bodies)) {
        const params = { Bucket, Key, Body, ContentType: 'text/x-test', Metadata: { colour: 'red' } }
        if (Key.endsWith('parts')) {
          const upload = new Upload({ client: client as S3Client, params, partSize: 5 * mebibyte })
          await upload.done()
        } else await client.send(new PutObjectCommand({ ...params, Tagging: 'a=1' }))
        // One that shares its bytes, and is left alone.
        await client.send(new CopyObjectCommand({ Bucket, Key: `copy of ${Key}`, CopySource: `${Bucket}/${Key}` }))
      }
      for (const [Key, body] of Object.entries(bodies)) {
        const of = { Bucket, Key }
        const before = await rest(of)
        for (const [KMSKeyArn, bucketKey] of [
          [key(1), undefined],
          [key(2), true],
          [key(2), false],
        ] as const) {
          t.same((await update(of, KMSKeyArn, bucketKey)).$metadata.httpStatusCode, 200)
          const after = await head(of)
          t.equal(after.ServerSideEncryption, 'aws:kms', Key)
          t.equal(after.SSEKMSKeyId, KMSKeyArn)
          t.equal(after.BucketKeyEnabled ?? false, bucketKey ?? false)
          t.same(await rest(of), before, Key)
          t.ok(body.equals(await get(of)), `${Key} under ${KMSKeyArn}`)
          if (body.length > 100) t.ok(body.subarray(7, 50).equals(await get(of, { Range: 'bytes=7-49' })))
        }
        const copy = { Bucket, Key: `copy of ${Key}` }
        t.equal((await head(copy)).ServerSideEncryption, 'AES256')
        t.ok(body.equals(await get(copy)), `the copy of ${Key}`)
      }
      const parts = { Bucket, Key: 'parts' }
      t.ok(bodies['parts']!.subarray(10 * mebibyte).equals(await get(parts, { PartNumber: 3 })))
      const attributes = await client.send(
        new GetObjectAttributesCommand({ ...parts, ObjectAttributes: ['ObjectParts', 'StorageClass'] }),
      )
      t.equal(attributes.ObjectParts?.TotalPartsCount, 3)
      await client.send(new CopyObjectCommand({ Bucket, Key: 'later', CopySource: `${Bucket}/parts` }))
      t.ok(bodies['parts']!.equals(await get({ Bucket, Key: 'later' })))
    },
  )

  await t.test('encrypted at first: by this server, by a key → under the other key, the bytes the same', async t => {
    const Bucket = await newBucket(client)
    const body = randomBytes(200_000)
    for (const [Key, asked] of [
      ['managed', { ServerSideEncryption: 'AES256' }],
      ['named', { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: key(1) }],
    ] as const) {
      await client.send(new PutObjectCommand({ Bucket, Key, Body: body, ...asked }))
      const before = await rest({ Bucket, Key })
      await update({ Bucket, Key }, key(3), true)
      t.match(await head({ Bucket, Key }), { SSEKMSKeyId: key(3), BucketKeyEnabled: true })
      t.same(await rest({ Bucket, Key }), before)
      t.ok(body.equals(await get({ Bucket, Key })))
    }
  })

  await t.test('versions → the one that is named, the others as they were', async t => {
    const Bucket = await newBucket(client)
    await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
    const put = async (Body: string) => (await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body }))).VersionId!
    const [first, second] = [await put('first'), await put('second')]
    await update({ Bucket, Key: 'k', VersionId: first }, key(1))
    t.equal((await head({ Bucket, Key: 'k', VersionId: first })).SSEKMSKeyId, key(1))
    t.equal((await head({ Bucket, Key: 'k' })).ServerSideEncryption, 'AES256')
    t.equal(`${await get({ Bucket, Key: 'k', VersionId: first })}`, 'first')
    t.equal(`${await get({ Bucket, Key: 'k', VersionId: second })}`, 'second')
    const { Versions } = await client.send(new ListObjectVersionsCommand({ Bucket }))
    t.same(
      Versions?.map(version => version.VersionId),
      [second, first],
    )
    const { VersionId: marker } = await client.send(new DeleteObjectCommand({ Bucket, Key: 'k' }))
    t.match(await refusal(update({ Bucket, Key: 'k' }, key(1))), { name: 'NoSuchKey', status: 404 })
    t.match(await refusal(update({ Bucket, Key: 'k', VersionId: marker! }, key(1))), { status: 405 })
  })

  await t.test('what cannot be updated, and keys that are none → refused in S3’s words', async t => {
    const Bucket = await newBucket(client)
    const secret = Buffer.alloc(32, 1)
    const customer = {
      SSECustomerAlgorithm: 'AES256',
      SSECustomerKey: secret.toString('base64'),
      SSECustomerKeyMD5: createHash('md5').update(secret).digest('base64'),
    }
    const dual = { ServerSideEncryption: 'aws:kms:dsse', SSEKMSKeyId: key(1) } as const
    await client.send(new PutObjectCommand({ Bucket, Key: 'plain', Body: 'x' }))
    await client.send(new PutObjectCommand({ Bucket, Key: 'customer', Body: 'x', ...customer }))
    await client.send(new PutObjectCommand({ Bucket, Key: 'dual', Body: 'x', ...dual }))
    const refused = async (Key: string, arn: string | undefined, name: string, status: number, message: RegExp) =>
      t.match(await refusal(update({ Bucket, Key }, arn)), { name, status, message })
    await refused('customer', key(2), 'InvalidRequest', 400, /DSSE-KMS or SSE-C/)
    await refused('dual', key(2), 'InvalidRequest', 400, /DSSE-KMS or SSE-C/)
    await refused('plain', key(1, '999999999999'), 'AccessDenied', 403, /same account as the bucket/)
    await refused('plain', 'alias/mine', 'InvalidRequest', 400, /valid AWS KMS key Amazon Resource Name/)
    await refused('plain', '', 'InvalidRequest', 400, /require an AWS KMS key/)
    await refused('missing', key(1), 'NoSuchKey', 404, /./)
    const raw = (inner: string) =>
      signedFetch(server, {
        method: 'PUT',
        path: `/${Bucket}/plain`,
        query: 'encryption=',
        body: `<ObjectEncryption xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inner}</ObjectEncryption>`,
      })
    t.match((await raw('<SSE-S3/>')).text, /<Code>InvalidRequest<.*valid new encryption type/s)
    t.match((await raw('')).text, /<Code>InvalidRequest<.*valid new encryption type/s)
    const odd = await raw(
      `<SSE-KMS><KMSKeyArn>${key(1)}</KMSKeyArn><BucketKeyEnabled>maybe</BucketKeyEnabled></SSE-KMS>`,
    )
    t.match(odd.text, /<Code>InvalidRequest<.*BucketKeyEnabled value/s)
    t.equal((await raw('<SSE-KMS>')).status, 400)
    t.equal((await head({ Bucket, Key: 'plain' })).ServerSideEncryption, 'AES256')
  })

  await t.test('locked: a hold, governance, compliance → refused until it is gone', async t => {
    const Bucket = `locked-${randomBytes(6).toString('hex')}`
    await client.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }))
    const of = { Bucket, Key: 'k' }
    await client.send(new PutObjectCommand({ ...of, Body: 'text' }))
    const hold = (Status: 'ON' | 'OFF') => client.send(new PutObjectLegalHoldCommand({ ...of, LegalHold: { Status } }))
    const refused = async () =>
      t.match(await refusal(update(of, key(1))), { name: 'AccessDenied', status: 403, message: /S3 Object Lock/ })
    await hold('ON')
    await refused()
    await hold('OFF')
    const RetainUntilDate = new Date(Date.now() + 86_400_000)
    await client.send(new PutObjectRetentionCommand({ ...of, Retention: { Mode: 'GOVERNANCE', RetainUntilDate } }))
    await refused()
    await client.send(new PutObjectRetentionCommand({ ...of, Retention: {}, BypassGovernanceRetention: true }))
    await update(of, key(1))
    t.equal(`${await get(of)}`, 'text')
  })

  await t.test('updates and writes at once → each reads back what was written last', async t => {
    const Bucket = await newBucket(client)
    const of = { Bucket, Key: 'busy' }
    await client.send(new PutObjectCommand({ ...of, Body: Buffer.alloc(100_000, 0) }))
    for (let round = 1; round <= 15; round++) {
      const Body = Buffer.alloc(round % 2 === 0 ? 900 : 100_000, round)
      const written = client.send(new PutObjectCommand({ ...of, Body }))
      const updated = Array.from({ length: 4 }, (_, i) => update(of, key(i)).catch(error => error as Error))
      await written
      for (const outcome of await Promise.all(updated))
        if (outcome instanceof Error) t.match(outcome.name, 'ConditionalRequestConflict')
      t.ok(Body.equals(await get(of)), `round ${round}`)
    }
  })
}
