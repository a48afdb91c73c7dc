/** The small documents that a bucket is set with. */
import t from 'tap'
import { parseAbac, renderAbac } from '../../protocol/s3/abac.ts'
import { parseAcceleration, renderAcceleration } from '../../protocol/s3/accelerate.ts'
import {
  defaultBucketEncryption,
  parseBucketEncryption,
  renderBucketEncryption,
} from '../../protocol/s3/bucket-encryption.ts'
import { parseBucketLogging, renderBucketLogging } from '../../protocol/s3/bucket-logging.ts'
import { parseRequestPayment, renderRequestPayment } from '../../protocol/s3/request-payment.ts'
import { bytesOf, contentOf, documentOf, good, malformed, said } from './document.ts'

const encryptionRoot = 'ServerSideEncryptionConfiguration'
const encryption = (content: string) => parseBucketEncryption(documentOf(encryptionRoot, content))
const byDefault = (content: string) =>
  `<ApplyServerSideEncryptionByDefault>${content}</ApplyServerSideEncryptionByDefault>`

t.test('PutBucketEncryption: each algorithm → what is kept, and a document of it', async t => {
  for (const [content, kept] of [
    [byDefault('<SSEAlgorithm>AES256</SSEAlgorithm>'), { algorithm: 'AES256', bucketKeyEnabled: false }],
    [
      `${byDefault('<SSEAlgorithm>AES256</SSEAlgorithm>')}<BucketKeyEnabled>true</BucketKeyEnabled>`,
      { algorithm: 'AES256', bucketKeyEnabled: true },
    ],
    [
      byDefault('<SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>fool-me-again</KMSMasterKeyID>'),
      { algorithm: 'aws:kms', kmsKeyId: 'fool-me-again', bucketKeyEnabled: false },
    ],
    [byDefault('<SSEAlgorithm>aws:kms:dsse</SSEAlgorithm>'), { algorithm: 'aws:kms:dsse', bucketKeyEnabled: false }],
    [
      '<BlockedEncryptionTypes><EncryptionType>SSE-C</EncryptionType></BlockedEncryptionTypes>',
      { algorithm: 'AES256', bucketKeyEnabled: false, blocked: 'SSE-C' },
    ],
  ] as const) {
    const parsed = good(encryption(`<Rule>${content}</Rule>`))
    t.same(parsed, kept)
    t.same(parseBucketEncryption(bytesOf(renderBucketEncryption(parsed))), kept)
  }
})

t.test('GetBucketEncryption: nothing was set → AES256 without a bucket key', async t => {
  t.equal(
    contentOf(renderBucketEncryption(defaultBucketEncryption), encryptionRoot),
    `<Rule>${byDefault('<SSEAlgorithm>AES256</SSEAlgorithm>')}<BucketKeyEnabled>false</BucketKeyEnabled></Rule>`,
  )
})

t.test('PutBucketEncryption: what S3 refuses → in its words', async t => {
  const rule = `<Rule>${byDefault('<SSEAlgorithm>AES256</SSEAlgorithm>')}</Rule>`
  const blocked = (types: string) => `<Rule><BlockedEncryptionTypes>${types}</BlockedEncryptionTypes></Rule>`
  for (const content of [
    '',
    rule + rule,
    `<Rule>${byDefault('')}</Rule>`,
    `<Rule>${byDefault('<SSEAlgorithm>AES512</SSEAlgorithm>')}</Rule>`,
    `<Rule>${byDefault('<SSEAlgorithm>aws:fsx</SSEAlgorithm>')}</Rule>`,
    blocked(''),
    blocked('<EncryptionType>NONE</EncryptionType><EncryptionType>SSE-C</EncryptionType>'),
    blocked('<EncryptionType>SSE-KMS</EncryptionType>'),
  ])
    t.equal(said(encryption(content)), malformed, content)
  const withKey = encryption(
    `<Rule>${byDefault('<SSEAlgorithm>AES256</SSEAlgorithm><KMSMasterKeyID>randomkeyid</KMSMasterKeyID>')}</Rule>`,
  )
  t.equal(
    said(withKey),
    'InvalidArgument: a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse',
  )
  t.match(withKey, { detail: { name: 'ApplyServerSideEncryptionByDefault' } })
})

t.test('PutBucketRequestPayment: a payer → it, and the same document back', async t => {
  for (const payer of ['BucketOwner', 'Requester'] as const) {
    const content = `<Payer>${payer}</Payer>`
    t.equal(parseRequestPayment(documentOf('RequestPaymentConfiguration', content)), payer)
    t.equal(contentOf(renderRequestPayment(payer), 'RequestPaymentConfiguration'), content)
  }
  for (const content of ['', '<Payer/>', '<Payer>requester</Payer>'])
    t.equal(said(parseRequestPayment(documentOf('RequestPaymentConfiguration', content))), malformed, content)
})

t.test('PutBucketAccelerateConfiguration: a status → it, and the same document back', async t => {
  const put = (content: string) => parseAcceleration('bucket', documentOf('AccelerateConfiguration', content))
  for (const status of ['Enabled', 'Suspended'] as const) {
    t.equal(put(`<Status>${status}</Status>`), status)
    t.equal(contentOf(renderAcceleration(status), 'AccelerateConfiguration'), `<Status>${status}</Status>`)
  }
  t.equal(contentOf(renderAcceleration(undefined), 'AccelerateConfiguration'), '')
  for (const status of ['enabled', 'random']) t.equal(said(put(`<Status>${status}</Status>`)), malformed)
  t.equal(said(put('')), 'IllegalAccelerateConfigurationException: The Accelerate element must be specified')
  t.equal(said(parseAcceleration('bucket', Buffer.from(''))), 'MissingRequestBodyError: Request Body is empty')
  t.equal(
    said(parseAcceleration('test.bucket', documentOf('AccelerateConfiguration', '<Status>random</Status>'))),
    'InvalidRequest: S3 Transfer Acceleration is not supported for buckets with periods (.) in their names',
  )
})

t.test('PutBucketAbac: a status → it, and the same document back', async t => {
  for (const status of ['Enabled', 'Disabled'] as const) {
    t.equal(parseAbac(documentOf('AbacStatus', `<Status>${status}</Status>`)), status)
    t.equal(contentOf(renderAbac(status), 'AbacStatus'), `<Status>${status}</Status>`)
  }
  for (const content of ['', '<Status>Suspended</Status>'])
    t.equal(said(parseAbac(documentOf('AbacStatus', content))), malformed, content)
  t.equal(said(parseAbac(Buffer.from(''))), 'MissingRequestBodyError: Request Body is empty')
})

const logging = (content: string) =>
  parseBucketLogging(documentOf('BucketLoggingStatus', `<LoggingEnabled>${content}</LoggingEnabled>`))
const target = '<TargetBucket>logs</TargetBucket><TargetPrefix>log</TargetPrefix>'
const grants = (content: string) => `<TargetGrants><Grant>${content}</Grant></TargetGrants>`
const grantee = (content: string) =>
  `<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group">${content}</Grantee>`

t.test('PutBucketLogging: a target → it, and the same document back', async t => {
  t.same(logging(target), { targetBucket: 'logs', targetPrefix: 'log' })
  t.equal(parseBucketLogging(documentOf('BucketLoggingStatus', '')), 'none')
  t.equal(contentOf(renderBucketLogging('none'), 'BucketLoggingStatus'), '')
  for (const more of [
    '<TargetObjectKeyFormat><SimplePrefix/></TargetObjectKeyFormat>',
    '<TargetObjectKeyFormat><PartitionedPrefix/></TargetObjectKeyFormat>',
    '<TargetObjectKeyFormat><PartitionedPrefix><PartitionDateSource>EventTime</PartitionDateSource></PartitionedPrefix></TargetObjectKeyFormat>',
    grants(`${grantee('<URI>http://acs.amazonaws.com/groups/s3/LogDelivery</URI>')}<Permission>READ_ACP</Permission>`),
  ]) {
    const content = `<TargetBucket>logs</TargetBucket>${more}<TargetPrefix/>`
    const parsed = good(logging(content))
    t.equal(
      contentOf(renderBucketLogging(parsed), 'BucketLoggingStatus'),
      `<LoggingEnabled>${content.replace('<TargetPrefix/>', '<TargetPrefix></TargetPrefix>')}</LoggingEnabled>`,
    )
  }
  t.match(
    logging(
      target + grants(`${grantee('<ID>id</ID><DisplayName>x</DisplayName>')}<Permission>FULL_CONTROL</Permission>`),
    ),
    { targetGrants: [{ grantee: { type: 'CanonicalUser', id: 'id' }, permission: 'FULL_CONTROL' }] },
  )
  t.match(logging(target + grants(`${grantee('<EmailAddress>a@b</EmailAddress>')}<Permission>READ</Permission>`)), {
    targetGrants: [{ grantee: { type: 'AmazonCustomerByEmail', email: 'a@b' } }],
  })
})

t.test('PutBucketLogging: what does not fit → malformed', async t => {
  for (const content of [
    '',
    '<TargetBucket>logs</TargetBucket>',
    '<TargetPrefix>log</TargetPrefix>',
    '<TargetBucket/><TargetPrefix/>',
    `${target}<TargetObjectKeyFormat/>`,
    `${target}<TargetObjectKeyFormat><SimplePrefix/><PartitionedPrefix/></TargetObjectKeyFormat>`,
    `${target}<TargetObjectKeyFormat><PartitionedPrefix><PartitionDateSource>Now</PartitionDateSource></PartitionedPrefix></TargetObjectKeyFormat>`,
    target + grants(`${grantee('<ID>a</ID>')}<Permission>ALL</Permission>`),
    target + grants(`${grantee('<ID>a</ID><URI>b</URI>')}<Permission>READ</Permission>`),
    target + grants(`${grantee('')}<Permission>READ</Permission>`),
    target + grants(`${grantee('<ID/>')}<Permission>READ</Permission>`),
  ])
    t.equal(said(logging(content)), malformed, content)
})
