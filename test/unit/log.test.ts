import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { createLogger, type RequestLine, requestLog } from '../../platform/log.ts'
import type { LogLevel } from '../../platform/options.ts'

const line: RequestLine = {
  requestId: '4442587FB7D0A2F9',
  wire: 's3',
  operation: 'PutObject',
  status: 200,
  bytesIn: 1024,
  bytesOut: 0,
  durationMs: 0.1234567,
}

function capture(level: LogLevel = 'info') {
  const written: string[] = []
  const logger = createLogger({ level, destination: { write: text => written.push(text) } })
  return { written, logger, log: requestLog(logger, () => 1_700_000_000_000) }
}

t.test('requestLog: a request → one line of JSON with its fields', async t => {
  const { written, log } = capture()
  log(line)
  log({ ...line, status: 404, bucket: 'b', key: 'k', remote: '::1', fault: 'object-missing' })
  t.equal(written.length, 2)
  for (const text of written) t.match(text, /^[^\n]*\n$/)
  const first = { level: 'info', time: 1_700_000_000_000, ...line, durationMs: 0.123 }
  t.strictSame(JSON.parse(written[0]!), first)
  t.strictSame(JSON.parse(written[1]!), {
    ...first,
    status: 404,
    bucket: 'b',
    key: 'k',
    remote: '::1',
    fault: 'object-missing',
  })
})

t.test('requestLog: a key of any characters → the same key out of valid JSON on one line', async t => {
  const { written, log } = capture()
  const keys = [
    'a b',
    '"',
    '\\',
    'line\nfeed',
    '\r\n{"level":"info"}',
    '\u0000\u001f\u007f',
    'é',
    '日本',
    '😀',
    '\u2028',
    '","x":"',
    '\ud800',
  ]
  for (const key of keys) log({ ...line, key, bucket: key })
  for (const [index, text] of written.entries()) {
    t.equal(text.indexOf('\n'), text.length - 1)
    const { key, bucket } = JSON.parse(text)
    t.strictSame([key, bucket], [keys[index], keys[index]])
  }
})

t.test('requestLog: credentials, signatures and the query string → never in the line', async t => {
  const { written, log } = capture()
  const secrets = {
    authorization: 'AWS4-HMAC-SHA256 Credential=AKID/20261123/us-east-1/s3/aws4_request, Signature=s3cr3t',
    headers: { authorization: 's3cr3t', 'x-amz-security-token': 's3cr3t' },
    query: 'X-Amz-Signature=s3cr3t&X-Amz-Security-Token=s3cr3t',
    url: '/b/k?X-Amz-Signature=s3cr3t',
    secretAccessKey: 's3cr3t',
  }
  log({ ...line, bucket: 'b', key: 'k', ...secrets })
  t.equal(written.length, 1)
  t.notMatch(written[0], /s3cr3t|amz|authorization|AKID/i)
  t.strictSame(
    Object.keys(JSON.parse(written[0]!)).sort(),
    ['bucket', 'key', 'level', 'time', ...Object.keys(line)].sort(),
  )
})

t.test('requestLog: a level above info → no line', async t => {
  for (const level of ['silent', 'fatal', 'error', 'warn'] as const) {
    const { written, log } = capture(level)
    log(line)
    t.strictSame(written, [], level)
  }
  for (const level of ['debug', 'trace'] as const) {
    const { written, log } = capture(level)
    log(line)
    t.equal(written.length, 1, level)
  }
})

t.test('createLogger: an error → level, time, message and stack as JSON', async t => {
  const { written, logger } = capture('error')
  logger.error({ err: new Error('broken'), requestId: 'R' }, 'failure')
  logger.warn('not at this level')
  t.equal(written.length, 1)
  const { level, requestId, msg, err } = JSON.parse(written[0]!)
  t.strictSame(
    { level, requestId, msg, message: err.message },
    { level: 'error', requestId: 'R', msg: 'failure', message: 'broken' },
  )
  t.match(err.stack, /log\.test/)
})

/** A process that logs in a burst and ends as `ending` says: what a reader of its standard output sees. */
function runLogging(ending: string): string[] {
  const script = `
    const { createLogger, requestLog } = await import(${JSON.stringify(new URL('../../platform/log.js', import.meta.url).href)})
    const logger = createLogger({ level: 'info' })
    const log = requestLog(logger)
    for (let i = 0; i < 2000; i++) log({ ...${JSON.stringify(line)}, key: 'k' + i })
    ${ending}`
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  })
  return stdout.trimEnd().split('\n')
}

t.test('createLogger: standard output → every line, in order, however the process ends', async t => {
  const endings = {
    'end of work': '',
    'process.exit': 'process.exit(0)',
    'a later line': `await new Promise(done => setTimeout(done, 120)); log({ ...${JSON.stringify(line)}, key: 'last' })`,
    'an exception': "throw new Error('bug')",
    flush: "await new Promise(done => logger.flush(done)); process.kill(process.pid, 'SIGKILL')",
  }
  for (const [name, ending] of Object.entries(endings)) {
    const keys = runLogging(ending).map(text => JSON.parse(text).key)
    t.strictSame(
      keys.slice(0, 2000),
      Array.from({ length: 2000 }, (_, i) => `k${i}`),
      name,
    )
    t.equal(keys.length, name === 'a later line' ? 2001 : 2000, name)
  }
})

t.test('createLogger: the reader of standard output goes → the process lives on and ends well', async t => {
  const script = `
    const { createLogger } = await import(${JSON.stringify(new URL('../../platform/log.js', import.meta.url).href)})
    const logger = createLogger({ level: 'info' })
    for (let i = 0; i < 20; i++) {
      logger.info('x'.repeat(100_000))
      await new Promise(done => setTimeout(done, 10))
    }
    await new Promise(done => logger.flush(done))
    process.exitCode = 7`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  child.stdout.once('data', () => child.stdout.destroy())
  const [code] = await once(child, 'close')
  t.equal(code, 7)
})
