/**
 * Runs every compiled test file as a process of its own, a few at a time, and says how many tests passed, failed and
 * were skipped. Arguments are parts of file names: only the files that contain one of them run.
 *
 * Each file prints TAP by itself. tap's own command would preload its process tracker into every server that a test
 * starts, which costs each of them time and memory.
 */
import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { outRoot, projectRoot } from './support/paths.ts'
import { type Skip, summarize } from './support/tap-summary.ts'

const jobs = 2
/** A file that takes longer hangs: the slowest moves ten thousand files through a command-line client. */
const fileLimitMs = 15 * 60_000
const shownErrorBytes = 8_000

interface FileResult {
  readonly file: string
  readonly passed: number
  readonly failed: number
  readonly skips: readonly Skip[]
}

/** All that tests write, removed even after a test that was killed. Open to pass through: databases run as other users. */
const scratch = mkdtempSync(join(tmpdir(), 'mockfactory-run-'))
chmodSync(scratch, 0o711)
process.once('exit', () => rmSync(scratch, { recursive: true, force: true, maxRetries: 3 }))

const running = new Set<number>()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => {
    for (const group of running) killGroup(group)
    process.exit(130)
  })

const wanted = process.argv.slice(2)
const testRoot = join(outRoot, 'test')
const files = testFiles(testRoot).filter(file => wanted.length === 0 || wanted.some(part => file.includes(part)))
if (files.length === 0) {
  console.error(`no test file matches ${wanted.join(' ')}`)
  process.exit(1)
}
const results: FileResult[] = []
const queue = [...files]
await Promise.all(
  Array.from({ length: jobs }, async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) results.push(await runFile(file))
  }),
)
report(results)

function testFiles(root: string): string[] {
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' })
  return names.filter(name => name.endsWith('.test.js')).sort()
}

function runFile(file: string): Promise<FileResult> {
  const startedAt = Date.now()
  return new Promise(resolve => {
    const child = spawn(process.execPath, ['--enable-source-maps', join(testRoot, file)], {
      cwd: projectRoot,
      // Its own process group, so that nothing it started outlives it.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, TAP_TIMEOUT: '0', NODE_NO_WARNINGS: '1', TMPDIR: scratch },
    })
    const pid = child.pid ?? 0
    running.add(pid)
    let stdout = ''
    let stderr = ''
    let late = false
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-shownErrorBytes)))
    const limit = setTimeout(() => {
      late = true
      killGroup(pid)
    }, fileLimitMs)
    // `exit` and not `close`: what outlives the file may hold its pipes open.
    child.once('exit', (code, signal) => {
      clearTimeout(limit)
      killGroup(pid)
      child.once('close', () => {
        running.delete(pid)
        const summary = summarize(stdout)
        const failures = [...summary.failures]
        let { failed } = summary
        const extra = (why: string) => {
          failed++
          failures.push(why)
        }
        if (late) extra(`did not end within ${fileLimitMs / 60_000} minutes`)
        else if (code !== 0 && failed === 0) extra(`ended with ${signal ?? code}\n${stdout.slice(-2_000)}`)
        if (summary.passed + failed + summary.skips.length === 0) extra('holds no test')
        const seconds = ((Date.now() - startedAt) / 1000).toFixed(1)
        console.log(`${failed > 0 ? 'FAIL' : 'ok  '} ${name(file)} (${summary.passed} passed, ${seconds} s)`)
        for (const failure of failures) console.log(`\n  ${failure.replaceAll('\n', '\n  ')}\n`)
        if (failed > 0 && stderr.trim() !== '') console.log(`  ${stderr.trim().replaceAll('\n', '\n  ')}\n`)
        resolve({ file, passed: summary.passed, failed, skips: summary.skips })
      })
    })
  })
}

/** Ends what is left of a process group. */
function killGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL')
  } catch {
    // Nothing was left.
  }
}

function name(file: string): string {
  return relative('.', file).replace(/\.test\.js$/, '')
}

function report(all: readonly FileResult[]): void {
  const sum = (count: (result: FileResult) => number) => all.reduce((total, result) => total + count(result), 0)
  const failed = sum(result => result.failed)
  const skipped = sum(result => result.skips.length)
  console.log('')
  for (const { file, skips } of [...all].sort((a, b) => (a.file < b.file ? -1 : 1)))
    for (const skip of skips) console.log(`skipped: ${name(file)}: ${skip.title}: ${skip.reason}`)
  for (const result of all) if (result.failed > 0) console.log(`failed: ${name(result.file)}: ${result.failed}`)
  console.log(`tests: ${sum(result => result.passed)} passed, ${failed} failed, ${skipped} skipped`)
  process.exitCode = failed > 0 ? 1 : 0
}
