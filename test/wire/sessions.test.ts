/** Temporary credentials: got from STS as users get them, and used on every form of S3's wire. */
import { createHmac } from 'node:crypto'
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectsCommand,
  GetBucketAclCommand,
  GetObjectCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import {
  AssumeRoleCommand,
  GetCallerIdentityCommand,
  GetFederationTokenCommand,
  GetSessionTokenCommand,
  type STSClient,
} from '@aws-sdk/client-sts'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import t from 'tap'
import { bytesOf, newBucket, refusal, s3, sts } from '../support/clients.ts'
import { policyText, postForm, signFields4, signPolicy2 } from '../support/forms.ts'
import { startServer } from '../support/server.ts'
import { type Credentials, element, type SignedRequest, send, signedFetch } from '../support/signed.ts'

const other = { accessKeyId: 'other', secretAccessKey: 'other-secret' }
const server = await startServer(t, {
  identities: {
    environments: [
      {
        name: 'default',
        account: '123456789012',
        identities: [
          { name: 'main', credentials: [{ accessKeyId: 'test', secretAccessKey: 'test' }] },
          { name: 'other', credentials: [other] },
        ],
      },
    ],
  },
})
const main = s3(t, server)
const roleArn = 'arn:aws:iam::123456789012:role/app/Worker'
const bucket = await newBucket(main)
await main.send(new PutObjectCommand({ Bucket: bucket, Key: 'open/a', Body: 'open' }))
await main.send(new PutObjectCommand({ Bucket: bucket, Key: 'shut/a', Body: 'shut' }))

function credentialsOf(answer: { Credentials?: object | undefined }): Required<Credentials> {
  const { AccessKeyId, SecretAccessKey, SessionToken } = answer.Credentials as Record<string, string>
  return { accessKeyId: AccessKeyId!, secretAccessKey: SecretAccessKey!, sessionToken: SessionToken! }
}
async function assume(policy?: object, client: STSClient = sts(t, server)): Promise<Required<Credentials>> {
  const Policy = policy === undefined ? {} : { Policy: JSON.stringify({ Version: '2012-10-17', ...policy }) }
  return credentialsOf(
    await client.send(new AssumeRoleCommand({ RoleArn: roleArn, RoleSessionName: 'tester', ...Policy })),
  )
}
const allow = (Action: string | string[], Resource: string | string[] = '*', more: object = {}) => ({
  Statement: [{ Effect: 'Allow', Action, Resource, ...more }],
})
const session = credentialsOf(await sts(t, server).send(new GetSessionTokenCommand({})))
const inBucket = (key: string) => `arn:aws:s3:::${bucket}/${key}`
const denied = { name: 'AccessDenied', status: 403 }

t.test('GetSessionToken: → credentials that are the identity for twelve hours', async t => {
  const before = Date.now()
  const { Credentials: issued } = await sts(t, server).send(new GetSessionTokenCommand({}))
  t.match(issued?.AccessKeyId, /^ASIA[A-Z2-7]{16}$/)
  const hours = (issued!.Expiration!.getTime() - before) / 3_600_000
  t.ok(hours > 11.99 && hours <= 12, `${hours} hours`)
  const client = s3(t, server, { credentials: session })
  const made = await newBucket(client)
  await client.send(new PutObjectCommand({ Bucket: made, Key: 'k', Body: 'by a session' }))
  t.equal(String(await bytesOf(await main.send(new GetObjectCommand({ Bucket: made, Key: 'k' })))), 'by a session')
  const names = (await client.send(new ListBucketsCommand({}))).Buckets?.map(each => each.Name)
  t.ok(names?.includes(bucket) && names.includes(made))
  const [mine, ours] = await Promise.all([
    sts(t, server).send(new GetCallerIdentityCommand({})),
    sts(t, server, session).send(new GetCallerIdentityCommand({})),
  ])
  t.equal(ours.Arn, 'arn:aws:iam::123456789012:user/main')
  t.equal(ours.UserId, mine.UserId)
})

t.test('GetSessionToken: what STS refuses → in its words', async t => {
  t.match(await refusal(sts(t, server, session).send(new GetSessionTokenCommand({}))), {
    ...denied,
    message: 'Cannot call GetSessionToken with session credentials',
  })
  t.match(await refusal(sts(t, server).send(new GetSessionTokenCommand({ DurationSeconds: 60 }))), {
    name: 'ValidationError',
    status: 400,
    message: /Value '60' at 'durationSeconds' failed to satisfy constraint/,
  })
  t.match(await refusal(sts(t, server).send(new GetFederationTokenCommand({ Name: 'nobody' }))), {
    name: 'NotImplemented',
    status: 501,
  })
})

t.test('AssumeRole: → who one is from then on', async t => {
  const answer = await sts(t, server).send(
    new AssumeRoleCommand({
      RoleArn: roleArn,
      RoleSessionName: 'me@work',
      ExternalId: 'external',
      Tags: [{ Key: 'team', Value: 'storage' }],
      TransitiveTagKeys: ['team'],
      Policy: JSON.stringify(allow('s3:*')),
    }),
  )
  t.match(answer.AssumedRoleUser?.Arn, 'arn:aws:sts::123456789012:assumed-role/Worker/me@work')
  t.match(answer.AssumedRoleUser?.AssumedRoleId, /^AROA[A-Z2-7]{17}:me@work$/)
  t.ok(answer.PackedPolicySize! > 0 && answer.PackedPolicySize! <= 100)
  const whoami = await sts(t, server, credentialsOf(answer)).send(new GetCallerIdentityCommand({}))
  t.same(
    [whoami.Arn, whoami.UserId, whoami.Account],
    [answer.AssumedRoleUser?.Arn, answer.AssumedRoleUser?.AssumedRoleId, '123456789012'],
  )
})

t.test('AssumeRole: what STS refuses → its codes', async t => {
  const refused = (input: object) =>
    refusal(sts(t, server).send(new AssumeRoleCommand({ RoleArn: roleArn, RoleSessionName: 'tester', ...input })))
  t.match(await refused({ RoleArn: 'arn:aws:iam::999999999999:role/Worker' }), {
    ...denied,
    message: /is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::999999999999:role\/Worker/,
  })
  t.match(await refused({ RoleArn: `${roleArn} x` }), { name: 'ValidationError', message: `${roleArn} x is invalid` })
  t.match(await refused({ RoleSessionName: 'a b' }), { name: 'ValidationError' })
  t.match(await refused({ Policy: '{' }), { name: /^MalformedPolicyDocument/, status: 400 })
  t.match(await refused({ Policy: `{"Id": "${'i'.repeat(2100)}"}` }), { name: /^PackedPolicyTooLarge/ })
  t.match(await refused({ PolicyArns: [{ arn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' }] }), {
    name: 'NotImplemented',
    message: /PolicyArns/,
  })
})

t.test('a session policy → limits what its identity may, in its own buckets too', async t => {
  const policy = allow(['s3:GetObject', 's3:PutObject'], inBucket('open/*'))
  const limited = s3(t, server, { credentials: await assume(policy) })
  const at = (Key: string) => ({ Bucket: bucket, Key })
  // The owner's own GET puts the object where the session must not find it.
  for (let i = 0; i < 3; i++) await bytesOf(await main.send(new GetObjectCommand(at('shut/a'))))
  for (let i = 0; i < 3; i++) t.match(await refusal(limited.send(new GetObjectCommand(at('shut/a')))), denied)
  for (let i = 0; i < 3; i++)
    t.equal(String(await bytesOf(await limited.send(new GetObjectCommand(at('open/a'))))), 'open')
  await limited.send(new PutObjectCommand({ ...at('open/b'), Body: 'b' }))
  t.match(await refusal(limited.send(new PutObjectCommand({ ...at('shut/b'), Body: 'b' }))), denied)
  t.match(await refusal(limited.send(new GetObjectCommand(at('open/none')))), denied, 'it may not list')
  t.match(await refusal(limited.send(new ListObjectsV2Command({ Bucket: bucket }))), denied)
  t.match(await refusal(limited.send(new GetBucketAclCommand({ Bucket: bucket }))), denied)
  t.match((await refusal(limited.send(new HeadBucketCommand({ Bucket: bucket })))).status, 403)
  t.match(await refusal(limited.send(new ListBucketsCommand({}))), denied)
  t.match(await refusal(limited.send(new CreateBucketCommand({ Bucket: `${bucket}-new` }))), denied)
  t.match(
    await refusal(limited.send(new CopyObjectCommand({ ...at('open/copy'), CopySource: `${bucket}/shut/a` }))),
    denied,
    'nor read the source of a copy',
  )
  t.match(
    await refusal(
      limited.send(
        new UploadPartCopyCommand({ ...at('open/m'), UploadId: 'u', PartNumber: 1, CopySource: `${bucket}/shut/a` }),
      ),
    ),
    { status: /40[34]/ },
  )
  await limited.send(new CopyObjectCommand({ ...at('open/copy'), CopySource: `${bucket}/open/a` }))
  const several = await limited.send(
    new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: [{ Key: 'open/b' }, { Key: 'shut/a' }] } }),
  )
  t.same(
    several.Errors?.map(error => [error.Key, error.Code]),
    [
      ['open/b', 'AccessDenied'],
      ['shut/a', 'AccessDenied'],
    ],
  )
})

t.test('a session policy: denials and conditions → hold', async t => {
  const policy = {
    Statement: [
      { Effect: 'Allow', Action: 's3:*', Resource: '*' },
      { Effect: 'Deny', Action: 's3:DeleteObject', Resource: '*' },
      {
        Effect: 'Deny',
        Action: 's3:ListBucket',
        Resource: '*',
        Condition: { StringNotEquals: { 's3:prefix': 'open/' } },
      },
      {
        Effect: 'Deny',
        Action: 's3:CreateBucket',
        Resource: '*',
        Condition: { ArnLike: { 'aws:PrincipalArn': roleArn } },
      },
    ],
  }
  const limited = s3(t, server, { credentials: await assume(policy) })
  const listed = await limited.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: 'open/' }))
  t.ok(listed.Contents?.some(each => each.Key === 'open/a'))
  t.match(await refusal(limited.send(new ListObjectsV2Command({ Bucket: bucket }))), denied)
  t.match(await refusal(limited.send(new CreateBucketCommand({ Bucket: `${bucket}-denied` }))), denied)
  const several = await limited.send(
    new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: [{ Key: 'open/a' }] } }),
  )
  t.equal(several.Errors?.[0]?.Code, 'AccessDenied')
  t.ok((await limited.send(new ListBucketsCommand({}))).Buckets?.length)
})

t.test('a session policy: what its identity may not → the session may not either', async t => {
  const theirs = await assume(allow('s3:*'), sts(t, server, other))
  t.match(
    await refusal(s3(t, server, { credentials: theirs }).send(new GetObjectCommand({ Bucket: bucket, Key: 'open/a' }))),
    denied,
  )
})

t.test('a session with a policy: AssumeRole → only where its policy lets it', async t => {
  const shut = sts(t, server, await assume(allow('s3:GetObject')))
  t.match(await refusal(assume(undefined, shut)), denied)
  const open = sts(t, server, await assume(allow('sts:AssumeRole', roleArn)))
  const free = s3(t, server, { credentials: await assume(undefined, open) })
  t.equal(String(await bytesOf(await free.send(new GetObjectCommand({ Bucket: bucket, Key: 'shut/a' })))), 'shut')
})

const path = `/${bucket}/open/a`
const get = (more: Partial<SignedRequest>) => signedFetch(server, { method: 'GET', path, ...more })

t.test('session tokens: header, presigned, version 2, forms → taken with the token, refused without', async t => {
  const { sessionToken, ...bare } = session
  const wrong = { ...bare, sessionToken: `x${sessionToken.slice(1)}` }
  const answers = async (credentials: Credentials, presign?: number) => {
    const { status, text } = await get({ credentials, ...(presign === undefined ? {} : { presign }) })
    return [status, element(text, 'Code')]
  }
  for (const presign of [undefined, 60]) {
    t.same(await answers(session, presign), [200, undefined])
    t.same(await answers(bare, presign), [403, 'InvalidAccessKeyId'])
    t.same((await answers(wrong, presign))[0], 400)
    t.same((await answers(wrong, presign))[1], 'InvalidToken')
  }
  const link = await getSignedUrl(
    s3(t, server, { credentials: session }),
    new GetObjectCommand({ Bucket: bucket, Key: 'open/a' }),
  )
  t.match(link, 'X-Amz-Security-Token=')
  t.equal(await (await fetch(link)).text(), 'open')

  const hmac = (text: string) => createHmac('sha1', bare.secretAccessKey).update(text).digest('base64')
  const date = new Date().toUTCString()
  const version2 = (token: string) => {
    const head = token === '' ? '' : `x-amz-security-token:${token}\n`
    const authorization = `AWS ${bare.accessKeyId}:${hmac(`GET\n\n\n${date}\n${head}${path}`)}`
    const headers = { host: new URL(server.origin).host, date, authorization }
    return send(server, {
      method: 'GET',
      target: path,
      headers: token === '' ? headers : { ...headers, 'x-amz-security-token': token },
      body: new Uint8Array(0),
    })
  }
  t.equal((await version2(sessionToken)).text, 'open')
  t.equal(element((await version2('')).text, 'Code'), 'InvalidAccessKeyId')

  const conditions = [{ bucket }, ['starts-with', '$key', '']]
  const post = (fields: Record<string, string>) =>
    postForm(server, `/${bucket}`, { fields: { key: 'open/form', ...fields } })
  t.equal((await post(signFields4(conditions, { credentials: session }))).status, 204)
  t.equal(element((await post(signFields4(conditions, { credentials: bare }))).text, 'Code'), 'InvalidAccessKeyId')
  const policy = policyText([...conditions, { 'x-amz-security-token': sessionToken }])
  t.equal((await post({ ...signPolicy2(policy, bare), 'x-amz-security-token': sessionToken })).status, 204)
})

t.test('session policies: presigned links and forms → limited as well', async t => {
  const credentials = await assume(allow('s3:*', inBucket('open/*')))
  for (const presign of [undefined, 60]) {
    const more = { credentials, ...(presign === undefined ? {} : { presign }) }
    t.equal((await get(more)).status, 200)
    const shut = await get({ ...more, path: `/${bucket}/shut/a` })
    t.same([shut.status, element(shut.text, 'Code')], [403, 'AccessDenied'])
  }
  const conditions = [{ bucket }, ['starts-with', '$key', '']]
  const fields = signFields4(conditions, { credentials })
  t.equal((await postForm(server, `/${bucket}`, { fields: { key: 'open/f', ...fields } })).status, 204)
  t.equal((await postForm(server, `/${bucket}`, { fields: { key: 'shut/f', ...fields } })).status, 403)
})

t.test('a role in a bucket policy → its sessions, and no other', async t => {
  const theirs = await assume(undefined, sts(t, server, other))
  const policy = (arn: string) =>
    JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: { AWS: arn }, Action: 's3:GetObject', Resource: inBucket('open/*') }],
    })
  const put = (body: string) => signedFetch(server, { method: 'PUT', path: `/${bucket}`, query: 'policy', body })
  const tried = async (credentials: Credentials) => (await get({ credentials })).status
  t.equal((await put(policy(roleArn))).status, 204)
  t.same([await tried(theirs), await tried(other)], [200, 403])
  t.equal((await put(policy('arn:aws:sts::123456789012:assumed-role/Worker/tester'))).status, 204)
  t.same([await tried(theirs), await tried(other)], [200, 403])
  t.equal((await put(policy('arn:aws:sts::123456789012:assumed-role/Worker/another'))).status, 204)
  t.same([await tried(theirs), await tried(other)], [403, 403])
  await signedFetch(server, { method: 'DELETE', path: `/${bucket}`, query: 'policy' })
})

t.test('an hour and more later → ExpiredToken of S3 and STS, and in the end nobody knows it', async t => {
  const credentials = await assume()
  const move = (body: object) =>
    fetch(`${server.origin}/_mockfactory/clock`, { method: 'POST', body: JSON.stringify(body) })
  t.teardown(() => move({ reset: true }))
  const hours = (n: number) => Date.now() + n * 3_600_000
  const tried = async (nowMs: number) => {
    const { status, text } = await get({ credentials, nowMs })
    return [status, element(text, 'Code'), element(text, 'Message')]
  }
  t.equal((await move({ nowMs: hours(0.99) })).status, 200)
  t.equal((await tried(hours(0.99)))[0], 200)
  await move({ nowMs: hours(1.01) })
  t.same(await tried(hours(1.01)), [400, 'ExpiredToken', 'The provided token has expired.'])
  const asked = await signedFetch(server, {
    method: 'POST',
    path: '/',
    body: 'Action=GetCallerIdentity&Version=2011-06-15',
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    service: 'sts',
    nowMs: hours(1.01),
    credentials,
  })
  t.equal(asked.status, 403)
  t.match(JSON.parse(asked.text), { Error: { Code: 'ExpiredToken', Type: 'Sender' } })
  await move({ nowMs: hours(30) })
  // The sweeper comes by every five seconds.
  let answer = await tried(hours(30))
  for (let i = 0; i < 100 && answer[1] === 'ExpiredToken'; i++) {
    await new Promise(resolve => setTimeout(resolve, 200))
    answer = await tried(hours(30))
  }
  t.match(answer, [403, 'InvalidAccessKeyId'])
})
