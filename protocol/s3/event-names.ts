/** The events that S3 tells of. Source: botocore's model of S3, shape Event; S3 User Guide, "Supported event types". */

export const eventNames = [
  's3:ReducedRedundancyLostObject',
  's3:ObjectCreated:Put',
  's3:ObjectCreated:Post',
  's3:ObjectCreated:Copy',
  's3:ObjectCreated:CompleteMultipartUpload',
  's3:ObjectRemoved:Delete',
  's3:ObjectRemoved:DeleteMarkerCreated',
  's3:ObjectRestore:Post',
  's3:ObjectRestore:Completed',
  's3:ObjectRestore:Delete',
  's3:Replication:OperationFailedReplication',
  's3:Replication:OperationNotTracked',
  's3:Replication:OperationMissedThreshold',
  's3:Replication:OperationReplicatedAfterThreshold',
  's3:LifecycleTransition',
  's3:IntelligentTiering',
  's3:ObjectAcl:Put',
  's3:LifecycleExpiration:Delete',
  's3:LifecycleExpiration:DeleteMarkerCreated',
  's3:ObjectTagging:Put',
  's3:ObjectTagging:Delete',
] as const
/** One event. */
export type EventName = (typeof eventNames)[number]

/** What a configuration may ask for: an event, or all of a family (`s3:ObjectCreated:*`). */
const patterns: ReadonlySet<string> = new Set(
  eventNames.flatMap(name => {
    const [service, family, kind] = name.split(':')
    return kind === undefined ? [name] : [name, `${service}:${family}:*`]
  }),
)

export function isEventPattern(text: string): boolean {
  return patterns.has(text)
}

/** Whether every event of the second pattern is one of the first. */
export function eventIncludes(pattern: string, other: string): boolean {
  return pattern === other || (pattern.endsWith(':*') && other.startsWith(pattern.slice(0, -1)))
}
