/** Policies of buckets with the JavaScript SDK: what they may say, whom they let in, and what blocks them. */
import {
  DeleteBucketPolicyCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketLocationCommand,
  GetBucketPolicyCommand,
  GetBucketPolicyStatusCommand,
  GetBucketTaggingCommand,
  GetObjectAclCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type PublicAccessBlockConfiguration,
  PutBucketPolicyCommand,
  PutObjectCommand,
  PutPublicAccessBlockCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { newBucket, refusal } from '../support/clients.ts'
import { element } from '../support/signed.ts'
import {
  account,
  allow,
  bucketArn,
  denied,
  deny,
  guestArn,
  objectArn,
  textOf,
  twoIdentities,
} from '../support/two-identities.ts'

const { owner, guest, openBucket, give, fill, anonymous } = await twoIdentities(t)
const everyone = { Principal: '*' }
const block = (Bucket: string, PublicAccessBlockConfiguration: PublicAccessBlockConfiguration) =>
  owner.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration }))

t.test('GetBucketPolicy: none → NoSuchBucketPolicy; one → as it was put; deleted → none again', async t => {
  const Bucket = await newBucket(owner)
  const missing = { name: 'NoSuchBucketPolicy', status: 404 }
  t.match(await refusal(owner.send(new GetBucketPolicyCommand({ Bucket }))), missing)
  t.match(await refusal(owner.send(new GetBucketPolicyStatusCommand({ Bucket }))), missing)
  await give(Bucket, allow('s3:GetObject', objectArn(Bucket)))
  const { Policy } = await owner.send(new GetBucketPolicyCommand({ Bucket }))
  t.match(JSON.parse(Policy!), { Version: '2012-10-17', Statement: [{ Action: 's3:GetObject' }] })
  t.match(await refusal(guest.send(new GetBucketPolicyCommand({ Bucket }))), denied)
  t.match(await refusal(guest.send(new DeleteBucketPolicyCommand({ Bucket }))), denied)
  await owner.send(new DeleteBucketPolicyCommand({ Bucket }))
  t.match(await refusal(owner.send(new GetBucketPolicyCommand({ Bucket }))), missing)
  await owner.send(new DeleteBucketPolicyCommand({ Bucket }))
})

t.test('PutBucketPolicy: what is not a policy of this bucket → MalformedPolicy, and the old one stays', async t => {
  const Bucket = await newBucket(owner)
  const good = allow('s3:GetObject', objectArn(Bucket))
  await give(Bucket, good)
  const { Effect: _, ...effectless } = good
  const { Principal: __, ...nobodys } = good
  const { Resource: ___, ...nowhere } = good
  const bad: Record<string, unknown> = {
    'no JSON': '{"Version"',
    'an array': [good],
    'no Statement': { Version: '2012-10-17' },
    'an empty Statement': { Version: '2012-10-17', Statement: [] },
    'another version': { Version: '2020-01-01', Statement: [good] },
    'an unknown element': { Version: '2012-10-17', Statement: [{ ...good, Actions: 's3:*' }] },
    'no Effect': { Statement: [effectless] },
    'another Effect': { Statement: [{ ...good, Effect: 'Permit' }] },
    'no Principal': { Statement: [nobodys] },
    'no Resource': { Statement: [nowhere] },
    'an account that is none': { Statement: [{ ...good, Principal: { AWS: 'someone' } }] },
    'a group': { Statement: [{ ...good, Principal: { AWS: `arn:aws:iam::${account}:group/all` } }] },
    'NotPrincipal with Allow': { Statement: [{ ...nobodys, NotPrincipal: { AWS: guestArn } }] },
    'Action and NotAction': { Statement: [{ ...good, NotAction: 's3:PutObject' }] },
    'an unknown action': { Statement: [allow('s3:FetchObject', objectArn(Bucket))] },
    'an action of another service': { Statement: [allow('sqs:SendMessage', objectArn(Bucket))] },
    'another bucket': { Statement: [allow('s3:GetObject', objectArn('elsewhere'))] },
    'an object’s action on the bucket': { Statement: [allow('s3:GetObject', bucketArn(Bucket))] },
    'a bucket’s action on objects': { Statement: [allow('s3:ListBucket', objectArn(Bucket))] },
    'an unknown operator': { Statement: [{ ...good, Condition: { StringIs: { 'aws:Referer': 'x' } } }] },
    'an unknown key': { Statement: [{ ...good, Condition: { StringEquals: { 's3:colour': 'x' } } }] },
    'a key of other actions': { Statement: [{ ...good, Condition: { StringEquals: { 's3:prefix': 'x' } } }] },
    'no address': { Statement: [{ ...good, Condition: { IpAddress: { 'aws:SourceIp': 'here' } } }] },
  }
  for (const [what, document] of Object.entries(bad)) {
    const Policy = typeof document === 'string' ? document : JSON.stringify(document)
    const answer = await refusal(owner.send(new PutBucketPolicyCommand({ Bucket, Policy })))
    t.match(answer, { name: 'MalformedPolicy', status: 400 }, what)
  }
  t.match(JSON.parse((await owner.send(new GetBucketPolicyCommand({ Bucket }))).Policy!).Statement, [good])
})

t.test('a policy: lets the guest read, write and list → exactly that', async t => {
  const Bucket = await openBucket()
  await fill(Bucket, 'in/a', 'out/a')
  t.match(await refusal(guest.send(new GetObjectCommand({ Bucket, Key: 'in/a' }))), denied, 'without one')
  await give(Bucket, allow('s3:GetObject', objectArn(Bucket, 'in/*')))
  t.equal(await textOf(guest, Bucket, 'in/a'), 'in/a')
  t.match(await guest.send(new HeadObjectCommand({ Bucket, Key: 'in/a' })), { ContentLength: 4 })
  t.match(await refusal(guest.send(new GetObjectCommand({ Bucket, Key: 'out/a' }))), denied)
  t.match(await refusal(guest.send(new GetObjectAclCommand({ Bucket, Key: 'in/a' }))), denied)
  t.match(await refusal(guest.send(new PutObjectCommand({ Bucket, Key: 'in/b', Body: 'b' }))), denied)
  t.match(await refusal(guest.send(new ListObjectsV2Command({ Bucket }))), denied)
  t.equal((await anonymous(`/${Bucket}/in/a`)).status, 403, 'it names the guest alone')

  await give(Bucket, allow('s3:PutObject', objectArn(Bucket, 'in/*')))
  await guest.send(new PutObjectCommand({ Bucket, Key: 'in/b', Body: 'b' }))
  t.match(await refusal(guest.send(new GetObjectCommand({ Bucket, Key: 'in/b' }))), denied, 'written, not read')
  t.match(await refusal(guest.send(new PutObjectCommand({ Bucket, Key: 'out/b', Body: 'b' }))), denied)
  t.match(await refusal(guest.send(new PutObjectCommand({ Bucket, Key: 'in/c', Body: 'c', Tagging: 'a=b' }))), denied)
  t.match(await refusal(guest.send(new DeleteObjectCommand({ Bucket, Key: 'in/b' }))), denied)

  await give(Bucket, allow('s3:ListBucket', bucketArn(Bucket)))
  const listed = await guest.send(new ListObjectsV2Command({ Bucket }))
  t.same(
    listed.Contents?.map(entry => entry.Key),
    ['in/a', 'in/b', 'out/a'],
  )
  t.match(await refusal(guest.send(new GetObjectCommand({ Bucket, Key: 'in/a' }))), denied)
  t.match(await refusal(guest.send(new GetBucketLocationCommand({ Bucket }))), denied)
})

t.test('DeleteObjects: some keys denied → the others are gone, those are errors', async t => {
  const Bucket = await openBucket()
  await fill(Bucket, 'mine/a', 'yours/a')
  await give(Bucket, allow('s3:DeleteObject', objectArn(Bucket, 'yours/*')))
  const Delete = { Objects: [{ Key: 'mine/a' }, { Key: 'yours/a' }] }
  const { Deleted, Errors } = await guest.send(new DeleteObjectsCommand({ Bucket, Delete }))
  t.match(Deleted, [{ Key: 'yours/a' }])
  t.match(Errors, [{ Key: 'mine/a', Code: 'AccessDenied' }])
  t.equal(await textOf(owner, Bucket, 'mine/a'), 'mine/a')
})

t.test('a policy: Deny beside Allow → denied, the owner too', async t => {
  const Bucket = await openBucket()
  await fill(Bucket, 'a', 'secret')
  await give(
    Bucket,
    deny('s3:GetObject', objectArn(Bucket, 'secret'), everyone),
    allow('s3:GetObject', objectArn(Bucket), everyone),
  )
  for (const client of [owner, guest]) {
    t.equal(await textOf(client, Bucket, 'a'), 'a')
    t.match(await refusal(client.send(new GetObjectCommand({ Bucket, Key: 'secret' }))), denied)
  }
  t.equal((await anonymous(`/${Bucket}/secret`)).status, 403)
  await owner.send(new PutObjectCommand({ Bucket, Key: 'secret', Body: 'only reading is denied' }))
})

t.test('a policy: denies everyone everything → the owner can still see, replace and delete it, no more', async t => {
  const Bucket = await openBucket()
  await fill(Bucket, 'a')
  const nothing = deny('s3:*', [bucketArn(Bucket), objectArn(Bucket)], everyone)
  await give(Bucket, nothing)
  t.match(await refusal(owner.send(new GetObjectCommand({ Bucket, Key: 'a' }))), denied)
  t.match(await refusal(owner.send(new ListObjectsV2Command({ Bucket }))), denied)
  t.match(await refusal(owner.send(new GetBucketTaggingCommand({ Bucket }))), denied)
  t.match(await refusal(owner.send(new GetBucketPolicyStatusCommand({ Bucket }))), denied)
  t.match((await owner.send(new GetBucketPolicyCommand({ Bucket }))).Policy, /"Deny"/)
  await give(Bucket, deny('s3:GetObject', objectArn(Bucket), everyone))
  await owner.send(new ListObjectsV2Command({ Bucket }))
  await give(Bucket, nothing)
  t.match(await refusal(guest.send(new DeleteBucketPolicyCommand({ Bucket }))), denied)
  await owner.send(new DeleteBucketPolicyCommand({ Bucket }))
  t.equal(await textOf(owner, Bucket, 'a'), 'a')
})

t.test('a policy: NotPrincipal, NotAction, NotResource → all but those', async t => {
  const Bucket = await openBucket()
  await fill(Bucket, 'a', 'b/1')
  const [whole, all] = [bucketArn(Bucket), objectArn(Bucket)]
  const { Principal: _, ...others } = deny('s3:GetObject', all)
  await give(Bucket, allow('s3:GetObject', all, everyone), {
    ...others,
    NotPrincipal: { AWS: [guestArn, `arn:aws:iam::${account}:user/main`] },
  })
  t.equal(await textOf(guest, Bucket, 'a'), 'a')
  t.equal(await textOf(owner, Bucket, 'a'), 'a')
  t.equal((await anonymous(`/${Bucket}/a`)).status, 403)

  const { Action: __, ...anything } = allow('', [whole, all])
  await give(Bucket, { ...anything, NotAction: ['s3:Delete*', 's3:PutObject'] })
  t.equal(await textOf(guest, Bucket, 'a'), 'a')
  await guest.send(new ListObjectsV2Command({ Bucket }))
  t.match(await refusal(guest.send(new PutObjectCommand({ Bucket, Key: 'c', Body: 'c' }))), denied)
  t.match(await refusal(guest.send(new DeleteObjectCommand({ Bucket, Key: 'a' }))), denied)

  const { Resource: ___, ...anywhere } = allow('s3:GetObject', '')
  await give(Bucket, { ...anywhere, NotResource: objectArn(Bucket, 'b/*') })
  t.equal(await textOf(guest, Bucket, 'a'), 'a')
  t.match(await refusal(guest.send(new GetObjectCommand({ Bucket, Key: 'b/1' }))), denied)
})

t.test('a policy: wildcards → any text or one character; the case of actions does not count', async t => {
  const Bucket = await openBucket()
  await fill(Bucket, '2026/q1/a.csv', '2026/q1/a.txt', '2026/q10/a.csv')
  await give(Bucket, allow(['S3:getobj*', 's3:List??cket'], [objectArn(Bucket, '*/q?/*.csv'), bucketArn(Bucket)]))
  t.equal(await textOf(guest, Bucket, '2026/q1/a.csv'), '2026/q1/a.csv')
  for (const Key of ['2026/q1/a.txt', '2026/q10/a.csv', '2026/q1/a.CSV'])
    t.match((await refusal(guest.send(new HeadObjectCommand({ Bucket, Key })))).status, Key.endsWith('V') ? 404 : 403)
  t.equal((await guest.send(new ListObjectsV2Command({ Bucket }))).KeyCount, 3)
  await guest.send(new GetObjectAclCommand({ Bucket, Key: '2026/q1/a.csv' }))
  t.match(await refusal(guest.send(new PutObjectCommand({ Bucket, Key: '2026/q1/b.csv', Body: '' }))), denied)
})

t.test('GetObject: what is not there → NoSuchKey for who may list, AccessDenied for who may not', async t => {
  const Bucket = await openBucket()
  const missing = { Bucket, Key: 'none' }
  await give(Bucket, allow('s3:GetObject', objectArn(Bucket), everyone))
  t.match(await refusal(guest.send(new GetObjectCommand(missing))), denied)
  t.match((await refusal(guest.send(new HeadObjectCommand(missing)))).status, 403)
  const unsigned = await anonymous(`/${Bucket}/none`)
  t.same([unsigned.status, element(unsigned.text, 'Code')], [403, 'AccessDenied'])
  await give(
    Bucket,
    allow('s3:GetObject', objectArn(Bucket), everyone),
    allow('s3:ListBucket', bucketArn(Bucket), everyone),
  )
  t.match(await refusal(guest.send(new GetObjectCommand(missing))), { name: 'NoSuchKey', status: 404 })
  t.match((await refusal(guest.send(new HeadObjectCommand(missing)))).status, 404)
  const listing = await anonymous(`/${Bucket}/none`)
  t.same([listing.status, element(listing.text, 'Code')], [404, 'NoSuchKey'])
})

t.test('anonymous requests: what a policy lets everyone do → done; the rest → AccessDenied', async t => {
  const Bucket = await openBucket()
  await fill(Bucket, 'open/a', 'shut/a')
  const read = () => anonymous(`/${Bucket}/open/a`)
  t.equal((await read()).status, 403)
  await give(Bucket, allow(['s3:GetObject', 's3:PutObject'], objectArn(Bucket, 'open/*'), { Principal: { AWS: '*' } }))
  t.same(await read(), { status: 200, text: 'open/a' })
  t.equal((await anonymous(`/${Bucket}/open/b`, { method: 'PUT', body: 'from nobody' })).status, 200)
  t.equal(await textOf(owner, Bucket, 'open/b'), 'from nobody')
  for (const [path, method] of [
    ['/shut/a', 'GET'],
    ['/shut/b', 'PUT'],
    ['/open/a', 'DELETE'],
    ['', 'GET'],
    ['?policy', 'GET'],
    ['/open/a?acl', 'GET'],
  ] as const) {
    const answer = await anonymous(`/${Bucket}${path}`, { method, ...(method === 'PUT' ? { body: 'b' } : {}) })
    t.same([answer.status, element(answer.text, 'Code')], [403, 'AccessDenied'], `${method} ${path}`)
  }
})

t.test('GetBucketPolicyStatus: fixed principals or values → not public; anyone → public', async t => {
  const Bucket = await openBucket()
  const read = (more: object) => allow('s3:GetObject', objectArn(Bucket), { ...everyone, ...more })
  const cases: readonly (readonly [boolean, string, object])[] = [
    [true, 'everyone', read({})],
    [true, 'everyone in a list', read({ Principal: { AWS: [guestArn, '*'] } })],
    [true, 'a referer', read({ Condition: { StringLike: { 'aws:Referer': 'https://example.com/*' } } })],
    [true, 'a broad range', read({ Condition: { IpAddress: { 'aws:SourceIp': '0.0.0.0/1' } } })],
    [true, 'any account', read({ Condition: { StringLike: { 'aws:PrincipalAccount': '*' } } })],
    [false, 'the guest', read({ Principal: { AWS: guestArn } })],
    [false, 'a range', read({ Condition: { IpAddress: { 'aws:SourceIp': '192.0.2.0/24' } } })],
    [false, 'an account', read({ Condition: { StringEquals: { 'aws:PrincipalAccount': account } } })],
    [false, 'a denial', deny('s3:GetObject', objectArn(Bucket), everyone)],
  ]
  for (const [isPublic, what, said] of cases) {
    await give(Bucket, said)
    const { PolicyStatus } = await owner.send(new GetBucketPolicyStatusCommand({ Bucket }))
    t.same(PolicyStatus, { IsPublic: isPublic }, what)
  }
})

t.test('BlockPublicPolicy: a public policy → AccessDenied, another → taken', async t => {
  const Bucket = await newBucket(owner)
  const isPublic = allow('s3:GetObject', objectArn(Bucket), everyone)
  t.match(await refusal(give(Bucket, isPublic)), denied, 'as a bucket is made')
  await give(Bucket, allow('s3:GetObject', objectArn(Bucket)))
  await block(Bucket, { BlockPublicAcls: true, IgnorePublicAcls: true, RestrictPublicBuckets: true })
  await give(Bucket, isPublic)
  await block(Bucket, { BlockPublicPolicy: true })
  t.match(await refusal(give(Bucket, isPublic)), denied)
  t.match((await owner.send(new GetBucketPolicyStatusCommand({ Bucket }))).PolicyStatus, { IsPublic: true }, 'it stays')
})

t.test('RestrictPublicBuckets: a public policy → for its owner only; one that is not → as before', async t => {
  const Bucket = await openBucket()
  await fill(Bucket, 'a')
  const toGuest = allow('s3:GetObject', objectArn(Bucket))
  await give(Bucket, toGuest, allow('s3:ListBucket', bucketArn(Bucket), everyone))
  t.equal((await anonymous(`/${Bucket}`)).status, 200)
  await block(Bucket, { RestrictPublicBuckets: true })
  t.equal((await anonymous(`/${Bucket}`)).status, 403)
  t.match(await refusal(guest.send(new ListObjectsV2Command({ Bucket }))), denied)
  t.match(await refusal(guest.send(new GetObjectCommand({ Bucket, Key: 'a' }))), denied, 'although it is named')
  t.equal(await textOf(owner, Bucket, 'a'), 'a')
  await give(Bucket, toGuest)
  t.equal(await textOf(guest, Bucket, 'a'), 'a')
  t.match(await refusal(guest.send(new ListObjectsV2Command({ Bucket }))), denied)
})
