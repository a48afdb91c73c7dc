import t from 'tap'
import { Fault } from '../../protocol/fault.ts'
import { copyObject, describeCopy } from '../../protocol/s3/copy.ts'
import { parseCopySource } from '../../protocol/s3/copy-source.ts'
import { encodeVersionId } from '../../protocol/s3/version-ids.ts'
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

t.test('CopyObject: x-amz-copy-source → bucket, key and version', async t => {
  for (const [text, key, version] of [
    ['bucket/key', 'key'],
    ['/bucket/key', 'key'],
    ['bucket/a%20b%2Bc+d', 'a b+c d'],
    ['bucket//a/../b/', '/a/../b/'],
    ['bucket%2Fk%3Fx', 'k?x'],
    ['bucket/%F0%9F%98%80?versionId=null', '😀', 'null'],
    [`bucket/k?versionId=${encodeVersionId(7)}`, 'k', 7],
    ['bucket/file%252Fname', 'file%2Fname'],
  ] as const)
    t.same(parseCopySource(text), { bucket: 'bucket', key, version }, text)
  for (const [text, message] of [
    ['key-only', 'Invalid copy source object key'],
    ['bucket/', 'Invalid copy source object key'],
    ['/bucket', 'Invalid copy source object key'],
    ['B_/key', 'Invalid copy source bucket name'],
    ['bucket/%zz', 'Invalid copy source encoding'],
    ['bucket/k?versionId=abc', 'Invalid version id specified'],
    ['bucket/k?acl', 'Unsupported copy source parameter.'],
  ] as const)
    t.equal(bad(parseCopySource(text)).detail['message'], message, text)
  t.equal(bad(parseCopySource('arn:aws:s3:us-east-1:1:accesspoint/a/object/k')).code, 'header-refused')
})

const copy = (headers: Record<string, string>, target = '/bucket/k') =>
  copyObject.parse(wireRequest(`PUT ${target}`, { 'x-amz-copy-source': 'bucket/k', ...headers }), noBody)

t.test('CopyObject: directives and changes → what the copy says of itself', async t => {
  const source = {
    headers: { 'content-type': 'a/b', 'x-amz-website-redirect-location': '/x' },
    metadata: { m: '1' },
    storageClass: 'GLACIER_IR',
  }
  t.match(bad(describeCopy(good(copy({})), source)), {
    code: 'request-invalid',
    detail: { message: /^This copy request is illegal because it is trying to copy an object to itself without/ },
  })
  t.same(describeCopy(good(copy({}, '/bucket/other')), source), {
    headers: { 'content-type': 'a/b' },
    metadata: { m: '1' },
    storageClass: 'STANDARD',
    properties: {},
  })
  t.match(describeCopy(good(copy({ 'x-amz-storage-class': 'STANDARD_IA' })), source), { storageClass: 'STANDARD_IA' })
  t.match(describeCopy(good(copy({ 'x-amz-metadata-directive': 'REPLACE', 'x-amz-meta-n': '2' })), source), {
    headers: { 'content-type': 'binary/octet-stream' },
    metadata: { n: '2' },
  })
  t.equal(bad(copy({ 'x-amz-metadata-directive': 'MERGE' })).detail['message'], 'Unknown metadata directive.')
  const tags = [{ key: 'a', value: '1' }]
  const tagged = { ...source, properties: { tags, legalHold: 'ON' as const } }
  const other = (headers: Record<string, string>) => describeCopy(good(copy(headers, '/bucket/other')), tagged)
  t.match(other({ 'x-amz-tagging': 'b=2' }), { properties: { tags, legalHold: undefined } }, 'COPY → the tags alone')
  t.match(other({ 'x-amz-tagging': 'b=2', 'x-amz-tagging-directive': 'REPLACE' }), {
    properties: { tags: [{ key: 'b', value: '2' }] },
  })
  t.match(other({ 'x-amz-tagging-directive': 'REPLACE' }), { properties: { tags: undefined } })
  t.equal(bad(copy({ 'x-amz-tagging-directive': 'MERGE' })).detail['message'], 'Unknown tagging directive.')
  t.match(
    bad(copy({ 'x-amz-checksum-algorithm': 'CRC5' })).detail['message'],
    /^Checksum algorithm provided is unsupported/,
  )
})

t.test('CopyObject: answer → CopyObjectResult', async t => {
  const reply = copyObject.render({
    etag: 'abc',
    modifiedAtMs: Date.UTC(2026, 0, 2, 3, 4, 5, 6),
    checksums: { crc32: 'AAAAAA==' },
    checksumType: 'FULL_OBJECT',
    parts: 0,
  })
  t.equal(
    reply.body,
    '<?xml version="1.0" encoding="UTF-8"?>\n<CopyObjectResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' +
      '<ETag>&quot;abc&quot;</ETag><LastModified>2026-01-02T03:04:05.000Z</LastModified>' +
      '<ChecksumType>FULL_OBJECT</ChecksumType><ChecksumCRC32>AAAAAA==</ChecksumCRC32></CopyObjectResult>',
  )
  t.match(headersOf(reply.headers), { 'Content-Type': 'application/xml', 'x-amz-server-side-encryption': 'AES256' })
})
