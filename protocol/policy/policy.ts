/**
 * The policy language of IAM: the same for the policies of buckets and queues, which name principals, and for those
 * of sessions, which do not. What differs is a `PolicyRules`. A parsed policy is compiled, to be kept and asked
 * often.
 */
import type { Condition } from './condition.ts'
import type { Pattern } from './pattern.ts'
import type { Principals } from './principal.ts'

export interface Policy {
  readonly version: '2008-10-17' | '2012-10-17'
  readonly id: string | undefined
  readonly statements: readonly Statement[]
}

export interface Statement {
  readonly sid: string | undefined
  readonly effect: 'allow' | 'deny'
  /** Undefined where a policy names nobody: it is about whoever holds it. */
  readonly principals: Principals | undefined
  /** NotPrincipal: everyone but those named. */
  readonly exceptPrincipals: boolean
  /** Lower case. */
  readonly actions: readonly Pattern[]
  readonly exceptActions: boolean
  readonly resources: readonly Pattern[]
  readonly exceptResources: boolean
  readonly conditions: readonly Condition[]
}

/** What one kind of policy may say. */
export interface PolicyRules {
  /** Of the document without whitespace. */
  readonly limitBytes: number
  readonly principals: 'required' | 'refused'
  /** IAM and STS refuse a Sid that stands twice, S3 takes it. */
  readonly uniqueSids: boolean
  /** Absent: any action, resource and condition key. */
  readonly vocabulary?: Vocabulary
}

/** The actions, resources and condition keys of the service that a policy belongs to. */
export interface Vocabulary {
  /** Lower case, with the service's prefix → the kinds of resource it works on, as bits; 0: on none. */
  readonly actions: ReadonlyMap<string, number>
  /** Kinds of resource that a pattern can name, as bits; 0: it cannot stand in this policy. */
  resourceKinds(pattern: Pattern): number
  /** The actions that a key (lower case) has a value for; undefined: there is no such key. */
  actionsOfKey(key: string): ReadonlySet<string> | 'any' | undefined
}
