/** Forms as browsers post them to a bucket, signed with either version of the signature. */
import { createHash } from 'node:crypto'
import t from 'tap'
import { newBucket, s3 } from '../support/clients.ts'
import {
  boundary,
  encodeForm,
  type Form,
  fileNameVariable,
  policyText,
  postForm,
  signFields4,
  signPolicy2,
} from '../support/forms.ts'
import { startServer } from '../support/server.ts'
import { element, objectPath, sha256, signedFetch, type WireResponse } from '../support/signed.ts'
import { rawSocket } from '../support/sockets.ts'

const other = { accessKeyId: 'other', secretAccessKey: 'other-secret' }
const guest = { accessKeyId: 'guest', secretAccessKey: 'guest-secret', sessionToken: 'guest-token' }
const server = await startServer(t, {
  identities: {
    environments: [
      {
        name: 'default',
        account: '000000000000',
        identities: [
          { name: 'main', credentials: [{ accessKeyId: 'test', secretAccessKey: 'test' }, guest] },
          { name: 'other', credentials: [other] },
        ],
      },
    ],
  },
})
const bucket = await newBucket(s3(t, server))
const path = `/${bucket}`

const own = [
  { bucket },
  ['starts-with', '$key', 'foo'],
  { acl: 'bucket-owner-full-control' },
  ['starts-with', '$Content-Type', 'text/plain'],
]
const fields = { key: 'foo.txt', acl: 'bucket-owner-full-control', 'Content-Type': 'text/plain' }
const versions = {
  'version 4': (conditions: readonly unknown[]) => signFields4(conditions),
  'version 2': (conditions: readonly unknown[]) => signPolicy2(policyText(conditions)),
}
const post = (form: Form, headers?: Record<string, string>) => postForm(server, path, form, headers)
const get = (key: string, headers: Record<string, string> = {}) =>
  signedFetch(server, { method: 'GET', path: objectPath(bucket, key), headers })
/** Status, code and message. */
const refusal = ({ status, text }: WireResponse) => [status, element(text, 'Code'), element(text, 'Message')]
const accessDenied = (text: string) => [403, 'AccessDenied', `Invalid according to Policy: ${text}`]
const mustContain = (name: string) =>
  `Bucket POST must contain a field named '${name}'.  If it is specified, please check the order of the fields.`

for (const [version, sign] of Object.entries(versions)) {
  t.test(`PostObject, ${version}: a signed form that meets its policy → stored as it says`, async t => {
    const conditions = [...own, ['content-length-range', 0, 1024], ['starts-with', '$x-amz-meta-colour', 'gr']]
    const answer = await post({
      fields: { ...fields, 'x-amz-meta-Colour': 'green', 'x-ignore-a': 'b', ...sign(conditions) },
      after: [{ name: 'submit', content: 'Upload' }],
    })
    t.same([answer.status, answer.text], [204, ''])
    const etag = `"${createHash('md5').update('bar').digest('hex')}"`
    t.equal(answer.headers['etag'], etag)
    t.equal(answer.headers['location'], `${server.origin}/${bucket}/foo.txt`)
    t.equal(answer.headers['x-amz-checksum-type'], 'FULL_OBJECT')
    t.ok(answer.headers['x-amz-checksum-crc64nvme'])
    t.equal(answer.headers['content-type'], undefined)
    const stored = await get('foo.txt')
    t.equal(stored.text, 'bar')
    t.match(stored.headers, { etag, 'content-type': 'text/plain', 'x-amz-meta-colour': 'green' })
    // Its location leads to it.
    t.equal(
      (await signedFetch(server, { method: 'GET', path: new URL(answer.headers['location']!).pathname })).text,
      'bar',
    )
  })

  t.test(`PostObject, ${version}: names in any case, of fields, conditions and operations → the same`, async t => {
    const conditions = [
      { bUcKeT: bucket },
      ['StArTs-WiTh', '$KeY', 'foo'],
      { AcL: 'bucket-owner-full-control' },
      ['eq', '$CoNtEnT-tYpE', 'a/b'],
    ]
    const signed = Object.entries(sign(conditions)).map(([name, value]) => [name.toUpperCase(), value] as const)
    const named = [
      ['kEy', 'foo-case'],
      ['aCl', 'bucket-owner-full-control'],
      ['content-TYPE', 'a/b'],
    ] as const
    t.equal((await post({ fields: [...named, ...signed] })).status, 204)
    t.equal((await get('foo-case')).headers['content-type'], 'a/b')
  })

  t.test(
    `PostObject, ${version}: policy or signature changed → SignatureDoesNotMatch tells what was signed`,
    async t => {
      const signed = sign(own)
      const name = 'signature' in signed ? 'signature' : 'x-amz-signature'
      const policy = signed['policy']!
      for (const changed of [
        { policy: policy.slice(0, -2) },
        { policy: policyText([{ bucket }, ['starts-with', '$key', '']]) },
        { [name]: [...signed[name]!].reverse().join('') },
      ] as readonly Record<string, string>[]) {
        const answer = await post({ fields: { ...fields, ...signed, ...changed } })
        t.same(refusal(answer).slice(0, 2), [403, 'SignatureDoesNotMatch'])
        t.equal(element(answer.text, 'SignatureProvided'), changed[name] ?? signed[name])
        t.equal(element(answer.text, 'StringToSign'), changed['policy'] ?? policy)
        t.equal(element(answer.text, 'AWSAccessKeyId'), 'test')
      }
    },
  )
}

t.test('PostObject: an access key nobody has → InvalidAccessKeyId', async t => {
  const credentials = { accessKeyId: 'nobody', secretAccessKey: 'test' }
  for (const signed of [signFields4(own, { credentials }), signPolicy2(policyText(own), credentials)])
    t.same(refusal(await post({ fields: { ...fields, ...signed } })).slice(0, 2), [403, 'InvalidAccessKeyId'])
})

t.test('PostObject: signed by somebody else → AccessDenied; temporary key → with its token only', async t => {
  const denied = await post({ fields: { ...fields, ...signFields4(own, { credentials: other }) } })
  t.same(refusal(denied).slice(0, 2), [403, 'AccessDenied'])
  t.equal((await post({ fields: { ...fields, ...signFields4(own, { credentials: guest }) } })).status, 204)
  const { sessionToken: _, ...tokenless } = guest
  const without = await post({ fields: { ...fields, ...signFields4(own, { credentials: tokenless }) } })
  t.same(refusal(without).slice(0, 2), [403, 'InvalidAccessKeyId'])
  const wrong = { ...guest, sessionToken: 'another' }
  const refused = await post({ fields: { ...fields, ...signFields4(own, { credentials: wrong }) } })
  t.same(refusal(refused).slice(0, 2), [400, 'InvalidToken'])
})

t.test('PostObject: without a signature → AccessDenied, with a policy as well', async t => {
  t.same(refusal(await post({ fields })), [403, 'AccessDenied', 'Access Denied'])
  t.same(refusal(await post({ fields: { ...fields, policy: policyText(own) } })), [
    403,
    'AccessDenied',
    'Access Denied',
  ])
})

t.test('PostObject: fields of the signature missing → InvalidArgument names the first', async t => {
  const four = signFields4(own)
  const two = signPolicy2(policyText(own))
  const without = (signed: Record<string, string>, ...names: readonly string[]) =>
    Object.fromEntries(Object.entries(signed).filter(([name]) => !names.includes(name)))
  for (const [signed, name] of [
    [without(four, 'x-amz-signature'), 'X-Amz-Signature'],
    [without(four, 'x-amz-algorithm', 'x-amz-credential'), 'X-Amz-Algorithm'],
    [without(two, 'signature'), 'Signature'],
    [without(two, 'AWSAccessKeyId'), 'AWSAccessKeyId'],
  ] as const) {
    const answer = await post({ fields: { ...fields, ...signed } })
    t.same(refusal(answer), [400, 'InvalidArgument', mustContain(name)])
    t.equal(element(answer.text, 'ArgumentName'), name)
    t.match(answer.text, '<ArgumentValue></ArgumentValue>')
  }
})

t.test('PostObject: no key, or one behind the file → InvalidArgument', async t => {
  const { key: _, ...keyless } = fields
  const signed = signFields4(own)
  const expected = [400, 'InvalidArgument', mustContain('key')]
  t.same(refusal(await post({ fields: { ...keyless, ...signed } })), expected)
  t.same(refusal(await post({ fields: { ...keyless, ...signed }, after: [{ name: 'key', content: 'foo' }] })), expected)
})

t.test('PostObject: conditions → the first that fails is named, then fields that none names', async t => {
  const failed = (text: string) => accessDenied(`Policy Condition failed: ${text}`)
  const cases: readonly (readonly [string, readonly unknown[], Record<string, string>, unknown])[] = [
    ['another prefix', own, { ...fields, key: 'bar' }, failed('["starts-with", "$key", "foo"]')],
    ['another value', own, { ...fields, acl: 'public-read' }, failed('["eq", "$acl", "bucket-owner-full-control"]')],
    ['another case of a value', own, { ...fields, key: 'Foo' }, failed('["starts-with", "$key", "foo"]')],
    [
      'a field that is absent',
      [...own, ['starts-with', '$x-amz-meta-a', '']],
      fields,
      failed('["starts-with", "$x-amz-meta-a", ""]'),
    ],
    ['no dollar', [...own, ['eq', 'key', 'foo.txt']], fields, failed('["eq", "key", "foo.txt"]')],
    [
      'a field that must be empty',
      [...own, ['eq', '$x-amz-meta-a', '']],
      { ...fields, 'x-amz-meta-a': 'b' },
      failed('["eq", "$x-amz-meta-a", ""]'),
    ],
    ['another bucket', [{ bucket: 'other' }, ...own], fields, failed('["eq", "$bucket", "other"]')],
    [
      'a field that no condition names',
      own,
      { ...fields, 'X-Amz-Meta-Extra': '1' },
      accessDenied('Extra input fields: x-amz-meta-extra'),
    ],
    ['a bucket that no condition names', own.slice(1), fields, accessDenied('Extra input fields: bucket')],
  ]
  for (const [title, conditions, sent, expected] of cases)
    t.same(refusal(await post({ fields: { ...sent, ...signFields4(conditions) } })), expected, title)
})

t.test('PostObject: a policy that is over → expired', async t => {
  const signed = signFields4(own, { nowMs: Date.now() - 7_200_000 })
  t.same(refusal(await post({ fields: { ...fields, ...signed } })), accessDenied('Policy expired.'))
})

t.test('PostObject: a signed policy that is none → InvalidPolicyDocument', async t => {
  const later = '2100-01-01T00:00:00Z'
  const invalid = (text: string) => [400, 'InvalidPolicyDocument', `Invalid Policy: ${text}`]
  const one = (condition: unknown) => ({ expiration: later, conditions: [condition] })
  for (const [document, text] of [
    [{ conditions: own }, 'Policy missing expiration.'],
    [{ expiration: later }, 'Policy missing conditions.'],
    [{ expiration: later, CONDITIONS: own }, "Unexpected: 'conditions'"],
    [{ EXPIRATION: later, conditions: own }, "Unexpected: 'expiration'"],
    [
      { expiration: '2100-01-01 00:00:00+00:00', conditions: own },
      "Invalid 'expiration' value: '2100-01-01 00:00:00+00:00'",
    ],
    [one({}), 'Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.'],
    [
      one({ acl: 'a', key: 'b' }),
      'Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.',
    ],
    [one(['content-length-range', 0]), 'Invalid content-length-range: wrong number of arguments.'],
    [one(['content-length-range', -1, 0]), 'Invalid JSON.'],
    [5, 'Invalid JSON.'],
  ] as const) {
    const signed = signPolicy2(Buffer.from(JSON.stringify(document)).toString('base64'))
    t.same(refusal(await post({ fields: { ...fields, ...signed } })), invalid(text))
  }
})

t.test('PostObject: content-length-range → sizes within it, both numbers told of others, nothing kept', async t => {
  const sized = (from: unknown, to: unknown, file: string, key = 'foo-size') =>
    post({ fields: { ...fields, key, ...signFields4([...own, ['content-length-range', from, to]]) }, file })
  for (const size of [5, 10]) t.equal((await sized(5, 10, 'a'.repeat(size))).status, 204)
  t.equal((await sized('5', '10', 'a'.repeat(7))).status, 204, 'numbers as texts')
  const large = await sized(5, 10, 'a'.repeat(12), 'foo-refused')
  t.same(refusal(large), [400, 'EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size'])
  t.same([element(large.text, 'ProposedSize'), element(large.text, 'MaxSizeAllowed')], ['12', '10'])
  const small = await sized(5, 10, 'a', 'foo-refused')
  t.same(refusal(small), [400, 'EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size'])
  t.same([element(small.text, 'ProposedSize'), element(small.text, 'MinSizeAllowed')], ['1', '5'])
  t.equal((await sized(0, 0, 'bar', 'foo-refused')).status, 400)
  t.equal((await sized(0, 0, '')).status, 204)
  t.same(
    refusal(await sized('test', '10', 'bar', 'foo-refused')),
    accessDenied('Policy Condition failed: ["content-length-range", "test", "10"]'),
  )
  const file = 'x'.repeat((3 << 20) + 200)
  t.equal((await sized(3 << 20, 5 << 20, file, 'foo-large')).status, 204)
  t.equal(sha256((await get('foo-large')).body), sha256(file))
  t.equal((await sized(0, 1 << 20, file, 'foo-refused')).status, 400)
  t.equal((await get('foo-refused')).status, 404)
})

t.test('PostObject: the file’s name → in the key and in other fields; without a name the variable stays', async t => {
  const conditions = [{ bucket }, ['starts-with', '$key', 'user/'], ['starts-with', '$x-amz-meta-name', '']]
  const named = {
    key: `user/${fileNameVariable}`,
    'x-amz-meta-name': `<${fileNameVariable}>`,
    ...signFields4(conditions),
  }
  t.equal((await post({ fields: named, fileName: 'C:\\photos\\é 1.jpg' })).status, 204)
  t.equal((await get('user/é 1.jpg')).headers['x-amz-meta-name'], '=?UTF-8?B?PMOpIDEuanBnPg==?=')
  const text = { name: 'file', content: 'a text area' }
  const unnamed = { key: `user/${fileNameVariable}`, 'x-amz-meta-name': '', ...signFields4(conditions) }
  t.equal((await post({ fields: unnamed, file: null, after: [text] })).status, 204)
  t.equal((await get(`user/${fileNameVariable}`)).text, 'a text area')
})

t.test('PostObject: keys with odd letters → stored under them, escaped where they are told', async t => {
  for (const key of ['\\$foo.txt', 'a b/ü—👑?#%2F+&"<', '../x/./y', '"\'\\']) {
    const signed = signFields4([{ bucket }, { key }, { success_action_status: '201' }])
    const answer = await post({ fields: { key, success_action_status: '201', ...signed } })
    t.equal(answer.status, 201)
    t.equal(element(answer.text, 'Key'), key)
    t.equal((await get(key)).text, 'bar', key)
    t.equal(decodeURIComponent(answer.headers['location']!), `${server.origin}/${bucket}/${key}`)
  }
})

t.test('PostObject: success_action_status → 200, 201 with a document, else 204', async t => {
  const asked = async (status: string) =>
    post({
      fields: { ...fields, success_action_status: status, ...signFields4([...own, { success_action_status: status }]) },
    })
  for (const [status, expected] of [
    ['200', 200],
    ['204', 204],
    ['404', 204],
    ['x', 204],
  ] as const) {
    const answer = await asked(status)
    t.same([answer.status, answer.text, answer.headers['content-type']], [expected, '', undefined], status)
  }
  const created = await asked('201')
  const location = `${server.origin}/${bucket}/foo.txt`
  t.same(
    [created.status, created.headers['content-type'], created.headers['location']],
    [201, 'application/xml', location],
  )
  t.same(
    ['Location', 'Bucket', 'Key', 'ETag'].map(name => element(created.text, name)),
    [location, bucket, 'foo.txt', created.headers['etag']],
  )
  t.match(created.text, '<PostResponse><Location>')
})

t.test(
  'PostObject: success_action_redirect, or redirect → there, with bucket, key and ETag; no URL → as without',
  async t => {
    const etag = createHash('md5').update('bar').digest('hex')
    for (const name of ['success_action_redirect', 'redirect']) {
      const asked = (url: string) =>
        post({ fields: { ...fields, [name]: url, ...signFields4([...own, { [name]: url }]) } })
      const answer = await asked('http://localhost.test/done?a=b')
      t.same([answer.status, answer.text], [303, ''])
      t.equal(
        answer.headers['location'],
        `http://localhost.test/done?a=b&bucket=${bucket}&key=foo.txt&etag=%22${etag}%22`,
      )
      t.equal((await asked('/relative')).status, 204)
    }
  },
)

t.test('PostObject: checksums and Content-MD5 as fields → compared; a checksum needs no condition', async t => {
  const file = 'checked'
  const right = createHash('sha256').update(file).digest('base64')
  const checked = (more: Record<string, string>, conditions: readonly unknown[] = []) =>
    post({ fields: { ...fields, ...more, ...signFields4([...own, ...conditions]) }, file })
  t.equal((await checked({ 'x-amz-checksum-sha256': right })).headers['x-amz-checksum-sha256'], right)
  t.equal((await checked({ 'x-amz-checksum-algorithm': 'SHA256', 'x-amz-checksum-sha256': right })).status, 204)
  const wrong = createHash('sha256').update('other').digest('base64')
  t.same(refusal(await checked({ 'x-amz-checksum-sha256': wrong })).slice(0, 2), [400, 'BadDigest'])
  t.same(refusal(await checked({ 'x-amz-checksum-sha256': 'sailorjerry' })).slice(0, 2), [400, 'InvalidRequest'])
  t.same(refusal(await checked({ 'x-amz-checksum-algorithm': 'SHA256' })).slice(0, 2), [400, 'InvalidRequest'])
  const md5 = (text: string) => createHash('md5').update(text).digest('base64')
  const any = [['starts-with', '$Content-MD5', '']]
  t.equal((await checked({ 'Content-MD5': md5(file) }, any)).status, 204)
  t.same(refusal(await checked({ 'Content-MD5': md5('other') }, any)).slice(0, 2), [400, 'BadDigest'])
})

t.test('PostObject: what PutObject refuses → refused; settings in headers of the request → NotImplemented', async t => {
  const asked = (name: string, value: string, headers: Record<string, string> = {}) =>
    post({ fields: { ...fields, [name]: value, ...signFields4([...own, ['starts-with', `$${name}`, '']]) } }, headers)
  const stored = await asked('x-amz-storage-class', 'STANDARD_IA')
  t.equal(stored.status, 204)
  t.equal((await get('foo.txt')).headers['x-amz-storage-class'], 'STANDARD_IA')
  const refused = await asked('x-amz-storage-class', 'FakeClass')
  t.same(refusal(refused), [400, 'InvalidStorageClass', 'The storage class you specified is not valid'])
  t.equal(element(refused.text, 'StorageClassRequested'), 'FakeClass')
  t.same(refusal(await asked('tagging', 'not-xml')).slice(0, 2), [400, 'MalformedXML'])
  t.equal((await asked('tagging', '<InvalidXmlTagging></InvalidXmlTagging>')).status, 204)
  t.same(refusal(await asked('If-None-Match', '*')).slice(0, 2), [412, 'PreconditionFailed'])
  for (const header of ['x-amz-acl', 'if-none-match', 'x-amz-storage-class']) {
    const answer = await asked('x-ignore-a', '', { [header]: '*' })
    t.same([answer.status, element(answer.text, 'Header')], [501, header])
  }
})

t.test('PostObject: text beyond ASCII → metadata encoded, headers in Latin-1', async t => {
  const meta = { 'x-amz-meta-a': 'ÄMÄZÕÑ S3', 'x-amz-meta-b': 'plain !"~\t' }
  const described = { 'Cache-Control': 'a—b', 'Content-Disposition': 'filename="a.txt"' }
  const conditions = [...Object.entries({ ...meta, ...described }).map(([name, value]) => ({ [name]: value })), ...own]
  t.equal((await post({ fields: { ...fields, ...meta, ...described, ...signFields4(conditions) } })).status, 204)
  const { headers } = await get('foo.txt')
  t.equal(headers['x-amz-meta-a'], `=?UTF-8?B?${Buffer.from('ÄMÄZÕÑ S3').toString('base64')}?=`)
  t.equal(headers['x-amz-meta-b'], 'plain !"~')
  t.equal(headers['cache-control'], 'a b')
  t.equal(headers['content-disposition'], 'filename="a.txt"')
})

t.test('PostObject: no bucket, one of another region → told as of forms', async t => {
  const conditions = [
    ['starts-with', '$bucket', ''],
    ['starts-with', '$key', ''],
  ]
  const missing = await postForm(server, '/no-such-bucket', { fields: { key: 'k', ...signFields4(conditions) } })
  t.same(refusal(missing).slice(0, 2), [404, 'NoSuchBucket'])
  const signed = signFields4(conditions, { region: 'eu-west-1' })
  const wrong = await post({ fields: { key: 'k', ...signed } })
  t.same(refusal(wrong), [400, 'InvalidArgument', "the region 'eu-west-1' is wrong; expecting 'us-east-1'"])
  t.same(
    ['ArgumentName', 'ArgumentValue', 'Region'].map(name => element(wrong.text, name)),
    ['X-Amz-Credential', signed['x-amz-credential'], 'us-east-1'],
  )
})

t.test('PostObject: by virtual host → the bucket of the host, and its URL', async t => {
  const host = `${bucket}.s3.localhost:${server.port}`
  const signed = signFields4([{ bucket }, { key: 'a/b' }])
  const answer = await postForm(server, '/', { fields: { key: 'a/b', ...signed } }, { host })
  t.same([answer.status, answer.headers['location']], [204, `http://${host}/a%2Fb`])
  t.equal((await get('a/b')).text, 'bar')
})

t.test('PostObject: x-amz-expected-bucket-owner → another account is refused', async t => {
  const form = { fields: { ...fields, ...signFields4(own) } }
  t.equal((await post(form, { 'x-amz-expected-bucket-owner': '000000000000' })).status, 204)
  t.equal((await post(form, { 'x-amz-expected-bucket-owner': '111111111111' })).status, 403)
})

t.test('PostObject: bodies that are no forms → told so', async t => {
  const enclosure = 'Bucket POST must be of the enclosure-type multipart/form-data'
  for (const type of ['text/html', 'application/x-www-form-urlencoded', '']) {
    const answer = await post({ fields }, { 'content-type': type })
    t.same(
      [answer.status, element(answer.text, 'Code'), element(answer.text, 'Condition')],
      [412, 'PreconditionFailed', enclosure],
    )
  }
  const malformed = [
    400,
    'MalformedPOSTRequest',
    'The body of your POST request is not well-formed multipart/form-data.',
  ]
  t.same(refusal(await post({ fields }, { 'content-type': 'multipart/form-data' })), malformed)
  t.same(refusal(await post({ fields }, { 'content-type': 'multipart/form-data; boundary=other' })), malformed)
  const type = `content-type: multipart/form-data; boundary=${boundary}`
  const head = (more: string) => `POST ${path} HTTP/1.1\r\nhost: localhost\r\n${type}\r\n${more}\r\n\r\n`
  t.match((await rawSocket(server, head('content-length: 0'))).text, '<Code>MalformedPOSTRequest</Code>')
  t.match((await rawSocket(server, head('x-a: b'))).text, '<Code>MissingContentLength</Code>')
  const chunked = await rawSocket(server, `${head('transfer-encoding: chunked')}5\r\nhello\r\n0\r\n\r\n`)
  t.match(chunked.text, '<Header>Transfer-Encoding</Header>')
  const signed = signFields4(own)
  const none = await post({ fields: { ...fields, ...signed }, file: null })
  t.same(refusal(none), [400, 'InvalidArgument', 'POST requires exactly one file upload per request.'])
  t.same([element(none.text, 'ArgumentName'), element(none.text, 'ArgumentValue')], ['file', '0'])
  const two = await post({ fields: { ...fields, key: 'foo-two', ...signed }, after: [{ name: 'file', content: 'x' }] })
  t.same(refusal(two), [400, 'InvalidArgument', 'POST requires exactly one file upload per request.'])
  const cut = encodeForm({ fields: { ...fields, key: 'foo-two', ...signed }, file: 'x'.repeat(1000) }).subarray(0, -20)
  const answer = await rawSocket(server, [head(`content-length: ${cut.length}`), cut])
  t.match(answer.text, '<Code>MalformedPOSTRequest</Code>')
  t.equal((await get('foo-two')).status, 404)
})

t.test('PostObject: more than 20,480 bytes before the file → MaxPostPreDataLengthExceeded', async t => {
  for (const form of [
    { fields: { ...fields, 'x-amz-meta-a': 'x'.repeat(20_480) } },
    { fields: Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`field-${i}`, ''])) },
    { fields: { ...fields, upload: 'x'.repeat(1 << 20) }, file: null },
  ]) {
    const answer = await post(form)
    t.same(refusal(answer).slice(0, 2), [400, 'MaxPostPreDataLengthExceeded'])
    t.equal(element(answer.text, 'MaxPostPreDataLengthBytes'), '20480')
  }
})

t.test('PostObject: signed by a header or in the query → checked as such, then NotImplemented', async t => {
  const body = encodeForm({ fields: { ...fields, key: 'foo-header', ...signFields4(own) } })
  const headers = { 'content-type': `multipart/form-data; boundary=${boundary}` }
  const request = { method: 'POST', path, body, headers }
  const signed = await signedFetch(server, request)
  t.same([signed.status, element(signed.text, 'Header')], [501, 'Authorization'])
  t.equal((await signedFetch(server, { ...request, presign: 900 })).status, 501)
  const unknown = await signedFetch(server, {
    ...request,
    credentials: { accessKeyId: 'nobody', secretAccessKey: 'x' },
  })
  t.same(refusal(unknown).slice(0, 2), [403, 'InvalidAccessKeyId'])
  const bearer = await post({ fields: { ...fields, ...signFields4(own) } }, { authorization: 'Bearer abc' })
  t.same(refusal(bearer).slice(0, 2), [400, 'InvalidArgument'])
  t.equal((await get('foo-header')).status, 404)
})
