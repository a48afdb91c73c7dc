/**
 * A full disk, as a small tmpfs: first under the bytes alone, then under the catalogue. What was acknowledged stays, what
 * finds no room is refused with S3's error form, and once there is room everything works without a restart.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, statfsSync, symlinkSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { type Server, startServer, type Teardown, temporaryFolder } from '../support/server.ts'
import { element, signedFetch, type WireResponse } from '../support/signed.ts'
import { stampedBody } from '../support/stamped.ts'
import { disorder, eventually, orderly, quiet } from '../support/upkeep.ts'

const mebibyte = 1 << 20
const bucket = '/full'

/** Mounts a tmpfs on a new folder; answers why not where the machine does not allow it. */
function smallDisk(t: Teardown, folder: string, sizeMib: number): string | undefined {
  mkdirSync(folder, { recursive: true })
  const mount = ['mount', '-t', 'tmpfs', '-o', `size=${sizeMib}m,mode=1777`, 'tmpfs', folder]
  // Lazily: a server that a failed test left behind may still use it.
  const unmount = ['umount', '--lazy', folder]
  const asRoot = userInfo().uid === 0 ? [] : ['sudo', '-n']
  try {
    run([...asRoot, ...mount])
  } catch (error) {
    return `no small disk: mounting a tmpfs takes root (${String(error).split('\n')[0]})`
  }
  t.teardown(() => run([...asRoot, ...unmount]))
  return undefined
}
function run([program, ...args]: string[]): void {
  execFileSync(program!, args, { stdio: 'pipe' })
}
function probe(): string | false {
  const made: (() => unknown)[] = []
  const scope: Teardown = { teardown: callback => made.push(callback) }
  const why = smallDisk(scope, join(temporaryFolder(scope), 'probe'), 1)
  for (const undo of made.reverse()) undo()
  return why ?? false
}
const skip = probe()

class Kept {
  readonly bodies = new Map<string, Buffer>()
  readonly refused: WireResponse[] = []
  readonly #server: Server
  #stamp = 0

  constructor(server: Server) {
    this.#server = server
  }

  async put(name: string, sizeBytes: number): Promise<WireResponse> {
    const body = stampedBody(++this.#stamp, sizeBytes)
    const path = `${bucket}/${name}`
    const answer = await signedFetch(this.#server, { method: 'PUT', path, body })
    if (answer.status === 200) this.bodies.set(path, body)
    else this.refused.push(answer)
    return answer
  }

  /** Puts objects of one size, four at a time, until eight were refused. */
  async fill(prefix: string, sizeBytes: number): Promise<void> {
    let count = 0
    const before = this.refused.length
    await Promise.all(
      Array.from({ length: 4 }, async () => {
        while (this.refused.length < before + 8) await this.put(`${prefix}-${count++}`, sizeBytes)
      }),
    )
  }

  async delete(path: string): Promise<WireResponse> {
    const answer = await signedFetch(this.#server, { method: 'DELETE', path })
    if (answer.status === 204) this.bodies.delete(path)
    return answer
  }

  /** Reads all that was acknowledged; answers what is wrong with it. */
  async losses(): Promise<string[]> {
    const wrong: string[] = []
    for (const [path, body] of this.bodies) {
      const answer = await signedFetch(this.#server, { method: 'GET', path })
      if (answer.status !== 200 || !answer.body.equals(body))
        wrong.push(`${path}: ${answer.status}, ${answer.body.length} bytes of ${body.length}`)
    }
    for (const path of await this.listed()) if (!this.bodies.has(path)) wrong.push(`${path} was refused and is there`)
    return wrong
  }

  async listed(): Promise<string[]> {
    const paths: string[] = []
    for (let after = ''; ; ) {
      const query = { 'list-type': '2', 'start-after': after }
      const page = await signedFetch(this.#server, { method: 'GET', path: bucket, query })
      const names = [...page.text.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, name]) => name!)
      paths.push(...names.map(name => `${bucket}/${name}`))
      if (element(page.text, 'IsTruncated') !== 'true') return paths
      after = names.at(-1)!
    }
  }
}

function isRefusal(answer: WireResponse): boolean {
  return [500, 503, 507].includes(answer.status) && element(answer.text, 'Code') !== undefined
}

t.test(
  'PutObject: the disk of the bytes is full → refused, small objects still kept, then mended',
  { skip },
  async t => {
    const dataDir = join(temporaryFolder(t), 'data')
    const failed = smallDisk(t, join(dataDir, 'blobs'), 16)
    if (failed !== undefined) throw new Error(failed)
    const server = await startServer(t, { dataDir })
    await signedFetch(server, { method: 'PUT', path: bucket })
    const kept = new Kept(server)
    const created = await signedFetch(server, { method: 'POST', path: `${bucket}/parts`, query: 'uploads=' })
    const uploadId = element(created.text, 'UploadId')!

    await kept.fill('large', 3 * mebibyte)
    t.ok(kept.bodies.size >= 3, `${kept.bodies.size} large objects fitted`)
    t.ok(
      kept.refused.every(isRefusal),
      `refused as ${kept.refused[0]!.status} ${element(kept.refused[0]!.text, 'Code')}`,
    )
    const part = { method: 'PUT', path: `${bucket}/parts`, query: { partNumber: '1', uploadId } }
    t.ok(isRefusal(await signedFetch(server, { ...part, body: stampedBody(1, 8 * mebibyte) })), 'so is a part')
    t.equal((await kept.put('small', 20_000)).status, 200, 'a small object needs no file')
    await quiet(server)
    t.strictSame(await orderly(dataDir), [], 'nothing of the refused is left on the disk')
    t.strictSame(await kept.losses(), [])

    const [first, second] = kept.bodies.keys()
    t.equal((await kept.delete(first!)).status, 204)
    t.equal((await kept.delete(second!)).status, 204)
    await eventually('room again, without a restart', async () =>
      (await kept.put('again', 3 * mebibyte)).status === 200 ? true : undefined,
    )
    t.strictSame(await kept.losses(), [])
    await signedFetch(server, { method: 'DELETE', path: part.path, query: { uploadId } })
    t.strictSame(await orderly(dataDir), [])
    t.strictSame(await server.stop(), { code: 0, signal: null })
  },
)

for (const durability of ['process', 'power'])
  t.test(`PutObject: the catalogue's disk is full (${durability}) → refused, readable, mended`, { skip }, async t => {
    const dataDir = join(temporaryFolder(t), 'data')
    const failed = smallDisk(t, dataDir, 64)
    if (failed !== undefined) throw new Error(failed)
    const ballast = join(dataDir, 'ballast')
    // More than the write-ahead log's 16 MiB: what it holds needs its room in the database before the log starts over.
    writeFileSync(ballast, Buffer.alloc(24 * mebibyte))
    const bytes = temporaryFolder(t)
    symlinkSync(bytes, join(dataDir, 'blobs'))
    const server = await startServer(t, { dataDir, args: ['--durability', durability] })
    await signedFetch(server, { method: 'PUT', path: bucket })
    const kept = new Kept(server)
    await kept.put('large', mebibyte)

    await kept.fill('small', 30_000)
    t.ok(kept.bodies.size > 50, `${kept.bodies.size} objects fitted`)
    await kept.fill('tiny', 100)
    t.ok(statfsSync(dataDir).bavail * statfsSync(dataDir).bsize < mebibyte, 'the disk is full')
    const large = await kept.put('no-row', mebibyte)
    t.ok(large.status === 200 || isRefusal(large), `a body whose row may find no room: ${large.status}`)
    t.strictSame(
      kept.refused.filter(answer => !isRefusal(answer)).map(answer => `${answer.status} ${answer.text}`),
      [],
      `refused as ${kept.refused[0]!.status} ${element(kept.refused[0]!.text, 'Code')}`,
    )
    t.strictSame(await kept.losses(), [])
    const path = `${bucket}/tiny-0`
    const overwritten = await signedFetch(server, { method: 'PUT', path, body: Buffer.alloc(30_000, 1) })
    if (overwritten.status === 200) kept.bodies.set(path, Buffer.alloc(30_000, 1))
    t.strictSame(await kept.losses(), [], 'an overwritten object is the old or the new one')

    rmSync(ballast)
    await eventually('room again, without a restart', async () =>
      (await kept.put('again', 30_000)).status === 200 ? true : undefined,
    )
    for (let count = 0; count < 50; count++) t.equal((await kept.put(`more-${count}`, 30_000)).status, 200)
    t.strictSame(await kept.losses(), [])
    await quiet(server)
    await eventually('no stray file', () => (disorder(dataDir).length === 0 ? true : undefined))
    await server.kill9()
    const again = await startServer(t, { dataDir, args: ['--durability', durability], port: server.port })
    t.strictSame(await kept.losses(), [], 'kill -9 after the full disk: still there')
    t.strictSame(await again.stop(), { code: 0, signal: null })
  })

t.test('DeleteObject: the only disk is full of large objects → deleting them makes room', { skip }, async t => {
  const dataDir = join(temporaryFolder(t), 'data')
  const failed = smallDisk(t, dataDir, 32)
  if (failed !== undefined) throw new Error(failed)
  const server = await startServer(t, { dataDir })
  await signedFetch(server, { method: 'PUT', path: bucket })
  const kept = new Kept(server)
  for (let round = 0; round < 3; round++) {
    await kept.fill(`large-${round}`, 3 * mebibyte)
    t.ok(kept.refused.every(isRefusal))
    t.strictSame(await kept.losses(), [])
    for (const path of [...kept.bodies.keys()]) t.equal((await kept.delete(path)).status, 204)
  }
  await eventually('room again', async () =>
    (await kept.put('again', 3 * mebibyte)).status === 200 ? true : undefined,
  )
  t.strictSame(await kept.losses(), [])
})
