import t from 'tap'
import type { RequestContext, Session } from '../../gateway/context.ts'
import { stsHandlers } from '../../gateway/sts/handlers.ts'
import type { Unit } from '../../platform/database/unit.ts'
import { Fault, type FaultCode, fault, faultCodes } from '../../protocol/fault.ts'
import { compile, type Reply } from '../../protocol/operation.ts'
import { parsePolicy } from '../../protocol/policy/parse.ts'
import type { Policy } from '../../protocol/policy/policy.ts'
import { sessionPolicyRules } from '../../protocol/sts/assume-role.ts'
import { stsCall } from '../../protocol/sts/call.ts'
import { renderStsFault } from '../../protocol/sts/faults.ts'
import { stsOperations } from '../../protocol/sts/operations.ts'
import { childOf, childText, parseXml } from '../../protocol/xml.ts'
import { wireRequest } from './wire-request.ts'

const good = 'Action=GetCallerIdentity&Version=2011-06-15'
const nowMs = Date.UTC(2026, 0, 1, 12, 0, 0, 700)
const kept: (readonly unknown[])[] = []
const context = (identityName: string, session?: Session) =>
  ({
    requestId: 'REQUEST',
    nowMs,
    principal: {
      account: '123456789012',
      identityName,
      canonicalId: 'c0ffee',
      environmentId: 1,
      identityId: 2,
      session,
    },
    services: {
      database: {
        write: async (unit: () => Unit<unknown>) => {
          const running = unit()
          for (let step = running.next(); !step.done; step = running.next({ rows: [], changes: 1 }))
            kept.push(step.value.values)
        },
      },
    },
  }) as unknown as RequestContext

const routes = compile(stsOperations, stsHandlers)
interface Asked {
  readonly as?: string
  readonly session?: Session
  readonly headers?: Record<string, string>
}
async function outcome(line: string, body: string, asked: Asked = {}): Promise<Reply | Fault> {
  const call = stsCall(wireRequest(line, asked.headers), Buffer.from(body))
  const { operation, handle } = routes.find(call)!
  const input: unknown = operation.parse(call, Buffer.from(body))
  if (input instanceof Fault) return input
  const answer = await handle(context(asked.as ?? 'main', asked.session), input)
  return answer instanceof Fault ? answer : operation.render(answer as never)
}
const post = (body: string, asked?: Asked) => outcome('POST /', body, asked)
const assume = (more: Record<string, string> = {}, asked?: Asked) => {
  const form = new URLSearchParams({ Action: 'AssumeRole', Version: '2011-06-15', ...more })
  return post(form.toString(), asked)
}
const text = async (reply: Promise<Reply | Fault>) => String(((await reply) as Reply).body)
const roleArn = 'arn:aws:iam::123456789012:role/path/of/Worker'
const role = { RoleArn: roleArn, RoleSessionName: 'session' }

t.test('stsCall: parameters in the body or the query → the same call', async t => {
  const reply = await post(good)
  t.same(reply, await outcome(`GET /?${good}`, ''))
  t.same(reply, await outcome(`POST /?${good}`, ''))
  t.same(reply, await post('Version=2011-06-15&Action=GetCallerIdentity\n'))
  t.equal((reply as Reply).status, 200)
  t.equal(routes.find(stsCall(wireRequest(`DELETE /?${good}`), Buffer.from(''))), undefined)
})

t.test('stsOperations: actions there are not, or not here → STS says so', async t => {
  t.match(await post('Action=GetFederationToken&Version=2011-06-15'), {
    code: 'not-implemented',
    detail: { action: 'GetFederationToken' },
  })
  t.match(await post(''), { code: 'argument-invalid' })
  t.match(await post('Action=&Version=2011-06-15'), { code: 'argument-invalid' })
  t.match(await post('Action=%ff&Version=2011-06-15'), { code: 'argument-invalid' })
  t.match(await post('Action=Nope&Version=2011-06-15'), {
    code: 'request-invalid',
    detail: { message: 'Could not find operation Nope for version 2011-06-15' },
  })
  t.match(await post('Action=GetCallerIdentity'), {
    detail: { message: 'Could not find operation GetCallerIdentity for version NO_VERSION_SPECIFIED' },
  })
})

t.test('GetCallerIdentity: POST → who signed', async t => {
  const posted = (await post(good)) as Reply
  t.same(posted.headers, ['Content-Type', 'text/xml'])
  t.equal(parseXml(Buffer.from(posted.body as string))?.name, 'GetCallerIdentityResponse')
  t.match(posted.body, 'xmlns="https://sts.amazonaws.com/doc/2011-06-15/"')
  t.match(posted.body, '<Arn>arn:aws:iam::123456789012:user/main</Arn>')
  t.match(posted.body, /<UserId>AIDA[A-Z2-7]{17}<\/UserId><Account>123456789012<\/Account>/)
  t.match(posted.body, '<ResponseMetadata><RequestId>REQUEST</RequestId></ResponseMetadata>')
})

t.test('GetCallerIdentity: the identity named root → its account', async t => {
  t.match(
    await text(post(good, { as: 'root' })),
    '<Arn>arn:aws:iam::123456789012:root</Arn><UserId>123456789012</UserId><Account>123456789012</Account>',
  )
})

t.test('GetCallerIdentity: JSON accepted → JSON', async t => {
  const headers = { accept: 'application/json' }
  t.same(JSON.parse(await text(post(good, { as: 'root', headers }))), {
    GetCallerIdentityResponse: {
      GetCallerIdentityResult: {
        Account: '123456789012',
        Arn: 'arn:aws:iam::123456789012:root',
        UserId: '123456789012',
      },
      ResponseMetadata: { RequestId: 'REQUEST' },
    },
  })
})

t.test('GetCallerIdentity: of sessions → the role, or the identity itself', async t => {
  const session = { role: { arn: roleArn, sessionName: 'me@x' } }
  const ofRole = await text(post(good, { session }))
  t.match(ofRole, '<Arn>arn:aws:sts::123456789012:assumed-role/Worker/me@x</Arn>')
  t.match(ofRole, /<UserId>AROA[A-Z2-7]{17}:me@x<\/UserId>/)
  t.equal(await text(post(good, { session: {} })), await text(post(good)))
})

const token = 'Action=GetSessionToken&Version=2011-06-15'

t.test('GetSessionToken: → credentials that are kept, and when they end', async t => {
  kept.length = 0
  const root = parseXml(Buffer.from(await text(post(token))))!
  const credentials = childOf(childOf(root, 'GetSessionTokenResult')!, 'Credentials')!
  t.match(childText(credentials, 'AccessKeyId'), /^ASIA[A-Z2-7]{16}$/)
  t.match(childText(credentials, 'SecretAccessKey'), /^[\w+/]{40}$/)
  t.match(childText(credentials, 'SessionToken'), /^[\w+/]{128}$/)
  t.equal(childText(credentials, 'Expiration'), '2026-01-02T00:00:00Z', '12 hours')
  const [id, secret, session] = ['AccessKeyId', 'SecretAccessKey', 'SessionToken'].map(name =>
    childText(credentials, name),
  )
  t.same(kept, [[id, 1, 2, secret, session, Date.UTC(2026, 0, 2), null, null, null]])
  t.match(await text(post(`${token}&DurationSeconds=900`)), '<Expiration>2026-01-01T12:15:00Z<')
  t.match(await text(post(`${token}&DurationSeconds=129600`)), '<Expiration>2026-01-03T00:00:00Z<')
})

t.test('GetSessionToken: root users → an hour at most', async t => {
  t.match(await text(post(token, { as: 'root' })), '<Expiration>2026-01-01T13:00:00Z<')
  t.match(await text(post(`${token}&DurationSeconds=7200`, { as: 'root' })), '<Expiration>2026-01-01T13:00:00Z<')
})

t.test('GetSessionToken: JSON accepted → seconds', async t => {
  const answer = JSON.parse(await text(post(token, { headers: { accept: 'application/json' } })))
  t.match(answer.GetSessionTokenResponse.GetSessionTokenResult.Credentials, {
    AccessKeyId: /^ASIA/,
    Expiration: Date.UTC(2026, 0, 2) / 1000,
  })
})

t.test('GetSessionToken: refusals → in STS\u2019s words', async t => {
  const constraint = (value: string, what: string) =>
    `1 validation error detected: Value '${value}' at 'durationSeconds' failed to satisfy constraint: ${what}`
  for (const [value, what] of [
    ['899', 'Member must have value greater than or equal to 900'],
    ['-1', 'Member must have value greater than or equal to 900'],
    ['129601', 'Member must have value less than or equal to 129600'],
    ['1e3', 'Member must be an integer'],
  ] as const)
    t.match(await post(`${token}&DurationSeconds=${value}`), {
      code: 'parameter-invalid',
      detail: { message: constraint(value, what) },
    })
  t.match(await post(token, { session: {} }), {
    code: 'access-denied',
    detail: { message: 'Cannot call GetSessionToken with session credentials' },
  })
  t.match(await post(`${token}&SerialNumber=arn:aws:iam::1:mfa/x&TokenCode=123456`), { code: 'access-denied' })
  t.match(await post(`${token}&TokenCode=12345`), { code: 'parameter-invalid' })
})

t.test('AssumeRole: → the session, and what it is kept with', async t => {
  kept.length = 0
  const policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}'
  const tags = { 'Tags.member.1.Key': 'team', 'Tags.member.1.Value': '', 'TransitiveTagKeys.member.1': 'Team' }
  const more = { ExternalId: 'a:b/c', SourceIdentity: 'who', DurationSeconds: '43200', ...tags }
  const xml = await text(assume({ ...role, ...more, Policy: ` ${policy}\n` }))
  t.match(xml, '<Arn>arn:aws:sts::123456789012:assumed-role/Worker/session</Arn>')
  t.match(xml, /<AssumedRoleId>AROA[A-Z2-7]{17}:session<\/AssumedRoleId>/)
  t.match(xml, '<PackedPolicySize>5</PackedPolicySize><SourceIdentity>who</SourceIdentity>')
  t.match(xml, '<Expiration>2026-01-02T00:00:00Z</Expiration>')
  t.same(kept[0]?.slice(6), [roleArn, 'session', policy])
  const plain = await text(assume(role))
  t.match(plain, '<Expiration>2026-01-01T13:00:00Z</Expiration>', 'an hour unless told otherwise')
  t.notMatch(plain, /PackedPolicySize|SourceIdentity/)
  t.same(kept[1]?.slice(6), [roleArn, 'session', null])
})

t.test('AssumeRole: JSON accepted → null where there is nothing', async t => {
  const answer = JSON.parse(await text(assume(role, { headers: { accept: 'application/json' } })))
  const result = answer.AssumeRoleResponse.AssumeRoleResult
  t.equal(result.PackedPolicySize, null)
  t.equal(result.AssumedRoleUser.Arn, 'arn:aws:sts::123456789012:assumed-role/Worker/session')
})

t.test('AssumeRole: parameters that cannot be → all told at once', async t => {
  t.match(await assume(), {
    detail: {
      message:
        "2 validation errors detected: Value null at 'roleArn' failed to satisfy constraint: Member must not be null; " +
        "Value null at 'roleSessionName' failed to satisfy constraint: Member must not be null",
    },
  })
  t.match(await assume({ ...role, RoleSessionName: 'a:b' }), {
    detail: {
      message:
        "1 validation error detected: Value 'a:b' at 'roleSessionName' failed to satisfy constraint: " +
        'Member must satisfy regular expression pattern: [\\w+=,.@-]*',
    },
  })
  const invalid: Record<string, string>[] = [
    { RoleSessionName: 'x' },
    { RoleSessionName: 'x'.repeat(65) },
    { RoleArn: 'short' },
    { RoleArn: 'arn:aws:iam::123456789012:user/Worker' },
    { RoleArn: 'arn:aws:iam::123456789012:role/' },
    { RoleArn: 'arn:aws:iam::123456789012:role/a b' },
    { RoleArn: 'arn:aws:sts::123456789012:assumed-role/Worker/session' },
    { DurationSeconds: '899' },
    { DurationSeconds: '43201' },
    { ExternalId: 'x' },
    { ExternalId: 'a b' },
    { SourceIdentity: 'a b' },
    { 'Tags.member.1.Key': 'k' },
    { 'Tags.member.1.Value': 'v' },
    { 'Tags.member.1.Key': 'k'.repeat(129), 'Tags.member.1.Value': '' },
    { 'Tags.member.1.Key': '<', 'Tags.member.1.Value': '' },
    Object.fromEntries(
      Array.from({ length: 51 }, (_, i) => [
        [`Tags.member.${i}.Key`, `${i}`],
        [`Tags.member.${i}.Value`, ''],
      ]).flat() as [string, string][],
    ),
  ]
  for (const more of invalid)
    t.match(await assume({ ...role, ...more }), { code: 'parameter-invalid' }, JSON.stringify(more).slice(0, 80))
})

t.test('AssumeRole: tags, policies, extras that are refused → each with its own code', async t => {
  const tag = (n: number, key: string) => ({ [`Tags.member.${n}.Key`]: key, [`Tags.member.${n}.Value`]: 'v' })
  t.match(await assume({ ...role, ...tag(1, 'a'), ...tag(2, 'A') }), { code: 'tag-invalid' })
  t.match(await assume({ ...role, 'TransitiveTagKeys.member.1': 'a' }), { code: 'tag-invalid' })
  t.match(await assume({ ...role, Policy: 'no' }), { code: 'policy-malformed' })
  const named =
    '{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/*"}}'
  t.match(await assume({ ...role, Policy: named }), {
    detail: { message: 'Policy document should not specify a principal.' },
  })
  t.match(await assume({ ...role, Policy: `{"Id":"${'x'.repeat(2048)}"}` }), {
    code: 'session-policy-too-large',
    detail: { message: 'Packed policy consumes 101% of allotted space, please use smaller policy.' },
  })
  const arn = 'arn:aws:iam::aws:policy/ReadOnlyAccess'
  t.match(await assume({ ...role, 'PolicyArns.member.1.arn': arn }), { code: 'not-implemented' })
  t.match(await assume({ ...role, 'ProvidedContexts.member.1.ProviderArn': arn }), { code: 'not-implemented' })
  t.match(await assume({ ...role, Tags: '', PolicyArns: '' }), { status: 200 }, 'empty lists, as SDKs write them')
})

t.test('AssumeRole: who may not → AccessDenied', async t => {
  t.match(await assume({ ...role, RoleArn: 'arn:aws:iam::999999999999:role/Worker' }), {
    code: 'access-denied',
    detail: {
      message:
        'User: arn:aws:iam::123456789012:user/main is not authorized to perform: sts:AssumeRole on resource: ' +
        'arn:aws:iam::999999999999:role/Worker',
    },
  })
  t.match(await assume(role, { as: 'root' }), { detail: { message: 'Roles may not be assumed by root accounts.' } })
  t.match(await assume({ ...role, SerialNumber: 'GAHT12345678', TokenCode: '123456' }), { code: 'access-denied' })
})

const policyOf = (action: string) =>
  parsePolicy(
    Buffer.from(JSON.stringify({ Statement: { Effect: 'Allow', Action: action, Resource: roleArn } })),
    sessionPolicyRules,
  ) as Policy

t.test('AssumeRole: from a session → for an hour, and only if its policy lets it', async t => {
  const session = { role: { arn: roleArn, sessionName: 'first' } }
  t.match(await assume(role, { session }), { status: 200 })
  t.match(await assume({ ...role, DurationSeconds: '3601' }, { session }), {
    code: 'parameter-invalid',
    detail: { message: /1 hour session limit for roles assumed by role chaining/ },
  })
  t.match(await assume({ ...role, DurationSeconds: '3601' }, { session: {} }), { status: 200 })
  const limited = (action: string) => ({ session: { ...session, policy: policyOf(action) } })
  t.match(await assume(role, limited('s3:*')), { code: 'access-denied' }, 'or it could shed its limits')
  t.match(await assume(role, limited('sts:AssumeRole')), { status: 200 })
  t.match(await assume(role, { as: 'root', session }), { status: 200 }, 'a role that root holds is a role')
})

t.test('renderStsFault: every code → a well-formed ErrorResponse', async t => {
  for (const code of faultCodes) {
    const reply = renderStsFault(fault(code, { message: '<&>' }), { requestId: 'R' })
    const root = parseXml(Buffer.from(reply.body as string))
    t.same(
      root?.children.map(child => child.name),
      ['Error', 'RequestId'],
      code,
    )
    t.equal(root?.children[0]?.children[0]?.text, reply.status < 500 ? 'Sender' : 'Receiver', code)
  }
})

t.test('renderStsFault: JSON wanted → the error as JSON', async t => {
  const reply = renderStsFault(fault('session-token-expired'), { requestId: 'R', json: true })
  t.same(reply.headers, ['Content-Type', 'application/json'])
  t.match(JSON.parse(reply.body as string), { Error: { Code: 'ExpiredToken', Type: 'Sender' }, RequestId: 'R' })
})

t.test('renderStsFault: faults of signing → the codes clients know', async t => {
  const code = (of: FaultCode) =>
    /<Code>(.*)<\/Code>/.exec(renderStsFault(fault(of), { requestId: 'R' }).body as string)?.[1]
  t.equal(code('access-key-unknown'), 'InvalidClientTokenId')
  t.equal(code('signature-mismatch'), 'SignatureDoesNotMatch')
  t.equal(code('session-token-expired'), 'ExpiredToken')
  t.equal(code('anonymous-denied'), 'MissingAuthenticationToken')
  t.equal(code('request-invalid'), 'InvalidAction')
  t.equal(code('not-implemented'), 'NotImplemented')
  t.equal(code('parameter-invalid'), 'ValidationError')
  t.equal(code('session-policy-too-large'), 'PackedPolicyTooLarge')
  t.equal(code('tag-invalid'), 'InvalidParameterValue')
})
