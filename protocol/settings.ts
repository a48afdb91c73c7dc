/** What a bucket may be set to, as it is kept. Absent: as S3 makes new buckets. */
export interface BucketSettings {
  readonly tags?: Readonly<Record<string, string>>
}
