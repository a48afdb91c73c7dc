/** 64 MiB: GET against nginx serving the same bytes, PUT against the rate at which one core computes its MD5. */
import { execFileSync, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { atLeast, type Finding, median } from '../support/measure.ts'
import { presign, send } from '../support/presign.ts'
import { freePort, has, launch, ours, temporary } from '../support/processes.ts'
import { wrk } from '../support/wrk.ts'

const size = 64 * 2 ** 20

export async function large(options: { rounds: number; seconds: number }): Promise<Finding[]> {
  const findings: Finding[] = []
  const body = randomBytes(size)
  if (has('nginx')) findings.push(await get(body, options))
  findings.push(await put(body, options))
  return findings
}

async function get(body: Buffer, options: { rounds: number; seconds: number }): Promise<Finding> {
  const own: number[] = []
  const peer: number[] = []
  for (let round = 0; round < options.rounds; round++) {
    const nginx = await startNginx(body)
    const target = await launch(ours, temporary())
    try {
      await send(target, 'PUT', '/bench')
      await send(target, 'PUT', '/bench/large', body)
      const measureOwn = async () =>
        own.push(await rate(target.port, presign(target, 'GET', '/bench/large'), options.seconds))
      const measurePeer = async () => peer.push(await rate(nginx.port, '/large', options.seconds))
      if (round % 2 === 0) {
        await measureOwn()
        await measurePeer()
      } else {
        await measurePeer()
        await measureOwn()
      }
    } finally {
      await target.stop()
      await nginx.stop()
    }
  }
  const [ownRate, peerRate] = [median(own), median(peer)]
  return atLeast('GET 64 MiB / nginx', ownRate / peerRate, 1, '×', `${mib(ownRate)} against ${mib(peerRate)} MiB/s`)
}

async function rate(port: number, target: string, seconds: number): Promise<number> {
  const load = { port, method: 'GET', targets: [target], connections: 4 }
  await wrk({ ...load, seconds: 1 })
  return (await wrk({ ...load, seconds })).bytesPerSecond
}

/** One curl sends the file several times over one connection; the server's and the hash's rate are of the same run. */
async function put(body: Buffer, options: { rounds: number }): Promise<Finding> {
  const folder = temporary()
  const file = join(folder, 'large')
  writeFileSync(file, body)
  const ratios: number[] = []
  const details: string[] = []
  for (let round = 0; round < options.rounds; round++) {
    const target = await launch(ours, temporary())
    try {
      await send(target, 'PUT', '/bench')
      const times = 8
      const links = Array.from(
        { length: times },
        (_, i) => `http://127.0.0.1:${target.port}${presign(target, 'PUT', `/bench/large-${i}`)}`,
      )
      const upload = (list: readonly string[]): number => {
        const startedAt = performance.now()
        execFileSync('curl', ['-sS', '--fail', ...list.flatMap(link => ['-T', file, link])])
        return (list.length * size) / ((performance.now() - startedAt) / 1000)
      }
      upload(links.slice(0, 2))
      const uploaded = upload(links)
      const hashed = md5Rate(body)
      ratios.push(uploaded / hashed)
      details.push(`${mib(uploaded)}/${mib(hashed)}`)
    } finally {
      await target.stop()
    }
  }
  rmSync(folder, { recursive: true })
  return atLeast('PUT 64 MiB / MD5 of one core', median(ratios), 0.7, '×', `MiB/s: ${details.join(', ')}`)
}

function md5Rate(body: Buffer): number {
  const startedAt = performance.now()
  for (let i = 0; i < 3; i++) createHash('md5').update(body).digest()
  return (3 * size) / ((performance.now() - startedAt) / 1000)
}

async function startNginx(body: Buffer): Promise<{ port: number; stop(): Promise<void> }> {
  const folder = temporary()
  const port = await freePort()
  mkdirSync(join(folder, 'root'))
  writeFileSync(join(folder, 'root', 'large'), body)
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error; user root;
events { worker_connections 64; }
http { access_log off; sendfile on; tcp_nopush on; client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p;
  fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  server { listen 127.0.0.1:${port}; root ${folder}/root; } }`,
  )
  const child = spawn('nginx', ['-c', join(folder, 'nginx.conf')], { stdio: 'ignore' })
  const gone = new Promise<void>(resolve => child.once('exit', () => resolve()))
  await sleep(300)
  return {
    port,
    async stop() {
      child.kill('SIGTERM')
      await gone
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function mib(bytesPerSecond: number): string {
  return `${Math.round(bytesPerSecond / 2 ** 20)}`
}
