/**
 * What a lock forbids, decided once for every wire. Pure. Whoever stores calls these inside the unit of work that reads
 * and writes the version. Source: S3 User Guide, "Locking objects with Object Lock"; Azure's immutability policies and
 * GCS's retention are the same rules with fewer modes.
 */
import { type Fault, fault } from '../../protocol/fault.ts'

/** governance can be overlooked by who may and says so; compliance by nobody. */
export type RetentionMode = 'GOVERNANCE' | 'COMPLIANCE'
export interface Retention {
  readonly mode: RetentionMode
  readonly untilMs: number
}
export interface Lock {
  readonly retention?: Retention | undefined
  readonly legalHold?: 'ON' | 'OFF' | undefined
}
/** One of days and years. */
export interface RetentionPeriod {
  readonly mode: RetentionMode
  readonly days?: number | undefined
  readonly years?: number | undefined
}

const dayMs = 86_400_000
const daysPerYear = 365

function isInForce(retention: Retention | undefined, nowMs: number): retention is Retention {
  return retention !== undefined && retention.untilMs > nowMs
}

/**
 * Why a version may not be removed or written over, if so. Not asked when a delete marker or another version is put on
 * top of it: that takes nothing away.
 * @param bypass governance is to be overlooked, by one who may
 */
export function checkRemoval(lock: Lock, nowMs: number, bypass: boolean): Fault<'object-locked'> | undefined {
  if (lock.legalHold === 'ON') return fault('object-locked')
  if (!isInForce(lock.retention, nowMs)) return undefined
  return lock.retention.mode === 'GOVERNANCE' && bypass ? undefined : fault('object-locked')
}

/**
 * Why a version's retention may not be changed, if so. Anybody may make it longer; in compliance mode nothing else can be
 * done, in governance mode the rest needs the bypass. What has run out is free.
 * @param next undefined: taken away
 */
export function checkRetentionChange(
  current: Retention | undefined,
  next: Retention | undefined,
  nowMs: number,
  bypass: boolean,
): Fault<'object-locked'> | Fault<'argument-invalid'> | undefined {
  const past = next === undefined ? undefined : checkRetainUntil('RetainUntilDate', next.untilMs, nowMs)
  if (past !== undefined) return past
  if (!isInForce(current, nowMs)) return undefined
  if (next !== undefined && next.mode === current.mode && next.untilMs >= current.untilMs) return undefined
  return current.mode === 'GOVERNANCE' && bypass ? undefined : fault('object-locked')
}

/**
 * A date up to which something is to be kept lies in the future.
 * @param name of the header or element that says so
 */
export function checkRetainUntil(name: string, untilMs: number, nowMs: number): Fault<'argument-invalid'> | undefined {
  if (untilMs > nowMs) return undefined
  return fault('argument-invalid', {
    name,
    value: new Date(untilMs).toISOString(),
    message: 'The retain until date must be in the future!',
  })
}

/** The retention of a version that is created now in a bucket with this default. */
export function defaultRetention(period: RetentionPeriod, nowMs: number): Retention {
  const days = period.days ?? (period.years ?? 0) * daysPerYear
  return { mode: period.mode, untilMs: nowMs + days * dayMs }
}

/** Whole days that a retention still lasts, begun ones not counted: a condition of policies. */
export function remainingDays(retention: Retention, nowMs: number): number {
  return Math.max(0, Math.floor((retention.untilMs - nowMs) / dayMs))
}
