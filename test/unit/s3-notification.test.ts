import t from 'tap'
import { eventIncludes, eventNames, isEventPattern } from '../../protocol/s3/event-names.ts'
import { renderFault } from '../../protocol/s3/faults.ts'
import { noNotifications, parseNotification, renderNotification } from '../../protocol/s3/notification.ts'
import {
  checkDestinationRegions,
  destinationsInvalid,
  queueForbidden,
  queueMissing,
} from '../../protocol/s3/notification-destinations.ts'
import { notificationsFor } from '../../protocol/s3/notification-rules.ts'
import { bytesOf, contentOf, documentOf, good, malformed, said } from './document.ts'

const root = 'NotificationConfiguration'
const put = (content: string) => parseNotification(documentOf(root, content))
const queueArn = (name = 'my-queue') => `arn:aws:sqs:us-east-1:000000000000:${name}`
const filter = (rules: Readonly<Record<string, string>>) =>
  `<Filter><S3Key>${Object.entries(rules)
    .map(([name, value]) => `<FilterRule><Name>${name}</Name><Value>${value}</Value></FilterRule>`)
    .join('')}</S3Key></Filter>`
const queue = (id: string, events: readonly string[], more = '', arn = queueArn()) =>
  `<QueueConfiguration>${id === '' ? '' : `<Id>${id}</Id>`}<Queue>${arn}</Queue>${events
    .map(event => `<Event>${event}</Event>`)
    .join('')}${more}</QueueConfiguration>`
const created = ['s3:ObjectCreated:*']

t.test('PutBucketNotificationConfiguration: all kinds → kept, and the same document back', async t => {
  const content =
    '<TopicConfiguration><Id>t</Id><Topic>arn:aws:sns:us-east-1:000000000000:topic</Topic>' +
    '<Event>s3:ReducedRedundancyLostObject</Event></TopicConfiguration>' +
    queue('q', ['s3:ObjectCreated:Put', 's3:ObjectRemoved:*'], filter({ Prefix: 'images/', Suffix: '.jpg' })) +
    '<CloudFunctionConfiguration><Id>f</Id><CloudFunction>arn:aws:lambda:us-east-1:000000000000:function:my-f:1</CloudFunction>' +
    '<Event>s3:ObjectTagging:*</Event></CloudFunctionConfiguration><EventBridgeConfiguration/>'
  const parsed = good(put(content))
  t.same(
    parsed.rules.map(rule => [rule.kind, rule.id, rule.events]),
    [
      ['topic', 't', ['s3:ReducedRedundancyLostObject']],
      ['queue', 'q', ['s3:ObjectCreated:Put', 's3:ObjectRemoved:*']],
      ['function', 'f', ['s3:ObjectTagging:*']],
    ],
  )
  t.match(parsed, { eventBridge: true, rules: [{}, { arn: queueArn(), prefix: 'images/', suffix: '.jpg' }, {}] })
  t.equal(contentOf(renderNotification(parsed), root), content)
  t.same(parseNotification(bytesOf(renderNotification(parsed))), parsed)
  t.same(put(''), noNotifications)
  t.equal(contentOf(renderNotification(noNotifications), root), '')
})

t.test('PutBucketNotificationConfiguration: names of filter rules in any case → answered with a capital', async t => {
  const parsed = good(put(queue('q', created, filter({ suffix: '.txt', PREFIX: 'notif-' }))))
  t.match(contentOf(renderNotification(parsed), root), filter({ Prefix: 'notif-', Suffix: '.txt' }))
  t.match(good(put(queue('q', created, filter({ suffix: '' })))), { rules: [{ suffix: '' }] }, 'an empty value is kept')
})

t.test('PutBucketNotificationConfiguration: rules without an Id → one each, as S3 makes them', async t => {
  const content = queue('', created) + queue('', ['s3:ObjectRemoved:*'])
  const ids = good(put(content)).rules.map(rule => rule.id)
  for (const id of ids) t.match(Buffer.from(id, 'base64').toString(), /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  t.equal(new Set(ids).size, 2)
  t.same(
    good(put(content)).rules.map(rule => rule.id),
    ids,
  )
})

const invalid = (message: string) => `InvalidArgument: ${message}`
const overlap = invalid('Configurations overlap. Configurations on the same bucket cannot share a common event type.')
const ambiguous = invalid(
  'Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are overlapping ' +
    'for the same event type.',
)

for (const [title, content, expected] of [
  ['a rule without events', queue('q', []), malformed],
  ['a rule without a destination', '<QueueConfiguration><Event>s3:ObjectCreated:*</Event></QueueConfiguration>', malformed],
  ['an unknown element', '<Other/>', malformed],
  ['a filter of nothing', queue('q', created, '<Filter/>'), malformed],
  ['a filter without rules', queue('q', created, '<Filter><S3Key/></Filter>'), malformed],
  ['a filter rule without a name', queue('q', created, '<Filter><S3Key><FilterRule><Value>a</Value></FilterRule></S3Key></Filter>'), malformed],
  ['a filter rule without a value', queue('q', created, '<Filter><S3Key><FilterRule><Name>prefix</Name></FilterRule></S3Key></Filter>'), malformed],
  ['another filter rule', queue('q', created, filter({ INVALID: 'a' })), invalid('filter rule name must be either prefix or suffix')],
  ['two prefixes', queue('q', created, filter({ prefix: 'a', Prefix: 'b' })), invalid('Cannot specify more than one prefix rule in a filter.')],
  ['two suffixes', queue('q', created, filter({ suffix: 'a', Suffix: 'a' })), invalid('Cannot specify more than one suffix rule in a filter.')],
  ['a long filter value', queue('q', created, filter({ prefix: 'é'.repeat(513) })), invalid('Size of filter rule value cannot exceed 1024 bytes in UTF-8 representation')],
  ['no event', queue('q', ['notarealeventname']), invalid('The event is not supported for notifications')],
  ['an event without its prefix', queue('q', ['ObjectCreated:*']), invalid('The event is not supported for notifications')],
  ['all events', queue('q', ['s3:*']), invalid('The event is not supported for notifications')],
  ['no ARN', queue('q', created, '', 'invalid-queue'), invalid('The ARN could not be parsed')],
  ['the ARN of a topic', queue('q', created, '', 'arn:aws:sns:us-east-1:000000000000:a'), invalid('The ARN is not well formed')],
  ['an ARN without account', queue('q', created, '', 'arn:aws:sqs:us-east-1::a'), invalid('The ARN is not well formed')],
  ['an ARN without region', queue('q', created, '', 'arn:aws:sqs::000000000000:a'), invalid('The ARN is not well formed')],
  ['a queue’s name of other characters', queue('q', created, '', queueArn('a/b')), invalid('The ARN is not well formed')],
  ['a FIFO queue', queue('q', created, '', queueArn('a.fifo')), invalid('FIFO SQS queues are not supported.')],
  ['an Id twice', queue('q', created) + queue('q', ['s3:ObjectRemoved:*']), invalid('Same ID used for multiple configurations. IDs must be unique.')],
  ['a long Id', queue('i'.repeat(256), created), invalid('ID length exceeded allowed limit of 255')],
  ['an event twice in a rule', queue('q', ['s3:ObjectCreated:*', 's3:ObjectCreated:Put']), overlap],
  ['an event in two rules', queue('a', created) + queue('b', ['s3:ObjectCreated:Put']), overlap],
  ['an event in two rules, one filtered', queue('a', ['s3:ObjectCreated:Put'], filter({ prefix: 'images-api/' })) + queue('b', created), ambiguous],
  ['overlapping prefixes', queue('a', created, filter({ prefix: 'im' })) + queue('b', created, filter({ prefix: 'images' })), ambiguous],
  ['overlapping suffixes', queue('a', created, filter({ suffix: 'jpg' })) + queue('b', created, filter({ suffix: '.jpg' })), ambiguous],
  ['a prefix here, a suffix there', queue('a', created, filter({ prefix: 'images' })) + queue('b', created, filter({ suffix: 'jpg' })), ambiguous],
  ['overlapping once decoded', queue('a', created, filter({ prefix: 'a%20' })) + queue('b', created, filter({ prefix: 'a+b' })), ambiguous],
  ['101 rules', Array.from({ length: 101 }, (_, i) => queue(`${i}`, created, filter({ prefix: `${1000 + i}` }))).join(''), 'InvalidRequest: Too many configurations submitted. The maximum number of configurations is 100'],
] as const) // biome-ignore format: a table
  t.test(`PutBucketNotificationConfiguration: ${title} → refused`, async t => {
    t.equal(said(put(content)), expected)
  })

t.test('PutBucketNotificationConfiguration: what was recorded → argument and value named', async t => {
  t.match(put(queue('q', created, '', 'invalid-queue')), { detail: { name: 'Queue', value: 'invalid-queue' } })
  t.match(put(queue('a', ['s3:ObjectRemoved:*']) + queue('b', ['s3:ObjectRemoved:*'])), {
    detail: { name: 'Event', value: 's3:ObjectRemoved:*, s3:ObjectRemoved:*' },
  })
  t.match(put(queue('q', created, filter({ INVALID: 'a' }))), { detail: { name: 'FilterRule.Name', value: 'INVALID' } })
})

t.test(
  'PutBucketNotificationConfiguration: the same events for other keys, other events for the same → kept',
  async t => {
    for (const content of [
      queue('a', created, filter({ prefix: 'AWSLogs/', suffix: '.log' })) +
        queue('b', created, filter({ prefix: 'OtherLogs/', suffix: '.log' })),
      queue('a', created, filter({ prefix: 'two/', suffix: '.good' })) +
        queue('b', created, filter({ prefix: 'two/', suffix: '.great' })),
      queue('a', created) + queue('b', ['s3:ObjectRemoved:*']),
      queue('a', ['s3:ObjectCreated:Put']) + queue('b', ['s3:ObjectCreated:Copy']),
      Array.from({ length: 100 }, (_, i) => queue(`${i}`, created, filter({ prefix: `${1000 + i}` }))).join(''),
    ])
      t.ok(good(put(content)).rules.length >= 2)
  },
)

t.test('destinations: of another region → refused', async t => {
  const configuration = good(put(queue('q', created)))
  t.equal(checkDestinationRegions(configuration, 'us-east-1'), undefined)
  t.equal(
    said(checkDestinationRegions(configuration, 'eu-west-1')),
    invalid('The notification destination service region is not valid for the bucket location constraint'),
  )
})

t.test('destinations: that could not be told → numbered, as recorded', async t => {
  const fault = destinationsInvalid([
    { arn: queueArn(), reason: queueMissing },
    { arn: queueArn('other'), reason: queueForbidden },
  ])
  t.match(
    renderFault(fault, { method: 'PUT', resource: '/b', requestId: 'r', hostId: 'h' }).body,
    '<Code>InvalidArgument</Code><Message>Unable to validate the following destination configurations</Message>' +
      `<ArgumentName1>${queueArn()}</ArgumentName1><ArgumentValue1>The destination queue does not exist</ArgumentValue1>` +
      `<ArgumentName2>${queueArn('other')}</ArgumentName2><ArgumentValue2>Permissions on the destination queue do not ` +
      'allow S3 to publish notifications from this bucket</ArgumentValue2><Resource>',
  )
})

t.test('event names: patterns → one event or a family', async t => {
  for (const name of eventNames) t.ok(isEventPattern(name), name)
  for (const pattern of [
    's3:ObjectCreated:*',
    's3:LifecycleExpiration:*',
    's3:Replication:*',
    's3:LifecycleTransition',
  ])
    t.ok(isEventPattern(pattern), pattern)
  for (const text of ['s3:*', '*', 's3:ObjectCreated', 's3:LifecycleTransition:*', 's3:ObjectCreated:put', ''])
    t.notOk(isEventPattern(text), text)
  t.ok(eventIncludes('s3:ObjectCreated:*', 's3:ObjectCreated:Put'))
  t.notOk(eventIncludes('s3:ObjectCreated:Put', 's3:ObjectCreated:*'))
  t.notOk(eventIncludes('s3:ObjectRemoved:*', 's3:ObjectRestore:Post'))
})

t.test('notificationsFor: an event on a key → the rules that ask for it', async t => {
  const configuration = good(
    put(
      queue('images', created, filter({ prefix: 'images/', suffix: '.jpg' })) +
        queue('texts', created, filter({ suffix: '.txt' })) +
        queue('removed', ['s3:ObjectRemoved:Delete']) +
        queue('spaced', ['s3:ObjectTagging:*'], filter({ prefix: 'a+b%2B/' })) +
        queue('odd', ['s3:ObjectAcl:Put'], filter({ prefix: '100%' })),
    ),
  )
  const told = (event: (typeof eventNames)[number], key: string) =>
    notificationsFor(configuration, event, key).map(rule => rule.id)
  t.same(told('s3:ObjectCreated:Put', 'images/a.jpg'), ['images'])
  t.same(told('s3:ObjectCreated:Copy', 'images/a.png'), [])
  t.same(told('s3:ObjectCreated:CompleteMultipartUpload', 'x.txt'), ['texts'])
  t.same(told('s3:ObjectRemoved:Delete', 'images/a.jpg'), ['removed'])
  t.same(told('s3:ObjectRemoved:DeleteMarkerCreated', 'images/a.jpg'), [])
  t.same(told('s3:ObjectTagging:Put', 'a b+/c'), ['spaced'])
  t.same(told('s3:ObjectTagging:Put', 'a+b%2B/c'), [])
  t.same(told('s3:ObjectAcl:Put', '100% sure'), ['odd'])
})
