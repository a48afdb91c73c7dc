/** Messages compare to those recorded from the service. */
import t from 'tap'
import type { EventName } from '../../protocol/s3/event-names.ts'
import { eventNames } from '../../protocol/s3/event-names.ts'
import { type BucketEvent, encodeSequencer, renderEvent, renderTestEvent } from '../../protocol/s3/event-record.ts'
import { encodeFormKey } from '../../protocol/s3/form-key.ts'

const event = (name: EventName, more: Partial<BucketEvent> = {}): BucketEvent => ({
  name,
  atMs: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
  region: 'us-east-1',
  principalId: 'AWS:AIDAJDPLRKLG7UEXAMPLE',
  sourceIp: '127.0.0.1',
  requestId: 'C3D13FE58DE4C810',
  hostId: 'FMyUVURIY8/IgAtTv8xRjskZQpcIZ9KG4V5Wp6S7S/JRWeUWerMUE5JgHvANOjpD',
  configurationId: 'testConfigRule',
  bucket: 'amzn',
  bucketOwner: 'A3NL1KOZZKExample',
  object: { key: 'dir 1/a@b.jpg', sizeBytes: 1024, etag: 'd41d8cd9', versionId: 'v1', seq: 0x55aed6dcd9028 },
  ...more,
})
const record = (name: EventName, more: Partial<BucketEvent> = {}) =>
  (JSON.parse(renderEvent(event(name, more))) as { Records: [Record<string, unknown>] }).Records[0]
const objectOf = (name: EventName, more: Partial<BucketEvent> = {}) =>
  (record(name, more)['s3'] as { object: unknown }).object

t.test('renderEvent: an object was put → the whole message, members in S3’s order', async t => {
  t.equal(
    renderEvent(event('s3:ObjectCreated:Put')),
    '{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"us-east-1",' +
      '"eventTime":"2026-01-02T03:04:05.678Z","eventName":"ObjectCreated:Put",' +
      '"userIdentity":{"principalId":"AWS:AIDAJDPLRKLG7UEXAMPLE"},' +
      '"requestParameters":{"sourceIPAddress":"127.0.0.1"},' +
      '"responseElements":{"x-amz-request-id":"C3D13FE58DE4C810",' +
      '"x-amz-id-2":"FMyUVURIY8/IgAtTv8xRjskZQpcIZ9KG4V5Wp6S7S/JRWeUWerMUE5JgHvANOjpD"},' +
      '"s3":{"s3SchemaVersion":"1.0","configurationId":"testConfigRule",' +
      '"bucket":{"name":"amzn","ownerIdentity":{"principalId":"A3NL1KOZZKExample"},"arn":"arn:aws:s3:::amzn"},' +
      '"object":{"key":"dir+1/a%40b.jpg","size":1024,"eTag":"d41d8cd9","versionId":"v1",' +
      '"sequencer":"0000055AED6DCD9028"}}}]}',
  )
})

const key = 'dir+1/a%40b.jpg'
const all = { key, size: 1024, eTag: 'd41d8cd9', versionId: 'v1', sequencer: '0000055AED6DCD9028' }
for (const [name, version, facts] of [
  ['s3:ObjectCreated:CompleteMultipartUpload', '2.1', all],
  ['s3:ObjectRemoved:Delete', '2.1', { key, versionId: 'v1', sequencer: all.sequencer }],
  [
    's3:ObjectRemoved:DeleteMarkerCreated',
    '2.1',
    { key, eTag: 'd41d8cd98f00b204e9800998ecf8427e', versionId: 'v1', sequencer: all.sequencer },
  ],
  ['s3:ObjectTagging:Put', '2.3', { key, eTag: all.eTag, versionId: 'v1' }],
  ['s3:ObjectTagging:Delete', '2.3', { key, eTag: all.eTag, versionId: 'v1' }],
  ['s3:ObjectAcl:Put', '2.3', { key, eTag: all.eTag, versionId: 'v1' }],
  ['s3:ObjectRestore:Post', '2.1', all],
  ['s3:Replication:OperationFailedReplication', '2.2', all],
  ['s3:LifecycleExpiration:Delete', '2.3', { key, versionId: 'v1', sequencer: all.sequencer }],
  ['s3:LifecycleTransition', '2.3', all],
] as const)
  t.test(`renderEvent: ${name} → version ${version}, the facts that it has`, async t => {
    t.equal(record(name)['eventVersion'], version)
    t.equal(record(name)['eventName'], name.slice(3))
    t.same(objectOf(name), facts)
  })

t.test('renderEvent: a bucket without versions → no versionId', async t => {
  for (const versionId of [undefined, 'null'])
    t.same(objectOf('s3:ObjectRemoved:Delete', { object: { key: 'k', versionId, seq: 1 } }), {
      key: 'k',
      sequencer: '000000000000000001',
    })
})

t.test('renderEvent: what some events add → beside s3', async t => {
  t.same(
    record('s3:ObjectRestore:Completed', { restore: { expiresAtMs: 0, storageClass: 'GLACIER' } })['glacierEventData'],
    {
      restoreEventData: {
        lifecycleRestorationExpiryTime: '1970-01-01T00:00:00.000Z',
        lifecycleRestoreStorageClass: 'GLACIER',
      },
    },
  )
  t.same(record('s3:LifecycleTransition', { transition: { storageClass: 'GLACIER' } })['lifecycleEventData'], {
    transitionEventData: { destinationStorageClass: 'GLACIER' },
  })
  t.same(
    record('s3:IntelligentTiering', { tiering: { accessTier: 'ARCHIVE_ACCESS' } })['intelligentTieringEventData'],
    {
      destinationAccessTier: 'ARCHIVE_ACCESS',
    },
  )
  t.same(
    record('s3:Replication:OperationMissedThreshold', {
      replication: {
        ruleId: 'r',
        destinationBucket: 'b',
        operation: 'OBJECT_PUT',
        requestedAtMs: 0,
        thresholdMs: 900_000,
      },
    })['replicationEventData'],
    {
      replicationRuleId: 'r',
      destinationBucket: 'arn:aws:s3:::b',
      s3Operation: 'OBJECT_PUT',
      requestTime: '1970-01-01T00:00:00.000Z',
      threshold: '900',
    },
  )
  for (const name of eventNames)
    t.same(Object.keys(record(name)).at(-1), 's3', `${name} adds nothing that it was not given`)
})

t.test('event keys: → as in a form, but for slashes', async t => {
  for (const [key, expected] of [
    ['a/b-c_d.e*', 'a/b-c_d.e*'],
    ['a b+c', 'a+b%2Bc'],
    ["!'()~&=%", '%21%27%28%29%7E%26%3D%25'],
    ['é', '%C3%A9'],
  ] as const)
    t.equal(encodeFormKey(key), expected)
})

t.test('sequencers: → order as texts as the sequences do', async t => {
  const seqs = [0, 9, 10, 1_790_000_000_000_000, Number.MAX_SAFE_INTEGER]
  const texts = seqs.map(encodeSequencer)
  t.same(texts.toSorted(), texts)
  for (const text of texts) t.match(text, /^[0-9A-F]{18}$/)
})

t.test('renderTestEvent: → what a destination is told first', async t => {
  t.equal(
    renderTestEvent({ bucket: 'b', atMs: 0, requestId: 'r', hostId: 'h' }),
    '{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"1970-01-01T00:00:00.000Z","Bucket":"b","RequestId":"r","HostId":"h"}',
  )
})
