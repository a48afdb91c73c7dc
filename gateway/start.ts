/** Puts a gateway together from its configuration, and takes it apart again. */
import { mkdirSync } from 'node:fs'
import { BlockList } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { MovableClock } from '../platform/clock.ts'
import type { Config } from '../platform/config.ts'
import { openDatabase } from '../platform/database/index.ts'
import { one, sql } from '../platform/database/unit.ts'
import { type Logger, requestLog } from '../platform/log.ts'
import { createMetrics } from '../platform/metrics.ts'
import { compile } from '../protocol/operation.ts'
import { s3Operations } from '../protocol/s3/operations.ts'
import { websiteOperations } from '../protocol/s3/website-operations.ts'
import { stsOperations } from '../protocol/sts/operations.ts'
import { AccessLogs } from './access-logs.ts'
import type { AdminServices } from './admin.ts'
import { Afterwards } from './afterwards.ts'
import { Authenticator } from './authenticate.ts'
import { DiskBlobs } from './bytes/disk-blobs.ts'
import { MemoryBlobs } from './bytes/memory-blobs.ts'
import { Dispatcher } from './dispatch.ts'
import { loadIdentities, publishedCredentials } from './identities-file.ts'
import { KeyRing } from './keys/ring.ts'
import { Listeners } from './listeners.ts'
import { Responder } from './responder.ts'
import { s3Handlers } from './s3/handlers.ts'
import { websiteHandlers } from './s3/website.ts'
import { Server } from './server.ts'
import { BlobIds } from './store/blob-ids.ts'
import { ensureIdentities, revokeCredential } from './store/identities.ts'
import { LifecycleRunner } from './store/lifecycle-runner.ts'
import { ObjectCache } from './store/object-cache.ts'
import { BlobPins } from './store/pins.ts'
import { Replicator } from './store/replicator.ts'
import { resetEnvironment } from './store/reset.ts'
import { Sweeper } from './store/sweeper.ts'
import { stsHandlers } from './sts/handlers.ts'

export interface Gateway {
  /** What listens, for people: name and URL. */
  readonly addresses: readonly { readonly name: string; readonly url: string }[]
  /** The local certificate authority, when it signs our certificate. */
  readonly authorityFile: string | undefined
  /** Stops accepting, waits for what is in flight (at most `timeoutMs`), closes everything. */
  drain(timeoutMs: number): Promise<void>
}

/**
 * @throws IdentitiesInvalid, DatabaseUnavailable, SchemaTooNew, PortTaken (of the edge port; another port that is taken
 * is a warning)
 */
export async function startGateway(config: Config, logger: Logger): Promise<Gateway> {
  const identities = loadIdentities(config.identitiesFile)
  if (config.dataDir !== undefined) mkdirSync(config.dataDir, { recursive: true, mode: 0o700 })
  const clock = new MovableClock()
  const metrics = createMetrics()
  const database = await openDatabase({
    url: config.databaseUrl,
    file: config.dataDir === undefined ? undefined : join(config.dataDir, 'catalogue.db'),
    ephemeral: config.dataDir === undefined,
    durability: config.durability,
    onError: error => logger.error({ err: error }, 'database'),
  })
  const blobs =
    config.blobs === 'disk' && config.dataDir !== undefined
      ? new DiskBlobs(join(config.dataDir, 'blobs'), config.durability)
      : new MemoryBlobs()
  const unsigned = await database.write(function* () {
    // A store that was once started with the published credentials must not honour them for ever.
    if (config.identitiesFile !== undefined)
      for (const { accessKeyId, secretAccessKey } of publishedCredentials())
        yield* revokeCredential(accessKeyId, secretAccessKey)
    return yield* ensureIdentities(identities, clock.now())
  })
  const blobIds = await BlobIds.start({
    database,
    alone: config.dataDir === undefined,
    onError: error => logger.error({ err: error }, 'blob ids'),
  })
  const keys = await KeyRing.open(config.dataDir)
  const pins = new BlobPins()
  const sweeper = new Sweeper({ database, blobs, blobIds, pins, clock, logger })
  const lifecycle = new LifecycleRunner({
    database,
    clock,
    dayMs: config.lifecycleDayMs,
    onAction: kind => metrics.lifecycleAction(kind),
    onReleased: () => sweeper.wake(),
    logger,
  })
  const replicator = new Replicator({ database, clock, logger })
  const accessLogs = new AccessLogs({ database, blobs, blobIds, clock, logger })
  const responder = new Responder(blobs, pins, logger, requestLog(logger), metrics)
  responder.afterwards = new Afterwards(accessLogs, replicator)
  const dispatcher = new Dispatcher(
    {
      database,
      blobs,
      blobIds,
      clock,
      objectCache: new ObjectCache(database),
      keys,
      dialect: config.s3Dialect,
      lifecycleDayMs: config.lifecycleDayMs,
    },
    {
      s3: compile(s3Operations, s3Handlers),
      sts: compile(stsOperations, stsHandlers),
      website: compile(websiteOperations, websiteHandlers),
    },
    new Authenticator(database, clock, unsigned),
    responder,
    hostDomains(config.domains),
  )
  const admin: AdminServices = {
    ready: async () => {
      await database.read(() => one(PING, []))
    },
    metrics: async () => ({ contentType: metrics.contentType, text: await metrics.text() }),
    reset: async environment => {
      const known = await database.write(() => resetEnvironment(environment))
      sweeper.wake()
      return known
    },
    lifecycle,
    clock,
    testControls: config.databaseUrl === undefined,
    get draining() {
      return responder.draining
    },
  }
  const server = new Server(dispatcher, responder, metrics, admin, trustedProxies(config))
  const listeners = new Listeners(server, config, logger)
  /** Each part for itself: with the database away or its disk full, what was answered is kept all the same. */
  const closeStore = async (): Promise<void> => {
    const stops = [() => accessLogs.stop(), () => replicator.stop(), () => lifecycle.stop(), () => sweeper.stop()]
    const parts = [...stops, () => blobIds.stop(), () => blobs.close(), () => database.close()]
    for (const close of parts) await close().catch((error: unknown) => logger.error({ err: error }, 'closing'))
  }
  try {
    await listeners.open()
  } catch (error) {
    server.close()
    listeners.close()
    await closeStore()
    throw error
  }
  sweeper.start()
  lifecycle.start()
  replicator.start()
  accessLogs.start()
  return {
    addresses: listeners.addresses,
    authorityFile: listeners.authorityFile,
    async drain(timeoutMs) {
      server.stopListening()
      for (const until = Date.now() + timeoutMs; metrics.inFlight > 0 && Date.now() < until; ) await sleep(10)
      server.close()
      listeners.close()
      await closeStore()
    },
  }
}

const PING = sql('SELECT 1 AS one')

/** Suffixes under which a host's first labels are a bucket, longest first. */
function hostDomains(configured: readonly string[]): readonly string[] {
  const domains = new Set([...configured.flatMap(name => [name, `s3.${name}`]), 's3.localhost', 'localhost'])
  return [...domains].sort((a, b) => b.length - a.length)
}

function trustedProxies(config: Config): BlockList | undefined {
  if (config.trustedProxies.length === 0) return undefined
  const list = new BlockList()
  for (const { address, prefixBits, family } of config.trustedProxies) list.addSubnet(address, prefixBits, family)
  return list
}
