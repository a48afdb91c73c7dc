/**
 * kill -9 at random moments under 32 writers, again and again on one store. Whatever was acknowledged reads back whole,
 * nothing is half-visible, and once the dead gateways are swept no file and no row is left over.
 */
import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { type Server, startServer, temporaryFolder } from '../support/server.ts'
import { element, signedFetch, type WireResponse } from '../support/signed.ts'
import { stampedBody } from '../support/stamped.ts'
import { blobFiles, blobRows, orderly } from '../support/upkeep.ts'

const rounds = 15
const writers = 32
const keysPerWriter = 8
const absent = 0
const mebibyte = 1 << 20
/** Empty, in the row, at its limit, just beyond, in a file, in a file of several buffers. */
const sizes = [0, 100, 1024, 32 * 1024, 32 * 1024 + 1, 300_000, 1_500_000]
/** Stamps that are divisible by this are written in parts. */
const partsEvery = 10

/** Per key: the stamps its bytes may have: the one last acknowledged, and all sent after it. */
type May = Map<string, Set<number>>

function bodyOf(stamp: number): Buffer {
  if (stamp % partsEvery === 0) return Buffer.concat(partsOf(stamp))
  return stampedBody(stamp, sizes[stamp % sizes.length]!)
}
/** One part of any size, or two of which the first has S3's minimum. */
function partsOf(stamp: number): Buffer[] {
  const last = stampedBody(stamp + 0.5, 1 + ((stamp * 7919) % 60_000))
  return stamp % (3 * partsEvery) === 0 ? [stampedBody(stamp, 5 * mebibyte), last] : [last]
}

class Writers {
  readonly may: May = new Map()
  acknowledged = 0
  unexpected: string[] = []
  #stamp = 0

  /** Writes until the server is gone. */
  async run(server: Server): Promise<void> {
    await Promise.all(
      Array.from({ length: writers }, async (_, writer) => {
        for (let alive = true; alive; )
          alive = await this.#once(server, writer).then(
            () => true,
            () => false,
          )
      }),
    )
  }

  async #once(server: Server, writer: number): Promise<void> {
    const path = pathOf(writer, Math.floor(Math.random() * keysPerWriter))
    const kind = Math.random()
    if (kind < 0.1) return this.#expect(path, absent, 204, signedFetch(server, { method: 'DELETE', path }))
    if (kind < 0.25) {
      const source = pathOf(writer, Math.floor(Math.random() * keysPerWriter))
      const [only, ...others] = this.may.get(source) ?? [absent]
      if (only === undefined || only === absent || others.length > 0 || source === path) return
      const headers = { 'x-amz-copy-source': source }
      return this.#expect(path, only, 200, signedFetch(server, { method: 'PUT', path, headers }))
    }
    this.#stamp += kind < 0.35 ? partsEvery - (this.#stamp % partsEvery) : this.#stamp % partsEvery === 9 ? 2 : 1
    const stamp = this.#stamp
    if (stamp % partsEvery === 0) return this.#putInParts(server, path, stamp)
    return this.#expect(path, stamp, 200, signedFetch(server, { method: 'PUT', path, body: bodyOf(stamp) }))
  }

  async #putInParts(server: Server, path: string, stamp: number): Promise<void> {
    const created = await signedFetch(server, { method: 'POST', path, query: 'uploads=' })
    const uploadId = element(created.text, 'UploadId') ?? ''
    const tags = await Promise.all(
      partsOf(stamp).map(async (body, index) => {
        const query = { partNumber: String(index + 1), uploadId }
        const answer = await signedFetch(server, { method: 'PUT', path, query, body })
        if (answer.status !== 200) this.unexpected.push(`UploadPart ${answer.status} ${answer.text}`)
        return `<Part><PartNumber>${index + 1}</PartNumber><ETag>${answer.headers.etag}</ETag></Part>`
      }),
    )
    const body = `<CompleteMultipartUpload>${tags.join('')}</CompleteMultipartUpload>`
    await this.#expect(path, stamp, 200, signedFetch(server, { method: 'POST', path, query: { uploadId }, body }))
  }

  async #expect(path: string, stamp: number, status: number, sent: Promise<WireResponse>): Promise<void> {
    const known = this.may.get(path) ?? new Set([absent])
    known.add(stamp)
    this.may.set(path, known)
    // Two writes of one writer never overlap, so what is acknowledged is what is there.
    const answer = await sent
    if (answer.status !== status) {
      this.unexpected.push(`${path}: ${answer.status} ${answer.text}`)
      return
    }
    this.acknowledged++
    this.may.set(path, new Set([stamp]))
  }

  /** Reads everything, listing included; answers what is not as it may be. From then on each key has one stamp. */
  async verify(server: Server): Promise<string[]> {
    const wrong: string[] = []
    const listed = new Map<string, { readonly size: number; readonly etag: string }>()
    const page = await signedFetch(server, { method: 'GET', path: '/crash', query: 'list-type=2' })
    for (const [content] of page.text.matchAll(/<Contents>.*?<\/Contents>/gs))
      listed.set(`/crash/${element(content, 'Key')}`, {
        size: Number(element(content, 'Size')),
        etag: element(content, 'ETag') ?? '',
      })
    const left = [...this.may]
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        for (let next = left.pop(); next !== undefined; next = left.pop()) {
          const [path, stamps] = next
          const answer = await signedFetch(server, { method: 'GET', path }).catch((error: unknown) => String(error))
          if (typeof answer === 'string') {
            wrong.push(`${path}: ${answer}\n${server.logs()}`)
            continue
          }
          const found = [...stamps].find(stamp => isWrite(answer, stamp))
          if (found === undefined)
            wrong.push(`${path}: ${answer.status}, ${answer.body.length} bytes, is none of ${[...stamps].join()}`)
          else this.may.set(path, new Set([found]))
          const entry = listed.get(path)
          const agrees =
            answer.status === 200
              ? entry?.size === answer.body.length && entry.etag === answer.headers.etag
              : entry === undefined
          if (!agrees) wrong.push(`${path}: GET ${answer.status} but listed as ${JSON.stringify(entry)}`)
          listed.delete(path)
        }
      }),
    )
    for (const path of listed.keys()) wrong.push(`${path} is listed and was never written`)
    return wrong
  }
}

function pathOf(writer: number, key: number): string {
  return `/crash/${writer}-${key}`
}

function isWrite(answer: WireResponse, stamp: number): boolean {
  if (stamp === absent) return answer.status === 404
  if (answer.status !== 200 || !answer.body.equals(bodyOf(stamp))) return false
  // Also of what was written in parts and then copied: a copy is one whole.
  if (answer.headers.etag === `"${md5(answer.body).toString('hex')}"`) return true
  if (stamp % partsEvery !== 0) return false
  const parts = partsOf(stamp)
  return answer.headers.etag === `"${md5(Buffer.concat(parts.map(md5))).toString('hex')}-${parts.length}"`
}
function md5(bytes: Uint8Array): Buffer {
  return createHash('md5').update(bytes).digest()
}

t.test(
  'kill -9: 32 writers, a random moment, 15 times or more → nothing acknowledged is lost, nothing half-visible',
  async t => {
    const dataDir = temporaryFolder(t)
    const work = new Writers()
    // A loaded machine writes less between two kills: then there are more of them.
    const enough = () => work.acknowledged > rounds * writers
    for (let round = 0; round < rounds || (round < 4 * rounds && !enough()); round++) {
      const server = await startServer(t, { dataDir, args: ['--log-level', 'error'] })
      if (round === 0) await signedFetch(server, { method: 'PUT', path: '/crash' })
      t.strictSame(await work.verify(server), [], `before kill ${round + 1}`)
      const writing = work.run(server)
      await delay(30 + Math.random() * 400)
      await server.kill9()
      await writing
    }
    const server = await startServer(t, { dataDir, args: ['--log-level', 'error'] })
    t.strictSame(await work.verify(server), [], 'after the last')
    t.strictSame(work.unexpected, [], 'no write was refused')
    t.ok(enough(), `${work.acknowledged} writes were acknowledged`)

    const uploads = await signedFetch(server, { method: 'GET', path: '/crash', query: 'uploads=' })
    for (const [upload] of uploads.text.matchAll(/<Upload>.*?<\/Upload>/gs)) {
      const query = { uploadId: element(upload, 'UploadId') ?? '' }
      const aborted = await signedFetch(server, { method: 'DELETE', path: `/crash/${element(upload, 'Key')}`, query })
      t.equal(aborted.status, 204)
    }
    t.strictSame(await orderly(dataDir, 150_000), [], 'files and rows agree once the dead are swept')
    t.strictSame(await work.verify(server), [], 'after sweeping')
    for (const path of work.may.keys()) await signedFetch(server, { method: 'DELETE', path })
    t.strictSame(await orderly(dataDir), [])
    t.strictSame(
      [blobRows(dataDir), [...blobFiles(dataDir)]],
      [[], []],
      'references were counted right: nothing is left',
    )
  },
)
