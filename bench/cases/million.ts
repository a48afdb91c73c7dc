/** What a million small objects cost: memory while they come, listing among them, starting with them. */
import { rmSync } from 'node:fs'
import { atMost, type Finding, median } from '../support/measure.ts'
import { presign, send } from '../support/presign.ts'
import { launch, ours, residentMiB, type Target, temporary } from '../support/processes.ts'
import { drive } from '../support/raw-client.ts'

const body = Buffer.alloc(128, 97)
const prefixes = ['a', 'b', 'c']

export async function million(options: { rounds: number; objects: number }): Promise<Finding[]> {
  const dataDir = temporary()
  let target = await launch(ours, dataDir, true)
  const findings: Finding[] = []
  try {
    await send(target, 'PUT', '/small')
    await fill(target, '/small', 10_000)
    await send(target, 'PUT', '/large')
    findings.push(...(await grow(target, options.objects)))
    findings.push(...(await list(target, options.rounds)))
    const starts: number[] = []
    for (let round = 0; round < options.rounds; round++) {
      await target.stop()
      target = await launch(ours, dataDir, true)
      starts.push(target.startMs)
    }
    findings.push(
      atMost(`start with ${options.objects} objects`, median(starts), 500, 'ms', starts.map(Math.round).join(', ')),
    )
  } finally {
    await target.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
  return findings
}

/** Memory is read after each tenth; the caches have filled after the first two. */
async function grow(target: Target, objects: number): Promise<Finding[]> {
  const readings: number[] = []
  const startedAt = performance.now()
  for (let tenth = 0; tenth < 10; tenth++) {
    await fill(target, '/large', objects / 10, (tenth * objects) / 10)
    readings.push(residentMiB(target.pid))
  }
  const seconds = (performance.now() - startedAt) / 1000
  const early = median(readings.slice(1, 4))
  const late = median(readings.slice(7))
  return [
    atMost(
      `memory growth over ${objects} PUTs`,
      late - early,
      16,
      'MiB',
      `${readings.map(Math.round).join(', ')} MiB; ${Math.round(objects / seconds)} PUT/s`,
    ),
  ]
}

async function fill(target: Target, bucket: string, count: number, from = 0): Promise<void> {
  let at = from
  const { broken } = await drive(
    target,
    16,
    () => {
      if (at >= from + count) return undefined
      const number = at++
      return { method: 'PUT', path: `${bucket}/${prefixes[number % 3]}/${number.toString().padStart(8, '0')}`, body }
    },
    (call, status) => {
      if (status !== 200) throw new Error(`${call.path}: ${status}`)
    },
  )
  if (broken > 0) throw new Error(`${broken} connections broke`)
}

async function list(target: Target, rounds: number): Promise<Finding[]> {
  const page = async (bucket: string, extra: Record<string, string>): Promise<number> => {
    const link = `http://127.0.0.1:${target.port}${presign(target, 'GET', bucket, { 'list-type': '2', ...extra })}`
    const startedAt = performance.now()
    const response = await fetch(link)
    const text = await response.text()
    if (response.status !== 200) throw new Error(text)
    return performance.now() - startedAt
  }
  const [small, large, delimited]: number[][] = [[], [], []]
  for (let i = 0; i < rounds * 20; i++) {
    const after = { 'start-after': `b/0000${(1000 + i).toString()}` }
    small!.push(await page('/small', after))
    large!.push(await page('/large', { 'start-after': `b/00${(400_000 + i * 37).toString()}` }))
    delimited!.push(await page('/large', { delimiter: '/' }))
  }
  return [
    atMost(
      'page of 1,000: large bucket / 10,000',
      median(large!) / median(small!),
      1.5,
      '×',
      `${median(large!).toFixed(2)} ms against ${median(small!).toFixed(2)} ms`,
    ),
    atMost('3 prefixes by delimiter', median(delimited!), 10, 'ms', `${delimited!.length} listings`),
  ]
}
