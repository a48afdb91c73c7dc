/** Analytics, inventory, metrics and intelligent tiering. */
import t from 'tap'
import { analyticsKind, parseAnalytics } from '../../protocol/s3/analytics.ts'
import { metricsKind, parseMetrics } from '../../protocol/s3/bucket-metrics.ts'
import {
  type ConfigurationKind,
  parseConfigurationId,
  parseConfigurationListing,
  renderConfiguration,
  renderConfigurationListing,
} from '../../protocol/s3/configuration.ts'
import { parseTiering, tieringKind } from '../../protocol/s3/intelligent-tiering.ts'
import { inventoryKind, parseInventory } from '../../protocol/s3/inventory.ts'
import { contentOf, documentOf, good, malformed, said } from './document.ts'
import { wireRequest } from './wire-request.ts'

const id = 'report-1'
const tag = (key: string, value = 'v') => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`

const analytics = (content: string) => parseAnalytics(id, documentOf(analyticsKind.root, content))
const inventory = (content: string) => parseInventory(id, documentOf(inventoryKind.root, content))
const metrics = (content: string) => parseMetrics(id, documentOf(metricsKind.root, content))
const tiering = (content: string) => parseTiering(id, documentOf(tieringKind.root, content))

const analyticsDestination = (content: string) =>
  '<StorageClassAnalysis><DataExport><OutputSchemaVersion>V_1</OutputSchemaVersion><Destination><S3BucketDestination>' +
  `${content}</S3BucketDestination></Destination></DataExport></StorageClassAnalysis>`
const inventoryOf = (destination: string, more = '', versions = 'All', frequency = 'Daily', named = id) =>
  `<Destination><S3BucketDestination>${destination}</S3BucketDestination></Destination><IsEnabled>true</IsEnabled>` +
  `<Id>${named}</Id><IncludedObjectVersions>${versions}</IncludedObjectVersions>${more}` +
  `<Schedule><Frequency>${frequency}</Frequency></Schedule>`
const toBucket = '<Bucket>arn:aws:s3:::reports</Bucket><Format>CSV</Format>'
const tieringOf = (tierings: string, filter = '') => `<Id>${id}</Id>${filter}<Status>Enabled</Status>${tierings}`
const tier = (name: string, days: number) => `<Tiering><AccessTier>${name}</AccessTier><Days>${days}</Days></Tiering>`
const archive = tier('ARCHIVE_ACCESS', 90)

/** S3's examples and the forms its model has, in the order its answers have. */
const valid: readonly (readonly [string, (content: string) => unknown, ConfigurationKind<unknown>, string])[] = [
  ['analytics without a filter', analytics, analyticsKind, `<Id>${id}</Id><StorageClassAnalysis/>`],
  [
    'analytics with prefix and export',
    analytics,
    analyticsKind,
    `<Id>${id}</Id><Filter><Prefix>documents/</Prefix></Filter>` +
      analyticsDestination(
        '<Format>CSV</Format><BucketAccountId>123456789012</BucketAccountId><Bucket>arn:aws:s3:::reports</Bucket>' +
          '<Prefix>to/</Prefix>',
      ),
  ],
  [
    'analytics with prefix and tags',
    analytics,
    analyticsKind,
    `<Id>${id}</Id><Filter><And><Prefix>a</Prefix>${tag('k')}${tag('l')}</And></Filter><StorageClassAnalysis/>`,
  ],
  [
    'analytics with a tag',
    analytics,
    analyticsKind,
    `<Id>${id}</Id><Filter>${tag('k')}</Filter><StorageClassAnalysis/>`,
  ],
  ['inventory', inventory, inventoryKind, inventoryOf(toBucket)],
  [
    'inventory with everything',
    inventory,
    inventoryKind,
    '<Destination><S3BucketDestination><AccountId>123456789012</AccountId><Bucket>arn:aws:s3:::reports</Bucket>' +
      '<Format>Parquet</Format><Prefix>to</Prefix><Encryption><SSE-KMS>' +
      '<KeyId>arn:aws:kms:us-west-2:123456789012:key/1234</KeyId></SSE-KMS></Encryption></S3BucketDestination>' +
      `</Destination><IsEnabled>false</IsEnabled><Filter><Prefix>myprefix/</Prefix></Filter><Id>${id}</Id>` +
      '<IncludedObjectVersions>Current</IncludedObjectVersions><OptionalFields><Field>Size</Field>' +
      '<Field>ObjectOwner</Field></OptionalFields><Schedule><Frequency>Weekly</Frequency></Schedule>',
  ],
  ['inventory encrypted by S3', inventory, inventoryKind, inventoryOf(`${toBucket}<Encryption><SSE-S3/></Encryption>`)],
  ['metrics of all', metrics, metricsKind, `<Id>${id}</Id>`],
  ['metrics by prefix', metrics, metricsKind, `<Id>${id}</Id><Filter><Prefix>logs/</Prefix></Filter>`],
  [
    'metrics by access point and tag',
    metrics,
    metricsKind,
    `<Id>${id}</Id><Filter><And>${tag('k')}<AccessPointArn>arn:aws:s3:us-east-1:123456789012:accesspoint/ap</AccessPointArn></And></Filter>`,
  ],
  ['tiering', tiering, tieringKind, tieringOf(archive)],
  [
    'tiering with both tiers',
    tiering,
    tieringKind,
    tieringOf(
      archive + tier('DEEP_ARCHIVE_ACCESS', 180),
      `<Filter><And><Prefix>a</Prefix>${tag('k', '')}</And></Filter>`,
    ),
  ],
]
for (const [title, parse, kind, content] of valid)
  t.test(`${title}: a document → kept, and the same document back`, async t => {
    const parsed = good(parse(content))
    const reply = renderConfiguration(kind, parsed)
    t.equal(contentOf(reply, kind.root), content)
    t.same(JSON.parse(JSON.stringify(parsed)), parsed, 'plain JSON')
  })

const prefixInvalid = 'InvalidPrefix: Filter Prefix should be set to a valid non-empty value or not set at all.'
const andInvalid =
  'InvalidAnd: Number of Prefixes and Tags combined cannot be less than 2. And cannot contain less than 2 elements.'
const withFilter = (filter: string, named = id) => `<Id>${named}</Id><Filter>${filter}</Filter><StorageClassAnalysis/>`

for (const [title, value, expected] of [
  ['analytics: another id', parseAnalytics('other', documentOf(analyticsKind.root, `<Id>${id}</Id><StorageClassAnalysis/>`)), malformed],
  ['analytics: no analysis', analytics(`<Id>${id}</Id>`), 'MissingStorageClassAnalysis: Storage Class Analysis cannot be null.'],
  ['analytics: no id', analytics('<Id/><StorageClassAnalysis/>'), 'InvalidConfigId: Config Id is null or empty'],
  ['analytics: a long id', analytics(`<Id>${'i'.repeat(65)}</Id><StorageClassAnalysis/>`), 'InvalidConfigId: Config Id should not be more than 1 char and less than 64 chars in length'],
  ['analytics: an id of other characters', analytics('<Id>a b</Id><StorageClassAnalysis/>'), 'InvalidConfigId: Config Id does not match the pattern ^[a-zA-Z0-9\\-_.]+$'],
  ['analytics: an empty filter', analytics(withFilter('')), malformed],
  ['analytics: a filter of two forms', analytics(withFilter(`<Prefix>a</Prefix>${tag('k')}`)), malformed],
  ['analytics: an empty prefix', analytics(withFilter('<Prefix/>')), prefixInvalid],
  ['analytics: And without tags', analytics(withFilter('<And><Prefix>a</Prefix></And>')), 'InvalidAnd: Number of tags should not be less than 1 and more than 10 within And. And cannot contain less than 2 elements.'],
  ['analytics: And of one', analytics(withFilter(`<And>${tag('k')}</And>`)), andInvalid],
  ['analytics: an empty tag key', analytics(withFilter(tag(''))), 'InvalidTag: Tag Key cannot be empty or longer than 128 chars.'],
  ['analytics: a tag value of other characters', analytics(withFilter(tag('k', '#'))), 'InvalidTag: Tag Value contains invalid characters.'],
  ['analytics: a destination that is no ARN', analytics(`<Id>${id}</Id>${analyticsDestination('<Format>CSV</Format><Bucket>reports</Bucket>')}`), 'InvalidDestination: Invalid bucket ARN.'],
  ['analytics: an empty destination prefix', analytics(`<Id>${id}</Id>${analyticsDestination('<Format>CSV</Format><Bucket>arn:aws:s3:::reports</Bucket><Prefix/>')}`), 'InvalidDestination: S3BucketDestination Prefix should be set with a valid non-empty value or not set at all.'],
  ['analytics: another format', analytics(`<Id>${id}</Id>${analyticsDestination('<Format>ORC</Format><Bucket>arn:aws:s3:::reports</Bucket>')}`), malformed],
  ['inventory: another id', inventory(inventoryOf(toBucket, '', 'All', 'Daily', 'reportwrong')), 'IdMismatch: Document ID does not match the specified configuration ID.'],
  ['inventory: an id of other characters', inventory(inventoryOf(toBucket, '', 'All', 'Daily', 'a b')), malformed],
  ['inventory: a destination that is no ARN', inventory(inventoryOf('<Bucket>reports</Bucket><Format>CSV</Format>')), 'InvalidS3DestinationBucket: Invalid bucket ARN.'],
  ['inventory: another format', inventory(inventoryOf('<Bucket>arn:aws:s3:::reports</Bucket><Format>WRONG-FORMAT</Format>')), malformed],
  ['inventory: another frequency', inventory(inventoryOf(toBucket, '', 'All', 'Hourly')), malformed],
  ['inventory: other versions', inventory(inventoryOf(toBucket, '', 'Wrong')), malformed],
  ['inventory: another field', inventory(inventoryOf(toBucket, '<OptionalFields><Field>TestField</Field></OptionalFields>')), malformed],
  ['inventory: an empty prefix', inventory(inventoryOf(toBucket, '<Filter><Prefix/></Filter>')), malformed],
  ['inventory: two encryptions', inventory(inventoryOf(`${toBucket}<Encryption><SSE-S3/><SSE-KMS><KeyId>k</KeyId></SSE-KMS></Encryption>`)), malformed],
  ['inventory: a key that is no ARN', inventory(inventoryOf(`${toBucket}<Encryption><SSE-KMS><KeyId>k</KeyId></SSE-KMS></Encryption>`)), 'InvalidKmskeyId: The KMS key ID is invalid.'],
  ['metrics: another id', parseMetrics('other', documentOf(metricsKind.root, `<Id>${id}</Id>`)), malformed],
  ['metrics: an empty filter', metrics(`<Id>${id}</Id><Filter/>`), malformed],
  ['metrics: an empty prefix', metrics(`<Id>${id}</Id><Filter><Prefix/></Filter>`), malformed],
  ['metrics: And of one', metrics(`<Id>${id}</Id><Filter><And><Prefix>a</Prefix></And></Filter>`), malformed],
  ['metrics: an access point that is none', metrics(`<Id>${id}</Id><Filter><AccessPointArn>arn:aws:s3:::b</AccessPointArn></Filter>`), malformed],
  ['tiering: another id', parseTiering('incorrect_id', documentOf(tieringKind.root, tieringOf(archive))), malformed],
  ['tiering: no tiers', tiering(tieringOf('')), malformed],
  ['tiering: no id', tiering(`<Id/><Status>Enabled</Status>${archive}`), 'InvalidConfigId: Config Id cannot be null or empty.'],
  ['tiering: an empty prefix', tiering(tieringOf(archive, '<Filter><Prefix/></Filter>')), prefixInvalid],
  ['tiering: And of one', tiering(tieringOf(archive, `<Filter><And>${tag('k')}</And></Filter>`)), andInvalid],
  ['tiering: a tag twice', tiering(tieringOf(archive, `<Filter><And>${tag('k')}${tag('k')}</And></Filter>`)), 'InvalidAnd: All Tag Keys in an And must be unique. Found duplicate entry for k.'],
  ['tiering: a tier twice', tiering(tieringOf(archive + archive)), 'InvalidAccessTier: All Access Tiers in a configuration must be unique. Found duplicate entry for ARCHIVE_ACCESS.'],
  ['tiering: too few days', tiering(tieringOf(tier('ARCHIVE_ACCESS', 89))), 'InvalidAccessTier: Days specified in ARCHIVE_ACCESS tier should not be less than 90.'],
  ['tiering: too few days, deep', tiering(tieringOf(tier('DEEP_ARCHIVE_ACCESS', 179))), 'InvalidAccessTier: Days specified in DEEP_ARCHIVE_ACCESS tier should not be less than 180.'],
  ['tiering: too many days', tiering(tieringOf(tier('ARCHIVE_ACCESS', 731))), 'InvalidAccessTier: Days specified in ARCHIVE_ACCESS tier should not be more than 730.'],
  ['tiering: deep before the other', tiering(tieringOf(tier('ARCHIVE_ACCESS', 200) + tier('DEEP_ARCHIVE_ACCESS', 200))), 'InvalidAccessTier: Days specified in DEEP_ARCHIVE_ACCESS should be greater than days specified in ARCHIVE_ACCESS'],
  ['tiering: another state', tiering(`<Id>${id}</Id><Status>Suspended</Status>${archive}`), malformed],
] as const) // biome-ignore format: a table
  t.test(`${title} → ${expected.split(':')[0]}`, async t => {
    t.equal(said(value), expected)
  })

t.test('configuration ids: of the query → it, or InvalidConfigurationId', async t => {
  t.equal(parseConfigurationId(wireRequest('GET /bucket?metrics&id=a')), 'a')
  for (const query of ['metrics', 'metrics&id='])
    t.equal(
      said(parseConfigurationId(wireRequest(`PUT /bucket?${query}`))),
      'InvalidConfigurationId: The specified configuration id is invalid.',
    )
})

t.test('configuration listings: a page → IsTruncated and a token that leads on, of its own kind', async t => {
  const asked = good(parseConfigurationListing(metricsKind, wireRequest('GET /bucket?metrics')))
  t.same(asked, { bucket: 'bucket', after: '', token: '' })
  const page = { asked, configurations: [{ id: 'a' }, { id: 'b' }], lastId: 'b' }
  const content = contentOf(renderConfigurationListing(metricsKind, page), metricsKind.listRoot)
  const token = /<NextContinuationToken>(.*)<\/NextContinuationToken>/.exec(content)?.[1] ?? ''
  t.equal(
    content,
    `<IsTruncated>true</IsTruncated><NextContinuationToken>${token}</NextContinuationToken>` +
      '<MetricsConfiguration><Id>a</Id></MetricsConfiguration><MetricsConfiguration><Id>b</Id></MetricsConfiguration>',
  )
  const next = wireRequest(`GET /bucket?metrics&continuation-token=${token}`)
  const following = good(parseConfigurationListing(metricsKind, next))
  t.equal(following.after, 'b')
  t.equal(
    contentOf(
      renderConfigurationListing(metricsKind, { asked: following, configurations: [], lastId: undefined }),
      metricsKind.listRoot,
    ),
    `<IsTruncated>false</IsTruncated><ContinuationToken>${token}</ContinuationToken>`,
  )
  const wrong = 'MalformedContinuationToken: The continuation-token you provided invalid.'
  t.equal(said(parseConfigurationListing(inventoryKind, next)), wrong)
  t.equal(said(parseConfigurationListing(metricsKind, wireRequest('GET /bucket?continuation-token=x'))), wrong)
})

t.test('configuration listings: each kind → S3’s root', async t => {
  const asked = { bucket: 'bucket', after: '', token: '' }
  for (const [kind, root] of [
    [analyticsKind, 'ListBucketAnalyticsConfigurationResult'],
    [inventoryKind, 'ListInventoryConfigurationsResult'],
    [metricsKind, 'ListMetricsConfigurationsResult'],
    [tieringKind, 'ListBucketIntelligentTieringConfigurationsOutput'],
  ] as const) {
    const reply = renderConfigurationListing<unknown>(kind, {
      asked,
      configurations: [],
      lastId: undefined,
    })
    t.equal(contentOf(reply, root), '<IsTruncated>false</IsTruncated>')
  }
})
