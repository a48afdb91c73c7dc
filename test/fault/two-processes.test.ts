/** Two servers on one data directory: started at once, they see each other's writes at once. */
import { join } from 'node:path'
import t from 'tap'
import { freePort, type Server, startServer, temporaryFolder } from '../support/server.ts'
import { element, signedFetch } from '../support/signed.ts'
import { stampedBody } from '../support/stamped.ts'
import { orderly, quiet } from '../support/upkeep.ts'

const mebibyte = 1 << 20

async function startTwo(t: Parameters<typeof startServer>[0]): Promise<[Server, Server]> {
  const dataDir = join(temporaryFolder(t), 'data')
  const args = ['--log-level', 'error']
  const ports = [await freePort(), await freePort()]
  const [one, two] = await Promise.all(ports.map(port => startServer(t, { dataDir, port, args })))
  return [one!, two!]
}

t.test('Two processes: started at once on a fresh folder, five times → all serve', async t => {
  for (let round = 0; round < 5; round++) {
    const [one, two] = await startTwo(t)
    t.equal((await signedFetch(one, { method: 'PUT', path: '/both' })).status, 200)
    t.equal((await signedFetch(two, { method: 'HEAD', path: '/both' })).status, 200)
    t.strictSame(await Promise.all([one.stop(), two.stop()]), Array(2).fill({ code: 0, signal: null }))
  }
})

t.test('Two processes: objects of each → whole and listed in the other at once', async t => {
  const [one, two] = await startTwo(t)
  await signedFetch(one, { method: 'PUT', path: '/both' })
  const wrong: string[] = []
  await Promise.all(
    [one, two].map(async (writer, side) => {
      const reader = side === 0 ? two : one
      for (let index = 0; index < 40; index++) {
        const path = `/both/${side}-${index % 20}`
        const body = stampedBody(index * 2 + side, index % 4 === 0 ? mebibyte + index : 1000 + index)
        const put = await signedFetch(writer, { method: 'PUT', path, body })
        const got = await signedFetch(reader, { method: 'GET', path })
        if (put.status !== 200 || !got.body.equals(body)) wrong.push(`${path}: ${put.status}, ${got.status}`)
        const list = await signedFetch(reader, { method: 'GET', path: '/both', query: `prefix=${side}-${index % 20}` })
        if (!list.text.includes(`<ETag>&quot;${put.headers.etag?.slice(1, -1)}&quot;</ETag>`))
          wrong.push(`${path} is not listed: ${list.text}`)
      }
    }),
  )
  t.strictSame(wrong, [])
  const listed = await signedFetch(two, { method: 'GET', path: '/both', query: 'list-type=2' })
  t.equal(element(listed.text, 'KeyCount'), '40')
  await Promise.all([quiet(one), quiet(two)])
  t.strictSame(await orderly(one.dataDir), [])

  await one.kill9()
  const body = stampedBody(99, mebibyte)
  t.equal((await signedFetch(two, { method: 'PUT', path: '/both/after', body })).status, 200, 'one is killed')
  t.ok((await signedFetch(two, { method: 'GET', path: '/both/after' })).body.equals(body))
})

t.test('PutObject: 50 racing creators across two processes → exactly one wins, and its bytes are there', async t => {
  const servers = await startTwo(t)
  await signedFetch(servers[0], { method: 'PUT', path: '/both' })
  for (const sizeBytes of [100, 100, 100, 100_000, 100_000]) {
    const path = `/both/race-${sizeBytes}-${Math.random()}`
    const bodies = Array.from({ length: 50 }, (_, index) => stampedBody(index, sizeBytes))
    const answers = await Promise.all(
      bodies.map((body, index) =>
        signedFetch(servers[index % 2]!, { method: 'PUT', path, body, headers: { 'If-None-Match': '*' } }),
      ),
    )
    const winners = answers.flatMap(({ status }, index) => (status === 200 ? [index] : []))
    t.equal(winners.length, 1, `${sizeBytes} bytes`)
    t.strictSame([...new Set(answers.map(({ status }) => status))].sort(), [200, 412])
    for (const server of servers)
      t.ok((await signedFetch(server, { method: 'GET', path })).body.equals(bodies[winners[0]!]!))
  }
  await Promise.all(servers.map(quiet))
  t.strictSame(await orderly(servers[0].dataDir), [], 'nothing is left of the others')
})

t.test('CreateBucket, multipart: begun at one, ended at the other → as if there were one', async t => {
  const [one, two] = await startTwo(t)
  await signedFetch(one, { method: 'PUT', path: '/both' })
  const path = '/both/parts'
  const created = await signedFetch(two, { method: 'POST', path, query: 'uploads=' })
  const uploadId = element(created.text, 'UploadId')!
  const bodies = [stampedBody(1, 5 * mebibyte), stampedBody(2, 70_000)]
  const tags = await Promise.all(
    bodies.map(async (body, index) => {
      const query = { partNumber: String(index + 1), uploadId }
      const answer = await signedFetch(index === 0 ? one : two, { method: 'PUT', path, query, body })
      return `<Part><PartNumber>${index + 1}</PartNumber><ETag>${answer.headers.etag}</ETag></Part>`
    }),
  )
  const body = `<CompleteMultipartUpload>${tags.join('')}</CompleteMultipartUpload>`
  t.equal((await signedFetch(one, { method: 'POST', path, query: { uploadId }, body })).status, 200)
  t.ok((await signedFetch(two, { method: 'GET', path })).body.equals(Buffer.concat(bodies)))
})
