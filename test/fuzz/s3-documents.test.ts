/** S3's documents: no input throws, what is read can be written and read again, and what no schema knows is refused. */
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { checkRemoval, checkRetentionChange } from '../../gateway/rules/retention.ts'
import { Fault } from '../../protocol/fault.ts'
import type { Reply } from '../../protocol/operation.ts'
import { parseAbac, renderAbac } from '../../protocol/s3/abac.ts'
import { parseAcceleration, renderAcceleration } from '../../protocol/s3/accelerate.ts'
import { renderAccessLogLine } from '../../protocol/s3/access-log.ts'
import { analyticsKind, parseAnalytics } from '../../protocol/s3/analytics.ts'
import { parseBucketEncryption, renderBucketEncryption } from '../../protocol/s3/bucket-encryption.ts'
import { parseBucketLogging, renderBucketLogging } from '../../protocol/s3/bucket-logging.ts'
import { metricsKind, parseMetrics } from '../../protocol/s3/bucket-metrics.ts'
import { type ConfigurationKind, renderConfiguration } from '../../protocol/s3/configuration.ts'
import { parseTiering, tieringKind } from '../../protocol/s3/intelligent-tiering.ts'
import { inventoryKind, parseInventory } from '../../protocol/s3/inventory.ts'
import { noNotifications, parseNotification, renderNotification } from '../../protocol/s3/notification.ts'
import { notificationsFor } from '../../protocol/s3/notification-rules.ts'
import {
  parseBucketLock,
  parseLegalHold,
  parseLockHeaders,
  parseRetention,
  renderBucketLock,
  renderLegalHold,
  renderRetention,
} from '../../protocol/s3/object-lock.ts'
import { parseReplication, renderReplication } from '../../protocol/s3/replication.ts'
import { replicationRulesFor } from '../../protocol/s3/replication-rules.ts'
import { parseRequestPayment, renderRequestPayment } from '../../protocol/s3/request-payment.ts'
import { parseTagging, parseTagHeader, renderTagging, type Tag } from '../../protocol/s3/tagging.ts'
import { formatTimestamp, parseTimestamp } from '../../protocol/s3/timestamps.ts'
import { decodeVersionId, encodeVersionId } from '../../protocol/s3/version-ids.ts'
import { parseVersionListing } from '../../protocol/s3/version-listing.ts'
import { parseVersioning, renderVersioning } from '../../protocol/s3/versioning.ts'
import { wireRequest } from '../unit/wire-request.ts'

interface Document {
  readonly root: string
  /** A valid one that has nearly everything. */
  readonly example: string
  readonly parse: (body: Uint8Array) => unknown
  readonly render: (value: never) => Reply
}
const configuration = (
  kind: ConfigurationKind<unknown>,
  parse: (id: string, body: Uint8Array) => unknown,
  example: string,
): Document => ({
  root: kind.root,
  example,
  parse: body => parse('id', body),
  render: value => renderConfiguration(kind, value),
})
const put = wireRequest('PUT /bucket?versioning')
const tag = '<Tag><Key>k</Key><Value>v</Value></Tag><Tag><Key>l</Key><Value/></Tag>'
const and = `<Filter><And><Prefix>p</Prefix>${tag.replace('<Value/>', '<Value>w</Value>')}</And></Filter>`

const documents: readonly Document[] = [
  {
    root: 'VersioningConfiguration',
    example: '<MfaDelete>Disabled</MfaDelete><Status>Enabled</Status>',
    parse: body => parseVersioning(put, body),
    render: renderVersioning,
  },
  {
    root: 'Tagging',
    example: `<TagSet>${tag}</TagSet>`,
    parse: body => parseTagging(body, 'object'),
    render: (tags: readonly Tag[]) => renderTagging(tags),
  },
  {
    root: 'ObjectLockConfiguration',
    example:
      '<ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Days>1</Days></DefaultRetention></Rule>',
    parse: parseBucketLock,
    render: renderBucketLock,
  },
  {
    root: 'Retention',
    example: '<Mode>COMPLIANCE</Mode><RetainUntilDate>2030-01-01T00:00:00Z</RetainUntilDate>',
    // An empty document takes the retention away: there is none to write.
    parse: body => {
      const retention = parseRetention(body)
      return retention === 'none' ? undefined : retention
    },
    render: renderRetention,
  },
  { root: 'LegalHold', example: '<Status>ON</Status>', parse: parseLegalHold, render: renderLegalHold },
  {
    root: 'ServerSideEncryptionConfiguration',
    example:
      '<Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>k</KMSMasterKeyID>' +
      '</ApplyServerSideEncryptionByDefault><BucketKeyEnabled>true</BucketKeyEnabled><BlockedEncryptionTypes>' +
      '<EncryptionType>SSE-C</EncryptionType></BlockedEncryptionTypes></Rule>',
    parse: parseBucketEncryption,
    render: renderBucketEncryption,
  },
  {
    root: 'RequestPaymentConfiguration',
    example: '<Payer>Requester</Payer>',
    parse: parseRequestPayment,
    render: renderRequestPayment,
  },
  {
    root: 'AccelerateConfiguration',
    example: '<Status>Suspended</Status>',
    parse: body => parseAcceleration('bucket', body),
    render: renderAcceleration,
  },
  { root: 'AbacStatus', example: '<Status>Enabled</Status>', parse: parseAbac, render: renderAbac },
  {
    root: 'BucketLoggingStatus',
    example:
      '<LoggingEnabled><TargetBucket>b</TargetBucket><TargetGrants><Grant><Grantee><ID>i</ID></Grantee>' +
      '<Permission>READ</Permission></Grant></TargetGrants><TargetObjectKeyFormat><PartitionedPrefix><PartitionDateSource>' +
      'EventTime</PartitionDateSource></PartitionedPrefix></TargetObjectKeyFormat><TargetPrefix>p</TargetPrefix></LoggingEnabled>',
    parse: parseBucketLogging,
    render: renderBucketLogging,
  },
  configuration(
    analyticsKind,
    parseAnalytics,
    `<Id>id</Id>${and}<StorageClassAnalysis><DataExport><OutputSchemaVersion>V_1</OutputSchemaVersion><Destination>` +
      '<S3BucketDestination><Format>CSV</Format><BucketAccountId>1</BucketAccountId><Bucket>arn:aws:s3:::target</Bucket>' +
      '<Prefix>p</Prefix></S3BucketDestination></Destination></DataExport></StorageClassAnalysis>',
  ),
  configuration(
    inventoryKind,
    parseInventory,
    '<Destination><S3BucketDestination><AccountId>1</AccountId><Bucket>arn:aws:s3:::target</Bucket><Format>ORC</Format>' +
      '<Encryption><SSE-S3/></Encryption></S3BucketDestination></Destination><IsEnabled>true</IsEnabled><Filter><Prefix>p' +
      '</Prefix></Filter><Id>id</Id><IncludedObjectVersions>All</IncludedObjectVersions><OptionalFields><Field>Size</Field>' +
      '<Field>ETag</Field></OptionalFields><Schedule><Frequency>Daily</Frequency></Schedule>',
  ),
  configuration(metricsKind, parseMetrics, `<Id>id</Id>${and}`),
  configuration(
    tieringKind,
    parseTiering,
    `<Id>id</Id>${and}<Status>Enabled</Status><Tiering><AccessTier>ARCHIVE_ACCESS</AccessTier><Days>90</Days></Tiering>` +
      '<Tiering><AccessTier>DEEP_ARCHIVE_ACCESS</AccessTier><Days>180</Days></Tiering>',
  ),
  {
    root: 'ReplicationConfiguration',
    example:
      `<Role>arn:aws:iam::000000000000:role/r</Role><Rule><ID>i</ID><Priority>1</Priority>${and}<Status>Enabled</Status>` +
      '<SourceSelectionCriteria><ReplicaModifications><Status>Enabled</Status></ReplicaModifications>' +
      '</SourceSelectionCriteria><Destination><Bucket>arn:aws:s3:::target</Bucket><StorageClass>GLACIER</StorageClass>' +
      '<ReplicationTime><Status>Enabled</Status><Time><Minutes>15</Minutes></Time></ReplicationTime><Metrics><Status>Enabled' +
      '</Status><EventThreshold><Minutes>15</Minutes></EventThreshold></Metrics></Destination><DeleteMarkerReplication>' +
      '<Status>Disabled</Status></DeleteMarkerReplication></Rule>',
    parse: body => parseReplication('bucket', body),
    render: renderReplication,
  },
  {
    root: 'NotificationConfiguration',
    example:
      '<TopicConfiguration><Topic>arn:aws:sns:us-east-1:000000000000:t</Topic><Event>s3:ObjectRemoved:Delete</Event>' +
      '</TopicConfiguration><QueueConfiguration><Id>q</Id><Queue>arn:aws:sqs:us-east-1:000000000000:q</Queue>' +
      '<Event>s3:ObjectCreated:*</Event><Filter><S3Key><FilterRule><Name>prefix</Name><Value>p</Value></FilterRule>' +
      '<FilterRule><Name>suffix</Name><Value>s</Value></FilterRule></S3Key></Filter></QueueConfiguration>' +
      '<EventBridgeConfiguration/>',
    parse: parseNotification,
    render: renderNotification,
  },
]

/** The names and words of all documents: random trees of them come near to what the parsers take. */
const words = (
  'Status MfaDelete TagSet Tag Key Value ObjectLockEnabled Rule DefaultRetention Mode Days Years RetainUntilDate ' +
  'ApplyServerSideEncryptionByDefault SSEAlgorithm KMSMasterKeyID BucketKeyEnabled BlockedEncryptionTypes EncryptionType ' +
  'Payer LoggingEnabled TargetBucket TargetPrefix TargetGrants Grant Grantee ID URI Permission TargetObjectKeyFormat ' +
  'SimplePrefix PartitionedPrefix PartitionDateSource Id Filter Prefix And StorageClassAnalysis DataExport Destination ' +
  'S3BucketDestination Bucket Format IsEnabled IncludedObjectVersions OptionalFields Field Schedule Frequency Tiering ' +
  'AccessTier Role Priority DeleteMarkerReplication SourceSelectionCriteria SseKmsEncryptedObjects Metrics ' +
  'ReplicationTime Time Minutes EventThreshold QueueConfiguration Queue Event S3Key FilterRule Name ' +
  'TopicConfiguration Topic EventBridgeConfiguration'
).split(' ')
const texts = (
  'Enabled Disabled Suspended GOVERNANCE COMPLIANCE ON OFF AES256 aws:kms true false 0 1 15 90 180 -1 id All Current CSV ' +
  'Daily Requester BucketOwner EventTime ARCHIVE_ACCESS DEEP_ARCHIVE_ACCESS prefix suffix s3:ObjectCreated:* ' +
  's3:ObjectRemoved:Delete arn:aws:s3:::target arn:aws:sqs:us-east-1:000000000000:q arn:aws:iam::000000000000:role/r ' +
  '2030-01-01T00:00:00Z V_1 &lt;&amp; &#0; aws:tag'
).split(' ')

interface Node {
  readonly name: string
  readonly text: string
  readonly children: readonly Node[]
}
const { node } = fc.letrec<{ node: Node }>(tie => ({
  node: fc.record({
    name: fc.constantFrom(...words),
    text: fc.oneof(fc.constantFrom('', ...texts), fc.string({ maxLength: 6 })),
    children: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constant<readonly Node[]>([]),
      fc.array(tie('node'), { maxLength: 4 }),
    ),
  }),
}))
function xmlOf({ name, text, children }: Node): string {
  return `<${name}>${children.length > 0 ? children.map(xmlOf).join('') : text}</${name}>`
}

/** What stands between two tags, and the tags themselves: dropped, doubled or said otherwise, one after the other. */
const edit = fc.record({
  at: fc.nat(200),
  kind: fc.constantFrom('drop', 'double', 'say'),
  text: fc.oneof(fc.constantFrom('', ...texts), fc.string({ maxLength: 6 })),
})
function editedOf(example: string, edits: readonly { at: number; kind: string; text: string }[]): string {
  const pieces = example.match(/<(\w+)>[^<]*<\/\1>|<[^>]*>|[^<]+/g) ?? []
  for (const { at, kind, text } of edits) {
    const i = at % pieces.length
    const piece = pieces[i] ?? ''
    if (kind === 'drop') pieces[i] = ''
    else if (kind === 'double') pieces[i] = piece + piece
    else pieces[i] = piece.replace(/>[^<]*</, () => `>${text}<`)
  }
  return pieces.join('')
}

for (const { root, example, parse, render } of documents) {
  const bodyOf = (content: string) => Buffer.from(`<${root}>${content}</${root}>`)
  /** Whether it is a document; throws when what was read of it is not written and read again the same. */
  const isRead = (content: string): boolean => {
    const value = parse(bodyOf(content))
    if (value instanceof Fault || value === undefined) return false
    const again = parse(Buffer.from(String(render(value as never).body)))
    if (!isDeepStrictEqual(again, value)) throw new Error(`${content} was not read again`)
    return true
  }

  t.test(`${root}: a valid document, edited at random → a fault, or written and read again the same`, async t => {
    t.ok(isRead(example))
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), edits => {
        isRead(editedOf(example, edits))
      }),
      { numRuns: 400 },
    )
  })
  t.test(`${root}: any tree of known names → a fault, or written and read again the same`, async t => {
    fc.assert(
      fc.property(fc.array(node, { maxLength: 5 }), children => {
        isRead(children.map(xmlOf).join(''))
      }),
      { numRuns: 200 },
    )
    t.pass()
  })
  t.test(`${root}: any bytes → a fault`, async t => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), bytes => {
        if (!(parse(bytes) instanceof Fault)) throw new Error(Buffer.from(bytes).toString('hex'))
      }),
      { numRuns: 200 },
    )
    t.pass()
  })
}

const tagText = fc.stringMatching(/^[A-Za-z0-9 +\-=._:/@é]{1,20}$/).filter(text => !text.startsWith('aws:'))
const tags = fc.uniqueArray(fc.record({ key: tagText, value: fc.oneof(fc.constant(''), tagText) }), {
  maxLength: 10,
  selector: tag => tag.key,
})

t.test('tags: good ones → the same through a document, and by key through the header', async t => {
  fc.assert(
    fc.property(tags, tags => {
      const read = parseTagging(Buffer.from(String(renderTagging(tags).body)), 'object')
      if (JSON.stringify(read) !== JSON.stringify(tags)) throw new Error('document')
      const header = tags.map(tag => `${encodeURIComponent(tag.key)}=${encodeURIComponent(tag.value)}`).join('&')
      const parsed = parseTagHeader(wireRequest('PUT /bucket/key', { 'x-amz-tagging': header }))
      const sorted = [...tags].sort((a, b) => (a.key < b.key ? -1 : 1))
      if (JSON.stringify(parsed) !== JSON.stringify(sorted)) throw new Error('header')
    }),
    { numRuns: 500 },
  )
  t.pass()
})

t.test('headers and queries: any text → a value or a fault', async t => {
  const text = fc.oneof(
    fc.constantFrom('ON', 'GOVERNANCE', '2030-01-01T00:00:00Z', 'null', ''),
    fc.string({ maxLength: 40 }),
  )
  fc.assert(
    fc.property(text, text, text, text, (a, b, c, d) => {
      parseTagHeader(wireRequest('PUT /bucket/key', { 'x-amz-tagging': a }))
      parseLockHeaders(
        wireRequest('PUT /bucket/key', {
          'x-amz-object-lock-mode': a,
          'x-amz-object-lock-retain-until-date': b,
          'x-amz-object-lock-legal-hold': c,
        }),
      )
      parseVersionListing(
        wireRequest(
          `GET /bucket?versions&key-marker=${encodeURIComponent(a)}&version-id-marker=${encodeURIComponent(b)}&prefix=${encodeURIComponent(c)}`,
          { 'x-amz-optional-object-attributes': d },
        ),
      )
    }),
    { numRuns: 1000 },
  )
  t.pass()
})

t.test('version ids: any sequence → back; any text → a sequence only if it is that sequence’s id', async t => {
  const seq = fc.oneof(fc.nat(), fc.maxSafeNat())
  fc.assert(
    fc.property(seq, seq, fc.string({ minLength: 32, maxLength: 32 }), (a, b, text) => {
      if (decodeVersionId(encodeVersionId(a)) !== a) throw new Error(String(a))
      const mixed = encodeVersionId(a).slice(0, 20) + encodeVersionId(b).slice(20)
      for (const id of [mixed, text]) {
        const decoded = decodeVersionId(id)
        if (decoded !== undefined && encodeVersionId(decoded) !== id) throw new Error(id)
      }
    }),
    { numRuns: 1000 },
  )
  t.pass()
})

t.test('timestamps: any moment → back; any text → a moment or none', async t => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 253_402_300_799_999 }), fc.string({ maxLength: 30 }), (ms, text) => {
      if (parseTimestamp(formatTimestamp(ms)) !== ms) throw new Error(String(ms))
      const parsed = parseTimestamp(text)
      if (parsed !== undefined && !Number.isSafeInteger(parsed)) throw new Error(text)
    }),
    { numRuns: 1000 },
  )
  t.pass()
})

t.test('access log: any texts → one line of 27 fields', async t => {
  const text = fc.string({ maxLength: 30, unit: 'grapheme' })
  fc.assert(
    fc.property(text, text, text, text, (key, referer, agent, host) => {
      const line = renderAccessLogLine({
        bucketOwner: 'o',
        bucket: 'b',
        atMs: 0,
        requestId: 'r',
        operation: 'REST.GET.OBJECT',
        key,
        referer,
        userAgent: agent,
        hostHeader: host,
      })
      const fields = line.slice(0, -1).match(/\[[^\]]*\]|"[^"]*"|[^ "[][^ ]*/g) ?? []
      if (line.indexOf('\n') !== line.length - 1) throw new Error('lines')
      if (fields.length !== 27 && !host.startsWith('[')) throw new Error(`${fields.length} fields: ${line}`)
    }),
    { numRuns: 1000 },
  )
  t.pass()
})

t.test('replication: any priorities → at most one rule a bucket, none better left out', async t => {
  const ruleOf = (bucket: string, prefix: string, priority: number) =>
    `<Rule><Priority>${priority}</Priority><Filter><Prefix>${prefix}</Prefix></Filter><Status>Enabled</Status>` +
    `<Destination><Bucket>arn:aws:s3:::${bucket}</Bucket></Destination><DeleteMarkerReplication/></Rule>`
  const rule = fc.tuple(fc.constantFrom('one', 'two'), fc.constantFrom('', 'a', 'ab', 'b'), fc.nat(1000))
  fc.assert(
    fc.property(
      fc.uniqueArray(rule, { minLength: 1, maxLength: 8, selector: rule => rule[2] }),
      fc.constantFrom('', 'a', 'abc', 'b', 'c'),
      (rules, key) => {
        const document = `<ReplicationConfiguration><Role>arn:aws:iam::000000000000:role/r</Role>${rules.map(rule => ruleOf(...rule)).join('')}</ReplicationConfiguration>`
        const parsed = parseReplication('source', Buffer.from(document))
        if (parsed instanceof Fault) throw new Error(JSON.stringify(parsed))
        const chosen = replicationRulesFor(parsed, { key, tags: [] })
        for (const bucket of ['one', 'two']) {
          const best = Math.max(
            -1,
            ...rules.filter(rule => rule[0] === bucket && key.startsWith(rule[1])).map(rule => rule[2]),
          )
          const of = chosen.filter(rule => rule.destination.bucket.endsWith(bucket)).map(rule => rule.priority)
          if (of.join() !== (best < 0 ? '' : String(best))) throw new Error(`${document} ${key}`)
        }
      },
    ),
    { numRuns: 500 },
  )
  t.pass()
})

t.test('notifications: rules that were let in → at most one is told of an event on a key', async t => {
  const affix = fc.stringMatching(/^[ab]{0,2}$/)
  const rule = fc.tuple(
    affix,
    affix,
    fc.constantFrom('s3:ObjectCreated:*', 's3:ObjectCreated:Put', 's3:ObjectRemoved:*'),
  )
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 4 }), fc.stringMatching(/^[ab]{0,5}$/), (rules, key) => {
      const document = rules
        .map(
          ([prefix, suffix, event], i) =>
            `<QueueConfiguration><Id>${i}</Id><Queue>arn:aws:sqs:us-east-1:000000000000:q</Queue><Event>${event}</Event>` +
            `<Filter><S3Key><FilterRule><Name>prefix</Name><Value>${prefix}</Value></FilterRule><FilterRule><Name>suffix</Name>` +
            `<Value>${suffix}</Value></FilterRule></S3Key></Filter></QueueConfiguration>`,
        )
        .join('')
      const parsed = parseNotification(
        Buffer.from(`<NotificationConfiguration>${document}</NotificationConfiguration>`),
      )
      const configuration = parsed instanceof Fault ? noNotifications : parsed
      if (notificationsFor(configuration, 's3:ObjectCreated:Put', key).length > 1) throw new Error(`${document} ${key}`)
    }),
    { numRuns: 2000 },
  )
  t.pass()
})

t.test('retention: whatever may be changed without a bypass → never lets go earlier', async t => {
  const retention = fc.option(
    fc.record({ mode: fc.constantFrom('GOVERNANCE' as const, 'COMPLIANCE' as const), untilMs: fc.nat(20) }),
    { nil: undefined },
  )
  fc.assert(
    fc.property(retention, retention, fc.nat(20), fc.nat(20), (current, next, nowMs, laterMs) => {
      if (checkRetentionChange(current, next, nowMs, false) !== undefined) return
      const at = nowMs + laterMs
      const before = checkRemoval({ retention: current }, at, false)
      const after = checkRemoval({ retention: next }, at, false)
      if (before !== undefined && after === undefined) throw new Error(JSON.stringify({ current, next, nowMs, at }))
      if (
        checkRemoval({ retention: current }, at, true) !== undefined &&
        checkRemoval({ retention: next }, at, true) === undefined
      )
        throw new Error('compliance was loosened')
    }),
    { numRuns: 3000 },
  )
  t.pass()
})
