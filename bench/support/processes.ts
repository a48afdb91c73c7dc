/** Fresh processes for every round: ours, the bare handler, and the peers a machine happens to have. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const out = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

export interface Target {
  readonly name: string
  readonly port: number
  readonly pid: number
  readonly dataDir: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Milliseconds from spawn to the first answer. */
  readonly startMs: number
  stop(signal?: NodeJS.Signals): Promise<void>
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}

export function temporary(): string {
  return mkdtempSync(join(tmpdir(), 'mockfactory-bench-'))
}

/** Resident memory of a process in MiB. */
export function residentMiB(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024
}

interface Launch {
  readonly name: string
  readonly command: string
  readonly args: (port: number, dataDir: string) => readonly string[]
  readonly env?: Record<string, string>
  readonly credentials?: readonly [string, string]
  readonly quiet?: boolean
}

/** Starts a server and waits for any HTTP answer on its port. */
export async function launch(spec: Launch, dataDir: string, keepData = false): Promise<Target> {
  const port = await freePort()
  const startedAt = performance.now()
  const child = spawn(spec.command, spec.args(port, dataDir), {
    // moto logs every request to stderr.
    stdio: ['ignore', 'ignore', spec.quiet === true ? 'ignore' : 'inherit'],
    env: { ...process.env, ...spec.env },
  })
  const gone = new Promise<void>(resolve => child.once('exit', () => resolve()))
  await answering(port, child, spec.name)
  const [accessKeyId, secretAccessKey] = spec.credentials ?? ['test', 'test']
  return {
    name: spec.name,
    port,
    pid: child.pid!,
    dataDir,
    accessKeyId,
    secretAccessKey,
    startMs: performance.now() - startedAt,
    async stop(signal = 'SIGTERM') {
      child.kill(signal)
      await gone
      if (!keepData) rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

async function answering(port: number, child: ChildProcess, name: string): Promise<void> {
  for (let tries = 0; tries < 12_000; tries++) {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`)
    try {
      await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(2000) }).then(r => r.arrayBuffer())
      return
    } catch {
      await sleep(5)
    }
  }
  child.kill('SIGKILL')
  throw new Error(`${name} does not answer`)
}

/** Ours, as a user runs it: SQLite and files on disk, log, metrics and sweeper on; the log goes to /dev/null. */
export const ours: Launch = {
  name: 'mockfactory',
  command: process.execPath,
  args: (port, dataDir) => [
    join(out, 'bin', 'mockfactory.js'),
    '--data-dir',
    dataDir,
    '--port',
    `${port}`,
    ...portsOff,
  ],
}
const portsOff = ['s3', 'sqs', 'gcs', 'azure', 'oci', 'tls'].flatMap(name => [`--${name}-port`, '0'])

/** The ceiling: a uWebSockets.js handler that answers `hello`. */
export const bare: Launch = {
  name: 'bare',
  command: process.execPath,
  args: port => [join(out, 'bench', 'bare.js'), `${port}`],
}

export const emptyNode: Launch = {
  name: 'empty node',
  command: process.execPath,
  args: port => ['-e', `require('node:http').createServer((q, s) => s.end('x')).listen(${port}, '127.0.0.1')`],
}

/** Peers are found on the machine (`npm run bench -- --install-peers` puts them into bench/.peers). */
export function s3rver(peers: string): Launch {
  return {
    name: 's3rver',
    command: process.execPath,
    args: (port, dataDir) => [
      join(peers, 'node_modules/s3rver/bin/s3rver.js'),
      ...['--directory', dataDir, '--address', '127.0.0.1', '--port', `${port}`, '--silent'],
    ],
    credentials: ['S3RVER', 'S3RVER'],
  }
}
export const moto: Launch = {
  name: 'moto',
  command: 'moto_server',
  args: port => ['-H', '127.0.0.1', '-p', `${port}`],
  env: { PYTHONWARNINGS: 'ignore' },
  quiet: true,
}

export function has(command: string): boolean {
  try {
    execFileSync('which', [command], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
