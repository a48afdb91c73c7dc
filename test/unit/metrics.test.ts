import { spawnSync } from 'node:child_process'
import t from 'tap'
import { createMetrics, durationBounds } from '../../platform/metrics.ts'

/** `name{labels}` → value, of the samples in a text of Prometheus' format. */
function samples(text: string): Map<string, number> {
  const found = new Map<string, number>()
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const space = line.lastIndexOf(' ')
    if (found.has(line.slice(0, space))) throw new Error(`twice: ${line}`)
    found.set(line.slice(0, space), Number(line.slice(space + 1)))
  }
  return found
}

t.test('Metrics: requests recorded → counts, bytes and durations by operation', async t => {
  const metrics = createMetrics()
  const get = metrics.operation('s3', 'GetObject')
  t.equal(metrics.operation('s3', 'GetObject'), get)
  t.not(metrics.operation('sts', 'GetObject'), get)
  get.record(200, 0.0001, 0, 1024)
  get.record(206, 0.00011, 0, 10)
  get.record(404, 40, 5, 300)
  get.record(0, 0.2, 0, 0)
  const found = samples(await metrics.text())
  const of = (name: string, more = '') => found.get(`mockfactory_${name}{wire="s3",operation="GetObject"${more}}`)
  t.equal(of('requests_total', ',status="2xx"'), 2)
  t.equal(of('requests_total', ',status="4xx"'), 1)
  t.equal(of('requests_total', ',status="aborted"'), 1)
  t.equal(of('requests_total', ',status="5xx"'), undefined)
  t.equal(of('request_bytes_total'), 5)
  t.equal(of('response_bytes_total'), 1334)
  const buckets = [...durationBounds, '+Inf'].map(le => of('request_duration_seconds_bucket', `,le="${le}"`))
  t.strictSame(buckets, [...durationBounds.map(bound => (bound < 0.00011 ? 1 : bound < 0.2 ? 2 : 3)), 4])
  t.equal(of('request_duration_seconds_count'), 4)
  t.ok(Math.abs(of('request_duration_seconds_sum')! - 40.20021) < 1e-9)
  t.equal(found.get('mockfactory_requests_total{wire="sts",operation="GetObject",status="2xx"}'), undefined)
})

t.test('Metrics: what changes between two scrapes → the second shows it', async t => {
  const metrics = createMetrics()
  metrics.enter()
  metrics.enter()
  metrics.fault('object-missing')
  let found = samples(await metrics.text())
  t.equal(found.get('mockfactory_requests_in_flight'), 2)
  t.equal(found.get('mockfactory_requests_aborted_total'), 0)
  t.equal(found.get('mockfactory_faults_total{code="object-missing"}'), 1)
  metrics.leave()
  metrics.abort()
  metrics.fault('object-missing')
  metrics.fault('busy')
  metrics.operation('s3', 'PutObject').record(503, 0, 0, 0)
  found = samples(await metrics.text())
  t.equal(found.get('mockfactory_requests_in_flight'), 1)
  t.equal(found.get('mockfactory_requests_aborted_total'), 1)
  t.equal(found.get('mockfactory_faults_total{code="object-missing"}'), 2)
  t.equal(found.get('mockfactory_faults_total{code="busy"}'), 1)
  t.equal(found.get('mockfactory_requests_total{wire="s3",operation="PutObject",status="5xx"}'), 1)
})

t.test('Metrics: two servers in one process → separate counts', async t => {
  const one = createMetrics()
  const other = createMetrics()
  one.abort()
  t.equal(samples(await one.text()).get('mockfactory_requests_aborted_total'), 1)
  t.equal(samples(await other.text()).get('mockfactory_requests_aborted_total'), 0)
})

t.test('Metrics: the text → typed, and of the process too', async t => {
  const metrics = createMetrics()
  metrics.operation('s3', 'GetObject')
  const text = await metrics.text()
  t.equal(metrics.contentType, (await metrics.registry()).contentType)
  t.match(text, /^# TYPE mockfactory_request_duration_seconds histogram$/m)
  t.match(text, /^# TYPE mockfactory_requests_total counter$/m)
  const found = samples(text)
  t.ok(found.get('process_resident_memory_bytes')! > 1e6)
  t.ok(found.get('process_cpu_seconds_total')! > 0)
  const startedAt = found.get('process_start_time_seconds')!
  t.ok(startedAt <= Math.ceil(Date.now() / 1000) && startedAt > Date.now() / 1000 - 86_400)
  t.type(found.get('mockfactory_event_loop_active_seconds_total'), 'number')
})

t.test('Metrics: before the first scrape → the exporter is not loaded', async t => {
  const script = `
    import { createRequire } from 'node:module'
    const { createMetrics } = await import(${JSON.stringify(new URL('../../platform/metrics.js', import.meta.url).href)})
    const loaded = () => Object.keys(createRequire(import.meta.url).cache).some(path => path.includes('prom-client'))
    const metrics = createMetrics()
    metrics.operation('s3', 'GetObject').record(200, 0, 0, 0)
    const before = loaded()
    await metrics.text()
    console.log(before, loaded())`
  const url = new URL('.', import.meta.url)
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', cwd: url })
  t.equal(stdout, 'false true\n')
})
