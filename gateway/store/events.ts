/**
 * Telling queues of what happens to a bucket's contents, in the unit of work in which it happens: an event is there if and
 * only if its change is. Topics, functions and EventBridge are kept in configurations and told nothing.
 */
import type { Unit } from '../../platform/database/unit.ts'
import { parseArn } from '../../protocol/s3/arns.ts'
import type { EventName } from '../../protocol/s3/event-names.ts'
import { type BucketEvent, renderEvent, renderTestEvent } from '../../protocol/s3/event-record.ts'
import type { NotificationConfiguration } from '../../protocol/s3/notification.ts'
import { queueMissing } from '../../protocol/s3/notification-destinations.ts'
import { notificationsFor } from '../../protocol/s3/notification-rules.ts'
import { versionIdOf } from '../../protocol/s3/version-id.ts'
import { hostId } from '../host-id.ts'
import { requestId } from '../request-id.ts'
import type { BucketRef, VersionName } from './contract.ts'
import { canonicalIdOf } from './identities.ts'
import { findQueue, sendMessage } from './queues.ts'
import type { BucketColumns } from './rows.ts'
import { readSettings } from './settings-text.ts'

/** The request behind a change. */
export interface Cause {
  readonly id: string
  readonly verified: { readonly principal: { readonly canonicalId: string } } | undefined
  remoteAddress(): string
}

export interface StoreEvent extends Pick<BucketEvent, 'name' | 'restore' | 'transition' | 'tiering' | 'replication'> {
  readonly key: string
  /** undefined in a bucket that never had versions. */
  readonly version: VersionName | undefined
  /** Of the version, or of the object that was removed. */
  readonly seq: number
  readonly sizeBytes?: number
  readonly etag?: string
  readonly atMs: number
}

/** As S3 names itself where nobody's request is behind an event. */
const itself = 's3.amazonaws.com'

/**
 * Sends an event to the queues whose rules ask for it. Callers with `bucket.settings` null need not call.
 * Lifecycle and restore: `yield* recordEvent(bucketColumns, { environmentId, bucket: name }, { name:
 * 's3:LifecycleExpiration:Delete', key, version, seq, atMs })` in the unit that expires, transitions or restores.
 */
export function* recordEvent(
  bucket: BucketColumns,
  ref: Pick<BucketRef, 'environmentId' | 'bucket' | 'cause'>,
  event: StoreEvent,
): Unit<void> {
  const { notification } = readSettings(bucket.settings)
  if (notification === undefined) return
  for (const rule of notificationsFor(notification, event.name as EventName, event.key)) {
    if (rule.kind !== 'queue') continue
    const queueId = yield* queueOf(ref.environmentId, rule.arn)
    // S3 drops what it cannot deliver.
    if (queueId === undefined) continue
    const { key, version, seq, sizeBytes, etag, ...rest } = event
    const { cause } = ref
    const body = renderEvent({
      ...rest,
      region: bucket.region,
      principalId: cause === undefined ? itself : `AWS:${cause.verified?.principal.canonicalId ?? 'ANONYMOUS'}`,
      sourceIp: cause === undefined ? itself : cause.remoteAddress(),
      requestId: cause?.id ?? requestId(),
      hostId,
      configurationId: rule.id,
      bucket: ref.bucket,
      bucketOwner: yield* canonicalIdOf(bucket.bucket_owner),
      object: { key, seq, sizeBytes, etag, versionId: version === undefined ? undefined : versionIdOf(version) },
    })
    yield* sendMessage(queueId, body, event.atMs)
  }
}

function* queueOf(environmentId: number, arn: string): Unit<number | undefined> {
  const parsed = parseArn(arn)
  if (parsed === undefined) return undefined
  const { account, region, resource: name } = parsed
  return yield* findQueue({ environmentId, account, region, name })
}

/**
 * Sends the test event to every queue of a configuration, as S3 does before it takes one. Answers those that it could not
 * reach; a unit that refuses the configuration for them has sent to none.
 */
export function* sendTestEvents(
  ref: Pick<BucketRef, 'environmentId' | 'bucket' | 'cause'>,
  { rules }: NotificationConfiguration,
  nowMs: number,
): Unit<readonly { readonly arn: string; readonly reason: string }[]> {
  const failures: { arn: string; reason: string }[] = []
  const reached: number[] = []
  for (const arn of new Set(rules.filter(rule => rule.kind === 'queue').map(rule => rule.arn))) {
    const queueId = yield* queueOf(ref.environmentId, arn)
    if (queueId === undefined) failures.push({ arn, reason: queueMissing })
    else reached.push(queueId)
  }
  if (failures.length > 0) return failures
  const body = renderTestEvent({ bucket: ref.bucket, atMs: nowMs, requestId: ref.cause?.id ?? requestId(), hostId })
  for (const queueId of reached) yield* sendMessage(queueId, body, nowMs)
  return failures
}
