/** Which replication rules an object falls under, and what they say of it. */
import { bucketOfArn } from './arns.ts'
import { type Filtered, matchesFilter } from './object-filter.ts'
import type { ReplicationConfiguration, ReplicationRule } from './replication.ts'

/** The bucket a rule copies to. */
export function destinationBucket(rule: ReplicationRule): string {
  return bucketOfArn(rule.destination.bucket) ?? ''
}

/**
 * The enabled rules that an object is copied by: one per destination bucket, that of the highest priority when several
 * match. In the order of the document.
 */
export function replicationRulesFor(
  configuration: ReplicationConfiguration,
  object: Filtered,
): readonly ReplicationRule[] {
  const byBucket = new Map<string, ReplicationRule>()
  for (const rule of configuration.rules) {
    if (rule.status !== 'Enabled' || !matches(rule, object)) continue
    const bucket = destinationBucket(rule)
    const other = byBucket.get(bucket)
    if (other === undefined || (rule.priority ?? 0) > (other.priority ?? 0)) byBucket.set(bucket, rule)
  }
  const chosen = new Set(byBucket.values())
  return configuration.rules.filter(rule => chosen.has(rule))
}

function matches(rule: ReplicationRule, object: Filtered): boolean {
  return rule.prefix === undefined ? matchesFilter(rule.filter, object) : object.key.startsWith(rule.prefix)
}

/** Whether a delete marker is copied by the rule: in the first schema always, in the second as it says. */
export function replicatesDeleteMarkers(rule: ReplicationRule): boolean {
  return rule.filter === undefined || rule.deleteMarkers?.status === 'Enabled'
}

/** Whether objects encrypted under a key of the client's are copied by the rule. */
export function replicatesKmsEncrypted(rule: ReplicationRule): boolean {
  return rule.sourceSelection?.kmsEncrypted?.status === 'Enabled'
}

/** Whether changes of replicas themselves (tags, ACLs, locks) are copied on by the rule. */
export function replicatesReplicaModifications(rule: ReplicationRule): boolean {
  return rule.sourceSelection?.replicaModifications?.status === 'Enabled'
}
