/** Reading and changing what a bucket is set to, as handlers do it. */
import type { Unit } from '../../platform/database/unit.ts'
import { Fault } from '../../protocol/fault.ts'
import type { BucketSettings } from '../../protocol/settings.ts'
import type { RequestContext } from '../context.ts'
import type { BucketFault, BucketRef } from '../store/contract.ts'
import { type BucketWithSettings, bucketSettings, changeSettings, type SettingsChange } from '../store/settings.ts'
import { bucketRef } from './object-ref.ts'

type Name = keyof BucketSettings

export function change<R extends SettingsChange | Fault>(
  context: RequestContext,
  bucket: string,
  next: (bucket: BucketWithSettings) => R,
) {
  return context.services.database.write(() => changeSettings(bucketRef(context, bucket), next))
}
export function set<K extends Name>(
  context: RequestContext,
  bucket: string,
  name: K,
  value: BucketSettings[K] | undefined,
) {
  return change(context, bucket, () => ({ [name]: value }) as SettingsChange)
}
/** @param check why the bucket, as it is, cannot be set so */
export function setIf<K extends Name, F extends Fault>(
  context: RequestContext,
  bucket: string,
  name: K,
  value: BucketSettings[K] | undefined,
  check: (bucket: BucketWithSettings) => F | undefined,
) {
  return change(context, bucket, present => check(present) ?? ({ [name]: value } as SettingsChange))
}
export function unset(context: RequestContext, bucket: string, name: Name) {
  return set(context, bucket, name, undefined)
}

export function read<R>(context: RequestContext, bucket: string, value: (bucket: BucketWithSettings) => R) {
  return context.services.database.read(() => told(bucketRef(context, bucket), value))
}
function* told<R>(ref: BucketRef, value: (bucket: BucketWithSettings) => R): Unit<R | BucketFault> {
  const found = yield* bucketSettings(ref)
  return found instanceof Fault ? found : value(found)
}
