/** Start to first answer, resident memory idle and while 1 GiB streams in and out. */
import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { appendFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { atMost, type Finding, median } from '../support/measure.ts'
import { presign, send } from '../support/presign.ts'
import { emptyNode, launch, ours, residentMiB, type Target, temporary } from '../support/processes.ts'

export async function startAndMemory(options: { rounds: number }): Promise<Finding[]> {
  const starts: number[] = []
  const empty: number[] = []
  const idle: number[] = []
  for (let round = 0; round < options.rounds; round++) {
    for (const spec of round % 2 === 0 ? [ours, emptyNode] : [emptyNode, ours]) {
      const target = await launch(spec, temporary())
      ;(spec === ours ? starts : empty).push(target.startMs)
      await sleep(1500)
      if (spec === ours) idle.push(residentMiB(target.pid))
      await target.stop()
    }
  }
  return [
    atMost('start to first answer', median(starts), 300, 'ms', `empty node: ${Math.round(median(empty))} ms`),
    atMost('resident memory idle', median(idle), 95, 'MiB', idle.map(Math.round).join(', ')),
    ...(await streaming()),
  ]
}

async function streaming(): Promise<Finding[]> {
  const folder = temporary()
  const file = join(folder, 'gib')
  const block = randomBytes(2 ** 24)
  for (let i = 0; i < 64; i++) appendFileSync(file, block)
  const target = await launch(ours, temporary())
  try {
    await send(target, 'PUT', '/bench')
    const before = residentMiB(target.pid)
    const link = (method: string): string => `http://127.0.0.1:${target.port}${presign(target, method, '/bench/gib')}`
    const into = await peak(target, ['-sS', '--fail', '-T', file, link('PUT')])
    const out = await peak(target, ['-sS', '--fail', '-o', join(folder, 'back'), link('GET')])
    execFileSync('cmp', [file, join(folder, 'back')])
    const detail = `before ${before.toFixed(0)}, in ${into.toFixed(0)}, out ${out.toFixed(0)} MiB`
    return [atMost('memory added by 1 GiB in and out', Math.max(into, out) - before, 64, 'MiB', detail)]
  } finally {
    await target.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The highest resident memory seen while curl runs. */
async function peak(target: Target, args: readonly string[]): Promise<number> {
  const child = spawn('curl', args, { stdio: 'inherit' })
  const ended = new Promise<number | null>(resolve => child.once('exit', resolve))
  let highest = 0
  let running = true
  const watch = (async () => {
    while (running) {
      highest = Math.max(highest, residentMiB(target.pid))
      await sleep(10)
    }
  })()
  const code = await ended
  running = false
  await watch
  if (code !== 0) throw new Error(`curl ended with ${code}`)
  return highest
}
