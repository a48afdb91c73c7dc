/** What a bucket may be set to, as it is kept in its row. Absent: as S3 makes new buckets. */
import type { Retention, Tag } from './properties.ts'

export interface BucketSettings {
  readonly tags?: readonly Tag[]
  /** There: new versions can be locked, for ever; the bucket keeps versions and cannot stop. */
  readonly lock?: { readonly defaultRetention?: RetentionPeriod }
}
/** How long new versions are kept: one of days and years. */
export interface RetentionPeriod {
  readonly mode: Retention['mode']
  readonly days?: number
  readonly years?: number
}
