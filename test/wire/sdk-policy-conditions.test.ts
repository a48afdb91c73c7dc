/** Conditions of buckets' policies with the JavaScript SDK: each key, as users write it. */
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  ListObjectsV2Command,
  PutBucketVersioningCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  PutObjectRetentionCommand,
  PutObjectTaggingCommand,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import t from 'tap'
import { bytesOf, refusal } from '../support/clients.ts'
import { allow, bucketArn, denied, deny, objectArn, textOf, twoIdentities } from '../support/two-identities.ts'

const { owner, guest, openBucket, give, fill, anonymous } = await twoIdentities(t)
const everyone = { Principal: '*' }
const when = (operator: string, key: string, value: unknown) => ({ Condition: { [operator]: { [key]: value } } })
/** As policies write it. */
const variable = (name: string) => `$\{${name}}`
const put = (Bucket: string, Key: string, more: object = {}) =>
  guest.send(new PutObjectCommand({ Bucket, Key, Body: 'by the guest', ...more }))
const read = (Bucket: string, Key: string) => textOf(guest, Bucket, Key)
const list = (Bucket: string, more: object = {}) => guest.send(new ListObjectsV2Command({ Bucket, ...more }))

t.test('s3:prefix, s3:delimiter: the listing asks for them → listed; another or none → AccessDenied', async t => {
  const Bucket = await openBucket()
  await fill(Bucket, 'home/guest/a', 'home/main/a', 'top')
  const lists = (more: object) => allow('s3:ListBucket', bucketArn(Bucket), more)
  await give(Bucket, lists(when('StringEquals', 's3:prefix', ['home/', 'home/guest/'])))
  t.equal((await list(Bucket, { Prefix: 'home/guest/' })).KeyCount, 1)
  t.equal((await list(Bucket, { Prefix: 'home/' })).KeyCount, 2)
  for (const Prefix of ['home', 'home/main/', 'home/guest/a', undefined])
    t.match(await refusal(list(Bucket, Prefix === undefined ? {} : { Prefix })), denied, String(Prefix))
  await give(Bucket, lists(when('StringLike', 's3:prefix', 'home/g*')))
  t.equal((await list(Bucket, { Prefix: 'home/guest/' })).KeyCount, 1)
  t.match(await refusal(list(Bucket, { Prefix: 'home/' })), denied)
  const Condition = { StringEquals: { 's3:prefix': 'home/', 's3:delimiter': '/' } }
  await give(Bucket, lists({ Condition }))
  const folders = await list(Bucket, { Prefix: 'home/', Delimiter: '/' })
  t.match(folders.CommonPrefixes, [{ Prefix: 'home/guest/' }, { Prefix: 'home/main/' }])
  t.match(await refusal(list(Bucket, { Prefix: 'home/' })), denied, 'both must hold')
})

t.test('s3:max-keys: as many as allowed → listed; more, or not said → AccessDenied but for IfExists', async t => {
  const Bucket = await openBucket()
  await fill(Bucket, 'a', 'b')
  const lists = (operator: string) => allow('s3:ListBucket', bucketArn(Bucket), when(operator, 's3:max-keys', '10'))
  await give(Bucket, lists('NumericLessThanEquals'))
  t.equal((await list(Bucket, { MaxKeys: 10 })).KeyCount, 2)
  t.match(await refusal(list(Bucket, { MaxKeys: 11 })), denied)
  t.match(await refusal(list(Bucket)), denied)
  await give(Bucket, lists('NumericLessThanEqualsIfExists'))
  t.equal((await list(Bucket)).KeyCount, 2)
  t.match(await refusal(list(Bucket, { MaxKeys: 11 })), denied)
})

t.test('aws:SourceIp: from a listed range → allowed; from without → not', async t => {
  const Bucket = await openBucket()
  await fill(Bucket, 'a')
  const reads = (more: object) => allow('s3:GetObject', objectArn(Bucket), { ...everyone, ...more })
  await give(Bucket, reads(when('IpAddress', 'aws:SourceIp', ['203.0.113.0/24', '127.0.0.0/8'])))
  t.equal(await read(Bucket, 'a'), 'a')
  t.equal((await anonymous(`/${Bucket}/a`)).text, 'a')
  await give(Bucket, reads(when('IpAddress', 'aws:SourceIp', '203.0.113.0/24')))
  t.match(await refusal(read(Bucket, 'a')), denied)
  t.equal((await anonymous(`/${Bucket}/a`)).status, 403)
  const outside = deny('s3:*', objectArn(Bucket), {
    ...everyone,
    ...when('NotIpAddress', 'aws:SourceIp', '10.0.0.0/8'),
  })
  await give(Bucket, reads({}), outside)
  t.match(await refusal(read(Bucket, 'a')), denied)
  t.match(await refusal(textOf(owner, Bucket, 'a')), denied)
})

t.test('aws:SecureTransport: plain HTTP denied → denied, also to the owner', async t => {
  const Bucket = await openBucket()
  await fill(Bucket, 'a')
  const both = [bucketArn(Bucket), objectArn(Bucket)]
  const says = (value: unknown) => ({ ...everyone, ...when('Bool', 'aws:SecureTransport', value) })
  await give(Bucket, deny('s3:*', both, says('false')))
  t.match(await refusal(textOf(owner, Bucket, 'a')), denied)
  t.match(await refusal(owner.send(new ListObjectsV2Command({ Bucket }))), denied)
  await give(Bucket, deny('s3:*', both, says(true)), allow('s3:GetObject', both[1], says(false)))
  t.equal(await textOf(owner, Bucket, 'a'), 'a')
  t.equal(await read(Bucket, 'a'), 'a')
})

t.test('aws:Referer, aws:UserAgent: the browser says so → read', async t => {
  const Bucket = await openBucket()
  await fill(Bucket, 'a')
  const reads = (key: string, value: unknown) =>
    allow('s3:GetObject', objectArn(Bucket), { ...everyone, ...when('StringLike', key, value) })
  const get = async (headers: Record<string, string>) => (await anonymous(`/${Bucket}/a`, { headers })).status
  await give(Bucket, reads('aws:Referer', ['https://www.example.com/*', 'https://example.com/*']))
  t.equal(await get({ referer: 'https://example.com/page' }), 200)
  t.equal(await get({ referer: 'https://example.org/https://example.com/' }), 403)
  t.equal(await get({}), 403)
  await give(Bucket, reads('aws:UserAgent', 'robot/?'))
  t.equal(await get({ 'user-agent': 'robot/1' }), 200)
  t.equal(await get({ 'user-agent': 'robot/10' }), 403)
})

t.test('s3:x-amz-acl: the writer must give the bucket’s owner control → only then taken', async t => {
  const Bucket = await openBucket('BucketOwnerPreferred')
  const asked = when('StringEquals', 's3:x-amz-acl', 'bucket-owner-full-control')
  await give(Bucket, allow(['s3:PutObject', 's3:PutObjectAcl'], objectArn(Bucket), asked))
  t.match(await refusal(put(Bucket, 'a')), denied)
  t.match(await refusal(put(Bucket, 'a', { ACL: 'public-read' })), denied)
  await put(Bucket, 'a', { ACL: 'bucket-owner-full-control' })
  t.equal(await textOf(owner, Bucket, 'a'), 'by the guest')
  t.match(await refusal(guest.send(new PutObjectAclCommand({ Bucket, Key: 'a', ACL: 'private' }))), denied)
})

t.test('s3:ExistingObjectTag: objects with the tag → read; others → AccessDenied', async t => {
  const Bucket = await openBucket()
  await owner.send(new PutObjectCommand({ Bucket, Key: 'open', Body: 'open', Tagging: 'class=public&team=a' }))
  await owner.send(new PutObjectCommand({ Bucket, Key: 'shut', Body: 'shut', Tagging: 'class=secret' }))
  await fill(Bucket, 'untagged')
  const tagged = when('StringEquals', 's3:ExistingObjectTag/class', 'public')
  await give(Bucket, allow(['s3:GetObject', 's3:GetObjectTagging'], objectArn(Bucket), { ...everyone, ...tagged }))
  t.equal(await read(Bucket, 'open'), 'open')
  t.equal((await anonymous(`/${Bucket}/open`)).status, 200)
  t.equal((await guest.send(new GetObjectTaggingCommand({ Bucket, Key: 'open' }))).TagSet?.length, 2)
  for (const Key of ['shut', 'untagged']) t.match(await refusal(read(Bucket, Key)), denied, Key)
  const Tagging = { TagSet: [{ Key: 'class', Value: 'public' }] }
  await owner.send(new PutObjectTaggingCommand({ Bucket, Key: 'shut', Tagging }))
  t.equal(await read(Bucket, 'shut'), 'shut', 'as it is tagged now')
  await give(
    Bucket,
    allow('s3:GetObject', objectArn(Bucket)),
    deny('s3:GetObject', objectArn(Bucket), when('Null', 's3:ExistingObjectTag/class', 'true')),
  )
  t.equal(await read(Bucket, 'open'), 'open')
  t.match(await refusal(read(Bucket, 'untagged')), denied)
})

t.test('s3:RequestObjectTag, s3:RequestObjectTagKeys: what is tagged so → taken', async t => {
  const Bucket = await openBucket()
  const writes = ['s3:PutObject', 's3:PutObjectTagging']
  const byTag = when('StringEquals', 's3:RequestObjectTag/project', ['x', 'y'])
  await give(Bucket, allow(writes, objectArn(Bucket), byTag))
  await put(Bucket, 'a', { Tagging: 'project=x&more=1' })
  for (const Tagging of ['project=z', 'other=x', undefined])
    t.match(await refusal(put(Bucket, 'b', { Tagging })), denied, String(Tagging))
  const tag = (...Keys: string[]) => {
    const Tagging = { TagSet: Keys.map(Key => ({ Key, Value: 'y' })) }
    return guest.send(new PutObjectTaggingCommand({ Bucket, Key: 'a', Tagging }))
  }
  await tag('project')
  t.match(await refusal(tag('other')), denied)
  const byKeys = when('ForAllValues:StringEquals', 's3:RequestObjectTagKeys', ['project', 'owner'])
  await give(Bucket, allow(writes, objectArn(Bucket), byKeys))
  await tag('owner', 'project')
  t.match(await refusal(tag('owner', 'project', 'third')), denied)
  t.match(await refusal(put(Bucket, 'b', { Tagging: 'third=1' })), denied)
  await put(Bucket, 'b', { Tagging: 'owner=1' })
})

t.test('s3:x-amz-server-side-encryption, s3:x-amz-storage-class: not as demanded → AccessDenied', async t => {
  const Bucket = await openBucket()
  await give(
    Bucket,
    allow('s3:PutObject', objectArn(Bucket)),
    deny('s3:PutObject', objectArn(Bucket), {
      ...everyone,
      ...when('StringNotEquals', 's3:x-amz-server-side-encryption', 'AES256'),
    }),
    deny('s3:PutObject', objectArn(Bucket), when('StringEqualsIfExists', 's3:x-amz-storage-class', 'GLACIER')),
  )
  // IfExists holds where the header is absent: the last statement denies whoever names no class.
  const wanted = { ServerSideEncryption: 'AES256', StorageClass: 'STANDARD' }
  await put(Bucket, 'a', wanted)
  t.match(await refusal(put(Bucket, 'a', { ...wanted, ServerSideEncryption: undefined })), denied)
  t.match(await refusal(put(Bucket, 'a', { ...wanted, StorageClass: 'GLACIER' })), denied)
  t.match(await refusal(put(Bucket, 'a', { ServerSideEncryption: 'AES256' })), denied)
  const unencrypted = new PutObjectCommand({ Bucket, Key: 'b', Body: 'b' })
  t.match(await refusal(owner.send(unencrypted)), denied, 'the owner too')
  await give(
    Bucket,
    allow('s3:PutObject', objectArn(Bucket)),
    deny('s3:PutObject', objectArn(Bucket), when('Null', 's3:x-amz-server-side-encryption', true)),
  )
  await put(Bucket, 'a', { ServerSideEncryption: 'AES256' })
  t.match(await refusal(put(Bucket, 'a')), denied)
})

t.test('s3:authType, s3:signatureversion: links denied → only they are', async t => {
  const Bucket = await openBucket()
  await fill(Bucket, 'a')
  const link = await getSignedUrl(guest, new GetObjectCommand({ Bucket, Key: 'a' }))
  await give(Bucket, allow('s3:GetObject', objectArn(Bucket)))
  t.equal(await (await fetch(link)).text(), 'a')
  await give(Bucket, allow('s3:GetObject', objectArn(Bucket), when('StringEquals', 's3:authType', 'REST-HEADER')))
  t.equal((await fetch(link)).status, 403)
  t.equal(await read(Bucket, 'a'), 'a')
  const four = when('StringEquals', 's3:signatureversion', 'AWS4-HMAC-SHA256')
  await give(Bucket, allow('s3:GetObject', objectArn(Bucket), { ...everyone, ...four }))
  t.equal((await fetch(link)).status, 200)
  t.equal((await anonymous(`/${Bucket}/a`)).status, 403)
})

t.test('s3:object-lock-…: a retention or hold that is demanded → taken, others → AccessDenied', async t => {
  const Bucket = `locked-${process.pid}`
  await owner.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }))
  await fill(Bucket, 'a')
  const days = when('NumericLessThanEquals', 's3:object-lock-remaining-retention-days', '10')
  const held = when('StringEquals', 's3:object-lock-legal-hold', 'ON')
  const all = objectArn(Bucket)
  await give(Bucket, allow('s3:PutObjectRetention', all, days), allow('s3:PutObjectLegalHold', all, held))
  const keep = (days: number) => {
    const Retention = { Mode: 'GOVERNANCE', RetainUntilDate: new Date(Date.now() + days * 86_400_000) } as const
    return guest.send(new PutObjectRetentionCommand({ Bucket, Key: 'a', Retention }))
  }
  t.match(await refusal(keep(20)), denied)
  await keep(5)
  const hold = (Status: 'ON' | 'OFF') =>
    guest.send(new PutObjectLegalHoldCommand({ Bucket, Key: 'a', LegalHold: { Status } }))
  t.match(await refusal(hold('OFF')), denied)
  await hold('ON')
})

t.test('s3:VersionId: one version allowed → that one', async t => {
  const Bucket = await openBucket()
  await owner.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
  const versions: string[] = []
  for (const Body of ['one', 'two'])
    versions.push((await owner.send(new PutObjectCommand({ Bucket, Key: 'a', Body }))).VersionId!)
  const [first, second] = versions
  await give(Bucket, allow('s3:GetObjectVersion', objectArn(Bucket), when('StringEquals', 's3:VersionId', first)))
  const get = (VersionId?: string) => guest.send(new GetObjectCommand({ Bucket, Key: 'a', VersionId }))
  t.equal(String(await bytesOf(await get(first))), 'one')
  t.match(await refusal(get(second)), denied)
  t.match(await refusal(get()), denied, 'that is another action')
})

t.test('aws:username as a variable: in resources and conditions → who asks; a star as one → a star', async t => {
  const Bucket = await openBucket()
  await fill(Bucket, 'home/main/a', 'home/guest/a', 'home/*/a')
  const own = objectArn(Bucket, `home/${variable('aws:username')}/*`)
  await give(
    Bucket,
    allow(['s3:GetObject', 's3:PutObject', 's3:DeleteObject'], own),
    allow('s3:ListBucket', bucketArn(Bucket), when('StringLike', 's3:prefix', `home/${variable('aws:username')}/*`)),
  )
  t.equal(await read(Bucket, 'home/guest/a'), 'home/guest/a')
  await put(Bucket, 'home/guest/b')
  await guest.send(new DeleteObjectCommand({ Bucket, Key: 'home/guest/b' }))
  t.match(await refusal(read(Bucket, 'home/main/a')), denied)
  t.match(await refusal(put(Bucket, 'home/main/b')), denied)
  t.equal((await list(Bucket, { Prefix: 'home/guest/' })).KeyCount, 1)
  t.match(await refusal(list(Bucket, { Prefix: 'home/main/' })), denied)
  await give(Bucket, allow('s3:GetObject', objectArn(Bucket, `home/${variable('*')}/a`)))
  t.equal(await read(Bucket, 'home/*/a'), 'home/*/a')
  t.match(await refusal(read(Bucket, 'home/guest/a')), denied)
})
