import { createHash, randomBytes } from 'node:crypto'
import t from 'tap'
import { assemble } from '../../gateway/s3/multipart-assemble.ts'
import { makeUploadId } from '../../gateway/s3/multipart-upload.ts'
import type { PartRecord, UploadRecord } from '../../gateway/store/contract.ts'
import { digestOnce } from '../../protocol/checksum/digest.ts'
import { Fault } from '../../protocol/fault.ts'
import type { ChecksumName, ChecksumType } from '../../protocol/s3/checksum-headers.ts'
import { type CompleteInput, completeMultipartUpload } from '../../protocol/s3/multipart-complete.ts'
import { uploadPartCopy } from '../../protocol/s3/multipart-copy.ts'
import { listMultipartUploads, listParts } from '../../protocol/s3/multipart-list.ts'
import { abortMultipartUpload, createMultipartUpload, uploadPart } from '../../protocol/s3/multipart-upload.ts'
import { headersOf, noBody } from './s3-reply.ts'
import { wireRequest } from './wire-request.ts'

function good<T>(value: T | Fault): T {
  if (value instanceof Fault) throw new Error(`${value.code} ${JSON.stringify(value.detail)}`)
  return value
}
function bad(value: unknown): Fault {
  if (value instanceof Fault) return value
  throw new Error(`no fault: ${JSON.stringify(value)}`)
}
const open = (root: string) =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`

const create = (headers: Record<string, string>) =>
  createMultipartUpload.parse(wireRequest('POST /b/k?uploads', headers), noBody)

// Recorded combinations; 'x' is refused.
for (const [algorithm, asked, expected] of [
  ['CRC32', '', 'COMPOSITE'],
  ['CRC32', 'COMPOSITE', 'COMPOSITE'],
  ['CRC32', 'FULL_OBJECT', 'FULL_OBJECT'],
  ['CRC32C', 'full_object', 'FULL_OBJECT'],
  ['CRC64NVME', '', 'FULL_OBJECT'],
  ['CRC64NVME', 'COMPOSITE', 'The COMPOSITE checksum type cannot be used with the crc64nvme checksum algorithm.'],
  ['SHA1', '', 'COMPOSITE'],
  ['SHA1', 'FULL_OBJECT', 'The FULL_OBJECT checksum type cannot be used with the sha1 checksum algorithm.'],
  ['SHA256', 'FULL_OBJECT', 'The FULL_OBJECT checksum type cannot be used with the sha256 checksum algorithm.'],
  ['', 'COMPOSITE', 'The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.'],
  ['CRC32', 'PARTIAL', 'Value for x-amz-checksum-type header is invalid.'],
] as const)
  t.test(`CreateMultipartUpload: ${algorithm || 'no algorithm'}, ${asked || 'no type'} → ${expected}`, async t => {
    const headers: Record<string, string> = {}
    if (algorithm !== '') headers['x-amz-checksum-algorithm'] = algorithm
    if (asked !== '') headers['x-amz-checksum-type'] = asked
    const parsed = create(headers)
    t.equal(parsed instanceof Fault ? parsed.detail['message'] : parsed.checksumType, expected)
  })

t.test('CreateMultipartUpload: answer → ids as elements, checksum as headers', async t => {
  const input = good(create({ 'x-amz-checksum-algorithm': 'sha256' }))
  const reply = createMultipartUpload.render({ input, uploadId: 'u' })
  t.equal(
    reply.body,
    `${open('InitiateMultipartUploadResult')}<Bucket>b</Bucket><Key>k</Key><UploadId>u</UploadId></InitiateMultipartUploadResult>`,
  )
  t.match(headersOf(reply.headers), {
    'x-amz-checksum-algorithm': 'SHA256',
    'x-amz-checksum-type': 'COMPOSITE',
    'x-amz-server-side-encryption': 'AES256',
  })
})

t.test('upload ids: → sort by time, need no escaping, never repeat', async t => {
  const ids = [1, 2, 1_800_000_000_000, 1_800_000_000_001].map(makeUploadId)
  t.same(ids.toSorted(), ids)
  t.match(ids[0], /^[0-9a-z]{9}[A-Za-z0-9_-]{118}$/)
  t.not(makeUploadId(5), makeUploadId(5))
})

t.test('UploadPart: number, upload and integrity → parsed', async t => {
  const parse = (query: string, headers: Record<string, string> = {}) =>
    uploadPart.parse(wireRequest(`PUT /b/k?${query}`, headers), noBody)
  t.match(good(parse('partNumber=3&uploadId=u%2B1', { 'x-amz-checksum-crc32': 'AAAAAA==' })), {
    bucket: 'b',
    key: 'k',
    uploadId: 'u+1',
    partNumber: 3,
    checksum: { name: 'crc32', value: 'AAAAAA==' },
  })
  t.equal(bad(parse('uploadId=u')).code, 'method-not-allowed')
  t.equal(
    bad(parse('uploadId=u&partNumber=0')).detail['message'],
    'Part number must be an integer between 1 and 10000, inclusive',
  )
  const reply = uploadPart.render({ etag: 'e', checksums: { crc32: 'c' } })
  t.same(headersOf(reply.headers), {
    'x-amz-server-side-encryption': 'AES256',
    ETag: '"e"',
    'x-amz-checksum-crc32': 'c',
  })
  t.equal(abortMultipartUpload.render(undefined).status, 204)
})

t.test('UploadPartCopy: source, range and conditions → parsed; answer → CopyPartResult', async t => {
  const parse = (headers: Record<string, string>) =>
    uploadPartCopy.parse(wireRequest('PUT /b/k?partNumber=1&uploadId=u', headers), noBody)
  const input = good(
    parse({
      'x-amz-copy-source': '/bucket/key',
      'x-amz-copy-source-range': 'bytes=1-2',
      'x-amz-copy-source-if-match': '"a", b',
      'x-amz-copy-source-if-modified-since': 'Fri, 02 Jan 2026 03:04:05 GMT',
    }),
  )
  t.match(input, {
    source: { bucket: 'bucket', key: 'key' },
    range: { first: 1, last: 2 },
    sourceConditions: { ifMatch: ['a', 'b'], ifModifiedSinceMs: Date.UTC(2026, 0, 2, 3, 4, 5) },
  })
  t.equal(
    uploadPartCopy.render({ etag: 'e', modifiedAtMs: 0, checksums: { crc32: 'c' } }).body,
    `${open('CopyPartResult')}<ETag>&quot;e&quot;</ETag><LastModified>1970-01-01T00:00:00.000Z</LastModified><ChecksumCRC32>c</ChecksumCRC32></CopyPartResult>`,
  )
})

const complete = (xml: string, headers: Record<string, string> = {}) =>
  completeMultipartUpload.parse(wireRequest('POST /b/k?uploadId=u', headers), Buffer.from(xml))
const partXml = (number: number, etag: string, more = '') =>
  `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag>${more}</Part>`
const listXml = (...parts: string[]) => `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`

t.test('CompleteMultipartUpload: a document → parts with ETags and checksums', async t => {
  const input = good(
    complete(listXml(partXml(1, '&quot;a&quot;', '<ChecksumSHA1>x</ChecksumSHA1>'), partXml(3, 'b')), {
      'x-amz-mp-object-size': '12',
      'x-amz-checksum-sha1': `${Buffer.alloc(20).toString('base64')}-2`,
      'x-amz-checksum-type': 'COMPOSITE',
      'if-none-match': '*',
    }),
  )
  t.same(
    input.parts.map(part => [part.number, part.etag, { ...part.checksums }]),
    [
      [1, 'a', { sha1: 'x' }],
      [3, 'b', {}],
    ],
  )
  t.match(input, { sizeBytes: 12, checksumType: 'COMPOSITE', conditions: { ifNoneMatch: ['*'] } })
  t.equal(input.checksum?.value, `${Buffer.alloc(20).toString('base64')}-2`)
})

t.test('CompleteMultipartUpload: documents that are none → MalformedXML', async t => {
  for (const xml of [
    listXml(),
    '<x/>',
    'text',
    listXml('<Part/>'),
    listXml('<Part><PartNumber>x</PartNumber><ETag/></Part>'),
  ])
    t.equal(bad(complete(xml)).code, 'xml-malformed', xml)
  t.equal(bad(complete(listXml(partXml(1, 'a').repeat(10_001)))).code, 'xml-malformed')
  t.equal(bad(complete(listXml(partXml(1, 'a')), { 'if-match': '*' })).code, 'header-refused')
})

const big = 5 * 1024 * 1024
function upload(checksumAlgorithm?: ChecksumName, checksumType?: ChecksumType) {
  return { uploadId: 'u', checksumAlgorithm, checksumType } satisfies Partial<UploadRecord>
}
function partOf(number: number, bytes: Buffer, name: ChecksumName, sizeBytes = bytes.length): PartRecord {
  return {
    number,
    sizeBytes,
    etag: digestOnce('md5', bytes).toString('hex'),
    modifiedAtMs: 0,
    checksums: { [name]: digestOnce(name, bytes).toString('base64') },
  }
}
const listed = (part: PartRecord, checksums = {}) => ({ number: part.number, etag: part.etag, checksums })
const input = (parts: CompleteInput['parts'], more: Partial<CompleteInput> = {}): CompleteInput => ({
  bucket: 'b',
  key: 'k',
  uploadId: 'u',
  dialect: 'aws',
  parts,
  checksum: undefined,
  checksumType: undefined,
  sizeBytes: undefined,
  customerKey: undefined,
  conditions: {},
  ...more,
})
const bytes = [randomBytes(big), randomBytes(big), randomBytes(3)]
const whole = Buffer.concat(bytes)

t.test('CompleteMultipartUpload: full object CRCs → those of the whole, ETag the MD5 of MD5s', async t => {
  for (const [name, asked] of [
    ['crc64nvme', undefined],
    ['crc32', 'crc32'],
    ['crc32c', 'crc32c'],
    ['crc64nvme', 'crc64nvme'],
  ] as const) {
    const parts = bytes.map((part, i) => partOf(i + 1, part, name))
    const done = good(
      assemble(
        input(
          parts.map(part => listed(part)),
          { sizeBytes: whole.length },
        ),
        upload(asked, asked && 'FULL_OBJECT'),
        parts,
      ),
    )
    t.same(done.checksums, { [name]: digestOnce(name, whole).toString('base64') })
    t.equal(done.checksumType, 'FULL_OBJECT')
    const md5s = bytes.map(part => createHash('md5').update(part).digest())
    t.equal(done.etag, `${createHash('md5').update(Buffer.concat(md5s)).digest('hex')}-3`)
    t.same(done.numbers, [1, 2, 3])
  }
})

t.test('CompleteMultipartUpload: composite → digest of digests; header with or without its count', async t => {
  const parts = bytes.map((part, i) => partOf(i + 2, part, 'sha256'))
  const list = parts.map(part => listed(part, part.checksums))
  const expected = createHash('sha256')
    .update(Buffer.concat(bytes.map(part => createHash('sha256').update(part).digest())))
    .digest('base64')
  for (const checksum of [
    undefined,
    { name: 'sha256' as const, value: expected },
    { name: 'sha256' as const, value: `${expected}-3` },
  ])
    t.same(good(assemble(input(list, { checksum }), upload('sha256', 'COMPOSITE'), parts)).checksums, {
      sha256: expected,
    })
  const wrong = { name: 'sha256' as const, value: `${expected}-4` }
  t.equal(
    bad(assemble(input(list, { checksum: wrong }), upload('sha256', 'COMPOSITE'), parts)).code,
    'checksum-mismatch',
  )
})

t.test('CompleteMultipartUpload: lists that do not fit → S3’s faults and texts', async t => {
  const parts = [partOf(1, Buffer.from('aaaa'), 'crc32'), partOf(2, Buffer.from('bbbb'), 'crc32')]
  const [one, two] = parts as [PartRecord, PartRecord]
  const composite = upload('crc32', 'COMPOSITE')
  const full = upload('crc32', 'FULL_OBJECT')
  for (const [title, list, of, code, detail] of [
    ['no list', [], full, 'request-invalid', { message: 'You must specify at least one part' }],
    ['order', [listed(two), listed(one)], full, 'part-order-invalid', { uploadId: 'u' }],
    ['a number twice', [listed(one), listed(one)], full, 'part-order-invalid', {}],
    [
      'unknown part',
      [{ ...listed(one), number: 7 }],
      full,
      'part-invalid',
      { partNumber: 7, etag: one.etag, uploadId: 'u' },
    ],
    ['another ETag', [{ ...listed(one), etag: 'x' }], full, 'part-invalid', { partNumber: 1, etag: 'x' }],
    [
      'small part',
      [listed(one), listed(two)],
      full,
      'part-too-small',
      { sizeBytes: 4, limitBytes: big, partNumber: 1, etag: one.etag },
    ],
    [
      'no checksum',
      [listed(one)],
      composite,
      'request-invalid',
      {
        message:
          'The upload was created using a crc32 checksum. The complete request must include the checksum for each part. It was missing for part 1 in the request.',
      },
    ],
    [
      'another algorithm',
      [listed(one, { sha256: 'x' })],
      composite,
      'checksum-mismatch',
      { message: 'The sha256 you specified for part 1 did not match what we received.' },
    ],
    ['wrong checksum', [listed(one, { crc32: 'AAAAAA==' })], composite, 'part-invalid', {}],
    ['a checksum nobody asked for', [listed(one, one.checksums)], upload(), 'part-invalid', {}],
  ] as const) {
    const result = bad(assemble(input(list), of, parts))
    t.match(result, { code, detail }, title)
  }
  const fine = [listed(one, one.checksums)]
  t.match(bad(assemble(input(fine, { checksumType: 'FULL_OBJECT' }), composite, parts)).detail, {
    message:
      'The upload was created using the COMPOSITE checksum mode. The complete request must use the same checksum mode.',
  })
  t.match(bad(assemble(input([listed(one)], { checksumType: 'COMPOSITE' }), upload(), parts)).detail, {
    message:
      'The upload was created using the null checksum mode. The complete request must use the same checksum mode.',
  })
  t.match(bad(assemble(input(fine, { sizeBytes: 5 }), composite, parts)).detail, {
    message: "The provided 'x-amz-mp-object-size' header value 5 does not match what was computed: 4",
  })
  const right = { name: 'crc32' as const, value: one.checksums.crc32! }
  good(assemble(input([listed(one)], { checksum: right, checksumType: 'FULL_OBJECT' }), full, parts))
  t.match(bad(assemble(input([listed(one)], { checksum: right }), full, parts)).detail, {
    message: 'The crc32 you specified did not match the calculated checksum.',
  })
})

t.test('CompleteMultipartUpload: answer → element order and composite count', async t => {
  const reply = completeMultipartUpload.render({
    input: input([]),
    etag: 'e-2',
    parts: 2,
    checksums: { sha1: 's' },
    checksumType: 'COMPOSITE',
    location: 'http://localhost:4566/b/a%2Fb',
  })
  t.equal(
    reply.body,
    `${open('CompleteMultipartUploadResult')}<Location>http://localhost:4566/b/a%2Fb</Location><Bucket>b</Bucket><Key>k</Key>` +
      '<ETag>&quot;e-2&quot;</ETag><ChecksumSHA1>s-2</ChecksumSHA1><ChecksumType>COMPOSITE</ChecksumType></CompleteMultipartUploadResult>',
  )
})

const people = { ownerOf: () => ({ canonicalId: 'id' }), initiatorOf: () => ({ canonicalId: 'id', name: 'main' }) }
const record = {
  key: 'a/b',
  uploadId: 'u1',
  initiatedAtMs: 0,
  storageClass: 'STANDARD',
  checksumAlgorithm: 'crc32' as const,
  checksumType: 'COMPOSITE' as const,
  initiatorId: 1,
  ownerId: 1,
}

t.test('ListParts: answer → markers, owner, checksums of the upload’s algorithm only', async t => {
  const parse = (query: string) => listParts.parse(wireRequest(`GET /b/k?uploadId=u${query}`), noBody)
  t.match(good(parse('&max-parts=&part-number-marker=')), { maxParts: 1000, afterPart: 0 })
  t.equal(good(parse('&max-parts=5000')).maxParts, 1000)
  t.match(bad(parse('&max-parts=-1')).detail, {
    name: 'max-parts',
    value: '-1',
    message: 'Provided max-parts not an integer or within integer range',
  })
  const parts = [{ number: 4, sizeBytes: 2, etag: 'e', modifiedAtMs: 0, checksums: { crc32: 'c' } }]
  const out = { input: good(parse('')), upload: record, ...people, parts, truncated: true }
  const text = listParts.render(out).body as string
  t.equal(
    text,
    `${open('ListPartsResult')}<Bucket>b</Bucket><Key>k</Key><UploadId>u</UploadId>` +
      '<Initiator><ID>id</ID><DisplayName>main</DisplayName></Initiator><Owner><ID>id</ID></Owner><StorageClass>STANDARD</StorageClass>' +
      '<PartNumberMarker>0</PartNumberMarker><NextPartNumberMarker>4</NextPartNumberMarker><MaxParts>1000</MaxParts><IsTruncated>true</IsTruncated>' +
      '<ChecksumAlgorithm>CRC32</ChecksumAlgorithm><ChecksumType>COMPOSITE</ChecksumType>' +
      '<Part><PartNumber>4</PartNumber><LastModified>1970-01-01T00:00:00.000Z</LastModified><ETag>&quot;e&quot;</ETag><Size>2</Size><ChecksumCRC32>c</ChecksumCRC32></Part></ListPartsResult>',
  )
  const plain = { ...record, checksumAlgorithm: undefined, checksumType: undefined }
  const hidden = listParts.render({ ...out, upload: plain, parts: [{ ...parts[0]!, checksums: { crc64nvme: 'n' } }] })
  t.notMatch(hidden.body, /Checksum/)
})

t.test('ListMultipartUploads: answer → markers, encoding, prefixes', async t => {
  const parse = (query: string) => listMultipartUploads.parse(wireRequest(`GET /b?uploads&${query}`), noBody)
  t.match(good(parse('upload-id-marker=x')), { keyMarker: '', uploadIdMarker: '' })
  t.match(good(parse('key-marker=k&upload-id-marker=x&max-uploads=5')), {
    keyMarker: 'k',
    uploadIdMarker: 'x',
    maxUploads: 5,
  })
  t.match(bad(parse('encoding-type=value')).detail, {
    name: 'encoding-type',
    message: 'Invalid Encoding Method specified in Request',
  })
  const out = {
    input: good(parse('encoding-type=url&prefix=a%20b&delimiter=/')),
    ...people,
    uploads: [{ ...record, key: 'a b/ü' }],
    commonPrefixes: ['a b/c/'],
    truncated: false,
    last: 'a b/ü',
  }
  t.equal(
    listMultipartUploads.render(out).body,
    `${open('ListMultipartUploadsResult')}<Bucket>b</Bucket><KeyMarker></KeyMarker><UploadIdMarker></UploadIdMarker>` +
      '<NextKeyMarker>a%20b/%C3%BC</NextKeyMarker><NextUploadIdMarker>u1</NextUploadIdMarker><Delimiter>/</Delimiter><Prefix>a%20b</Prefix>' +
      '<EncodingType>url</EncodingType><MaxUploads>1000</MaxUploads><IsTruncated>false</IsTruncated>' +
      '<Upload><Key>a%20b/%C3%BC</Key><UploadId>u1</UploadId><Initiator><ID>id</ID><DisplayName>main</DisplayName></Initiator><Owner><ID>id</ID></Owner>' +
      '<StorageClass>STANDARD</StorageClass><Initiated>1970-01-01T00:00:00.000Z</Initiated><ChecksumAlgorithm>CRC32</ChecksumAlgorithm><ChecksumType>COMPOSITE</ChecksumType></Upload>' +
      '<CommonPrefixes><Prefix>a%20b/c/</Prefix></CommonPrefixes></ListMultipartUploadsResult>',
  )
  const cut = listMultipartUploads.render({ ...out, uploads: [], truncated: true, last: 'a b/c/' }).body
  t.match(cut, /<NextKeyMarker>a%20b\/c\/<\/NextKeyMarker><NextUploadIdMarker><\/NextUploadIdMarker>/)
})
