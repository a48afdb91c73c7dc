import t from 'tap'
import {
  bypassInapplicable,
  lockedPayloadUndigested,
  parseBucketLock,
  parseBypass,
  parseLegalHold,
  parseLockHeaders,
  parseRetention,
  pushLockHeaders,
  renderBucketLock,
  renderLegalHold,
  renderRetention,
} from '../../protocol/s3/object-lock.ts'
import { bytesOf, contentOf, documentOf, good, malformed, said } from './document.ts'
import { wireRequest } from './wire-request.ts'

const bucketLock = (content: string) => parseBucketLock(documentOf('ObjectLockConfiguration', content))
const rule = (content: string) =>
  `<ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention>${content}</DefaultRetention></Rule>`

t.test('PutObjectLockConfiguration: with and without a default → it, and the same document back', async t => {
  for (const [content, lock] of [
    ['<ObjectLockEnabled>Enabled</ObjectLockEnabled>', {}],
    [rule('<Mode>GOVERNANCE</Mode><Days>1</Days>'), { defaultRetention: { mode: 'GOVERNANCE', days: 1 } }],
    [rule('<Mode>COMPLIANCE</Mode><Years>100</Years>'), { defaultRetention: { mode: 'COMPLIANCE', years: 100 } }],
  ] as const) {
    const parsed = good(bucketLock(content))
    t.same(parsed, lock)
    t.equal(contentOf(renderBucketLock(parsed), 'ObjectLockConfiguration'), content)
    t.same(parseBucketLock(bytesOf(renderBucketLock(parsed))), lock)
  }
})

t.test('PutObjectLockConfiguration: what does not fit → malformed', async t => {
  for (const content of [
    '',
    '<Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Days>1</Days></DefaultRetention></Rule>',
    '<ObjectLockEnabled>Disabled</ObjectLockEnabled>',
    '<ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule/>',
    rule(''),
    rule('<Mode>GOVERNANCE</Mode>'),
    rule('<Days>1</Days>'),
    rule('<Mode>abc</Mode><Years>1</Years>'),
    rule('<Mode>governance</Mode><Years>1</Years>'),
    rule('<Mode>GOVERNANCE</Mode><Days>1</Days><Years>1</Years>'),
    rule('<Mode>GOVERNANCE</Mode><Days>x</Days>'),
  ])
    t.equal(said(bucketLock(content)), malformed, content)
})

t.test('PutObjectLockConfiguration: periods out of bounds → InvalidRetentionPeriod', async t => {
  for (const [period, message] of [
    ['<Days>0</Days>', 'Default retention period must be a positive integer value'],
    ['<Years>-1</Years>', 'Default retention period must be a positive integer value'],
    ['<Days>36501</Days>', 'Default retention period too large.'],
    ['<Years>101</Years>', 'Default retention period too large.'],
  ] as const)
    t.equal(said(bucketLock(rule(`<Mode>GOVERNANCE</Mode>${period}`))), `InvalidRetentionPeriod: ${message}`)
  t.ok('defaultRetention' in good(bucketLock(rule('<Mode>GOVERNANCE</Mode><Days>36500</Days>'))))
})

const retention = (content: string) => parseRetention(documentOf('Retention', content))

t.test('PutObjectRetention: mode and date → both, and the same document back', async t => {
  const content = '<Mode>GOVERNANCE</Mode><RetainUntilDate>2030-01-01T00:00:00.000Z</RetainUntilDate>'
  const parsed = { mode: 'GOVERNANCE', untilMs: Date.UTC(2030, 0, 1) } as const
  t.same(retention(content), parsed)
  t.same(
    retention('<Mode>GOVERNANCE</Mode><RetainUntilDate>2030-01-01T00:00:00.123456Z</RetainUntilDate>'),
    { ...parsed, untilMs: parsed.untilMs + 123 },
    'boto3 sends microseconds',
  )
  t.equal(contentOf(renderRetention(parsed), 'Retention'), content)
})

t.test('PutObjectRetention: nothing → takes it away; half of it, or worse → malformed', async t => {
  t.equal(retention(''), 'none')
  for (const content of [
    '<Mode>GOVERNANCE</Mode>',
    '<RetainUntilDate>2030-01-01T00:00:00Z</RetainUntilDate>',
    '<Mode>abc</Mode><RetainUntilDate>2030-01-01T00:00:00Z</RetainUntilDate>',
    '<Mode>governance</Mode><RetainUntilDate>2030-01-01T00:00:00Z</RetainUntilDate>',
    '<Mode>GOVERNANCE</Mode><RetainUntilDate>soon</RetainUntilDate>',
  ])
    t.equal(said(retention(content)), malformed, content)
  t.equal(said(parseRetention(Buffer.from(''))), malformed)
})

t.test('event holds: in either document → not implemented, not overlooked', async t => {
  const hold = '<DefaultEventHold><Days>1</Days></DefaultEventHold>'
  t.match(bucketLock(rule(`<Mode>GOVERNANCE</Mode>${hold}`)), {
    code: 'header-refused',
    detail: { header: 'DefaultEventHold' },
  })
  t.match(retention('<Mode>GOVERNANCE</Mode><EventHold>ON</EventHold>'), { code: 'header-refused' })
  t.match(retention('<EventHoldDuration><Days>1</Days></EventHoldDuration>'), { code: 'header-refused' })
})

t.test('PutObjectLegalHold: a status → it, and the same document back', async t => {
  for (const status of ['ON', 'OFF'] as const) {
    t.equal(parseLegalHold(documentOf('LegalHold', `<Status>${status}</Status>`)), status)
    t.equal(contentOf(renderLegalHold(status), 'LegalHold'), `<Status>${status}</Status>`)
  }
  for (const content of ['', '<Status>abc</Status>', '<Status>on</Status>', '<Status/>'])
    t.equal(said(parseLegalHold(documentOf('LegalHold', content))), malformed, content)
})

const headers = (mode: string, until: string, hold = '') =>
  parseLockHeaders(
    wireRequest('PUT /bucket/key', {
      'x-amz-object-lock-mode': mode,
      'x-amz-object-lock-retain-until-date': until,
      'x-amz-object-lock-legal-hold': hold,
    }),
  )
const future = '2030-01-01T00:00:00Z'

t.test('lock headers: a lock → parsed, and the headers of a read', async t => {
  t.equal(headers('', ''), undefined)
  const lock = { retention: { mode: 'COMPLIANCE', untilMs: Date.UTC(2030, 0, 1) }, legalHold: 'ON' } as const
  t.same(headers('COMPLIANCE', future, 'ON'), lock)
  t.same(headers('', '', 'OFF'), { legalHold: 'OFF' })
  const answer: string[] = []
  pushLockHeaders(answer, lock)
  t.same(answer, [
    'x-amz-object-lock-mode',
    'COMPLIANCE',
    'x-amz-object-lock-retain-until-date',
    '2030-01-01T00:00:00.000Z',
    'x-amz-object-lock-legal-hold',
    'ON',
  ])
  const none: string[] = []
  pushLockHeaders(none, {})
  t.same(none, [])
})

t.test('lock headers: what S3 refuses → in its words, the absent one named', async t => {
  const both = 'x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied'
  for (const [mode, until, hold, name, value, message] of [
    ['BAD-VALUE', '', '', 'x-amz-object-lock-retain-until-date', undefined, both],
    ['', future, '', 'x-amz-object-lock-mode', undefined, both],
    ['BAD-VALUE', future, '', 'x-amz-object-lock-mode', 'BAD-VALUE', 'Unknown wormMode directive.'],
    [
      'GOVERNANCE',
      'abc',
      '',
      'x-amz-object-lock-retain-until-date',
      'abc',
      'The retain until date must be provided in ISO 8601 format',
    ],
    ['', '', 'wrong', 'x-amz-object-lock-legal-hold', 'wrong', "Legal Hold must be either of 'ON' or 'OFF'"],
  ] as const) {
    const fault = headers(mode, until, hold)
    t.equal(said(fault), `InvalidArgument: ${message}`)
    t.match(fault, { detail: { name, ...(value === undefined ? {} : { value }) } })
  }
})

t.test('x-amz-bypass-governance-retention: → said or not, true or not', async t => {
  const bypass = (value: string) =>
    parseBypass(wireRequest('DELETE /bucket/key', { 'x-amz-bypass-governance-retention': value }))
  t.equal(bypass(''), undefined)
  t.equal(bypass('true'), true)
  t.equal(bypass('True'), true)
  t.equal(bypass('false'), false)
  t.equal(
    said(bypassInapplicable()),
    'InvalidArgument: x-amz-bypass-governance-retention is only applicable to Object Lock enabled buckets.',
  )
  t.equal(
    said(lockedPayloadUndigested()),
    'InvalidRequest: Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock ' +
      'parameters',
  )
})
