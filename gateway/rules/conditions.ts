/**
 * Conditional requests, decided once for every wire: RFC 9110 §13.2.2 with S3's additions. Pure. Whoever stores calls
 * these inside the unit of work that reads and writes the object, so that a decision and its write are one step.
 */
import { type Fault, fault } from '../../protocol/fault.ts'
import type { Conditions, DeleteConditions } from '../store/contract.ts'

/** What a condition looks at. The ETag is without quotes. */
export interface Conditioned {
  readonly etag: string
  readonly modifiedAtMs: number
}

export type ReadVerdict = Fault<'not-modified'> | Fault<'precondition-failed'> | undefined
export type SourceVerdict = Fault<'precondition-failed'> | undefined
export type WriteVerdict = Fault<'precondition-failed'> | Fault<'object-missing'> | undefined

/** Names as S3 writes them in its errors' `Condition`. */
type ConditionName = 'If-Match' | 'If-None-Match' | 'If-Modified-Since' | 'If-Unmodified-Since'

/**
 * Which condition of a read does not hold. If-Unmodified-Since counts only without If-Match, If-Modified-Since only
 * without If-None-Match (RFC 9110 §13.1.3, §13.1.4; S3's GetObject says the same). Dates compare by whole seconds, as
 * headers carry them; S3 does not honour an If-Modified-Since that lies in the future.
 */
export function failedCondition(conditions: Conditions, object: Conditioned, nowMs: number): ConditionName | undefined {
  const { ifMatch, ifNoneMatch, ifModifiedSinceMs, ifUnmodifiedSinceMs } = conditions
  const modifiedAtMs = wholeSeconds(object.modifiedAtMs)
  if (ifMatch !== undefined) {
    if (!names(ifMatch, object.etag)) return 'If-Match'
  } else if (ifUnmodifiedSinceMs !== undefined && modifiedAtMs > wholeSeconds(ifUnmodifiedSinceMs)) {
    return 'If-Unmodified-Since'
  }
  if (ifNoneMatch !== undefined) {
    if (names(ifNoneMatch, object.etag)) return 'If-None-Match'
  } else if (ifModifiedSinceMs !== undefined && ifModifiedSinceMs <= nowMs) {
    if (modifiedAtMs <= wholeSeconds(ifModifiedSinceMs)) return 'If-Modified-Since'
  }
  return undefined
}

/** A read: the two negative conditions answer 304, the two positive ones 412. */
export function checkRead(conditions: Conditions, object: Conditioned, nowMs: number): ReadVerdict {
  const failed = failedCondition(conditions, object, nowMs)
  if (failed === undefined) return undefined
  return failed === 'If-None-Match' || failed === 'If-Modified-Since'
    ? fault('not-modified', { etag: object.etag, modifiedAtMs: object.modifiedAtMs })
    : fault('precondition-failed', { condition: failed })
}

/** A copy's source: every failure is 412, and names the header that S3 names. */
export function checkSource(conditions: Conditions, object: Conditioned, nowMs: number): SourceVerdict {
  const failed = failedCondition(conditions, object, nowMs)
  return failed === undefined
    ? undefined
    : fault('precondition-failed', { condition: `x-amz-copy-source-${failed}`, side: 'source' })
}

/** The object that a rename takes away: as a copy's source. */
export function checkRenameSource(conditions: Conditions, object: Conditioned, nowMs: number): SourceVerdict {
  const failed = failedCondition(conditions, object, nowMs)
  return failed === undefined
    ? undefined
    : fault('precondition-failed', { condition: `x-amz-rename-source-${failed}`, side: 'source' })
}

/** What is at the key that a rename goes to (undefined: nothing, of which only the negative conditions hold). */
export function checkRename(conditions: Conditions, existing: Conditioned | undefined, nowMs: number): SourceVerdict {
  const { ifMatch, ifModifiedSinceMs } = conditions
  const missed = ifMatch !== undefined ? 'If-Match' : ifModifiedSinceMs !== undefined ? 'If-Modified-Since' : undefined
  const failed = existing === undefined ? missed : failedCondition(conditions, existing, nowMs)
  return failed === undefined ? undefined : fault('precondition-failed', { condition: failed })
}

/** A write over what is there now (undefined: nothing). S3 answers NoSuchKey to If-Match where there is no object. */
export function checkWrite(conditions: Conditions, existing: Conditioned | undefined): WriteVerdict {
  const { ifMatch, ifNoneMatch } = conditions
  if (ifMatch !== undefined) {
    if (existing === undefined) return fault('object-missing')
    if (!names(ifMatch, existing.etag)) return fault('precondition-failed', { condition: 'If-Match' })
  }
  if (ifNoneMatch !== undefined && existing !== undefined && names(ifNoneMatch, existing.etag))
    return fault('precondition-failed', { condition: 'If-None-Match' })
  return undefined
}

/** A delete: all given conditions must hold. Without one, deleting what is not there succeeds. */
export function checkDelete(
  conditions: DeleteConditions,
  existing: (Conditioned & { readonly sizeBytes: number }) | undefined,
): WriteVerdict {
  const { ifMatch, lastModifiedMs, sizeBytes } = conditions
  if (ifMatch === undefined && lastModifiedMs === undefined && sizeBytes === undefined) return undefined
  if (existing === undefined) return fault('object-missing')
  if (ifMatch !== undefined && !names(ifMatch, existing.etag))
    return fault('precondition-failed', { condition: 'If-Match' })
  if (lastModifiedMs !== undefined && wholeSeconds(existing.modifiedAtMs) !== wholeSeconds(lastModifiedMs))
    return fault('precondition-failed', { condition: 'x-amz-if-match-last-modified-time' })
  if (sizeBytes !== undefined && existing.sizeBytes !== sizeBytes)
    return fault('precondition-failed', { condition: 'x-amz-if-match-size' })
  return undefined
}

function names(etags: readonly string[], etag: string): boolean {
  for (const candidate of etags) if (candidate === etag || candidate === '*') return true
  return false
}

function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1000)
}
