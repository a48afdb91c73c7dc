/** A private PostgreSQL server for a suite: real binaries, a temporary folder, a free port on 127.0.0.1. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import pg from 'pg'

export interface Postgres {
  /** An empty database. */
  readonly url: string
  /** Makes another empty database on the same server and answers its URL. */
  createDatabase(): Promise<string>
  stop(): Promise<void>
}

export interface PrivatePostgres extends Postgres {
  /** Ends the server as `kill -9` of all its processes would, keeping its files. Absent on a server that was given. */
  crash?(): Promise<void>
  /** Starts it again on the same port after `crash`. */
  restart?(): Promise<void>
}

const run = promisify(execFile)
/** Where Debian keeps the server; elsewhere it stands in the PATH. */
const debianFolder = '/usr/lib/postgresql'
const startLimitMs = 30_000

/**
 * Starts a server, or uses the one that MOCKFACTORY_TEST_POSTGRES_URL names (whose user may create databases).
 * Answers `skip`, a reason to show, when the machine has no server.
 */
export async function startPostgres(): Promise<PrivatePostgres | { readonly skip: string }> {
  const given = process.env['MOCKFACTORY_TEST_POSTGRES_URL']
  if (given !== undefined && given !== '') return useGiven(given)
  const binaries = findBinaries()
  if (binaries === undefined) return { skip: 'no PostgreSQL server on this machine (initdb and postgres not found)' }
  const asRoot = userInfo().uid === 0
  if (asRoot && !(await userExists('postgres'))) {
    return { skip: 'the PostgreSQL server refuses to run as root, and there is no user postgres to run it as' }
  }
  return startPrivate(binaries, asRoot)
}

async function useGiven(url: string): Promise<Postgres> {
  const made: string[] = []
  const createDatabase = async (): Promise<string> => {
    const name = await makeDatabase(url)
    made.push(name)
    return withDatabase(url, name)
  }
  const stop = async (): Promise<void> => {
    for (const name of made) await administer(url, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
  }
  return { url: await createDatabase(), createDatabase, stop }
}

async function startPrivate(binaries: string, asRoot: boolean): Promise<PrivatePostgres> {
  const folder = await mkdtemp(join(tmpdir(), 'mockfactory-postgres-'))
  const data = join(folder, 'data')
  if (asRoot) await run('chown', ['postgres', folder])
  try {
    // A locale that sorts otherwise than by bytes, so that a forgotten COLLATE "C" shows.
    const locale = ['--locale=C.UTF-8', '--locale-provider=icu', '--icu-locale=en-US']
    const initialise = [join(binaries, 'initdb'), '-D', data, '-U', 'test', '-A', 'trust', '-E', 'UTF8', '--no-sync']
    const [command, ...args] = asUser(asRoot, [...initialise, ...locale])
    await run(command!, args, { cwd: folder })
    const port = await freePort()
    const url = `postgres://test@127.0.0.1:${port}/postgres`
    let server = await startServer(binaries, asRoot, folder, data, port, url)
    const createDatabase = async (): Promise<string> => withDatabase(url, await makeDatabase(url))
    return {
      url: await createDatabase(),
      createDatabase,
      crash: () => end(server, 'SIGQUIT'),
      restart: async () => {
        server = await startServer(binaries, asRoot, folder, data, port, url)
      },
      stop: async () => {
        await end(server, 'SIGINT')
        await rm(folder, { recursive: true, force: true })
      },
    }
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

async function startServer(
  binaries: string,
  asRoot: boolean,
  folder: string,
  data: string,
  port: number,
  url: string,
): Promise<ChildProcess> {
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    fsync: 'off',
    max_connections: 120,
    shared_buffers: '32MB',
  }
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const server = spawnAs(asRoot, [join(binaries, 'postgres'), '-D', data, ...options], folder)
  let log = ''
  server.stderr?.setEncoding('utf8').on('data', (text: string) => {
    log = (log + text).slice(-4000)
  })
  const giveUpAt = Date.now() + startLimitMs
  while (!(await answers(url))) {
    if (server.exitCode !== null || Date.now() > giveUpAt) {
      await end(server, 'SIGQUIT')
      throw new Error(`the PostgreSQL server did not start: ${log}`)
    }
    await delay(50)
  }
  return server
}

/** The server's own process, not a wrapper's: signals must reach it. It shuts down by itself should this process die. */
function spawnAs(asRoot: boolean, command: string[], cwd: string): ChildProcess {
  const [program, ...args] = asUser(asRoot, command, ['--pdeathsig', 'INT'])
  return spawn(program!, args, { cwd, stdio: ['ignore', 'ignore', 'pipe'] })
}

function asUser(asRoot: boolean, command: string[], options: string[] = []): string[] {
  // setpriv becomes the command, where runuser and su would stand between us and it.
  return asRoot
    ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups', ...options, ...command]
    : command
}

async function end(server: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return
  const ended = new Promise(resolve => server.once('exit', resolve))
  server.kill(signal)
  await ended
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1000 })
  client.on('error', () => {})
  try {
    await client.connect()
    await client.end()
    return true
  } catch {
    return false
  }
}

async function makeDatabase(url: string): Promise<string> {
  const name = `test_${randomBytes(6).toString('hex')}`
  await administer(url, `CREATE DATABASE ${name} ENCODING 'UTF8' TEMPLATE template0`)
  return name
}

async function administer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url)
  changed.pathname = `/${name}`
  return changed.href
}

function findBinaries(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(':')
  if (existsSync(debianFolder)) {
    const versions = readdirSync(debianFolder).sort((a, b) => Number(b) - Number(a))
    folders.unshift(...versions.map(version => join(debianFolder, version, 'bin')))
  }
  return folders.find(folder => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')))
}

async function userExists(name: string): Promise<boolean> {
  try {
    await run('id', ['-u', name])
    return true
  } catch {
    return false
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
