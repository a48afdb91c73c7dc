/**
 * The JSON that a destination is told of an event. Source: S3 User Guide, "Event message structure", and messages
 * recorded from the service. Versions 2.4 and later of the structure, which S3 documents since 2026 for all events alike,
 * add nothing that these have not; the recorded versions are kept, for consumers compare them.
 */
import type { EventName } from './event-names.ts'
import { encodeFormKey } from './form-key.ts'
import { formatTimestamp } from './timestamps.ts'

export interface EventObject {
  readonly key: string
  readonly sizeBytes?: number | undefined
  /** Without quotes. */
  readonly etag?: string | undefined
  /** undefined or 'null' where the bucket has no versions: left out. */
  readonly versionId?: string | undefined
  /** The version's sequence: orders the events of a key. */
  readonly seq?: number | undefined
}

export interface BucketEvent {
  readonly name: EventName
  readonly atMs: number
  readonly region: string
  /** Who caused it: `AWS:…` of a user; S3's own name for what S3 did by itself. */
  readonly principalId: string
  readonly sourceIp: string
  readonly requestId: string
  readonly hostId: string
  /** The id of the rule that asked to be told. */
  readonly configurationId: string
  readonly bucket: string
  readonly bucketOwner: string
  readonly object: EventObject
  /** Of s3:ObjectRestore:Completed. */
  readonly restore?: { readonly expiresAtMs: number; readonly storageClass: string }
  /** Of s3:LifecycleTransition. */
  readonly transition?: { readonly storageClass: string }
  /** Of s3:IntelligentTiering. */
  readonly tiering?: { readonly accessTier: string }
  /** Of s3:Replication:*. */
  readonly replication?: {
    readonly ruleId: string
    readonly destinationBucket: string
    readonly operation: string
    readonly requestedAtMs: number
    /** Why it failed, or how long it took against how long it may. */
    readonly failureReason?: string
    readonly thresholdMs?: number
    readonly replicationTimeMs?: number
  }
}

/** ETag of nothing: what S3 tells of a delete marker. */
const emptyEtag = 'd41d8cd98f00b204e9800998ecf8427e'

/** Which facts about the object an event carries, and in which version of the structure. */
interface Family {
  readonly prefix: string
  readonly version: '2.1' | '2.2' | '2.3'
  readonly size: boolean
  readonly etag: boolean | 'empty'
  readonly sequencer: boolean
}
/** The first that a name begins with. */
const families: readonly Family[] = [
  { prefix: 's3:ObjectRemoved:DeleteMarkerCreated', version: '2.1', size: false, etag: 'empty', sequencer: true },
  { prefix: 's3:ObjectRemoved:', version: '2.1', size: false, etag: false, sequencer: true },
  { prefix: 's3:LifecycleExpiration:DeleteMarkerCreated', version: '2.3', size: false, etag: 'empty', sequencer: true },
  { prefix: 's3:LifecycleExpiration:', version: '2.3', size: false, etag: false, sequencer: true },
  { prefix: 's3:LifecycleTransition', version: '2.3', size: true, etag: true, sequencer: true },
  { prefix: 's3:IntelligentTiering', version: '2.3', size: true, etag: true, sequencer: false },
  { prefix: 's3:ObjectTagging:', version: '2.3', size: false, etag: true, sequencer: false },
  { prefix: 's3:ObjectAcl:', version: '2.3', size: false, etag: true, sequencer: false },
  { prefix: 's3:ObjectRestore:Delete', version: '2.3', size: true, etag: true, sequencer: true },
  { prefix: 's3:Replication:', version: '2.2', size: true, etag: true, sequencer: true },
]
const common: Family = { prefix: '', version: '2.1', size: true, etag: true, sequencer: true }

/** One event as the message for one destination. */
export function renderEvent(event: BucketEvent): string {
  const family = families.find(({ prefix }) => event.name.startsWith(prefix)) ?? common
  return JSON.stringify({
    Records: [
      {
        eventVersion: family.version,
        eventSource: 'aws:s3',
        awsRegion: event.region,
        eventTime: formatTimestamp(event.atMs),
        eventName: event.name.slice('s3:'.length),
        userIdentity: { principalId: event.principalId },
        requestParameters: { sourceIPAddress: event.sourceIp },
        responseElements: { 'x-amz-request-id': event.requestId, 'x-amz-id-2': event.hostId },
        s3: {
          s3SchemaVersion: '1.0',
          configurationId: event.configurationId,
          bucket: {
            name: event.bucket,
            ownerIdentity: { principalId: event.bucketOwner },
            arn: `arn:aws:s3:::${event.bucket}`,
          },
          object: objectFacts(event.object, family),
        },
        ...furtherFacts(event),
      },
    ],
  })
}

/** Members without a value are left out by JSON. */
function objectFacts(object: EventObject, family: Family) {
  const { key, sizeBytes, etag, versionId, seq } = object
  return {
    key: encodeFormKey(key),
    size: family.size ? sizeBytes : undefined,
    eTag: family.etag === 'empty' ? emptyEtag : family.etag ? etag : undefined,
    versionId: versionId === 'null' ? undefined : versionId,
    sequencer: family.sequencer && seq !== undefined ? encodeSequencer(seq) : undefined,
  }
}

function furtherFacts({ restore, transition, tiering, replication }: BucketEvent) {
  return {
    glacierEventData: restore && {
      restoreEventData: {
        lifecycleRestorationExpiryTime: formatTimestamp(restore.expiresAtMs),
        lifecycleRestoreStorageClass: restore.storageClass,
      },
    },
    lifecycleEventData: transition && { transitionEventData: { destinationStorageClass: transition.storageClass } },
    intelligentTieringEventData: tiering && { destinationAccessTier: tiering.accessTier },
    replicationEventData: replication && {
      replicationRuleId: replication.ruleId,
      destinationBucket: `arn:aws:s3:::${replication.destinationBucket}`,
      s3Operation: replication.operation,
      requestTime: formatTimestamp(replication.requestedAtMs),
      failureReason: replication.failureReason,
      threshold: seconds(replication.thresholdMs),
      replicationTime: seconds(replication.replicationTimeMs),
    },
  }
}
function seconds(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : String(Math.floor(ms / 1000))
}

/** 18 digits that order as the sequences do, as texts too. */
export function encodeSequencer(seq: number): string {
  return seq.toString(16).toUpperCase().padStart(18, '0')
}

/** What a destination is told when it is put into a configuration. */
export function renderTestEvent(event: {
  readonly bucket: string
  readonly atMs: number
  readonly requestId: string
  readonly hostId: string
}): string {
  return JSON.stringify({
    Service: 'Amazon S3',
    Event: 's3:TestEvent',
    Time: formatTimestamp(event.atMs),
    Bucket: event.bucket,
    RequestId: event.requestId,
    HostId: event.hostId,
  })
}
