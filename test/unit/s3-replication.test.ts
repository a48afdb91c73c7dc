import t from 'tap'
import { Fault } from '../../protocol/fault.ts'
import { parseReplication, type ReplicationConfiguration, renderReplication } from '../../protocol/s3/replication.ts'
import {
  destinationBucket,
  replicatesDeleteMarkers,
  replicatesKmsEncrypted,
  replicatesReplicaModifications,
  replicationRulesFor,
} from '../../protocol/s3/replication-rules.ts'
import { bytesOf, contentOf, documentOf, good, malformed, said } from './document.ts'

const role = '<Role>arn:aws:iam::123456789012:role/replication</Role>'
const put = (content: string) => parseReplication('source', documentOf('ReplicationConfiguration', content))
const to = (bucket: string, more = '') => `<Destination><Bucket>arn:aws:s3:::${bucket}</Bucket>${more}</Destination>`
const tag = (key: string, value = 'v') => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`

interface Parts {
  id?: string
  priority?: number | ''
  filter?: string
  status?: string
  criteria?: string
  destination?: string
  markers?: string
}
let numbered = 0
/** A rule of the second schema, in the order of S3's answers. */
function rule(parts: Parts = {}): string {
  const { id, priority = ++numbered, filter = '<Filter/>', status = 'Enabled', criteria = '' } = parts
  const { destination = to('target'), markers = 'Disabled' } = parts
  return (
    `<Rule>${id === undefined ? '' : `<ID>${id}</ID>`}${priority === '' ? '' : `<Priority>${priority}</Priority>`}` +
    `${filter}<Status>${status}</Status>${criteria}${destination}` +
    `${markers === '' ? '' : `<DeleteMarkerReplication><Status>${markers}</Status></DeleteMarkerReplication>`}</Rule>`
  )
}
const first = (id: string, prefix: string, destination = to('target')) =>
  `<Rule><ID>${id}</ID><Prefix>${prefix}</Prefix><Status>Enabled</Status>${destination}</Rule>`
const kmsCriteria =
  '<SourceSelectionCriteria><SseKmsEncryptedObjects><Status>Enabled</Status></SseKmsEncryptedObjects></SourceSelectionCriteria>'
const kmsKey =
  '<EncryptionConfiguration><ReplicaKmsKeyID>arn:aws:kms:us-east-1:123456789012:key/1</ReplicaKmsKeyID></EncryptionConfiguration>'
const time = (status: string, minutes: number) =>
  `<ReplicationTime><Status>${status}</Status><Time><Minutes>${minutes}</Minutes></Time></ReplicationTime>`
const metrics = (minutes?: number) =>
  `<Metrics><Status>Enabled</Status>${minutes === undefined ? '' : `<EventThreshold><Minutes>${minutes}</Minutes></EventThreshold>`}</Metrics>`

for (const [title, rules] of [
  ['the first schema', first('1', 'Tax') + first('2', 'Project')],
  ['the first schema, everything', first('1', '')],
  ['a filter of nothing', rule({ id: 'rtc', priority: 0, status: 'Disabled' })],
  ['a prefix', rule({ id: 'a', filter: '<Filter><Prefix>Tax</Prefix></Filter>', markers: 'Enabled' })],
  ['a tag', rule({ id: 'a', filter: `<Filter>${tag('k', '')}</Filter>` })],
  [
    'prefix and tags',
    rule({ id: 'a', filter: `<Filter><And><Prefix>p</Prefix>${tag('k')}${tag('l')}</And></Filter>` }),
  ],
  [
    'everything of a destination',
    rule({
      id: 'a',
      criteria:
        '<SourceSelectionCriteria><SseKmsEncryptedObjects><Status>Enabled</Status></SseKmsEncryptedObjects>' +
        '<ReplicaModifications><Status>Enabled</Status></ReplicaModifications></SourceSelectionCriteria>' +
        '<ExistingObjectReplication><Status>Enabled</Status></ExistingObjectReplication>',
      destination: to(
        'target',
        '<Account>123456789012</Account><StorageClass>STANDARD_IA</StorageClass>' +
          `<AccessControlTranslation><Owner>Destination</Owner></AccessControlTranslation>${kmsKey}` +
          time('Enabled', 15) +
          metrics(15),
      ),
    }),
  ],
] as const)
  t.test(`PutBucketReplication: ${title} → kept, and the same document back`, async t => {
    const parsed = good(put(role + rules))
    const reply = renderReplication(parsed)
    t.equal(contentOf(reply, 'ReplicationConfiguration'), role + rules.replaceAll('<Prefix/>', '<Prefix></Prefix>'))
    t.same(parseReplication('source', bytesOf(reply)), parsed)
    t.same(JSON.parse(JSON.stringify(parsed)), parsed, 'plain JSON')
  })

t.test('PutBucketReplication: rules without an ID → one each, the same for the same document', async t => {
  const content = role + rule({ priority: 1 }) + rule({ priority: 2, id: '' })
  const ids = good(put(content)).rules.map(rule => rule.id)
  for (const id of ids) t.match(id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  t.not(ids[0], ids[1])
  t.same(
    good(put(content)).rules.map(rule => rule.id),
    ids,
  )
})

const schema = (name: string, needed: boolean) =>
  `InvalidRequest: ${name} ${needed ? 'must be specified' : 'cannot be used'} for this version of Cross Region ` +
  'Replication configuration schema. Please refer to S3 Developer Guide for more information.'
const invalid = (message: string) => `InvalidRequest: ${message}`

for (const [title, content, expected] of [
  ['no rules', role, malformed],
  ['no role', rule(), malformed],
  ['a rule without a destination', role + rule({ destination: '' }), malformed],
  ['another status', role + rule({ status: 'On' }), malformed],
  ['another storage class', role + rule({ destination: to('target', '<StorageClass>COLD</StorageClass>') }), malformed],
  ['another owner', role + rule({ destination: to('target', '<AccessControlTranslation><Owner>Source</Owner></AccessControlTranslation>') }), malformed],
  ['prefix and filter', role + rule({ filter: '<Filter/><Prefix>a</Prefix>' }), malformed],
  ['neither prefix nor filter', role + rule({ filter: '' }), malformed],
  ['a filter of two forms', role + rule({ filter: `<Filter><Prefix>a</Prefix>${tag('k')}</Filter>` }), malformed],
  ['And of one', role + rule({ filter: `<Filter><And>${tag('k')}</And></Filter>` }), malformed],
  ['a role that is no ARN', `<Role>admin</Role>${rule()}`, 'InvalidArgument: Invalid Role specified in replication configuration'],
  ['a role that is a user', `<Role>arn:aws:iam::123456789012:user/a</Role>${rule()}`, 'InvalidArgument: The relative id should start with role'],
  ['a filter without priority', role + rule({ priority: '' }), schema('Priority', true)],
  ['a filter without delete markers', role + rule({ markers: '' }), schema('DeleteMarkerReplication', true)],
  ['a prefix with priority', role + rule({ filter: '<Prefix>a</Prefix>' }), schema('Priority', false)],
  ['a prefix with delete markers', role + rule({ filter: '<Prefix>a</Prefix>', priority: '' }), schema('DeleteMarkerReplication', false)],
  ['one rule of each schema', role + first('1', 'a') + rule(), schema('Priority', false)],
  ['a negative priority', role + rule({ priority: -1 }), invalid('Priority must be between 0 and 2147483647.')],
  ['a priority twice', role + rule({ id: 'a', priority: 1 }) + rule({ id: 'b', priority: 1 }), invalid('Found duplicate priority 1.')],
  ['an ID twice', role + rule({ id: 'a' }) + rule({ id: 'a' }), 'InvalidArgument: Rule Id must be unique'],
  ['a long ID', role + rule({ id: 'i'.repeat(256) }), 'InvalidArgument: Rule Id cannot be greater than 255'],
  ['a tag twice', role + rule({ filter: `<Filter><And>${tag('k')}${tag('k')}</And></Filter>` }), invalid('Duplicate Tag Keys are not allowed.')],
  ['a tag that is none', role + rule({ filter: `<Filter>${tag('a,b')}</Filter>` }), 'InvalidTag: The TagKey you have provided is invalid'],
  ['delete markers by tag', role + rule({ filter: `<Filter>${tag('k')}</Filter>`, markers: 'Enabled' }), invalid('Delete marker replication is not supported if any Tag filter is specified. Please refer to S3 Developer Guide for more information.')],
  ['a bucket that is no ARN', role + rule({ destination: '<Destination><Bucket>target</Bucket></Destination>' }), 'InvalidArgument: Invalid bucket ARN'],
  ['the bucket itself', role + rule({ destination: to('source') }), invalid('Destination bucket cannot be the same as the source bucket.')],
  ['an owner without account', role + rule({ destination: to('target', '<AccessControlTranslation><Owner>Destination</Owner></AccessControlTranslation>') }), invalid('Account must be specified if the Owner in AccessControlTranslation has a value')],
  ['empty criteria', role + rule({ criteria: '<SourceSelectionCriteria/>' }), invalid('SourceSelectionCriteria cannot be empty.')],
  ['a key without criteria', role + rule({ destination: to('target', kmsKey) }), invalid('SseKmsEncryptedObjects must be specified if EncryptionConfiguration is present.')],
  ['criteria without a key', role + rule({ criteria: kmsCriteria }), invalid('ReplicaKmsKeyID must be specified if SseKmsEncryptedObjects tag is present.')],
  ['a key that is no ARN', role + rule({ criteria: kmsCriteria, destination: to('target', '<EncryptionConfiguration><ReplicaKmsKeyID>k</ReplicaKmsKeyID></EncryptionConfiguration>') }), 'InvalidArgument: Invalid ReplicaKmsKeyID ARN.'],
  ['a time without metrics', role + rule({ destination: to('target', time('Enabled', 15)) }), invalid('Replication destination must contain both ReplicationTime and Metrics or neither.')],
  ['another time', role + rule({ destination: to('target', time('Enabled', 14) + metrics(15)) }), 'InvalidArgument: Invalid time minute value'],
  ['a time without threshold', role + rule({ destination: to('target', time('Enabled', 15) + metrics()) }), 'InvalidArgument: ReplicationMetrics must contain an event threshold'],
  ['another threshold', role + rule({ destination: to('target', time('Enabled', 15) + metrics(5)) }), 'InvalidArgument: Invalid event threshold minute value'],
  ['a threshold without time', role + rule({ destination: to('target', metrics(15)) }), 'InvalidArgument: Metrics cannot contain an event threshold when ReplicationTime is not specified or Disabled'],
  ['two buckets in the first schema', role + first('1', 'a') + first('2', 'b', to('other')), invalid('Number of distinct destination bucket ARNs cannot exceed 1')],
  ['overlapping prefixes in the first schema', role + first('1', 'abc') + first('2', 'b') + first('3', 'ab'), invalid("Found overlapping prefixes 'ab' and 'abc'")],
  ['1,001 rules', role + Array.from({ length: 1001 }, (_, i) => rule({ priority: i })).join(''), invalid('The number of replication rules must not exceed the allowed limit of 1000 rules.')],
] as const) // biome-ignore format: a table
  t.test(`PutBucketReplication: ${title} → refused`, async t => {
    t.equal(said(put(content)), expected)
  })

t.test('PutBucketReplication: 1,000 rules → kept', async t => {
  t.notOk(put(role + Array.from({ length: 1000 }, (_, i) => rule({ priority: i })).join('')) instanceof Fault)
})

const rulesOf = (configuration: ReplicationConfiguration, key: string, tags: Record<string, string> = {}) =>
  replicationRulesFor(configuration, {
    key,
    tags: Object.entries(tags).map(([key, value]) => ({ key, value })),
  }).map(rule => rule.id)

t.test('replication rules: of an object → those that match, the highest priority of each bucket', async t => {
  const configuration = good(
    put(
      role +
        rule({ id: 'all', priority: 1 }) +
        rule({ id: 'logs', priority: 3, filter: '<Filter><Prefix>logs/</Prefix></Filter>' }) +
        rule({ id: 'off', priority: 9, status: 'Disabled' }) +
        rule({ id: 'tagged', priority: 2, filter: `<Filter>${tag('k')}</Filter>`, destination: to('other') }) +
        rule({
          id: 'both',
          priority: 5,
          filter: `<Filter><And><Prefix>logs/</Prefix>${tag('k')}${tag('l')}</And></Filter>`,
          destination: to('other'),
        }),
    ),
  )
  t.same(rulesOf(configuration, 'a'), ['all'])
  t.same(rulesOf(configuration, 'logs/a'), ['logs'])
  t.same(rulesOf(configuration, 'a', { k: 'v' }), ['all', 'tagged'])
  t.same(rulesOf(configuration, 'a', { k: 'other' }), ['all'])
  t.same(rulesOf(configuration, 'logs/a', { k: 'v' }), ['logs', 'tagged'])
  t.same(rulesOf(configuration, 'logs/a', { k: 'v', l: 'v', m: '' }), ['logs', 'both'])
})

t.test('replication rules: of the first schema → by prefix', async t => {
  const configuration = good(put(role + first('1', 'Tax') + first('2', 'Project')))
  t.same(rulesOf(configuration, 'Tax/1'), ['1'])
  t.same(rulesOf(configuration, 'Project'), ['2'])
  t.same(rulesOf(configuration, 'other'), [])
})

t.test('replication rules: what they say → bucket, delete markers, encrypted, changed replicas', async t => {
  const [old] = good(put(role + first('1', ''))).rules
  const [plain] = good(put(role + rule())).rules
  const [full] = good(
    put(role + rule({ criteria: kmsCriteria, destination: to('other', kmsKey), markers: 'Enabled' })),
  ).rules
  const [changed] = good(
    put(
      role +
        rule({
          criteria:
            '<SourceSelectionCriteria><ReplicaModifications><Status>Enabled</Status></ReplicaModifications></SourceSelectionCriteria>',
        }),
    ),
  ).rules
  t.equal(destinationBucket(full!), 'other')
  t.same(
    [old, plain, full].map(rule => replicatesDeleteMarkers(rule!)),
    [true, false, true],
  )
  t.same(
    [old, plain, full].map(rule => replicatesKmsEncrypted(rule!)),
    [false, false, true],
  )
  t.same(
    [plain, changed].map(rule => replicatesReplicaModifications(rule!)),
    [false, true],
  )
})
