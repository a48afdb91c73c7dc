/**
 * What a lifecycle does to objects and uploads, and when. Pure: whoever sweeps a bucket reads a key's versions, asks
 * here, and does what is due. Object lock is not looked at: a version that is held is the sweeper's to leave alone.
 * Sources: S3 User Guide, "Lifecycle configuration elements", "Transitioning objects using Amazon S3 Lifecycle",
 * "Expiring objects", "How Amazon S3 handles conflicts in lifecycle configurations".
 */
import { dueAfterDays } from '../../protocol/s3/due-date.ts'
import {
  type LifecycleConfiguration,
  type LifecycleDue,
  type LifecycleFilter,
  type LifecycleRule,
  type LifecycleTag,
  type LifecycleTime,
  type TransitionClass,
  type TransitionMinimum,
  transitionClasses,
} from '../../protocol/s3/lifecycle-rule.ts'

/** What filters look at. A delete marker and an upload in progress have no tags and no size. */
export interface LifecycleObject {
  readonly key: string
  readonly sizeBytes: number
  readonly tags: readonly LifecycleTag[]
  readonly modifiedAtMs: number
}

type Filtered = Pick<LifecycleObject, 'key' | 'sizeBytes' | 'tags'>

export interface LifecycleVersion {
  /** The store's name of it. */
  readonly seq: number
  /** A delete marker. */
  readonly marker: boolean
  readonly sizeBytes: number
  readonly tags: readonly LifecycleTag[]
  readonly modifiedAtMs: number
  readonly storageClass: string
}

/** A key with its versions, newest first: the first is the current one, the others became noncurrent in turn. */
export interface LifecycleStack {
  readonly key: string
  readonly versions: readonly LifecycleVersion[]
  /** What is above them, when they are only the older ones of a key with very many. */
  readonly above?: VersionsAbove | undefined
  /**
   * Whether to expire the current version is to destroy it: there are no versions, or versioning is suspended and the
   * current one is null. Otherwise it stays, noncurrent, under a new delete marker.
   */
  readonly expiryDestroys: boolean
}

export interface VersionsAbove {
  /** How many noncurrent versions are newer, counted up to `mostKept`. */
  readonly noncurrent: number
  /** When the next newer version was made. */
  readonly modifiedAtMs: number
}
/** Of how many newer noncurrent versions the rules may ask: who counts need not count further. */
export function mostKept({ rules }: LifecycleConfiguration): number {
  const counts = rules.flatMap(rule => [rule.noncurrentExpiration, ...rule.noncurrentTransitions])
  return counts.reduce((most, action) => Math.max(most, action?.newerVersions ?? 0), 0)
}

export type LifecycleAction = { readonly ruleId: string; readonly version: LifecycleVersion } & (
  | { readonly kind: 'expire-current' }
  | { readonly kind: 'delete-version' }
  /** A delete marker that hides nothing any more. */
  | { readonly kind: 'remove-marker' }
  | { readonly kind: 'transition'; readonly storageClass: TransitionClass }
)

/** When the current version of a key expires: by the rule that is due first, of several the one listed first. */
export function expirationOf(
  configuration: LifecycleConfiguration,
  object: LifecycleObject,
  dayMs: number,
): LifecycleDue | undefined {
  return earliest(rulesFor(configuration, object.key), object, rule => expiryOf(rule, object.modifiedAtMs, dayMs))
}

/** When an upload is aborted that was started then. */
export function abortOf(
  configuration: LifecycleConfiguration,
  key: string,
  initiatedAtMs: number,
  dayMs: number,
): LifecycleDue | undefined {
  return earliest(rulesFor(configuration, key), bare(key), ({ abortUploadDays: days }) =>
    days === undefined ? undefined : dueAfterDays(initiatedAtMs, days, dayMs),
  )
}

/**
 * What is due for a key, at most one action for each of its versions. Actions that follow from these (a marker that is
 * left alone, the expiry of what was moved first) are due the next time: asking again until nothing is left comes to an
 * end, for every action removes a version or moves it to a colder class, and markers do not expire into markers.
 */
export function dueActions(
  configuration: LifecycleConfiguration,
  stack: LifecycleStack,
  nowMs: number,
  dayMs: number,
): readonly LifecycleAction[] {
  const rules = rulesFor(configuration, stack.key)
  const [current] = stack.versions
  if (rules.length === 0 || current === undefined) return []
  const due: Due = { rules, minimum: configuration.transitionMinimum, nowMs, dayMs }
  const actions: LifecycleAction[] = []
  if (stack.above === undefined) {
    const only = stack.versions.length === 1
    const first = !current.marker
      ? currentAction(due, stack, current)
      : only
        ? markerAction(due, stack.key, current)
        : undefined
    if (first !== undefined) actions.push(first)
  }
  const noncurrent = stack.above === undefined ? stack.versions.slice(1) : stack.versions
  const newest = stack.above?.noncurrent ?? 0
  let sinceMs = stack.above?.modifiedAtMs ?? current.modifiedAtMs
  for (const [at, version] of noncurrent.entries()) {
    const action = noncurrentAction(due, stack.key, version, sinceMs, newest + at)
    if (action !== undefined) actions.push(action)
    sinceMs = version.modifiedAtMs
  }
  return actions
}

interface Due {
  /** Enabled, and of a prefix of the key. */
  readonly rules: readonly LifecycleRule[]
  readonly minimum: TransitionMinimum
  readonly nowMs: number
  readonly dayMs: number
}

/** Permanent deletion goes before transition, transition before the creation of delete markers ("conflicts"). */
function currentAction(due: Due, stack: LifecycleStack, version: LifecycleVersion): LifecycleAction | undefined {
  const object = { ...version, key: stack.key }
  const expiry = earliest(due.rules, object, rule => expiryOf(rule, version.modifiedAtMs, due.dayMs), due.nowMs)
  const expire: LifecycleAction | undefined = expiry && { kind: 'expire-current', version, ruleId: expiry.ruleId }
  if (expire !== undefined && stack.expiryDestroys) return expire
  const moves = transitionsOf(due, object, version.storageClass, rule =>
    rule.transitions.map(({ storageClass, ...time }) => ({
      storageClass,
      atMs: dueAt(time, version.modifiedAtMs, due.dayMs),
    })),
  )
  return coldest(moves, version) ?? expire
}

/**
 * A delete marker that is the only version left: removed at once by ExpiredObjectDeleteMarker, and by an expiration
 * when it is as old as one asks ("S3 automatically performs ExpiredObjectDeleteMarker cleanup").
 */
function markerAction(due: Due, key: string, version: LifecycleVersion): LifecycleAction | undefined {
  const timeOf = (rule: LifecycleRule) =>
    rule.expiration !== undefined && 'expiredObjectDeleteMarker' in rule.expiration
      ? rule.expiration.expiredObjectDeleteMarker
        ? dueAfterDays(version.modifiedAtMs, 0, due.dayMs)
        : undefined
      : expiryOf(rule, version.modifiedAtMs, due.dayMs)
  const first = earliest(due.rules, bare(key), timeOf, due.nowMs)
  return first && { kind: 'remove-marker', version, ruleId: first.ruleId }
}

/**
 * @param sinceMs when it became noncurrent: when its successor was made
 * @param newer how many noncurrent versions of the key are newer
 */
function noncurrentAction(
  due: Due,
  key: string,
  version: LifecycleVersion,
  sinceMs: number,
  newer: number,
): LifecycleAction | undefined {
  const object = version.marker ? bare(key) : { ...version, key }
  const timeOf = ({ noncurrentExpiration: action }: LifecycleRule) =>
    action === undefined || newer < (action.newerVersions ?? 0)
      ? undefined
      : dueAfterDays(sinceMs, action.days, due.dayMs)
  const expiry = earliest(due.rules, object, timeOf, due.nowMs)
  if (expiry !== undefined) return { kind: 'delete-version', version, ruleId: expiry.ruleId }
  if (version.marker) return undefined
  const moves = transitionsOf(due, object, version.storageClass, rule =>
    rule.noncurrentTransitions
      .filter(action => newer >= (action.newerVersions ?? 0))
      .map(({ storageClass, days }) => ({ storageClass, atMs: dueAfterDays(sinceMs, days, due.dayMs) })),
  )
  return coldest(moves, version)
}

interface Move {
  readonly storageClass: TransitionClass
  readonly ruleId: string
}

/** The transitions that are due and may be made. */
function transitionsOf(
  due: Due,
  object: Filtered,
  from: string,
  timed: (rule: LifecycleRule) => readonly { readonly storageClass: TransitionClass; readonly atMs: number }[],
): readonly Move[] {
  const targets = reachable.get(from) ?? noTargets
  if (targets.length === 0) return []
  const moves: Move[] = []
  for (const rule of due.rules) {
    const possible = timed(rule).filter(
      ({ storageClass, atMs }) =>
        atMs <= due.nowMs && targets.includes(storageClass) && isLargeEnough(rule, object, storageClass, due.minimum),
    )
    if (possible.length > 0 && matches(rule.filter, object))
      for (const { storageClass } of possible) moves.push({ storageClass, ruleId: rule.id })
  }
  return moves
}

/** "Custom filters always take precedence over the default transition behavior." */
function isLargeEnough(
  { filter }: LifecycleRule,
  { sizeBytes }: Filtered,
  target: TransitionClass,
  minimum: TransitionMinimum,
): boolean {
  if (sizeBytes >= minimumBytes || filter.sizeGreaterThan !== undefined || filter.sizeLessThan !== undefined)
    return true
  return minimum === 'varies_by_storage_class' && (target === 'GLACIER' || target === 'DEEP_ARCHIVE')
}
const minimumBytes = 128 * 1024

const noTargets: readonly TransitionClass[] = []
/** "Supported lifecycle transitions": a waterfall, in which ONEZONE_IA leads to the archives only. */
const reachable: ReadonlyMap<string, readonly TransitionClass[]> = new Map<string, readonly TransitionClass[]>([
  ['STANDARD', transitionClasses],
  ['REDUCED_REDUNDANCY', transitionClasses],
  ['STANDARD_IA', ['INTELLIGENT_TIERING', 'ONEZONE_IA', 'GLACIER_IR', 'GLACIER', 'DEEP_ARCHIVE']],
  ['INTELLIGENT_TIERING', ['ONEZONE_IA', 'GLACIER_IR', 'GLACIER', 'DEEP_ARCHIVE']],
  ['ONEZONE_IA', ['GLACIER', 'DEEP_ARCHIVE']],
  ['GLACIER_IR', ['GLACIER', 'DEEP_ARCHIVE']],
  ['GLACIER', ['DEEP_ARCHIVE']],
])

/** The least expensive, but INTELLIGENT_TIERING before all except the two archives. */
const preferred: readonly TransitionClass[] = [
  'DEEP_ARCHIVE',
  'GLACIER',
  'INTELLIGENT_TIERING',
  'GLACIER_IR',
  'ONEZONE_IA',
  'STANDARD_IA',
]
function coldest(moves: readonly Move[], version: LifecycleVersion): LifecycleAction | undefined {
  for (const storageClass of preferred) {
    const move = moves.find(candidate => candidate.storageClass === storageClass)
    if (move !== undefined) return { kind: 'transition', version, ...move }
  }
  return undefined
}

function rulesFor({ rules }: LifecycleConfiguration, key: string): readonly LifecycleRule[] {
  return rules.filter(rule => rule.enabled && key.startsWith(rule.filter.prefix ?? ''))
}

function matches(filter: LifecycleFilter, object: Filtered): boolean {
  const { prefix = '', tags, sizeGreaterThan = -1, sizeLessThan = Number.POSITIVE_INFINITY } = filter
  return (
    object.key.startsWith(prefix) &&
    object.sizeBytes > sizeGreaterThan &&
    object.sizeBytes < sizeLessThan &&
    tags.every(wanted => object.tags.some(tag => tag.key === wanted.key && tag.value === wanted.value))
  )
}

/** A key without an object: size 0, so that `ObjectSizeLessThan` 1 matches, as in the User Guide's examples. */
function bare(key: string): Filtered {
  return { key, sizeBytes: 0, tags: [] }
}

/** When a rule expires a current version; undefined when it does not, or only cleans up markers. */
function expiryOf({ expiration }: LifecycleRule, modifiedAtMs: number, dayMs: number): number | undefined {
  return expiration === undefined || 'expiredObjectDeleteMarker' in expiration
    ? undefined
    : dueAt(expiration, modifiedAtMs, dayMs)
}

function dueAt(time: LifecycleTime, fromMs: number, dayMs: number): number {
  return 'days' in time ? dueAfterDays(fromMs, time.days, dayMs) : time.dateMs
}

/**
 * "If two expiration policies overlap, the shorter expiration policy is honored." Filters are asked last: of many rules
 * most are not due, or not before another.
 * @param timeOf when a rule is due; undefined for one without the action
 * @param untilMs later ones do not count
 */
function earliest(
  rules: readonly LifecycleRule[],
  object: Filtered,
  timeOf: (rule: LifecycleRule) => number | undefined,
  untilMs = Number.POSITIVE_INFINITY,
): LifecycleDue | undefined {
  let first: LifecycleDue | undefined
  for (const rule of rules) {
    const atMs = timeOf(rule)
    if (atMs === undefined || atMs > untilMs || (first !== undefined && atMs >= first.atMs)) continue
    if (matches(rule.filter, object)) first = { atMs, ruleId: rule.id }
  }
  return first
}
