/** Who pays for a bucket's requests, and whose a bucket is expected to be. */
import {
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutBucketPolicyCommand,
  PutBucketRequestPaymentCommand,
  PutObjectCommand,
  PutPublicAccessBlockCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import t from 'tap'
import { bytesOf, newBucket, refusal, s3 } from '../support/clients.ts'
import { postForm, signFields4 } from '../support/forms.ts'
import { startServer } from '../support/server.ts'
import { element, signedFetch } from '../support/signed.ts'

const guest = { accessKeyId: 'guest', secretAccessKey: 'guest-secret' }
const account = '123456789012'
const server = await startServer(t, {
  identities: {
    environments: [
      {
        name: 'default',
        account,
        identities: [
          { name: 'main', credentials: [{ accessKeyId: 'test', secretAccessKey: 'test' }] },
          { name: 'guest', credentials: [guest] },
        ],
      },
    ],
  },
})
const owner = s3(t, server)
const asGuest = s3(t, server, { credentials: guest })
const denied = { name: 'AccessDenied', status: 403 }
const RequestPayer = 'requester'

/** A bucket of the owner's in which everybody may do everything. */
async function sharedBucket(Payer: 'Requester' | 'BucketOwner'): Promise<string> {
  const Bucket = await newBucket(owner)
  const Resource = [`arn:aws:s3:::${Bucket}`, `arn:aws:s3:::${Bucket}/*`]
  const Statement = [{ Effect: 'Allow', Principal: '*', Action: 's3:*', Resource }]
  const PublicAccessBlockConfiguration = { BlockPublicPolicy: false, RestrictPublicBuckets: false }
  await owner.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration }))
  await owner.send(new PutBucketPolicyCommand({ Bucket, Policy: JSON.stringify({ Version: '2012-10-17', Statement }) }))
  await owner.send(new PutBucketRequestPaymentCommand({ Bucket, RequestPaymentConfiguration: { Payer } }))
  await owner.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'content' }))
  return Bucket
}
const Bucket = await sharedBucket('Requester')
const at = { Bucket, Key: 'k' }

t.test('requester pays: a requester who says so → served, and told that it is charged', async t => {
  const charged = async (sent: Promise<{ RequestCharged?: string | undefined }>) =>
    t.equal((await sent).RequestCharged, 'requester')
  const got = await asGuest.send(new GetObjectCommand({ ...at, RequestPayer }))
  t.equal(got.RequestCharged, 'requester')
  t.equal(String(await bytesOf(got)), 'content')
  await charged(asGuest.send(new HeadObjectCommand({ ...at, RequestPayer })))
  await charged(asGuest.send(new ListObjectsV2Command({ Bucket, RequestPayer })))
  await charged(asGuest.send(new PutObjectCommand({ Bucket, Key: 'mine', Body: Buffer.alloc(100_000), RequestPayer })))
  const large = await asGuest.send(new GetObjectCommand({ Bucket, Key: 'mine', RequestPayer }))
  t.equal(large.RequestCharged, 'requester', 'with a streamed body too')
  t.equal((await bytesOf(large)).length, 100_000)
  await charged(asGuest.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/k`, RequestPayer })))
  const upload = { Bucket, Key: 'parts', RequestPayer } as const
  const { UploadId, RequestCharged } = await asGuest.send(new CreateMultipartUploadCommand(upload))
  t.equal(RequestCharged, 'requester')
  await charged(asGuest.send(new UploadPartCommand({ ...upload, UploadId, PartNumber: 1, Body: 'part' })))
  await charged(asGuest.send(new ListPartsCommand({ ...upload, UploadId })))
  await charged(asGuest.send(new DeleteObjectCommand({ Bucket, Key: 'copy', RequestPayer })))
  const Delete = { Objects: [{ Key: 'mine' }] }
  await charged(asGuest.send(new DeleteObjectsCommand({ Bucket, Delete, RequestPayer })))
  const link = await getSignedUrl(asGuest, new GetObjectCommand({ ...at, RequestPayer }))
  const linked = await fetch(link)
  t.same([await linked.text(), linked.headers.get('x-amz-request-charged')], ['content', 'requester'])
  const range = { ...at, RequestPayer, Range: 'bytes=0-1' } as const
  await charged(asGuest.send(new GetObjectCommand(range)))
})

t.test('requester pays: a requester who does not, or nobody → AccessDenied', async t => {
  t.match(await refusal(asGuest.send(new GetObjectCommand(at))), denied)
  t.match(await refusal(asGuest.send(new HeadBucketCommand({ Bucket }))), { status: 403 })
  t.match(await refusal(asGuest.send(new ListObjectsV2Command({ Bucket }))), denied)
  t.match(await refusal(asGuest.send(new PutObjectCommand({ Bucket, Key: 'x', Body: 'x' }))), denied)
  const Delete = { Objects: [{ Key: 'k' }, { Key: 'none' }] }
  t.match(await refusal(asGuest.send(new DeleteObjectsCommand({ Bucket, Delete }))), denied, 'the whole of it')
  const CopySource = `${Bucket}/k`
  const elsewhere = await newBucket(asGuest)
  t.match(await refusal(asGuest.send(new CopyObjectCommand({ Bucket: elsewhere, Key: 'c', CopySource }))), denied)
  for (const credentials of [guest, null])
    for (const value of ['owner', 'BucketOwner', 'true', ...(credentials === null ? ['requester'] : [])]) {
      const headers = { 'x-amz-request-payer': value }
      const answer = await signedFetch(server, { method: 'GET', path: `/${Bucket}/k`, headers, credentials })
      t.same([answer.status, element(answer.text, 'Code')], [403, 'AccessDenied'], value)
      t.equal(answer.headers['x-amz-request-charged'], undefined)
    }
  t.equal(String(await bytesOf(await owner.send(new GetObjectCommand(at)))), 'content', 'nothing is gone')
})

t.test('requester pays: a copy out of the bucket into one’s own → charged', async t => {
  const mine = await newBucket(asGuest)
  const CopySource = `${Bucket}/k`
  const copied = await asGuest.send(new CopyObjectCommand({ Bucket: mine, Key: 'c', CopySource, RequestPayer }))
  t.equal(copied.RequestCharged, 'requester')
  const { UploadId } = await asGuest.send(new CreateMultipartUploadCommand({ Bucket: mine, Key: 'm' }))
  const part = { Bucket: mine, Key: 'm', UploadId, PartNumber: 1, CopySource }
  t.match(await refusal(asGuest.send(new UploadPartCopyCommand(part))), denied)
  t.equal((await asGuest.send(new UploadPartCopyCommand({ ...part, RequestPayer }))).RequestCharged, 'requester')
})

t.test('requester pays: what fails, or concerns its owner → not charged', async t => {
  for (const more of [{}, { RequestPayer } as const]) {
    const answer = await owner.send(new GetObjectCommand({ ...at, ...more }))
    t.equal(answer.RequestCharged, undefined)
    await bytesOf(answer)
  }
  const headers = { 'x-amz-request-payer': 'requester' }
  const missing = await signedFetch(server, { method: 'GET', path: `/${Bucket}/none`, headers, credentials: guest })
  t.same([missing.status, missing.headers['x-amz-request-charged']], [404, undefined])
})

t.test('requester pays: a form of a requester → taken when it says so', async t => {
  const paid = { 'x-amz-request-payer': 'requester' }
  const post = (more: readonly object[], fields: Record<string, string> = {}) => {
    const signed = signFields4([{ bucket: Bucket }, { key: 'form' }, ...more], { credentials: guest })
    return postForm(server, `/${Bucket}`, { fields: { key: 'form', ...fields, ...signed } })
  }
  const taken = await post([paid], paid)
  t.same([taken.status, taken.headers['x-amz-request-charged']], [204, 'requester'])
  const refused = await post([])
  t.same([refused.status, element(refused.text, 'Message')], [403, 'Access Denied'])
})

t.test('owner pays: the header of a requester → means nothing', async t => {
  const free = await sharedBucket('BucketOwner')
  const answer = await asGuest.send(new GetObjectCommand({ Bucket: free, Key: 'k', RequestPayer }))
  t.equal(answer.RequestCharged, undefined)
  t.equal(String(await bytesOf(answer)), 'content')
})

t.test('expected bucket owner: the account → served; another → AccessDenied; no account → its own code', async t => {
  const mine = await newBucket(owner)
  const put = { Bucket: mine, Key: 'k', Body: 'x' }
  await owner.send(new PutObjectCommand({ ...put, ExpectedBucketOwner: account }))
  const others = '999999999999'
  t.match(await refusal(owner.send(new PutObjectCommand({ ...put, ExpectedBucketOwner: others }))), denied)
  t.match(await refusal(owner.send(new GetObjectCommand({ ...put, ExpectedBucketOwner: others }))), denied)
  t.match(await refusal(owner.send(new ListObjectsV2Command({ Bucket: mine, ExpectedBucketOwner: others }))), denied)
  t.match((await refusal(owner.send(new HeadBucketCommand({ Bucket: mine, ExpectedBucketOwner: others })))).status, 403)
  const Delete = { Objects: [{ Key: 'k' }] }
  const removal = new DeleteObjectsCommand({ Bucket: mine, Delete, ExpectedBucketOwner: others })
  t.match(await refusal(owner.send(removal)), denied)
  const removed = new DeleteObjectCommand({ Bucket: mine, Key: 'k', ExpectedBucketOwner: others })
  t.match(await refusal(owner.send(removed)), denied)
  const payment = { Bucket: mine, RequestPaymentConfiguration: { Payer: 'Requester' }, ExpectedBucketOwner: others }
  t.match(await refusal(owner.send(new PutBucketRequestPaymentCommand(payment as never))), denied)
  for (const ExpectedBucketOwner of ['me', '12345678901', '1234567890123'])
    t.match(await refusal(owner.send(new GetObjectCommand({ ...put, ExpectedBucketOwner }))), {
      name: 'InvalidBucketOwnerAWSAccountID',
      status: 400,
    })
  t.equal(String(await bytesOf(await owner.send(new GetObjectCommand({ ...put, ExpectedBucketOwner: account })))), 'x')
  const link = await getSignedUrl(owner, new GetObjectCommand({ ...put, ExpectedBucketOwner: others }))
  t.equal((await fetch(link)).status, 403, 'by link')
})

t.test('expected owner of a copy’s source: as that of the bucket', async t => {
  const mine = await newBucket(owner)
  await owner.send(new PutObjectCommand({ Bucket: mine, Key: 'k', Body: 'x' }))
  const copy = { Bucket: mine, Key: 'c', CopySource: `${mine}/k` }
  const { UploadId } = await owner.send(new CreateMultipartUploadCommand({ Bucket: mine, Key: 'm' }))
  const part = { Bucket: mine, Key: 'm', UploadId, PartNumber: 1, CopySource: `${mine}/k` }
  for (const [ExpectedSourceBucketOwner, expected] of [
    ['999999999999', denied],
    ['nobody', { name: 'InvalidBucketOwnerAWSAccountID', status: 400 }],
  ] as const) {
    t.match(await refusal(owner.send(new CopyObjectCommand({ ...copy, ExpectedSourceBucketOwner }))), expected)
    t.match(await refusal(owner.send(new UploadPartCopyCommand({ ...part, ExpectedSourceBucketOwner }))), expected)
  }
  t.match(await refusal(owner.send(new HeadObjectCommand({ Bucket: mine, Key: 'c' }))), { status: 404 })
  const both = { ExpectedSourceBucketOwner: account, ExpectedBucketOwner: account }
  await owner.send(new CopyObjectCommand({ ...copy, ...both }))
  await owner.send(new UploadPartCopyCommand({ ...part, ...both }))
})
