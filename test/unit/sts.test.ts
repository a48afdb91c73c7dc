import t from 'tap'
import type { RequestContext } from '../../gateway/context.ts'
import { stsHandlers } from '../../gateway/sts/handlers.ts'
import { type FaultCode, fault, faultCodes } from '../../protocol/fault.ts'
import { compile } from '../../protocol/operation.ts'
import { Query } from '../../protocol/query.ts'
import { renderStsFault } from '../../protocol/sts/faults.ts'
import { parseStsCall, stsOperations } from '../../protocol/sts/operations.ts'
import { parseXml } from '../../protocol/xml.ts'
import { wireRequest } from './wire-request.ts'

const call = (body: string, query = '') => parseStsCall(Buffer.from(body), new Query(query))
const good = 'Action=GetCallerIdentity&Version=2011-06-15'
const context = (identityName: string) =>
  ({
    requestId: 'REQUEST',
    principal: { account: '123456789012', identityName, canonicalId: 'c0ffee' },
  }) as unknown as RequestContext

t.test('parseStsCall: action in the body or the query → the call', async t => {
  t.same(call(good), { action: 'GetCallerIdentity' })
  t.same(call(`Version=2011-06-15&Action=GetCallerIdentity\n`), { action: 'GetCallerIdentity' })
  t.same(call('', good), { action: 'GetCallerIdentity' })
})

t.test('parseStsCall: other actions → STS says why not', async t => {
  t.match(call('Action=AssumeRole&Version=2011-06-15'), { code: 'not-implemented', detail: { action: 'AssumeRole' } })
  t.match(call(''), { code: 'argument-invalid' })
  t.match(call('Action=Nope&Version=2011-06-15'), {
    detail: { message: 'Could not find operation Nope for version 2011-06-15' },
  })
  t.match(call('Action=GetCallerIdentity'), {
    detail: { message: 'Could not find operation GetCallerIdentity for version NO_VERSION_SPECIFIED' },
  })
  t.match(call('Action=%ff&Version=2011-06-15'), { code: 'argument-invalid' })
})

const routes = compile(stsOperations, stsHandlers)
const answer = (line: string, body: string, name = 'main', headers: Record<string, string> = {}) => {
  const request = wireRequest(line, headers)
  const route = routes.find(request)!
  const asked = route.operation.parse(request, Buffer.from(body))
  return route.operation.render(route.handle(context(name), asked) as never)
}

t.test('GetCallerIdentity: POST and GET → the same document', async t => {
  const posted = answer('POST /', good)
  t.same(posted, answer(`GET /?${good}`, ''))
  t.same([posted.status, posted.headers], [200, ['Content-Type', 'text/xml']])
  const root = parseXml(Buffer.from(posted.body as string))
  t.equal(root?.name, 'GetCallerIdentityResponse')
  t.match(posted.body, 'xmlns="https://sts.amazonaws.com/doc/2011-06-15/"')
  t.match(posted.body, '<Arn>arn:aws:iam::123456789012:user/main</Arn>')
  t.match(posted.body, /<UserId>AIDA[A-Z2-7]{17}<\/UserId><Account>123456789012<\/Account>/)
  t.match(posted.body, '<ResponseMetadata><RequestId>REQUEST</RequestId></ResponseMetadata>')
})

t.test('GetCallerIdentity: the identity named root → its account', async t => {
  t.match(
    answer('POST /', good, 'root').body,
    '<Arn>arn:aws:iam::123456789012:root</Arn><UserId>123456789012</UserId><Account>123456789012</Account>',
  )
})

t.test('GetCallerIdentity: JSON accepted → JSON', async t => {
  const reply = answer('POST /', good, 'root', { accept: 'application/json' })
  t.same(JSON.parse(reply.body as string), {
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

t.test('renderStsFault: faults of signing → the codes clients know', async t => {
  const code = (of: FaultCode) =>
    /<Code>(.*)<\/Code>/.exec(renderStsFault(fault(of), { requestId: 'R' }).body as string)?.[1]
  t.equal(code('access-key-unknown'), 'InvalidClientTokenId')
  t.equal(code('signature-mismatch'), 'SignatureDoesNotMatch')
  t.equal(code('session-token-expired'), 'ExpiredToken')
  t.equal(code('anonymous-denied'), 'MissingAuthenticationToken')
  t.equal(code('request-invalid'), 'InvalidAction')
  t.equal(code('not-implemented'), 'NotImplemented')
})
