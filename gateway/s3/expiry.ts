/** When a bucket's lifecycle is going to expire what an answer tells of. */
import type { Properties } from '../../protocol/properties.ts'
import { msPerDay } from '../../protocol/s3/due-date.ts'
import type { LifecycleDue } from '../../protocol/s3/lifecycle-rule.ts'
import { abortOf, expirationOf } from '../rules/lifecycle.ts'
import { readSettings } from '../store/settings-text.ts'

interface Expirable {
  readonly key: string
  readonly sizeBytes: number
  readonly modifiedAtMs: number
  readonly properties?: Properties | undefined
}
const noTags: NonNullable<Properties['tags']> = []

/**
 * Dated by days of the calendar, also where the option shortens those of the rules: clients reckon with S3's.
 * @param settings the bucket's column; null in most
 */
export function expiryOf(settings: string | null, object: Expirable): LifecycleDue | undefined {
  const lifecycle = settings === null ? undefined : readSettings(settings).lifecycle
  if (lifecycle === undefined) return undefined
  const { key, sizeBytes, modifiedAtMs, properties } = object
  return expirationOf(lifecycle, { key, sizeBytes, modifiedAtMs, tags: properties?.tags ?? noTags }, msPerDay)
}

/** When an upload that is not completed is aborted. */
export function abortDateOf(settings: string | null, key: string, initiatedAtMs: number): LifecycleDue | undefined {
  const lifecycle = settings === null ? undefined : readSettings(settings).lifecycle
  return lifecycle === undefined ? undefined : abortOf(lifecycle, key, initiatedAtMs, msPerDay)
}
