/**
 * What a lifecycle does to versions that are due. Reading what is due and doing it is one unit: whatever another gateway
 * or a client did in between is seen, and nothing is done twice.
 */
import { run, sql, type Unit } from '../../platform/database/unit.ts'
import type { Properties } from '../../protocol/properties.ts'
import { dueActions, type LifecycleAction, mostKept } from '../rules/lifecycle.ts'
import { checkRemoval } from '../rules/retention.ts'
import { Versioning } from './contract.ts'
import { recordEvent } from './events.ts'
import { findLifecycle, type LifecycleBucket } from './lifecycle-buckets.ts'
import { type Stack, type StackPosition, type StackVersion, stacksFrom } from './lifecycle-stacks.ts'
import { decodeProperties, encodeProperties } from './rows.ts'
import { nextSeq } from './seq.ts'
import { displace, dropCurrent, dropVersion, nameVersion, putMarker } from './versioning.ts'

const MOVE_OBJECT = sql(`
  UPDATE objects SET storage_class = $1, properties = $2 WHERE bucket_id = $3 AND key = $4`)
const MOVE_VERSION = sql(`
  UPDATE versions SET storage_class = $1, properties = $2 WHERE bucket_id = $3 AND key = $4 AND rank = $5`)

/** Rows read in a unit: fewer where there are many rules, each of which is held against each key. */
const mostRows = 64
const fewestRows = 16
const comparisons = 40_000
/** Of a unit. */
const mostActions = 32

export interface StackTurn {
  readonly bucketId: number
  readonly prefix: string
  readonly position: StackPosition
  readonly nowMs: number
  readonly dayMs: number
}
export type VersionActionKind = LifecycleAction['kind']
export interface StacksLooked {
  /** How many actions are due that can be done. */
  readonly due: number
  readonly next: StackPosition | undefined
}

/** What is due from a position on. Only reads. */
export function* lookAtStacks(turn: StackTurn): Unit<StacksLooked> {
  const { actions, next } = yield* dueFrom(turn)
  return { due: actions.length, next }
}

/** Does what is due from a position on, up to a bound. Answers what was done. */
export function* actOnStacks(turn: StackTurn): Unit<readonly VersionActionKind[]> {
  const { bucket, actions } = yield* dueFrom(turn)
  const now = actions.slice(0, mostActions)
  for (const { stack, action } of now) {
    const seq = yield* act(bucket!, stack, action, turn.nowMs)
    yield* tell(bucket!, stack.key, action, seq, turn.nowMs)
  }
  return now.map(({ action }) => action.kind)
}

interface Due {
  readonly stack: Stack
  readonly action: LifecycleAction
}
interface DuePage {
  readonly bucket: LifecycleBucket | undefined
  readonly actions: readonly Due[]
  readonly next: StackPosition | undefined
}
const nothingDue: DuePage = Object.freeze({ bucket: undefined, actions: [], next: undefined })

function* dueFrom({ bucketId, prefix, position, nowMs, dayMs }: StackTurn): Unit<DuePage> {
  const bucket = yield* findLifecycle(bucketId)
  if (bucket === undefined) return nothingDue
  const { lifecycle } = bucket
  const most = Math.max(fewestRows, Math.min(mostRows, Math.floor(comparisons / lifecycle.rules.length)))
  const page = yield* stacksFrom(bucketId, prefix, position, most, mostKept(lifecycle))
  const actions: Due[] = []
  for (const stack of page.stacks) {
    const expiryDestroys = destroys(bucket, stack)
    for (const action of dueActions(lifecycle, { ...stack, expiryDestroys }, nowMs, dayMs))
      if (!isHeld(action, expiryDestroys, nowMs)) actions.push({ stack, action })
  }
  return { bucket, actions, next: page.next }
}

/** Whether a delete would leave nothing of the key's object. */
function destroys({ versioning }: LifecycleBucket, { versions: [current] }: Stack): boolean {
  if (versioning === Versioning.never) return true
  return versioning === Versioning.suspended && current?.versioned === 0
}

/** "Lifecycle can't delete object versions that are protected" (User Guide, "Object Lock considerations"). */
function isHeld(action: LifecycleAction, expiryDestroys: boolean, nowMs: number): boolean {
  const removes = action.kind === 'delete-version' || (action.kind === 'expire-current' && expiryDestroys)
  if (!removes) return false
  const lock = decodeProperties((action.version as StackVersion).properties)
  return lock !== undefined && checkRemoval(lock, nowMs, false) !== undefined
}

/** Answers the sequence of the version that it was done to, or of the marker that was put. */
function* act(bucket: LifecycleBucket, stack: Stack, action: LifecycleAction, nowMs: number): Unit<number> {
  const version = action.version as StackVersion
  const { key } = stack
  switch (action.kind) {
    case 'expire-current':
      return yield* expireCurrent(bucket, key, version, nowMs)
    case 'delete-version':
    case 'remove-marker':
      yield* dropVersion(bucket.id, key, -version.seq, version)
      return version.seq
    case 'transition': {
      const current = stack.above === undefined && version === stack.versions[0]
      yield* moveVersion(bucket.id, key, version, current, action.storageClass)
      return version.seq
    }
  }
}

/** For ever, or under a delete marker, which is the bucket owner's. */
function* expireCurrent(bucket: LifecycleBucket, key: string, object: StackVersion, nowMs: number): Unit<number> {
  if (bucket.versioning === Versioning.never) {
    yield* dropCurrent(bucket.id, key, object)
    return object.seq
  }
  const { versioning, ownerId } = bucket
  const displaced = yield* displace({ bucket_id: bucket.id, versioning, ...object }, key)
  const seq = nextSeq(nowMs, displaced.newestSeq)
  yield* putMarker({ bucketId: bucket.id, key, seq, displaced, hadObject: true, ownerId, nowMs })
  return seq
}

/** The event of what was done; none of a delete marker that went with its last version. */
function* tell(
  { row, name: bucket, environmentId, versioning }: LifecycleBucket,
  key: string,
  action: LifecycleAction,
  seq: number,
  nowMs: number,
): Unit<void> {
  if (action.kind === 'remove-marker') return
  const marked = action.kind === 'expire-current' && versioning !== Versioning.never
  const { versioned } = action.version as StackVersion
  const put = marked && versioning === Versioning.enabled ? 1 : 0
  const version = nameVersion(row, seq, marked ? put : versioned)
  const of = { key, seq, version, atMs: nowMs }
  const ref = { environmentId, bucket }
  if (action.kind === 'transition') {
    const transition = { storageClass: action.storageClass }
    return yield* recordEvent(row, ref, { name: 's3:LifecycleTransition', ...of, transition })
  }
  const name = marked ? 's3:LifecycleExpiration:DeleteMarkerCreated' : 's3:LifecycleExpiration:Delete'
  yield* recordEvent(row, ref, { name, ...of })
}

/** In place. A restored copy belongs to the class that is left. */
function* moveVersion(
  bucketId: number,
  key: string,
  version: StackVersion,
  current: boolean,
  storageClass: string,
): Unit<void> {
  const { restore: _, ...kept }: Properties = decodeProperties(version.properties) ?? {}
  const values = [storageClass, encodeProperties(kept), bucketId, key]
  if (current) yield* run(MOVE_OBJECT, values)
  else yield* run(MOVE_VERSION, [...values, -version.seq])
}
