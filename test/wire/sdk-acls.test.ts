/** ACLs with the JavaScript SDK: where they are disabled, whom they let in, and what blocks them. */
import {
  CreateBucketCommand,
  DeleteBucketOwnershipControlsCommand,
  GetBucketOwnershipControlsCommand,
  type Grant,
  ListObjectsV2Command,
  PutBucketAclCommand,
  PutObjectAclCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import {
  allUsers,
  authenticatedUsers,
  bucketAcl,
  canonicalIdOf,
  grantsIn,
  group,
  objectAcl,
  toGroup,
  toUser,
} from '../support/acls.ts'
import { newBucket, refusal } from '../support/clients.ts'
import { allow, denied, objectArn, own, textOf, twoIdentities } from '../support/two-identities.ts'

const { owner, guest, openBucket, give, fill, anonymous } = await twoIdentities(t)
const ownerId = await canonicalIdOf(owner)
const guestId = await canonicalIdOf(guest)
const said = grantsIn({ [ownerId]: 'owner', [guestId]: 'guest' })
const unsupported = { name: 'AccessControlListNotSupported', status: 400 }

const put = (client: typeof owner, Bucket: string, Key: string, more: object = {}) =>
  client.send(new PutObjectCommand({ Bucket, Key, Body: Key, ...more }))
const controlled = (...Grants: Grant[]) => ({
  AccessControlPolicy: { Owner: { ID: ownerId }, Grants: [toUser(ownerId, 'FULL_CONTROL'), ...Grants] },
})

t.test('a new bucket: BucketOwnerEnforced → only full control of the bucket’s owner is taken', async t => {
  const Bucket = await newBucket(owner)
  const { OwnershipControls } = await owner.send(new GetBucketOwnershipControlsCommand({ Bucket }))
  t.same(OwnershipControls?.Rules, [{ ObjectOwnership: 'BucketOwnerEnforced' }])
  await put(owner, Bucket, 'a')
  for (const more of [
    { ACL: 'private' },
    { ACL: 'public-read' },
    { ACL: 'bucket-owner-read' },
    { GrantRead: `id=${guestId}` },
    { GrantFullControl: `id=${ownerId}`, GrantReadACP: `uri=${authenticatedUsers}` },
  ])
    t.match(await refusal(put(owner, Bucket, 'b', more)), unsupported, JSON.stringify(more))
  const toAll = controlled(toGroup(allUsers, 'READ'))
  t.match(await refusal(owner.send(new PutBucketAclCommand({ Bucket, ACL: 'public-read' }))), unsupported)
  t.match(await refusal(owner.send(new PutBucketAclCommand({ Bucket, ...toAll }))), unsupported)
  t.match(await refusal(owner.send(new PutObjectAclCommand({ Bucket, Key: 'a', ACL: 'public-read' }))), unsupported)
  t.match(await refusal(owner.send(new PutObjectAclCommand({ Bucket, Key: 'a', ...toAll }))), unsupported)
  await put(owner, Bucket, 'b', { ACL: 'bucket-owner-full-control' })
  await put(owner, Bucket, 'c', { GrantFullControl: `id="${ownerId}"` })
  t.same(said(await bucketAcl(owner, Bucket)), ['owner: FULL_CONTROL'])
  t.same(said(await objectAcl(owner, Bucket, 'b')), ['owner: FULL_CONTROL'])
})

t.test('BucketOwnerEnforced: an object a guest has put → the bucket owner’s', async t => {
  const Bucket = await openBucket()
  await give(Bucket, allow('s3:PutObject', objectArn(Bucket)))
  await put(guest, Bucket, 'a')
  await put(guest, Bucket, 'b', { ACL: 'bucket-owner-full-control' })
  for (const Key of ['a', 'b']) {
    t.equal((await objectAcl(owner, Bucket, Key)).Owner?.ID, ownerId)
    t.equal(await textOf(owner, Bucket, Key), Key)
    t.match(await refusal(textOf(guest, Bucket, Key)), denied, 'its writer has nothing of it')
  }
})

t.test('PutBucketOwnershipControls: each setting, none, a bad one, ACLs in the way', async t => {
  const Bucket = await openBucket()
  for (const ownership of ['ObjectWriter', 'BucketOwnerPreferred', 'BucketOwnerEnforced'] as const) {
    await own(owner, Bucket, ownership)
    const { OwnershipControls } = await owner.send(new GetBucketOwnershipControlsCommand({ Bucket }))
    t.same(OwnershipControls?.Rules, [{ ObjectOwnership: ownership }])
  }
  t.match(await refusal(own(owner, Bucket, 'Everyone' as never)), { name: 'MalformedXML', status: 400 })
  t.match(await refusal(guest.send(new GetBucketOwnershipControlsCommand({ Bucket }))), denied)
  await owner.send(new DeleteBucketOwnershipControlsCommand({ Bucket }))
  t.match(await refusal(owner.send(new GetBucketOwnershipControlsCommand({ Bucket }))), {
    name: 'OwnershipControlsNotFoundError',
    status: 404,
  })
  await owner.send(new DeleteBucketOwnershipControlsCommand({ Bucket }))
  await owner.send(new PutBucketAclCommand({ Bucket, ACL: 'public-read' }))
  t.same(said(await bucketAcl(owner, Bucket)), ['all: READ', 'owner: FULL_CONTROL'], 'without controls ACLs count')
  t.match(await refusal(own(owner, Bucket, 'BucketOwnerEnforced')), {
    name: 'InvalidBucketAclWithObjectOwnership',
    status: 400,
  })
  await owner.send(new PutBucketAclCommand({ Bucket, ACL: 'private' }))
  await own(owner, Bucket, 'BucketOwnerEnforced')
})

t.test('BucketOwnerEnforced: set where objects have ACLs → they count for nothing until it is taken away', async t => {
  const Bucket = await openBucket('ObjectWriter')
  await put(owner, Bucket, 'a', { ACL: 'public-read' })
  t.equal((await anonymous(`/${Bucket}/a`)).text, 'a')
  await own(owner, Bucket, 'BucketOwnerEnforced')
  t.equal((await anonymous(`/${Bucket}/a`)).status, 403)
  t.same(said(await objectAcl(owner, Bucket, 'a')), ['owner: FULL_CONTROL'])
  await own(owner, Bucket, 'ObjectWriter')
  t.equal((await anonymous(`/${Bucket}/a`)).text, 'a')
  t.same(said(await objectAcl(owner, Bucket, 'a')), ['all: READ', 'owner: FULL_CONTROL'])
})

t.test('CreateBucket: ACLs with the ownership they need → made so; without, or public → refused', async t => {
  const name = (what: string) => `acl-${process.pid}-${what}`
  const create = (what: string, more: object) => owner.send(new CreateBucketCommand({ Bucket: name(what), ...more }))
  const conflict = { name: 'InvalidBucketAclWithObjectOwnership', status: 400 }
  t.match(await refusal(create('none', { ACL: 'public-read' })), conflict)
  t.match(await refusal(create('none', { GrantRead: `id=${guestId}` })), conflict)
  for (const ObjectOwnership of ['ObjectWriter', 'BucketOwnerPreferred'])
    t.match(await refusal(create('none', { ACL: 'public-read', ObjectOwnership })), {
      name: 'InvalidBucketAclWithBlockPublicAccessError',
      status: 400,
    })
  await create('private', { ACL: 'private' })
  await create('guest', { GrantRead: `id=${guestId}`, ObjectOwnership: 'ObjectWriter' })
  t.same(said(await bucketAcl(owner, name('guest'))), ['guest: READ'])
  await guest.send(new ListObjectsV2Command({ Bucket: name('guest') }))
  const { OwnershipControls } = await owner.send(new GetBucketOwnershipControlsCommand({ Bucket: name('guest') }))
  t.same(OwnershipControls?.Rules, [{ ObjectOwnership: 'ObjectWriter' }])
})

t.test('canned ACLs: each name → the grants it stands for, on buckets and objects', async t => {
  const Bucket = await openBucket('ObjectWriter')
  await fill(Bucket, 'a')
  const common = {
    private: ['owner: FULL_CONTROL'],
    'public-read': ['all: READ', 'owner: FULL_CONTROL'],
    'public-read-write': ['all: READ', 'all: WRITE', 'owner: FULL_CONTROL'],
    'authenticated-read': ['owner: FULL_CONTROL', 'signed: READ'],
  }
  for (const [name, grants] of Object.entries(common)) {
    const ACL = name as keyof typeof common
    await owner.send(new PutBucketAclCommand({ Bucket, ACL }))
    t.same(said(await bucketAcl(owner, Bucket)), grants, `bucket ${ACL}`)
    await owner.send(new PutObjectAclCommand({ Bucket, Key: 'a', ACL }))
    t.same(said(await objectAcl(owner, Bucket, 'a')), grants, `object ${ACL}`)
    await put(owner, Bucket, 'b', { ACL })
    t.same(said(await objectAcl(owner, Bucket, 'b')), grants, `new object ${ACL}`)
  }
  for (const ACL of ['bucket-owner-read', 'bucket-owner-full-control'] as const) {
    await put(owner, Bucket, 'b', { ACL })
    t.same(said(await objectAcl(owner, Bucket, 'b')), ['owner: FULL_CONTROL'], 'they are the same person')
  }
  const unknown = { name: 'InvalidArgument', status: 400 }
  t.match(await refusal(put(owner, Bucket, 'b', { ACL: 'public' })), unknown)
  t.match(await refusal(owner.send(new PutBucketAclCommand({ Bucket, ACL: 'open' as never }))), unknown)
})

t.test('grant headers: ids and groups → those grants; what names nobody → refused', async t => {
  const Bucket = await openBucket('ObjectWriter')
  const headers = {
    GrantRead: `id="${guestId}", uri="${allUsers}"`,
    GrantReadACP: `uri=${authenticatedUsers}`,
    GrantFullControl: `id=${ownerId}`,
  }
  const grants = ['all: READ', 'guest: READ', 'owner: FULL_CONTROL', 'signed: READ_ACP']
  await put(owner, Bucket, 'a', headers)
  t.same(said(await objectAcl(owner, Bucket, 'a')), grants)
  await fill(Bucket, 'b')
  await owner.send(new PutObjectAclCommand({ Bucket, Key: 'b', ...headers }))
  t.same(said(await objectAcl(owner, Bucket, 'b')), grants)
  await owner.send(new PutBucketAclCommand({ Bucket, ...headers, GrantWrite: `id=${guestId}` }))
  t.same(said(await bucketAcl(owner, Bucket)), [...grants, 'guest: WRITE'].sort())
  const wrong = { name: 'InvalidArgument', status: 400 }
  for (const GrantRead of ['id=nobody', `id=${'0'.repeat(64)}`, `uri=${group('Nobody')}`, guestId])
    t.match(await refusal(put(owner, Bucket, 'c', { GrantRead })), wrong, GrantRead)
  const both = { ACL: 'private', GrantRead: `id=${guestId}` }
  t.match(await refusal(put(owner, Bucket, 'c', both)), { name: 'InvalidRequest', status: 400 })
})

t.test('AccessControlPolicy: a document → those grants; another owner, an odd one → refused', async t => {
  const Bucket = await openBucket('ObjectWriter')
  await fill(Bucket, 'a')
  const document = controlled(toUser(guestId, 'READ'), toGroup(allUsers, 'READ_ACP'))
  const grants = ['all: READ_ACP', 'guest: READ', 'owner: FULL_CONTROL']
  await owner.send(new PutBucketAclCommand({ Bucket, ...document }))
  t.same(said(await bucketAcl(owner, Bucket)), grants)
  await owner.send(new PutObjectAclCommand({ Bucket, Key: 'a', ...document }))
  const answer = await objectAcl(owner, Bucket, 'a')
  t.same(said(answer), grants)
  t.equal(answer.Owner?.ID, ownerId)
  const policy = document.AccessControlPolicy
  const refused = async (AccessControlPolicy: object, expected: object) => {
    t.match(await refusal(owner.send(new PutBucketAclCommand({ Bucket, AccessControlPolicy }))), expected)
    const ofObject = new PutObjectAclCommand({ Bucket, Key: 'a', AccessControlPolicy })
    t.match(await refusal(owner.send(ofObject)), expected)
  }
  await refused({ ...policy, Owner: { ID: guestId } }, denied)
  await refused({ Grants: policy.Grants }, { name: 'MalformedACLError', status: 400 })
  const others = [toUser(guestId, 'EVERYTHING' as never)]
  await refused({ ...policy, Grants: others }, { name: 'MalformedACLError', status: 400 })
  await refused({ ...policy, Grants: [toUser('nobody', 'READ')] }, { name: 'InvalidArgument', status: 400 })
  await refused({ ...policy, Grants: [toGroup(group('Nobody'), 'READ')] }, { name: 'InvalidArgument', status: 400 })
  t.same(said(await bucketAcl(owner, Bucket)), grants, 'as it was')
})
