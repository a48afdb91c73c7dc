/** Rows and handlers of objects and uploads over a store's world, from a parsed request to a reply whose body was read. */
import type { Test } from 'tap'
import { BlobSource } from '../../gateway/bytes/contract.ts'
import { readWhole } from '../../gateway/bytes/read-source.ts'
import type { RequestContext, Services } from '../../gateway/context.ts'
import { KeyRing } from '../../gateway/keys/ring.ts'
import { multipartHandlers } from '../../gateway/s3/multipart.ts'
import { objectHandlers } from '../../gateway/s3/object.ts'
import { ObjectCache } from '../../gateway/store/object-cache.ts'
import { changeSettings, setVersioning } from '../../gateway/store/settings.ts'
import { all, sql } from '../../platform/database/unit.ts'
import { Fault } from '../../protocol/fault.ts'
import { compile, type Reply } from '../../protocol/operation.ts'
import { multipartOperations } from '../../protocol/s3/multipart.ts'
import { objectOperations } from '../../protocol/s3/object.ts'
import type { BucketSettings } from '../../protocol/settings.ts'
import { bodyOf } from '../unit/bytes-bodies.ts'
import { headersOf, noBody } from '../unit/s3-reply.ts'
import { wireRequest } from '../unit/wire-request.ts'
import type { Engine } from './engines.ts'
import { World } from './store-world.ts'

export type Headers = Readonly<Record<string, string>>
export interface Answer {
  readonly status: number
  readonly headers: Record<string, string>
  readonly bytes: Buffer
  readonly text: string
}

const rows = [...objectOperations, ...multipartOperations] as const
const routes = compile<typeof rows, RequestContext>(rows, { ...objectHandlers, ...multipartHandlers })
const INLINE = sql('SELECT data FROM blobs WHERE place = 0')
const STORED = sql('SELECT id, size FROM blobs WHERE place = 1')
const BLOB_OF = sql('SELECT blob_id FROM objects WHERE key = $1')

export class ObjectClient {
  readonly world: World
  readonly #services: Services

  private constructor(world: World, keys: KeyRing) {
    const { database, blobs, blobIds, clock } = world
    this.world = world
    this.#services = {
      database,
      blobs,
      blobIds,
      clock,
      keys,
      objectCache: new ObjectCache(database),
      dialect: 'aws',
      lifecycleDayMs: 86_400_000,
    }
  }

  /** With the buckets `bucket` and `other`. */
  static async open(t: Test, engine: Engine): Promise<ObjectClient> {
    const world = await World.open(t, engine)
    for (const name of ['bucket', 'other']) await world.createBucket(name)
    return new ObjectClient(world, await KeyRing.open(undefined))
  }

  async set(settings: Partial<BucketSettings>, bucket = 'bucket'): Promise<void> {
    await this.world.database.write(() => changeSettings(this.world.bucket(bucket), () => settings))
  }
  async version(versioning: number): Promise<void> {
    await this.world.database.write(() => setVersioning(this.world.bucket(), versioning, () => undefined))
  }

  async send(
    line: string,
    headers: Headers = {},
    body: Uint8Array | string = noBody,
    more: Partial<RequestContext> = {},
  ) {
    const request = wireRequest(line, headers)
    const route = routes.find(request)
    if (route === undefined) throw new Error(`no row for ${line}`)
    for (const name of Object.keys(headers)) if (route.refuses.has(name)) throw new Error(`${line} refuses ${name}`)
    const bytes = Buffer.from(body)
    const input: unknown = route.operation.parse(request, typeof route.operation.body === 'object' ? bytes : noBody)
    if (input instanceof Fault) return input
    const { environmentId, identityId, clock, blobs } = this.world
    const context: RequestContext = {
      services: this.#services,
      principal: {
        accessKeyId: 'AKA', environmentId, account: '000000000000', identityId, identityName: 'main',
        canonicalId: 'c', region: 'us-east-1',
      }, // biome-ignore format: short
      access: {
        ofBucket: () => undefined,
        ofObject: () => undefined,
        ofSource: () => undefined,
        checkSession: () => undefined,
      },
      requestId: '0123456789ABCDEF',
      nowMs: clock.now(),
      origin: 'http://localhost:4566',
      rawPath: '',
      virtualHost: false,
      body: Object.assign(bodyOf(bytes), { declaredBytes: bytes.length }),
      ...more,
    }
    const outcome = await route.handle(context, input)
    if (outcome instanceof Fault) return outcome
    const reply: Reply = route.operation.render(outcome as never)
    const sent = reply.body instanceof BlobSource ? await readWhole(reply.body, blobs) : (reply.body ?? noBody)
    const answered = Buffer.from(sent as Uint8Array)
    return { status: reply.status, headers: headersOf(reply.headers), bytes: answered, text: answered.toString() }
  }
  async ok(...request: Parameters<ObjectClient['send']>): Promise<Answer> {
    const answer = await this.send(...request)
    if (answer instanceof Fault) throw new Error(`${request[0]}: ${answer.code} ${JSON.stringify(answer.detail)}`)
    return answer
  }
  async refused(...request: Parameters<ObjectClient['send']>): Promise<string> {
    const answer = await this.send(...request)
    if (answer instanceof Fault) return answer.code
    throw new Error(`${request[0]}: answered ${answer.status}`)
  }

  /** All bytes that are kept, of all objects and parts, as they lie there, once what nobody names is swept. */
  async atRest(): Promise<Buffer> {
    await this.world.sweepAll()
    const { database, blobs } = this.world
    const pieces: Uint8Array[] = (await database.read(() => all<{ data: Uint8Array }>(INLINE, []))).map(({ data }) =>
      Buffer.from(data),
    )
    for (const { id, size } of await database.read(() => all<{ id: number; size: number }>(STORED, [])))
      if (size > 0) pieces.push(await readWhole(new BlobSource([{ blobId: id, offset: 0, sizeBytes: size }]), blobs))
    return Buffer.concat(pieces)
  }
  async blobOf(key: string): Promise<number | null | undefined> {
    return (await this.world.database.read(() => all<{ blob_id: number | null }>(BLOB_OF, [key])))[0]?.blob_id
  }
  /** References and files are right, also once everything is swept. */
  async check(t: Test, when: string): Promise<void> {
    await this.world.checkReferences(t, when)
    await this.world.sweepAll()
    await this.world.checkSwept(t, when)
  }
}
