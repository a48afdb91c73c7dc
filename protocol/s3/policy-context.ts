/**
 * What an S3 request says of each condition key. Looked up one key at a time, and only once a statement's principal,
 * action and resource are met. Sources: S3 User Guide, "Policy condition keys for Amazon S3"; IAM User Guide, "AWS
 * global condition context keys".
 */
import type { WireRequest } from '../operation.ts'
import type { Lookup } from '../policy/pattern.ts'
import type { IdentityPrincipal, PolicyPrincipal } from '../policy/principal.ts'
import { decodePercent, Query } from '../query.ts'

export type TagList = Iterable<readonly [key: string, value: string]>

/** What keys are about beside the request itself. */
export interface ContextFacts {
  readonly request: WireRequest
  readonly operation: string
  readonly principal: PolicyPrincipal
  /** Of the environment: 12 digits. */
  readonly account: string
  readonly sourceAddress: string
  readonly secure: boolean
  readonly nowMs: number
  /** Undefined: the request is not signed. */
  readonly signature?: SignatureFacts | undefined
  /** `1.2` or `1.3`. */
  readonly tlsVersion?: string | undefined
  /** Of the object that the request points at, read only when a policy asks. */
  readonly existingTags?: (() => TagList | undefined) | undefined
  /** Those of a document; without them the header's are taken. */
  readonly requestTags?: TagList | undefined
  /** Of a document; without it the headers' are taken. */
  readonly lock?: LockFacts | undefined
  /** Of a CreateBucket document. */
  readonly locationConstraint?: string | undefined
}
export interface SignatureFacts {
  readonly version: 'AWS4-HMAC-SHA256' | 'AWS'
  readonly form: 'REST-HEADER' | 'REST-QUERY-STRING' | 'POST'
  /** Since it was signed. */
  readonly ageMs: number
  readonly region: string
}
export interface LockFacts {
  readonly mode?: string | undefined
  readonly retainUntilMs?: number | undefined
  readonly legalHold?: string | undefined
}

type Read = (facts: ContextFacts) => string | undefined

function header(name: string): Read {
  return ({ request }) => request.header(name) || undefined
}
function parameter(name: string): Read {
  return ({ request }) => request.query.get(name)
}
function identity(read: (identity: IdentityPrincipal) => string | undefined): Read {
  return ({ principal }) => (principal === undefined || 'service' in principal ? undefined : read(principal))
}
/** `bucket/key` decoded, without the slash before it and the version behind it: what policies are written for. */
const copySource: Read = ({ request }) => {
  const [path = ''] = request.header('x-amz-copy-source').split('?', 1)
  const decoded = decodePercent(path) ?? path
  return (decoded.startsWith('/') ? decoded.slice(1) : decoded) || undefined
}

const retainUntil = 'x-amz-object-lock-retain-until-date'
function retainUntilMs({ request, lock }: ContextFacts): number | undefined {
  if (lock !== undefined) return lock.retainUntilMs
  const ms = Date.parse(request.header(retainUntil))
  return Number.isNaN(ms) ? undefined : ms
}
const msPerDay = 86_400_000
const remainingDays: Read = facts => {
  const until = retainUntilMs(facts)
  return until === undefined ? undefined : String(Math.ceil((until - facts.nowMs) / msPerDay))
}
const retainUntilDate: Read = facts => {
  const until = retainUntilMs(facts)
  return until === undefined ? undefined : new Date(until).toISOString()
}

/** These write an object into its place; parts and the start of an upload only prepare it. */
const creations = new Set(['PutObject', 'CopyObject', 'CompleteMultipartUpload'])

const headerKeys = [
  'x-amz-acl',
  'x-amz-bucket-namespace',
  'x-amz-content-sha256',
  'x-amz-grant-full-control',
  'x-amz-grant-read',
  'x-amz-grant-read-acp',
  'x-amz-grant-write',
  'x-amz-grant-write-acp',
  'x-amz-metadata-directive',
  'x-amz-object-ownership',
  'x-amz-server-side-encryption',
  'x-amz-server-side-encryption-aws-kms-key-id',
  'x-amz-server-side-encryption-customer-algorithm',
  'x-amz-storage-class',
  'x-amz-website-redirect-location',
  'if-match',
  'if-none-match',
]

const reads: ReadonlyMap<string, Read> = new Map<string, Read>([
  ...headerKeys.map(name => [`s3:${name}`, header(name)] as const),
  ['aws:currenttime', ({ nowMs }) => new Date(nowMs).toISOString()],
  ['aws:epochtime', ({ nowMs }) => String(Math.floor(nowMs / 1000))],
  ['aws:principalaccount', identity(({ account }) => account)],
  ['aws:principalarn', identity(({ arn, roleArn }) => roleArn ?? arn)],
  ['aws:principalisawsservice', ({ principal }) => String(principal !== undefined && 'service' in principal)],
  [
    'aws:principalservicename',
    ({ principal }) => (principal && 'service' in principal ? principal.service : undefined),
  ],
  ['aws:principaltype', ({ principal }) => principalType(principal)],
  ['aws:referer', header('referer')],
  ['aws:requestedregion', ({ signature }) => signature?.region || undefined],
  ['aws:resourceaccount', ({ account }) => account],
  ['aws:securetransport', ({ secure }) => String(secure)],
  ['aws:sourceip', ({ sourceAddress }) => sourceAddress || undefined],
  ['aws:useragent', header('user-agent')],
  ['aws:userid', identity(({ canonicalId }) => canonicalId)],
  ['aws:username', identity(({ name, roleArn }) => (roleArn === undefined ? name : undefined))],
  ['aws:viaawsservice', () => 'false'],
  ['s3:authtype', ({ signature }) => signature?.form],
  ['s3:delimiter', parameter('delimiter')],
  ['s3:locationconstraint', ({ locationConstraint }) => locationConstraint || undefined],
  ['s3:max-keys', parameter('max-keys')],
  ['s3:object-lock-legal-hold', facts => (facts.lock ?? legalHoldOf(facts)).legalHold],
  ['s3:object-lock-mode', facts => (facts.lock ?? modeOf(facts)).mode],
  ['s3:object-lock-remaining-retention-days', remainingDays],
  ['s3:object-lock-retain-until-date', retainUntilDate],
  ['s3:objectcreationoperation', ({ operation }) => String(creations.has(operation))],
  ['s3:prefix', parameter('prefix')],
  ['s3:resourceaccount', ({ account }) => account],
  ['s3:signatureage', ({ signature }) => (signature === undefined ? undefined : String(signature.ageMs))],
  ['s3:signatureversion', ({ signature }) => signature?.version],
  ['s3:tlsversion', ({ tlsVersion }) => tlsVersion],
  ['s3:versionid', ({ request }) => request.query.get('versionId') || undefined],
  ['s3:x-amz-copy-source', copySource],
])

function modeOf({ request }: ContextFacts): LockFacts {
  return { mode: request.header('x-amz-object-lock-mode') || undefined }
}
function legalHoldOf({ request }: ContextFacts): LockFacts {
  return { legalHold: request.header('x-amz-object-lock-legal-hold') || undefined }
}

function principalType(principal: PolicyPrincipal): string {
  if (principal === undefined) return 'Anonymous'
  if ('service' in principal) return 'Service'
  return principal.roleArn === undefined ? 'User' : 'AssumedRole'
}

function requestTags({ request, requestTags: tags }: ContextFacts): TagList {
  return tags ?? new Query(request.header('x-amz-tagging'))
}

/** Keys of tags in conditions are compared without regard to case, as all condition keys are. */
function tagValues(tags: TagList | undefined, lowerKey: string): readonly string[] | undefined {
  for (const [key, value] of tags ?? []) if (key.toLowerCase() === lowerKey) return [value]
  return undefined
}
function tagKeys(tags: TagList): readonly string[] | undefined {
  const keys = Array.from(tags, ([key]) => key)
  return keys.length === 0 ? undefined : keys
}

const existingTag = 's3:existingobjecttag/'
const requestTag = 's3:requestobjecttag/'

export function policyContext(facts: ContextFacts): Lookup {
  return key => {
    const read = reads.get(key)
    if (read !== undefined) {
      const value = read(facts)
      return value === undefined ? undefined : [value]
    }
    if (key === 's3:requestobjecttagkeys') return tagKeys(requestTags(facts))
    if (key.startsWith(existingTag)) return tagValues(facts.existingTags?.(), key.slice(existingTag.length))
    if (key.startsWith(requestTag)) return tagValues(requestTags(facts), key.slice(requestTag.length))
    return undefined
  }
}
