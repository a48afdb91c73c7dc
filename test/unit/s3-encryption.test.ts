/** Encryption headers: refusals as S3 was recorded to answer them, and what a request comes to in its bucket. */
import { createHash } from 'node:crypto'
import t from 'tap'
import type { CustomerKey, KeySpec } from '../../protocol/encryption.ts'
import { Fault } from '../../protocol/fault.ts'
import { parseCustomerKey, parseReadingKey, parseSourceKey } from '../../protocol/s3/customer-key.ts'
import {
  type DefaultEncryption,
  type EncryptionAsked,
  type EncryptionSaid,
  kmsNeedsSignatureV4,
  parseEncryption,
  parsePartEncryption,
  parseReadingEncryption,
  pushEncryptionHeaders,
  pushNewEncryptionHeaders,
  resolveEncryption,
} from '../../protocol/s3/encryption.ts'
import { type FaultContext, renderFault } from '../../protocol/s3/faults.ts'
import { encodeContext, parseContext, resolveKmsKey } from '../../protocol/s3/kms-key.ts'
import { wireRequest } from './wire-request.ts'

const sse = 'x-amz-server-side-encryption'
const key = Buffer.from('1234567890abcdef1234567890abcdef')
const md5Of = (bytes: Buffer) => createHash('md5').update(bytes).digest('base64')
/** A customer key's three headers; `undefined` leaves one out. */
function customer(more: Record<string, string | undefined> = {}, prefix = 'x-amz-'): Record<string, string> {
  const all: Record<string, string | undefined> = {
    algorithm: 'AES256',
    key: key.toString('base64'),
    'key-md5': md5Of(key),
    ...more,
  }
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(all))
    if (value !== undefined) headers[`${prefix}server-side-encryption-customer-${name}`] = value
  return headers
}
const put = (headers: Record<string, string>) => wireRequest('PUT /bucket/key', headers)
const get = (headers: Record<string, string>) => wireRequest('GET /bucket/key', headers)

const context: FaultContext = { method: 'PUT', resource: '/r', requestId: 'id', hostId: 'host' }
/** Status and what stands in Error before Resource. */
function answer(value: unknown): string {
  if (!(value instanceof Fault)) return `no fault: ${JSON.stringify(value)}`
  const { status, body } = renderFault(value, context)
  return `${status} ${(body as string).replace(/^.*<Error>/s, '').replace(/<Resource>.*$/, '')}`
}
const invalid = (message: string, value?: string) =>
  `400 <Code>InvalidArgument</Code><Message>${message}</Message><ArgumentName>${sse}</ArgumentName>` +
  (value === undefined ? '' : `<ArgumentValue>${value}</ArgumentValue>`)
const must = 'Requests specifying Server Side Encryption with Customer provided keys must provide'
const wrongAlgorithm =
  '400 <Code>InvalidEncryptionAlgorithmError</Code><Message>The Encryption request you specified is not valid. ' +
  `Supported value: AES256.</Message><ArgumentName>${sse}</ArgumentName><ArgumentValue>KMS</ArgumentValue>`
const needsKms = invalid(
  'Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms',
)
const incompatible = (value: string) =>
  invalid(
    'Server Side Encryption with Customer provided key is incompatible with the encryption method specified',
    value,
  )

t.test('customer key: whole → the key and its MD5; none of its headers → none', async t => {
  const expected: CustomerKey = { kind: 'customer', key, md5: 'JMwgiexXqwuPqIPjYFmIZQ==' }
  t.same(parseCustomerKey(put(customer())), expected)
  t.same(parseReadingKey(get(customer())), expected)
  t.same(parseSourceKey(put(customer({}, 'x-amz-copy-source-'))), expected)
  t.same(parseEncryption(put(customer())), expected)
  t.equal(parseCustomerKey(put({ [sse]: 'AES256' })), undefined)
  t.equal(parseSourceKey(put(customer())), undefined, 'the target’s is not the source’s')
  t.equal(parseCustomerKey(put(customer({}, 'x-amz-copy-source-'))), undefined)
})

const short = key.subarray(0, 10)
const refusals: readonly (readonly [string, Record<string, string | undefined>, string])[] = [
  ['no algorithm', { algorithm: undefined }, invalid(`${must} a valid encryption algorithm.`)],
  ['only the MD5', { algorithm: undefined, key: undefined }, invalid(`${must} a valid encryption algorithm.`)],
  ['an empty algorithm', { algorithm: '' }, invalid(`${must} a valid encryption algorithm.`)],
  ['no key', { key: undefined }, invalid(`${must} an appropriate secret key.`)],
  ['only the algorithm', { key: undefined, 'key-md5': undefined }, invalid(`${must} an appropriate secret key.`)],
  ['another algorithm', { algorithm: 'KMS' }, wrongAlgorithm],
  ['another algorithm and key', { algorithm: 'KMS', key: 'not base64!' }, wrongAlgorithm],
  ['no MD5', { 'key-md5': undefined }, invalid(`${must} the client calculated MD5 of the secret key.`)],
  [
    'another MD5',
    { 'key-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' },
    invalid('The calculated MD5 hash of the key did not match the hash that was provided.'),
  ],
  [
    'a short key with another MD5',
    { key: short.toString('base64') },
    invalid('The calculated MD5 hash of the key did not match the hash that was provided.'),
  ],
]
for (const [what, headers, expected] of refusals)
  t.test(`customer key: ${what} → refused as recorded, for targets, reads and sources`, async t => {
    t.equal(answer(parseEncryption(put(customer(headers)))), expected)
    t.equal(answer(parseCustomerKey(put(customer(headers)))), expected)
    t.equal(answer(parseReadingEncryption(get(customer(headers)))), expected)
    t.equal(answer(parseSourceKey(put(customer(headers, 'x-amz-copy-source-')))), expected)
  })

t.test('customer key: of another length → refused where it encrypts, taken where it reads', async t => {
  for (const bytes of [short, Buffer.concat([key, key])]) {
    const headers = { key: bytes.toString('base64'), 'key-md5': md5Of(bytes) }
    t.equal(
      answer(parseEncryption(put(customer(headers)))),
      invalid('The secret key was invalid for the specified algorithm.'),
    )
    t.match(parseReadingEncryption(get(customer(headers))), { key: bytes })
  }
})

t.test('parseEncryption: each method → what it asks for', async t => {
  const id = '1234abcd-12ab-34cd-56ef-1234567890ab'
  const cases: readonly (readonly [Record<string, string>, EncryptionAsked])[] = [
    [{}, { kind: 'default', bucketKey: undefined }],
    [{ 'x-amz-acl': 'private' }, { kind: 'default', bucketKey: undefined }],
    [{ [`${sse}-bucket-key-enabled`]: 'true' }, { kind: 'default', bucketKey: true }],
    [{ [sse]: 'AES256' }, { kind: 'managed' }],
    [{ [sse]: 'AES256', [`${sse}-bucket-key-enabled`]: 'true' }, { kind: 'managed' }],
    [{ [sse]: 'aws:kms' }, { kind: 'named', keyId: '', context: '', dual: false, bucketKey: undefined }],
    [
      { [sse]: 'aws:kms', [`${sse}-aws-kms-key-id`]: id, [`${sse}-bucket-key-enabled`]: 'False' },
      { kind: 'named', keyId: id, context: '', dual: false, bucketKey: false },
    ],
    [
      { [sse]: 'aws:kms:dsse', [`${sse}-context`]: encodeContext('{"b":"2", "a":"1"}') },
      { kind: 'named', keyId: '', context: '{"a":"1","b":"2"}', dual: true, bucketKey: undefined },
    ],
  ]
  for (const [headers, expected] of cases) t.same(parseEncryption(put(headers)), expected, JSON.stringify(headers))
})

t.test('parseEncryption: contradictions and unknown methods → refused', async t => {
  const keyId = { [`${sse}-aws-kms-key-id`]: 'testkey-1' }
  const unsupported = (value: string) => invalid('The encryption method specified is not supported', value)
  const cases: readonly (readonly [Record<string, string>, string])[] = [
    [{ [sse]: 'AES256', ...customer() }, incompatible('AES256')],
    [{ [sse]: 'AES256', ...customer({ algorithm: 'KMS' }) }, incompatible('AES256')],
    [{ [sse]: 'aws:kms', ...keyId, ...customer() }, incompatible('aws:kms')],
    [{ ...keyId, ...customer() }, needsKms],
    [{ [sse]: 'aes:kms' }, unsupported('aes:kms')],
    [{ [sse]: 'aes256' }, unsupported('aes256')],
    [{ [sse]: 'aws:fsx' }, unsupported('aws:fsx')],
    [{ [sse]: '' }, unsupported('')],
    [keyId, needsKms],
    [{ [sse]: 'AES256', ...keyId }, needsKms],
    [{ [sse]: 'AES256', [`${sse}-context`]: encodeContext('{}') }, needsKms],
  ]
  for (const [headers, expected] of cases)
    t.equal(answer(parseEncryption(put(headers))), expected, JSON.stringify(headers))
  const bucketKey = { [`${sse}-bucket-key-enabled`]: 'yes' }
  t.match(answer(parseEncryption(put({ [sse]: 'aws:kms', ...bucketKey }))), /^400 <Code>InvalidArgument/)
  const both = { [sse]: 'aws:kms:dsse', [`${sse}-bucket-key-enabled`]: 'true' }
  t.match(answer(parseEncryption(put(both))), /^400 <Code>InvalidArgument.*aws:kms:dsse/)
})

t.test('parseReadingEncryption: how to encrypt, on a read → refused as recorded', async t => {
  for (const value of ['AES256', 'aws:kms'])
    t.equal(
      answer(parseReadingEncryption(get({ [sse]: value, [`${sse}-aws-kms-key-id`]: 'testkey-1' }))),
      invalid(`${sse} header is not supported for this operation.`, value),
    )
  t.equal(answer(parseReadingEncryption(get({ [`${sse}-aws-kms-key-id`]: 'testkey-1' }))), needsKms)
  for (const name of [`${sse}-context`, `${sse}-bucket-key-enabled`])
    t.match(answer(parseReadingEncryption(get({ [name]: 'true' }))), /^400 .*is not supported for this operation/)
  t.equal(parseReadingEncryption(get({ range: 'bytes=0-1' })), undefined)
})

t.test('parsePartEncryption: how to encrypt, with a part → refused, but as Ceph answers', async t => {
  const part = put({ [sse]: 'aws:kms', [`${sse}-aws-kms-key-id`]: 'testkey-1' })
  t.equal(answer(parsePartEncryption(part)), invalid(`${sse} header is not supported for this operation.`, 'aws:kms'))
  t.equal(parsePartEncryption({ ...part, header: part.header.bind(part), dialect: 'ceph' }), undefined)
  t.match(parsePartEncryption(put(customer())), { kind: 'customer' })
})

t.test('faults about a stored object → as recorded', async t => {
  const of = (code: ConstructorParameters<typeof Fault>[0]) => answer(new Fault(code))
  t.equal(
    of('customer-key-missing'),
    '400 <Code>InvalidRequest</Code><Message>The object was stored using a form of Server Side Encryption. The correct ' +
      'parameters must be provided to retrieve the object.</Message>',
  )
  t.equal(
    of('customer-key-unexpected'),
    '400 <Code>InvalidRequest</Code><Message>The encryption parameters are not applicable to this object.</Message>',
  )
  t.equal(of('customer-key-wrong'), `403 <Code>AccessDenied</Code><Message>${must} the correct secret key.</Message>`)
  t.equal(
    of('upload-key-unfitting'),
    '400 <Code>InvalidRequest</Code><Message>The multipart upload initiate requested encryption. Subsequent part ' +
      'requests must include the appropriate encryption parameters.</Message>',
  )
  t.equal(
    of('upload-key-different'),
    '400 <Code>InvalidRequest</Code><Message>The provided encryption parameters did not match the ones used ' +
      'originally.</Message>',
  )
  t.equal(
    answer(kmsNeedsSignatureV4),
    '400 <Code>InvalidArgument</Code><Message>Requests specifying Server Side Encryption with AWS KMS managed keys ' +
      'require AWS Signature Version 4.</Message><ArgumentName>Authorization</ArgumentName>' +
      '<ArgumentValue>null</ArgumentValue>',
  )
})

const home = { region: 'eu-west-1', account: '000000000000' }
const own = 'arn:aws:kms:eu-west-1:000000000000:key/'
const uuid = '1234abcd-12ab-34cd-56ef-1234567890ab'

t.test('resolveKmsKey: the forms KMS has → one ARN; a word of one’s own → itself', async t => {
  t.equal(resolveKmsKey(uuid, home), own + uuid)
  t.equal(resolveKmsKey(own + uuid, home), own + uuid)
  t.equal(resolveKmsKey('mrk-1234abcd12ab34cd56ef1234567890ab', home), `${own}mrk-1234abcd12ab34cd56ef1234567890ab`)
  const other = `arn:aws:kms:eu-west-1:111122223333:key/${uuid}`
  t.equal(resolveKmsKey(other, home), other, 'another account’s')
  t.equal(resolveKmsKey('testkey-1', home), 'testkey-1')
  const byAlias = resolveKmsKey('alias/projects/one', home)
  t.match(
    byAlias,
    /^arn:aws:kms:eu-west-1:000000000000:key\/[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/,
  )
  t.equal(resolveKmsKey('arn:aws:kms:eu-west-1:000000000000:alias/projects/one', home), byAlias)
  t.not(resolveKmsKey('alias/projects/two', home), byAlias)
  t.equal(resolveKmsKey('', home), resolveKmsKey('alias/aws/s3', home))
  t.not(resolveKmsKey('', home), resolveKmsKey('', { ...home, account: '111122223333' }))
})

t.test('resolveKmsKey: malformed, or of another region → KMS.NotFoundException', async t => {
  const notFound = (message: string) => `400 <Code>KMS.NotFoundException</Code><Message>${message}</Message>`
  for (const name of ['aws/s3', 'fake key', 'alias/', 'alias/a b', `key/${uuid}`, '-'.repeat(251), 'ä', 'a\nb'])
    t.equal(answer(resolveKmsKey(name, home)), notFound(`Invalid keyId '${name}'`), name)
  for (const arn of [
    `arn:aws:kms:eu-west-1:000:key/${uuid}`,
    `arn:aws:s3:eu-west-1:000000000000:key/${uuid}`,
    'arn:aws:kms:eu-west-1:000000000000:key/',
    `arn:aws:kms:eu-west-1:000000000000:${uuid}`,
    `arn:aws:kms:eu-west-1:000000000000:key/${uuid}\r\nx: y`,
  ])
    t.match(answer(resolveKmsKey(arn, home)), /^400 <Code>KMS.NotFoundException<\/Code><Message>Invalid keyId 'arn:/)
  t.equal(
    answer(resolveKmsKey(`arn:aws:kms:us-west-2:000000000000:key/${uuid}`, home)),
    notFound('Invalid arn us-west-2'),
  )
})

t.test('parseContext: a map of texts in any order → one text; anything else → refused as recorded', async t => {
  const of = (text: string) => parseContext(Buffer.from(text).toString('base64'))
  t.equal(of('{"b": "2",\n "a": "1"}'), '{"a":"1","b":"2"}')
  t.equal(of('{"__proto__":"x","ä":"\\u0022"}'), '{"__proto__":"x","ä":"\\""}')
  t.equal(of('{}'), '')
  t.equal(parseContext(encodeContext('{"a":"1"}').replace(/=+$/, '')), '{"a":"1"}', 'without padding')
  const refused =
    "400 <Code>InvalidArgument</Code><Message>The header 'x-amz-server-side-encryption-context' shall be " +
    'Base64-encoded UTF-8 string holding JSON which represents a string-string map</Message>' +
    `<ArgumentName>${sse}-context</ArgumentName>`
  const large = Buffer.from(`{"a":"${'x'.repeat(8192)}"}`).toString('base64')
  const bases = ['[]', '1', 'null', '"a"', '{"a":1}', '{"a":null}', '{"a":{}}', '{', ''].map(text =>
    Buffer.from(text).toString('base64'),
  )
  for (const text of [...bases, '{"a":"b"}', '%%%%', large, Buffer.from([0x7b, 0xff, 0x7d]).toString('base64')])
    t.equal(answer(parseContext(text)), refused, text.slice(0, 30))
})

const noDefault = { method: 'AES256', keyId: '', bucketKey: false, blocksCustomerKeys: false } as const
const kmsDefault: DefaultEncryption = { ...noDefault, method: 'aws:kms', keyId: uuid, bucketKey: true }

t.test('resolveEncryption: the request before the bucket’s default before SSE-S3', async t => {
  const kms = (keyId: string, more: object = {}) =>
    ({ kind: 'named', keyId, context: '', dual: false, bucketKey: undefined, ...more }) as EncryptionAsked
  const named = (name: string, bucketKey: boolean, more: object = {}) =>
    ({ kind: 'named', name, context: '', dual: false, bucketKey, ...more }) as KeySpec
  const nothing: EncryptionAsked = { kind: 'default', bucketKey: undefined }
  const s3 = { kind: 'managed' } as const
  const defaultKey = resolveKmsKey('', home) as string
  const cases: readonly (readonly [EncryptionAsked, DefaultEncryption | undefined, KeySpec])[] = [
    [nothing, undefined, s3],
    [nothing, noDefault, s3],
    [{ kind: 'default', bucketKey: true }, noDefault, s3],
    [nothing, kmsDefault, named(own + uuid, true)],
    [{ kind: 'default', bucketKey: false }, kmsDefault, named(own + uuid, false)],
    [nothing, { ...kmsDefault, keyId: '' }, named(defaultKey, true)],
    [nothing, { ...kmsDefault, method: 'aws:kms:dsse' }, named(own + uuid, false, { dual: true })],
    [s3, kmsDefault, s3],
    [kms(''), undefined, named(defaultKey, false)],
    [kms(''), kmsDefault, named(defaultKey, true)],
    [kms('alias/x'), kmsDefault, named(resolveKmsKey('alias/x', home) as string, true)],
    [kms('x', { bucketKey: false }), kmsDefault, named('x', false)],
    [kms('x', { context: '{"a":"b"}' }), undefined, named('x', false, { context: '{"a":"b"}' })],
    [kms('x', { dual: true }), kmsDefault, named('x', false, { dual: true })],
    [{ kind: 'customer', key, md5: 'm' }, kmsDefault, { kind: 'customer', key, md5: 'm' }],
  ]
  for (const [asked, byDefault, expected] of cases)
    t.same(resolveEncryption(asked, byDefault, home), expected, JSON.stringify([asked, byDefault]))
})

t.test('resolveEncryption: a malformed key, asked for or by default → KMS.NotFoundException', async t => {
  const asked: EncryptionAsked = { kind: 'named', keyId: 'aws/s3', context: '', dual: false, bucketKey: undefined }
  t.match(resolveEncryption(asked, undefined, home), { code: 'encryption-key-unknown' })
  const byDefault = { ...kmsDefault, keyId: 'aws/s3' }
  const nothing: EncryptionAsked = { kind: 'default', bucketKey: undefined }
  t.match(resolveEncryption(nothing, byDefault, home), { code: 'encryption-key-unknown' })
})

t.test('resolveEncryption: a bucket that blocks customers’ keys → AccessDenied as documented', async t => {
  const asked: CustomerKey = { kind: 'customer', key, md5: 'm' }
  const attempt = {
    user: 'arn:aws:iam::123456789012:user/MaryMajor',
    action: 's3:PutObject',
    resource: 'arn:aws:s3:::amzn-s3-demo-bucket1/object-name',
  }
  t.equal(
    answer(resolveEncryption(asked, { ...noDefault, blocksCustomerKeys: true }, home, attempt)),
    '403 <Code>AccessDenied</Code><Message>User: arn:aws:iam::123456789012:user/MaryMajor is not authorized to ' +
      'perform: s3:PutObject on resource: &quot;arn:aws:s3:::amzn-s3-demo-bucket1/object-name&quot; because this bucket ' +
      'has blocked upload requests that specify Server Side Encryption with Customer provided keys (SSE-C). Please ' +
      'specify a different server-side encryption type</Message>',
  )
})

t.test('pushEncryptionHeaders: each kind → its headers', async t => {
  const of = (encryption: EncryptionSaid | undefined, customerKey?: CustomerKey) => {
    const headers: string[] = []
    pushEncryptionHeaders(headers, { encryption, customerKey })
    return headers
  }
  const named: KeySpec = { kind: 'named', name: 'arn', context: '{"a":"1"}', dual: false, bucketKey: false }
  t.same(of(undefined), [sse, 'AES256'], 'what nobody asked for is said to be managed')
  t.same(of({ kind: 'managed' }), [sse, 'AES256'])
  t.same(of(named), [sse, 'aws:kms', `${sse}-aws-kms-key-id`, 'arn'])
  t.same(of({ ...named, bucketKey: true }).slice(4), [`${sse}-bucket-key-enabled`, 'true'])
  t.same(of({ ...named, dual: true }).slice(0, 2), [sse, 'aws:kms:dsse'])
  t.same(of({ kind: 'customer' }, { kind: 'customer', key, md5: 'm' }), [
    `${sse}-customer-algorithm`,
    'AES256',
    `${sse}-customer-key-MD5`,
    'm',
  ])
  t.same(of({ kind: 'customer' }), [], 'a request without the key, as one that completes an upload')
  const ofNew = (encryption: EncryptionSaid | undefined) => {
    const headers: string[] = []
    pushNewEncryptionHeaders(headers, { encryption })
    return headers
  }
  t.same(ofNew(named), [...of(named), `${sse}-context`, Buffer.from('{"a":"1"}').toString('base64')])
  for (const other of [undefined, { kind: 'managed' }, { ...named, context: '' }] as const)
    t.same(ofNew(other), of(other), 'without a context')
})
