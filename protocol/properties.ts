import type { Acl } from './s3/acl.ts'
import type { RestoreTier } from './s3/restore.ts'

/** What a version of an object may have beside its bytes, its description and its digests. Absent: not set. */
export interface Properties {
  readonly tags?: readonly Tag[]
  readonly retention?: Retention
  readonly legalHold?: 'ON' | 'OFF'
  /** Absent: its owner's alone. */
  readonly acl?: Acl
  /** Of an archived version: the last restore that was asked for, also when its copy is gone by now. */
  readonly restore?: Restore
  readonly replication?: ReplicationStatus
  /** The sealed key that its bytes are encrypted under, as text of who seals. Absent: they are kept as they came. */
  readonly encryption?: string
}
/** Of a version that is copied to other buckets: its copies' state; REPLICA: it is such a copy itself. */
export type ReplicationStatus = 'PENDING' | 'COMPLETED' | 'FAILED' | 'REPLICA'
export interface Tag {
  readonly key: string
  readonly value: string
}
/** Nothing may remove the version before that time. Whoever may can overlook GOVERNANCE. */
export interface Retention {
  readonly mode: 'GOVERNANCE' | 'COMPLIANCE'
  readonly untilMs: number
}
/** A copy of an archived version, readable from one moment to another. */
export interface Restore {
  readonly requestedAtMs: number
  readonly readyAtMs: number
  readonly expiresAtMs: number
  readonly tier: RestoreTier
}
