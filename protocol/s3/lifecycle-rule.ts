/**
 * The rules of a lifecycle as values. Plain data, so that a configuration can be kept as JSON.
 * Source: S3 User Guide, "Lifecycle configuration elements".
 */

/** Warmer before colder: an object only moves on in this order. */
export const transitionClasses = [
  'STANDARD_IA',
  'INTELLIGENT_TIERING',
  'ONEZONE_IA',
  'GLACIER_IR',
  'GLACIER',
  'DEEP_ARCHIVE',
] as const
export type TransitionClass = (typeof transitionClasses)[number]

export interface LifecycleTag {
  readonly key: string
  readonly value: string
}

/** Which objects a rule is for: all that is given must hold. */
export interface LifecycleFilter {
  /**
   * How it was written, and so is read back: the rule's own `Prefix` (before filters existed), an empty `Filter`, one
   * with a single condition, or `And`.
   */
  readonly form: 'rule-prefix' | 'empty' | 'single' | 'and'
  readonly prefix?: string
  readonly tags: readonly LifecycleTag[]
  readonly sizeGreaterThan?: number
  readonly sizeLessThan?: number
}

/** Days after an object was made, or from a date on (a midnight UTC). */
export type LifecycleTime = { readonly days: number } | { readonly dateMs: number }
export type LifecycleExpiration = LifecycleTime | { readonly expiredObjectDeleteMarker: boolean }
export type LifecycleTransition = LifecycleTime & { readonly storageClass: TransitionClass }

export interface NoncurrentExpiration {
  /** After the version was replaced or deleted. */
  readonly days: number
  /** So many of the newest noncurrent versions are kept, however old. */
  readonly newerVersions?: number
}
export interface NoncurrentTransition extends NoncurrentExpiration {
  readonly storageClass: TransitionClass
}

/** Has at least one action. */
export interface LifecycleRule {
  readonly id: string
  readonly enabled: boolean
  readonly filter: LifecycleFilter
  readonly expiration?: LifecycleExpiration
  readonly transitions: readonly LifecycleTransition[]
  readonly noncurrentExpiration?: NoncurrentExpiration
  readonly noncurrentTransitions: readonly NoncurrentTransition[]
  /** Days after a multipart upload was started. */
  readonly abortUploadDays?: number
}

/**
 * Which small objects stay where they are although a rule would move them, unless its filter names a size: those under
 * 128 KB, or those but for moves to GLACIER and DEEP_ARCHIVE.
 */
export const transitionMinimums = ['all_storage_classes_128K', 'varies_by_storage_class'] as const
export type TransitionMinimum = (typeof transitionMinimums)[number]
/** Header of the request that sets it, and of the answers to PUT and GET. */
export const transitionMinimumHeader = 'x-amz-transition-default-minimum-object-size'

export interface LifecycleConfiguration {
  /** 1 to 1,000. */
  readonly rules: readonly LifecycleRule[]
  readonly transitionMinimum: TransitionMinimum
}

/** When an action falls due, and the rule that says so. */
export interface LifecycleDue {
  readonly atMs: number
  readonly ruleId: string
}
