/** Large, slow, cut and hopeless forms: they cost no more than their bounds, and leave nothing behind. */
import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { boundary, encodeForm, signFields4 } from '../support/forms.ts'
import { type Server, startServer, type Teardown } from '../support/server.ts'
import { element, signedFetch } from '../support/signed.ts'
import { stampedBody } from '../support/stamped.ts'
import { PacedClient } from '../support/stream-client.ts'
import { blobFiles, eventually, openDescriptors, orderly, quiet, residentMib } from '../support/upkeep.ts'

const mebibyte = 1 << 20
/** Upload slabs (24 MiB), and what the runtime and the allocator keep of passing requests. */
const growthMib = 128

async function serve(t: Teardown): Promise<Server> {
  const server = await startServer(t, { args: ['--log-level', 'error'] })
  await signedFetch(server, { method: 'PUT', path: '/forms' })
  return server
}

const conditions = [{ bucket: 'forms' }, ['starts-with', '$key', '']]
/** What stands before and behind the bytes of a form's file. */
function ends(key: string, more: readonly unknown[] = []): { before: Buffer; behind: Buffer } {
  const whole = encodeForm({ fields: { key, ...signFields4([...conditions, ...more]) }, file: '' })
  const behind = Buffer.from(`\r\n--${boundary}--\r\n`)
  return { before: whole.subarray(0, whole.length - behind.length), behind }
}
function head(server: Server, length: number): string {
  const type = `multipart/form-data; boundary=${boundary}`
  return `POST /forms HTTP/1.1\r\nhost: 127.0.0.1:${server.port}\r\ncontent-type: ${type}\r\ncontent-length: ${length}\r\n\r\n`
}

t.test('PostObject: a file of 1 GiB → stored whole, memory is bounded', async t => {
  const server = await serve(t)
  const { before, behind } = ends('large')
  const piece = stampedBody(1, mebibyte)
  const pieces = 1024
  const warm = await PacedClient.open(server)
  await warm.send(head(server, before.length + behind.length))
  await warm.send(Buffer.concat([before, behind]))
  t.equal((await warm.answer()).status, 204)
  const start = residentMib(server.pid)
  let most = 0
  const watching = setInterval(() => (most = Math.max(most, residentMib(server.pid))), 20)
  const digest = createHash('md5')
  await warm.send(head(server, before.length + pieces * piece.length + behind.length))
  await warm.send(before)
  for (let i = 0; i < pieces; i++) {
    piece.writeUInt32BE(i, 100)
    digest.update(piece)
    await warm.send(Buffer.from(piece))
  }
  await warm.send(behind)
  const answer = await warm.answer()
  clearInterval(watching)
  t.equal(answer.status, 204)
  t.match(answer.headers, `"${digest.digest('hex')}"`)
  t.ok(most > 0 && most - start < growthMib, `resident memory went from ${start | 0} to at most ${most | 0} MiB`)
  t.strictSame(await orderly(server.dataDir), [])
  warm.cut()
})

t.test('PostObject: 40 clients send slowly, in fields and in files → others are served, memory is bounded', async t => {
  const server = await serve(t)
  const start = residentMib(server.pid)
  let over = false
  let most = 0
  const watching = setInterval(() => (most = Math.max(most, residentMib(server.pid))), 20)
  const clients = await Promise.all(Array.from({ length: 40 }, () => PacedClient.open(server)))
  const file = stampedBody(3, 4 * mebibyte)
  const sending = clients.map(async (client, i) => {
    const { before, behind } = ends(`slow-${i}`)
    const whole = Buffer.concat([before, file, behind])
    await client.send(head(server, whole.length))
    // Every other one never comes to its file.
    await client.trickle(whole, i % 2 === 0 ? 7 : 20_000, 10, () => over)
  })
  for (let i = 0; i < 100; i++) {
    const body = stampedBody(i, 2000)
    const form = encodeForm({ fields: { key: `other-${i}`, ...signFields4(conditions) }, file: body })
    const type = { 'content-type': `multipart/form-data; boundary=${boundary}` }
    const posted = await signedFetch(server, {
      method: 'POST',
      path: '/forms',
      body: form,
      headers: type,
      credentials: null,
    })
    const got = await signedFetch(server, { method: 'GET', path: `/forms/other-${i}` })
    if (posted.status !== 204 || !got.body.equals(body)) t.fail(`other ${i}: ${posted.status}, ${got.status}`)
  }
  over = true
  await Promise.all(sending)
  clearInterval(watching)
  t.ok(most > 0 && most - start < growthMib, `resident memory went from ${start | 0} to at most ${most | 0} MiB`)
  for (const client of clients) client.cut()
  t.ok(await quiet(server))
  t.strictSame(await orderly(server.dataDir), [])
})

t.test('PostObject: the client leaves at any point → nothing is stored, nothing stays', async t => {
  const server = await serve(t)
  const { before, behind } = ends('cut')
  const whole = Buffer.concat([before, stampedBody(4, 3 * mebibyte), behind])
  let descriptors = 0
  // The first one starts threads and opens folders.
  for (const at of [
    mebibyte,
    0,
    1,
    before.length - 1,
    before.length,
    before.length + 1,
    mebibyte,
    whole.length - 30,
    whole.length - 3,
  ]) {
    const client = await PacedClient.open(server)
    await client.send(head(server, whole.length))
    await client.send(whole.subarray(0, at))
    await delay(50)
    client.cut()
    await quiet(server)
    if (descriptors === 0) descriptors = openDescriptors(server.pid)
  }
  t.strictSame(await orderly(server.dataDir), [])
  t.equal(blobFiles(server.dataDir).size, 0)
  t.equal((await signedFetch(server, { method: 'GET', path: '/forms/cut' })).status, 404)
  t.ok(await eventually('no descriptor more', () => openDescriptors(server.pid) <= descriptors || undefined))
})

t.test('PostObject: refused while it is being sent → answered at once, staged bytes go', async t => {
  const server = await serve(t)
  const large = 64 * mebibyte
  const cases: readonly (readonly [string, readonly unknown[], string])[] = [
    ['beyond its range', [['content-length-range', 0, 8 * mebibyte]], 'EntityTooLarge'],
    ['not according to its policy', [{ acl: 'bucket-owner-full-control' }], 'AccessDenied'],
  ]
  for (const [title, more, code] of cases) {
    const { before, behind } = ends('refused', more)
    const client = await PacedClient.open(server)
    await client.send(head(server, before.length + large + behind.length))
    await client.send(before)
    const piece = stampedBody(5, mebibyte)
    // 16 of 64 MiB: the answer must not wait for the rest.
    for (let i = 0; i < 16 && !client.closed; i++) await client.send(piece)
    const answer = await client.answer()
    t.equal(element(answer.body.toString(), 'Code'), code, title)
    if (code === 'EntityTooLarge') t.equal(element(answer.body.toString(), 'ProposedSize'), String(large))
    client.cut()
  }
  t.ok(await quiet(server))
  t.strictSame(await orderly(server.dataDir), [])
  t.equal(blobFiles(server.dataDir).size, 0)
})

t.test('PostObject: hopeless bodies of 64 MiB → refused, memory is bounded', async t => {
  const server = await serve(t)
  const start = residentMib(server.pid)
  let most = 0
  const watching = setInterval(() => (most = Math.max(most, residentMib(server.pid))), 20)
  const field = `--${boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\n`
  const cases: readonly (readonly [string, string, string, string])[] = [
    ['one field without end', field, 'x'.repeat(mebibyte), 'MaxPostPreDataLengthExceeded'],
    ['thousands of fields', '', `${field}\r\n`.repeat(10_000), 'MaxPostPreDataLengthExceeded'],
    ['a header without end', `--${boundary}\r\nX-A: `, 'x'.repeat(mebibyte), 'MalformedPOSTRequest'],
    ['no boundary', '', 'x'.repeat(mebibyte), 'MaxPostPreDataLengthExceeded'],
    ['almost boundaries', '', `\r\n--${boundary.slice(0, -1)}`.repeat(20_000), 'MaxPostPreDataLengthExceeded'],
  ]
  for (const [title, first, piece, code] of cases) {
    const count = Math.ceil((64 * mebibyte) / piece.length)
    const client = await PacedClient.open(server)
    await client.send(head(server, first.length + count * piece.length))
    await client.send(first)
    for (let i = 0; i < count && !client.closed; i++) await client.send(piece)
    const answer = await client.answer()
    t.equal(element(answer.body.toString(), 'Code'), code, title)
    client.cut()
  }
  clearInterval(watching)
  t.ok(most > 0 && most - start < growthMib, `resident memory went from ${start | 0} to at most ${most | 0} MiB`)
  t.ok(await quiet(server))
})
