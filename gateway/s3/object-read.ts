/** GetObject and HeadObject. On SQLite both answer at once: no promise between the socket and its reply. */

import type { Unit } from '../../platform/database/unit.ts'
import { Fault, fault } from '../../protocol/fault.ts'
import { parseHttpDate } from '../../protocol/http-date.ts'
import type { ReadInput, ReadOutput } from '../../protocol/s3/object-read.ts'
import type { ArgumentFault } from '../../protocol/s3/parameters.ts'
import { resolveRange, type Span } from '../../protocol/s3/ranges.ts'
import { BlobSource } from '../bytes/contract.ts'
import { decryptInline, type ObjectCipher } from '../bytes/object-cipher.ts'
import type { RequestContext } from '../context.ts'
import type { KeyFault } from '../keys/ring.ts'
import { checkRead } from '../rules/conditions.ts'
import { isReadable, restoreStateOf } from '../rules/restoring.ts'
import type { Checksums, FoundObject, ObjectRef } from '../store/contract.ts'
import type { ObjectCache } from '../store/object-cache.ts'
import { findPart } from '../store/object-parts.ts'
import { byteSlices, type FindFault, headObject as findHead, findObject } from '../store/objects.ts'
import { expiryOf } from './expiry.ts'
import { openObject } from './object-encryption.ts'
import { objectRef, versionOf } from './object-ref.ts'

export type ReadFault =
  | FindFault
  | KeyFault
  | ArgumentFault
  | Fault<'object-archived'>
  | Fault<'not-modified'>
  | Fault<'precondition-failed'>
  | Fault<'range-unsatisfiable'>
  | Fault<'part-range-unsatisfiable'>

export function getObject(context: RequestContext, input: ReadInput) {
  const { database, objectCache } = context.services
  const ref = objectRef(context, input.bucket, input.key, input.version)
  const known = objectCache.find(ref)
  if (known !== undefined) return database.read(() => openFound(context, known, input, true))
  return database.read(() => findOpened(context, ref, input, objectCache))
}

export function headObject(context: RequestContext, input: ReadInput) {
  const ref = objectRef(context, input.bucket, input.key, input.version)
  return context.services.database.read(() => findOpened(context, ref, input, undefined))
}

/** Finds an object and the bytes of it that are asked for, in one unit, so that nothing changes in between. */
function* findOpened(
  context: RequestContext,
  ref: ObjectRef,
  input: ReadInput,
  cache: ObjectCache | undefined,
): Unit<ReadOutput | ReadFault> {
  const withBytes = cache !== undefined
  const found = withBytes ? yield* findObject(ref) : yield* findHead(ref)
  if (found instanceof Fault) return found
  cache?.keep(ref, found)
  return yield* openFound(context, found, input, withBytes)
}

/** What of a found object is answered: by its conditions, its state and the range asked for. */
export function* openFound(
  context: RequestContext,
  found: FoundObject,
  input: ReadInput,
  withBytes: boolean,
): Unit<ReadOutput | ReadFault> {
  // Before anything that would tell whoever lacks the key about the object.
  const opened = openObject(context, found.properties, input.customerKey)
  if (opened instanceof Fault) return opened
  const verdict = checkRead(input.conditions, found, context.nowMs)
  if (verdict !== undefined) return verdict
  const { storageClass, properties } = found
  if (withBytes && !isReadable(storageClass, properties, context.nowMs))
    return fault('object-archived', { storageClass })
  let span: Span | undefined
  let partChecksums: Checksums | undefined
  if (input.partNumber !== undefined) {
    const part = yield* spanOfPart(found, input.partNumber)
    if (part instanceof Fault) return part
    partChecksums = found.checksumType === 'COMPOSITE' || input.ceph ? part.checksums : undefined
    // An empty object has no byte to name in a Content-Range: it is answered whole.
    span = found.sizeBytes === 0 ? undefined : part.span
  } else if (input.range !== undefined && rangeHolds(input.ifRange, found)) {
    const resolved = resolveRange(input.range, found.sizeBytes)
    if (resolved === 'unsatisfiable')
      return fault('range-unsatisfiable', { range: input.rangeText, sizeBytes: found.sizeBytes })
    span = resolved
  }
  const body = withBytes ? yield* bytesOf(found, span, opened.cipher) : null
  const restore = restoreStateOf(properties?.restore, context.nowMs)
  const expiration = input.version === undefined ? expiryOf(found.bucket.settings, found) : undefined
  return {
    object: found,
    input,
    version: versionOf(found),
    expiration,
    restore,
    span,
    partChecksums,
    body,
    encryption: opened.sealed,
    customerKey: input.customerKey,
  }
}

/** Where part `number` lies. An object put whole has one part. */
function* spanOfPart(
  found: FoundObject,
  number: number,
): Unit<{ span: Span; checksums: Checksums } | Fault<'part-range-unsatisfiable'>> {
  if (found.parts === 0)
    return number === 1
      ? { span: { offset: 0, length: found.sizeBytes }, checksums: found.checksums }
      : fault('part-range-unsatisfiable', { partNumber: number, parts: 1 })
  const part = yield* findPart(found, number)
  if (part === undefined) return fault('part-range-unsatisfiable', { partNumber: number, parts: found.parts })
  return { span: { offset: part.offset, length: part.sizeBytes }, checksums: part.checksums }
}

/** If-Range: a strong ETag or the exact date; otherwise the whole object is answered (RFC 9110 §13.1.5). */
function rangeHolds(ifRange: string, found: FoundObject): boolean {
  if (ifRange === '') return true
  if (ifRange === `"${found.etag}"`) return true
  const ms = parseHttpDate(ifRange)
  return ms !== undefined && ms === Math.floor(found.modifiedAtMs / 1000) * 1000
}

/**
 * The bytes of an object, or of a span of it: at hand when they are inline, else where they are.
 * @param cipher of its sealed key: see `openObject`
 */
export function* bytesOf(
  found: FoundObject,
  span: Span | undefined,
  cipher: ObjectCipher | undefined,
): Unit<Uint8Array | BlobSource | null> {
  if (found.place === 'empty') return null
  if (found.data !== undefined && cipher !== undefined)
    return decryptInline(found.data, cipher, span?.offset, span?.length)
  if (found.data !== undefined)
    return span === undefined ? found.data : found.data.subarray(span.offset, span.offset + span.length)
  const offset = span === undefined ? 0 : span.offset
  const length = span === undefined ? found.sizeBytes : span.length
  if (length === 0) return null
  if (found.place === 'stored')
    return new BlobSource([{ blobId: found.blobId!, offset, sizeBytes: length }], found.blobId!, cipher)
  return new BlobSource(yield* byteSlices(found, offset, length), found.blobId!, cipher)
}
