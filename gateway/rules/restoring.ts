/** Whether an archived version can be read, and what a RestoreObject makes of it. Pure: the clock decides. */
import { Fault, fault } from '../../protocol/fault.ts'
import type { Properties, Restore } from '../../protocol/properties.ts'
import { isArchived } from '../../protocol/s3/description.ts'
import { dueAfterDays, msPerDay } from '../../protocol/s3/due-date.ts'
import {
  checkRestorable,
  checkRestore,
  isFasterTier,
  type RestoreClassFault,
  type RestoreFault,
  type RestoreRequest,
  type RestoreState,
  restoreDurationMs,
} from '../../protocol/s3/restore.ts'

/** Undefined: never asked for, or the copy has expired. */
export function restoreStateOf(restore: Restore | undefined, nowMs: number): RestoreState | undefined {
  if (restore === undefined || nowMs >= restore.expiresAtMs) return undefined
  return nowMs < restore.readyAtMs ? { kind: 'running' } : { kind: 'done', expiresAtMs: restore.expiresAtMs }
}

export function isReadable(storageClass: string, properties: Properties | undefined, nowMs: number): boolean {
  return !isArchived(storageClass) || restoreStateOf(properties?.restore, nowMs)?.kind === 'done'
}

export interface Restored {
  readonly restore: Restore
  /** The copy was there already, and is only kept for another time. */
  readonly already: boolean
}

/**
 * What asking for a version does to it (API reference, RestoreObject): a copy that is there is kept for so many days from
 * now; one that is on its way can only be hastened.
 * @param asked read from the document, or why it cannot be: the version is looked at first
 * @param dayMs how long a day is; a shorter one shortens the wait as well
 */
export function restoreVersion(
  asked: RestoreRequest | RestoreFault,
  version: { readonly storageClass: string; readonly properties?: Properties | undefined },
  nowMs: number,
  dayMs: number,
): Restored | RestoreFault | RestoreClassFault | Fault<'restore-in-progress'> {
  const { storageClass } = version
  const nothing = checkRestorable(storageClass)
  if (nothing !== undefined) return nothing
  if (asked instanceof Fault) return asked
  const refused = checkRestore(asked, storageClass)
  if (refused !== undefined) return refused
  const { tier } = asked
  const days = asked.days!
  const present = version.properties?.restore
  const state = restoreStateOf(present, nowMs)
  if (present !== undefined && state?.kind === 'done')
    return { restore: { ...present, expiresAtMs: dueAfterDays(nowMs, days, dayMs) }, already: true }
  if (present !== undefined && state !== undefined && !isFasterTier(tier, present.tier))
    return fault('restore-in-progress')
  const readyAtMs = nowMs + Math.ceil((restoreDurationMs(storageClass, tier) * dayMs) / msPerDay)
  const expiresAtMs = dueAfterDays(readyAtMs, days, dayMs)
  return { restore: { requestedAtMs: nowMs, readyAtMs, expiresAtMs, tier }, already: false }
}
