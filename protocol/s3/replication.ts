/**
 * Replication: which objects are copied where. Two schemas: the first has a Prefix in each rule; the second a Filter, and
 * with it a Priority and DeleteMarkerReplication (S3 User Guide, "Backward compatibility considerations"). A document in
 * which one rule has no Filter is of the first.
 */
import { Fault, fault } from '../fault.ts'
import type { Reply } from '../operation.ts'
import { bucketOfArn, parseArn } from './arns.ts'
import {
  enabledOrDisabled,
  integer,
  type MalformedFault,
  oneOf,
  optional,
  readDocument,
  record,
  repeated,
  required,
  text,
  type ValueOf,
  writeDocument,
} from './document-shape.ts'
import { generatedId } from './generated-ids.ts'
import { filterForms, filterParts, objectFilterShape } from './object-filter.ts'
import { type ArgumentFault, argumentInvalid } from './parameters.ts'
import { checkTags, type TagFault } from './tagging.ts'
import { xmlReply } from './xml.ts'

const status = record({ status: required('Status', enabledOrDisabled) })
const minutes = record({ minutes: optional('Minutes', integer) })

const destination = record({
  bucket: required('Bucket', text),
  account: optional('Account', text),
  storageClass: optional(
    'StorageClass',
    oneOf(
      'STANDARD',
      'REDUCED_REDUNDANCY',
      'STANDARD_IA',
      'ONEZONE_IA',
      'INTELLIGENT_TIERING',
      'GLACIER',
      'DEEP_ARCHIVE',
      'GLACIER_IR',
    ),
  ),
  ownerOverride: optional('AccessControlTranslation', record({ owner: required('Owner', oneOf('Destination')) })),
  encryption: optional('EncryptionConfiguration', record({ kmsKeyId: optional('ReplicaKmsKeyID', text) })),
  replicationTime: optional(
    'ReplicationTime',
    record({ status: required('Status', enabledOrDisabled), time: required('Time', minutes) }),
  ),
  metrics: optional(
    'Metrics',
    record({ status: required('Status', enabledOrDisabled), eventThreshold: optional('EventThreshold', minutes) }),
  ),
})
const rule = record({
  id: optional('ID', text),
  priority: optional('Priority', integer),
  prefix: optional('Prefix', text),
  filter: optional('Filter', objectFilterShape),
  status: required('Status', enabledOrDisabled),
  sourceSelection: optional(
    'SourceSelectionCriteria',
    record({
      kmsEncrypted: optional('SseKmsEncryptedObjects', status),
      replicaModifications: optional('ReplicaModifications', status),
    }),
  ),
  existingObjects: optional('ExistingObjectReplication', status),
  destination: required('Destination', destination),
  deleteMarkers: optional('DeleteMarkerReplication', record({ status: optional('Status', enabledOrDisabled) })),
})
const shape = record({ role: required('Role', text), rules: repeated('Rule', rule) })

type SentRule = ValueOf<typeof rule>
type Destination = ValueOf<typeof destination>
export type ReplicationRule = SentRule & { readonly id: string }
export interface ReplicationConfiguration {
  readonly role: string
  readonly rules: readonly ReplicationRule[]
}

export type ReplicationFault = MalformedFault | ArgumentFault | TagFault | Fault<'request-invalid'>

const root = 'ReplicationConfiguration'
const ruleLimit = 1000
const idLimit = 255
/** S3 copies within a quarter of an hour, or does not say. */
const replicationMinutes = 15

/** PutBucketReplication's document. @param bucket the one it is put on */
export function parseReplication(bucket: string, body: Uint8Array): ReplicationConfiguration | ReplicationFault {
  const document = readDocument(root, shape, body)
  if (document instanceof Fault) return document
  if (document.rules.length === 0) return fault('xml-malformed')
  if (document.rules.length > ruleLimit)
    return refused(`The number of replication rules must not exceed the allowed limit of ${ruleLimit} rules.`)
  const role = checkRole(document.role)
  if (role !== undefined) return role
  const isFirstSchema = document.rules.some(rule => rule.filter === undefined)
  const rules: ReplicationRule[] = []
  for (const [position, sent] of document.rules.entries()) {
    const bad = checkSchema(sent, isFirstSchema) ?? checkFilter(sent) ?? checkRule(sent, bucket)
    if (bad !== undefined) return bad
    rules.push({ ...sent, id: sent.id === undefined || sent.id === '' ? generatedId(sent, position) : sent.id })
  }
  return checkTogether(rules, isFirstSchema) ?? { role: document.role, rules }
}

function refused(message: string): Fault<'request-invalid'> {
  return fault('request-invalid', { message })
}

/** That the role is there is not looked at: nobody assumes it. */
function checkRole(role: string): ArgumentFault | undefined {
  const arn = parseArn(role)
  if (arn?.service !== 'iam' || arn.region !== '' || !/^\d{12}$/.test(arn.account))
    return argumentInvalid('Role', 'Invalid Role specified in replication configuration', role)
  if (!/^role\/./.test(arn.resource)) return argumentInvalid('Role', 'The relative id should start with role', role)
  return undefined
}

/** What one schema demands the other forbids. */
function checkSchema(sent: SentRule, isFirstSchema: boolean): MalformedFault | Fault<'request-invalid'> | undefined {
  if ((sent.prefix === undefined) === (sent.filter === undefined)) return fault('xml-malformed')
  for (const [name, value] of [
    ['Priority', sent.priority],
    ['DeleteMarkerReplication', sent.deleteMarkers],
  ] as const)
    if ((value !== undefined) === isFirstSchema)
      return refused(
        `${name} ${isFirstSchema ? 'cannot be used' : 'must be specified'} for this version of Cross Region ` +
          'Replication configuration schema. Please refer to S3 Developer Guide for more information.',
      )
  return undefined
}

function checkFilter(sent: SentRule): MalformedFault | TagFault | Fault<'request-invalid'> | undefined {
  if (sent.filter === undefined) return undefined
  if (filterForms(sent.filter) > 1) return fault('xml-malformed')
  const { prefix, tags } = filterParts(sent.filter)
  if (sent.filter.and !== undefined && tags.length + (prefix === undefined ? 0 : 1) < 2) return fault('xml-malformed')
  if (new Set(tags.map(tag => tag.key)).size < tags.length) return refused('Duplicate Tag Keys are not allowed.')
  const badTags = checkTags(tags, 'object')
  if (badTags !== undefined) return badTags
  if (tags.length > 0 && sent.deleteMarkers?.status === 'Enabled')
    return refused(
      'Delete marker replication is not supported if any Tag filter is specified. Please refer to S3 Developer Guide ' +
        'for more information.',
    )
  return undefined
}

function checkRule(sent: SentRule, bucket: string): ReplicationFault | undefined {
  const { id, priority, sourceSelection } = sent
  if (id !== undefined && id.length > idLimit) return argumentInvalid('ID', 'Rule Id cannot be greater than 255', id)
  if (priority !== undefined && priority < 0) return refused('Priority must be between 0 and 2147483647.')
  const kms = sourceSelection?.kmsEncrypted
  if (sourceSelection !== undefined && kms === undefined && sourceSelection.replicaModifications === undefined)
    return refused('SourceSelectionCriteria cannot be empty.')
  return checkDestination(sent.destination, bucket, kms !== undefined)
}

function checkDestination(to: Destination, bucket: string, withKms: boolean): ReplicationFault | undefined {
  const target = bucketOfArn(to.bucket)
  if (target === undefined) return argumentInvalid('Bucket', 'Invalid bucket ARN', to.bucket)
  if (target === bucket) return refused('Destination bucket cannot be the same as the source bucket.')
  if (to.ownerOverride !== undefined && (to.account ?? '') === '')
    return refused('Account must be specified if the Owner in AccessControlTranslation has a value')
  if (to.encryption !== undefined && !withKms)
    return refused('SseKmsEncryptedObjects must be specified if EncryptionConfiguration is present.')
  const key = to.encryption?.kmsKeyId ?? ''
  if (withKms && key === '')
    return refused('ReplicaKmsKeyID must be specified if SseKmsEncryptedObjects tag is present.')
  if (key !== '' && !/^(?:key|alias)\/./.test(parseArn(key)?.resource ?? ''))
    return argumentInvalid('ReplicaKmsKeyID', 'Invalid ReplicaKmsKeyID ARN.', key)
  return checkReplicationTime(to)
}

function checkReplicationTime(to: Destination): ArgumentFault | Fault<'request-invalid'> | undefined {
  const { replicationTime, metrics } = to
  if (replicationTime !== undefined) {
    if (metrics === undefined)
      return refused('Replication destination must contain both ReplicationTime and Metrics or neither.')
    if (replicationTime.time.minutes !== replicationMinutes)
      return argumentInvalid('ReplicationTime', 'Invalid time minute value')
  }
  const threshold = metrics?.eventThreshold
  if (replicationTime?.status === 'Enabled') {
    if (threshold?.minutes === undefined)
      return argumentInvalid('ReplicationMetrics', 'ReplicationMetrics must contain an event threshold')
    return threshold.minutes === replicationMinutes
      ? undefined
      : argumentInvalid('ReplicationMetrics', 'Invalid event threshold minute value')
  }
  return threshold === undefined
    ? undefined
    : argumentInvalid(
        'Metrics',
        'Metrics cannot contain an event threshold when ReplicationTime is not specified or Disabled',
      )
}

function checkTogether(
  rules: readonly ReplicationRule[],
  isFirstSchema: boolean,
): ArgumentFault | Fault<'request-invalid'> | undefined {
  const ids = new Set<string>()
  const priorities = new Set<number>()
  for (const { id, priority } of rules) {
    if (ids.has(id)) return argumentInvalid('ID', 'Rule Id must be unique', id)
    ids.add(id)
    if (priority === undefined) continue
    if (priorities.has(priority)) return refused(`Found duplicate priority ${priority}.`)
    priorities.add(priority)
  }
  if (!isFirstSchema) return undefined
  if (new Set(rules.map(rule => rule.destination.bucket)).size > 1)
    return refused('Number of distinct destination bucket ARNs cannot exceed 1')
  // Sorted, a prefix stands right before the first of those that begin with it.
  const prefixes = rules.map(rule => rule.prefix ?? '').sort()
  for (let i = 1; i < prefixes.length; i++)
    if (prefixes[i]!.startsWith(prefixes[i - 1]!))
      return refused(`Found overlapping prefixes '${prefixes[i - 1]}' and '${prefixes[i]}'`)
  return undefined
}

export function renderReplication(configuration: ReplicationConfiguration): Reply {
  return xmlReply(writeDocument(root, shape, configuration))
}
