/** What a version that is being made gets from its bucket, beside what its request asks for. Pure. */
import { type Fault, fault } from '../../protocol/fault.ts'
import type { Properties } from '../../protocol/properties.ts'
import type { BucketSettings } from '../../protocol/settings.ts'
import { checkRetainUntil, defaultRetention } from './retention.ts'

export type NewVersionFault = Fault<'lock-unavailable'> | Fault<'argument-invalid'>

/** The properties of a new version in a bucket with settings; a lock is refused where the bucket has none. */
export function propertiesOfNew(
  settings: BucketSettings,
  asked: Properties | undefined,
  nowMs: number,
): Properties | undefined | NewVersionFault {
  const locked = asked?.retention !== undefined || asked?.legalHold !== undefined
  if (settings.lock === undefined) return locked ? fault('lock-unavailable') : asked
  if (asked?.retention !== undefined)
    return checkRetainUntil('x-amz-object-lock-retain-until-date', asked.retention.untilMs, nowMs) ?? asked
  const period = settings.lock.defaultRetention
  return period === undefined ? asked : { ...asked, retention: defaultRetention(period, nowMs) }
}
