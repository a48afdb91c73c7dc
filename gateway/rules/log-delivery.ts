/**
 * Whether S3's log delivery may write into a bucket: by the bucket's policy, or by its ACL where that counts. Pure. Source:
 * S3 User Guide, "Enabling Amazon S3 server access logging", "Grant access to the S3 log delivery group".
 */
import { evaluate } from '../../protocol/policy/evaluate.ts'
import { logDelivery, type Permission } from '../../protocol/s3/acl.ts'
import { bucketArn, objectArn } from '../../protocol/s3/bucket-policy.ts'
import type { BucketGuards } from './access.ts'

const principal = { service: 'logging.s3.amazonaws.com' } as const

export interface LogDelivery {
  /** The bucket whose requests are logged, and its account. */
  readonly source: string
  readonly account: string
  readonly target: string
  readonly key: string
}

export function mayDeliverLogs(guards: BucketGuards, { source, account, target, key }: LogDelivery): boolean {
  if (guards.policy !== undefined) {
    const facts: Readonly<Record<string, string>> = {
      'aws:sourcearn': bucketArn(source),
      'aws:sourceaccount': account,
      'aws:principalisawsservice': 'true',
      'aws:principalservicename': principal.service,
      'aws:securetransport': 'true',
    }
    const context = (name: string) => (Object.hasOwn(facts, name) ? [facts[name]!] : undefined)
    const resource = objectArn(target, key)
    const verdict = evaluate(guards.policy, { principal, action: 's3:PutObject', resource, context })
    if (verdict !== 'none') return verdict === 'allow'
  }
  return guards.ownership !== 'BucketOwnerEnforced' && grants(guards, 'WRITE') && grants(guards, 'READ_ACP')
}

function grants({ acl }: BucketGuards, wanted: Permission): boolean {
  return (acl?.grants ?? []).some(
    ({ grantee, permission }) => grantee === logDelivery && (permission === wanted || permission === 'FULL_CONTROL'),
  )
}
