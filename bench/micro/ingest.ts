/**
 * Bodies through a real socket on loopback, client and server each a process: PUT of 64 MiB into a blob on disk by
 * digests wanted, as a ratio to one core's MD5 rate measured in the same run; GET of it; the same encrypted (`aes`); and
 * the cost of a 1 KiB body that arrives in one piece. Shown are the median and the best of the rounds.
 *
 *     node out/bench/micro/ingest.js [rounds, 9]
 */

import uWS from 'uWebSockets.js'
import { fork } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Aborted, BlobSource, type IncomingBody, type Staged } from '../../gateway/bytes/contract.ts'
import { DiskBlobs } from '../../gateway/bytes/disk-blobs.ts'
import { openSource } from '../../gateway/bytes/egress.ts'
import { ingest } from '../../gateway/bytes/ingest.ts'
import type { ObjectCipher } from '../../gateway/bytes/object-cipher.ts'
import { SocketBody } from '../../gateway/socket-body.ts'
import type { DigestAlgorithm } from '../../protocol/checksum/digest.ts'
import { Fault } from '../../protocol/fault.ts'

const bodyBytes = 64 * 1024 * 1024
const cipher = { key: randomBytes(32) }
let made: Buffer | undefined
const rounds = Number(process.argv[2] ?? 9)

interface Order {
  readonly port: number
  readonly method: 'PUT' | 'GET'
  readonly path: string
}

if (process.send === undefined) await serve()
else process.on('message', (order: Order) => exchange(order).then(seconds => process.send!(seconds)))

/** The client: seconds from connecting to the last byte of the answer. */
function exchange({ port, method, path }: Order): Promise<number> {
  const length = method === 'PUT' ? bodyBytes : 0
  const head = `${method} ${path} HTTP/1.1\r\nHost: bench\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n`
  return new Promise((resolve, reject) => {
    const start = process.hrtime.bigint()
    let received = 0
    const buffer = Buffer.allocUnsafe(512 * 1024)
    const onread = { buffer, callback: (count: number) => (received += count) > 0 }
    const socket = connect({ port, host: '127.0.0.1', onread }, () => {
      socket.write(head)
      if (method === 'PUT') socket.write(body())
    })
    socket.on('error', reject)
    socket.on('close', () => {
      if (method === 'GET' && received < bodyBytes) reject(new Error(`only ${received} bytes came`))
      resolve(Number(process.hrtime.bigint() - start) / 1e9)
    })
  })
}
function body(): Buffer {
  made ??= Buffer.alloc(bodyBytes, 'mockfactory bench body; ')
  return made
}

async function serve(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'mockfactory-bench-'))
  const blobs = new DiskBlobs(folder)
  let lastId = 0
  const app = uWS.App()
  app.put('/*', (response, request) => {
    let left = false
    const incoming = new SocketBody(response, Number(request.getHeader('content-length')))
    response.onAborted(() => {
      left = true
      incoming.abort()
    })
    const names = request.getUrl().slice(1).split('+')
    const algorithms = names.filter(isAlgorithm)
    const options = { blobs, nextBlobId: () => ++lastId, algorithms, maxBytes: bodyBytes, ...encryption(names) }
    void ingest(incoming, options).then(staged => {
      if (staged instanceof Fault || staged instanceof Aborted) throw new Error('the body was refused')
      staged.discard()
      if (!left) response.cork(() => response.end())
    })
  })
  let getId = 0
  app.get('/*', (response, request) => {
    // Decrypted or not, it takes what is stored for it.
    const key = encryption(request.getUrl().slice(1).split('+')).cipher
    const source = new BlobSource([{ blobId: getId, offset: 0, sizeBytes: bodyBytes }], undefined, key)
    let stop = () => {}
    response.onAborted(() => stop())
    void openSource(source, blobs).then(open => {
      const ignore = () => {}
      const sending = open.send(response, { done: ignore, failed: console.error, aborted: ignore })
      stop = () => sending.abort()
    })
  })
  const listening = await new Promise<uWS.us_listen_socket | false>(resolve => app.listen('127.0.0.1', 0, resolve))
  if (listening === false) throw new Error('cannot listen')
  const port = uWS.us_socket_local_port(listening)
  const client = fork(fileURLToPath(import.meta.url))
  client.on('exit', code => process.exit(code === 0 ? undefined : 1))
  const ask = (order: Order) =>
    new Promise<number>(resolve => {
      client.once('message', resolve)
      client.send(order)
    })

  const cases = [
    'none',
    'md5',
    'md5+crc32',
    'md5+crc32c',
    'md5+crc64nvme',
    'md5+sha256',
    'crc32',
    'crc64nvme',
    'sha256',
    'aes',
    'aes+md5',
    'aes+md5+crc64nvme',
  ]
  const puts = new Map<string, number[]>(cases.map(name => [name, []]))
  const gets: number[] = []
  const decrypted: number[] = []
  const md5: number[] = []
  const stored = (await ingest(whole(body()), {
    blobs,
    nextBlobId: () => ++lastId,
    algorithms: [],
    maxBytes: bodyBytes,
  })) as Staged
  getId = stored.blobId!
  for (let round = 0; round < rounds; round++) {
    md5.push(md5Seconds())
    for (const [name, seconds] of puts) seconds.push(await ask({ port, method: 'PUT', path: `/${name}` }))
    gets.push(await ask({ port, method: 'GET', path: '/' }))
    decrypted.push(await ask({ port, method: 'GET', path: '/aes' }))
  }
  const rate = (seconds: number) => (bodyBytes / seconds / 1e6).toFixed(0).padStart(6)
  const line = (name: string, seconds: readonly number[]) => {
    const [one, least] = [median(seconds), Math.min(...seconds)]
    const ratios = [median(md5) / one, Math.min(...md5) / least].map(ratio => ratio.toFixed(2))
    console.log(`${name.padEnd(18)} ${rate(one)} ${rate(least)} MB/s   ${ratios.join('  ')} of MD5`)
  }
  console.log('                   median   best          median  best')
  line('MD5 alone', md5)
  for (const [name, seconds] of puts) line(`PUT ${name}`, seconds)
  line('GET', gets)
  line('GET aes', decrypted)
  await smallBodies(blobs)
  console.log(`resident memory ${(process.memoryUsage.rss() / 1e6).toFixed(0)} MB`)
  client.disconnect()
  uWS.us_listen_socket_close(listening)
  await blobs.close()
  rmSync(folder, { recursive: true, force: true })
}

function isAlgorithm(name: string): name is DigestAlgorithm {
  return name !== 'none' && name !== 'aes'
}
function encryption(names: readonly string[]): { readonly cipher?: ObjectCipher } {
  return names.includes('aes') ? { cipher } : {}
}

function md5Seconds(): number {
  const start = process.hrtime.bigint()
  const hash = createHash('md5')
  for (let at = 0; at < bodyBytes; at += 512 * 1024) hash.update(body().subarray(at, at + 512 * 1024))
  hash.digest()
  return Number(process.hrtime.bigint() - start) / 1e9
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!
}

function whole(bytes: Uint8Array): IncomingBody {
  return {
    declaredBytes: bytes.length,
    read(sink) {
      sink.chunk(bytes)
      sink.end()
    },
    pause() {},
    resume() {},
  }
}

async function smallBodies(blobs: DiskBlobs): Promise<void> {
  const bytes = Buffer.alloc(1024, 'x')
  const times = 200_000
  for (const names of [['none'], ['md5'], ['md5', 'crc32'], ['aes', 'md5', 'crc32']]) {
    const algorithms = names.filter(isAlgorithm)
    const options = { blobs, nextBlobId: () => 0, algorithms, maxBytes: bodyBytes, ...encryption(names) }
    let start = 0n
    for (let i = -times / 2; i < times; i++) {
      if (i === 0) start = process.hrtime.bigint()
      await ingest(whole(bytes), options)
    }
    const each = Number(process.hrtime.bigint() - start) / times / 1e3
    console.log(`1 KiB in one piece, ${names.join(' + ').padEnd(18)} ${each.toFixed(2)} µs`)
  }
}
