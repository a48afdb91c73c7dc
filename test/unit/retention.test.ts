import t from 'tap'
import {
  checkRemoval,
  checkRetainUntil,
  checkRetentionChange,
  defaultRetention,
  type Retention,
  remainingDays,
} from '../../gateway/rules/retention.ts'
import { said } from './document.ts'

const nowMs = Date.UTC(2026, 0, 1)
const dayMs = 86_400_000
const at = (mode: Retention['mode'], days: number): Retention => ({ mode, untilMs: nowMs + days * dayMs })
const locked = 'AccessDenied: Access Denied because object protected by object lock.'

// Every lock there is, with and without the bypass: whether the version may be removed.
for (const [title, lock, plain, bypassed] of [
  ['none', {}, true, true],
  ['hold off', { legalHold: 'OFF' }, true, true],
  ['hold on', { legalHold: 'ON' }, false, false],
  ['governance', { retention: at('GOVERNANCE', 1) }, false, true],
  ['governance, run out', { retention: at('GOVERNANCE', -1) }, true, true],
  ['governance, this moment', { retention: at('GOVERNANCE', 0) }, true, true],
  ['governance and hold on', { retention: at('GOVERNANCE', 1), legalHold: 'ON' }, false, false],
  ['governance and hold off', { retention: at('GOVERNANCE', 1), legalHold: 'OFF' }, false, true],
  ['run out and hold on', { retention: at('COMPLIANCE', -1), legalHold: 'ON' }, false, false],
  ['compliance', { retention: at('COMPLIANCE', 1) }, false, false],
  ['compliance, run out', { retention: at('COMPLIANCE', -1) }, true, true],
] as const)
  t.test(
    `removal: ${title} → ${plain ? 'allowed' : 'refused'}, with bypass ${bypassed ? 'allowed' : 'refused'}`,
    async t => {
      t.equal(checkRemoval(lock, nowMs, false) === undefined, plain)
      t.equal(checkRemoval(lock, nowMs, true) === undefined, bypassed)
    },
  )

t.test('removal: refused → S3’s words', async t => {
  t.equal(said(checkRemoval({ legalHold: 'ON' }, nowMs, true)), locked)
})

for (const [title, current, next, plain, bypassed] of [
  ['none → governance', undefined, at('GOVERNANCE', 1), true, true],
  ['none → none', undefined, undefined, true, true],
  ['governance → longer', at('GOVERNANCE', 2), at('GOVERNANCE', 3), true, true],
  ['governance → the same', at('GOVERNANCE', 2), at('GOVERNANCE', 2), true, true],
  ['governance → shorter', at('GOVERNANCE', 2), at('GOVERNANCE', 1), false, true],
  ['governance → none', at('GOVERNANCE', 2), undefined, false, true],
  ['governance → compliance', at('GOVERNANCE', 2), at('COMPLIANCE', 2), false, true],
  ['governance → compliance, longer', at('GOVERNANCE', 2), at('COMPLIANCE', 3), false, true],
  ['governance run out → shorter', at('GOVERNANCE', -1), at('COMPLIANCE', 1), true, true],
  ['compliance → longer', at('COMPLIANCE', 2), at('COMPLIANCE', 3), true, true],
  ['compliance → shorter', at('COMPLIANCE', 2), at('COMPLIANCE', 1), false, false],
  ['compliance → governance, longer', at('COMPLIANCE', 2), at('GOVERNANCE', 3), false, false],
  ['compliance → none', at('COMPLIANCE', 2), undefined, false, false],
  ['compliance run out → none', at('COMPLIANCE', -1), undefined, true, true],
] as const)
  t.test(
    `retention: ${title} → ${plain ? 'allowed' : 'refused'}, with bypass ${bypassed ? 'allowed' : 'refused'}`,
    async t => {
      t.equal(checkRetentionChange(current, next, nowMs, false) === undefined, plain)
      t.equal(checkRetentionChange(current, next, nowMs, true) === undefined, bypassed)
      if (!plain) t.equal(said(checkRetentionChange(current, next, nowMs, false)), locked)
    },
  )

t.test('retention: a date that has been → refused before the lock is looked at', async t => {
  const past = 'InvalidArgument: The retain until date must be in the future!'
  t.equal(said(checkRetentionChange(at('COMPLIANCE', 2), at('GOVERNANCE', -1), nowMs, false)), past)
  t.equal(said(checkRetentionChange(undefined, at('GOVERNANCE', 0), nowMs, true)), past)
  t.match(checkRetainUntil('x-amz-object-lock-retain-until-date', nowMs, nowMs), {
    detail: { name: 'x-amz-object-lock-retain-until-date', value: '2026-01-01T00:00:00.000Z' },
  })
  t.equal(checkRetainUntil('x', nowMs + 1, nowMs), undefined)
})

t.test('default retention: days and years → from now, a year of 365 days', async t => {
  t.same(defaultRetention({ mode: 'GOVERNANCE', days: 1 }, nowMs), at('GOVERNANCE', 1))
  t.same(defaultRetention({ mode: 'COMPLIANCE', years: 2 }, nowMs), at('COMPLIANCE', 730))
})

t.test('remaining days: → whole ones, never less than none', async t => {
  t.equal(remainingDays({ mode: 'GOVERNANCE', untilMs: nowMs + 2.9 * dayMs }, nowMs), 2)
  t.equal(remainingDays(at('GOVERNANCE', -3), nowMs), 0)
})
