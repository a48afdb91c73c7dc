import {
  type BucketLoggingStatus,
  CreateBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketLoggingCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketLoggingCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { bytesOf, newBucket, refusal, s3 } from '../support/clients.ts'
import { eventually } from '../support/polling.ts'
import { startServer, temporaryFolder } from '../support/server.ts'

const server = await startServer(t, { ephemeral: true })
const client = s3(t, server)

const field = /\[[^\]]*\]|"[^"]*"|[^ ]+/g
const fieldsOf = (line: string): readonly string[] => line.match(field) ?? []

/** A bucket that S3's log delivery may write into. */
async function logBucket(client: S3Client, source: string): Promise<string> {
  const Bucket = await newBucket(client)
  const Policy = JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Service: 'logging.s3.amazonaws.com' },
        Action: 's3:PutObject',
        Resource: `arn:aws:s3:::${Bucket}/logs/*`,
        Condition: {
          ArnLike: { 'aws:SourceArn': `arn:aws:s3:::${source}` },
          StringEquals: { 'aws:SourceAccount': '000000000000' },
        },
      },
    ],
  })
  await client.send(new PutBucketPolicyCommand({ Bucket, Policy }))
  return Bucket
}
const log = (Bucket: string, TargetBucket: string, more: Partial<BucketLoggingStatus['LoggingEnabled']> = {}) =>
  client.send(
    new PutBucketLoggingCommand({
      Bucket,
      BucketLoggingStatus: { LoggingEnabled: { TargetBucket, TargetPrefix: 'logs/', ...more } },
    }),
  )
async function logged(client: S3Client, Bucket: string): Promise<{ readonly key: string; readonly lines: string[] }[]> {
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }))
  const objects = []
  for (const { Key = '' } of Contents) {
    const text = (await bytesOf(await client.send(new GetObjectCommand({ Bucket, Key })))).toString()
    objects.push({ key: Key, lines: text.trimEnd().split('\n') })
  }
  return objects
}
const delivered = (Bucket: string, lines: number) =>
  eventually(async () => {
    const objects = await logged(client, Bucket)
    return objects.flatMap(object => object.lines).length >= lines ? objects : undefined
  })

t.test('PutBucketLogging: requests on the bucket → lines in objects of the target', async t => {
  const Bucket = await newBucket(client)
  const target = await logBucket(client, Bucket)
  await log(Bucket, target)
  await client.send(new PutObjectCommand({ Bucket, Key: 'a b', Body: 'bytes' }))
  await client.send(new GetObjectCommand({ Bucket, Key: 'a b' })).then(bytesOf)
  await refusal(client.send(new GetObjectCommand({ Bucket, Key: 'missing' })))
  await client.send(new DeleteObjectCommand({ Bucket, Key: 'a b' }))
  const objects = await delivered(target, 4)
  for (const { key } of objects) t.match(key, /^logs\/\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d-[0-9A-F]{16}$/)
  const lines = objects.flatMap(object => object.lines).map(fieldsOf)
  t.same(
    lines.map(fields => [fields[6], fields[7], fields[9], fields[10]]),
    [
      ['REST.PUT.OBJECT', 'a%2Bb', '200', '-'],
      ['REST.GET.OBJECT', 'a%2Bb', '200', '-'],
      ['REST.GET.OBJECT', 'missing', '404', 'NoSuchKey'],
      ['REST.DELETE.OBJECT', 'a%2Bb', '204', '-'],
    ],
  )
  const get = lines[1]!
  t.equal(get.length, 27)
  t.equal(get[0], get[4], 'the owner asks')
  t.equal(get[1], Bucket)
  t.equal(get[3], '127.0.0.1')
  t.match(get[8], `"GET /${Bucket}/a%20b`)
  t.same([get[11], get[12]], ['5', '5'], 'bytes sent, size')
  t.match(get[16], /aws-sdk-js/)
  t.same([get[19], get[21], get[22]], ['SigV4', 'AuthHeader', `127.0.0.1:${server.port}`])
})

t.test('DeleteObjects: bucket is logged → a line for each key beside its own', async t => {
  const Bucket = await newBucket(client)
  const target = await logBucket(client, Bucket)
  await log(Bucket, target)
  const Objects = ['one', 'a b'].map(Key => ({ Key }))
  await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))
  const lines = (await delivered(target, 3)).flatMap(object => object.lines).map(fieldsOf)
  t.same(
    lines.map(fields => [fields[6], fields[7], fields[9]]),
    [
      ['BATCH.DELETE.OBJECT', 'one', '204'],
      ['BATCH.DELETE.OBJECT', 'a+b', '204'],
      ['REST.POST.MULTI_OBJECT_DELETE', '-', '200'],
    ],
  )
  t.equal(new Set(lines.map(fields => fields[5])).size, 1, 'one request id')
})

t.test('PutBucketLogging: partitioned keys → account, region, bucket and day in them', async t => {
  const Bucket = await newBucket(client)
  const target = await logBucket(client, Bucket)
  await log(Bucket, target, { TargetObjectKeyFormat: { PartitionedPrefix: { PartitionDateSource: 'EventTime' } } })
  await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }))
  const [object] = await delivered(target, 1)
  const day = '\\d{4}/\\d\\d/\\d\\d/\\d{4}-\\d\\d-\\d\\d-00-00-00'
  t.match(object!.key, new RegExp(`^logs/000000000000/us-east-1/${Bucket}/${day}-[0-9A-F]{16}$`))
})

t.test('PutBucketLogging: a bucket logged into itself → its requests, but not the deliveries', async t => {
  const Bucket = await newBucket(client)
  const statement = {
    Effect: 'Allow',
    Principal: { Service: 'logging.s3.amazonaws.com' },
    Action: 's3:PutObject',
    Resource: `arn:aws:s3:::${Bucket}/*`,
  }
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
  await client.send(new PutBucketPolicyCommand({ Bucket, Policy }))
  await log(Bucket, Bucket)
  await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }))
  const objects = await eventually(async () => {
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket, Prefix: 'logs/' }))
    return Contents.length >= 2 ? Contents : undefined
  })
  for (const { Key = '' } of objects) {
    const text = (await bytesOf(await client.send(new GetObjectCommand({ Bucket, Key })))).toString()
    t.notMatch(text, /REST\.PUT\.OBJECT logs/)
  }
})

t.test('PutBucketLogging: target without permission, missing, or with its ACL → refused, refused, taken', async t => {
  const Bucket = await newBucket(client)
  const closed = await newBucket(client)
  t.match(await refusal(log(Bucket, closed)), {
    name: 'InvalidTargetBucketForLogging',
    status: 400,
    message: /log-delivery group WRITE and READ_ACP/,
  })
  t.match(await refusal(log(Bucket, 'no-such-bucket')), {
    name: 'InvalidTargetBucketForLogging',
    message: 'The target bucket for logging does not exist',
  })
  const withAcl = `${Bucket}-acl`
  await client.send(
    new CreateBucketCommand({ Bucket: withAcl, ACL: 'log-delivery-write' as never, ObjectOwnership: 'ObjectWriter' }),
  )
  await log(Bucket, withAcl)
  const got = await client.send(new GetBucketLoggingCommand({ Bucket }))
  t.equal(got.LoggingEnabled?.TargetBucket, withAcl)
  await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }))
  await delivered(withAcl, 1)
})

t.test('PutBucketLogging: ended → no more lines', async t => {
  const Bucket = await newBucket(client)
  const target = await logBucket(client, Bucket)
  await log(Bucket, target)
  await client.send(new PutObjectCommand({ Bucket, Key: 'first', Body: 'x' }))
  await client.send(new PutBucketLoggingCommand({ Bucket, BucketLoggingStatus: {} }))
  await client.send(new PutObjectCommand({ Bucket, Key: 'second', Body: 'x' }))
  const text = JSON.stringify(await delivered(target, 2))
  t.match(text, 'first')
  t.match(text, 'REST.PUT.LOGGING_STATUS')
  t.notMatch(text, 'second')
})

t.test('SIGTERM: lines that are held → written before the end', async t => {
  const dataDir = temporaryFolder(t)
  const first = await startServer(t, { dataDir })
  const before = s3(t, first)
  const Bucket = await newBucket(before)
  const target = await logBucket(before, Bucket)
  const LoggingEnabled = { TargetBucket: target, TargetPrefix: 'logs/' }
  await before.send(new PutBucketLoggingCommand({ Bucket, BucketLoggingStatus: { LoggingEnabled } }))
  await before.send(new PutObjectCommand({ Bucket, Key: 'last', Body: 'x' }))
  await first.stop()
  const objects = await logged(s3(t, await startServer(t, { dataDir })), target)
  t.match(objects.flatMap(object => object.lines).join('\n'), / REST\.PUT\.OBJECT last /)
})
