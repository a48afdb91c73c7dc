import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutBucketReplicationCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { newBucket, refusal, s3 } from '../support/clients.ts'
import { eventually } from '../support/polling.ts'
import { startServer } from '../support/server.ts'

const server = await startServer(t, { ephemeral: true })
const client = s3(t, server)
const Role = 'arn:aws:iam::000000000000:role/replicator'

async function versioned(): Promise<string> {
  const Bucket = await newBucket(client)
  await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
  return Bucket
}
function replicate(from: string, to: string) {
  return client.send(
    new PutBucketReplicationCommand({
      Bucket: from,
      ReplicationConfiguration: {
        Role,
        Rules: [
          {
            ID: 'all',
            Status: 'Enabled',
            Priority: 1,
            Filter: { Prefix: '' },
            DeleteMarkerReplication: { Status: 'Enabled' },
            Destination: { Bucket: `arn:aws:s3:::${to}`, StorageClass: 'STANDARD_IA' },
          },
        ],
      },
    }),
  )
}
const head = (Bucket: string, Key: string) => client.send(new HeadObjectCommand({ Bucket, Key }))
const completed = (Bucket: string, Key: string) =>
  eventually(async () => {
    const found = await head(Bucket, Key)
    return found.ReplicationStatus === 'COMPLETED' ? found : undefined
  })

t.test('PutObject: bucket is replicated → the replica has its version, bytes, metadata and tags', async t => {
  const [from, to] = [await versioned(), await versioned()]
  await replicate(from, to)
  const put = await client.send(
    new PutObjectCommand({ Bucket: from, Key: 'a/k', Body: 'bytes', Metadata: { m: 'v' }, Tagging: 'x=y' }),
  )
  const source = await completed(from, 'a/k')
  const replica = await client.send(new GetObjectCommand({ Bucket: to, Key: 'a/k' }))
  t.match(replica, {
    ReplicationStatus: 'REPLICA',
    VersionId: put.VersionId,
    ETag: put.ETag,
    Metadata: { m: 'v' },
    StorageClass: 'STANDARD_IA',
    LastModified: source.LastModified,
    TagCount: 1,
  })
  t.equal(await replica.Body?.transformToString(), 'bytes')
  await client.send(
    new PutObjectTaggingCommand({ Bucket: from, Key: 'a/k', Tagging: { TagSet: [{ Key: 'x', Value: 'z' }] } }),
  )
  await completed(from, 'a/k')
  const tags = await client.send(new GetObjectTaggingCommand({ Bucket: to, Key: 'a/k' }))
  t.same(tags.TagSet, [{ Key: 'x', Value: 'z' }])
})

t.test('CompleteMultipartUpload and DeleteObject: bucket is replicated → object and marker follow', async t => {
  const [from, to] = [await versioned(), await versioned()]
  await replicate(from, to)
  const at = { Bucket: from, Key: 'large' }
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(at))
  const Parts = []
  for (const PartNumber of [1, 2]) {
    const Body = Buffer.alloc(PartNumber === 1 ? 5 * 1024 * 1024 : 1000, PartNumber)
    const { ETag } = await client.send(new UploadPartCommand({ ...at, UploadId, PartNumber, Body }))
    Parts.push({ PartNumber, ETag })
  }
  await client.send(new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts } }))
  await completed(from, 'large')
  const replica = await client.send(new GetObjectCommand({ Bucket: to, Key: 'large', PartNumber: 2 }))
  t.ok(Buffer.from((await replica.Body?.transformToByteArray()) ?? []).equals(Buffer.alloc(1000, 2)))
  t.equal(replica.PartsCount, 2)
  const marker = await client.send(new DeleteObjectCommand(at))
  const listed = await eventually(async () => {
    const page = await client.send(new ListObjectVersionsCommand({ Bucket: to }))
    return page.DeleteMarkers === undefined ? undefined : page
  })
  t.match(listed.DeleteMarkers, [{ Key: 'large', VersionId: marker.VersionId, IsLatest: true }])
  t.equal(listed.Versions?.length, 1)
})

t.test('PutBucketReplication: destination is not there, or keeps no versions → InvalidRequest', async t => {
  const from = await versioned()
  t.match(await refusal(replicate(from, 'no-such-bucket')), {
    name: 'InvalidRequest',
    status: 400,
    message: 'Destination bucket must exist.',
  })
  t.match(await refusal(replicate(from, await newBucket(client))), {
    name: 'InvalidRequest',
    message: 'Destination bucket must have versioning enabled.',
  })
})

t.test('PutBucketVersioning: Suspended where a bucket is replicated → InvalidBucketState', async t => {
  const from = await versioned()
  await replicate(from, await versioned())
  const suspended = new PutBucketVersioningCommand({ Bucket: from, VersioningConfiguration: { Status: 'Suspended' } })
  t.match(await refusal(client.send(suspended)), { name: 'InvalidBucketState', status: 409 })
})

t.test('PutObject: destination stopped keeping versions → FAILED', async t => {
  const [from, to] = [await versioned(), await versioned()]
  await replicate(from, to)
  await client.send(new PutBucketVersioningCommand({ Bucket: to, VersioningConfiguration: { Status: 'Suspended' } }))
  await client.send(new PutObjectCommand({ Bucket: from, Key: 'k', Body: 'x' }))
  await eventually(async () => ((await head(from, 'k')).ReplicationStatus === 'FAILED' ? true : undefined))
  t.match(await refusal(head(to, 'k')), { status: 404 })
})
