import t from 'tap'
import type { AnyOperation } from '../../protocol/operation.ts'
import { type ListedEntry, listingOperations } from '../../protocol/s3/listing.ts'
import { decodeToken, encodeToken } from '../../protocol/s3/parameters.ts'
import { serviceOperations } from '../../protocol/s3/service.ts'
import { encodeKey } from '../../protocol/s3/xml.ts'
import { parseXml, type XmlElement } from '../../protocol/xml.ts'
import { wireRequest } from './wire-request.ts'

const rows = new Map<string, AnyOperation>([...listingOperations, ...serviceOperations].map(row => [row.name, row]))
const nothing = new Uint8Array(0)
const parse = (name: string, target: string) => rows.get(name)!.parse(wireRequest(`GET ${target}`), nothing)
const v1 = (query = '') => parse('ListObjects', `/bucket?${query}`)
const v2 = (query = '') => parse('ListObjectsV2', `/bucket?list-type=2&${query}`)
const buckets = (query = '') => parse('ListBuckets', `/?${query}`)

const entry = (key: string, more: Partial<ListedEntry> = {}): ListedEntry => ({
  key,
  sizeBytes: 11,
  etag: '0d9fa06a66933b40f615f530e59edd6b',
  modifiedAtMs: Date.UTC(2026, 10, 23, 1, 2, 3, 456),
  storageClass: 'STANDARD',
  checksumType: 'FULL_OBJECT',
  checksumNames: ['crc64nvme'],
  ownerId: 1,
  ...more,
})
const owner = { canonicalId: 'c0ffee' }
const page = {
  commonPrefixes: [],
  truncated: false,
  last: '',
  owner,
  ownerOf: () => owner,
  region: 'us-east-1',
}
const render = (name: string, asked: unknown, more: object) =>
  rows.get(name)!.render({ asked, entries: [], ...page, ...more } as never).body as string
/** Everything between the root's tags. */
const inside = (xml: string) => xml.replace(/^.*\n<[^>]+>/, '').replace(/<\/[^>]+>$/, '')

t.test('ListObjects, ListObjectsV2: nothing asked → the defaults', async t => {
  const common = { bucket: 'bucket', prefix: '', delimiter: '', after: '', limit: 1000, encoding: undefined }
  t.same(v1(), { ...common, marker: '', ceph: false })
  t.same(v2(), { ...common, startAfter: '', token: undefined, withOwner: false, ceph: false })
})

t.test('ListObjectsV2: parameters → decoded', async t => {
  const query = 'prefix=a%2Fb&delimiter=%2F&max-keys=5000&encoding-type=url&start-after=a%2Bb+c&fetch-owner=true'
  t.match(v2(query), {
    prefix: 'a/b',
    delimiter: '/',
    limit: 1000,
    encoding: 'url',
    after: 'a+b c',
    startAfter: 'a+b c',
    withOwner: true,
  })
  t.match(v1('marker=m'), { after: 'm', marker: 'm' })
  t.equal(v2('max-keys=0').limit, 0)
  t.equal(v2('max-keys=').limit, 1000)
})

t.test('ListObjectsV2: a token → goes on there, whatever start-after says', async t => {
  const token = encodeToken('objects', 'é/🪣')
  t.match(token, /^[\w-]+$/)
  t.match(v2(`continuation-token=${token}&start-after=zzz`), { after: 'é/🪣', token })
})

t.test('listings: invalid parameters → the errors S3 gives', async t => {
  const refused = (found: { code?: string; detail?: object }, detail: object) => {
    t.equal(found.code, 'argument-invalid')
    t.same(found.detail, detail)
  }
  const encodings = 'Invalid Encoding Method specified in Request'
  refused(v1('encoding-type=value'), { name: 'encoding-type', message: encodings, value: 'value' })
  refused(v2('encoding-type='), { name: 'encoding-type', message: encodings, value: '' })
  const tokens = { name: 'continuation-token', message: 'The continuation token provided is incorrect' }
  const foreign = encodeToken('buckets', 'x')
  for (const token of [
    '',
    'abc',
    '%00',
    foreign,
    encodeToken('objects', 'x').slice(1),
    `${encodeToken('objects', 'x')}A`,
  ])
    refused(v2(`continuation-token=${token}`), tokens)
  refused(v1('max-keys=blah'), {
    name: 'max-keys',
    message: 'Provided max-keys not an integer or within integer range',
    value: 'blah',
  })
  refused(v2('max-keys=2147483648'), {
    name: 'max-keys',
    message: 'Provided max-keys not an integer or within integer range',
    value: '2147483648',
  })
  refused(v2('max-keys=-1'), {
    name: 'maxKeys',
    message: 'Argument maxKeys must be an integer between 0 and 2147483647',
    value: '-1',
  })
  refused(parse('ListObjectsV2', '/bucket?list-type=1'), {
    name: 'list-type',
    message: 'Invalid List Type specified in Request',
    value: '1',
  })
  for (const name of ['prefix', 'delimiter', 'start-after'])
    t.match(v2(`${name}=%00`), { code: 'argument-invalid' }, name)
})

t.test('ListObjects: a page → document in order of S3', async t => {
  const asked = v1('prefix=p%26&delimiter=%2F&marker=m&max-keys=2')
  const xml = render('ListObjects', asked, {
    entries: [entry('p&/a b')],
    commonPrefixes: ['p&/c/'],
    truncated: true,
    last: 'p&/c/',
  })
  t.equal(
    inside(xml),
    '<Name>bucket</Name><Prefix>p&amp;</Prefix><Marker>m</Marker><NextMarker>p&amp;/c/</NextMarker><MaxKeys>2</MaxKeys>' +
      '<Delimiter>/</Delimiter><IsTruncated>true</IsTruncated>' +
      '<Contents><Key>p&amp;/a b</Key><LastModified>2026-11-23T01:02:03.000Z</LastModified>' +
      '<ETag>&quot;0d9fa06a66933b40f615f530e59edd6b&quot;</ETag><ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm>' +
      '<ChecksumType>FULL_OBJECT</ChecksumType><Size>11</Size><Owner><ID>c0ffee</ID></Owner>' +
      '<StorageClass>STANDARD</StorageClass></Contents><CommonPrefixes><Prefix>p&amp;/c/</Prefix></CommonPrefixes>',
  )
})

t.test('ListObjects: truncated without a delimiter → no NextMarker', async t => {
  t.notMatch(
    render('ListObjects', v1('max-keys=1'), { entries: [entry('a')], truncated: true, last: 'a' }),
    'NextMarker',
  )
})

t.test('ListObjectsV2: a page → tokens, counts, owners only when asked', async t => {
  const first = render('ListObjectsV2', v2('max-keys=1&start-after=0'), {
    entries: [entry('a', { checksumType: undefined, checksumNames: [] })],
    truncated: true,
    last: 'a',
  })
  const token = /<NextContinuationToken>(.*)<\/NextContinuationToken>/.exec(first)?.[1] ?? ''
  t.equal(decodeToken('objects', token), 'a')
  t.equal(
    inside(first),
    `<Name>bucket</Name><Prefix></Prefix><StartAfter>0</StartAfter><NextContinuationToken>${token}</NextContinuationToken>` +
      '<KeyCount>1</KeyCount><MaxKeys>1</MaxKeys><IsTruncated>true</IsTruncated><Contents><Key>a</Key>' +
      '<LastModified>2026-11-23T01:02:03.000Z</LastModified><ETag>&quot;0d9fa06a66933b40f615f530e59edd6b&quot;</ETag>' +
      '<Size>11</Size><StorageClass>STANDARD</StorageClass></Contents>',
  )
  const second = render('ListObjectsV2', v2(`continuation-token=${token}&start-after=0&fetch-owner=true`), {
    entries: [entry('b')],
    commonPrefixes: ['c/'],
  })
  t.match(second, `<ContinuationToken>${token}</ContinuationToken><KeyCount>2</KeyCount>`)
  t.notMatch(second, 'StartAfter')
  t.match(second, '<Owner><ID>c0ffee</ID></Owner><StorageClass>')
})

t.test('listings: encoding-type=url → every key-like text encoded', async t => {
  const query = 'prefix=a%20b%2F&delimiter=%2B&start-after=%C3%A9&encoding-type=url'
  const xml = render('ListObjectsV2', v2(query), { entries: [entry('a b/+\u0001')], commonPrefixes: ['a b/c+'] })
  for (const part of [
    '<Prefix>a%20b/</Prefix>',
    '<Delimiter>%2B</Delimiter>',
    '<EncodingType>url</EncodingType>',
    '<StartAfter>%C3%A9</StartAfter>',
    '<Key>a%20b/%2B%01</Key>',
    '<CommonPrefixes><Prefix>a%20b/c%2B</Prefix></CommonPrefixes>',
  ])
    t.match(xml, part)
})

t.test('encodeKey: as S3 documents it → decodes back', async t => {
  t.equal(encodeKey('test_file(3).png', 'url'), 'test_file%283%29.png')
  t.equal(encodeKey("!'~*-._/", 'url'), '%21%27%7E*-._/')
  t.equal(encodeKey('a b', undefined), 'a b')
  for (const key of ['%', 'a%2Fb', '日本/🪣', "!'()~*", '\n\r']) t.equal(decodeURIComponent(encodeKey(key, 'url')), key)
})

t.test('ListBuckets: parameters → checked as S3 does', async t => {
  t.same(buckets(), { prefix: '', region: undefined, after: '', limit: 10_000, parameters: false })
  t.match(buckets('x-id=ListBuckets'), { parameters: false })
  t.match(buckets('continuation-token=&max-buckets=10'), { after: '', limit: 10, parameters: true })
  t.match(buckets(`continuation-token=${encodeToken('buckets', 'b')}`), { after: 'b' })
  for (const value of ['0', '10001', '-1', 'x', '', '1.5'])
    t.match(buckets(`max-buckets=${value}`), {
      code: 'argument-invalid',
      detail: { name: 'max-buckets', message: 'Argument max-buckets must be an integer between 1 and 10000.' },
    })
  t.match(buckets('bucket-region=eu-east-1'), {
    detail: { name: 'bucket-region', message: 'Argument value eu-east-1 is not a valid AWS Region' },
  })
  t.match(buckets('continuation-token=x'), { detail: { name: 'continuation-token' } })
  t.match(buckets('max-directory-buckets=5'), { code: 'not-implemented' })
})

t.test('ListBuckets: answer → owner without a name; regions only when a parameter was given', async t => {
  const row = rows.get('ListBuckets')!
  const found = [{ name: 'one', region: 'eu-west-1', createdAtMs: Date.UTC(2026, 0, 1) }]
  const bare = row.render({
    asked: buckets(),
    owner,
    buckets: found,
    truncated: false,
    last: 'one',
  } as never).body
  t.equal(
    inside(bare as string),
    '<Owner><ID>c0ffee</ID></Owner><Buckets><Bucket><Name>one</Name><CreationDate>2026-01-01T00:00:00.000Z</CreationDate>' +
      '<BucketArn>arn:aws:s3:::one</BucketArn></Bucket></Buckets>',
  )
  const asked = buckets('prefix=o&max-buckets=1')
  const paged = row.render({ asked, owner, buckets: found, truncated: true, last: 'one' } as never).body as string
  t.match(paged, '<BucketRegion>eu-west-1</BucketRegion><BucketArn>')
  t.match(paged, `<ContinuationToken>${encodeToken('buckets', 'one')}</ContinuationToken><Prefix>o</Prefix>`)
})

t.test('listings: any page → well-formed, with all its entries', async t => {
  const keys = ['a', '<b>', 'c&d', '"e"', "'f'", 'g\rh', '\u0001', '日本', '🪣', ' ', ']]>']
  const xml = render('ListObjectsV2', v2(), { entries: keys.map(key => entry(key)) })
  const root = parseXml(Buffer.from(xml)) as XmlElement
  const contents = root.children.filter(child => child.name === 'Contents')
  t.same(
    contents.map(one => one.children[0]?.text),
    keys,
  )
})
