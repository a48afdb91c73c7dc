import type { Acl } from './s3/acl.ts'

/** What a version of an object may have beside its bytes, its description and its digests. Absent: not set. */
export interface Properties {
  readonly tags?: readonly Tag[]
  readonly retention?: Retention
  readonly legalHold?: 'ON' | 'OFF'
  /** Absent: its owner's alone. */
  readonly acl?: Acl
  /** The sealed key that its bytes are encrypted under, as text of who seals. Absent: they are kept as they came. */
  readonly encryption?: string
}
export interface Tag {
  readonly key: string
  readonly value: string
}
/** Nothing may remove the version before that time. Whoever may can overlook GOVERNANCE. */
export interface Retention {
  readonly mode: 'GOVERNANCE' | 'COMPLIANCE'
  readonly untilMs: number
}
