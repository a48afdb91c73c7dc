/**
 * What one request may do: the rules of access, asked with what the store has found. A request of a bucket's owner on a
 * bucket without settings never gets here (gateway/store/rows.ts, isPlain).
 */
import { type Fault, fault } from '../protocol/fault.ts'
import type { WireRequest } from '../protocol/operation.ts'
import type { Lookup } from '../protocol/policy/pattern.ts'
import type { Tag } from '../protocol/properties.ts'
import { actionOf, extraActions, type OperationAccess, sourceAccess } from '../protocol/s3/actions.ts'
import type { LegalHold } from '../protocol/s3/object-lock.ts'
import type { RetentionInput } from '../protocol/s3/object-properties.ts'
import { type ContextFacts, policyContext, type SignatureFacts } from '../protocol/s3/policy-context.ts'
import type { Verified } from './authenticate.ts'
import type { Access, Principal } from './context.ts'
import type { Exchange } from './exchange.ts'
import { arnOf } from './principal-arn.ts'
import {
  type Asker,
  anonymousId,
  answerMissing,
  checkBucketAccess,
  checkObjectAccess,
  checkSessionAccess,
  checkWriteAccess,
  type GuardedBucket,
} from './rules/access.ts'
import { guardsOf } from './rules/guards.ts'
import type { Guard, GuardedObject } from './store/contract.ts'
import { type BucketColumns, decodeProperties } from './store/rows.ts'
import { readSettings } from './store/settings-text.ts'

const objectMissing = fault('object-missing')
const putObject = 's3:PutObject'
const ofPut: OperationAccess = actionOf.PutObject
const denied = fault('access-denied')

export class RequestAccess implements Access {
  readonly #exchange: Exchange
  readonly #request: WireRequest
  readonly #operation: string
  readonly #input: unknown
  readonly #verified: Verified
  /** Of the object last looked at: a key of conditions. */
  #properties: string | null = null
  #asker: Asker | null = null
  #lookup: Lookup | undefined

  /**
   * @param request the exchange's own, or a form's fields in its place
   * @param input what the operation has read from it
   */
  constructor(exchange: Exchange, request: WireRequest, operation: string, input: unknown, verified: Verified) {
    this.#exchange = exchange
    this.#request = request
    this.#operation = operation
    this.#input = input
    this.#verified = verified
  }

  ofBucket(bucket: string): Guard {
    return new TargetGuard(this, bucket, undefined, 'target', false)
  }
  ofObject(bucket: string, key: string, versioned: boolean): Guard {
    return new TargetGuard(this, bucket, key, 'target', versioned)
  }
  /** What a copy reads, or a rename takes away. */
  ofSource(bucket: string, key: string, versioned: boolean): Guard {
    return new TargetGuard(this, bucket, key, 'source', versioned)
  }

  checkSession(bucket: string): Fault<'access-denied'> | undefined {
    if (!this.restricted) return undefined
    const actions = [...this.actions('target', false), ...this.extras()]
    return checkSessionAccess(this.asker, bucket, actions, this.context(undefined))
  }

  get restricted(): boolean {
    return this.#verified.principal.session?.policy !== undefined
  }
  /** A bucket with settings: what they make happen afterwards begins here. A copy's source is not the request's own. */
  note(bucket: string, row: BucketColumns, object: GuardedObject | undefined): void {
    const exchange = this.#exchange
    if (row.settings === null || bucket !== exchange.request.bucket) return
    exchange.noted = row
    exchange.notedBytes = exchange.request.key === '' ? undefined : object?.size
    // Asked while the client is there.
    if (readSettings(row.settings).logging !== undefined) exchange.remoteAddress()
  }

  get asker(): Asker {
    if (this.#asker === null) this.#asker = askerOf(this.#verified.principal)
    return this.#asker
  }
  extras(): readonly string[] {
    return extraActions(this.#operation, this.#request)
  }
  /**
   * Of a bucket whose requesters pay: all but its owner must say that they do, and must be somebody (S3 User Guide,
   * "Using Requester Pays general purpose buckets"). Any other value of the header says nothing.
   */
  checkPayer(ownerId: number): Fault<'access-denied'> | undefined {
    const { asker } = this
    if (asker?.identityId === ownerId) return undefined
    if (asker === undefined || this.#request.header('x-amz-request-payer').toLowerCase() !== 'requester') return denied
    this.#exchange.charged = true
    return undefined
  }
  /** Conditions of policies about this request, and the object it found. */
  context(object: GuardedObject | undefined): Lookup {
    this.#properties = object?.properties ?? null
    this.#lookup ??= this.#makeContext()
    return this.#lookup
  }

  /** What the operation does to its target, or to what it reads. */
  actions(side: Side, versioned: boolean): readonly string[] {
    const known: Readonly<Record<string, OperationAccess>> = side === 'source' ? sourceAccess : actionOf
    const access = known[this.#operation] ?? (side === 'source' ? sourceAccess.CopyObject : ofPut)
    return versioned ? access.versioned : access.actions
  }

  #makeContext(): Lookup {
    const { principal, nowMs } = this.#verified
    let lookup: Lookup | undefined
    return key => {
      lookup ??= policyContext({
        request: this.#request,
        operation: this.#operation,
        principal: this.asker,
        account: principal.account,
        sourceAddress: this.#exchange.remoteAddress(),
        secure: this.#exchange.scheme === 'https',
        nowMs,
        signature: signatureOf(this.#verified),
        existingTags: () => pairsOf(decodeProperties(this.#properties)?.tags),
        ...documentFacts(this.#operation, this.#input),
      })
      return lookup(key)
    }
  }
}

function pairsOf(tags: readonly Tag[] | undefined) {
  return tags?.map(({ key, value }) => [key, value] as const)
}

/** What conditions ask for that stands in a document; of other operations the headers say it. */
function documentFacts(operation: string, input: unknown): Pick<ContextFacts, 'requestTags' | 'lock'> {
  const { value } = input as { readonly value?: unknown }
  switch (operation) {
    case 'PutObjectTagging':
      return { requestTags: pairsOf(value as readonly Tag[]) }
    case 'PutObjectRetention': {
      const { retention } = value as RetentionInput
      return { lock: retention === 'none' ? {} : { mode: retention.mode, retainUntilMs: retention.untilMs } }
    }
    case 'PutObjectLegalHold':
      return { lock: { legalHold: value as LegalHold } }
    default:
      return {}
  }
}

const formNames = { header: 'REST-HEADER', query: 'REST-QUERY-STRING', form: 'POST' } as const

function signatureOf({ form, principal, signedAtMs, nowMs }: Verified): SignatureFacts | undefined {
  if (form === 'none') return undefined
  const { region } = principal
  // Version 2 names no region.
  const version = region === '' ? 'AWS' : 'AWS4-HMAC-SHA256'
  return { version, form: formNames[form], ageMs: Math.max(0, nowMs - (signedAtMs ?? nowMs)), region }
}

/** A session has the rights of its identity: who names that in a policy names its sessions too. */
export function askerOf(principal: Principal): Asker {
  if (principal.identityId === anonymousId) return undefined
  const { identityId, canonicalId, account, identityName: name, session } = principal
  const [roleArn, sessionPolicy] = [session?.role?.arn, session?.policy]
  return { identityId, canonicalId, account, name, arn: arnOf(principal), roleArn, sessionPolicy }
}

type Side = 'target' | 'source'

/** Most are never asked: nothing is looked up until one is. */
class TargetGuard implements Guard {
  readonly #access: RequestAccess
  readonly #bucket: string
  readonly #key: string | undefined
  readonly #side: Side
  readonly #versioned: boolean

  constructor(access: RequestAccess, bucket: string, key: string | undefined, side: Side, versioned: boolean) {
    this.#access = access
    this.#bucket = bucket
    this.#key = key
    this.#side = side
    this.#versioned = versioned
  }

  get #actions(): readonly string[] {
    return this.#access.actions(this.#side, this.#versioned)
  }

  get restricted(): boolean {
    return this.#access.restricted
  }

  check(row: BucketColumns, object: GuardedObject | undefined): Fault<'access-denied'> | undefined {
    const access = this.#access
    access.note(this.#bucket, row, object)
    const { asker } = access
    const bucket = this.#guarded(row)
    const unpaid = this.checkPayer(row)
    if (unpaid !== undefined) return unpaid
    const context = access.context(object)
    const key = this.#key
    if (key === undefined) return checkBucketAccess(asker, bucket, this.#actions, context)
    // Of what is not there, whoever may list the bucket is told so, whether or not it may read objects.
    if (object === undefined && this.#actions[0]!.startsWith('s3:Get') && this.mayMiss(row)) return undefined
    if (this.#actions[0] === putObject) return checkWriteAccess(asker, bucket, key, access.extras(), context)
    const properties = decodeProperties(object?.properties ?? null)
    const found = object && { ownerId: object.owner_id, acl: properties?.acl }
    return checkObjectAccess(asker, bucket, key, found, this.#wanted(), context)
  }

  checkPayer(row: BucketColumns): Fault<'access-denied'> | undefined {
    if (readSettings(row.settings).requestPayment !== 'Requester') return undefined
    return this.#access.checkPayer(row.bucket_owner)
  }

  mayMiss(row: BucketColumns): boolean {
    const access = this.#access
    access.note(this.#bucket, row, undefined)
    const { asker } = access
    const context = access.context(undefined)
    const [action = ''] = this.#actions
    const bucket = this.#guarded(row)
    return answerMissing(asker, bucket, this.#key ?? '', action, context, objectMissing) === objectMissing
  }

  /** With what headers ask for beside, as to overlook a retention. */
  #wanted(): readonly string[] {
    const extras = this.#access.extras()
    return extras.length === 0 ? this.#actions : [...this.#actions, ...extras]
  }

  #guarded(row: BucketColumns): GuardedBucket {
    const guards = guardsOf(readSettings(row.settings), this.#bucket)
    return { name: this.#bucket, ownerId: row.bucket_owner, guards }
  }
}
