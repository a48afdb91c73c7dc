/** A blob's file shortened or removed behind the server's back: an error or a cut connection, never a short 200. */
import { readdirSync, truncateSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startServer } from '../support/server.ts'
import { element, signedFetch } from '../support/signed.ts'
import { stampedBody } from '../support/stamped.ts'
import { head, PacedClient } from '../support/stream-client.ts'
import { quiet } from '../support/upkeep.ts'

const mebibyte = 1 << 20
const size = 6 * mebibyte

function blobPaths(dataDir: string): string[] {
  const folder = join(dataDir, 'blobs')
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .sort((a, b) => Number(a.split('/').at(-1)) - Number(b.split('/').at(-1)))
}

const damages: [string, (path: string) => void][] = [
  ['removed', unlinkSync],
  ['emptied', path => truncateSync(path, 0)],
  ['cut within the first buffer', path => truncateSync(path, 1000)],
  ['cut further on', path => truncateSync(path, 3 * mebibyte + 5)],
  ['one byte short', path => truncateSync(path, size - 1)],
]

for (const [what, damage] of damages)
  t.test(`GetObject: the file was ${what} → an error or a cut connection, others are served`, async t => {
    const server = await startServer(t)
    await signedFetch(server, { method: 'PUT', path: '/lost' })
    await signedFetch(server, { method: 'PUT', path: '/lost/whole', body: stampedBody(1, size) })
    const [file] = blobPaths(server.dataDir)
    const path = '/lost/parts'
    const created = await signedFetch(server, { method: 'POST', path, query: 'uploads=' })
    const uploadId = element(created.text, 'UploadId')!
    const tags: string[] = []
    for (const number of [1, 2]) {
      const query = { partNumber: String(number), uploadId }
      const part = await signedFetch(server, { method: 'PUT', path, query, body: stampedBody(1 + number, size) })
      tags.push(`<Part><PartNumber>${number}</PartNumber><ETag>${part.headers.etag}</ETag></Part>`)
    }
    const body = `<CompleteMultipartUpload>${tags.join('')}</CompleteMultipartUpload>`
    t.equal((await signedFetch(server, { method: 'POST', path, query: { uploadId }, body })).status, 200)
    await signedFetch(server, { method: 'PUT', path: '/lost/sound', body: stampedBody(4, size) })
    const secondPart = blobPaths(server.dataDir)[2]!
    damage(file!)
    damage(secondPart)

    const requests: [string, string, Record<string, string>][] = [
      ['whole', '/lost/whole', {}],
      ['its end', '/lost/whole', { Range: `bytes=${size - 100}-` }],
      ['of parts', path, {}],
      ['a part', path, { Range: `bytes=${size + 10}-${2 * size - 1}` }],
    ]
    for (const [name, target, headers] of requests) {
      const client = await PacedClient.open(server)
      await client.send(head(server, { method: 'GET', path: target }, headers))
      const answer = await client.answer()
      t.ok(answer.status >= 500 || !answer.whole, `${name}: ${answer.status}, ${answer.body.length} bytes`)
      if (answer.status >= 500) t.equal(element(answer.body.toString(), 'Code'), 'InternalError')
      client.cut()
    }
    const copied = await signedFetch(server, {
      method: 'PUT',
      path: '/lost/copy',
      headers: { 'x-amz-copy-source': '/lost/whole', 'x-amz-checksum-algorithm': 'SHA256' },
    })
    t.ok(copied.status >= 500 || copied.text.includes('<Error>'), 'a copy that has to read it fails too')
    t.equal((await signedFetch(server, { method: 'GET', path: '/lost/copy' })).status, 404)
    t.ok((await signedFetch(server, { method: 'GET', path: '/lost/sound' })).body.equals(stampedBody(4, size)))
    t.equal((await signedFetch(server, { method: 'DELETE', path: '/lost/whole' })).status, 204)
    t.ok(await quiet(server))
    t.strictSame(await server.stop(), { code: 0, signal: null })
  })
