import t from 'tap'
import { digestOnce } from '../../protocol/checksum/digest.ts'
import { Fault, fault } from '../../protocol/fault.ts'
import { Level } from '../../protocol/operation.ts'
import { getObjectAttributes } from '../../protocol/s3/attributes.ts'
import { deleteObject, deleteObjects } from '../../protocol/s3/object-delete.ts'
import { getObject, headObject, type ReadableObject, type ReadInput } from '../../protocol/s3/object-read.ts'
import { putObject } from '../../protocol/s3/object-write.ts'
import { headersOf, noBody } from './s3-reply.ts'
import { wireRequest } from './wire-request.ts'

const get = (target: string, headers: Record<string, string> = {}) =>
  getObject.parse(wireRequest(`GET ${target}`, headers), noBody)
const put = (headers: Record<string, string>, target = '/b/k') =>
  putObject.parse(wireRequest(`PUT ${target}`, headers), noBody)
function good<T>(value: T | Fault): T {
  if (value instanceof Fault) throw new Error(`${value.code} ${JSON.stringify(value.detail)}`)
  return value
}
function bad(value: unknown): Fault {
  if (value instanceof Fault) return value
  throw new Error(`no fault: ${JSON.stringify(value)}`)
}

const object: ReadableObject = {
  headers: { 'content-type': 'text/plain', 'cache-control': 'no-cache' },
  metadata: { colour: 'green' },
  storageClass: 'STANDARD',
  sizeBytes: 10,
  etag: 'abc',
  modifiedAtMs: Date.UTC(2026, 0, 2, 3, 4, 5),
  parts: 0,
  checksumType: 'FULL_OBJECT',
  checksums: { crc32: 'AAAAAA==' },
}
const read = (input: ReadInput, more: Partial<Parameters<typeof getObject.render>[0]> = {}) => ({
  object,
  input,
  span: undefined,
  partChecksums: undefined,
  body: null,
  ...more,
})
const whole = {
  'Last-Modified': 'Fri, 02 Jan 2026 03:04:05 GMT',
  ETag: '"abc"',
  'x-amz-server-side-encryption': 'AES256',
  'Accept-Ranges': 'bytes',
  'Content-Type': 'text/plain',
  'Cache-Control': 'no-cache',
  'x-amz-meta-colour': 'green',
}

t.test('GetObject: a plain object → its headers and nothing more', async t => {
  const reply = getObject.render(read(good(get('/b/k'))))
  t.equal(reply.status, 200)
  t.same(headersOf(reply.headers), whole)
})

t.test('GetObject: a range → 206 and Content-Range, checksums only when it covers everything', async t => {
  const input = good(get('/b/k', { range: 'bytes=2-4', 'x-amz-checksum-mode': 'ENABLED' }))
  const reply = getObject.render(read(input, { span: { offset: 2, length: 3 } }))
  t.equal(reply.status, 206)
  t.same(headersOf(reply.headers), { ...whole, 'Content-Range': 'bytes 2-4/10' })
  const all = getObject.render(read(input, { span: { offset: 0, length: 10 } }))
  t.same(headersOf(all.headers), {
    ...whole,
    'Content-Range': 'bytes 0-9/10',
    'x-amz-checksum-crc32': 'AAAAAA==',
    'x-amz-checksum-type': 'FULL_OBJECT',
  })
})

t.test('GetObject: part of a composite object → the part’s checksum and the count of parts', async t => {
  const input = good(get('/b/k?partNumber=2', { 'x-amz-checksum-mode': 'enabled' }))
  const composite = { ...object, parts: 3, checksumType: 'COMPOSITE' as const, checksums: { sha1: 'x' } }
  const reply = getObject.render(
    read(input, { object: composite, span: { offset: 5, length: 2 }, partChecksums: { sha1: 'y' } }),
  )
  t.match(headersOf(reply.headers), {
    'x-amz-mp-parts-count': '3',
    'x-amz-checksum-sha1': 'y',
    'x-amz-checksum-type': 'COMPOSITE',
    'Content-Range': 'bytes 5-6/10',
  })
  const undivided = getObject.render(
    read(good(get('/b/k', { 'x-amz-checksum-mode': 'ENABLED' })), { object: composite }),
  )
  t.equal(headersOf(undivided.headers)['x-amz-checksum-sha1'], 'x-3')
  t.notOk('x-amz-mp-parts-count' in headersOf(undivided.headers))
})

t.test('GetObject: overrides → replace what is stored; those that cannot be headers → InvalidArgument', async t => {
  const input = good(get('/b/k?response-content-type=image%2Fpng&response-expires=Tue&x-id=GetObject'))
  t.match(headersOf(getObject.render(read(input)).headers), {
    'Content-Type': 'image/png',
    Expires: 'Tue',
    'Cache-Control': 'no-cache',
  })
  t.equal(bad(get('/b/k?response-content-type=a%0d%0ax-evil:1')).code, 'argument-invalid')
  t.match(bad(get('/b/k?response-cache-control=%E2%80%94')).detail, {
    name: 'response-cache-control',
    message: 'Header value cannot be represented using ISO-8859-1.',
  })
})

t.test('GetObject: partNumber → 1 to 10,000 and not with a range', async t => {
  t.equal(good(get('/b/k?partNumber=10000')).partNumber, 10_000)
  for (const text of ['0', '-1', '10001', 'x', ''])
    t.match(bad(get(`/b/k?partNumber=${text}`)), {
      code: 'argument-invalid',
      detail: {
        name: 'partNumber',
        value: text,
        message: 'Part number must be an integer between 1 and 10000, inclusive',
      },
    })
  t.match(bad(get('/b/k?partNumber=1', { range: 'bytes=0-1' })), {
    code: 'request-invalid',
    detail: { message: 'Cannot specify both Range header and partNumber query parameter' },
  })
})

t.test('GetObject: versionId → null is the object, any other was never given out', async t => {
  good(get('/b/k?versionId=null'))
  t.match(bad(get('/b/k?versionId=abc')).detail, { name: 'versionId', message: 'Invalid version id specified' })
})

t.test('HeadObject: → Content-Length of what GET would answer, no body', async t => {
  const input = good(headObject.parse(wireRequest('HEAD /b/k'), noBody))
  const reply = headObject.render(read(input))
  t.same(headersOf(reply.headers), { ...whole, 'Content-Length': '10' })
  t.equal(reply.body, null)
  const part = headObject.render(read(input, { span: { offset: 1, length: 4 } }))
  t.equal(part.status, 206)
  t.equal(headersOf(part.headers)['Content-Length'], '4')
})

t.test('GetObject: metadata beyond ASCII → RFC 2047', async t => {
  const reply = getObject.render(read(good(get('/b/k')), { object: { ...object, metadata: { a: 'ü' } } }))
  t.equal(headersOf(reply.headers)['x-amz-meta-a'], '=?UTF-8?B?w7w=?=')
})

t.test('PutObject: headers → description', async t => {
  const input = good(
    put({
      'content-type': 'text/html',
      'content-encoding': 'aws-chunked,gzip',
      'x-amz-meta-a': '1',
      'x-amz-storage-class': 'STANDARD_IA',
      'x-amz-acl': 'private',
      'x-amz-server-side-encryption': 'AES256',
    }),
  )
  t.same(input.description.headers, { 'content-type': 'text/html', 'content-encoding': 'gzip' })
  t.same({ ...input.description.metadata }, { a: '1' })
  t.equal(input.description.storageClass, 'STANDARD_IA')
  t.same(input.description.acl, { kind: 'canned', name: 'private' })
  const bare = good(put({ 'content-encoding': 'aws-chunked' }))
  t.same(bare.description, {
    headers: { 'content-type': 'binary/octet-stream' },
    metadata: {},
    storageClass: 'STANDARD',
  })
})

for (const [title, headers, code, detail] of [
  ['metadata of 2,049 bytes', { 'x-amz-meta-a': 'x'.repeat(2048) }, 'metadata-too-large', { sizeBytes: 2049 }],
  [
    'a storage class of outposts',
    { 'x-amz-storage-class': 'OUTPOSTS' },
    'storage-class-invalid',
    { value: 'OUTPOSTS' },
  ],
  ['an ACL unknown', { 'x-amz-acl': 'fake-acl' }, 'argument-invalid', { name: 'x-amz-acl', value: 'fake-acl' }],
  ['Content-MD5 that is none', { 'content-md5': 'MTIz' }, 'digest-malformed', { value: 'MTIz' }],
  ['an empty Content-MD5', { 'content-md5': '' }, 'digest-malformed', { value: '' }],
  [
    'a checksum that is none',
    { 'x-amz-checksum-sha256': 'AAAA' },
    'checksum-malformed',
    { header: 'x-amz-checksum-sha256' },
  ],
  [
    'two checksums',
    { 'x-amz-checksum-crc32': 'AAAAAA==', 'x-amz-checksum-crc32c': 'AAAAAA==' },
    'request-invalid',
    { message: 'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.' },
  ],
  [
    'an algorithm without its checksum',
    { 'x-amz-sdk-checksum-algorithm': 'CRC32' },
    'request-invalid',
    {
      message:
        'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.',
    },
  ],
  ['a trailer unknown', { 'x-amz-trailer': 'x-amz-foo' }, 'request-invalid', {}],
  ['a trailer with a hash not done', { 'x-amz-trailer': 'x-amz-checksum-xxhash3' }, 'header-refused', {}],
  [
    'If-Match and If-None-Match',
    { 'if-match': 'a', 'if-none-match': '*' },
    'header-refused',
    { header: 'If-Match,If-None-Match', reason: 'Multiple conditional request headers present in the request' },
  ],
  [
    'If-None-Match with an ETag',
    { 'if-none-match': '"a"' },
    'header-refused',
    { header: 'If-None-Match', reason: "We don't accept the provided value of If-None-Match header for this API" },
  ],
  ['If-Match: *', { 'if-match': '*' }, 'header-refused', { header: 'If-Match' }],
] as const)
  t.test(`PutObject: ${title} → ${code}`, async t => {
    t.match(bad(put(headers)), { code, detail })
  })

t.test('PutObject: encryption headers → what is asked, or a fault that waits until access is settled', async t => {
  const asked = (headers: Record<string, string>) => good(put(headers)).description.encryption
  t.equal(asked({}), undefined)
  t.match(asked({ 'x-amz-server-side-encryption': 'AES256' }), { kind: 'managed' })
  t.match(asked({ 'x-amz-server-side-encryption': 'aws:kms' }), { kind: 'named', keyId: '' })
  const unknown = asked({ 'x-amz-server-side-encryption': 'ROT13' })
  t.match(bad(unknown), { code: 'argument-invalid', detail: { value: 'ROT13' } })
  t.equal(bad(asked({ 'x-amz-server-side-encryption-customer-algorithm': 'AES256' })).code, 'argument-invalid')
})

t.test('PutObject: a part number without an upload → refused, never an overwritten object', async t => {
  t.equal(bad(put({}, '/b/k?partNumber=1')).code, 'method-not-allowed')
})

t.test('PutObject: key of 1,025 bytes → KeyTooLongError', async t => {
  good(put({}, `/b/${'é'.repeat(512)}`))
  t.match(bad(put({}, `/b/${'é'.repeat(512)}x`)), {
    code: 'key-too-long',
    detail: { sizeBytes: 1025, limitBytes: 1024 },
  })
})

t.test('PutObject: integrity → declared checksum in header or trailer, MD5', async t => {
  const md5 = digestOnce('md5', noBody).toString('base64')
  const header = good(
    put({ 'x-amz-checksum-crc32': 'AAAAAA==', 'content-md5': md5, 'x-amz-sdk-checksum-algorithm': 'SHA1' }),
  )
  t.same([header.checksum, header.md5], [{ name: 'crc32', value: 'AAAAAA==' }, md5])
  const trailer = good(put({ 'x-amz-trailer': 'x-amz-checksum-crc64nvme' }))
  t.same(trailer.checksum, { name: 'crc64nvme', value: undefined })
  t.equal(good(put({})).checksum, undefined)
})

t.test('PutObject: answer → ETag, encryption, checksum and its type', async t => {
  const reply = putObject.render({ etag: 'abc', checksums: { crc64nvme: 'v' }, checksumType: 'FULL_OBJECT' })
  t.same(headersOf(reply.headers), {
    'x-amz-server-side-encryption': 'AES256',
    ETag: '"abc"',
    'x-amz-checksum-crc64nvme': 'v',
    'x-amz-checksum-type': 'FULL_OBJECT',
  })
})

t.test('DeleteObject: conditions → If-Match taken, those of directory buckets refused', async t => {
  const parse = (headers: Record<string, string>) => deleteObject.parse(wireRequest('DELETE /b/k', headers), noBody)
  t.same(good(parse({ 'if-match': '"a"' })).conditions, { ifMatch: ['a'] })
  t.match(bad(parse({ 'x-amz-if-match-size': '1' })), {
    code: 'header-refused',
    detail: { header: 'x-amz-if-match-size' },
  })
  t.same(deleteObject.render(gone), { status: 204, headers: [], body: null })
})

const gone = { marker: false, version: undefined }
const deleteMany = (xml: string, headers?: Record<string, string>) => {
  const body = Buffer.from(xml)
  const md5 = { 'content-md5': digestOnce('md5', body).toString('base64') }
  return deleteObjects.parse(wireRequest('POST /b?delete', headers ?? md5), body)
}

t.test('DeleteObjects: a document → its keys, conditions and faults', async t => {
  const input = good(
    deleteMany(
      `<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Object><Key>a &amp; b</Key></Object>
       <Object><Key>c</Key><ETag>"e"</ETag></Object><Object><Key>d</Key><VersionId>v</VersionId></Object>
       <Object><Key>a &amp; b</Key><Size>3</Size></Object><Quiet>false</Quiet></Delete>`,
    ),
  )
  t.equal(input.quiet, false)
  t.same(
    input.items.map(item => [item.key, item.conditions, item.fault?.code]),
    [
      ['a & b', {}, undefined],
      ['c', { ifMatch: ['e'] }, undefined],
      ['d', {}, 'version-missing'],
      ['a & b', {}, 'header-refused'],
    ],
  )
  const results = [gone, fault('precondition-failed'), input.items[2]!.fault!, input.items[3]!.fault!]
  t.equal(
    deleteObjects.render({ input, results }).body,
    '<?xml version="1.0" encoding="UTF-8"?>\n<DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' +
      '<Deleted><Key>a &amp; b</Key></Deleted>' +
      '<Error><Key>c</Key><Code>PreconditionFailed</Code><Message>At least one of the pre-conditions you specified did not hold</Message></Error>' +
      '<Error><Key>d</Key><VersionId>v</VersionId><Code>NoSuchVersion</Code><Message>The specified version does not exist.</Message></Error>' +
      '<Error><Key>a &amp; b</Key><Code>NotImplemented</Code><Message>A header you provided implies functionality that is not implemented</Message></Error>' +
      '</DeleteResult>',
  )
})

t.test('DeleteObjects: quiet → only errors', async t => {
  const input = good(deleteMany('<Delete><Quiet>true</Quiet><Object><Key>a</Key></Object></Delete>'))
  t.notMatch(deleteObjects.render({ input, results: [gone] }).body, /Deleted/)
})

t.test(
  'DeleteObjects: documents that are none → MalformedXML; no digest → InvalidRequest; wrong one → BadDigest',
  async t => {
    const many = `<Delete>${'<Object><Key>a</Key></Object>'.repeat(1001)}</Delete>`
    for (const xml of ['', '<Delete/>', '<Delete', '<Other/>', '<Delete><Object/></Delete>', many])
      t.equal(bad(deleteMany(xml)).code, 'xml-malformed', xml.slice(0, 30))
    const ok = '<Delete><Object><Key>a</Key></Object></Delete>'
    t.equal(bad(deleteMany(ok, {})).code, 'checksum-missing')
    t.match(bad(deleteMany(ok, { 'x-amz-checksum-crc32': 'AAAAAA==' })), {
      code: 'checksum-mismatch',
      detail: { algorithm: 'CRC32' },
    })
    t.equal(bad(deleteMany(ok, { 'content-md5': '1B2M2Y8AsgTpgAmY7PhCfg==' })).code, 'digest-mismatch')
    good(deleteMany(ok, { 'x-amz-checksum-sha1': digestOnce('sha1', Buffer.from(ok)).toString('base64') }))
  },
)

t.test('GetObjectAttributes: wanted → only those; a part list only of composite objects', async t => {
  const parse = (headers: Record<string, string>) =>
    getObjectAttributes.parse(wireRequest('GET /b/k?attributes', headers), noBody)
  const input = good(parse({ 'x-amz-object-attributes': 'ETag, Checksum,ObjectParts,StorageClass,ObjectSize' }))
  const open =
    '<?xml version="1.0" encoding="UTF-8"?>\n<GetObjectAttributesResponse xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
  const composite = { ...object, parts: 2, checksumType: 'COMPOSITE' as const, checksums: { sha1: 's' } }
  const page = { parts: [{ number: 1, sizeBytes: 6, checksums: { sha1: 'p' } }], truncated: true }
  t.equal(
    getObjectAttributes.render({ object: composite, input: { ...input, maxParts: 1 }, page }).body,
    `${open}<ETag>abc</ETag><Checksum><ChecksumSHA1>s</ChecksumSHA1><ChecksumType>COMPOSITE</ChecksumType></Checksum>` +
      '<ObjectParts><PartsCount>2</PartsCount><PartNumberMarker>0</PartNumberMarker><NextPartNumberMarker>1</NextPartNumberMarker>' +
      '<MaxParts>1</MaxParts><IsTruncated>true</IsTruncated><Part><PartNumber>1</PartNumber><Size>6</Size><ChecksumSHA1>p</ChecksumSHA1></Part></ObjectParts>' +
      '<StorageClass>STANDARD</StorageClass><ObjectSize>10</ObjectSize></GetObjectAttributesResponse>',
  )
  const size = good(parse({ 'x-amz-object-attributes': 'ObjectSize' }))
  t.equal(
    getObjectAttributes.render({ object, input: size, page: undefined }).body,
    `${open}<ObjectSize>10</ObjectSize></GetObjectAttributesResponse>`,
  )
  t.match(bad(parse({ 'x-amz-object-attributes': 'Colour' })).detail, { message: 'Invalid attribute name specified.' })
  t.equal(bad(parse({})).code, 'request-invalid')
  t.equal(bad(parse({ 'x-amz-object-attributes': 'ETag', 'x-amz-max-parts': 'x' })).code, 'argument-invalid')
})

t.test('rows: levels → as their targets', async t => {
  t.equal(deleteObjects.match.level, Level.bucket)
  t.equal(getObject.match.level, Level.object)
})
