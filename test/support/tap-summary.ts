/**
 * Counts the tests in one file's TAP. A test is a named subtest that holds no subtests itself, or an assertion outside
 * any. Skipped ones keep their reason, failed ones their diagnostics.
 */
export interface Skip {
  readonly title: string
  readonly reason: string
}
export interface Summary {
  readonly passed: number
  /** Title and diagnostics of each failed assertion or test. */
  readonly failures: readonly string[]
  readonly failed: number
  readonly skips: readonly Skip[]
}

interface Open {
  readonly name: string
  readonly indent: number
  subtests: number
  asserted: number
  skipped: number
  failed: number
}

const pointForm = /^( *)(not )?ok \d+(?: - (.*?))?(?: # (SKIP|TODO)\b ?(.*?))?(?: # time=\S+)?(?: \{)?$/i

export function summarize(tap: string): Summary {
  const stack: Open[] = []
  const skips: Skip[] = []
  const failures: string[] = []
  let passed = 0
  let failed = 0
  const lines = tap.split('\n')
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? ''
    const opens = /^( *)# Subtest: (.*)$/.exec(line)
    if (opens) {
      const parent = stack.at(-1)
      if (parent) parent.subtests++
      stack.push({
        name: opens[2] ?? '',
        indent: opens[1]?.length ?? 0,
        subtests: 0,
        asserted: 0,
        skipped: 0,
        failed: 0,
      })
      continue
    }
    const point = pointForm.exec(line)
    if (!point) continue
    const [, spaces = '', not, name = '', directive, reason = ''] = point
    const diagnostics = yamlBlock(lines, at + 1, spaces.length)
    at += diagnostics.length
    const inner = stack.at(-1)
    const title = [...stack.map(open => open.name), name].join(' > ')
    if (inner !== undefined && inner.indent === spaces.length) {
      stack.pop()
      const bad = not !== undefined
      if (directive !== undefined && inner.asserted + inner.subtests === 0)
        skips.push({ title: stackTitle(stack, inner), reason: reason || name })
      else if (bad && (inner.subtests === 0 || inner.failed === 0)) {
        failed++
        if (inner.failed === 0) failures.push([stackTitle(stack, inner), ...diagnostics].join('\n'))
      } else if (!bad && inner.subtests === 0 && (inner.asserted > 0 || inner.skipped === 0)) passed++
      const parent = stack.at(-1)
      if (parent && bad) parent.failed++
    } else if (directive !== undefined) {
      skips.push({ title, reason: reason || name })
      if (inner) inner.skipped++
    } else if (inner) {
      inner.asserted++
      if (not) {
        inner.failed++
        failures.push([title, ...diagnostics].join('\n'))
      }
    } else if (not) {
      failed++
      failures.push([title, ...diagnostics].join('\n'))
    } else passed++
  }
  return { passed, failed, failures, skips }
}

function stackTitle(stack: readonly Open[], last: Open): string {
  return [...stack.map(open => open.name), last.name].join(' > ')
}

/** The lines of a point's diagnostics, from `---` to `...`; none when line `from` opens none. */
function yamlBlock(lines: readonly string[], from: number, indent: number): string[] {
  const pad = ' '.repeat(indent + 2)
  if (lines[from] !== `${pad}---`) return []
  const end = lines.indexOf(`${pad}...`, from)
  return lines.slice(from, end < 0 ? lines.length : end + 1)
}
