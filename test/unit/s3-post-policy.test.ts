/** Policies of forms and their signatures. Messages are those that the service was seen to answer. */
import t from 'tap'
import { Fault } from '../../protocol/fault.ts'
import { PostForm, readForm } from '../../protocol/s3/post-form.ts'
import { checkPolicy, parsePolicy } from '../../protocol/s3/post-policy.ts'
import { parsePostSignature, verifyPost2, verifyPost4 } from '../../protocol/s3/post-signature.ts'
import { SigningKeys } from '../../protocol/sigv4/signing-key.ts'
import { fileNameVariable, signFields4, signPolicy2 } from '../support/forms.ts'

const nowMs = Date.UTC(2026, 0, 2, 3, 4, 5)
const later = '2026-01-02T04:00:00Z'
const base64 = (text: string) => Buffer.from(text).toString('base64')
const parse = (document: unknown) => parsePolicy(base64(JSON.stringify(document)))

function formOf(fields: Readonly<Record<string, string>>, bucket = 'b'): PostForm {
  return new PostForm(bucket, new Map(Object.entries({ key: 'foo.txt', ...fields })))
}
/** What a form answers to conditions that stand beside those of its bucket and key. */
function check(conditions: readonly unknown[], fields: Readonly<Record<string, string>> = {}, bucket = 'b') {
  const policy = parse({ expiration: later, conditions: [...conditions, { bucket: 'b' }, ['starts-with', '$key', '']] })
  if (policy instanceof Fault) return policy.detail['message']
  const sizes = checkPolicy(policy, formOf(fields, bucket), nowMs)
  return sizes instanceof Fault ? sizes.detail['message'] : sizes
}
const failed = (text: string) => `Invalid according to Policy: Policy Condition failed: ${text}`
const malformed = (text: string) => `Invalid Policy: ${text}`

t.test('parsePolicy: documents that cannot be read → InvalidPolicyDocument, each in its words', async t => {
  const one = (condition: unknown) => JSON.stringify({ expiration: later, conditions: [condition] })
  const cases: readonly (readonly [string, string])[] = [
    [base64(''), "Expecting '{' but found End-of-Input"],
    ['e30=*', 'invalid Base64 encoding.'],
    ['e', 'invalid Base64 encoding.'],
    [base64('{'), 'Invalid JSON.'],
    [base64('[]'), 'Invalid JSON.'],
    [base64('null'), 'Invalid JSON.'],
    [Buffer.from('{"a":"\xff"}', 'latin1').toString('base64'), 'Invalid JSON.'],
    [base64('{"conditions":[],"EXPIRATION":"x"}'), "Unexpected: 'expiration'"],
    [base64('{"Statement":[]}'), "Unexpected: 'statement'"],
    [base64('{"conditions":[]}'), 'Policy missing expiration.'],
    [base64('{"expiration":"soon"}'), "Invalid 'expiration' value: 'soon'"],
    [base64('{"expiration":5}'), "Invalid 'expiration' value: '5'"],
    [base64(`{"expiration":"${later}"}`), 'Policy missing conditions.'],
    [base64(`{"expiration":"${later}","conditions":{}}`), "Invalid 'conditions' value: must be a List."],
    [base64(one('eq')), 'Invalid condition test: must be a List or Object.'],
    [base64(one(null)), 'Invalid condition test: must be a List or Object.'],
    [base64(one({})), 'Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.'],
    [
      base64(one({ a: '1', b: '2' })),
      'Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.',
    ],
    [base64(one({ 'Content-Length': 1 })), 'Invalid Simple-Condition: value must be a string.'],
    [base64(one({ success_action_redirect: null })), 'Invalid JSON.'],
    [base64(one([])), 'Invalid Condition: missing operation identifier.'],
    [base64(one([1])), 'Invalid JSON.'],
    [base64(one(['ends-with', '$key', 'a'])), "Invalid Condition: unknown operation 'ends-with'."],
    [base64(one(['eq', '$key'])), 'Invalid eq: wrong number of arguments.'],
    [base64(one(['StArTs-WiTh', '$key', 'a', 'b'])), 'Invalid starts-with: wrong number of arguments.'],
    [base64(one(['content-length-range', 0])), 'Invalid content-length-range: wrong number of arguments.'],
    [base64(one(['content-length-range', -1, 0])), 'Invalid JSON.'],
    [base64(one(['content-length-range', 0, 1.5])), 'Invalid JSON.'],
    [base64(one(['eq', '$key', 5])), 'Invalid JSON.'],
  ]
  for (const [text, message] of cases)
    t.match(parsePolicy(text), { code: 'form-policy-malformed', detail: { message: malformed(message) } }, message)
})

t.test('parsePolicy: moments → to the millisecond, in UTC and this form only', async t => {
  const moment = (expiration: string) => {
    const policy = parse({ expiration, conditions: [] })
    return policy instanceof Fault ? undefined : policy.expiresAtMs
  }
  t.equal(moment('2026-01-02T03:04:05Z'), nowMs)
  t.equal(moment('2026-01-02T03:04:05.000Z'), nowMs)
  t.equal(moment('2026-01-02T03:04:05.25Z'), nowMs + 250)
  t.equal(moment('2026-01-02T03:04:05.123456Z'), nowMs + 123)
  for (const text of [
    '',
    '2026-01-02 03:04:05Z',
    '2026-01-02T03:04:05',
    '2026-01-02T03:04:05+00:00',
    '2026-01-02T03:04:05+02:00',
    '2026-02-30T03:04:05Z',
    '2026-01-02T24:04:05Z',
    '2026-01-02 03:04:05 UTC',
  ])
    t.equal(moment(text), undefined, text)
})

t.test('parsePolicy: Base64 in lines and without padding → read', async t => {
  const text = base64(JSON.stringify({ expiration: later, conditions: [] }))
  t.notOk(parsePolicy(text.replace(/(.{20})/g, '$1\r\n')) instanceof Fault)
  t.notOk(parsePolicy(text.replace(/=+$/, '')) instanceof Fault)
})

t.test('checkPolicy: until its last moment → holds; after it → expired', async t => {
  const conditions = [{ bucket: 'b' }, { key: 'foo.txt' }]
  const at = (expiration: string) => {
    const policy = parse({ expiration, conditions })
    if (policy instanceof Fault) throw new Error('malformed')
    return checkPolicy(policy, formOf({}), nowMs)
  }
  t.equal(at('2026-01-02T03:04:05Z'), undefined)
  t.match(at('2026-01-02T03:04:04.999Z'), {
    code: 'access-denied',
    detail: { message: 'Invalid according to Policy: Policy expired.' },
  })
})

t.test('checkPolicy: conditions → met or named as the policy writes them', async t => {
  const cases: readonly (readonly [readonly unknown[], Record<string, string>, string | undefined])[] = [
    [[{ acl: 'private' }], { acl: 'private' }, undefined],
    [[['eq', '$acl', 'private']], { acl: 'private' }, undefined],
    [[{ AcL: 'private' }, ['StArTs-WiTh', '$KeY', 'foo']], { acl: 'private' }, undefined],
    [[{ acl: 'private' }], { acl: 'Private' }, failed('["eq", "$acl", "private"]')],
    [[['EQ', '$Acl', 'private']], { acl: 'public-read' }, failed('["EQ", "$Acl", "private"]')],
    [[['eq', 'acl', 'private']], { acl: 'private' }, failed('["eq", "acl", "private"]')],
    [[['starts-with', 'acl', '']], { acl: 'private' }, failed('["starts-with", "acl", ""]')],
    [[['starts-with', '$key', 'foo']], {}, undefined],
    [[['starts-with', '$key', 'Foo']], {}, failed('["starts-with", "$key", "Foo"]')],
    [[['starts-with', '$key', '\\$foo']], { key: '\\$foo.txt' }, undefined],
    [[['starts-with', '$x-amz-meta-a', '']], { 'x-amz-meta-a': 'any' }, undefined],
    [[['eq', '$x-amz-meta-a', '']], { 'x-amz-meta-a': 'any' }, failed('["eq", "$x-amz-meta-a", ""]')],
    [[['eq', '$x-amz-meta-a', 'a"b']], { 'x-amz-meta-a': '' }, failed('["eq", "$x-amz-meta-a", "a\\"b"]')],
    // An absent field meets nothing, but for encryption, which the bucket decides.
    [[['starts-with', '$Content-Type', '']], {}, failed('["starts-with", "$Content-Type", ""]')],
    [[{ acl: '' }], {}, failed('["eq", "$acl", ""]')],
    [[['starts-with', '$x-amz-server-side-encryption', '']], {}, undefined],
    [
      [['starts-with', '$x-amz-server-side-encryption', 'aws']],
      {},
      failed('["starts-with", "$x-amz-server-side-encryption", "aws"]'),
    ],
    // Several conditions on one field.
    [
      [
        ['starts-with', '$key', 'f'],
        ['starts-with', '$key', 'foo.'],
      ],
      {},
      undefined,
    ],
    [
      [
        ['starts-with', '$key', 'f'],
        ['eq', '$key', 'bar'],
      ],
      {},
      failed('["eq", "$key", "bar"]'),
    ],
    // The first that fails is the one named.
    [[{ acl: 'x' }, { key: 'y' }], { acl: 'private' }, failed('["eq", "$acl", "x"]')],
  ]
  for (const [conditions, fields, expected] of cases)
    t.equal(check(conditions, fields), expected, JSON.stringify([conditions, fields]))
})

t.test('checkPolicy: Content-Type with commas → every type of the list must begin so', async t => {
  const condition = ['starts-with', '$Content-Type', 'image/']
  t.equal(check([condition], { 'content-type': 'image/jpg,image/png, image/gif' }), undefined)
  const refused = failed('["starts-with", "$Content-Type", "image/"]')
  t.equal(check([condition], { 'content-type': 'image/jpg,text/plain' }), refused)
  t.equal(check([condition], { 'content-type': 'image/jpg,' }), refused)
  // Others are texts, commas or not, and so is a type that must be equal.
  t.equal(check([['starts-with', '$acl', 'a']], { acl: 'a,b' }), undefined)
  t.equal(check([{ 'Content-Type': 'a/b,c/d' }], { 'content-type': 'a/b,c/d' }), undefined)
})

t.test('checkPolicy: the bucket → that of the address, whatever field the form has', async t => {
  t.equal(check([], {}, 'other'), failed('["eq", "$bucket", "b"]'))
  t.equal(check([], { bucket: 'b' }, 'other'), failed('["eq", "$bucket", "b"]'))
  t.equal(check([], { bucket: 'b' }), undefined)
})

t.test('checkPolicy: fields that no condition names → extra, but for those of the signature and x-ignore-', async t => {
  const extra = (names: string) => `Invalid according to Policy: Extra input fields: ${names}`
  t.equal(check([], { acl: 'private' }), extra('acl'))
  t.equal(check([], { submit: '', filename: 'a', 'x-amz-date': '1' }), extra('submit, filename, x-amz-date'))
  const ignored = {
    'x-ignore-a': '1',
    'x-amz-signature': '2',
    signature: '3',
    awsaccesskeyid: '4',
    policy: '5',
    file: '6',
  }
  t.equal(check([], ignored), undefined)
  t.equal(check([], { 'x-amz-checksum-sha256': 'a', 'x-amz-checksum-algorithm': 'SHA256' }), undefined)
  t.equal(check([], { 'x-ignored': '1' }), extra('x-ignored'))
  const policy = parse({ expiration: later, conditions: [{ key: 'foo.txt' }] })
  if (policy instanceof Fault) throw new Error('malformed')
  t.match(checkPolicy(policy, formOf({}), nowMs), { detail: { message: extra('bucket') } })
})

t.test('checkPolicy: content-length-range → the sizes that all of them allow', async t => {
  const range = (minBytes: number, maxBytes: number) => ({ minBytes, maxBytes })
  t.same(check([['content-length-range', 5, 10]]), range(5, 10))
  t.same(check([['Content-Length-Range', '5', '10']]), range(5, 10))
  t.same(
    check([
      ['content-length-range', 0, 100],
      ['content-length-range', 10, 200],
    ]),
    range(10, 100),
  )
  for (const item of [
    ['content-length-range', 'test', '10'],
    ['content-length-range', '-1', '10'],
    ['content-length-range', 1, ''],
  ])
    t.equal(check([item]), failed(`[${item.map(value => JSON.stringify(value)).join(', ')}]`))
})

// The example of "Browser-based upload using HTTP POST", S3 API Reference: its policy has CRLF line ends.
const example = {
  secret: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  credential: 'AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request',
  signature: '8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e',
  policy: base64(
    [
      '{ "expiration": "2015-12-30T12:00:00.000Z",',
      '  "conditions": [',
      '    {"bucket": "sigv4examplebucket"},',
      '    ["starts-with", "$key", "user/user1/"],',
      '    {"acl": "public-read"},',
      '    {"success_action_redirect": "http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html"},',
      '    ["starts-with", "$Content-Type", "image/"],',
      '    {"x-amz-meta-uuid": "14365123651274"},',
      '    {"x-amz-server-side-encryption": "AES256"},',
      '    ["starts-with", "$x-amz-meta-tag", ""],',
      '',
      `    {"x-amz-credential": "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request"},`,
      '    {"x-amz-algorithm": "AWS4-HMAC-SHA256"},',
      '    {"x-amz-date": "20151229T000000Z" }',
      '  ]',
      '}',
    ].join('\r\n'),
  ),
}
const exampleFields: readonly (readonly [string, string])[] = [
  ['key', `user/user1/${fileNameVariable}`],
  ['acl', 'public-read'],
  ['success_action_redirect', 'http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html'],
  ['Content-Type', 'image/jpeg'],
  ['x-amz-meta-uuid', '14365123651274'],
  ['x-amz-server-side-encryption', 'AES256'],
  ['X-Amz-Credential', example.credential],
  ['X-Amz-Algorithm', 'AWS4-HMAC-SHA256'],
  ['X-Amz-Date', '20151229T000000Z'],
  ['x-amz-meta-tag', ''],
  ['Policy', example.policy],
  ['X-Amz-Signature', example.signature],
]
function readFields(
  fields: readonly (readonly [string, string])[],
  fileName: string | undefined = 'a.jpg',
  bucket = 'b',
) {
  const head = { fields: fields.map(([name, value]) => ({ name, value })), fileName, contentType: '', sizeBytes: 1000 }
  return readForm(head, bucket)
}
function good<T>(value: T | Fault | undefined): T {
  if (value === undefined || value instanceof Fault) throw new Error(`refused: ${JSON.stringify(value)}`)
  return value
}

t.test('POST policy, version 4: the documented example → signature and policy hold', async t => {
  const form = good(readFields(exampleFields, 'C:\\photos\\a.jpg', 'sigv4examplebucket'))
  t.equal(form.key, 'user/user1/a.jpg')
  const signature = good(parsePostSignature(form, nowMs))
  if (signature.scope === undefined) throw new Error('not version 4')
  const { date, region, service } = signature.scope
  t.equal(signature.accessKeyId, 'AKIAIOSFODNN7EXAMPLE')
  const keys = new SigningKeys(2)
  t.equal(verifyPost4(signature, keys.get(example.secret, date, region, service)), undefined)
  const wrong = verifyPost4(signature, keys.get('other', date, region, service))
  t.match(wrong, {
    code: 'signature-mismatch',
    detail: {
      accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
      signatureProvided: example.signature,
      stringToSign: example.policy,
      stringToSignBytes: /^65 79 41 69 /,
    },
  })
  const policy = good(parsePolicy(signature.policy))
  t.equal(checkPolicy(policy, form, Date.UTC(2015, 11, 30)), undefined)
})

t.test('POST policy, version 4: changed in one letter, in capitals, cut → refused', async t => {
  const fields = signFields4([{ bucket: 'b' }], { nowMs })
  const verify = (changed: Readonly<Record<string, string>>) => {
    const signature = good(parsePostSignature(formOf({ ...fields, ...changed }), nowMs))
    if (signature.scope === undefined) throw new Error('not version 4')
    return verifyPost4(signature, new SigningKeys(2).get('test', fields['x-amz-date']!.slice(0, 8), 'us-east-1', 's3'))
  }
  t.equal(verify({}), undefined)
  const { policy, 'x-amz-signature': value } = fields as { policy: string; 'x-amz-signature': string }
  for (const changed of [
    { policy: policy.slice(0, -2) },
    { policy: `${policy} ` },
    { 'x-amz-signature': value.toUpperCase() },
    { 'x-amz-signature': value.slice(1) },
    { 'x-amz-signature': '' },
  ])
    t.equal(verify(changed)?.code, 'signature-mismatch', JSON.stringify(changed).slice(0, 60))
})

t.test('POST policy, version 2: signed → holds; changed → refused', async t => {
  const policy = base64('{}')
  const fields = Object.fromEntries(
    Object.entries(signPolicy2(policy)).map(([name, value]) => [name.toLowerCase(), value]),
  )
  const verify = (changed: Readonly<Record<string, string>>, secret = 'test') => {
    const signature = good(parsePostSignature(formOf({ ...fields, ...changed }), nowMs))
    if (signature.scope !== undefined) throw new Error('not version 2')
    return verifyPost2(signature, secret)?.code
  }
  t.equal(verify({}), undefined)
  t.equal(verify({}, 'other'), 'signature-mismatch')
  t.equal(verify({ policy: 'e30' }), 'signature-mismatch')
  t.equal(verify({ signature: '' }), 'signature-mismatch')
  t.equal(verify({ signature: fields['signature']!.split('').reverse().join('') }), 'signature-mismatch')
})

t.test('parsePostSignature: nothing of a signature → anonymous, with a policy as well', async t => {
  t.equal(parsePostSignature(formOf({}), nowMs), undefined)
  t.equal(parsePostSignature(formOf({ policy: 'e30=' }), nowMs), undefined)
})

t.test('parsePostSignature: fields that are missing or wrong → InvalidArgument names the first', async t => {
  const all = signFields4([], { nowMs })
  const missing = (name: string) =>
    `Bucket POST must contain a field named '${name}'.  If it is specified, please check the order of the fields.`
  const without = (...names: readonly string[]) =>
    Object.fromEntries(Object.entries(all).filter(([name]) => !names.includes(name)))
  const credential = all['x-amz-credential']!
  const cases: readonly (readonly [Record<string, string>, string, string, string])[] = [
    [without('x-amz-algorithm', 'x-amz-credential'), 'X-Amz-Algorithm', '', missing('X-Amz-Algorithm')],
    [without('x-amz-credential'), 'X-Amz-Credential', '', missing('X-Amz-Credential')],
    [without('x-amz-date'), 'X-Amz-Date', '', missing('X-Amz-Date')],
    [without('x-amz-signature'), 'X-Amz-Signature', '', missing('X-Amz-Signature')],
    [without('policy'), 'Policy', '', missing('Policy')],
    [{ policy: 'e30=', signature: 'x' }, 'AWSAccessKeyId', '', missing('AWSAccessKeyId')],
    [{ policy: 'e30=', awsaccesskeyid: 'x' }, 'Signature', '', missing('Signature')],
    [{ signature: 'x', awsaccesskeyid: 'x' }, 'Policy', '', missing('Policy')],
    [
      { ...all, 'x-amz-algorithm': 'AWS4' },
      'X-Amz-Algorithm',
      'AWS4',
      'X-Amz-Algorithm only supports "AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256"',
    ],
    [
      { ...all, 'x-amz-date': '2026-01-02' },
      'X-Amz-Date',
      '2026-01-02',
      'X-Amz-Date must be formated via ISO8601 Long format',
    ],
    [
      { ...all, 'x-amz-credential': 'test' },
      'X-Amz-Credential',
      'test',
      'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
    ],
    [
      { ...all, 'x-amz-credential': credential.replace('test/', '/') },
      'X-Amz-Credential',
      credential.replace('test/', '/'),
      'a non-empty Access Key (AKID) must be provided in the credential.',
    ],
    [
      { ...all, 'x-amz-credential': credential.replace('/s3/', '/sqs/') },
      'X-Amz-Credential',
      credential.replace('/s3/', '/sqs/'),
      'incorrect service "sqs". This endpoint belongs to "s3".',
    ],
  ]
  for (const [fields, name, value, message] of cases)
    t.match(parsePostSignature(formOf(fields), nowMs), { code: 'argument-invalid', detail: { name, value, message } })
  for (const awsaccesskeyid of ['', 'a b', 'a\0', 'ü', 'x'.repeat(513)])
    t.match(parsePostSignature(formOf({ policy: '', signature: '', awsaccesskeyid }), nowMs), {
      code: 'access-key-unknown',
    })
  const slash = parsePostSignature(formOf({ ...all, 'x-amz-credential': `${credential}/` }), nowMs)
  t.notOk(slash instanceof Fault, 'a slash at the end of the credential, as the SDK for .NET writes it')
})

t.test('readForm: fields of one name → joined with commas, names without case', async t => {
  const form = good(
    readFields([
      ['KEY', 'k'],
      ['x-amz-meta-tag', 'Ninja'],
      ['X-Amz-Meta-Tag', 'Stallman'],
    ]),
  )
  t.equal(form.key, 'k')
  t.equal(form.header('x-amz-meta-tag'), 'Ninja,Stallman')
})

t.test('readForm: the variable → the last segment of the file’s name, in every field but the signed ones', async t => {
  const fields: readonly (readonly [string, string])[] = [
    ['key', `a/${fileNameVariable}/${fileNameVariable}`],
    ['x-amz-meta-name', fileNameVariable],
    ['policy', fileNameVariable],
  ]
  const names: readonly (readonly [string | undefined, string])[] = [
    ['b.txt', 'b.txt'],
    ['/tmp/b.txt', 'b.txt'],
    ['C:\\tmp\\b.txt', 'b.txt'],
    ['$& $1', '$& $1'],
    ['', ''],
    // A file that has no name, not even an empty one.
    [undefined, fileNameVariable],
  ]
  for (const [fileName, name] of names) {
    const head = {
      fields: fields.map(([field, value]) => ({ name: field, value })),
      fileName,
      contentType: '',
      sizeBytes: 100,
    }
    const form = good(readForm(head, 'b'))
    t.same(
      [form.key, form.header('x-amz-meta-name'), form.header('policy')],
      [`a/${name}/${name}`, name, fileNameVariable],
    )
  }
})

t.test('readForm: a long name in many places → refused before it is written out', async t => {
  const value = fileNameVariable.repeat(1500)
  t.match(readFields([['key', value]], 'n'.repeat(5000)), { code: 'form-too-large', detail: { limitBytes: 20_480 } })
  t.notOk(readFields([['key', value]], 'n') instanceof Fault)
})

t.test('readForm: no key, an empty one, one with a NUL → refused', async t => {
  const message =
    "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields."
  for (const fields of [[], [['key', '']], [['key', fileNameVariable]]] as const)
    t.match(readFields(fields, ''), { code: 'argument-invalid', detail: { name: 'key', value: '', message } })
  t.match(readFields([['key', 'a\0b']]), { code: 'argument-invalid', detail: { name: 'key' } })
})
