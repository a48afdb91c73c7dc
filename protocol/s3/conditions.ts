/** The conditional headers of S3's requests, parsed; what they decide is a rule of the store's. */
import { type Fault, fault } from '../fault.ts'
import { parseHttpDate } from '../http-date.ts'
import type { WireRequest } from '../operation.ts'

/** ETags without quotes; '*' stands for any. Same shape as the store's. */
export interface Conditions {
  readonly ifMatch?: readonly string[]
  readonly ifNoneMatch?: readonly string[]
  readonly ifModifiedSinceMs?: number
  readonly ifUnmodifiedSinceMs?: number
}
export interface DeleteConditions {
  readonly ifMatch?: readonly string[]
}

const none: Conditions = Object.freeze({})

/** The four conditions of a read. A date that is none is ignored (RFC 9110 §13.1.3). */
export function parseReadConditions(request: WireRequest): Conditions {
  return fourConditions(
    request.header('if-match'),
    request.header('if-none-match'),
    request.header('if-modified-since'),
    request.header('if-unmodified-since'),
  )
}

/** The four conditions on a copy's source. */
export function parseSourceConditions(request: WireRequest): Conditions {
  return fourConditions(
    request.header('x-amz-copy-source-if-match'),
    request.header('x-amz-copy-source-if-none-match'),
    request.header('x-amz-copy-source-if-modified-since'),
    request.header('x-amz-copy-source-if-unmodified-since'),
  )
}

function fourConditions(match: string, noneMatch: string, modified: string, unmodified: string): Conditions {
  if (match === '' && noneMatch === '' && modified === '' && unmodified === '') return none
  const modifiedMs = modified === '' ? undefined : parseHttpDate(modified)
  const unmodifiedMs = unmodified === '' ? undefined : parseHttpDate(unmodified)
  return {
    ...(match === '' ? {} : { ifMatch: parseEtags(match, false) }),
    ...(noneMatch === '' ? {} : { ifNoneMatch: parseEtags(noneMatch, true) }),
    ...(modifiedMs === undefined ? {} : { ifModifiedSinceMs: modifiedMs }),
    ...(unmodifiedMs === undefined ? {} : { ifUnmodifiedSinceMs: unmodifiedMs }),
  }
}

/**
 * The conditions of a write: If-Match with one ETag, or If-None-Match: *. S3 answers NotImplemented to every other
 * combination, naming the header and the reason.
 */
export function parseWriteConditions(request: WireRequest): Conditions | Fault<'header-refused'> {
  const match = request.header('if-match')
  const noneMatch = request.header('if-none-match')
  if (match === '' && noneMatch === '') return none
  // Ceph takes them all.
  if (request.dialect === 'ceph') return fourConditions(match, noneMatch, '', '')
  if (match !== '' && noneMatch !== '')
    return fault('header-refused', {
      header: 'If-Match,If-None-Match',
      reason: 'Multiple conditional request headers present in the request',
    })
  if (noneMatch !== '') return noneMatch.trim() === '*' ? { ifNoneMatch: ['*'] } : refuseValue('If-None-Match')
  return match.trim() === '*' ? refuseValue('If-Match') : { ifMatch: parseEtags(match, false) }
}

/** DeleteObject's conditions. The two that only directory buckets have are refused, as S3 refuses them elsewhere. */
export function parseDeleteConditions(request: WireRequest): DeleteConditions | Fault<'header-refused'> {
  for (const header of ['x-amz-if-match-last-modified-time', 'x-amz-if-match-size'])
    if (request.header(header) !== '') return fault('header-refused', { header })
  const match = request.header('if-match')
  return match === '' ? none : { ifMatch: parseEtags(match, false) }
}

function refuseValue(header: string): Fault<'header-refused'> {
  return fault('header-refused', {
    header,
    reason: `We don't accept the provided value of ${header} header for this API`,
  })
}

/**
 * A list of entity tags without their quotes; S3 also takes one without quotes. `weak`: whether W/ is overlooked
 * (If-None-Match compares weakly, If-Match strongly: RFC 9110 §8.8.3.2).
 */
export function parseEtags(text: string, weak: boolean): readonly string[] {
  const etags: string[] = []
  for (const part of text.split(',')) {
    let etag = part.trim()
    if (etag === '') continue
    if (weak && etag.startsWith('W/')) etag = etag.slice(2)
    etags.push(unquote(etag))
  }
  return etags
}

/** An ETag as clients send it, without its quotes. */
export function unquote(etag: string): string {
  return etag.length >= 2 && etag.startsWith('"') && etag.endsWith('"') ? etag.slice(1, -1) : etag
}
