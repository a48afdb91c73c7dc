/**
 * What S3 finds wrong with lifecycle rules that fit its schema: limits, contradictions and orders, in its own words.
 * Sources: User Guide, "Transitioning objects using Amazon S3 Lifecycle" (30 days before STANDARD_IA and ONEZONE_IA,
 * and the days an object must stay in a class); messages as the service was recorded to answer them. No record was
 * found of those about a prefix that is too long, a tag's length, a negative size and NewerNoncurrentVersions: they are
 * worded as other implementations of S3 word them.
 */
import { type Fault, fault } from '../fault.ts'
import { msPerDay } from './due-date.ts'
import type { GivenNoncurrent, GivenRule, GivenTime, GivenTransition } from './lifecycle-read.ts'
import { type LifecycleFilter, type TransitionClass, transitionClasses } from './lifecycle-rule.ts'
import { type ArgumentFault, argumentInvalid } from './parameters.ts'

export type LifecycleRuleFault = Fault<'request-invalid'> | ArgumentFault
type Verdict = LifecycleRuleFault | undefined

const ruleLimit = 1000
const idLimit = 255
const prefixLimitBytes = 1024
/** 1,000 TiB: what S3 names in its own message. */
const sizeLimitBytes = 1_099_511_627_776_000

/** The first fault of a document's rules. */
export function checkLifecycle(rules: readonly GivenRule[]): Verdict {
  if (rules.length === 0) return invalid('At least one lifecycle rule must be specified.')
  if (rules.length > ruleLimit)
    return invalid(`The number of lifecycle rules must not exceed the allowed limit of ${ruleLimit} rules.`)
  return checkIds(rules) ?? checkForms(rules) ?? firstOf(rules, checkRule) ?? checkOverlaps(rules)
}

function firstOf<T>(items: readonly T[], check: (item: T) => Verdict): Verdict {
  for (const item of items) {
    const refused = check(item)
    if (refused !== undefined) return refused
  }
  return undefined
}

function invalid(message: string): Fault<'request-invalid'> {
  return fault('request-invalid', { message })
}

function checkIds(rules: readonly GivenRule[]): Verdict {
  const seen = new Set<string>()
  for (const { id } of rules) {
    if (id.length > idLimit) return argumentInvalid('ID', `ID length should not exceed allowed limit of ${idLimit}`, id)
    if (seen.has(id)) return argumentInvalid('ID', 'Rule ID must be unique. Found same ID for more than one rule', id)
    if (id !== '') seen.add(id)
  }
  return undefined
}

/** "Lifecycle V2" are rules with filters. The first rule says which of the two all of them are. */
function checkForms(rules: readonly GivenRule[]): Verdict {
  const isV1 = rules[0]!.filter.form === 'rule-prefix'
  return firstOf(rules, rule => {
    if ((rule.filter.form === 'rule-prefix') !== isV1)
      return isV1
        ? invalid('Filter element can only be used in Lifecycle V2.')
        : invalid('Base level prefix cannot be used in Lifecycle V2, prefixes are only supported in the Filter.')
    const newer = [rule.noncurrentExpiration, ...rule.noncurrentTransitions].some(
      action => action?.newerVersions !== undefined,
    )
    return isV1 && newer ? invalid('NewerNoncurrentVersions element can only be used in Lifecycle V2.') : undefined
  })
}

function checkRule(rule: GivenRule): Verdict {
  return checkFilter(rule.filter) ?? checkActions(rule) ?? checkTransitions(rule) ?? checkNoncurrent(rule)
}

function checkFilter({ prefix, tags, sizeGreaterThan, sizeLessThan }: LifecycleFilter): Verdict {
  if (prefix !== undefined && Buffer.byteLength(prefix) > prefixLimitBytes)
    return invalid(`The maximum size of a prefix is ${prefixLimitBytes}.`)
  const keys = new Set<string>()
  for (const { key, value } of tags) {
    if (key.length < 1 || key.length > 128) return invalid("A Tag's Key must be a length between 1 and 128.")
    if (value.length > 256) return invalid("A Tag's Value must be a length between 0 and 256.")
    if (keys.has(key)) return invalid('Duplicate Tag Keys are not allowed.')
    keys.add(key)
  }
  if (sizeGreaterThan !== undefined && (sizeGreaterThan < 0 || sizeGreaterThan > sizeLimitBytes))
    return invalid(`'ObjectSizeGreaterThan' should be between 0 and ${sizeLimitBytes}.`)
  if (sizeLessThan !== undefined && (sizeLessThan < 1 || sizeLessThan > sizeLimitBytes))
    return invalid(`'ObjectSizeLessThan' should be between 1 and ${sizeLimitBytes}.`)
  if (sizeGreaterThan !== undefined && sizeLessThan !== undefined && sizeGreaterThan >= sizeLessThan)
    return invalid("'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.")
  return undefined
}

/** Uploads in progress and delete markers have neither tags nor a size. */
function checkActions(rule: GivenRule): Verdict {
  const { expiration, abortUploadDays, filter } = rule
  const actions = [expiration, rule.noncurrentExpiration, abortUploadDays].filter(action => action !== undefined)
  if (actions.length + rule.transitions.length + rule.noncurrentTransitions.length === 0)
    return invalid('At least one action needs to be specified in a rule')
  const unfiltered = [
    ...(expiration !== undefined && 'expiredObjectDeleteMarker' in expiration ? ['ExpiredObjectDeleteMarker'] : []),
    ...(abortUploadDays !== undefined ? ['AbortIncompleteMultipartUpload'] : []),
  ]
  for (const action of unfiltered) {
    if (filter.tags.length > 0) return invalid(`${action} cannot be specified with Tags.`)
    if (filter.sizeGreaterThan !== undefined || filter.sizeLessThan !== undefined)
      return invalid(`${action} cannot be specified with Object Size.`)
  }
  if (abortUploadDays !== undefined && abortUploadDays < 1)
    return notPositive('DaysAfterInitiation', 'AbortIncompleteMultipartUpload', abortUploadDays)
  if (expiration === undefined || 'expiredObjectDeleteMarker' in expiration) return undefined
  if (expiration.days !== undefined && expiration.days < 1) return notPositive('Days', 'Expiration', expiration.days)
  return checkMidnight(expiration)
}

function notPositive(name: string, action: string, value: number): ArgumentFault {
  return argumentInvalid(name, `'${name}' for ${action} action must be a positive integer`, String(value))
}
function checkMidnight({ dateMs, dateText }: GivenTime): Verdict {
  return dateMs === undefined || dateMs % msPerDay === 0
    ? undefined
    : argumentInvalid('Date', "'Date' must be at midnight GMT", dateText)
}

function checkTransitions({ transitions, expiration, filter }: GivenRule): Verdict {
  for (const transition of transitions) {
    const { days, dateMs } = transition
    const refused = checkTarget(transition, 'Transition', 'Days') ?? checkMidnight(transition)
    if (refused !== undefined) return refused
    if (days === undefined && dateMs === undefined)
      return argumentInvalid('Transition', "'Transition' action must specify either 'Days' or 'Date'")
  }
  const expires = expiration === undefined || 'expiredObjectDeleteMarker' in expiration ? undefined : expiration
  return (
    checkClassesDiffer(transitions, 'Transition', filter) ??
    checkNotMixed(transitions, expires, filter) ??
    checkOrder(transitions, 'Transition', isDated(transitions[0]) ? 'Date' : 'Days', filter) ??
    checkExpiresLast(expires, transitions, filter)
  )
}

function checkTarget(
  { days, storageClass }: { readonly days?: number; readonly storageClass: string },
  action: string,
  unit: string,
): Verdict {
  if (!transitionClasses.includes(storageClass as TransitionClass))
    return argumentInvalid('StorageClass', `Invalid target Storage class for ${action} action`, storageClass)
  if (days === undefined) return undefined
  if (days < 0) return argumentInvalid(unit, `'${unit}' in ${action} action must be nonnegative`, String(days))
  if ((storageClass === 'STANDARD_IA' || storageClass === 'ONEZONE_IA') && days < 30)
    return argumentInvalid(
      unit,
      `'${unit}' in ${action} action must be greater than or equal to 30 for storageClass '${storageClass}'`,
      String(days),
    )
  return undefined
}

function checkClassesDiffer(
  transitions: readonly { readonly storageClass: string }[],
  action: string,
  filter: LifecycleFilter,
): Verdict {
  return new Set(transitions.map(transition => transition.storageClass)).size === transitions.length
    ? undefined
    : invalid(`'StorageClass' must be different for '${action}' actions in same 'Rule' with ${describeFilter(filter)}`)
}

function isDated(time: GivenTime | undefined): boolean {
  return time?.dateMs !== undefined
}
function checkNotMixed(
  transitions: readonly GivenTransition[],
  expires: GivenTime | undefined,
  filter: LifecycleFilter,
): Verdict {
  const [first] = transitions
  if (first === undefined) return undefined
  const mixed = (actions: string) =>
    invalid(`Found mixed 'Date' and 'Days' based ${actions} actions in lifecycle rule for ${describeFilter(filter)}`)
  if (transitions.some(transition => isDated(transition) !== isDated(first))) return mixed('Transition')
  return expires !== undefined && isDated(expires) !== isDated(first) ? mixed('Expiration and Transition') : undefined
}

/** So many days an object stays in a class before one rule may move it on. */
const stayDays: Readonly<Partial<Record<string, number>>> = {
  STANDARD_IA: 30,
  ONEZONE_IA: 30,
  GLACIER_IR: 90,
  GLACIER: 90,
}

/** A colder class comes later. Each is compared with the next warmer one that the rule has. */
function checkOrder(
  transitions: readonly { readonly days?: number; readonly dateMs?: number; readonly storageClass: string }[],
  action: string,
  unit: 'Days' | 'Date' | 'NoncurrentDays',
  filter: LifecycleFilter,
): Verdict {
  const ordered = [...transitions].sort((a, b) => rankOf(a.storageClass) - rankOf(b.storageClass))
  for (let i = 1; i < ordered.length; i++) {
    const [warm, cold] = [ordered[i - 1]!, ordered[i]!]
    const gap = dayOf(cold) - dayOf(warm)
    const stay = stayDays[warm.storageClass] ?? 0
    if (gap > 0 && gap >= stay) continue
    const scope = describeFilter(filter)
    const subject = `'${unit}' in the '${action}' action for StorageClass '${cold.storageClass}' for ${scope}`
    const than = `in the '${action}' action for StorageClass '${warm.storageClass}'`
    return argumentInvalid(
      unit,
      gap > 0
        ? `${subject} must be ${stay} days more than '${scope}' ${than}`
        : `${subject} must be greater than '${unit}' ${than} for ${scope}`,
      timeText(cold),
    )
  }
  return undefined
}

function rankOf(storageClass: string): number {
  return transitionClasses.indexOf(storageClass as TransitionClass)
}
function dayOf({ days, dateMs }: { readonly days?: number; readonly dateMs?: number }): number {
  return days ?? dateMs! / msPerDay
}
function timeText({ days, dateText }: GivenTime): string | undefined {
  return days === undefined ? dateText : String(days)
}

function checkExpiresLast(
  expires: GivenTime | undefined,
  transitions: readonly GivenTransition[],
  filter: LifecycleFilter,
): Verdict {
  if (expires === undefined || transitions.every(transition => dayOf(transition) < dayOf(expires))) return undefined
  const unit = isDated(expires) ? 'Date' : 'Days'
  return argumentInvalid(
    unit,
    `'${unit}' in the Expiration action for ${describeFilter(filter)} must be greater than '${unit}' in the ` +
      'Transition action',
    timeText(expires),
  )
}

function checkNoncurrent({ noncurrentExpiration: expires, noncurrentTransitions, filter }: GivenRule): Verdict {
  if (expires !== undefined && expires.days < 1)
    return notPositive('NoncurrentDays', 'NoncurrentVersionExpiration', expires.days)
  const action = 'NoncurrentVersionTransition'
  const refused =
    (expires === undefined ? undefined : checkNewer(expires, 'NoncurrentVersionExpiration')) ??
    firstOf(
      noncurrentTransitions,
      transition => checkTarget(transition, action, 'NoncurrentDays') ?? checkNewer(transition, action),
    ) ??
    checkClassesDiffer(noncurrentTransitions, action, filter) ??
    checkOrder(noncurrentTransitions, action, 'NoncurrentDays', filter)
  if (refused !== undefined) return refused
  if (expires === undefined || noncurrentTransitions.every(transition => transition.days < expires.days))
    return undefined
  return argumentInvalid(
    'NoncurrentDays',
    `'NoncurrentDays' in the NoncurrentVersionExpiration action for ${describeFilter(filter)} must be greater than ` +
      `'NoncurrentDays' in the ${action} action`,
    String(expires.days),
  )
}

/** The documented most, 100, is not enforced: S3 was seen to take 500. */
function checkNewer({ newerVersions }: GivenNoncurrent, action: string): Verdict {
  return newerVersions === undefined || newerVersions > 0
    ? undefined
    : notPositive('NewerNoncurrentVersions', action, newerVersions)
}

/** A rule's scope as S3's messages write it. */
export function describeFilter(filter: LifecycleFilter): string {
  if (filter.form === 'rule-prefix') return `prefix '${filter.prefix}'`
  const { prefix, tags, sizeGreaterThan, sizeLessThan } = filter
  const conditions = [
    ...(prefix === undefined ? [] : [`prefix=${prefix}`]),
    ...tags.map(({ key, value }) => `tag={key=${key}, value=${value}}`),
    ...(sizeGreaterThan === undefined ? [] : [`objectsizegreaterthan=${sizeGreaterThan}`]),
    ...(sizeLessThan === undefined ? [] : [`objectsizelessthan=${sizeLessThan}`]),
  ]
  return `filter '(${conditions.join(' and ')})'`
}

const overlapping: readonly (readonly [string, (rule: GivenRule) => boolean])[] = [
  ['Expiration', rule => rule.expiration !== undefined],
  ['Transition', rule => rule.transitions.length > 0],
  ['NoncurrentVersionExpiration', rule => rule.noncurrentExpiration !== undefined],
  ['NoncurrentVersionTransition', rule => rule.noncurrentTransitions.length > 0],
  ['AbortIncompleteMultipartUpload', rule => rule.abortUploadDays !== undefined],
]

/**
 * Before filters, no two rules with one kind of action could be for the same key. Of sorted prefixes, one that begins
 * any other begins the one after it.
 */
function checkOverlaps(rules: readonly GivenRule[]): Verdict {
  if (rules[0]!.filter.form !== 'rule-prefix') return undefined
  for (const [action, has] of overlapping) {
    const prefixes = rules
      .filter(has)
      .map(rule => rule.filter.prefix ?? '')
      .sort()
    for (let i = 1; i < prefixes.length; i++)
      if (prefixes[i]!.startsWith(prefixes[i - 1]!))
        return invalid(
          `Found overlapping prefixes '${prefixes[i - 1]}' and '${prefixes[i]}' for same action type '${action}'`,
        )
  }
  return undefined
}
