/**
 * The store's units on SQLite in a file, without sockets: microseconds of CPU per operation.
 *     node out/bench/micro/store.js [objects=200000] [--json]
 * Writes arrive 50 at a time, as under load; keys are spread at random over the bucket.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BlobIds } from '../../gateway/store/blob-ids.ts'
import { createBucket } from '../../gateway/store/buckets.ts'
import type { ObjectRef } from '../../gateway/store/contract.ts'
import { ensureIdentities } from '../../gateway/store/identities.ts'
import { listObjects } from '../../gateway/store/listing.ts'
import { deleteObject, findObject, headObject, putObject } from '../../gateway/store/objects.ts'
import { completeUpload, createUpload, putPart } from '../../gateway/store/uploads.ts'
import { openDatabase } from '../../platform/database/index.ts'
import { Fault } from '../../protocol/fault.ts'

const objects = Number(process.argv.find(word => /^\d+$/.test(word)) ?? 200_000)
const folder = mkdtempSync(join(tmpdir(), 'mockfactory-bench-'))
const database = await openDatabase({ file: join(folder, 'catalogue.db'), ephemeral: false, durability: 'process' })
const identities = [{ name: 'main', credentials: [] }]
await database.write(() => ensureIdentities({ environments: [{ name: 'e', account: '0', identities }] }, 0))
const blobIds = await BlobIds.start({ database })
const bucket = { environmentId: 1, identityId: 1, region: 'us-east-1', bucket: 'bench' }
const region = 'us-east-1'
await database.write(() => createBucket({ environmentId: 1, identityId: 1, name: 'bench', region, nowMs: 1, limit: 1 }))

const body = Buffer.alloc(1024, 'x')
const description = { headers: { 'content-type': 'binary/octet-stream' }, metadata: {}, storageClass: 'STANDARD' }
const checksums = { crc32: 'AAAAAA==' }
/** Spreads keys at random: consecutive numbers are far apart. */
const nameOf = (i: number) => `${((i * 2654435761) >>> 0).toString(16).padStart(8, '0')}/object-${i}`
const refOf = (i: number): ObjectRef => ({ ...bucket, key: `data/${nameOf(i)}` })
const random = (n: number) => Math.floor(Math.random() * n)

async function put(ref: ObjectRef): Promise<void> {
  const inlineBlobId = await blobIds.next()
  const bytes = { sizeBytes: body.length, inline: body, blobId: undefined }
  const answer = await database.write(() =>
    putObject({
      ref,
      bytes,
      inlineBlobId,
      description,
      etag: '0f343b0931126a20f133d67c2b018a3b',
      checksums,
      checksumType: 'FULL_OBJECT',
      parts: 0,
      conditions: {},
      nowMs: Date.now(),
    }),
  )
  if (answer instanceof Fault) throw new Error(answer.code)
}

const results: Record<string, { cpuUs: number; wallUs: number }> = {}
/** Runs `each(i)` for 0 ≤ i < count, `together` at a time, and notes what one cost. */
async function measure(name: string, count: number, together: number, each: (i: number) => unknown): Promise<void> {
  const cpu = process.cpuUsage()
  const from = process.hrtime.bigint()
  for (let i = 0; i < count; i += together) {
    if (together === 1) await each(i)
    else await Promise.all(Array.from({ length: Math.min(together, count - i) }, (_, j) => each(i + j)))
  }
  const wallUs = Number(process.hrtime.bigint() - from) / 1e3 / count
  const { user, system } = process.cpuUsage(cpu)
  results[name] = { cpuUs: round((user + system) / count), wallUs: round(wallUs) }
}
const round = (us: number) => Math.round(us * 10) / 10

const list = (query: object) => () => {
  const page = database.read(() =>
    listObjects(bucket, { prefix: 'data/', delimiter: '', after: refOf(random(objects)).key, limit: 1000, ...query }),
  )
  if (page instanceof Promise) throw new Error('SQLite answers at once')
}

await measure(`fill ${objects}`, objects, 50, i => put(refOf(i)))
await measure('put 1 KiB, new key', 20_000, 50, i => put(refOf(objects + i)))
await measure('put 1 KiB over another', 20_000, 50, () => put(refOf(random(objects))))
await measure('put 1 KiB over one of 100', 20_000, 50, i => put(refOf(i % 100)))
await measure('get 1 KiB', 100_000, 1_000_000, () => database.read(() => findObject(refOf(random(objects)))))
await measure('get 1 KiB, one of 100', 100_000, 1_000_000, i => database.read(() => findObject(refOf(i % 100))))
await measure('head', 100_000, 1_000_000, () => database.read(() => headObject(refOf(random(objects)))))
await measure('list 1,000', 200, 1, list({}))
await measure('list 1,000 common prefixes', 200, 1, list({ delimiter: '/' }))
await measure('list 1 common prefix of all', 200, 1, list({ prefix: '', delimiter: '/', after: '' }))
await measure('delete', 20_000, 50, i =>
  database.write(() => deleteObject({ ref: refOf(objects + i), conditions: {}, nowMs: Date.now() })),
)

const big = { ...bucket, key: 'big' }
const row = await blobIds.next()
const more = { description, checksumAlgorithm: undefined, checksumType: undefined, nowMs: 1 }
await database.write(() => createUpload({ ref: big, uploadId: 'u', row, ...more }))
await measure('put part (stored)', 10_000, 50, async i => {
  const blobId = await blobIds.next()
  const bytes = { sizeBytes: 5_242_880, inline: undefined, blobId }
  const part = { bytes, inlineBlobId: undefined, etag: '0f343b0931126a20f133d67c2b018a3b', checksums, nowMs: 1 }
  const answer = await database.write(() => putPart({ ref: big, uploadId: 'u', number: i + 1, ...part }))
  if (answer !== undefined) throw new Error(answer.code)
})
const composedBlobId = await blobIds.next()
await measure('complete 10,000 parts', 1, 1, () =>
  database.write(() =>
    completeUpload({
      ref: big,
      uploadId: 'u',
      choose: (_, parts) => ({
        numbers: parts.map(part => part.number),
        etag: 'e',
        checksums,
        checksumType: undefined,
      }),
      conditions: {},
      composedBlobId,
      nowMs: 1,
    }),
  ),
)

await blobIds.stop()
await database.close()
rmSync(folder, { recursive: true })
if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify({ objects, results })}\n`)
else
  for (const [name, { cpuUs, wallUs }] of Object.entries(results))
    process.stdout.write(`${name.padEnd(32)} ${String(cpuUs).padStart(9)} µs CPU ${String(wallUs).padStart(9)} µs\n`)
