import t from 'tap'
import { summarize } from '../support/tap-summary.ts'

t.test('summarize: nested, skipped and failed subtests → each leaf counted once', async t => {
  const summary = summarize(`TAP version 14
# Subtest: outer
    # Subtest: inner
        ok 1 - should be equal
        ok 2 - fine
        1..2
    ok 1 - inner # time=3.3ms
    
    ok 2 - absent # SKIP no tool
    # Subtest: gives up
        ok 1 - reason here # SKIP
        1..1
    ok 3 - gives up # time=3.1ms
    
    1..3
ok 1 - outer # time=9.8ms

# Subtest: bad
    not ok 1 - should be equal
      ---
      compare: ===
      diff: |
        ok 1 - not a point
      ...
    
    ok 2 - should be equal
    1..2
not ok 2 - bad # time=22ms
  ---
  at: here
  ...

1..2
`)
  t.equal(summary.passed, 1)
  t.equal(summary.failed, 1)
  t.same(summary.skips, [
    { title: 'outer > absent', reason: 'no tool' },
    { title: 'outer > gives up > reason here', reason: 'reason here' },
  ])
  t.match(summary.failures, [/^bad > should be equal\n[\s\S]*not a point/])
})

t.test('summarize: failure in a nested subtest → one test failed, not its parents', async t => {
  const summary = summarize(`# Subtest: a
    # Subtest: b
        not ok 1 - x
        1..1
    not ok 1 - b
    1..1
not ok 1 - a
1..1
`)
  t.equal(summary.failed, 1)
  t.equal(summary.passed, 0)
})

t.test('summarize: assertions outside any subtest → counted one by one', async t => {
  const summary = summarize('ok 1 - a\nnot ok 2 - b\nok 3 - c # SKIP later\n1..3\n')
  t.same([summary.passed, summary.failed, summary.skips.length], [1, 1, 1])
})
