/** Starts the built server as a process of its own, as a user would, and ends it with the test. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serverBinary } from './paths.ts'

/** The part of a tap test that this file needs. */
export interface Teardown {
  teardown(callback: () => unknown): unknown
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface Server {
  /** `http://127.0.0.1:PORT` */
  readonly origin: string
  readonly port: number
  readonly pid: number
  readonly dataDir: string
  /** What it has printed so far on stdout and stderr: the last megabyte. */
  logs(): string
  /** Waits until it has printed this. */
  printed(text: string | RegExp): Promise<string>
  /** Sends a signal (SIGTERM) and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<Exit>
  /** Ends the process at once, as a crash would. */
  kill9(): Promise<Exit>
  /** Settles when the process has ended, for whatever reason. */
  readonly ended: Promise<Exit>
}

export interface ServerOptions {
  /** Further command-line options. */
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** A free one when absent. */
  readonly port?: number
  /** Kept at the end when given; else a temporary folder, removed at the end. */
  readonly dataDir?: string
  /** Metadata and bytes in memory. */
  readonly ephemeral?: boolean
  /** The content of an identities file. */
  readonly identities?: unknown
}

/** Options are also read from these variables, so whatever the caller's shell has set must not reach a test's server. */
const ownVariables =
  /^(DATA_DIR|EPHEMERAL|HOST|PORT|(S3|SQS|GCS|AZURE|OCI|TLS)_PORT|TLS_(CERT|KEY)|DATABASE_URL|REDIS_URL|BLOBS|DURABILITY|LOG_LEVEL|IDENTITIES|DOMAINS|TRUSTED_PROXIES|NODE_OPTIONS|TAP.*|_TAPJS.*|AWS_.*)$/

const otherPorts = ['--s3-port', '--sqs-port', '--gcs-port', '--azure-port', '--oci-port', '--tls-port']
const startLimitMs = 30_000
const stopLimitMs = 30_000
const logLimit = 1 << 20

export async function startServer(t: Teardown, options: ServerOptions = {}): Promise<Server> {
  const port = options.port ?? (await freePort())
  const scratch = temporaryFolder(t)
  const dataDir = options.dataDir ?? join(scratch, 'data')
  const args = ['--host', '127.0.0.1', '--port', String(port)]
  for (const name of otherPorts) if (!options.args?.includes(name)) args.push(name, '0')
  if (options.ephemeral) args.push('--ephemeral')
  else args.push('--data-dir', dataDir)
  if (options.identities !== undefined) {
    const file = join(scratch, 'identities.json')
    writeFileSync(file, JSON.stringify(options.identities))
    args.push('--identities', file)
  }
  args.push(...(options.args ?? []))
  const running = spawnServer(args, options.env)
  t.teardown(() => running.stop())
  const origin = `http://127.0.0.1:${port}`
  await ready(running, origin)
  return {
    origin,
    port,
    pid: running.pid,
    dataDir,
    logs: running.logs,
    printed: text => printed(running, text),
    stop: running.stop,
    kill9: () => running.stop('SIGKILL'),
    ended: running.ended,
  }
}

export interface RunningProcess {
  readonly pid: number
  readonly ended: Promise<Exit>
  logs(): string
  stop(signal?: NodeJS.Signals): Promise<Exit>
}

/** Starts the binary with exactly these arguments and does not wait for it to answer. */
export function spawnServer(args: readonly string[], env: Readonly<Record<string, string>> = {}): RunningProcess {
  const child = spawn(process.execPath, [serverBinary, ...args], {
    env: { ...cleanEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const collect = (text: string) => {
    output = (output + text).slice(-logLimit)
  }
  child.stdout.setEncoding('utf8').on('data', collect)
  child.stderr.setEncoding('utf8').on('data', collect)
  const ended = new Promise<Exit>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
  return { pid: child.pid ?? 0, ended, logs: () => output, stop: signal => stopProcess(child, ended, signal) }
}

async function stopProcess(
  child: ChildProcess,
  ended: Promise<Exit>,
  signal: NodeJS.Signals = 'SIGTERM',
): Promise<Exit> {
  if (child.exitCode !== null || child.signalCode !== null) return ended
  child.kill(signal)
  const timer = setTimeout(() => child.kill('SIGKILL'), stopLimitMs)
  try {
    return await ended
  } finally {
    clearTimeout(timer)
  }
}

async function ready(running: RunningProcess, origin: string): Promise<void> {
  let over: Exit | undefined
  void running.ended.then(exit => {
    over = exit
  })
  const deadline = Date.now() + startLimitMs
  for (;;) {
    if (over !== undefined)
      throw new Error(`the server ended with ${over.signal ?? over.code} before it answered:\n${running.logs()}`)
    if ((await status(`${origin}/_mockfactory/readyz`)) === 200) return
    if (Date.now() > deadline) {
      await running.stop('SIGKILL')
      throw new Error(`the server did not answer within ${startLimitMs} ms:\n${running.logs()}`)
    }
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

/** The log is written a moment after what it tells of. */
async function printed(running: RunningProcess, text: string | RegExp): Promise<string> {
  const found = () => (typeof text === 'string' ? running.logs().includes(text) : text.test(running.logs()))
  for (const deadline = Date.now() + startLimitMs; !found(); ) {
    if (Date.now() > deadline) throw new Error(`the server did not print ${text}:\n${running.logs()}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  return running.logs()
}

/** The status of a GET, or 0 when nothing answers. */
export function status(url: string): Promise<number> {
  return new Promise(resolve => {
    const request = get(url, { agent: false, timeout: 5_000 }, response => {
      response.resume()
      response.once('close', () => resolve(response.statusCode ?? 0))
    })
    request.once('error', () => resolve(0))
    request.once('timeout', () => request.destroy())
  })
}

function cleanEnvironment(): Record<string, string> {
  const clean: Record<string, string> = {}
  for (const [name, value] of Object.entries(process.env))
    if (value !== undefined && !ownVariables.test(name)) clean[name] = value
  return clean
}

const firstPort = 15_000
const portCount = 15_000

/**
 * A port nobody listens on. Below the range from which the kernel takes outgoing ports (32,768 up), so that no
 * connection of another test can take it before the server does.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = firstPort + Math.floor(Math.random() * portCount)
    if (await bindable(port)) return port
  }
  throw new Error('no free port found')
}

function bindable(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)))
  })
}

/** A new folder that goes with the test. */
export function temporaryFolder(t: Teardown): string {
  const folder = mkdtempSync(join(tmpdir(), 'mockfactory-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
