/** A store with two identities in one environment and one in another, and shorthands for what its tests do most. */
import type { Test } from 'tap'
import type { BlobStore, Slice } from '../../gateway/bytes/contract.ts'
import { MemoryBlobs } from '../../gateway/bytes/memory-blobs.ts'
import { BlobIds } from '../../gateway/store/blob-ids.ts'
import { createBucket } from '../../gateway/store/buckets.ts'
import type {
  BucketRef,
  Conditions,
  Description,
  FoundObject,
  NewBytes,
  ObjectRef,
} from '../../gateway/store/contract.ts'
import { ensureIdentities, loadCredential } from '../../gateway/store/identities.ts'
import { byteSlices, findObject, putObject } from '../../gateway/store/objects.ts'
import { Sweeper } from '../../gateway/store/sweeper.ts'
import { MovableClock } from '../../platform/clock.ts'
import { all, type Database, sql } from '../../platform/database/unit.ts'
import { Fault } from '../../protocol/fault.ts'
import type { Engine } from './engines.ts'

export const plain: Description = {
  headers: { 'content-type': 'binary/octet-stream' },
  metadata: {},
  storageClass: 'STANDARD',
}
export const startMs = Date.UTC(2026, 0, 2, 3, 4, 5)

const identity = (name: string, key: string) => ({
  name,
  credentials: [{ accessKeyId: key, secretAccessKey: `secret of ${key}` }],
})
export const definition = {
  environments: [
    { name: 'default', account: '000000000000', identities: [identity('main', 'AKA'), identity('alt', 'AKB')] },
    { name: 'other', account: '111111111111', identities: [identity('main', 'AKC')] },
  ],
}

const REFERENCES = sql(`
  SELECT blobs.id AS id, blobs.refs AS refs, COALESCE(named.n, 0) AS n FROM blobs LEFT JOIN (
    SELECT blob_id, COUNT(*) AS n FROM (
      SELECT blob_id FROM objects WHERE blob_id IS NOT NULL
      UNION ALL SELECT blob_id FROM versions WHERE blob_id IS NOT NULL
      UNION ALL SELECT blob_id FROM parts WHERE blob_id IS NOT NULL
      UNION ALL SELECT blob_id FROM extents) AS a
    GROUP BY blob_id) AS named ON named.blob_id = blobs.id`)
const DANGLING = sql(`
  SELECT blob_id FROM (
    SELECT blob_id FROM objects WHERE blob_id IS NOT NULL
    UNION ALL SELECT blob_id FROM versions WHERE blob_id IS NOT NULL
    UNION ALL SELECT blob_id FROM parts WHERE blob_id IS NOT NULL
    UNION ALL SELECT blob_id FROM extents) AS a
  WHERE NOT EXISTS (SELECT 1 FROM blobs WHERE blobs.id = a.blob_id)`)
const BLOBS = sql(`SELECT id, place FROM blobs`)
const ORPHAN_ROWS = sql(`
  SELECT composed_id FROM (SELECT composed_id FROM extents UNION ALL SELECT composed_id FROM object_parts) AS a
  WHERE NOT EXISTS (SELECT 1 FROM blobs WHERE blobs.id = a.composed_id)`)

export class World {
  readonly database: Database
  readonly blobs: BlobStore = new MemoryBlobs()
  readonly clock = new MovableClock()
  readonly blobIds: BlobIds
  readonly environmentId: number
  readonly identityId: number
  readonly altId: number
  readonly otherEnvironmentId: number
  readonly otherIdentityId: number

  private constructor(
    database: Database,
    blobIds: BlobIds,
    credentials: readonly { environmentId: number; identityId: number }[],
  ) {
    this.database = database
    this.blobIds = blobIds
    this.clock.freeze(startMs)
    this.environmentId = credentials[0]!.environmentId
    this.identityId = credentials[0]!.identityId
    this.altId = credentials[1]!.identityId
    this.otherEnvironmentId = credentials[2]!.environmentId
    this.otherIdentityId = credentials[2]!.identityId
  }

  static async open(t: Test, engine: Engine): Promise<World> {
    const database = await engine.open(t)
    await database.write(() => ensureIdentities(definition, startMs))
    const blobIds = await BlobIds.start({ database })
    // Teardown runs backwards: before the database closes.
    t.teardown(() => blobIds.stop())
    const credentials = []
    for (const key of ['AKA', 'AKB', 'AKC']) credentials.push((await database.read(() => loadCredential(key)))!)
    return new World(database, blobIds, credentials)
  }

  bucket(bucket = 'bucket', more: Partial<BucketRef> = {}): BucketRef {
    return { environmentId: this.environmentId, identityId: this.identityId, region: 'us-east-1', bucket, ...more }
  }
  object(key: string, bucket = 'bucket'): ObjectRef {
    return { ...this.bucket(bucket), key }
  }
  async createBucket(name = 'bucket'): Promise<void> {
    const { environmentId, identityId } = this
    const made = await this.database.write(() =>
      createBucket({ environmentId, identityId, name, region: 'us-east-1', nowMs: startMs, limit: 100 }),
    )
    if (made instanceof Fault) throw new Error(made.code)
  }

  /** Bytes as an upload leaves them: small ones inline, others written to the blob store. */
  async stage(content: Uint8Array, inlineUpTo = 16): Promise<NewBytes> {
    const sizeBytes = content.length
    if (sizeBytes <= inlineUpTo) return { sizeBytes, inline: sizeBytes === 0 ? undefined : content, blobId: undefined }
    const blobId = await this.blobIds.next()
    const writer = this.blobs.create(blobId)
    await new Promise<void>(resolve => writer.write(content, () => writer.finish(() => resolve())))
    return { sizeBytes, inline: undefined, blobId }
  }

  async put(key: string, content: string | Uint8Array, conditions: Conditions = {}, bucket = 'bucket') {
    const bytes = await this.stage(typeof content === 'string' ? Buffer.from(content) : content)
    const inlineBlobId = await this.blobIds.next()
    return this.database.write(() =>
      putObject({
        ref: this.object(key, bucket),
        bytes,
        inlineBlobId,
        description: plain,
        etag: `etag of ${content.length}`,
        checksums: {},
        checksumType: undefined,
        parts: 0,
        conditions,
        nowMs: this.clock.now(),
      }),
    )
  }

  async find(key: string, bucket = 'bucket'): Promise<FoundObject> {
    const found = await this.database.read(() => findObject(this.object(key, bucket)))
    if (found instanceof Fault) throw new Error(found.code)
    return found
  }
  /** What a client would receive; undefined when there is no such object. */
  async content(key: string, bucket = 'bucket', offset = 0, length?: number): Promise<string | undefined> {
    const found = await this.database.read(() => findObject(this.object(key, bucket)))
    if (found instanceof Fault) {
      if (found.code === 'object-missing') return undefined
      throw new Error(found.code)
    }
    return this.read(found, offset, length)
  }
  async read(found: FoundObject, offset = 0, length = found.sizeBytes - offset): Promise<string> {
    const slices = await this.database.read(() => byteSlices(found, offset, length))
    const pieces: Buffer[] = []
    for (const slice of slices) pieces.push(await this.#slice(slice))
    return Buffer.concat(pieces).toString()
  }
  async #slice({ blobId, offset, sizeBytes, data }: Slice): Promise<Buffer> {
    if (data !== undefined) return Buffer.from(data.subarray(offset, offset + sizeBytes))
    const buffer = Buffer.alloc(sizeBytes)
    await new Promise<void>((resolve, reject) =>
      this.blobs.open(blobId, (error, reader) => {
        if (reader === null) return reject(error)
        reader.read(buffer, 0, sizeBytes, offset, (error, count) => {
          if (error !== null || count !== sizeBytes) reject(error ?? new Error('short'))
          else resolve()
        })
      }),
    )
    return buffer
  }

  sweeper(more: Partial<ConstructorParameters<typeof Sweeper>[0]> = {}): Sweeper {
    const { database, blobs, clock } = this
    return new Sweeper({ database, blobs, clock, ...more })
  }
  async sweepAll(sweeper = this.sweeper()): Promise<void> {
    while ((await sweeper.sweepOnce()).removed > 0);
  }

  /** Every reference counted again, and compared with the counts. */
  async checkReferences(t: Test, when: string): Promise<void> {
    const rows = await this.database.read(() => all<{ id: number; refs: number; n: number }>(REFERENCES, []))
    const wrong = rows.filter(row => row.refs !== row.n)
    const dangling = await this.database.read(() => all(DANGLING, []))
    if (wrong.length > 0 || dangling.length > 0) t.same({ wrong, dangling }, { wrong: [], dangling: [] }, when)
  }
  /** After sweeping: what is there is referenced, and the blob store holds the stored blobs and nothing else. */
  async checkSwept(t: Test, when: string): Promise<void> {
    const rows = await this.database.read(() => all<{ id: number; refs: number; n: number }>(REFERENCES, []))
    const unreferenced = rows.filter(row => row.n === 0).map(row => row.id)
    const orphans = await this.database.read(() => all(ORPHAN_ROWS, []))
    const blobs = await this.database.read(() => all<{ id: number; place: number }>(BLOBS, []))
    const wanted = blobs.filter(({ place }) => place === 1).map(({ id }) => id)
    const files: number[] = []
    for (let block = 1; block <= 8; block++) files.push(...(await this.blobs.listBlock(block)))
    if (unreferenced.length > 0 || orphans.length > 0 || `${files.sort()}` !== `${wanted.sort()}`) {
      t.same({ unreferenced, orphans, files }, { unreferenced: [], orphans: [], files: wanted }, when)
    }
  }
}
