/** Sources to real sockets: a uWebSockets.js server on loopback and clients that read as they please. */

import uWS from 'uWebSockets.js'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { BlobSource, type BlobStore, type Slice } from '../../gateway/bytes/contract.ts'
import { DiskBlobs } from '../../gateway/bytes/disk-blobs.ts'
import { openSource, type ResponseSocket, type SendHooks } from '../../gateway/bytes/egress.ts'
import { MemoryBlobs } from '../../gateway/bytes/memory-blobs.ts'
import { blobKeystream } from '../../gateway/bytes/object-cipher.ts'
import { ReadBuffers, readBufferBytes } from '../../gateway/bytes/read-buffers.ts'
import { eventually, noise, PlannedBlobs, putBlob, type StorePlan, wholeBlob } from './bytes-bodies.ts'

const mebibyte = 1024 * 1024
const bytes = noise(9 * mebibyte)
const cipher = { key: noise(32, 41) }

interface Server {
  readonly port: number
  readonly blobs: PlannedBlobs
  readonly buffers: ReadBuffers
  source: BlobSource
  /** How each exchange ended. */
  readonly ends: string[]
}

/** Answers every GET with `source`; its blobs 1 and 2 hold `bytes`. */
async function serve(
  t: Test,
  { store = new MemoryBlobs() as BlobStore, plan = {} as StorePlan, buffers = new ReadBuffers() } = {},
): Promise<Server> {
  const blobs = new PlannedBlobs(store, plan)
  await putBlob(store, 1, bytes)
  await putBlob(store, 2, bytes)
  const ends: string[] = []
  const app = uWS.App().get('/*', response => {
    let stop = () => {}
    let left = false
    response.onAborted(() => {
      left = true
      stop()
    })
    const hooks: SendHooks = {
      done: sent => ends.push(`done ${sent}`),
      failed: error => ends.push(`failed: ${error.message}`),
      aborted: () => ends.push('aborted'),
    }
    openSource(server.source, blobs, buffers).then(
      open => {
        if (left) {
          ends.push('left early')
          return open.close()
        }
        response.cork(() => {
          response.writeStatus('200 OK').writeHeader('x-made-by', 'test')
          const sending = open.send(response, hooks)
          stop = () => sending.abort()
        })
      },
      (error: NodeJS.ErrnoException) => {
        ends.push(`not opened: ${error.code}`)
        if (!left) response.cork(() => response.writeStatus('404 Not Found').end())
      },
    )
  })
  const listening = await new Promise<uWS.us_listen_socket | false>(resolve => app.listen('127.0.0.1', 0, resolve))
  if (listening === false) throw new Error('cannot listen')
  t.teardown(() => app.close())
  const server: Server = {
    port: uWS.us_socket_local_port(listening),
    blobs,
    buffers,
    source: wholeBlob(1, bytes.length),
    ends,
  }
  return server
}

function request(port: number): Socket {
  const socket = connect(port, '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nHost: test\r\n\r\n')
  socket.on('error', () => {})
  return socket
}

interface Answer {
  readonly head: string
  readonly body: Buffer
}
/** Reads the answer; `slowly` waits between reads. Ends when it is complete or the socket closed. */
async function get(port: number, slowly = 0, socket = request(port)): Promise<Answer> {
  const chunks: Buffer[] = []
  let received = 0
  let wanted = Number.POSITIVE_INFINITY
  let head = ''
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    received += chunk.length
    if (head === '') {
      const soFar = Buffer.concat(chunks)
      const end = soFar.indexOf('\r\n\r\n')
      if (end < 0) continue
      head = soFar.toString('latin1', 0, end)
      wanted = end + 4 + Number(/content-length: (\d+)/i.exec(head)?.[1] ?? Number.NaN)
    }
    if (received >= wanted) break
    if (slowly > 0) await new Promise(resolve => setTimeout(resolve, slowly))
  }
  const all = Buffer.concat(chunks)
  return { head, body: all.subarray(all.indexOf('\r\n\r\n') + 4) }
}

async function atRest({ blobs, buffers }: Server): Promise<boolean> {
  return eventually(() => blobs.openReaders === 0 && buffers.freeBytes === buffers.totalBytes)
}
function expected(slices: readonly Slice[]): Buffer {
  return Buffer.concat(slices.map(slice => bytes.subarray(slice.offset, slice.offset + slice.sizeBytes)))
}

t.test('send: sizes around the buffers → all bytes, a length, and the connection goes on', async t => {
  const server = await serve(t)
  const sizes = [
    0,
    1,
    1000,
    readBufferBytes - 1,
    readBufferBytes,
    readBufferBytes + 1,
    3 * readBufferBytes,
    bytes.length,
  ]
  for (const sizeBytes of sizes) {
    server.source = sizeBytes === 0 ? new BlobSource([]) : wholeBlob(1, sizeBytes)
    const { head, body } = await get(server.port)
    t.ok(body.equals(bytes.subarray(0, sizeBytes)), `${sizeBytes} bytes`)
    t.match(head, /^HTTP\/1\.1 200 OK\r\n.*x-made-by: test\r\n/s)
    t.equal(server.ends.pop(), `done ${sizeBytes}`)
  }
  server.source = wholeBlob(1, 2 * mebibyte)
  const socket = connect(server.port, '127.0.0.1')
  for (let turn = 0; turn < 3; turn++) {
    socket.write('GET / HTTP/1.1\r\nHost: test\r\n\r\n')
    const length = await new Promise<number>(resolve => {
      let received = 0
      socket.on('data', chunk => {
        received += chunk.length
        if (received >= 2 * mebibyte + 100) resolve(received)
      })
    })
    socket.removeAllListeners('data')
    t.ok(length > 2 * mebibyte, `answer ${turn} on one connection`)
  }
  socket.destroy()
  t.ok(await atRest(server))
})

t.test('send: from disk, any slices of several blobs → their bytes in order', async t => {
  const server = await serve(t, { store: new DiskBlobs(join(t.testdir(), 'blobs')) })
  const slice = fc
    .tuple(fc.constantFrom(1, 2), fc.nat(bytes.length), fc.nat(900_000))
    .map(([blobId, offset, size]) => ({ blobId, offset, sizeBytes: Math.min(size, bytes.length - offset) }))
  await fc.assert(
    fc.asyncProperty(fc.array(slice, { maxLength: 8 }), async slices => {
      server.source = new BlobSource(slices)
      return (await get(server.port)).body.equals(expected(slices))
    }),
    { numRuns: 50 },
  )
  t.ok(await atRest(server))
})

/** More clients that do not read than there are buffers; then one that does, then all. They outlive no idle time-out. */
async function stallAndRead(t: Test, server: Server): Promise<void> {
  const { slices } = server.source
  const idle = Array.from({ length: 4 }, () => request(server.port).pause())
  await eventually(() => server.blobs.openReaders === 4)
  t.ok((await get(server.port)).body.equals(expected(slices)), 'a reader')
  const answers = await Promise.all(idle.map(socket => get(server.port, 1, socket)))
  t.ok(
    answers.every(({ body }) => body.equals(expected(slices))),
    'and those who did not read',
  )
  t.ok(await atRest(server))
}
const sliceAndMore = (blobId: number): readonly Slice[] => [
  { blobId, offset: 7, sizeBytes: bytes.length - 7 },
  { blobId, offset: 0, sizeBytes: 1_000_003 },
]

t.test('send: from disk, clients that stall while they wait for a second buffer → others are served', async t => {
  const store = new DiskBlobs(join(t.testdir(), 'blobs'))
  const server = await serve(t, { store, buffers: new ReadBuffers(2 * readBufferBytes) })
  server.source = new BlobSource(sliceAndMore(1))
  await stallAndRead(t, server)
})

t.test('send: encrypted, its buffers taken away and read again → the text to each', async t => {
  const store = new DiskBlobs(join(t.testdir(), 'blobs'))
  const server = await serve(t, { store, buffers: new ReadBuffers(2 * readBufferBytes) })
  const stored = Buffer.from(bytes)
  blobKeystream(cipher, 3).apply(stored, 0)
  await putBlob(server.blobs, 3, stored)
  server.source = new BlobSource(sliceAndMore(3), undefined, cipher)
  await stallAndRead(t, server)
})

t.test('send: a client that reads slowly → all bytes', async t => {
  const server = await serve(t)
  const { body } = await get(server.port, 5)
  t.ok(body.equals(bytes))
  t.ok(await eventually(() => server.ends.length === 1))
  t.same(server.ends, [`done ${bytes.length}`])
  t.ok(await atRest(server))
})

t.test('send: clients that do not read, more than there are buffers → others are served', async t => {
  const server = await serve(t, { buffers: new ReadBuffers(2 * readBufferBytes) })
  const idle = Array.from({ length: 6 }, () => request(server.port).pause())
  await eventually(() => server.blobs.openReaders === 6)
  for (let turn = 0; turn < 3; turn++) t.ok((await get(server.port)).body.equals(bytes), `a reader, ${turn}`)
  const answers = await Promise.all(idle.map(socket => get(server.port, 0, socket)))
  t.ok(
    answers.every(({ body }) => body.equals(bytes)),
    'and those who start reading get everything',
  )
  t.ok(await eventually(() => server.ends.length === 9))
  t.ok(await atRest(server))
})

t.test('send: many at once with one buffer between them → all bytes to each', async t => {
  const server = await serve(t, { buffers: new ReadBuffers(readBufferBytes) })
  server.source = new BlobSource([
    { blobId: 1, offset: 3, sizeBytes: mebibyte },
    { blobId: 2, offset: 1, sizeBytes: mebibyte },
  ])
  const answers = await Promise.all(Array.from({ length: 30 }, () => get(server.port)))
  t.ok(answers.every(({ body }) => body.equals(expected(server.source.slices))))
  t.ok(await atRest(server))
})

t.test('send: the client leaves at any moment → aborted or done, nothing stays open', async t => {
  const server = await serve(t, { buffers: new ReadBuffers(3 * readBufferBytes) })
  const count = 40
  for (let turn = 0; turn < count; turn++) {
    const socket = request(server.port)
    let received = 0
    socket.on('data', chunk => {
      received += chunk.length
      if (received > turn * 230_000) socket.destroy()
    })
    if (turn % 4 === 0) setImmediate(() => socket.destroy())
    await new Promise(resolve => socket.on('close', resolve))
  }
  t.ok(await atRest(server))
  t.ok(await eventually(() => server.ends.length > count / 2))
  t.ok(server.ends.every(end => /^(aborted|left early|done \d+)$/.test(end)))
  t.ok(server.ends.includes('aborted'))
})

t.test('send: a read fails in the middle → the socket is closed short of its length', async t => {
  const read = (position: number) => (position > 3 * mebibyte ? new Error('bad sector') : null)
  const server = await serve(t, { plan: { read } })
  const { head, body } = await get(server.port)
  t.match(head, new RegExp(`Content-Length: ${bytes.length}`))
  t.ok(body.length < bytes.length, `${body.length} bytes came`)
  t.ok(body.equals(bytes.subarray(0, body.length)))
  t.same(server.ends, ['failed: bad sector'])
  t.ok(await atRest(server))
})

t.test('send: a blob shorter than its row says → closed as well', async t => {
  const server = await serve(t)
  server.source = wholeBlob(1, bytes.length + 5)
  const { body } = await get(server.port)
  t.ok(body.length < bytes.length + 5)
  t.match(server.ends, [/^failed: .*shorter/])
  t.ok(await atRest(server))
})

t.test('openSource: the first blob is gone, or cannot be read → rejects before any status', async t => {
  const server = await serve(t)
  server.source = wholeBlob(99, 1000)
  t.match((await get(server.port)).head, /^HTTP\/1\.1 404/)
  t.same(server.ends, ['not opened: ENOENT'])
  const broken = new PlannedBlobs(new MemoryBlobs(), { read: () => new Error('bad sector') })
  await putBlob(broken, 1, bytes)
  const error = await openSource(wholeBlob(1, 100), broken, server.buffers).catch(error => error as Error)
  t.match(error, { message: 'bad sector' })
  t.equal(broken.openReaders, 0)
  t.ok(await atRest(server))
})

t.test('openSource: a later blob is gone → the socket is closed', async t => {
  const server = await serve(t)
  server.source = new BlobSource([
    { blobId: 1, offset: 0, sizeBytes: mebibyte },
    { blobId: 99, offset: 0, sizeBytes: 10 },
  ])
  t.ok((await get(server.port)).body.length <= mebibyte)
  t.match(server.ends, [/^failed/])
  t.ok(await atRest(server))
})

t.test('OpenSource: closed instead of sent → nothing stays open', async t => {
  const server = await serve(t)
  const open = await openSource(server.source, server.blobs, server.buffers)
  t.equal(server.blobs.openReaders, 1)
  open.close()
  open.close()
  t.ok(await atRest(server))
})

t.test('Sending: abort twice, or after the end → one hook', async t => {
  const blobs = new MemoryBlobs()
  await putBlob(blobs, 1, bytes)
  const called: string[] = []
  const hooks: SendHooks = {
    done: () => called.push('done'),
    failed: () => called.push('failed'),
    aborted: () => called.push('aborted'),
  }
  const socket = (takes: boolean): ResponseSocket => ({
    cork: write => write(),
    end() {},
    tryEnd: () => [takes, takes],
    onWritable() {},
    close() {},
  })
  const stuck = (await openSource(wholeBlob(1, mebibyte), blobs)).send(socket(false), hooks)
  stuck.abort()
  stuck.abort()
  const complete = (await openSource(wholeBlob(1, 1000), blobs)).send(socket(true), hooks)
  complete.abort()
  t.same(called, ['aborted', 'done'])
})

t.test('buffers: more asked for than there is → granted in order, a small one does not overtake', async t => {
  const buffers = new ReadBuffers(1000)
  const granted: string[] = []
  const user = (name: string) => ({ granted: () => void granted.push(name) })
  const first = buffers.tryTake(800)!
  buffers.wait(900, user('large'))
  buffers.wait(100, user('small'))
  t.equal(buffers.tryTake(1), undefined)
  t.same(granted, [])
  buffers.release(first)
  t.same(granted, ['large', 'small'])
  t.equal(buffers.freeBytes, 0)
})
