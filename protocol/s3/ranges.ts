/** Byte ranges: the Range header of reads (RFC 9110 §14.1.2) and the stricter x-amz-copy-source-range. Pure. */
import { type Fault, fault } from '../fault.ts'

/** One range as asked for, before the size is known. `first` undefined: the last `last` bytes. */
export type AskedRange =
  | { readonly first: number; readonly last: number | undefined }
  | { readonly first: undefined; readonly last: number }

export interface Span {
  readonly offset: number
  readonly length: number
}

const oneRange = /^bytes=\s*([0-9]{0,19})\s*-\s*([0-9]{0,19})\s*$/

/**
 * What a Range header asks for; undefined when it is to be ignored. S3 ignores what is malformed, turned round
 * (`bytes=1-0`), in another unit, or more than one range, and answers the whole object with 200.
 */
export function parseRange(header: string): AskedRange | undefined {
  if (header === '') return undefined
  const match = oneRange.exec(header)
  if (match === null) return undefined
  const first = match[1] === '' ? undefined : position(match[1]!)
  const last = match[2] === '' ? undefined : position(match[2]!)
  if (first === undefined) return last === undefined ? undefined : { first, last }
  if (last !== undefined && last < first) return undefined
  return { first, last }
}

/** The bytes of an object of `sizeBytes` that a range covers; 'unsatisfiable' when none. */
export function resolveRange(range: AskedRange, sizeBytes: number): Span | 'unsatisfiable' {
  if (range.first === undefined) {
    if (range.last === 0 || sizeBytes === 0) return 'unsatisfiable'
    const length = Math.min(range.last, sizeBytes)
    return { offset: sizeBytes - length, length }
  }
  if (range.first >= sizeBytes) return 'unsatisfiable'
  const last = range.last === undefined ? sizeBytes - 1 : Math.min(range.last, sizeBytes - 1)
  return { offset: range.first, length: last - range.first + 1 }
}

const copyRange = /^bytes=([0-9]{1,19})-([0-9]{1,19})$/

/** `bytes=first-last`, nothing else; undefined when the header is absent. */
export function parseCopyRange(
  header: string,
): { readonly first: number; readonly last: number } | undefined | Fault<'argument-invalid'> {
  if (header === '') return undefined
  const match = copyRange.exec(header)
  const first = match === null ? 0 : position(match[1]!)
  const last = match === null ? -1 : position(match[2]!)
  if (last < first)
    return fault('argument-invalid', {
      name: 'x-amz-copy-source-range',
      value: header,
      message:
        'The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy',
    })
  return { first, last }
}

/** The bytes of a source of `sizeBytes` that a copy range covers. S3 does not shorten it to the source's end. */
export function resolveCopyRange(
  range: { readonly first: number; readonly last: number },
  sizeBytes: number,
): Span | Fault<'argument-invalid'> | Fault<'request-invalid'> {
  if (range.first >= sizeBytes)
    return fault('request-invalid', { message: 'The specified copy range is invalid for the source object size' })
  if (range.last >= sizeBytes)
    return fault('argument-invalid', {
      name: 'x-amz-copy-source-range',
      value: `bytes=${range.first}-${range.last}`,
      message: `Range specified is not valid for source object of size: ${sizeBytes}`,
    })
  return { offset: range.first, length: range.last - range.first + 1 }
}

/** Digits as a position: beyond what a number holds exactly, every position is as far as any. */
function position(digits: string): number {
  return Math.min(Number(digits), Number.MAX_SAFE_INTEGER)
}
