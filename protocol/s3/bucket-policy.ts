/** Policies of buckets, their document operations, and when S3 calls one public. */
import type { Reply } from '../operation.ts'
import { parseRange } from '../policy/address-range.ts'
import type { Condition } from '../policy/condition.ts'
import { type PolicyFault, parsePolicy } from '../policy/parse.ts'
import { canContinue, canMatch } from '../policy/pattern.ts'
import type { Policy, PolicyRules, Statement, Vocabulary } from '../policy/policy.ts'
import { bucketActions, objectActions } from './actions.ts'
import { actionsOfKey } from './condition-keys.ts'
import { s3Document, xmlReply } from './xml.ts'

/** Of the normalized document (S3 User Guide, "Bucket policies": 20 KB). */
export const bucketPolicyLimitBytes = 20 * 1024

const onBucket = 1
const onObject = 2
const actions: ReadonlyMap<string, number> = new Map([
  ...bucketActions.map(action => [action.toLowerCase(), onBucket] as const),
  ...objectActions.map(action => [action.toLowerCase(), onObject] as const),
  // About all buckets, which are no resource of one bucket's policy.
  ['s3:listallmybuckets', 0] as const,
])

const arnPrefix = 'arn:aws:s3:::'

export function bucketArn(bucket: string): string {
  return arnPrefix + bucket
}
export function objectArn(bucket: string, key: string): string {
  return `${arnPrefix}${bucket}/${key}`
}

/** What a policy of this bucket may say: its resources are the bucket and the objects in it. */
function rulesFor(bucket: string): PolicyRules {
  const arn = bucketArn(bucket)
  const vocabulary: Vocabulary = {
    actions,
    resourceKinds: pattern =>
      pattern.source.startsWith(arnPrefix)
        ? (canMatch(pattern, arn) ? onBucket : 0) | (canContinue(pattern, `${arn}/`) ? onObject : 0)
        : 0,
    actionsOfKey,
  }
  return { limitBytes: bucketPolicyLimitBytes, principals: 'required', uniqueSids: false, vocabulary }
}

/** The policy of a bucket, from what PutBucketPolicy was sent. */
export function parseBucketPolicy(bytes: Uint8Array, bucket: string): Policy | PolicyFault {
  return parsePolicy(bytes, rulesFor(bucket))
}
/** The same without asking whether its actions, resources and keys fit each other: of a policy that is kept. */
export function parseKeptPolicy(bytes: Uint8Array): Policy | PolicyFault {
  return parsePolicy(bytes, { limitBytes: bucketPolicyLimitBytes, principals: 'required', uniqueSids: false })
}

/** GetBucketPolicy answers the document byte for byte as it was put. */
export function renderBucketPolicy(document: string): Reply {
  return { status: 200, headers: ['Content-Type', 'application/json'], body: document }
}

export function renderPolicyStatus(isPublic: boolean): Reply {
  return xmlReply(s3Document('PolicyStatus', `<IsPublic>${isPublic}</IsPublic>`))
}

/**
 * Whether S3 calls a policy public: it is, unless everything it allows is for fixed principals or for requests with
 * fixed values of certain keys (S3 User Guide, "Blocking public access", "The meaning of public").
 */
export function isPublicPolicy(policy: Policy): boolean {
  return policy.statements.some(
    statement => statement.effect === 'allow' && !namesFixedPrincipals(statement) && !isConfined(statement, policy),
  )
}

/** A provider of identities vouches for anyone who signs up there. */
function namesFixedPrincipals({ principals }: Statement): boolean {
  return principals !== undefined && !principals.everyone && principals.federated.size === 0
}

function isConfined({ conditions }: Statement, policy: Policy): boolean {
  return conditions.some(condition => confines(condition, policy.version === '2012-10-17'))
}

const confiningKeys = new Set([
  'aws:principalaccount',
  'aws:principalarn',
  'aws:principalorgid',
  'aws:principalorgpaths',
  'aws:sourceaccount',
  'aws:sourcearn',
  'aws:sourceowner',
  'aws:sourcevpc',
  'aws:sourcevpce',
  's3:dataaccesspointaccount',
  's3:x-amz-server-side-encryption-aws-kms-key-id',
])
const confiningOperators = new Set(['StringEquals', 'StringEqualsIgnoreCase', 'StringLike', 'ArnEquals', 'ArnLike'])

/** A condition that a request without the key would meet confines nothing. */
function confines({ operator, quantifier, ifExists, key, values }: Condition, variables: boolean): boolean {
  if (ifExists || quantifier === 'all') return false
  if (key === 'aws:sourceip') return operator.name === 'IpAddress' && values.every(isNarrow)
  if (!confiningOperators.has(operator.name)) return false
  const isFixed = (value: string) => !/[*?]/.test(value) && !(variables && value.includes('${'))
  // Any access point of a fixed account will do.
  if (key === 's3:dataaccesspointarn') return values.every(value => isFixed(value.split(':', 5).join(':')))
  // A role's unique id with the name that a session gave itself.
  if (key === 'aws:userid') return values.every(value => isFixed(value) && !/^AROA[A-Z0-9]*:/.test(value))
  return confiningKeys.has(key) && values.every(isFixed)
}

/** No broader than /8 of IPv4 or /32 of IPv6. Private ranges are excepted from that, but none of them is broader. */
function isNarrow(value: string): boolean {
  const range = parseRange(value)
  return range !== undefined && range.prefix >= (range.bytes.length === 4 ? 8 : 32)
}
