import t from 'tap'
import { Fault } from '../../protocol/fault.ts'
import { AwsChunkedDecoder, type ChunkedOptions, type Decoded } from '../../protocol/sigv4/chunked.ts'
import { SigningKeys } from '../../protocol/sigv4/signing-key.ts'
import { example } from './sigv4-request.ts'

const key = new SigningKeys(2).get(example.secret, '20130524', 'us-east-1', 's3')
const signingFrom = (seed: string) => ({
  key,
  seed,
  amzDate: '20130524T000000Z',
  accessKeyId: example.accessKeyId,
})
// The two worked examples of the S3 API Reference: 65,536 + 1,024 bytes of 'a'.
const signedSeed = '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9'
const trailerSeed = '106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e'
const signedOptions: ChunkedOptions = {
  kind: 'streaming-signed',
  decodedBytes: 66560,
  trailers: [],
  signing: signingFrom(signedSeed),
}
const trailerOptions: ChunkedOptions = {
  kind: 'streaming-signed-trailer',
  decodedBytes: 66560,
  trailers: ['x-amz-checksum-crc32c'],
  signing: signingFrom(trailerSeed),
}
const frames = (signatures: readonly string[], tail: string) =>
  `10000;chunk-signature=${signatures[0]}\r\n${'a'.repeat(65536)}\r\n` +
  `400;chunk-signature=${signatures[1]}\r\n${'a'.repeat(1024)}\r\n0;chunk-signature=${signatures[2]}\r\n${tail}`
const signedBody = frames(
  [
    'ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648',
    '0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497',
    'b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9',
  ],
  '\r\n',
)
const trailerSignatures = [
  'b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2',
  '1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7',
  '2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992',
]
const trailerSignature = 'd81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435'
const trailerBody = frames(
  trailerSignatures,
  `x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:${trailerSignature}\r\n\r\n`,
)

function decode(
  options: ChunkedOptions,
  text: string,
  step = text.length,
): { payload: string; result: Decoded | Fault } {
  let payload = ''
  const decoder = new AwsChunkedDecoder(options, bytes => {
    payload += Buffer.from(bytes).toString('latin1')
  })
  const bytes = Buffer.from(text, 'latin1')
  for (let at = 0; at < bytes.length; at += step) {
    const fault = decoder.write(bytes.subarray(at, at + step))
    if (fault !== undefined) return { payload, result: fault }
  }
  return { payload, result: decoder.end() }
}
const unsigned = (decodedBytes: number, trailers: readonly string[] = []): ChunkedOptions => ({
  kind: 'streaming-unsigned-trailer',
  decodedBytes,
  trailers,
})
const accepted = (trailers: readonly (readonly [string, string])[] = []) => ({ trailers: new Map(trailers) })
const crc64 = 'x-amz-checksum-crc64nvme'

t.test('streaming-signed: the documented example, whole and byte by byte → decoded', async t => {
  for (const step of [signedBody.length, 1, 7, 4096, 65540]) {
    const { payload, result } = decode(signedOptions, signedBody, step)
    t.strictSame(result, accepted())
    t.equal(payload, 'a'.repeat(66560))
  }
})

t.test('streaming-signed-trailer: the documented example → decoded with its trailer', async t => {
  const { payload, result } = decode(trailerOptions, trailerBody)
  t.strictSame(result, accepted([['x-amz-checksum-crc32c', 'sOO8/Q==']]))
  t.equal(payload.length, 66560)
})

t.test('streaming-signed-trailer: LF after the trailer and an empty line before its signature → decoded', async t => {
  const body = frames(
    trailerSignatures,
    `x-amz-checksum-crc32c:sOO8/Q==\n\r\nx-amz-trailer-signature:${trailerSignature}\r\n\r\n`,
  )
  t.strictSame(decode(trailerOptions, body).result, accepted([['x-amz-checksum-crc32c', 'sOO8/Q==']]))
})

t.test('signed kinds: one byte of data, a signature or a trailer changed → refused', async t => {
  const flips: readonly (readonly [string, ChunkedOptions, string])[] = [
    ['data of the first chunk', signedOptions, signedBody.replace('\r\na', '\r\nb')],
    ['data of the second chunk', signedOptions, signedBody.replace(/a\r\n0;/, 'b\r\n0;')],
    ['signature of the first chunk', signedOptions, signedBody.replace('=ad80', '=ad81')],
    ['signature of the last chunk', signedOptions, signedBody.replace('=b6c6', '=b6c7')],
    ['signature in upper case', signedOptions, signedBody.replace('=ad80', '=AD80')],
    ['another seed', { ...signedOptions, signing: signingFrom(trailerSeed) }, signedBody],
    ['value of the trailer', trailerOptions, trailerBody.replace('sOO8', 'sOO9')],
    ['signature of the trailer', trailerOptions, trailerBody.replace('d81f', 'd81e')],
  ]
  for (const [title, options, body] of flips) {
    const { result } = decode(options, body)
    t.match(result, { code: 'chunk-signature-mismatch', detail: { accessKeyId: example.accessKeyId } }, title)
  }
  const { result } = decode(signedOptions, signedBody.replace('=ad80', '=ad81'))
  if (!(result instanceof Fault)) throw new Error('accepted')
  t.equal(
    result.detail['stringToSign'],
    [
      'AWS4-HMAC-SHA256-PAYLOAD',
      '20130524T000000Z',
      '20130524/us-east-1/s3/aws4_request',
      signedSeed,
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
      'bf718b6f653bebc184e1479f1935b8da974d701b893afcf49e701f3e2f9f9c5a',
    ].join('\n'),
  )
})

t.test('streaming-unsigned-trailer: well-formed bodies → decoded', async t => {
  const value = 'M3eFcAZSQlc='
  const cases: readonly (readonly [string, ChunkedOptions, string, string, readonly (readonly [string, string])[]])[] =
    [
      [
        'with a trailer',
        unsigned(5, [crc64]),
        `5\r\nhello\r\n0\r\n${crc64}:${value}\r\n\r\n`,
        'hello',
        [[crc64, value]],
      ],
      [
        'blanks round the value',
        unsigned(5, [crc64]),
        `5\r\nhello\r\n0\r\n${crc64}: ${value} \r\n\r\n`,
        'hello',
        [[crc64, value]],
      ],
      [
        'name in capitals',
        unsigned(5, [crc64]),
        `5\r\nhello\r\n0\r\n${crc64.toUpperCase()}:${value}\r\n\r\n`,
        'hello',
        [[crc64, value]],
      ],
      [
        'LF and one CRLF more',
        unsigned(5, [crc64]),
        `5\r\nhello\r\n0\r\n${crc64}:${value}\n\r\n\r\n`,
        'hello',
        [[crc64, value]],
      ],
      ['no trailer', unsigned(5), '5\r\nhello\r\n0\r\n\r\n', 'hello', []],
      ['no payload', unsigned(0), '0\r\n\r\n', '', []],
      ['capital digits, leading zeros', unsigned(10), '0000A\r\ndummy data\r\n00\r\n\r\n', 'dummy data', []],
      ['line breaks in the data', unsigned(8), '8\r\n\r\n0\r\n\r\n\n\r\n0\r\n\r\n', '\r\n0\r\n\r\n\n', []],
    ]
  for (const [title, options, body, payload, trailers] of cases)
    for (const step of [body.length, 1])
      t.strictSame(decode(options, body, step), { payload, result: accepted(trailers) }, `${title}, step ${step}`)
})

t.test('streaming-unsigned-trailer: broken framing → body-truncated', async t => {
  const bodies = [
    'A\ndummy data\r\n0\r\n\r\n',
    'A\r\ndummy data0\r\n\r\n',
    'A\r\ndummy data\n0\r\n\r\n',
    'B\r\ndummy data\r\n0\r\n\r\n',
    'A\r\ndummy data\r\n0\r\n',
    'A\r\ndummy data\r\n',
    'A\r\ndummy data',
    'A\r\n',
    'A\r\nA\r\ndummy data\r\n0\r\n\r\n',
    'size\r\ndummy data\r\n0\r\n\r\n',
    '-A\r\ndummy data\r\n0\r\n\r\n',
    '0xA\r\ndummy data\r\n0\r\n\r\n',
    ' A\r\ndummy data\r\n0\r\n\r\n',
    'A;x=y\r\ndummy data\r\n0\r\n\r\n',
    '\r\n0\r\n\r\n',
    `${'0'.repeat(5000)}A\r\ndummy data\r\n0\r\n\r\n`,
    '10000000000000000A\r\ndummy data\r\n0\r\n\r\n',
    'FFFFFFFFFFFFF\r\ndummy data\r\n0\r\n\r\n',
    'A\r\ndummy data\r\n0\r\n\r\nmore',
    'A\r\ndummy data\r\n0\r\n\r\n\r\n\r\n',
    'A\r\ndummy data\r\n0\r\n\r\n\n',
    '',
  ]
  for (const body of bodies)
    for (const step of [Math.max(1, body.length), 1])
      t.match(decode(unsigned(10), body, step).result, { code: 'body-truncated' }, JSON.stringify(body.slice(0, 40)))
})

t.test('decoded length: other than declared → body-truncated, with no byte beyond it passed on', async t => {
  for (const declared of [5, 9, 11, 200]) {
    const { payload, result } = decode(unsigned(declared), 'A\r\ndummy data\r\n0\r\n\r\n')
    t.match(result, { code: 'body-truncated', detail: { message: /^You did not provide the number of bytes/ } })
    t.ok(payload.length <= declared)
  }
})

t.test('trailers: not those announced → trailer-malformed', async t => {
  const bodies: readonly (readonly [ChunkedOptions, string])[] = [
    [unsigned(5, [crc64]), '5\r\nhello\r\n0\r\n\r\n'],
    [unsigned(5, [crc64]), '5\r\nhello\r\n0\r\n:M3eFcAZSQlc=\r\n\r\n'],
    [unsigned(5), `5\r\nhello\r\n0\r\n${crc64}:M3eFcAZSQlc=\r\n\r\n`],
    [unsigned(5, [crc64]), '5\r\nhello\r\n0\r\ninvalid_trailer:M3eFcAZSQlc=\r\n\r\n'],
    [unsigned(5, [crc64]), `5\r\nhello\r\n0\r\n${crc64}:a\r\n${crc64}:a\r\n\r\n`],
    [unsigned(5, [crc64]), `5\r\nhello\r\n0\r\n${crc64}\r\n\r\n`],
    [unsigned(5, [crc64]), `5\r\nhello\r\n0\r\n${crc64}:\x01\r\n\r\n`],
    [unsigned(5, [crc64]), `5\r\nhello\r\n0\r\n${crc64}:${'x'.repeat(5000)}\r\n\r\n`],
    [trailerOptions, frames(trailerSignatures, '\r\n')],
    [trailerOptions, frames(trailerSignatures, 'x-amz-checksum-crc32c:sOO8/Q==\r\n\r\n\r\n').slice(0, -2)],
    [signedOptions, signedBody.replace(/\r\n$/, 'x-amz-checksum-crc32c:sOO8/Q==\r\n\r\n')],
  ]
  for (const [options, body] of bodies) {
    const { result } = decode(options, body)
    const expected = body.endsWith('==\r\n\r\n') && options === trailerOptions ? 'body-truncated' : 'trailer-malformed'
    t.match(result, { code: expected }, JSON.stringify(body.slice(-60)))
  }
})

t.test('chunk below 8,192 bytes that is not the last → chunk-size-invalid', async t => {
  const body = (sizes: readonly number[]) =>
    `${sizes.map(size => `${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`).join('')}0\r\n\r\n`
  const total = (sizes: readonly number[]) => sizes.reduce((sum, size) => sum + size, 0)
  for (const sizes of [[8192, 8192, 100], [100], [10000, 9500, 20], [8200, 8201, 10000, 10]])
    t.strictSame(decode(unsigned(total(sizes)), body(sizes)).result, accepted(), sizes.join())
  const refused: readonly (readonly [readonly number[], number, number])[] = [
    [[3, 2], 2, 3],
    [[100, 8192, 100], 2, 100],
    [[8192, 10, 100], 3, 10],
    [[10000, 8191, 8192, 8192], 3, 8191],
  ]
  for (const [sizes, chunk, badChunkSize] of refused)
    t.match(
      decode(unsigned(total(sizes)), body(sizes)).result,
      { code: 'chunk-size-invalid', detail: { chunk, badChunkSize } },
      sizes.join(),
    )
})

t.test('after a fault: every later call → the same fault', async t => {
  const decoder = new AwsChunkedDecoder(unsigned(5), () => t.fail('payload'))
  const first = decoder.write(Buffer.from('z\r\n'))
  t.match(first, { code: 'body-truncated' })
  t.equal(decoder.write(Buffer.from('5\r\nhello\r\n0\r\n\r\n')), first)
  t.equal(decoder.end(), first)
})

t.test('signed kinds: no signing key → a programming error', async t => {
  t.throws(
    () => new AwsChunkedDecoder({ kind: 'streaming-signed', decodedBytes: 1, trailers: [] }, () => {}),
    TypeError,
  )
})
