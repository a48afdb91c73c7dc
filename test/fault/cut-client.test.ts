/** Clients that leave in the middle, say half of something, or say too much: nothing is left of them. */
import { execFileSync, spawnSync } from 'node:child_process'
import t from 'tap'
import { type Server, startServer, type Teardown } from '../support/server.ts'
import { element, signedFetch } from '../support/signed.ts'
import { rawSocket } from '../support/sockets.ts'
import { stampedBody } from '../support/stamped.ts'
import { head, PacedClient } from '../support/stream-client.ts'
import { blobFiles, eventually, openDescriptors, orderly, quiet } from '../support/upkeep.ts'

const mebibyte = 1 << 20

async function serve(t: Teardown): Promise<Server> {
  const server = await startServer(t, { args: ['--log-level', 'error'] })
  await signedFetch(server, { method: 'PUT', path: '/cut' })
  return server
}

t.test('PutObject: cut after each share of the body → no object, no file', async t => {
  const server = await serve(t)
  const body = stampedBody(1, 8 * mebibyte)
  const old = stampedBody(2, 100_000)
  await signedFetch(server, { method: 'PUT', path: '/cut/old', body: old })
  for (const share of [0, 1, 1000, 40_000, 600_000, 3 * mebibyte, body.length - 1]) {
    await Promise.all(
      ['new', 'old'].map(async name => {
        const client = await PacedClient.open(server)
        await client.send(head(server, { method: 'PUT', path: `/cut/${name}` }, { 'Content-Length': body.length }))
        await client.send(body.subarray(0, share))
        client.cut()
      }),
    )
    await quiet(server)
    t.equal((await signedFetch(server, { method: 'GET', path: '/cut/new' })).status, 404, `after ${share} bytes`)
    t.ok((await signedFetch(server, { method: 'GET', path: '/cut/old' })).body.equals(old))
  }
  t.strictSame(await orderly(server.dataDir), [])
  t.equal(blobFiles(server.dataDir).size, 1, 'the old object’s file alone')
})

t.test('UploadPart: cut in the middle → no part, no file, the upload goes on', async t => {
  const server = await serve(t)
  const path = '/cut/parts'
  const created = await signedFetch(server, { method: 'POST', path, query: 'uploads=' })
  const uploadId = element(created.text, 'UploadId')!
  const query = { partNumber: '1', uploadId }
  const body = stampedBody(3, 6 * mebibyte)
  for (const share of [1, 40_000, 3 * mebibyte]) {
    const client = await PacedClient.open(server)
    await client.send(head(server, { method: 'PUT', path, query }, { 'Content-Length': body.length }))
    await client.send(body.subarray(0, share))
    client.cut()
  }
  await quiet(server)
  const parts = await signedFetch(server, { method: 'GET', path, query: { uploadId } })
  t.notMatch(parts.text, '<Part>')
  t.strictSame(await orderly(server.dataDir), [])
  t.equal(blobFiles(server.dataDir).size, 0)
  t.equal((await signedFetch(server, { method: 'PUT', path, query, body })).status, 200)
})

t.test('GetObject: cut in the middle, 50 times → every descriptor is given back', async t => {
  const server = await serve(t)
  await signedFetch(server, { method: 'PUT', path: '/cut/large', body: stampedBody(4, 16 * mebibyte) })
  await quiet(server)
  const before = openDescriptors(server.pid)
  for (let round = 0; round < 5; round++)
    await Promise.all(
      Array.from({ length: 10 }, async (_, index) => {
        const client = await PacedClient.open(server)
        await client.send(head(server, { method: 'GET', path: '/cut/large' }))
        await client.sip(1, () => client.receivedBytes >= index * 100_000)
        client.cut()
      }),
    )
  t.ok(await quiet(server))
  await eventually('descriptors closed', () => (openDescriptors(server.pid) <= before ? true : undefined))
  t.equal((await signedFetch(server, { method: 'GET', path: '/cut/large' })).body.length, 16 * mebibyte)
})

t.test('Connections: 1,000 opened and abandoned, half of them in the middle of a line → all given back', async t => {
  const server = await serve(t)
  await signedFetch(server, { method: 'PUT', path: '/cut/one', body: 'one' })
  await quiet(server)
  const before = openDescriptors(server.pid)
  const whole = head(server, { method: 'GET', path: '/cut/one' })
  const clients = await Promise.all(Array.from({ length: 1000 }, () => PacedClient.open(server)))
  await Promise.all(
    clients.map((client, index) => (index % 2 === 0 ? client.send(whole.slice(0, 1 + (index % whole.length))) : null)),
  )
  t.equal((await signedFetch(server, { method: 'GET', path: '/cut/one' })).text, 'one', 'served beside them')
  for (const [index, client] of clients.entries())
    if (index % 3 === 0) client.socket.end()
    else client.cut()
  await eventually('descriptors closed', () => (openDescriptors(server.pid) <= before ? true : undefined))
  t.ok(await quiet(server))
  t.equal((await signedFetch(server, { method: 'GET', path: '/cut/one' })).text, 'one')
})

t.test(
  'Pipelining: several requests in one segment → answers in order, or a closed connection, never mixed',
  async t => {
    const server = await serve(t)
    for (let index = 0; index < 5; index++)
      await signedFetch(server, { method: 'PUT', path: `/cut/${index}`, body: `body-${index}` })
    const gets = Array.from({ length: 5 }, (_, index) => head(server, { method: 'GET', path: `/cut/${index}` }))
    const answers = await rawSocket(server, gets.join(''), { answers: 5 })
    t.strictSame([...answers.text.matchAll(/body-\d/g)].map(String), ['body-0', 'body-1', 'body-2', 'body-3', 'body-4'])

    const put = (name: string, body: string) =>
      head(server, { method: 'PUT', path: `/cut/${name}` }, { 'Content-Length': body.length }) + body
    const mixed = await rawSocket(server, `${put('p', 'first')}${gets[1]}${put('q', 'second')}${gets[2]}`, {
      answers: 4,
    })
    const statuses = [...mixed.text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status)
    const found = [...mixed.text.matchAll(/body-\d/g)].map(String)
    t.strictSame(found, ['body-1', 'body-2'].slice(0, found.length))
    t.ok(mixed.closed || statuses.length === 4, `${statuses.length} answers, ${mixed.closed ? 'closed' : 'open'}`)
    t.ok(statuses.every(status => status === '200'))
    t.ok(await quiet(server))
    for (const [name, body] of [
      ['p', 'first'],
      ['q', 'second'],
    ] as const) {
      const kept = await signedFetch(server, { method: 'GET', path: `/cut/${name}` })
      t.ok(kept.status === 404 || kept.text === body, `${name}: ${kept.status}`)
    }
  },
)

t.test('Pipelining while 32 other clients ask → the first answers in order, none of another client’s', async t => {
  const server = await serve(t)
  for (let index = 0; index < 5; index++)
    await signedFetch(server, { method: 'PUT', path: `/cut/${index}`, body: `body-${index}` })
  await signedFetch(server, { method: 'PUT', path: '/cut/busy', body: 'busy' })
  const gets = Array.from({ length: 5 }, (_, index) => head(server, { method: 'GET', path: `/cut/${index}` })).join('')
  const busy = head(server, { method: 'GET', path: '/cut/busy' })
  let over = false
  let asked = 0
  const crowd = Array.from({ length: 32 }, async () => {
    const client = await PacedClient.open(server)
    for (; !over; asked++) {
      await client.send(busy)
      const answer = await client.answer()
      t.equal(`${answer.status} ${answer.body}`, '200 busy')
    }
    client.cut()
  })
  for (let burst = 0; burst < 40; burst++) {
    const { text, closed } = await rawSocket(server, gets, { answers: 5 })
    const bodies = [...text.matchAll(/body-\d/g)].map(String)
    t.strictSame(bodies, ['body-0', 'body-1', 'body-2', 'body-3', 'body-4'].slice(0, bodies.length))
    t.ok(closed || bodies.length === 5, `${bodies.length} answers, open`)
    t.notMatch(text, 'busy')
  }
  over = true
  await Promise.all(crowd)
  t.ok(asked > 1000, `${asked} requests beside them`)
  const alone = await rawSocket(server, gets, { answers: 5 })
  t.equal([...alone.text.matchAll(/body-\d/g)].length, 5)
  t.ok(await quiet(server))
})

const prlimit = spawnSync('prlimit', ['--version']).error === undefined ? false : 'prlimit is not installed'
t.test('Connections: the process has no descriptor left → 503, all is well afterwards', { skip: prlimit }, async t => {
  const server = await serve(t)
  const body = stampedBody(7, mebibyte)
  await signedFetch(server, { method: 'PUT', path: '/cut/large', body })
  await quiet(server)
  const before = openDescriptors(server.pid)
  execFileSync('prlimit', ['--pid', String(server.pid), `--nofile=${before + 20}`])
  const clients = await Promise.all(Array.from({ length: 60 }, () => PacedClient.open(server)))
  await eventually('none left', () => (openDescriptors(server.pid) >= before + 15 ? true : undefined))
  const first = clients[0]!
  await first.send(head(server, { method: 'GET', path: '/cut/large' }))
  t.equal((await first.answer()).status, 503, 'GET')
  await first.send(head(server, { method: 'PUT', path: '/cut/more' }, { 'Content-Length': body.length }))
  await first.send(body)
  t.equal((await first.answer()).status, 503, 'PUT')
  for (const client of clients) client.cut()
  await eventually('descriptors closed', () => (openDescriptors(server.pid) <= before ? true : undefined))
  t.ok((await signedFetch(server, { method: 'GET', path: '/cut/large' })).body.equals(body))
  t.equal((await signedFetch(server, { method: 'PUT', path: '/cut/more', body })).status, 200)
  t.strictSame(await orderly(server.dataDir), [])
})

t.test('Keep-alive: an error before the body was read → the error arrives, the connection serves on', async t => {
  const server = await serve(t)
  await signedFetch(server, { method: 'PUT', path: '/cut/after', body: 'after' })
  const body = stampedBody(5, 20 * mebibyte)
  const length = { 'Content-Length': body.length }
  const wrongKey = head(server, { method: 'PUT', path: '/cut/x' }, length).replace(
    /Signature=\w{8}/,
    'Signature=00000000',
  )
  const notImplemented = { method: 'PUT', path: '/cut', query: 'metadataInventoryTable=' }
  const requests: [string, string, number][] = [
    ['a bucket that is missing', head(server, { method: 'PUT', path: '/missing/x' }, length), 404],
    ['a wrong signature', wrongKey, 403],
    ['a method without a body', head(server, { method: 'GET', path: '/missing/x' }, length), 404],
    ['an operation that is not implemented', head(server, notImplemented, length), 501],
  ]
  for (const [what, request, status] of requests) {
    const client = await PacedClient.open(server)
    for (let round = 0; round < 3; round++) {
      await client.send(request)
      await client.send(body)
      t.equal((await client.answer()).status, status, `${what}, request ${round + 1}`)
      await client.send(head(server, { method: 'GET', path: '/cut/after' }))
      const after = await client.answer()
      t.strictSame([after.status, after.body.toString()], [200, 'after'], `${what}: then another on the connection`)
    }
    client.cut()
  }
  t.ok(await quiet(server))
  t.strictSame(await orderly(server.dataDir), [])
})

t.test('Keep-alive: the client leaves right after an early error → nothing is left', async t => {
  const server = await serve(t)
  const before = openDescriptors(server.pid)
  const request = head(server, { method: 'PUT', path: '/missing/x' }, { 'Content-Length': 20 * mebibyte })
  for (let round = 0; round < 20; round++) {
    const client = await PacedClient.open(server)
    await client.send(request)
    await client.send(stampedBody(6, round * 50_000))
    t.equal((await client.answer()).status, 404)
    client.cut()
  }
  t.ok(await quiet(server))
  await eventually('descriptors closed', () => (openDescriptors(server.pid) <= before ? true : undefined))
})
