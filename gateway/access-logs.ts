/**
 * Server access logs: lines of the requests on buckets that are set so, gathered and written every few seconds as objects
 * into the buckets that they name. Best effort, as S3's: lines beyond the bound are dropped, as are those whose target
 * cannot be written. Log objects are written by the store, not by a request: their delivery is never logged itself.
 */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../platform/clock.ts'
import { type Database, DatabaseUnavailable, one, sql, type Unit } from '../platform/database/unit.ts'
import { Fault } from '../protocol/fault.ts'
import { type AccessLogEntry, accessLogKey, renderAccessLogLine } from '../protocol/s3/access-log.ts'
import type { BucketLogging } from '../protocol/s3/bucket-logging.ts'
import { standardStorageClass } from '../protocol/s3/description.ts'
import { putLimitBytes } from '../protocol/s3/object-write.ts'
import type { BlobStore } from './bytes/contract.ts'
import { ingestSource } from './bytes/source-body.ts'
import { guardsOf } from './rules/guards.ts'
import { mayDeliverLogs } from './rules/log-delivery.ts'
import type { BlobIds } from './store/blob-ids.ts'
import { canonicalIdOf } from './store/identities.ts'
import { type PutObject, putObject } from './store/objects.ts'
import { findOtherBucket, type OtherBucket } from './store/settings.ts'

/** A request on a bucket that is logged; who owns the bucket is looked up when the line is written. */
export interface LoggedRequest {
  readonly entry: Omit<AccessLogEntry, 'bucketOwner'>
  readonly environmentId: number
  readonly ownerId: number
  readonly region: string
  readonly logging: BucketLogging
}

/** Of the texts that clients choose, with so much for the rest of each line. */
const heldLimitBytes = 8 * 1024 * 1024
const lineBytes = 512
const intervalMs = 3_000
const dayMs = 24 * 3600 * 1000
const checksum = 'crc64nvme'
/** A log object ends with the line that takes it beyond this. */
const objectBytes = 256 * 1024

export interface AccessLogOptions {
  readonly database: Database
  readonly blobs: BlobStore
  readonly blobIds: BlobIds
  readonly clock: Clock
  readonly logger: { error(what: object, message: string): void; warn(what: object, message: string): void }
}

export class AccessLogs {
  readonly #options: AccessLogOptions
  #held: LoggedRequest[] = []
  #heldBytes = 0
  #dropped = 0
  #interval: NodeJS.Timeout | undefined
  #turn: Promise<void> = Promise.resolve()

  constructor(options: AccessLogOptions) {
    this.#options = options
  }

  start(): void {
    this.#interval ??= setInterval(() => {
      if (this.#held.length > 0) void this.flush()
    }, intervalMs)
    this.#interval.unref()
  }

  add(request: LoggedRequest): void {
    const { key = '', requestUri = '', referer = '', userAgent = '', hostHeader = '' } = request.entry
    const bytes =
      lineBytes + 2 * (key.length + requestUri.length + referer.length + userAgent.length + hostHeader.length)
    if (this.#heldBytes + bytes > heldLimitBytes) {
      this.#dropped++
      return
    }
    this.#heldBytes += bytes
    this.#held.push(request)
  }

  /** Writes what is held. Flushes come one after another; each takes what is there when it is called. */
  flush(): Promise<void> {
    const requests = this.#held
    this.#held = []
    this.#heldBytes = 0
    if (this.#dropped > 0) this.#options.logger.warn({ dropped: this.#dropped }, 'access log lines dropped')
    this.#dropped = 0
    this.#turn = this.#turn.then(() => this.#write(requests))
    return this.#turn
  }

  async stop(): Promise<void> {
    clearInterval(this.#interval)
    this.#interval = undefined
    await this.flush()
  }

  async #write(requests: readonly LoggedRequest[]): Promise<void> {
    for (const group of groupsOf(requests))
      await this.#deliver(group).catch((error: unknown) =>
        this.#options.logger.error({ err: error, bucket: group[0]!.entry.bucket }, 'access log'),
      )
  }

  async #deliver(group: readonly LoggedRequest[]): Promise<void> {
    const { database, logger } = this.#options
    const [{ environmentId, ownerId, logging, entry }] = group as [LoggedRequest]
    const facts = await database.read(() => lookUp(environmentId, ownerId, logging.targetBucket))
    const { target, account, owner } = facts
    let text = ''
    for (const [i, request] of group.entries()) {
      text += renderAccessLogLine({ ...request.entry, bucketOwner: owner })
      if (text.length < objectBytes && i < group.length - 1) continue
      const key = this.#keyOf(request, account)
      const delivery = { source: entry.bucket, account, target: logging.targetBucket, key }
      if (target?.ownerId !== ownerId || !mayDeliverLogs(guardsOf(target.is, logging.targetBucket), delivery))
        return logger.warn({ bucket: entry.bucket, target: logging.targetBucket }, 'access log not delivered')
      await this.#put(request, key, owner, Buffer.from(text))
      text = ''
    }
  }

  #keyOf({ logging, region, entry }: LoggedRequest, account: string): string {
    return accessLogKey({
      prefix: logging.targetPrefix,
      format: logging.keyFormat,
      sourceAccount: account,
      sourceRegion: region,
      sourceBucket: entry.bucket,
      deliveredAtMs: this.#options.clock.now(),
      eventsAtMs: entry.atMs,
      uniqueString: randomBytes(8).toString('hex').toUpperCase(),
    })
  }

  async #put(
    { environmentId, ownerId, logging }: LoggedRequest,
    key: string,
    owner: string,
    text: Uint8Array,
  ): Promise<void> {
    const { database, blobs, blobIds, clock } = this.#options
    const staged = await ingestSource(text, {
      blobs,
      nextBlobId: () => blobIds.next(),
      algorithms: ['md5', checksum],
      maxBytes: putLimitBytes,
    })
    if (staged instanceof Fault) throw new Error(staged.code)
    const object: PutObject = {
      ref: { environmentId, identityId: ownerId, region: '', bucket: logging.targetBucket, key },
      bytes: staged,
      inlineBlobId: await blobIds.next(),
      description: {
        headers: { 'content-type': 'text/plain' },
        metadata: {},
        storageClass: standardStorageClass,
        acl: grantsOf(logging, owner),
      },
      etag: staged.digests.get('md5')!.toString('hex'),
      checksums: { [checksum]: staged.digests.get(checksum)!.toString('base64') },
      checksumType: 'FULL_OBJECT',
      parts: 0,
      conditions: {},
      nowMs: clock.now(),
    }
    let written: unknown
    try {
      written = await database.write(() => putObject(object))
    } catch (error) {
      if (!(error instanceof DatabaseUnavailable && error.undecided)) staged.discard()
      throw error
    }
    if (!(written instanceof Fault)) return
    staged.discard()
    throw new Error(written.code)
  }
}

function groupsOf(requests: readonly LoggedRequest[]): Iterable<readonly LoggedRequest[]> {
  const groups = new Map<string, LoggedRequest[]>()
  for (const request of requests) {
    const name = objectOf(request)
    const group = groups.get(name)
    if (group === undefined) groups.set(name, [request])
    else group.push(request)
  }
  return groups.values()
}

/** What goes into one object: the requests on a bucket, of one day, to one place. */
function objectOf({ environmentId, entry, logging }: LoggedRequest): string {
  const { targetBucket, targetPrefix, keyFormat } = logging
  const day = Math.floor(entry.atMs / dayMs)
  return JSON.stringify([environmentId, entry.bucket, targetBucket, targetPrefix, keyFormat, day])
}

const ACCOUNT = sql(`SELECT account FROM environments WHERE id = $1`)

interface Delivery {
  readonly account: string
  /** Canonical id. */
  readonly owner: string
  readonly target: OtherBucket | undefined
}
function* lookUp(environmentId: number, ownerId: number, targetBucket: string): Unit<Delivery> {
  const account = (yield* one<{ account: string }>(ACCOUNT, [environmentId]))?.account ?? ''
  const owner = yield* canonicalIdOf(ownerId)
  const target = yield* findOtherBucket(environmentId, targetBucket)
  return { account, owner, target }
}

/** Log objects are the bucket owner's here; TargetGrants let others read them, where the bucket takes ACLs. */
function grantsOf({ targetGrants = [] }: BucketLogging, owner: string) {
  if (targetGrants.length === 0) return undefined
  const grants = targetGrants.map(({ grantee, permission }) => {
    const name = grantee.type === 'Group' ? grantee.uri : grantee.type === 'CanonicalUser' ? grantee.id : grantee.email
    return { grantee: name, permission }
  })
  return { kind: 'document', owner, grants: [{ grantee: owner, permission: 'FULL_CONTROL' }, ...grants] } as const
}
