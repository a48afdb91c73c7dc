/**
 * `npm run bench [-- case …] [--rounds N] [--seconds N] [--kills N] [--objects N] [--json FILE] [--install-peers]`
 * Cases: small, large, process, million, crash (all without a name). Prints a table and writes the same as JSON; the
 * exit code is 1 when a bound is not kept. Peers that are not on the machine are named as left out.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { crash } from './cases/crash.ts'
import { large } from './cases/large.ts'
import { million } from './cases/million.ts'
import { startAndMemory } from './cases/process.ts'
import { small } from './cases/small.ts'
import type { Finding } from './support/measure.ts'
import { has } from './support/processes.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    kills: { type: 'string', default: '200' },
    objects: { type: 'string', default: '1000000' },
    json: { type: 'string', default: 'bench/results/latest.json' },
    'install-peers': { type: 'boolean', default: false },
  },
})
const peers = join(process.cwd(), 'bench', '.peers')
const rounds = Number(values.rounds)
const seconds = Number(values.seconds)
const cases: Record<string, () => Promise<Finding[]>> = {
  small: () => small({ rounds, seconds, peers }),
  large: () => large({ rounds, seconds }),
  process: () => startAndMemory({ rounds }),
  million: () => million({ rounds, objects: Number(values.objects) }),
  crash: () => crash({ kills: Number(values.kills) }),
}

if (values['install-peers']) {
  mkdirSync(peers, { recursive: true })
  execFileSync('npm', ['install', '--prefix', peers, '--no-save', '--silent', 's3rver@3.7.1'], { stdio: 'inherit' })
  if (!has('moto_server')) execFileSync('pip', ['install', '--quiet', 'moto[s3,server]'], { stdio: 'inherit' })
}
const left = [
  ...(existsSync(join(peers, 'node_modules/s3rver')) ? [] : ['s3rver']),
  ...['moto_server', 'nginx', 'wrk', 'curl'].filter(command => !has(command)),
]
if (left.length > 0) console.log(`not on this machine, so not compared: ${left.join(', ')}`)

const findings: Finding[] = []
for (const name of positionals.length > 0 ? positionals : Object.keys(cases)) {
  const measure = cases[name]
  if (measure === undefined) throw new Error(`no such case: ${name}; there are ${Object.keys(cases).join(', ')}`)
  console.log(`… ${name}`)
  findings.push(...(await measure()))
}
const cell = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toFixed(2))
console.table(
  findings.map(({ what, measured, unit, bound, kept, detail }) => ({
    what,
    measured: `${cell(measured)} ${unit}`,
    bound,
    kept: kept ? 'yes' : 'NO',
    detail: detail.slice(0, 90),
  })),
)
mkdirSync(join(values.json, '..'), { recursive: true })
writeFileSync(
  values.json,
  `${JSON.stringify(
    {
      at: new Date().toISOString(),
      commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim(),
      command: ['npm run bench --', ...process.argv.slice(2)].join(' '),
      node: process.version,
      machine: { cpu: cpus()[0]?.model, cores: cpus().length, memoryGiB: Math.round(totalmem() / 2 ** 30) },
      findings,
    },
    null,
    2,
  )}\n`,
)
process.exitCode = findings.every(finding => finding.kept) ? 0 : 1
