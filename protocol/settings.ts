/** What a bucket may be set to, as it is kept in its row. Absent: as S3 makes new buckets. */
import type { Retention, Tag } from './properties.ts'
import type { AccelerationStatus } from './s3/accelerate.ts'
import type { Acl } from './s3/acl.ts'
import type { BucketEncryption } from './s3/bucket-encryption.ts'
import type { BucketLogging } from './s3/bucket-logging.ts'
import type { CorsConfiguration } from './s3/cors.ts'
import type { LifecycleConfiguration } from './s3/lifecycle-rule.ts'
import type { NotificationConfiguration } from './s3/notification.ts'
import type { ObjectOwnership } from './s3/ownership-controls.ts'
import type { PublicAccessBlock } from './s3/public-access-block.ts'
import type { ReplicationConfiguration } from './s3/replication.ts'
import type { WebsiteConfiguration } from './s3/website.ts'

export interface BucketSettings {
  readonly tags?: readonly Tag[]
  /** There: new versions can be locked, for ever; the bucket keeps versions and cannot stop. */
  readonly lock?: { readonly defaultRetention?: RetentionPeriod }
  /** The document as it was put. */
  readonly policy?: string
  readonly acl?: Acl
  /** Who asks pays, and must say so. */
  readonly requestPayment?: 'Requester'
  readonly cors?: CorsConfiguration
  readonly website?: WebsiteConfiguration
  readonly lifecycle?: LifecycleConfiguration
  readonly encryption?: BucketEncryption
  readonly logging?: BucketLogging
  readonly replication?: ReplicationConfiguration
  readonly notification?: NotificationConfiguration
  readonly acceleration?: AccelerationStatus
  readonly abac?: 'Enabled'
  /** Absent: all of it blocked, as in new buckets; 'none': taken away. */
  readonly publicAccessBlock?: PublicAccessBlock | 'none'
  /** Absent: BucketOwnerEnforced, as in new buckets; 'none': taken away. */
  readonly ownership?: ObjectOwnership | 'none'
}
/** How long new versions are kept: one of days and years. */
export interface RetentionPeriod {
  readonly mode: Retention['mode']
  readonly days?: number
  readonly years?: number
}
