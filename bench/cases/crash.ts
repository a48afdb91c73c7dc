/**
 * kill -9 at random moments under 32 writers, again and again on one store: whatever was acknowledged must read back
 * whole, and nothing may be half-visible.
 */
import { createHash } from 'node:crypto'
import { rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { atMost, type Finding } from '../support/measure.ts'
import { send } from '../support/presign.ts'
import { launch, ours, type Target, temporary } from '../support/processes.ts'
import { type Call, drive } from '../support/raw-client.ts'

const sizes = [0, 100, 1024, 20_000, 40_000, 300_000, 1_500_000]
const names = 400

/** A body tells its own length and content: any prefix, mix or older version of it is found out. */
function bodyOf(stamp: number): Buffer {
  const size = sizes[stamp % sizes.length]!
  const body = Buffer.alloc(size)
  const seed = createHash('sha256').update(`${stamp}`).digest()
  for (let i = 0; i < size; i += 32) seed.copy(body, i)
  if (size >= 8) body.writeDoubleBE(stamp, 0)
  return body
}

export async function crash(options: { kills: number }): Promise<Finding[]> {
  const dataDir = temporary()
  /** Per key: the stamps its bytes may be: the last acknowledged, and any sent after that. */
  const may = new Map<string, Set<number>>()
  let stamp = 0
  let acknowledged = 0
  let wrong = 0
  let target: Target | undefined
  try {
    for (let kill = 0; kill <= options.kills; kill++) {
      target = await launch(ours, dataDir, true)
      if (kill === 0) await send(target, 'PUT', '/crash')
      wrong += await verify(target, may)
      if (kill === options.kills) break
      const writing = write(target)
      await sleep(30 + Math.random() * 300)
      await target.stop('SIGKILL')
      await writing
    }
  } finally {
    await target?.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
  return [
    atMost('lost or half-visible objects', wrong, 0, '', `${options.kills} kills, ${acknowledged} acknowledged writes`),
  ]

  async function write(to: Target): Promise<void> {
    const sent = new Map<Call, number>()
    const busy = new Set<string>()
    await drive(
      to,
      32,
      () => {
        let path: string
        do path = `/crash/${Math.floor(Math.random() * names)}`
        while (busy.has(path))
        busy.add(path)
        const call: Call = { method: 'PUT', path, body: bodyOf(++stamp) }
        sent.set(call, stamp)
        const known = may.get(path) ?? new Set([-1])
        known.add(stamp)
        may.set(path, known)
        return call
      },
      (call, status) => {
        busy.delete(call.path)
        if (status !== 200) return
        acknowledged++
        may.set(call.path, new Set([sent.get(call)!]))
        sent.delete(call)
      },
    )
  }
}

async function verify(target: Target, may: Map<string, Set<number>>): Promise<number> {
  const left = [...may.keys()]
  let wrong = 0
  const { broken } = await drive(
    target,
    8,
    () => {
      const path = left.pop()
      return path === undefined ? undefined : { method: 'GET', path }
    },
    (call, status, _ms, body) => {
      const stamps = may.get(call.path)!
      const found = [...stamps].find(each =>
        each === -1 ? status === 404 : status === 200 && body.equals(bodyOf(each)),
      )
      if (found === undefined) {
        wrong++
        console.error(`${call.path}: ${status}, ${body.length} bytes, none of ${[...stamps].join()}`)
      } else may.set(call.path, new Set([found]))
    },
  )
  return wrong + broken
}
