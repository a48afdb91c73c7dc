/**
 * Object lock: a bucket's default, an object's retention and legal hold, in documents and in headers. What a lock
 * forbids is a rule of the store's (gateway/rules/retention.ts).
 */
import { Fault, fault } from '../fault.ts'
import type { Reply, WireRequest } from '../operation.ts'
import {
  anything,
  integer,
  type MalformedFault,
  oneOf,
  optional,
  readDocument,
  record,
  required,
  timestamp,
  type ValueOf,
  writeDocument,
} from './document-shape.ts'
import { type ArgumentFault, argumentInvalid } from './parameters.ts'
import { formatTimestamp, parseTimestamp } from './timestamps.ts'
import { xmlReply } from './xml.ts'

const modes = oneOf('GOVERNANCE', 'COMPLIANCE')
export type LockMode = ValueOf<typeof modes>
const holds = oneOf('ON', 'OFF')
export type LegalHold = ValueOf<typeof holds>

export interface Retention {
  readonly mode: LockMode
  readonly untilMs: number
}
/** How long new versions are kept: one of the two. */
export interface DefaultRetention {
  readonly mode: LockMode
  readonly days?: number
  readonly years?: number
}
/** The lock of a bucket that has one. */
export interface BucketLock {
  readonly defaultRetention?: DefaultRetention
}
/** The lock of a version, as its headers tell it. */
export interface ObjectLock {
  readonly retention?: Retention
  readonly legalHold?: LegalHold
}

export type RetentionPeriodFault = Fault<'retention-period-invalid'>
export type EventHoldFault = Fault<'header-refused'>

/** "The maximum retention period is 100 years", and a year counts 365 days. */
const daysLimit = 36_500
const yearsLimit = 100

const bucketRoot = 'ObjectLockConfiguration'
const bucketShape = record({
  enabled: required('ObjectLockEnabled', oneOf('Enabled')),
  rule: optional(
    'Rule',
    record({
      defaultRetention: required(
        'DefaultRetention',
        record({
          mode: required('Mode', modes),
          days: optional('Days', integer),
          years: optional('Years', integer),
          eventHold: optional('DefaultEventHold', anything),
        }),
      ),
    }),
  ),
})
const retentionRoot = 'Retention'
const retentionShape = record({
  mode: optional('Mode', modes),
  untilMs: optional('RetainUntilDate', timestamp),
  eventHold: optional('EventHold', anything),
  eventHoldDuration: optional('EventHoldDuration', anything),
})
const holdRoot = 'LegalHold'
const holdShape = record({ status: required('Status', holds) })

/** S3 has holds that move the end of a retention since 2026; they are not done here, and refused. */
export const refusedLockHeaders = [
  'x-amz-object-lock-event-hold',
  'x-amz-object-lock-event-hold-duration-days',
  'x-amz-object-lock-event-hold-duration-years',
] as const

/** PutObjectLockConfiguration's document. */
export function parseBucketLock(body: Uint8Array): BucketLock | MalformedFault | RetentionPeriodFault | EventHoldFault {
  const document = readDocument(bucketRoot, bucketShape, body)
  if (document instanceof Fault) return document
  const period = document.rule?.defaultRetention
  if (period === undefined) return {}
  if (period.eventHold !== undefined) return fault('header-refused', { header: 'DefaultEventHold' })
  if ((period.days === undefined) === (period.years === undefined)) return fault('xml-malformed')
  return (
    checkPeriod('Days', period.days, daysLimit) ??
    checkPeriod('Years', period.years, yearsLimit) ?? { defaultRetention: period }
  )
}

function checkPeriod(name: string, value: number | undefined, limit: number): RetentionPeriodFault | undefined {
  if (value === undefined || (value > 0 && value <= limit)) return undefined
  const message =
    value > 0 ? 'Default retention period too large.' : 'Default retention period must be a positive integer value'
  return fault('retention-period-invalid', { name, value, message })
}

export function renderBucketLock({ defaultRetention }: BucketLock): Reply {
  const value = {
    enabled: 'Enabled',
    ...(defaultRetention === undefined ? {} : { rule: { defaultRetention } }),
  } as const
  return xmlReply(writeDocument(bucketRoot, bucketShape, value))
}

/**
 * PutObjectRetention's document; 'none' takes the retention away, which an empty document asks for. Whether its date
 * lies in the future is for those who have a clock.
 */
export function parseRetention(body: Uint8Array): Retention | 'none' | MalformedFault | EventHoldFault {
  const document = readDocument(retentionRoot, retentionShape, body)
  if (document instanceof Fault) return document
  const { mode, untilMs } = document
  if (document.eventHold !== undefined || document.eventHoldDuration !== undefined)
    return fault('header-refused', { header: 'EventHold' })
  if (mode === undefined && untilMs === undefined) return 'none'
  return mode === undefined || untilMs === undefined ? fault('xml-malformed') : { mode, untilMs }
}

export function renderRetention(retention: Retention): Reply {
  return xmlReply(writeDocument(retentionRoot, retentionShape, retention))
}

export function parseLegalHold(body: Uint8Array): LegalHold | MalformedFault {
  const document = readDocument(holdRoot, holdShape, body)
  return document instanceof Fault ? document : document.status
}

export function renderLegalHold(status: LegalHold): Reply {
  return xmlReply(writeDocument(holdRoot, holdShape, { status }))
}

const modeHeader = 'x-amz-object-lock-mode'
const untilHeader = 'x-amz-object-lock-retain-until-date'
const holdHeader = 'x-amz-object-lock-legal-hold'

/** The lock that a request asks for its new object; undefined when it asks for none. */
export function parseLockHeaders(request: WireRequest): ObjectLock | undefined | ArgumentFault {
  const mode = request.header(modeHeader)
  const until = request.header(untilHeader)
  const legalHold = request.header(holdHeader)
  if (mode === '' && until === '' && legalHold === '') return undefined
  const retention = parseRetentionHeaders(mode, until)
  if (retention instanceof Fault) return retention
  if (legalHold !== '' && legalHold !== 'ON' && legalHold !== 'OFF')
    return argumentInvalid(holdHeader, "Legal Hold must be either of 'ON' or 'OFF'", legalHold)
  return { ...(retention === undefined ? {} : { retention }), ...(legalHold === '' ? {} : { legalHold }) }
}

/** S3 minds that both are there before it minds what they say. */
function parseRetentionHeaders(mode: string, until: string): Retention | undefined | ArgumentFault {
  if (mode === '' && until === '') return undefined
  if (mode === '' || until === '')
    return argumentInvalid(
      mode === '' ? modeHeader : untilHeader,
      'x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied',
    )
  if (mode !== 'GOVERNANCE' && mode !== 'COMPLIANCE')
    return argumentInvalid(modeHeader, 'Unknown wormMode directive.', mode)
  const untilMs = parseTimestamp(until)
  if (untilMs === undefined)
    return argumentInvalid(untilHeader, 'The retain until date must be provided in ISO 8601 format', until)
  return { mode, untilMs }
}

/** The lock's headers of an object that is read. */
export function pushLockHeaders(headers: string[], { retention, legalHold }: ObjectLock): void {
  if (retention !== undefined) headers.push(modeHeader, retention.mode, untilHeader, formatTimestamp(retention.untilMs))
  if (legalHold !== undefined) headers.push(holdHeader, legalHold)
}

const bypassHeader = 'x-amz-bypass-governance-retention'

/** Whether a request asks to overlook retention in governance mode; undefined when it does not say. */
export function parseBypass(request: WireRequest): boolean | undefined {
  const value = request.header(bypassHeader)
  return value === '' ? undefined : value.toLowerCase() === 'true'
}

/** S3's answer to a bypass, asked for or not, where no bucket lock is; not to one on PutObjectRetention. */
export function bypassInapplicable(): ArgumentFault {
  return argumentInvalid(bypassHeader, `${bypassHeader} is only applicable to Object Lock enabled buckets.`)
}

/** S3's answer to a lock, asked for or by default, on a payload without Content-MD5 or checksum. */
export function lockedPayloadUndigested(): Fault<'checksum-missing'> {
  return fault('checksum-missing', {
    message:
      'Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters',
  })
}
