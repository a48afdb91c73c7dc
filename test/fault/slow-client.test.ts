/** A slow client costs one socket and nothing else: others are served meanwhile, and memory has its bound. */
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { startServer, type Teardown } from '../support/server.ts'
import { element, signedFetch } from '../support/signed.ts'
import { stampedBody } from '../support/stamped.ts'
import { head, PacedClient } from '../support/stream-client.ts'
import { blobFiles, blobRows, eventually, orderly, quiet, residentMib } from '../support/upkeep.ts'

const mebibyte = 1 << 20
/** Read buffers (32 MiB), upload slabs (24 MiB), and what the runtime and the allocator keep of passing requests. */
const growthMib = 128

async function serve(t: Teardown) {
  const server = await startServer(t, { args: ['--log-level', 'error'] })
  await signedFetch(server, { method: 'PUT', path: '/slow' })
  return server
}

/** 200 requests of others, eight at a time: small and large, each checked. Answers what was wrong. */
async function others(server: { readonly origin: string }): Promise<string[]> {
  const wrong: string[] = []
  let left = 100
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      while (left-- > 0) {
        const path = `/slow/other-${left}`
        const body = stampedBody(left, left % 10 === 0 ? mebibyte : 1024)
        const put = await signedFetch(server, { method: 'PUT', path, body })
        const got = await signedFetch(server, { method: 'GET', path })
        if (put.status !== 200 || got.status !== 200 || !got.body.equals(body))
          wrong.push(`${path}: PUT ${put.status}, GET ${got.status} with ${got.body.length} bytes`)
      }
    }),
  )
  return wrong
}

t.test('GetObject: 40 clients take 64 MiB at a trickle → 200 other requests are served, memory is bounded', async t => {
  const server = await serve(t)
  const path = '/slow/large'
  const body = stampedBody(1, 64 * mebibyte)
  t.equal((await signedFetch(server, { method: 'PUT', path, body, contentSha256: 'UNSIGNED-PAYLOAD' })).status, 200)
  t.strictSame(await others(server), [])
  const before = residentMib(server.pid)

  let over = false
  let most = 0
  const watching = setInterval(() => (most = Math.max(most, residentMib(server.pid))), 20)
  const slow = await Promise.all(Array.from({ length: 40 }, () => PacedClient.open(server)))
  for (const client of slow) await client.send(head(server, { method: 'GET', path }))
  const sipping = slow.map(client => client.sip(20, () => over))
  t.strictSame(await others(server), [], 'all others were served')
  over = true
  await Promise.all(sipping)
  clearInterval(watching)
  t.ok(most > 0 && most - before < growthMib, `resident memory went from ${before | 0} to at most ${most | 0} MiB`)
  const received = slow.map(client => (client.closed ? -1 : client.receivedBytes))
  t.strictSame(
    received.filter(bytes => bytes <= 0 || bytes >= body.length),
    [],
    `all were served a little: ${received}`,
  )

  const [patient, ...gone] = slow
  for (const client of gone) client.cut()
  const answer = await patient!.answer()
  t.equal(answer.status, 200)
  t.ok(answer.body.equals(body), 'the slow client got every byte')
  patient!.cut()
  t.ok(await quiet(server))
})

t.test('PutObject: 40 clients send 8 MiB at a trickle → 200 other requests are served, memory is bounded', async t => {
  const server = await serve(t)
  const body = stampedBody(2, 8 * mebibyte)
  t.strictSame(await others(server), [])
  const before = residentMib(server.pid)

  let over = false
  let most = 0
  const watching = setInterval(() => (most = Math.max(most, residentMib(server.pid))), 20)
  const slow = await Promise.all(Array.from({ length: 40 }, () => PacedClient.open(server)))
  const sending = slow.map(async (client, index) => {
    await client.send(head(server, { method: 'PUT', path: `/slow/up-${index}` }, { 'Content-Length': body.length }))
    return client.trickle(body, 4096, 20, () => over)
  })
  t.strictSame(await others(server), [], 'all others were served')
  over = true
  const [sent] = await Promise.all(sending)
  clearInterval(watching)
  t.ok(most > 0 && most - before < growthMib, `resident memory went from ${before | 0} to at most ${most | 0} MiB`)
  t.ok(slow.every(client => !client.closed))

  const [patient, ...gone] = slow
  for (const client of gone) client.cut()
  await patient!.send(body.subarray(sent))
  t.equal((await patient!.answer()).status, 200)
  t.ok((await signedFetch(server, { method: 'GET', path: '/slow/up-0' })).body.equals(body))
  t.equal((await signedFetch(server, { method: 'GET', path: '/slow/up-1' })).status, 404)
  patient!.cut()
  t.ok(await quiet(server))
  t.strictSame(await orderly(server.dataDir), [], 'nothing is left of those that were cut')
})

t.test('GetObject, PutObject: the client stands still for 15 s → it goes on where it was', async t => {
  const server = await serve(t)
  const body = stampedBody(3, 32 * mebibyte)
  await signedFetch(server, { method: 'PUT', path: '/slow/large', body, contentSha256: 'UNSIGNED-PAYLOAD' })
  const reading = await PacedClient.open(server)
  await reading.send(head(server, { method: 'GET', path: '/slow/large' }))
  await reading.sip(1, () => reading.receivedBytes > 0)
  const writing = await PacedClient.open(server)
  await writing.send(head(server, { method: 'PUT', path: '/slow/other' }, { 'Content-Length': body.length }))
  await writing.send(body.subarray(0, mebibyte))
  // uWebSockets.js alone cuts such a connection after 8 to 12 s.
  await delay(15_000)
  const answer = await reading.answer()
  t.ok(answer.whole && answer.body.equals(body))
  await writing.send(body.subarray(mebibyte))
  t.equal((await writing.answer()).status, 200)
  t.ok((await signedFetch(server, { method: 'GET', path: '/slow/other' })).body.equals(body))
})

t.test('GetObject: deleted and swept while a slow client reads → it gets every byte', async t => {
  const server = await serve(t)
  const body = stampedBody(4, 32 * mebibyte)
  await signedFetch(server, { method: 'PUT', path: '/slow/whole', body, contentSha256: 'UNSIGNED-PAYLOAD' })
  const path = '/slow/parts'
  const created = await signedFetch(server, { method: 'POST', path, query: 'uploads=' })
  const uploadId = element(created.text, 'UploadId')!
  const tags: string[] = []
  for (const [index, at] of [0, 8, 16, 24].entries()) {
    const query = { partNumber: String(index + 1), uploadId }
    const part = body.subarray(at * mebibyte, (at + 8) * mebibyte)
    const { headers } = await signedFetch(server, { method: 'PUT', path, query, body: part })
    tags.push(`<Part><PartNumber>${index + 1}</PartNumber><ETag>${headers.etag}</ETag></Part>`)
  }
  const list = `<CompleteMultipartUpload>${tags.join('')}</CompleteMultipartUpload>`
  t.equal((await signedFetch(server, { method: 'POST', path, query: { uploadId }, body: list })).status, 200)
  const reading = await Promise.all(
    ['/slow/whole', path].map(async target => {
      const client = await PacedClient.open(server)
      await client.send(head(server, { method: 'GET', path: target }))
      await client.sip(1, () => client.receivedBytes > 0)
      t.equal((await signedFetch(server, { method: 'DELETE', path: target })).status, 204)
      return client
    }),
  )
  await signedFetch(server, { method: 'PUT', path: '/slow/witness', body: body.subarray(0, mebibyte) })
  await signedFetch(server, { method: 'DELETE', path: '/slow/witness' })
  // The sweeper has been here: the blob it may take is gone.
  await eventually('swept', () => (blobRows(server.dataDir).some(row => row.size === mebibyte) ? undefined : true))
  for (const client of reading) {
    const answer = await client.answer()
    t.ok(answer.whole && answer.body.equals(body))
    client.cut()
  }
  t.strictSame(await orderly(server.dataDir), [])
  t.equal(blobFiles(server.dataDir).size, 0, 'and then their files go')
})
