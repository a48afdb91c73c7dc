import t from 'tap'
import { dueAfterDays, msPerDay } from '../../protocol/s3/due-date.ts'
import {
  checkRestorable,
  checkRestore,
  isFasterTier,
  parseRestore,
  restoreDurationMs,
  restoreHeader,
} from '../../protocol/s3/restore.ts'

const parse = (inside: string) =>
  parseRestore(
    Buffer.from(`<RestoreRequest xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inside}</RestoreRequest>`),
  )
const tier = (name: string) => `<GlacierJobParameters><Tier>${name}</Tier></GlacierJobParameters>`

t.test('parseRestore: days, tier, description → read', async t => {
  t.same(parse('<Days>3</Days>'), { days: 3, tier: 'Standard', description: undefined })
  t.same(parse(`<Days> 30 </Days>${tier('Bulk')}<Description>why</Description>`), {
    days: 30,
    tier: 'Bulk',
    description: 'why',
  })
  t.same(parse(tier('Expedited')), { days: undefined, tier: 'Expedited', description: undefined })
})

t.test('parseRestore: no body → its own error', async t => {
  t.match(parseRestore(Buffer.alloc(0)), { code: 'body-missing' })
})

t.test('parseRestore: not of the schema → malformed', async t => {
  const wrong = [
    '<Days>soon</Days>',
    '<Days/>',
    '<Days>1</Days><Days>2</Days>',
    `<Days>1</Days>${tier('Fast')}`,
    `<Days>1</Days>${tier('standard')}`,
    '<Days>1</Days><GlacierJobParameters/>',
    '<Days>1</Days><Type>OTHER</Type>',
    // Reported of S3: a tier beside the parameters, with or without them.
    '<Days>1</Days><Tier>Expedited</Tier>',
    `<Days>1</Days><Tier>Standard</Tier>${tier('Standard')}`,
    '<Days>1</Days><OutputLocation/>',
    '<SelectParameters/>',
    '<Unknown/>',
  ]
  for (const inside of wrong) t.match(parse(inside), { code: 'xml-malformed' }, inside)
  for (const body of ['x', '<Restore/>']) t.match(parseRestore(Buffer.from(body)), { code: 'xml-malformed' }, body)
})

t.test('parseRestore: no days at all → refused', async t => {
  for (const days of ['0', '-1'])
    t.match(parse(`<Days>${days}</Days>`), { code: 'argument-invalid', detail: { name: 'Days', value: days } })
})

t.test('parseRestore: a query → not implemented, whatever else it has', async t => {
  const select =
    '<Type>SELECT</Type><Tier>Expedited</Tier><SelectParameters><Expression>select * from object</Expression>' +
    '</SelectParameters><OutputLocation><S3><BucketName>b</BucketName></S3></OutputLocation>'
  t.match(parse(select), { code: 'not-implemented' })
})

t.test('checkRestorable, checkRestore: what is not archived → refused', async t => {
  const request = { days: 1, tier: 'Standard', description: undefined } as const
  for (const storageClass of ['STANDARD', 'STANDARD_IA', 'ONEZONE_IA', 'GLACIER_IR', 'REDUCED_REDUNDANCY']) {
    t.match(checkRestorable(storageClass), { code: 'object-not-archived' }, storageClass)
    t.match(checkRestore(request, storageClass), { code: 'object-not-archived' }, storageClass)
  }
  for (const storageClass of ['GLACIER', 'DEEP_ARCHIVE']) {
    t.equal(checkRestorable(storageClass), undefined)
    t.equal(checkRestore(request, storageClass), undefined)
    t.match(checkRestore({ ...request, days: undefined }, storageClass), { code: 'xml-malformed' })
  }
})

t.test('checkRestore: days of INTELLIGENT_TIERING → refused; without → it is not in an archive tier', async t => {
  const request = { days: 2, tier: 'Standard', description: undefined } as const
  t.equal(checkRestorable('INTELLIGENT_TIERING'), undefined)
  t.match(checkRestore(request, 'INTELLIGENT_TIERING'), {
    code: 'argument-invalid',
    detail: {
      message:
        'INTELLIGENT_TIERING objects are not subject to restore expiry. Do not specify Days when restoring this object',
    },
  })
  t.match(checkRestore({ ...request, days: undefined }, 'INTELLIGENT_TIERING'), { code: 'object-not-archived' })
})

t.test('checkRestore: Expedited from DEEP_ARCHIVE → refused', async t => {
  const request = { days: 1, tier: 'Expedited', description: undefined } as const
  t.match(checkRestore(request, 'DEEP_ARCHIVE'), { code: 'restore-tier-invalid' })
  t.equal(checkRestore(request, 'GLACIER'), undefined)
})

t.test('restoreDurationMs: → within what the User Guide calls typical', async t => {
  const hours = (storageClass: string, tier: 'Standard' | 'Bulk' | 'Expedited') =>
    restoreDurationMs(storageClass, tier) / 3_600_000
  t.same([hours('GLACIER', 'Standard'), hours('GLACIER', 'Bulk')], [5, 12])
  t.same([hours('DEEP_ARCHIVE', 'Standard'), hours('DEEP_ARCHIVE', 'Bulk')], [12, 48])
  t.equal(restoreDurationMs('GLACIER', 'Expedited'), 300_000)
})

t.test('isFasterTier: → only upwards', async t => {
  t.ok(isFasterTier('Expedited', 'Standard'))
  t.ok(isFasterTier('Standard', 'Bulk'))
  t.notOk(isFasterTier('Standard', 'Standard'))
  t.notOk(isFasterTier('Bulk', 'Expedited'))
})

t.test('restoreHeader: → running, or done until a date', async t => {
  t.equal(restoreHeader({ kind: 'running' }), 'ongoing-request="true"')
  const expiresAtMs = dueAfterDays(Date.UTC(2012, 9, 15, 10, 30), 3, msPerDay)
  t.equal(
    restoreHeader({ kind: 'done', expiresAtMs }),
    'ongoing-request="false", expiry-date="Fri, 19 Oct 2012 00:00:00 GMT"',
  )
})
