/**
 * A bucket's lifecycle: LifecycleConfiguration, read, checked and written, and the headers that tell of it. What its
 * rules do to objects is decided in gateway/rules/lifecycle.ts.
 * Sources: S3 API Reference, PutBucketLifecycleConfiguration (1,000 rules); User Guide, "Lifecycle configuration
 * elements".
 */
import { type Fault, fault } from '../fault.ts'
import { formatHttpDate, formatIsoDate } from '../http-date.ts'
import { element, parseXml } from '../xml.ts'
import { checkLifecycle, type LifecycleRuleFault } from './lifecycle-check.ts'
import { type GivenRule, type GivenTime, readLifecycleRules } from './lifecycle-read.ts'
import {
  type LifecycleConfiguration,
  type LifecycleDue,
  type LifecycleExpiration,
  type LifecycleFilter,
  type LifecycleRule,
  type LifecycleTime,
  type NoncurrentExpiration,
  type TransitionClass,
  transitionMinimums,
} from './lifecycle-rule.ts'
import { s3Document } from './xml.ts'

/** 1,000 rules with a prefix of 1,024 bytes, an ID of 255 and all actions are 3 MB. */
export const lifecycleDocumentLimitBytes = 4 * 1024 * 1024
const documentLimits = { maxDepth: 7, maxNodes: 200_000 }

export type LifecycleFault = Fault<'xml-malformed'> | LifecycleRuleFault

/**
 * @param minimum the request's x-amz-transition-default-minimum-object-size; '' for none
 * @param idFor makes an id for the rule at an index that came without one; S3's are 48 letters of base64 around a UUID
 */
export function parseLifecycle(
  body: Uint8Array,
  minimum: string,
  idFor: (index: number) => string,
): LifecycleConfiguration | LifecycleFault {
  const root = parseXml(body, documentLimits)
  // The API Reference's own examples spell the root both ways.
  const given =
    root?.name === 'LifecycleConfiguration' || root?.name === 'LifeCycleConfiguration'
      ? readLifecycleRules(root)
      : undefined
  if (given === undefined) return fault('xml-malformed')
  const transitionMinimum = minimum === '' ? transitionMinimums[0] : transitionMinimums.find(name => name === minimum)
  if (transitionMinimum === undefined)
    return fault('request-invalid', { message: `Invalid TransitionDefaultMinimumObjectSize found: ${minimum}` })
  const refused = checkLifecycle(given)
  if (refused !== undefined) return refused
  return { rules: given.map((rule, index) => finish(rule, () => idFor(index))), transitionMinimum }
}

/** A rule that was checked: without what only its errors would have repeated. */
function finish(given: GivenRule, newId: () => string): LifecycleRule {
  const { id, expiration, transitions, ...rest } = given
  return {
    id: id === '' ? newId() : id,
    ...rest,
    ...(expiration === undefined
      ? {}
      : { expiration: 'expiredObjectDeleteMarker' in expiration ? expiration : timeOf(expiration) }),
    transitions: transitions.map(transition => ({
      ...timeOf(transition),
      storageClass: transition.storageClass as TransitionClass,
    })),
    noncurrentTransitions: given.noncurrentTransitions.map(transition => ({
      ...transition,
      storageClass: transition.storageClass as TransitionClass,
    })),
  }
}
function timeOf({ days, dateMs }: GivenTime): LifecycleTime {
  return days === undefined ? { dateMs: dateMs! } : { days }
}

export function renderLifecycle({ rules }: LifecycleConfiguration): string {
  return s3Document('LifecycleConfiguration', rules.map(renderRule).join(''))
}

function renderRule(rule: LifecycleRule): string {
  return (
    `<Rule>${element('ID', rule.id)}${renderFilter(rule.filter)}` +
    element('Status', rule.enabled ? 'Enabled' : 'Disabled') +
    rule.transitions
      .map(action => `<Transition>${renderTime(action)}${element('StorageClass', action.storageClass)}</Transition>`)
      .join('') +
    (rule.expiration === undefined ? '' : `<Expiration>${renderExpiration(rule.expiration)}</Expiration>`) +
    rule.noncurrentTransitions
      .map(
        action =>
          `<NoncurrentVersionTransition>${renderNoncurrent(action)}${element('StorageClass', action.storageClass)}` +
          '</NoncurrentVersionTransition>',
      )
      .join('') +
    (rule.noncurrentExpiration === undefined
      ? ''
      : `<NoncurrentVersionExpiration>${renderNoncurrent(rule.noncurrentExpiration)}</NoncurrentVersionExpiration>`) +
    (rule.abortUploadDays === undefined
      ? ''
      : `<AbortIncompleteMultipartUpload>${element('DaysAfterInitiation', rule.abortUploadDays)}` +
        '</AbortIncompleteMultipartUpload>') +
    '</Rule>'
  )
}

function renderFilter({ form, prefix, tags, sizeGreaterThan, sizeLessThan }: LifecycleFilter): string {
  const conditions =
    (prefix === undefined ? '' : element('Prefix', prefix)) +
    tags.map(tag => `<Tag>${element('Key', tag.key)}${element('Value', tag.value)}</Tag>`).join('') +
    (sizeGreaterThan === undefined ? '' : element('ObjectSizeGreaterThan', sizeGreaterThan)) +
    (sizeLessThan === undefined ? '' : element('ObjectSizeLessThan', sizeLessThan))
  if (form === 'rule-prefix') return conditions
  if (form === 'and') return `<Filter><And>${conditions}</And></Filter>`
  return form === 'empty' ? '<Filter/>' : `<Filter>${conditions}</Filter>`
}

function renderTime(time: LifecycleTime): string {
  return 'days' in time ? element('Days', time.days) : element('Date', formatIsoDate(time.dateMs))
}
function renderExpiration(expiration: LifecycleExpiration): string {
  return 'expiredObjectDeleteMarker' in expiration
    ? element('ExpiredObjectDeleteMarker', String(expiration.expiredObjectDeleteMarker))
    : renderTime(expiration)
}
function renderNoncurrent({ days, newerVersions }: NoncurrentExpiration): string {
  return (
    element('NoncurrentDays', days) +
    (newerVersions === undefined ? '' : element('NewerNoncurrentVersions', newerVersions))
  )
}

/** The value of x-amz-expiration. */
export function expirationHeader({ atMs, ruleId }: LifecycleDue): string {
  return `expiry-date="${formatHttpDate(atMs)}", rule-id="${encodeRuleId(ruleId)}"`
}

/** What CreateMultipartUpload and ListParts tell of an upload that will be aborted: [name, value, …]. */
export function abortHeaders({ atMs, ruleId }: LifecycleDue): readonly string[] {
  return ['x-amz-abort-date', formatHttpDate(atMs), 'x-amz-abort-rule-id', encodeRuleId(ruleId)]
}

/**
 * "The value of the rule-id is URL-encoded" (GetObject), yet every recorded answer has its spaces as they are. So only
 * what a header or the quotes around it could not carry is encoded.
 */
function encodeRuleId(id: string): string {
  return id.replace(/[^\x20\x21\x23\x24\x26-\x7e]+/g, part => encodeURIComponent(Buffer.from(part).toString()))
}
