import t from 'tap'
import { decodeVersionId, encodeVersionId } from '../../protocol/s3/version-ids.ts'
import {
  parseVersionListing,
  renderVersionListing,
  type VersionListAnswer,
  type VersionListing,
} from '../../protocol/s3/version-listing.ts'
import { checkMfa, parseVersioning, renderVersioning } from '../../protocol/s3/versioning.ts'
import { contentOf, documentOf, good, malformed, said } from './document.ts'
import { headersOf } from './s3-reply.ts'
import { wireRequest } from './wire-request.ts'

const put = (content: string, headers: Record<string, string> = {}) =>
  parseVersioning(wireRequest('PUT /bucket?versioning', headers), documentOf('VersioningConfiguration', content))

t.test('PutBucketVersioning: a status → it, and the same document back', async t => {
  for (const status of ['Enabled', 'Suspended'] as const) {
    t.equal(put(`<Status>${status}</Status>`), status)
    t.equal(put(`<MfaDelete>Disabled</MfaDelete><Status>${status}</Status>`), status)
    t.equal(contentOf(renderVersioning(status), 'VersioningConfiguration'), `<Status>${status}</Status>`)
  }
  t.equal(contentOf(renderVersioning(undefined), 'VersioningConfiguration'), '', 'never set: empty')
})

t.test('PutBucketVersioning: what S3 refuses → in its words', async t => {
  const unspecified = 'IllegalVersioningConfigurationException: The Versioning element must be specified'
  t.equal(said(put('')), unspecified)
  t.equal(said(put('<Status/>')), unspecified)
  t.equal(said(put('<MfaDelete>Enabled</MfaDelete>')), unspecified)
  for (const status of ['enabled', 'Disabled', 'ENABLED']) t.equal(said(put(`<Status>${status}</Status>`)), malformed)
  t.equal(said(put('<Status>Enabled</Status><MfaDelete>On</MfaDelete>')), malformed)
  t.equal(said(put('<Status>Enabled</Status><Other/>')), malformed)
})

t.test('PutBucketVersioning: MFA Delete → denied, with and without a code', async t => {
  const document = '<Status>Enabled</Status><MfaDelete>Enabled</MfaDelete>'
  const mfa = { 'x-amz-mfa': 'arn:aws:iam::000000000000:mfa/root 123456' }
  const owner = 'AccessDenied: This operation may only be performed by the bucket owner'
  t.equal(said(put(document)), 'AccessDenied: Mfa Authentication must be used for this request')
  t.equal(said(put(document, mfa)), owner)
  t.equal(said(put('<Status>Enabled</Status>', mfa)), owner)
  t.equal(said(checkMfa(wireRequest('DELETE /bucket/key', mfa))), owner)
  t.equal(checkMfa(wireRequest('DELETE /bucket/key')), undefined)
})

t.test('version ids: a sequence → 32 opaque characters, and back', async t => {
  const seqs = [0, 1, 255, 256, 2 ** 32, 1_790_000_000_000_000, Number.MAX_SAFE_INTEGER]
  const ids = seqs.map(encodeVersionId)
  t.same(ids.map(decodeVersionId), seqs)
  for (const id of ids) t.match(id, /^[A-Za-z0-9._]{32}$/)
  t.equal(encodeVersionId(1), ids[1], 'the same each time')
  const neighbours = Array.from({ length: 200 }, (_, i) => encodeVersionId(1_790_000_000_000_000 + i))
  t.equal(new Set(neighbours.map(id => id.slice(0, 4))).size > 190, true, 'neighbours share nothing')
})

t.test('version ids: anything else → none', async t => {
  const id = encodeVersionId(7)
  const changed = Array.from({ length: 32 }, (_, i) => id.slice(0, i) + (id[i] === 'A' ? 'B' : 'A') + id.slice(i + 1))
  for (const text of [
    '',
    'null',
    `${id}A`,
    id.slice(1),
    `${id.slice(0, 31)}-`,
    'HPniJFCxqTsMuIH9KX8K8wEjNUgmABCD',
    ...changed,
  ])
    t.equal(decodeVersionId(text), undefined, text)
})

const ask = (query: string, headers: Record<string, string> = {}) =>
  parseVersionListing(wireRequest(`GET /bucket?versions${query}`, headers))

t.test('ListObjectVersions: a query → what is asked', async t => {
  const none = good(ask(''))
  t.match(none, { bucket: 'bucket', prefix: '', delimiter: '', keyMarker: '', limit: 1000, withRestoreStatus: false })
  t.equal(none.versionMarker, undefined)
  const id = encodeVersionId(5)
  t.match(
    good(
      ask(`&prefix=a%2F&delimiter=%2F&key-marker=a%2Fb&version-id-marker=${id}&max-keys=7&encoding-type=url`, {
        'x-amz-optional-object-attributes': 'RestoreStatus',
      }),
    ),
    {
      prefix: 'a/',
      delimiter: '/',
      keyMarker: 'a/b',
      versionMarker: 5,
      versionIdMarker: id,
      limit: 7,
      encoding: 'url',
      withRestoreStatus: true,
    },
  )
  t.equal(good(ask('&key-marker=a&version-id-marker=null')).versionMarker, 'null')
  t.equal(good(ask('&key-marker=a&version-id-marker=')).versionMarker, undefined)
  t.equal(good(ask('&version-id-marker=')).versionMarker, undefined)
})

t.test('ListObjectVersions: what S3 refuses → in its words', async t => {
  for (const [query, expected] of [
    [`&version-id-marker=${encodeVersionId(5)}`, 'A version-id marker cannot be specified without a key marker.'],
    ['&key-marker=a&version-id-marker=abc', 'Invalid version id specified'],
    ['&encoding-type=', 'Invalid Encoding Method specified in Request'],
    ['&max-keys=x', 'Provided max-keys not an integer or within integer range'],
    ['&max-keys=-1', 'Argument maxKeys must be an integer between 0 and 2147483647'],
  ] as const)
    t.equal(said(ask(query)), `InvalidArgument: ${expected}`, query)
  t.match(ask(`&version-id-marker=${encodeVersionId(5)}`), {
    detail: { name: 'version-id-marker', value: encodeVersionId(5) },
  })
  t.equal(
    said(ask('', { 'x-amz-optional-object-attributes': 'Other' })),
    'InvalidArgument: Invalid attribute name specified.',
  )
})

const version = {
  kind: 'version',
  key: 'a & b',
  versionId: 'v2',
  isLatest: false,
  modifiedAtMs: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
  owner: { canonicalId: 'id' },
  etag: 'e',
  sizeBytes: 9,
  storageClass: 'GLACIER',
  checksumType: 'FULL_OBJECT',
  checksumNames: ['crc32'],
  restore: { inProgress: false, expiresAtMs: Date.UTC(2026, 1, 1) },
} as const
const marker = {
  kind: 'delete-marker',
  key: 'a & b',
  versionId: 'v3',
  isLatest: true,
  modifiedAtMs: 0,
  owner: { canonicalId: 'id' },
} as const
const answer = (asked: Partial<VersionListing>, more: Partial<VersionListAnswer> = {}): VersionListAnswer => ({
  asked: { ...good(ask('')), ...asked },
  entries: [marker, version],
  commonPrefixes: ['c d/'],
  next: undefined,
  region: 'us-east-1',
  ...more,
})
const owner = '<Owner><ID>id</ID></Owner>'

t.test('ListObjectVersions: versions and markers → in order, with what each has', async t => {
  const reply = renderVersionListing(answer({}))
  t.match(headersOf(reply.headers), { 'Content-Type': 'application/xml', 'x-amz-bucket-region': 'us-east-1' })
  t.equal(
    contentOf(reply, 'ListVersionsResult'),
    '<Name>bucket</Name><Prefix></Prefix><KeyMarker></KeyMarker><VersionIdMarker></VersionIdMarker>' +
      '<MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated>' +
      '<DeleteMarker><Key>a &amp; b</Key><VersionId>v3</VersionId><IsLatest>true</IsLatest>' +
      `<LastModified>1970-01-01T00:00:00.000Z</LastModified>${owner}</DeleteMarker>` +
      '<Version><Key>a &amp; b</Key><VersionId>v2</VersionId><IsLatest>false</IsLatest>' +
      '<LastModified>2026-01-02T03:04:05.000Z</LastModified><ETag>&quot;e&quot;</ETag>' +
      '<ChecksumAlgorithm>CRC32</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType><Size>9</Size>' +
      `<StorageClass>GLACIER</StorageClass>${owner}</Version>` +
      '<CommonPrefixes><Prefix>c d/</Prefix></CommonPrefixes>',
  )
})

t.test('ListObjectVersions: a page of more, encoded → markers of the next, keys in percent', async t => {
  const content = contentOf(
    renderVersionListing(
      answer(
        { encoding: 'url', delimiter: '/', keyMarker: 'k ', versionIdMarker: 'v', withRestoreStatus: true },
        { next: { key: 'a & b', versionId: 'v2' } },
      ),
    ),
    'ListVersionsResult',
  )
  t.match(content, '<KeyMarker>k%20</KeyMarker><VersionIdMarker>v</VersionIdMarker>')
  t.match(content, '<NextKeyMarker>a%20%26%20b</NextKeyMarker><NextVersionIdMarker>v2</NextVersionIdMarker>')
  t.match(content, '<Delimiter>/</Delimiter><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>')
  t.match(content, '<Version><Key>a%20%26%20b</Key>')
  t.match(
    content,
    '<RestoreStatus><IsRestoreInProgress>false</IsRestoreInProgress>' +
      '<RestoreExpiryDate>2026-02-01T00:00:00.000Z</RestoreExpiryDate></RestoreStatus>',
  )
  const afterPrefix = contentOf(renderVersionListing(answer({}, { next: { key: 'c d/' } })), 'ListVersionsResult')
  t.match(afterPrefix, '<NextKeyMarker>c d/</NextKeyMarker><MaxKeys>')
})
