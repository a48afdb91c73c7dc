/** What ACLs let others do with the JavaScript SDK, whose objects are, and what public access blocks take away. */
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeletePublicAccessBlockCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  GetPublicAccessBlockCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  type ObjectCannedACL,
  type PublicAccessBlockConfiguration,
  PutBucketAclCommand,
  PutBucketVersioningCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  PutPublicAccessBlockCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import {
  allUsers,
  authenticatedUsers,
  bucketAcl,
  canonicalIdOf,
  grantsIn,
  objectAcl,
  toGroup,
  toUser,
} from '../support/acls.ts'
import { bytesOf, newBucket, refusal } from '../support/clients.ts'
import {
  allow,
  bucketArn,
  denied,
  deny,
  objectArn,
  type TwoIdentities,
  textOf,
  twoIdentities,
} from '../support/two-identities.ts'

type Client = TwoIdentities['owner']
const { owner, guest, openBucket, give, fill, anonymous } = await twoIdentities(t)
const ownerId = await canonicalIdOf(owner)
const guestId = await canonicalIdOf(guest)
const said = grantsIn({ [ownerId]: 'owner', [guestId]: 'guest' })
const put = (client: Client, Bucket: string, Key: string, more: object = {}) =>
  client.send(new PutObjectCommand({ Bucket, Key, Body: Key, ...more }))
const remove = (client: Client, Bucket: string, Key: string) => client.send(new DeleteObjectCommand({ Bucket, Key }))
const list = (client: Client, Bucket: string) => client.send(new ListObjectsV2Command({ Bucket }))
const giveBucket = (Bucket: string, more: object, client = owner) =>
  client.send(new PutBucketAclCommand({ Bucket, ...more }))
const giveObject = (Bucket: string, Key: string, more: object, client = owner) =>
  client.send(new PutObjectAclCommand({ Bucket, Key, ...more }))
const block = (Bucket: string, PublicAccessBlockConfiguration: PublicAccessBlockConfiguration) =>
  owner.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration }))
const signed = `uri=${authenticatedUsers}`
const toGuest = `id=${guestId}`

t.test('READ on a bucket: its grantee lists it, versions too, and reads no object', async t => {
  const Bucket = await openBucket('ObjectWriter')
  await fill(Bucket, 'a')
  t.match(await refusal(list(guest, Bucket)), denied)
  await giveBucket(Bucket, { GrantRead: toGuest })
  t.equal((await list(guest, Bucket)).KeyCount, 1)
  t.equal((await guest.send(new ListObjectVersionsCommand({ Bucket }))).Versions?.length, 1)
  t.match(await refusal(textOf(guest, Bucket, 'a')), denied)
  t.match(await refusal(textOf(guest, Bucket, 'none')), { name: 'NoSuchKey', status: 404 }, 'it may list')
  t.match(await refusal(put(guest, Bucket, 'b')), denied)
  t.match(await refusal(bucketAcl(guest, Bucket)), denied)
  t.equal((await anonymous(`/${Bucket}`)).status, 403)
  await giveBucket(Bucket, { GrantRead: signed })
  t.equal((await list(guest, Bucket)).KeyCount, 1)
  t.equal((await anonymous(`/${Bucket}`)).status, 403, 'nobody has signed')
  await giveBucket(Bucket, { ACL: 'public-read' })
  t.match(await anonymous(`/${Bucket}?list-type=2`), { status: 200, text: /<Key>a<\/Key>/ })
  t.equal((await anonymous(`/${Bucket}/a`)).status, 403)
})

t.test('WRITE on a bucket: its grantee puts objects and deletes its own', async t => {
  const Bucket = await openBucket('ObjectWriter')
  await fill(Bucket, 'a')
  await giveBucket(Bucket, { GrantWrite: toGuest, GrantFullControl: `id=${ownerId}` })
  await put(guest, Bucket, 'b')
  t.equal(await textOf(guest, Bucket, 'b'), 'b')
  t.match(await refusal(list(guest, Bucket)), denied)
  t.match(await refusal(remove(guest, Bucket, 'a')), denied)
  t.match(await refusal(textOf(guest, Bucket, 'a')), denied)
  await remove(guest, Bucket, 'b')
  t.match(await refusal(textOf(owner, Bucket, 'b')), { name: 'NoSuchKey', status: 404 })
  t.equal((await anonymous(`/${Bucket}/c`, { method: 'PUT', body: 'c' })).status, 403)
  await giveBucket(Bucket, { ACL: 'public-read-write' })
  t.equal((await anonymous(`/${Bucket}/c`, { method: 'PUT', body: 'c' })).status, 200)
  t.equal((await anonymous(`/${Bucket}/c`)).text, 'c', 'it is nobody’s')
  t.match(await refusal(textOf(guest, Bucket, 'c')), denied)
  t.match(await refusal(remove(guest, Bucket, 'c')), denied)
  t.equal((await anonymous(`/${Bucket}/c`, { method: 'DELETE' })).status, 204)
  t.equal((await anonymous(`/${Bucket}/a`, { method: 'DELETE' })).status, 403)
  t.equal(await textOf(owner, Bucket, 'a'), 'a')
})

t.test('READ_ACP, WRITE_ACP on a bucket: its grantee reads or replaces the ACL, and no more', async t => {
  const Bucket = await openBucket('ObjectWriter')
  await giveBucket(Bucket, { GrantReadACP: toGuest })
  t.same(said(await bucketAcl(guest, Bucket)), ['guest: READ_ACP'])
  t.match(await refusal(giveBucket(Bucket, { ACL: 'private' }, guest)), denied)
  await giveBucket(Bucket, { GrantWriteACP: toGuest })
  t.match(await refusal(bucketAcl(guest, Bucket)), denied)
  t.match(await refusal(list(guest, Bucket)), denied)
  const Grants = [toUser(guestId, 'READ'), toUser(ownerId, 'FULL_CONTROL')]
  const taken = { Owner: { ID: guestId }, Grants }
  t.match(await refusal(giveBucket(Bucket, { AccessControlPolicy: taken }, guest)), denied, 'it stays its owner’s')
  await giveBucket(Bucket, { AccessControlPolicy: { ...taken, Owner: { ID: ownerId } } }, guest)
  await list(guest, Bucket)
  t.match(await refusal(giveBucket(Bucket, { ACL: 'private' }, guest)), denied, 'it has given that away')
  await giveBucket(Bucket, { GrantFullControl: toGuest })
  await put(guest, Bucket, 'a')
  t.equal((await list(guest, Bucket)).KeyCount, 1)
  t.same(said(await bucketAcl(guest, Bucket)), ['guest: FULL_CONTROL'])
  await giveBucket(Bucket, { ACL: 'private' })
  t.match(await refusal(list(guest, Bucket)), denied)
})

t.test('ACLs of objects: each permission → what it is for', async t => {
  const Bucket = await openBucket('ObjectWriter')
  const Key = 'a'
  await put(owner, Bucket, Key, { Tagging: 'x=y', GrantRead: toGuest })
  t.equal(await textOf(guest, Bucket, Key), 'a')
  await guest.send(new HeadObjectCommand({ Bucket, Key }))
  t.match(await refusal(objectAcl(guest, Bucket, Key)), denied)
  t.match(await refusal(guest.send(new GetObjectTaggingCommand({ Bucket, Key }))), denied)
  t.match(await refusal(put(guest, Bucket, Key)), denied)
  await giveObject(Bucket, Key, { GrantReadACP: toGuest })
  t.same(said(await objectAcl(guest, Bucket, Key)), ['guest: READ_ACP'])
  t.match(await refusal(textOf(guest, Bucket, Key)), denied)
  await giveObject(Bucket, Key, { GrantWriteACP: toGuest })
  t.match(await refusal(objectAcl(guest, Bucket, Key)), denied)
  await giveObject(Bucket, Key, { ACL: 'public-read' }, guest)
  t.equal((await anonymous(`/${Bucket}/a`)).text, 'a')
  t.equal((await objectAcl(owner, Bucket, Key)).Owner?.ID, ownerId)
  await giveObject(Bucket, Key, { GrantFullControl: toGuest })
  t.equal(await textOf(guest, Bucket, Key), 'a')
  t.same(said(await objectAcl(guest, Bucket, Key)), ['guest: FULL_CONTROL'])
  t.match(await refusal(remove(guest, Bucket, Key)), denied, 'to delete is the bucket’s matter')
  t.match(await refusal(put(guest, Bucket, Key)), denied)
  await giveObject(Bucket, Key, { ACL: 'authenticated-read' })
  t.equal(await textOf(guest, Bucket, Key), 'a')
  t.equal((await anonymous(`/${Bucket}/a`)).status, 403)
  await giveObject(Bucket, Key, { GrantReadACP: `uri=${allUsers}` })
  t.match(await anonymous(`/${Bucket}/a?acl`), { status: 200, text: /<Permission>READ_ACP</ })
  await put(owner, Bucket, Key)
  t.same(said(await objectAcl(owner, Bucket, Key)), ['owner: FULL_CONTROL'], 'a new object has an ACL of its own')
})

t.test('CopyObject: without an ACL → the copy is its writer’s alone', async t => {
  const Bucket = await openBucket('ObjectWriter')
  await put(owner, Bucket, 'a', { ACL: 'public-read' })
  const CopySource = `${Bucket}/a`
  await owner.send(new CopyObjectCommand({ Bucket, Key: 'b', CopySource }))
  t.same(said(await objectAcl(owner, Bucket, 'b')), ['owner: FULL_CONTROL'])
  await owner.send(new CopyObjectCommand({ Bucket, Key: 'b', CopySource, ACL: 'public-read' }))
  t.equal((await anonymous(`/${Bucket}/b`)).text, 'a')
  const mine = await newBucket(guest)
  await guest.send(new CopyObjectCommand({ Bucket: mine, Key: 'b', CopySource }))
  await giveObject(Bucket, 'a', { ACL: 'private' })
  t.match(await refusal(guest.send(new CopyObjectCommand({ Bucket: mine, Key: 'c', CopySource }))), denied)
})

t.test('ACLs of versions: each version → has its own', async t => {
  const Bucket = await openBucket('ObjectWriter')
  await owner.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
  const { VersionId } = await put(owner, Bucket, 'a')
  await put(owner, Bucket, 'a', { ACL: 'public-read' })
  t.equal((await anonymous(`/${Bucket}/a`)).status, 200)
  t.equal((await anonymous(`/${Bucket}/a?versionId=${VersionId}`)).status, 403)
  await giveObject(Bucket, 'a', { GrantRead: toGuest, VersionId })
  t.equal(String(await bytesOf(await guest.send(new GetObjectCommand({ Bucket, Key: 'a', VersionId })))), 'a')
  t.same(said(await objectAcl(owner, Bucket, 'a')), ['all: READ', 'owner: FULL_CONTROL'])
})

t.test(
  'ObjectWriter: an object is its writer’s → the bucket’s owner may delete it and what else it is given',
  async t => {
    const Bucket = await openBucket('ObjectWriter')
    await giveBucket(Bucket, { GrantWrite: toGuest, GrantFullControl: `id=${ownerId}` })
    await put(guest, Bucket, 'a')
    t.equal((await objectAcl(guest, Bucket, 'a')).Owner?.ID, guestId)
    t.match(await refusal(textOf(owner, Bucket, 'a')), denied)
    t.match(await refusal(objectAcl(owner, Bucket, 'a')), denied)
    t.match(await refusal(giveObject(Bucket, 'a', { ACL: 'public-read' })), denied)
    t.match((await refusal(owner.send(new HeadObjectCommand({ Bucket, Key: 'a' })))).status, 403)
    const given = async (ACL: ObjectCannedACL) => {
      await giveObject(Bucket, 'a', { ACL }, guest)
      return said(await objectAcl(guest, Bucket, 'a'))
    }
    t.same(await given('bucket-owner-read'), ['guest: FULL_CONTROL', 'owner: READ'])
    t.equal(await textOf(owner, Bucket, 'a'), 'a')
    t.match(await refusal(objectAcl(owner, Bucket, 'a')), denied)
    t.same(await given('bucket-owner-full-control'), ['guest: FULL_CONTROL', 'owner: FULL_CONTROL'])
    t.equal((await objectAcl(owner, Bucket, 'a')).Owner?.ID, guestId, 'it remains the writer’s')
    await given('private')
    await remove(owner, Bucket, 'a')
    t.match(await refusal(textOf(guest, Bucket, 'a')), denied, 'gone, and the guest may not list')
  },
)

t.test('ObjectWriter: a policy → denies what it likes, but gives nothing of others’ objects', async t => {
  const Bucket = await openBucket('ObjectWriter')
  await fill(Bucket, 'mine')
  await giveBucket(Bucket, { GrantWrite: toGuest, GrantFullControl: `id=${ownerId}` })
  await put(guest, Bucket, 'theirs')
  await give(Bucket, allow('s3:*', [bucketArn(Bucket), objectArn(Bucket)], { Principal: '*' }))
  t.equal((await anonymous(`/${Bucket}/mine`)).text, 'mine')
  t.equal((await anonymous(`/${Bucket}/theirs`)).status, 403)
  t.match(await refusal(textOf(owner, Bucket, 'theirs')), denied)
  t.equal(await textOf(guest, Bucket, 'theirs'), 'theirs')
  await give(Bucket, deny('s3:GetObject', objectArn(Bucket), { Principal: '*' }))
  await giveObject(Bucket, 'theirs', { ACL: 'public-read' }, guest)
  t.match(await refusal(textOf(guest, Bucket, 'theirs')), denied)
  t.equal((await anonymous(`/${Bucket}/theirs`)).status, 403)
})

t.test(
  'BucketOwnerPreferred: bucket-owner-full-control → the bucket owner’s; anything else → the writer’s',
  async t => {
    const Bucket = await openBucket('BucketOwnerPreferred')
    await give(Bucket, allow(['s3:PutObject', 's3:PutObjectAcl'], objectArn(Bucket)))
    const ACL = 'bucket-owner-full-control'
    await put(guest, Bucket, 'a', { ACL })
    t.match(await objectAcl(owner, Bucket, 'a'), { Owner: { ID: ownerId } })
    t.same(said(await objectAcl(owner, Bucket, 'a')), ['owner: FULL_CONTROL'])
    t.match(await refusal(textOf(guest, Bucket, 'a')), denied)
    const { UploadId } = await guest.send(new CreateMultipartUploadCommand({ Bucket, Key: 'm', ACL }))
    const part = { Bucket, Key: 'm', UploadId, PartNumber: 1 }
    const { ETag } = await guest.send(new UploadPartCommand({ ...part, Body: 'm' }))
    const MultipartUpload = { Parts: [{ ETag, PartNumber: 1 }] }
    await guest.send(new CompleteMultipartUploadCommand({ Bucket, Key: 'm', UploadId, MultipartUpload }))
    t.match(await objectAcl(owner, Bucket, 'm'), { Owner: { ID: ownerId } })
    await put(guest, Bucket, 'b')
    await put(guest, Bucket, 'c', { GrantFullControl: `id=${ownerId}` })
    for (const Key of ['b', 'c']) t.equal((await objectAcl(guest, Bucket, Key)).Owner?.ID, guestId)
    t.match(await refusal(textOf(owner, Bucket, 'b')), denied)
    t.equal(await textOf(owner, Bucket, 'c'), 'c')
    await giveObject(Bucket, 'b', { ACL }, guest)
    t.equal((await objectAcl(owner, Bucket, 'b')).Owner?.ID, guestId, 'an ACL given later moves nothing')
  },
)

t.test('GetPublicAccessBlock: a new bucket → all four; deleted → none; what is not said → false', async t => {
  const Bucket = await newBucket(owner)
  const get = async (client = owner) =>
    (await client.send(new GetPublicAccessBlockCommand({ Bucket }))).PublicAccessBlockConfiguration
  const all = (value: boolean) => ({
    BlockPublicAcls: value,
    IgnorePublicAcls: value,
    BlockPublicPolicy: value,
    RestrictPublicBuckets: value,
  })
  t.same(await get(), all(true))
  await block(Bucket, { IgnorePublicAcls: true })
  t.same(await get(), { ...all(false), IgnorePublicAcls: true })
  t.match(await refusal(get(guest)), denied)
  await owner.send(new DeletePublicAccessBlockCommand({ Bucket }))
  t.match(await refusal(get()), { name: 'NoSuchPublicAccessBlockConfiguration', status: 404 })
  await owner.send(new DeletePublicAccessBlockCommand({ Bucket }))
})

t.test('BlockPublicAcls: a public ACL → AccessDenied; others → taken; those there → as they are', async t => {
  const Bucket = await openBucket('ObjectWriter')
  await put(owner, Bucket, 'a', { ACL: 'public-read' })
  await block(Bucket, { BlockPublicAcls: true })
  t.equal((await anonymous(`/${Bucket}/a`)).text, 'a')
  const Grants = [toGroup(allUsers, 'READ_ACP')]
  for (const more of [
    { ACL: 'public-read' },
    { ACL: 'authenticated-read' },
    { GrantReadACP: signed },
    { AccessControlPolicy: { Owner: { ID: ownerId }, Grants } },
  ]) {
    t.match(await refusal(giveBucket(Bucket, more)), denied, JSON.stringify(more))
    t.match(await refusal(giveObject(Bucket, 'a', more)), denied)
    if (more.AccessControlPolicy === undefined) t.match(await refusal(put(owner, Bucket, 'b', more)), denied)
  }
  await put(owner, Bucket, 'b', { GrantRead: toGuest })
  t.equal(await textOf(guest, Bucket, 'b'), 'b')
  await giveBucket(Bucket, { GrantRead: toGuest })
})

t.test('IgnorePublicAcls: public grants → taken, told of by nobody, and worth nothing; others → as before', async t => {
  const Bucket = await openBucket('ObjectWriter')
  await put(owner, Bucket, 'a', { GrantRead: `${toGuest}, uri=${allUsers}`, GrantFullControl: `id=${ownerId}` })
  await giveBucket(Bucket, { ACL: 'public-read' })
  await block(Bucket, { IgnorePublicAcls: true })
  t.equal((await anonymous(`/${Bucket}/a`)).status, 403)
  t.equal((await anonymous(`/${Bucket}`)).status, 403)
  t.match(await refusal(list(guest, Bucket)), denied)
  t.equal(await textOf(guest, Bucket, 'a'), 'a', 'granted to it by name')
  t.same(said(await bucketAcl(owner, Bucket)), ['owner: FULL_CONTROL'])
  t.same(said(await objectAcl(owner, Bucket, 'a')), ['guest: READ', 'owner: FULL_CONTROL'])
  await put(owner, Bucket, 'b', { ACL: 'authenticated-read' })
  t.match(await refusal(textOf(guest, Bucket, 'b')), denied)
  await owner.send(new DeletePublicAccessBlockCommand({ Bucket }))
  t.equal((await anonymous(`/${Bucket}/a`)).text, 'a')
  t.equal(await textOf(guest, Bucket, 'b'), 'b')
})
