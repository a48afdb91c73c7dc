/** The comparer of outside suites with their lists: strict both ways. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { projectRoot } from '../support/paths.ts'
import { temporaryFolder } from '../support/server.ts'
import { execute, tool } from '../support/tools.ts'

const { path: python, skip } = tool('python3')
const comparer = join(projectRoot, 'test', 'conformance', 'compare.py')

const passed = (name: string) => `<testcase classname="s3tests.functional.test_s3" name="${name}"/>`
const failed = (name: string, kind = 'failure') =>
  `<testcase classname="s3tests.functional.test_s3" name="${name}"><${kind} message="m"/></testcase>`

async function compare(t: Test, cases: readonly string[], expected: string, extent = 'all') {
  const folder = temporaryFolder(t)
  const [results, list] = [join(folder, 'results.xml'), join(folder, 'expected.txt')]
  writeFileSync(results, `<testsuites><testsuite>${cases.join('')}</testsuite></testsuites>`)
  writeFileSync(list, expected)
  const { code, stdout } = await execute(python, ['-B', comparer, results, list, extent, 'suite'])
  const lines = stdout.trimEnd().split('\n')
  return { code, last: lines.at(-1) ?? '', lines: lines.slice(0, -1) }
}

t.test('compare.py', { skip }, async t => {
  await t.test('failures as listed → counted, and well', async t => {
    const list = '# about\n\ntest_s3.py::test_b # because\n'
    t.same(await compare(t, [passed('test_a'), failed('test_b'), failed('test_c', 'skipped')], list), {
      code: 0,
      last:
        'suite: 2 run, 1 passed, 1 failed as expected, 0 failed otherwise, 0 passed that are expected to fail, ' +
        '1 skipped',
      lines: [],
    })
  })

  await t.test('a failure that is not listed → fails', async t => {
    const { code, lines } = await compare(t, [failed('test_a')], '')
    t.same([code, lines], [1, ['test_s3.py::test_a: failed, and is not expected to']])
  })

  await t.test('a clean-up that fails → a failure', async t => {
    t.equal((await compare(t, [passed('test_a'), failed('test_a', 'error')], '')).code, 1)
    t.equal((await compare(t, [failed('test_a', 'error'), passed('test_a')], '')).code, 1)
  })

  await t.test('a listed one that passes → fails', async t => {
    const { code, lines } = await compare(t, [passed('test_a')], 'test_s3.py::test_a # why\n')
    t.same([code, lines], [1, ['test_s3.py::test_a: passed, and must be taken off the list']])
  })

  await t.test('a listed one that was not run → fails, unless only some were', async t => {
    const list = 'test_s3.py::test_gone # why\n'
    t.equal((await compare(t, [passed('test_a')], list)).code, 1)
    t.equal((await compare(t, [passed('test_a')], list, 'some')).code, 0)
  })

  await t.test('a list without a reason, or with a test twice; nothing run → fails', async t => {
    t.equal((await compare(t, [failed('test_a')], 'test_s3.py::test_a\n')).code, 1)
    t.equal((await compare(t, [failed('test_a')], 'test_s3.py::test_a # x\ntest_s3.py::test_a # y\n')).code, 1)
    t.equal((await compare(t, [], '', 'some')).code, 1)
  })
})

t.test('s3-tests.sh: without a checkout → how it is used, and 2', async t => {
  const { code, stderr } = await execute('bash', [join(projectRoot, 'test', 'conformance', 's3-tests.sh'), '/'])
  t.equal(code, 2)
  t.match(stderr, /^usage: /)
})
