import { execFile } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { temporary } from './processes.ts'

const run = promisify(execFile)

export interface Load {
  readonly requestsPerSecond: number
  readonly bytesPerSecond: number
}

/**
 * Loads a port with wrk: one thread, `connections` connections, the given targets in turn.
 * @throws when anything but 2xx was answered, unless `anyStatus`
 */
export async function wrk(load: {
  port: number
  method: string
  targets: readonly string[]
  bodyBytes?: number
  seconds: number
  connections?: number
}): Promise<Load> {
  const folder = temporary()
  const script = join(folder, 'load.lua')
  const list = join(folder, 'targets')
  writeFileSync(list, load.targets.join('\n'))
  // wrk formats each request once; the script only hands them out in turn.
  writeFileSync(
    script,
    `local requests = {}
local at = 0
init = function()
  local body = ${load.bodyBytes === undefined ? 'nil' : `string.rep("x", ${load.bodyBytes})`}
  for target in io.lines("${list}") do requests[#requests + 1] = wrk.format("${load.method}", target, nil, body) end
end
request = function() at = at % #requests + 1; return requests[at] end
`,
  )
  try {
    const { stdout } = await run('wrk', [
      '-t1',
      `-c${load.connections ?? 16}`,
      `-d${load.seconds}s`,
      '--timeout',
      '20s',
      '-s',
      script,
      `http://127.0.0.1:${load.port}`,
    ])
    const failures = /Non-2xx or 3xx responses: (\d+)|Socket errors: (.*)/.exec(stdout)
    if (failures !== null) throw new Error(`wrk: ${failures[0]}`)
    return {
      requestsPerSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)![1]),
      bytesPerSecond: bytes(/Transfer\/sec:\s+([\d.]+)(\w+)/.exec(stdout)!),
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function bytes(match: RegExpExecArray): number {
  const unit = { B: 1, KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30 }[match[2]!]
  return Number(match[1]) * unit!
}
