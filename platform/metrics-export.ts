/**
 * The counters as prom-client's registry shows them. Values are read when scraped; between scrapes nothing runs.
 * prom-client's own process metrics are left out: its event-loop monitor alone takes 0.5 % of a core in an idle process.
 */
import { performance } from 'node:perf_hooks'
import { type Metric, Registry } from 'prom-client'
import { durationBounds, type Metrics, statusClasses } from './metrics.ts'

type Labels = Readonly<Record<string, string | number>>
interface Sample {
  /** Where it differs from the metric's: `…_bucket`, `…_sum`, `…_count`. */
  readonly metricName?: string
  readonly labels: Labels
  readonly value: number
}
type Kind = 'counter' | 'gauge' | 'histogram'

export function createRegistry(metrics: Metrics): Registry {
  const registry = new Registry()
  const add = (name: string, kind: Kind, help: string, read: () => Sample[]) =>
    registry.registerMetric(scraped(name, kind, help, read))
  const addOne = (name: string, kind: Kind, help: string, read: () => number) =>
    add(name, kind, help, () => [{ labels: {}, value: read() }])
  const perOperation = (read: 'bytesIn' | 'bytesOut') => () =>
    Array.from(metrics.operations, row => ({ labels: labelsOf(row), value: row[read] }))

  add('mockfactory_requests_total', 'counter', 'Requests by class of status', () => requests(metrics))
  add('mockfactory_request_duration_seconds', 'histogram', 'From the first byte received to the last one sent', () =>
    durations('mockfactory_request_duration_seconds', metrics),
  )
  add('mockfactory_request_bytes_total', 'counter', 'Bytes of bodies received', perOperation('bytesIn'))
  add('mockfactory_response_bytes_total', 'counter', 'Bytes of bodies sent', perOperation('bytesOut'))
  add('mockfactory_faults_total', 'counter', 'Faults answered, by code', () =>
    Array.from(metrics.faults, ([code, value]) => ({ labels: { code }, value })),
  )
  add('mockfactory_lifecycle_actions_total', 'counter', 'What lifecycles of buckets did, by kind', () =>
    Array.from(metrics.lifecycleActions, ([action, value]) => ({ labels: { action }, value })),
  )
  addOne('mockfactory_requests_in_flight', 'gauge', 'Requests being served', () => metrics.inFlight)
  addOne('mockfactory_requests_aborted_total', 'counter', 'Clients that left unanswered', () => metrics.aborted)
  addOne('mockfactory_event_loop_active_seconds_total', 'counter', 'Time the event loop was busy', () => {
    return performance.eventLoopUtilization().active / 1000
  })
  // The names every Prometheus client library uses, so that existing dashboards show them.
  addOne('process_cpu_seconds_total', 'counter', 'User and system time', () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  })
  addOne('process_resident_memory_bytes', 'gauge', 'Resident memory', () => process.memoryUsage.rss())
  const startedAt = Math.round(performance.timeOrigin / 1000)
  addOne('process_start_time_seconds', 'gauge', 'Start of the process, seconds since 1970', () => startedAt)
  return registry
}

function labelsOf({ wire, operation }: { readonly wire: string; readonly operation: string }): Labels {
  return { wire, operation }
}

function requests(metrics: Metrics): Sample[] {
  const samples: Sample[] = []
  for (const row of metrics.operations) {
    for (const [index, status] of statusClasses.entries()) {
      const value = row.requests[index]!
      if (value > 0) samples.push({ labels: { ...labelsOf(row), status }, value })
    }
  }
  return samples
}

function durations(name: string, metrics: Metrics): Sample[] {
  const samples: Sample[] = []
  for (const row of metrics.operations) {
    const labels = labelsOf(row)
    let count = 0
    for (const [index, bound] of [...durationBounds, '+Inf'].entries()) {
      count += row.durations[index]!
      samples.push({ metricName: `${name}_bucket`, labels: { ...labels, le: bound }, value: count })
    }
    samples.push({ metricName: `${name}_sum`, labels, value: row.durationSeconds })
    samples.push({ metricName: `${name}_count`, labels, value: count })
  }
  return samples
}

/**
 * A metric whose values are read by `read` at the moment of the scrape. The registry needs no more of a metric than
 * its name and `get`; its own Counter and Histogram would each keep a second copy of every value.
 */
function scraped(name: string, type: Kind, help: string, read: () => Sample[]): Metric {
  const get = async () => ({ name, help, type, values: read() })
  return { name, help, type, get } as unknown as Metric
}
