import t from 'tap'
import { type AccessLogEntry, accessLogKey, renderAccessLogLine } from '../../protocol/s3/access-log.ts'
import { accessLogOperation, accessLogRecords } from '../../protocol/s3/access-log-operations.ts'
import { s3Operations } from '../../protocol/s3/operations.ts'

const owner = '79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be'
const least: AccessLogEntry = {
  bucketOwner: owner,
  bucket: 'amzn-s3-demo-bucket1',
  atMs: Date.UTC(2019, 1, 6, 0, 0, 38, 999),
  requestId: '3E57427F3EXAMPLE',
  operation: 'REST.GET.VERSIONING',
}
/** Fields of a line: quotes hold spaces together. */
const fields = (entry: AccessLogEntry) =>
  renderAccessLogLine(entry)
    .trimEnd()
    .match(/\[[^\]]*\]|"[^"]*"|\S+/g) ?? []

t.test('renderAccessLogLine: the example of S3’s guide → that line', async t => {
  t.equal(
    renderAccessLogLine({
      ...least,
      remoteIp: '192.0.2.3',
      requester: owner,
      requestUri: 'GET /amzn-s3-demo-bucket1?versioning HTTP/1.1',
      status: 200,
      bytesSent: 113,
      totalMs: 7,
      userAgent: 'S3Console/0.4',
      hostId: 's9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234=',
      signatureVersion: 'SigV4',
      cipherSuite: 'ECDHE-RSA-AES128-GCM-SHA256',
      authenticationType: 'AuthHeader',
      hostHeader: 'amzn-s3-demo-bucket1.s3.us-west-1.amazonaws.com',
      tlsVersion: 'TLSV1.2',
      accessPointArn: 'arn:aws:s3:us-west-1:123456789012:accesspoint/example-AP',
      aclRequired: true,
      sourceRegion: 'us-east-1',
    }),
    `${owner} amzn-s3-demo-bucket1 [06/Feb/2019:00:00:38 +0000] 192.0.2.3 ${owner} 3E57427F3EXAMPLE REST.GET.VERSIONING ` +
      '- "GET /amzn-s3-demo-bucket1?versioning HTTP/1.1" 200 - 113 - 7 - "-" "S3Console/0.4" - ' +
      's9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234= SigV4 ' +
      'ECDHE-RSA-AES128-GCM-SHA256 AuthHeader amzn-s3-demo-bucket1.s3.us-west-1.amazonaws.com TLSV1.2 ' +
      'arn:aws:s3:us-west-1:123456789012:accesspoint/example-AP Yes us-east-1\n',
  )
})

t.test('renderAccessLogLine: nothing known → dashes, 27 fields', async t => {
  t.equal(fields(least).length, 27)
  t.same(fields(least).slice(3), [
    '-',
    '-',
    '3E57427F3EXAMPLE',
    'REST.GET.VERSIONING',
    '-',
    '"-"',
    ...Array.from({ length: 6 }, () => '-'),
    '"-"',
    '"-"',
    ...Array.from({ length: 10 }, () => '-'),
  ])
  t.equal(
    fields({ ...least, bytesSent: 0, objectSize: 0, totalMs: 0 })
      .slice(11, 14)
      .join(),
    '-,0,0',
    'no bytes: a dash',
  )
})

t.test('renderAccessLogLine: what clients send → stays in its field and line', async t => {
  const line = renderAccessLogLine({
    ...least,
    key: 'a\n',
    referer: 'x" 200 "\r\ny',
    userAgent: 'a "b"',
    requestUri: 'GET /" HTTP/1.1',
    hostHeader: 'a b"c',
    versionId: '',
  })
  t.equal(line.split('\n').length, 2)
  t.equal(fields({ ...least, referer: 'x" 200 "\r\ny', hostHeader: 'a b"c', key: 'a\n' }).length, 27)
  t.match(line, '"x%22 200 %22%0D%0Ay" "a %22b%22"')
  t.match(line, ' a%20b%22c ')
})

t.test('renderAccessLogLine: keys → encoded twice, once where no request named them', async t => {
  const keyOf = (operation: string, key: string) => fields({ ...least, operation, key })[7]
  t.equal(keyOf('REST.GET.OBJECT', 'photos/2019/08/puppy.jpg'), 'photos/2019/08/puppy.jpg')
  t.equal(keyOf('REST.GET.OBJECT', 'a b%'), 'a%2Bb%2525')
  t.equal(keyOf(accessLogRecords.deletedKey, 'a b%'), 'a+b%25')
  t.equal(keyOf(accessLogRecords.expiredObject, 'a b%'), 'a+b%25')
})

t.test('renderAccessLogLine: a presigned URL → without its signature', async t => {
  t.equal(
    fields({ ...least, requestUri: 'GET /b/k?X-Amz-Signature=abc&x=1 HTTP/1.1' })[8],
    '"GET /b/k?X-Amz-Signature=XXXXXXXX&x=1 HTTP/1.1"',
  )
  t.equal(
    fields({ ...least, requestUri: 'GET /b/k?a&Signature=a%2Bb HTTP/1.1' })[8],
    '"GET /b/k?a&Signature=XXXXXXXX HTTP/1.1"',
  )
})

t.test('accessLogOperation: every operation of the table → a word of S3’s form, or known to have none', async t => {
  // No bucket whose log they could stand in, other kinds of buckets, or newer than what is written about logs.
  const unwritten =
    /^(ListBuckets|ListDirectoryBuckets|CreateSession|WriteGetObjectResponse|RenameObject|SelectObjectContent|GetObjectTorrent|UpdateObjectEncryption|.*(Abac|Annotations?|Metadata.*))$/
  const wordless: string[] = s3Operations.map(row => row.name).filter(name => accessLogOperation(name) === '')
  t.same(
    wordless.filter(name => !unwritten.test(name)),
    [],
  )
  for (const { name } of s3Operations)
    if (!wordless.includes(name))
      t.match(accessLogOperation(name), /^REST\.(GET|HEAD|PUT|POST|DELETE|COPY)\.[A-Z_]+$/, name)
})

const object = {
  prefix: 'logs/',
  format: undefined,
  sourceAccount: '123456789012',
  sourceRegion: 'us-west-2',
  sourceBucket: 'source',
  deliveredAtMs: Date.UTC(2023, 2, 2, 0, 20, 32),
  eventsAtMs: Date.UTC(2023, 2, 1, 21, 32, 16),
  uniqueString: 'E568B2907131C0C0',
}

t.test('accessLogKey: each format → the key', async t => {
  for (const [format, expected] of [
    [undefined, 'logs/2023-03-02-00-20-32-E568B2907131C0C0'],
    [{ simple: true }, 'logs/2023-03-02-00-20-32-E568B2907131C0C0'],
    [
      { partitioned: { dateSource: 'DeliveryTime' } },
      'logs/123456789012/us-west-2/source/2023/03/02/2023-03-02-00-20-32-E568B2907131C0C0',
    ],
    [
      { partitioned: { dateSource: 'EventTime' } },
      'logs/123456789012/us-west-2/source/2023/03/01/2023-03-01-00-00-00-E568B2907131C0C0',
    ],
    [{ partitioned: {} }, 'logs/123456789012/us-west-2/source/2023/03/01/2023-03-01-00-00-00-E568B2907131C0C0'],
  ] as const)
    t.equal(accessLogKey({ ...object, format }), expected)
})
