/** SIGTERM: what is in flight ends as it would have, nothing new begins, and the process ends well. */
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { type Server, startServer, status, type Teardown } from '../support/server.ts'
import { signedFetch } from '../support/signed.ts'
import { stampedBody } from '../support/stamped.ts'
import { head, PacedClient } from '../support/stream-client.ts'
import { disorder, eventually, gauge } from '../support/upkeep.ts'

const mebibyte = 1 << 20
const down = stampedBody(1, 64 * mebibyte)
const up = stampedBody(2, 16 * mebibyte)

/** A server with one slow download and one slow upload in the middle. */
async function busy(t: Teardown): Promise<{ server: Server; reading: PacedClient; writing: PacedClient }> {
  const server = await startServer(t)
  await signedFetch(server, { method: 'PUT', path: '/drain' })
  const body = { body: down, contentSha256: 'UNSIGNED-PAYLOAD' }
  await signedFetch(server, { method: 'PUT', path: '/drain/down', ...body })
  const reading = await PacedClient.open(server)
  await reading.send(head(server, { method: 'GET', path: '/drain/down' }))
  await reading.sip(1, () => reading.receivedBytes > 0)
  const writing = await PacedClient.open(server)
  await writing.send(head(server, { method: 'PUT', path: '/drain/up' }, { 'Content-Length': up.length }))
  await writing.send(up.subarray(0, mebibyte))
  await eventually('both in flight', async () =>
    (await gauge(server, 'mockfactory_requests_in_flight')) === 2 ? true : undefined,
  )
  return { server, reading, writing }
}

t.test('SIGTERM: a slow download and a slow upload → both end whole, nothing new is accepted, exit 0', async t => {
  const { server, reading, writing } = await busy(t)
  const idle = await PacedClient.open(server)
  const stopped = server.stop('SIGTERM')
  await eventually('connections refused', async () =>
    (await status(`${server.origin}/_mockfactory/healthz`)) === 0 ? true : undefined,
  )
  await writing.trickle(up.subarray(mebibyte), mebibyte, 20)
  const [put, got] = await Promise.all([writing.answer(), reading.answer()])
  t.equal(put.status, 200)
  t.match(put.headers, /\r\nconnection: close/i, 'the client is told to go')
  t.equal(got.status, 200)
  t.ok(got.whole && got.body.equals(down))
  t.strictSame(await stopped, { code: 0, signal: null })
  idle.socket.resume()
  await eventually('the idle connection closed', () => (idle.closed ? true : undefined))
  const again = await startServer(t, { dataDir: server.dataDir, port: server.port })
  t.ok((await signedFetch(again, { method: 'GET', path: '/drain/up' })).body.equals(up), 'what was answered is kept')
  t.strictSame(disorder(server.dataDir), [])
})

t.test('SIGTERM: a request on a connection that is already open → still served, then closed', async t => {
  const { server, reading, writing } = await busy(t)
  const open = await PacedClient.open(server)
  await open.send(head(server, { method: 'GET', path: '/drain' }))
  t.equal((await open.answer()).status, 200)
  const stopped = server.stop('SIGTERM')
  await eventually('connections refused', async () =>
    (await status(`${server.origin}/_mockfactory/healthz`)) === 0 ? true : undefined,
  )
  await open.send(head(server, { method: 'GET', path: '/drain' }))
  const late = await open.answer()
  t.ok(late.status === 200 || open.closed, `${late.status}`)
  open.socket.resume()
  await eventually('closed', () => (open.closed ? true : undefined))
  reading.cut()
  writing.cut()
  t.strictSame(await stopped, { code: 0, signal: null }, 'clients that leave are not waited for')
})

t.test('SIGTERM twice: requests in flight → the process ends at once', async t => {
  const { server } = await busy(t)
  const stopped = server.stop('SIGTERM')
  await eventually('draining', () => (server.logs().includes('"draining"') ? true : undefined))
  await delay(50)
  process.kill(server.pid, 'SIGTERM')
  t.strictSame(await stopped, { code: 1, signal: null })
  const again = await startServer(t, { dataDir: server.dataDir, port: server.port })
  t.equal((await signedFetch(again, { method: 'GET', path: '/drain/up' })).status, 404)
  t.ok((await signedFetch(again, { method: 'GET', path: '/drain/down' })).body.equals(down))
})

t.test('SIGTERM: nothing in flight, a hundred idle connections → exit 0', async t => {
  const server = await startServer(t)
  const clients = await Promise.all(Array.from({ length: 100 }, () => PacedClient.open(server)))
  t.strictSame(await server.stop('SIGTERM'), { code: 0, signal: null })
  for (const client of clients) client.cut()
})
