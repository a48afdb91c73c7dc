/** What a version of an object may have beside its bytes, its description and its digests. Absent: not set. */
export interface Properties {
  readonly tags?: Readonly<Record<string, string>>
  readonly retention?: Retention
  readonly legalHold?: true
}
export interface Retention {
  readonly mode: 'GOVERNANCE' | 'COMPLIANCE'
  readonly untilMs: number
}
