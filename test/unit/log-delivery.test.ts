import t from 'tap'
import type { BucketGuards } from '../../gateway/rules/access.ts'
import { mayDeliverLogs } from '../../gateway/rules/log-delivery.ts'
import { Fault } from '../../protocol/fault.ts'
import { expandCannedAcl, logDelivery, type Permission } from '../../protocol/s3/acl.ts'
import { parseBucketPolicy } from '../../protocol/s3/bucket-policy.ts'

const owner = 'a'.repeat(64)
const delivery = { source: 'site', account: '000000000000', target: 'target', key: 'logs/2026-01-02-03-04-05-00' }

function policyOf(...statements: readonly object[]): BucketGuards {
  const policy = parseBucketPolicy(
    Buffer.from(JSON.stringify({ Version: '2012-10-17', Statement: statements })),
    'target',
  )
  if (policy instanceof Fault) throw new Error(policy.code)
  return { policy, ownership: 'BucketOwnerEnforced' }
}
const allow = (more: object = {}) => ({
  Effect: 'Allow',
  Principal: { Service: 'logging.s3.amazonaws.com' },
  Action: 's3:PutObject',
  Resource: 'arn:aws:s3:::target/logs/*',
  ...more,
})

t.test('mayDeliverLogs: policy → as it says of the logging service, the source bucket and its account', async t => {
  t.equal(mayDeliverLogs(policyOf(allow()), delivery), true)
  t.equal(mayDeliverLogs(policyOf(allow()), { ...delivery, key: 'other/x' }), false)
  t.equal(mayDeliverLogs(policyOf(allow({ Principal: { Service: 'delivery.logs.amazonaws.com' } })), delivery), false)
  t.equal(mayDeliverLogs(policyOf(allow({ Action: 's3:GetObject' })), delivery), false)
  const from = (bucket: string, account: string) =>
    policyOf(
      allow({
        Condition: {
          ArnLike: { 'aws:SourceArn': `arn:aws:s3:::${bucket}` },
          StringEquals: { 'aws:SourceAccount': account },
        },
      }),
    )
  t.equal(mayDeliverLogs(from('site', '000000000000'), delivery), true)
  t.equal(mayDeliverLogs(from('other', '000000000000'), delivery), false)
  t.equal(mayDeliverLogs(from('site', '111111111111'), delivery), false)
})

t.test('mayDeliverLogs: policy denies what the ACL grants → no', async t => {
  const acl = expandCannedAcl('log-delivery-write', owner, owner)
  const denied = { ...policyOf(allow({ Effect: 'Deny', Principal: '*' })), acl, ownership: 'ObjectWriter' } as const
  t.equal(mayDeliverLogs(denied, delivery), false)
  t.equal(mayDeliverLogs({ ...denied, policy: undefined }, delivery), true)
})

t.test('mayDeliverLogs: ACL → WRITE and READ_ACP of the log delivery group, where ACLs count', async t => {
  const granted = (...permissions: readonly Permission[]): BucketGuards => ({
    ownership: 'ObjectWriter',
    acl: { owner, grants: permissions.map(permission => ({ grantee: logDelivery, permission })) },
  })
  t.equal(mayDeliverLogs(granted('WRITE', 'READ_ACP'), delivery), true)
  t.equal(mayDeliverLogs(granted('FULL_CONTROL'), delivery), true)
  t.equal(mayDeliverLogs(granted('WRITE'), delivery), false)
  t.equal(mayDeliverLogs(granted('READ_ACP'), delivery), false)
  t.equal(mayDeliverLogs({ ...granted('FULL_CONTROL'), ownership: undefined }, delivery), true)
  t.equal(mayDeliverLogs({ ...granted('FULL_CONTROL'), ownership: 'BucketOwnerEnforced' }, delivery), false)
  t.equal(mayDeliverLogs({}, delivery), false)
})
