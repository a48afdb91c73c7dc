/** When an archived version can be read, and what asking for it does. */
import t from 'tap'
import { isReadable, restoreStateOf, restoreVersion } from '../../gateway/rules/restoring.ts'
import { Fault, fault } from '../../protocol/fault.ts'
import type { Restore } from '../../protocol/properties.ts'
import { msPerDay } from '../../protocol/s3/due-date.ts'

const nowMs = Date.UTC(2026, 0, 2, 3, 4, 5)
const hourMs = 3_600_000
const restore: Restore = { requestedAtMs: 0, readyAtMs: nowMs, expiresAtMs: nowMs + 10, tier: 'Standard' }
const asked = (days: number | undefined, tier: Restore['tier'] = 'Standard') => ({ days, tier, description: undefined })
const glacier = (present?: Restore) => ({
  storageClass: 'GLACIER',
  properties: present === undefined ? undefined : { restore: present },
})

t.test('restoreStateOf: before, while and after the copy is there → running, done, nothing', async t => {
  t.equal(restoreStateOf(undefined, nowMs), undefined)
  t.same(restoreStateOf(restore, nowMs - 1), { kind: 'running' })
  t.same(restoreStateOf(restore, nowMs), { kind: 'done', expiresAtMs: nowMs + 10 })
  t.same(restoreStateOf(restore, nowMs + 9), { kind: 'done', expiresAtMs: nowMs + 10 })
  t.equal(restoreStateOf(restore, nowMs + 10), undefined)
})

t.test('isReadable: archives while their copy is there, everything else always', async t => {
  for (const storageClass of ['STANDARD', 'GLACIER_IR', 'INTELLIGENT_TIERING'])
    t.ok(isReadable(storageClass, undefined, nowMs), storageClass)
  for (const storageClass of ['GLACIER', 'DEEP_ARCHIVE']) {
    t.notOk(isReadable(storageClass, undefined, nowMs))
    t.notOk(isReadable(storageClass, { restore }, nowMs - 1))
    t.ok(isReadable(storageClass, { restore }, nowMs))
    t.notOk(isReadable(storageClass, { restore }, nowMs + 10))
  }
})

t.test('restoreVersion: the first time, or long after → on its way, kept from when it is there', async t => {
  const expected = {
    already: false,
    restore: {
      requestedAtMs: nowMs,
      readyAtMs: nowMs + 5 * hourMs,
      expiresAtMs: Date.UTC(2026, 0, 5),
      tier: 'Standard',
    },
  }
  t.same(restoreVersion(asked(2), glacier(), nowMs, msPerDay), expected)
  t.same(restoreVersion(asked(2), glacier({ ...restore, expiresAtMs: nowMs }), nowMs, msPerDay), expected)
  const late = restoreVersion(asked(2), glacier(), Date.UTC(2026, 0, 2, 20), msPerDay)
  t.match(late, { restore: { expiresAtMs: Date.UTC(2026, 0, 6) } }, 'ready tomorrow, so a day later')
})

t.test('restoreVersion: a shorter day → a wait as much shorter, and no midnight', async t => {
  const made = restoreVersion(asked(2), glacier(), nowMs, 4000)
  t.match(made, { restore: { readyAtMs: nowMs + 834, expiresAtMs: nowMs + 834 + 8000 } })
})

t.test('restoreVersion: again on its way → only faster; when it is there → kept from now', async t => {
  const running = { ...restore, readyAtMs: nowMs + hourMs, expiresAtMs: nowMs + 9 * msPerDay }
  t.match(restoreVersion(asked(1), glacier(running), nowMs, msPerDay), { code: 'restore-in-progress' })
  t.match(restoreVersion(asked(1, 'Bulk'), glacier(running), nowMs, msPerDay), { code: 'restore-in-progress' })
  t.match(restoreVersion(asked(1, 'Expedited'), glacier(running), nowMs, msPerDay), {
    already: false,
    restore: { readyAtMs: nowMs + 300_000, tier: 'Expedited' },
  })
  const there = { ...restore, expiresAtMs: nowMs + 9 * msPerDay }
  t.same(restoreVersion(asked(1, 'Bulk'), glacier(there), nowMs, msPerDay), {
    already: true,
    restore: { ...there, expiresAtMs: Date.UTC(2026, 0, 4) },
  })
})

t.test('restoreVersion: what cannot be restored → said before what is wrong with the document', async t => {
  const malformed = fault('xml-malformed')
  const standard = { storageClass: 'STANDARD' }
  t.match(restoreVersion(malformed, standard, nowMs, msPerDay), { code: 'object-not-archived' })
  t.equal(restoreVersion(malformed, glacier(), nowMs, msPerDay), malformed)
  t.match(restoreVersion(asked(undefined), glacier(), nowMs, msPerDay), { code: 'xml-malformed' })
  const tiering = { storageClass: 'INTELLIGENT_TIERING' }
  for (const days of [undefined, 1])
    t.ok(restoreVersion(asked(days), tiering, nowMs, msPerDay) instanceof Fault, String(days))
})

t.test('restoreVersion: days without end → a date that headers can say', async t => {
  const made = restoreVersion(asked(2_147_483_647), glacier(), nowMs, msPerDay)
  t.match(made, { restore: { expiresAtMs: Date.UTC(9999, 11, 31) } })
})
