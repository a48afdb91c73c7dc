import {
  CreateBucketCommand,
  DeleteBucketCommand,
  GetBucketLocationCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { newBucket, refusal, s3 } from '../support/clients.ts'
import { startServer } from '../support/server.ts'

const server = await startServer(t, { ephemeral: true })
const client = s3(t, server)

t.test('CreateBucket: new name → its location, and it is there', async t => {
  const created = await client.send(new CreateBucketCommand({ Bucket: 'fresh-name' }))
  t.equal(created.Location, '/fresh-name')
  const head = await client.send(new HeadBucketCommand({ Bucket: 'fresh-name' }))
  t.equal(head.BucketRegion, 'us-east-1')
})

t.test('CreateBucket: one own again in us-east-1 → success, contents kept', async t => {
  const Bucket = await newBucket(client)
  await client.send(new PutObjectCommand({ Bucket, Key: 'kept', Body: 'x' }))
  await client.send(new CreateBucketCommand({ Bucket }))
  t.match(await refusal(client.send(new DeleteBucketCommand({ Bucket }))), { name: 'BucketNotEmpty', status: 409 })
})

t.test('CreateBucket: one own again in another region → BucketAlreadyOwnedByYou', async t => {
  const european = s3(t, server, { region: 'eu-west-1' })
  const input = { Bucket: 'european-name', CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' as const } }
  await european.send(new CreateBucketCommand(input))
  t.match(await refusal(european.send(new CreateBucketCommand(input))), {
    name: 'BucketAlreadyOwnedByYou',
    status: 409,
  })
  const location = await european.send(new GetBucketLocationCommand({ Bucket: input.Bucket }))
  t.equal(location.LocationConstraint, 'eu-west-1')
  const head = await european.send(new HeadBucketCommand({ Bucket: input.Bucket }))
  t.equal(head.BucketRegion, 'eu-west-1')
})

for (const Bucket of [
  'ab',
  'Upper-case',
  'under_score',
  'two..dots',
  '192.168.5.4',
  'xn--prefix',
  'name-s3alias',
  '-dash',
  'x'.repeat(64),
])
  t.test(`CreateBucket: name ${Bucket} → InvalidBucketName`, async t => {
    t.match(await refusal(client.send(new CreateBucketCommand({ Bucket }))), { name: 'InvalidBucketName', status: 400 })
  })

for (const Bucket of ['abc', 'x'.repeat(63), 'dots.in.name', '1-2-3'])
  t.test(`CreateBucket: name ${Bucket} → created`, async t => {
    await client.send(new CreateBucketCommand({ Bucket }))
    await client.send(new DeleteBucketCommand({ Bucket }))
    t.match(await refusal(client.send(new HeadBucketCommand({ Bucket }))), { name: 'NotFound', status: 404 })
  })

t.test('GetBucketLocation: bucket of us-east-1 → no constraint', async t => {
  const Bucket = await newBucket(client)
  const location = await client.send(new GetBucketLocationCommand({ Bucket }))
  t.notOk(location.LocationConstraint)
})

t.test('GetBucketLocation, DeleteBucket: missing bucket → NoSuchBucket', async t => {
  const missing = { Bucket: 'no-such-bucket-here' }
  t.match(await refusal(client.send(new GetBucketLocationCommand(missing))), { name: 'NoSuchBucket', status: 404 })
  t.match(await refusal(client.send(new DeleteBucketCommand(missing))), {
    name: 'NoSuchBucket',
    status: 404,
    message: 'The specified bucket does not exist',
  })
})

t.test('ListBuckets: all → own buckets by name, with an owner', async t => {
  const listed = await client.send(new ListBucketsCommand({}))
  const names = (listed.Buckets ?? []).map(bucket => bucket.Name ?? '')
  t.ok(names.includes('fresh-name'))
  t.same(names, [...names].sort())
  t.ok(listed.Buckets?.every(bucket => bucket.CreationDate instanceof Date))
  t.match(listed.Owner?.ID, /^[0-9a-f]{64}$/)
  t.equal(listed.Owner?.DisplayName, undefined)
})

t.test('ListBuckets: prefix and pages → every matching bucket once', async t => {
  const wanted = ['page-a', 'page-b', 'page-c', 'page-d', 'page-e']
  for (const Bucket of wanted) await client.send(new CreateBucketCommand({ Bucket }))
  const found: string[] = []
  let pages = 0
  for (let ContinuationToken: string | undefined; ; ) {
    const page = await client.send(
      new ListBucketsCommand({ Prefix: 'page-', MaxBuckets: 2, ...(ContinuationToken ? { ContinuationToken } : {}) }),
    )
    pages++
    t.equal(page.Prefix, 'page-')
    found.push(...(page.Buckets ?? []).map(bucket => bucket.Name ?? ''))
    ContinuationToken = page.ContinuationToken
    if (ContinuationToken === undefined) break
  }
  t.same(found, wanted)
  t.equal(pages, 3)
})
