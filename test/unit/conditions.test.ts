import t from 'tap'
import {
  checkDelete,
  checkRead,
  checkRename,
  checkRenameSource,
  checkSource,
  checkWrite,
  failedCondition,
} from '../../gateway/rules/conditions.ts'
import type { Conditions } from '../../gateway/store/contract.ts'

const modifiedAtMs = Date.UTC(2026, 0, 2, 3, 4, 5, 678)
const object = { etag: 'e1', modifiedAtMs, sizeBytes: 7 }
const nowMs = modifiedAtMs + 3_600_000
const same = Date.UTC(2026, 0, 2, 3, 4, 5)
const before = same - 1000
const after = same + 1000

// Every combination of the four conditions, each absent, holding or failing: RFC 9110 §13.2.2 step by step.
const match = { holds: ['e0', 'e1'], fails: ['e0'] }
const noneMatch = { holds: ['e0'], fails: ['e1'] }
const modified = { holds: before, fails: same }
const unmodified = { holds: same, fails: before }
const states = ['absent', 'holds', 'fails'] as const

t.test('conditions of a read: every combination → what RFC 9110 §13.2.2 says', async t => {
  for (const a of states)
    for (const b of states)
      for (const c of states)
        for (const d of states) {
          const conditions: Conditions = {
            ...(a === 'absent' ? {} : { ifMatch: match[a] }),
            ...(b === 'absent' ? {} : { ifUnmodifiedSinceMs: unmodified[b] }),
            ...(c === 'absent' ? {} : { ifNoneMatch: noneMatch[c] }),
            ...(d === 'absent' ? {} : { ifModifiedSinceMs: modified[d] }),
          }
          const expected =
            a === 'fails'
              ? 'If-Match'
              : a === 'absent' && b === 'fails'
                ? 'If-Unmodified-Since'
                : c === 'fails'
                  ? 'If-None-Match'
                  : c === 'absent' && d === 'fails'
                    ? 'If-Modified-Since'
                    : undefined
          t.equal(failedCondition(conditions, object, nowMs), expected, JSON.stringify({ a, b, c, d }))
          const status = checkRead(conditions, object, nowMs)?.code
          const wanted =
            expected === undefined ? undefined : expected.includes('None') || expected.includes('-Modified')
          t.equal(status, wanted === undefined ? undefined : wanted ? 'not-modified' : 'precondition-failed')
        }
})

t.test('conditions of a read: * → any object', async t => {
  t.equal(failedCondition({ ifMatch: ['*'] }, object, nowMs), undefined)
  t.equal(failedCondition({ ifNoneMatch: ['*'] }, object, nowMs), 'If-None-Match')
})

t.test('If-Modified-Since: in the future → ignored', async t => {
  t.equal(failedCondition({ ifModifiedSinceMs: nowMs + 1 }, object, nowMs), undefined)
  t.equal(failedCondition({ ifModifiedSinceMs: nowMs }, object, nowMs), 'If-Modified-Since')
})

t.test('dates: the same second → equal, whatever the milliseconds', async t => {
  t.equal(failedCondition({ ifUnmodifiedSinceMs: same }, object, nowMs), undefined)
  t.equal(failedCondition({ ifModifiedSinceMs: after }, object, nowMs), 'If-Modified-Since')
})

t.test('not modified: → carries what the 304 repeats', async t => {
  t.same(checkRead({ ifNoneMatch: ['e1'] }, object, nowMs)?.detail, { etag: 'e1', modifiedAtMs })
})

t.test('conditions on a copy source: failing → 412 that names the header', async t => {
  for (const [conditions, name] of [
    [{ ifMatch: ['x'] }, 'If-Match'],
    [{ ifNoneMatch: ['e1'] }, 'If-None-Match'],
    [{ ifModifiedSinceMs: same }, 'If-Modified-Since'],
    [{ ifUnmodifiedSinceMs: before }, 'If-Unmodified-Since'],
  ] as const) {
    const verdict = checkSource(conditions, object, nowMs)
    t.equal(verdict?.code, 'precondition-failed')
    t.equal(verdict?.detail['condition'], `x-amz-copy-source-${name}`)
  }
  t.equal(checkSource({}, object, nowMs), undefined)
})

t.test('conditions of a write: truth table', async t => {
  for (const [conditions, existing, expected] of [
    [{}, undefined, undefined],
    [{}, object, undefined],
    [{ ifMatch: ['e1'] }, object, undefined],
    [{ ifMatch: ['e2'] }, object, 'precondition-failed'],
    [{ ifMatch: ['e1'] }, undefined, 'object-missing'],
    [{ ifNoneMatch: ['*'] }, undefined, undefined],
    [{ ifNoneMatch: ['*'] }, object, 'precondition-failed'],
  ] as const)
    t.equal(checkWrite(conditions, existing)?.code, expected, JSON.stringify([conditions, existing !== undefined]))
  t.equal(checkWrite({ ifNoneMatch: ['*'] }, object)?.detail['condition'], 'If-None-Match')
})

t.test('conditions of a delete: truth table', async t => {
  for (const [conditions, existing, expected] of [
    [{}, undefined, undefined],
    [{}, object, undefined],
    [{ ifMatch: ['e1'] }, object, undefined],
    [{ ifMatch: ['*'] }, object, undefined],
    [{ ifMatch: ['e2'] }, object, 'precondition-failed'],
    [{ ifMatch: ['e1'] }, undefined, 'object-missing'],
    [{ ifMatch: ['*'] }, undefined, 'object-missing'],
    [{ lastModifiedMs: same }, object, undefined],
    [{ lastModifiedMs: before }, object, 'precondition-failed'],
    [{ sizeBytes: 7 }, object, undefined],
    [{ sizeBytes: 8 }, object, 'precondition-failed'],
    [{ ifMatch: ['e1'], sizeBytes: 8 }, object, 'precondition-failed'],
  ] as const)
    t.equal(checkDelete(conditions, existing)?.code, expected, JSON.stringify([conditions, existing !== undefined]))
})

t.test('checkRename: nothing at the new key → only what asks for something there fails', async t => {
  t.equal(checkRename({}, undefined, nowMs), undefined)
  t.equal(checkRename({ ifNoneMatch: ['*'], ifUnmodifiedSinceMs: before }, undefined, nowMs), undefined)
  t.match(checkRename({ ifMatch: ['e1'] }, undefined, nowMs), { detail: { condition: 'If-Match' } })
  t.match(checkRename({ ifModifiedSinceMs: before }, undefined, nowMs), { detail: { condition: 'If-Modified-Since' } })
})

t.test('checkRename, checkRenameSource: an object → its conditions by the names of their headers', async t => {
  t.equal(checkRename({ ifMatch: ['e1'], ifModifiedSinceMs: before }, object, nowMs), undefined)
  t.match(checkRename({ ifNoneMatch: ['*'] }, object, nowMs), {
    code: 'precondition-failed',
    detail: { condition: 'If-None-Match' },
  })
  t.equal(checkRenameSource({ ifMatch: ['e1'], ifUnmodifiedSinceMs: after }, object, nowMs), undefined)
  t.match(checkRenameSource({ ifMatch: ['e0'] }, object, nowMs), {
    code: 'precondition-failed',
    detail: { condition: 'x-amz-rename-source-If-Match' },
  })
})
