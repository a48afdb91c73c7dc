/**
 * What a bucket's settings make happen after a write, in its unit of work: events are sent, replicas asked for. Callers
 * see to it that a bucket without settings costs nothing.
 */
import type { Unit } from '../../platform/database/unit.ts'
import type { Properties } from '../../protocol/properties.ts'
import type { EventName } from '../../protocol/s3/event-names.ts'
import type { BucketRef, VersionName } from './contract.ts'
import { recordEvent } from './events.ts'
import { requestChangeReplication, requestMarkerReplication, requestReplication } from './replications.ts'
import type { BucketColumns } from './rows.ts'

interface Written {
  readonly key: string
  readonly seq: number
  readonly version: VersionName | undefined
  readonly nowMs: number
}

/** @param made.description as `markForReplication` answered it */
export function* afterPut(
  bucket: BucketColumns,
  ref: BucketRef,
  name: EventName,
  made: Written & {
    readonly sizeBytes: number
    readonly etag: string
    readonly properties: Properties | undefined
  },
): Unit<void> {
  const { key, seq, version, nowMs, sizeBytes, etag } = made
  yield* requestReplication(bucket, made.properties, made)
  yield* recordEvent(bucket, ref, { name, key, seq, version, sizeBytes, etag, atMs: nowMs })
}

/** Of a delete that put a marker, or removed something for ever. */
export function* afterDelete(
  bucket: BucketColumns,
  ref: BucketRef,
  gone: Written & { readonly marked: boolean },
): Unit<void> {
  const { key, seq, version, nowMs, marked } = gone
  if (marked) yield* requestMarkerReplication(bucket, gone)
  const name = marked ? 's3:ObjectRemoved:DeleteMarkerCreated' : 's3:ObjectRemoved:Delete'
  yield* recordEvent(bucket, ref, { name, key, seq, version, atMs: nowMs })
}

/** What a change of properties is called to those who are told of it; undefined: nobody is. */
export interface ToldChange {
  readonly name?: EventName
  readonly nowMs: number
}
export function* afterChange(
  bucket: BucketColumns,
  ref: BucketRef,
  { name, nowMs }: ToldChange,
  changed: {
    readonly key: string
    readonly seq: number
    readonly version: VersionName | undefined
    readonly etag: string
    readonly before: Properties | undefined
    readonly after: Properties
  },
): Unit<void> {
  const { key, seq, version, etag, before, after } = changed
  yield* requestChangeReplication(bucket, before, after, { key, seq, nowMs })
  if (name !== undefined) yield* recordEvent(bucket, ref, { name, key, seq, version, etag, atMs: nowMs })
}
