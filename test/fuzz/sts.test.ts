/** No call makes the parsers of STS throw, and what they let through is within the service's constraints. */
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { Fault } from '../../protocol/fault.ts'
import { type AssumeRoleRequest, parseAssumeRole } from '../../protocol/sts/assume-role.ts'
import { stsCall } from '../../protocol/sts/call.ts'
import { renderStsFault } from '../../protocol/sts/faults.ts'
import { parseSessionToken, type SessionTokenRequest } from '../../protocol/sts/session-token.ts'
import { parseXml } from '../../protocol/xml.ts'
import { wireRequest } from '../unit/wire-request.ts'

const name = fc.constantFrom(
  'RoleArn',
  'RoleSessionName',
  'DurationSeconds',
  'Policy',
  'ExternalId',
  'Tags',
  'Tags.member.1.Key',
  'Tags.member.1.Value',
  'Tags.member.x.Key',
  'Tags.member.1.Key.Key',
  'TransitiveTagKeys.member.1',
  'PolicyArns.member.1.arn',
  'SerialNumber',
  'TokenCode',
  'SourceIdentity',
)
const value = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.constantFrom(
    'arn:aws:iam::123456789012:role/r',
    'arn:aws:iam::123456789012:role/a/../r',
    'session',
    '900',
    '-0',
    '43200',
    '999999999999999999',
    '{"Statement":{"Effect":"Deny","Action":"s3:*","Resource":"*"}}',
  ),
)
const form = fc
  .array(fc.tuple(name, value), { maxLength: 8 })
  .map(pairs => [...pairs, ['RoleArn', 'arn:aws:iam::123456789012:role/r'], ['RoleSessionName', 'session']])
  .chain(pairs => fc.subarray(pairs))
  .map(pairs => String(new URLSearchParams(pairs as [string, string][])))

function checkFault(t: Test, outcome: unknown): boolean {
  if (!(outcome instanceof Fault)) return false
  const reply = renderStsFault(outcome, { requestId: 'R' })
  t.ok(reply.status >= 400 && reply.status < 600)
  return true
}
t.test('parseAssumeRole, parseSessionToken: any parameters → a request within the limits, or a fault', async t => {
  let taken = 0
  fc.assert(
    fc.property(form, parameters => {
      const call = stsCall(wireRequest('POST /'), Buffer.from(`Action=A&${parameters}`))
      const role = parseAssumeRole(call)
      if (!checkFault(t, role)) {
        const { role: named, sessionName, durationSeconds = 900, policy = '' } = role as AssumeRoleRequest
        taken++
        t.match(named.name, /^[\w+=,.@-]{1,64}$/)
        t.match(sessionName, /^[\w+=,.@-]{2,64}$/)
        t.ok(durationSeconds >= 900 && durationSeconds <= 43_200 && policy.length <= 2048)
      }
      const token = parseSessionToken(call)
      if (!checkFault(t, token)) {
        const { durationSeconds = 900 } = token as SessionTokenRequest
        t.ok(durationSeconds >= 900 && durationSeconds <= 129_600)
      }
    }),
    { numRuns: 2000 },
  )
  t.ok(taken > 20, `${taken} of 2000 taken`)
})

t.test('renderStsFault: any text of the client → a well-formed document', async t => {
  const run = () =>
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), text => {
        const call = stsCall(wireRequest('POST /'), Buffer.from(`Action=A&${new URLSearchParams({ RoleArn: text })}`))
        const outcome = parseAssumeRole(call)
        const { body } = renderStsFault(outcome as Fault, { requestId: 'R' })
        return parseXml(Buffer.from(body as string))?.name === 'ErrorResponse'
      }),
    )
  t.doesNotThrow(run)
})
