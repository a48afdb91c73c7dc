/** Signed 1 KiB GET and PUT against a bare handler and the peers, alternating, fresh processes, median of the rounds. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { atLeast, type Finding, median } from '../support/measure.ts'
import { presign, send } from '../support/presign.ts'
import { bare, has, launch, moto, ours, s3rver, type Target, temporary } from '../support/processes.ts'
import { wrk } from '../support/wrk.ts'

const body = 'x'.repeat(1024)
const keys = 2000

export async function small(options: { rounds: number; seconds: number; peers: string }): Promise<Finding[]> {
  const specs = [ours, bare]
  if (existsSync(join(options.peers, 'node_modules/s3rver'))) specs.push(s3rver(options.peers))
  if (has('moto_server')) specs.push(moto)
  const gets = new Map<string, number[]>()
  const puts = new Map<string, number[]>()
  for (let round = 0; round < options.rounds; round++) {
    const order = round % 2 === 0 ? specs : [...specs].reverse()
    for (const spec of order) {
      const target = await launch(spec, temporary())
      try {
        push(gets, spec.name, await measure(target, 'GET', options.seconds))
        push(puts, spec.name, await measure(target, 'PUT', options.seconds))
      } finally {
        await target.stop()
      }
    }
  }
  return [
    ...compare('signed 1 KiB GET', gets, { bare: 0.33, s3rver: 10, moto: 40 }),
    ...compare('signed 1 KiB PUT', puts, { bare: 0.25, s3rver: 10 }),
  ]
}

async function measure(target: Target, method: 'GET' | 'PUT', seconds: number): Promise<number> {
  const real = target.name !== 'bare'
  if (real && method === 'GET') {
    await send(target, 'PUT', '/bench')
    await send(target, 'PUT', '/bench/object', body)
  }
  const targets =
    method === 'GET'
      ? [presign(target, 'GET', '/bench/object')]
      : Array.from({ length: keys }, (_, i) => presign(target, 'PUT', `/bench/put/${i}`))
  const load = { port: target.port, method, targets, ...(method === 'PUT' ? { bodyBytes: 1024 } : {}) }
  await wrk({ ...load, seconds: 1 })
  return (await wrk({ ...load, seconds })).requestsPerSecond
}

function push(into: Map<string, number[]>, name: string, value: number): void {
  into.set(name, [...(into.get(name) ?? []), value])
}

function compare(what: string, rates: Map<string, number[]>, bounds: Record<string, number>): Finding[] {
  const own = median(rates.get('mockfactory')!)
  const findings: Finding[] = []
  for (const [peer, bound] of Object.entries(bounds)) {
    const values = rates.get(peer)
    if (values === undefined) continue
    const rate = median(values)
    findings.push(
      atLeast(`${what} / ${peer}`, own / rate, bound, '×', `${Math.round(own)}/s against ${Math.round(rate)}/s`),
    )
  }
  return findings
}
