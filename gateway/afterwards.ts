/**
 * What a bucket's settings make happen once a request on it has been answered: its line in the access log, its replicas.
 * Buckets without settings never get here: only `RequestAccess` notes them (request-guard.ts).
 */
import { Fault } from '../protocol/fault.ts'
import type { AccessLogEntry } from '../protocol/s3/access-log.ts'
import { accessLogOperation, accessLogRecords } from '../protocol/s3/access-log-operations.ts'
import { describeFault, faultParts } from '../protocol/s3/faults.ts'
import type { DeleteManyOutput } from '../protocol/s3/object-delete.ts'
import type { AccessLogs } from './access-logs.ts'
import type { Exchange } from './exchange.ts'
import { hostId } from './host-id.ts'
import { askerOf } from './request-guard.ts'
import type { Replicator } from './store/replicator.ts'
import { readSettings } from './store/settings-text.ts'

export interface Ended {
  readonly status: number
  readonly bytesOut: number
  readonly durationMs: number
}

export class Afterwards {
  readonly #logs: AccessLogs
  readonly #replicator: Replicator

  constructor(logs: AccessLogs, replicator: Replicator) {
    this.#logs = logs
    this.#replicator = replicator
  }

  /** @param exchange one whose bucket has been noted */
  ended(exchange: Exchange, ended: Ended): void {
    const { noted } = exchange
    if (noted === undefined) return
    const { logging, replication } = readSettings(noted.settings)
    if (replication !== undefined && exchange.request.method !== 'GET') this.#replicator.wake()
    if (logging === undefined) return
    const { environmentId } = exchange.verified!.principal
    const { bucket_owner: ownerId, region } = noted
    const entry = entryOf(exchange, ended)
    for (const line of [...deletedKeys(exchange, entry), entry])
      this.#logs.add({ entry: line, environmentId, ownerId, region, logging })
  }
}

type Entry = Omit<AccessLogEntry, 'bucketOwner'>

/** A line for each key that a DeleteObjects names, with what is its own. */
function deletedKeys({ route, outcome }: Exchange, entry: Entry): readonly Entry[] {
  if (route?.operation.name !== 'DeleteObjects' || outcome === undefined) return []
  const { input, results } = outcome as DeleteManyOutput
  const { bucket, atMs, remoteIp, requester, requestId, hostId, signatureVersion, authenticationType, hostHeader } =
    entry
  const shared = {
    bucket,
    atMs,
    remoteIp,
    requester,
    requestId,
    hostId,
    signatureVersion,
    authenticationType,
    hostHeader,
  }
  return input.items.map(({ key, versionId }, i) => {
    const result = results[i]
    const of = { ...shared, operation: accessLogRecords.deletedKey, key, versionId }
    if (!(result instanceof Fault)) return { ...of, status: 204 }
    const context = { method: 'POST', resource: '', requestId, hostId: '', key } as const
    return { ...of, status: faultParts(result, context).status, errorCode: describeFault(result, context).code }
  })
}

function entryOf(exchange: Exchange, { status, bytesOut, durationMs }: Ended): Entry {
  const { request, verified } = exchange
  const requester = verified && askerOf(verified.principal)
  const query = request.query.raw
  const operation = recordOf(exchange)
  return {
    bucket: request.bucket,
    atMs: verified?.nowMs ?? 0,
    remoteIp: exchange.remoteAddress(),
    requester: requester?.roleArn === undefined ? requester?.canonicalId : requester.arn,
    requestId: exchange.id,
    operation,
    key: request.key,
    requestUri: `${request.methodText.toUpperCase()} ${request.rawPath}${query === '' ? '' : `?${query}`} HTTP/1.1`,
    // A client that left was not answered.
    status: status === 0 ? undefined : status,
    errorCode: exchange.errorCode,
    bytesSent: bytesOut,
    objectSize: exchange.notedBytes,
    totalMs: durationMs,
    referer: request.header('referer'),
    userAgent: request.header('user-agent'),
    versionId: request.query.get('versionId'),
    signatureVersion: signatureVersion(exchange),
    authenticationType: authenticationTypes[verified?.form ?? 'none'],
    hostHeader: exchange.host,
    hostId,
  }
}

function recordOf({ wire, route, request, unrouted }: Exchange): string {
  if (wire === 'website')
    return request.knownMethod === 'HEAD' ? accessLogRecords.websiteHead : accessLogRecords.websiteRead
  if (unrouted === 'Preflight') return accessLogRecords.preflight
  return route === undefined ? '' : accessLogOperation(route.operation.name)
}

const authenticationTypes = { header: 'AuthHeader', query: 'QueryString', form: undefined, none: undefined } as const

/** Version 2 names no region. */
function signatureVersion({ verified }: Exchange): 'SigV2' | 'SigV4' | undefined {
  if (verified === undefined || verified.form === 'none') return undefined
  return verified.principal.region === '' ? 'SigV2' : 'SigV4'
}
