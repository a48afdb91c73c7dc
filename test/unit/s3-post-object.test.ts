/** PostObject's row: fields → what PutObject is asked for, and the answers that a form may ask for. */
import { createHash } from 'node:crypto'
import t from 'tap'
import { Fault } from '../../protocol/fault.ts'
import { PostForm } from '../../protocol/s3/post-form.ts'
import { type PostOutput, postObject, readTagging } from '../../protocol/s3/post-object.ts'
import { headersOf, noBody } from './s3-reply.ts'

const parse = (fields: Readonly<Record<string, string>>) =>
  postObject.parse(new PostForm('b', new Map(Object.entries({ key: 'a/k ü', ...fields }))), noBody)
function good<T>(value: T | Fault): T {
  if (value instanceof Fault) throw new Error(`${value.code} ${JSON.stringify(value.detail)}`)
  return value
}

t.test('PostObject: fields → the input that PutObject has from its headers', async t => {
  const { put, credential } = good(
    parse({
      acl: 'private',
      'content-type': 'text/plain',
      'cache-control': 'no-cache',
      'content-disposition': 'attachment',
      'content-encoding': 'gzip',
      expires: 'Thu, 01 Dec 1994 16:00:00 GMT',
      'content-md5': 'N7UdGUp1E+RbVvZSTy1R8g==',
      'x-amz-meta-a': 'one,two',
      'x-amz-meta-b': '\0\r\nü',
      'x-amz-storage-class': 'STANDARD_IA',
      'x-amz-checksum-algorithm': 'CRC32',
      'x-amz-checksum-crc32': 'AAAAAA==',
      'x-amz-website-redirect-location': '/elsewhere',
      'x-amz-server-side-encryption': 'AES256',
      'x-amz-credential': 'AKID/20260102/us-east-1/s3/aws4_request',
      policy: 'e30=',
      submit: 'Upload',
    }),
  )
  t.equal(credential, 'AKID/20260102/us-east-1/s3/aws4_request')
  t.same(put, {
    bucket: 'b',
    key: 'a/k ü',
    description: {
      headers: {
        'content-type': 'text/plain',
        'cache-control': 'no-cache',
        'content-disposition': 'attachment',
        'content-encoding': 'gzip',
        expires: 'Thu, 01 Dec 1994 16:00:00 GMT',
        'x-amz-website-redirect-location': '/elsewhere',
      },
      metadata: { a: 'one,two', b: '\0\r\nü' },
      encryption: { kind: 'managed' },
      acl: { kind: 'canned', name: 'private' },
      storageClass: 'STANDARD_IA',
      properties: undefined,
    },
    checksum: { name: 'crc32', value: 'AAAAAA==' },
    md5: 'N7UdGUp1E+RbVvZSTy1R8g==',
    conditions: put.conditions,
  })
  t.equal(good(parse({})).put.description.headers['content-type'], 'binary/octet-stream')
})

t.test(
  'PostObject: a customer’s key, or a KMS key, among the fields → what PutObject has from its headers',
  async t => {
    const sse = 'x-amz-server-side-encryption'
    const key = Buffer.alloc(32, 1)
    const md5 = createHash('md5').update(key).digest('base64')
    const asked = (fields: Record<string, string>) => good(parse({ key: 'k', ...fields })).put.description.encryption
    t.match(
      asked({
        [`${sse}-customer-algorithm`]: 'AES256',
        [`${sse}-customer-key`]: key.toString('base64'),
        [`${sse}-customer-key-md5`]: md5,
      }),
      { kind: 'customer', key, md5 },
    )
    t.match(asked({ [sse]: 'aws:kms', [`${sse}-aws-kms-key-id`]: 'k' }), { kind: 'named', keyId: 'k' })
    t.match(asked({ [`${sse}-customer-key`]: 'k' }), { code: 'argument-invalid' }, 'a fault for later')
  },
)

t.test('PostObject: conditions of a write as fields → heeded as PutObject heeds them', async t => {
  t.not(
    JSON.stringify(good(parse({ 'if-none-match': '*' })).put.conditions),
    JSON.stringify(good(parse({})).put.conditions),
  )
})

t.test('PostObject: fields that PutObject would refuse as headers → the same refusals', async t => {
  const cases: readonly (readonly [Record<string, string>, string])[] = [
    [{ acl: 'everybody' }, 'argument-invalid'],
    [{ 'x-amz-storage-class': 'FakeClass' }, 'storage-class-invalid'],
    [{ 'content-md5': 'sailor' }, 'digest-malformed'],
    [{ 'x-amz-checksum-sha256': 'sailorjerry' }, 'checksum-malformed'],
    [{ 'x-amz-checksum-algorithm': 'SHA256' }, 'request-invalid'],
    [{ 'x-amz-checksum-crc32': 'AAAAAA==', 'x-amz-checksum-crc32c': 'AAAAAA==' }, 'request-invalid'],
    [{ 'x-amz-meta-a': 'v'.repeat(2048) }, 'metadata-too-large'],
    [{ 'x-amz-website-redirect-location': 'nowhere' }, 'argument-invalid'],
    [{ key: 'k'.repeat(1025) }, 'key-too-long'],
    [{ 'x-amz-copy-source': '/b/other' }, 'not-implemented'],
  ]
  for (const [fields, code] of cases) {
    const answer = parse(fields)
    t.equal(answer instanceof Fault ? answer.code : 'accepted', code, JSON.stringify(fields).slice(0, 80))
  }
})

t.test('PostObject: fields about how a body is sent → not taken for headers', async t => {
  const { put } = good(parse({ 'x-amz-trailer': 'x-amz-checksum-crc32', 'x-amz-content-sha256': 'x' }))
  t.equal(put.checksum, undefined)
})

t.test('PostObject: values that no header can carry → refused; letters beyond Latin-1 → blanks', async t => {
  for (const fields of [
    { 'content-type': 'a/b\r\nx-evil: 1' },
    { 'cache-control': 'a\0' },
    { 'x-amz-website-redirect-location': '/a\nb' },
    { 'x-amz-meta-a b': '1' },
    { 'x-amz-meta-a\r\nx-evil': '1' },
    { 'x-amz-meta-ü': '1' },
  ] as readonly Record<string, string>[]) {
    const answer = parse(fields)
    t.equal(answer instanceof Fault ? answer.code : 'accepted', 'argument-invalid', JSON.stringify(fields))
  }
  const { headers } = good(parse({ 'content-disposition': 'filename="a — é 👑"' })).put.description
  t.equal(headers['content-disposition'], 'filename="a   é  "')
})

t.test('readTagging: a document of tags → as a header writes them; of another root → none', async t => {
  const tag = (key: string, value: string) => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`
  const set = (content: string) => `<Tagging><TagSet>${content}</TagSet></Tagging>`
  t.equal(readTagging(set(tag('a', '1') + tag('b c&amp;', 'ü='))), 'a=1&b%20c%26=%C3%BC%3D')
  t.equal(readTagging(set(tag('a', ''))), 'a=')
  for (const none of ['<InvalidXmlTagging></InvalidXmlTagging>', '<Tagging/>', set('')]) t.equal(readTagging(none), '')
  for (const wrong of ['not-xml', '', set('<Tag><Key>a</Key></Tag>'), set('<Other/>'), set(tag('a', '1')).slice(0, -1)])
    t.match(readTagging(wrong), { code: 'xml-malformed' }, wrong)
  t.match(parse({ tagging: 'not-xml' }), { code: 'xml-malformed' })
  t.notOk(parse({ tagging: '<Other/>' }) instanceof Fault)
})

t.test('PostObject: success_action_status and _redirect → those that S3 knows, else an empty 204', async t => {
  const success = (fields: Readonly<Record<string, string>>) => good(parse(fields)).success
  for (const [status, expected] of [
    ['200', 200],
    ['201', 201],
    ['204', 204],
    ['404', 204],
    ['', 204],
    ['0201', 204],
  ] as const)
    t.same(success({ success_action_status: status }), { status: expected, redirect: undefined })
  const redirects: readonly (readonly [string, string | undefined])[] = [
    ['http://a.test/done', 'http://a.test/done'],
    ['HTTPS://a.test?x=y z', 'HTTPS://a.test?x=y z'],
    ['http://a.test/ü', 'http://a.test/%C3%BC'],
    ['/relative', undefined],
    ['a.test', undefined],
    ['javascript:alert(1)', undefined],
    ['http://', undefined],
    ['http://a.test/\r\nx-evil: 1', undefined],
    ['http://a.test/\ta', undefined],
    ['', undefined],
  ]
  for (const [text, redirect] of redirects) {
    t.equal(success({ success_action_redirect: text }).redirect, redirect, text)
    t.equal(success({ redirect: text }).redirect, redirect, text)
  }
  const both = success({ success_action_redirect: 'http://a.test/', redirect: 'http://b.test/' })
  t.equal(both.redirect, 'http://a.test/')
})

const out: PostOutput = {
  etag: 'abc',
  checksums: { crc64nvme: 'AAAAAAAAAAA=' },
  checksumType: 'FULL_OBJECT',
  bucket: 'b',
  key: "a/k ü&'(x)",
  bucketUrl: 'http://localhost:4566/b/',
  success: { status: 204, redirect: undefined },
}
const location = 'http://localhost:4566/b/a%2Fk%20%C3%BC%26%27%28x%29'
const common = {
  'x-amz-server-side-encryption': 'AES256',
  ETag: '"abc"',
  'x-amz-checksum-crc64nvme': 'AAAAAAAAAAA=',
  'x-amz-checksum-type': 'FULL_OBJECT',
}

t.test('PostObject: answers 204 and 200 → where the object is, no document and no type', async t => {
  for (const status of [204, 200] as const) {
    const reply = postObject.render({ ...out, success: { status, redirect: undefined } })
    t.same([reply.status, reply.body], [status, null])
    t.same(headersOf(reply.headers), { ...common, Location: location })
  }
})

t.test('PostObject: answer 201 → a document without a namespace', async t => {
  const reply = postObject.render({ ...out, success: { status: 201, redirect: undefined } })
  t.equal(reply.status, 201)
  t.same(headersOf(reply.headers), { ...common, 'Content-Type': 'application/xml', Location: location })
  t.equal(
    reply.body,
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
      `<PostResponse><Location>${location}</Location><Bucket>b</Bucket><Key>a/k ü&amp;'(x)</Key>` +
      '<ETag>"abc"</ETag></PostResponse>',
  )
})

t.test('PostObject: a redirect → 303 with bucket, key and ETag behind the query that the URL has', async t => {
  const added = 'bucket=b&key=a%2Fk+%C3%BC%26%27%28x%29&etag=%22abc%22'
  for (const [redirect, expected] of [
    ['http://a.test/done', `http://a.test/done?${added}`],
    ['http://a.test/done?x=y z', `http://a.test/done?x=y z&${added}`],
    ['http://a.test/done#part?', `http://a.test/done?${added}#part?`],
  ] as const) {
    const reply = postObject.render({ ...out, success: { status: 201, redirect } })
    t.same([reply.status, reply.body], [303, null])
    t.same(headersOf(reply.headers), { ...common, Location: expected })
  }
})
