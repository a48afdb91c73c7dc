/** However a body is cut, it decodes to the same; whatever arrives, the decoder answers and stays within its bounds. */
import { createHash, createHmac } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { Fault } from '../../protocol/fault.ts'
import { AwsChunkedDecoder, type ChunkedOptions } from '../../protocol/sigv4/chunked.ts'
import { SigningKeys } from '../../protocol/sigv4/signing-key.ts'

const amzDate = '20130524T000000Z'
const scope = '20130524/us-east-1/s3/aws4_request'
const seed = 'ab'.repeat(32)
const key = new SigningKeys(2).get('secret', '20130524', 'us-east-1', 's3')
const signing = { key, seed, amzDate, accessKeyId: 'AKID' }

/** An encoder of the tests' own, by the letter of the reference, so that both sides cannot share a mistake. */
const hmac = (secret: string | Buffer, text: string) => createHmac('sha256', secret).update(text).digest()
const signingKey = ['us-east-1', 's3', 'aws4_request'].reduce(hmac, hmac('AWS4secret', '20130524'))
const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex')

interface Body {
  readonly kind: ChunkedOptions['kind']
  readonly chunks: readonly Buffer[]
  readonly trailers: readonly (readonly [string, string])[]
}

function encode({ kind, chunks, trailers }: Body): Buffer {
  let prior = seed
  const parts: (string | Buffer)[] = []
  const link = (head: string, tail: string) => {
    prior = hmac(signingKey, `${head}\n${amzDate}\n${scope}\n${prior}\n${tail}`).toString('hex')
    return prior
  }
  for (const chunk of [...chunks, Buffer.alloc(0)]) {
    const size = chunk.length.toString(16)
    if (kind === 'streaming-unsigned-trailer') parts.push(`${size}\r\n`)
    else
      parts.push(`${size};chunk-signature=${link('AWS4-HMAC-SHA256-PAYLOAD', `${sha256('')}\n${sha256(chunk)}`)}\r\n`)
    if (chunk.length > 0) parts.push(chunk, '\r\n')
  }
  if (kind !== 'streaming-signed') for (const [name, value] of trailers) parts.push(`${name}:${value}\r\n`)
  if (kind === 'streaming-signed-trailer') {
    const text = trailers.map(([name, value]) => `${name}:${value}\n`).join('')
    parts.push(`x-amz-trailer-signature:${link('AWS4-HMAC-SHA256-TRAILER', sha256(text))}\r\n`)
  }
  parts.push('\r\n')
  return Buffer.concat(parts.map(part => Buffer.from(part as string)))
}

const optionsOf = (body: Body): ChunkedOptions => ({
  kind: body.kind,
  decodedBytes: body.chunks.reduce((sum, chunk) => sum + chunk.length, 0),
  trailers: body.kind === 'streaming-signed' ? [] : body.trailers.map(([name]) => name),
  signing,
})

/** Cuts bytes into pieces whose lengths come from a list, over and over. */
function* pieces(bytes: Buffer, lengths: readonly number[]): Generator<Buffer> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const length = lengths[turn % lengths.length]!
    yield bytes.subarray(at, at + length)
    at += length
  }
}

function decode(options: ChunkedOptions, bytes: Buffer, lengths: readonly number[]) {
  const payload: Buffer[] = []
  let received = 0
  const decoder = new AwsChunkedDecoder(options, slice => {
    received += slice.length
    payload.push(Buffer.from(slice))
  })
  for (const piece of pieces(bytes, lengths)) {
    const fault = decoder.write(piece)
    if (fault !== undefined) return { result: fault, payload, received }
  }
  return { result: decoder.end(), payload, received }
}

const kind = fc.constantFrom('streaming-signed', 'streaming-signed-trailer', 'streaming-unsigned-trailer')
const body: fc.Arbitrary<Body> = fc.record({
  kind,
  chunks: fc
    .tuple(
      fc.array(fc.integer({ min: 8192, max: 9000 }), { maxLength: 3 }),
      fc.integer({ min: 0, max: 300 }),
      fc.integer({ min: 0, max: 255 }),
    )
    .map(([sizes, last, fill]) =>
      [...sizes, ...(last === 0 ? [] : [last])].map((size, i) => {
        const chunk = Buffer.alloc(size, fill + i)
        // Line breaks within the data must not be taken for framing.
        chunk.write('\r\n0\r\n\r\n'.slice(0, size), 0)
        return chunk
      }),
    ),
  trailers: fc
    .uniqueArray(fc.constantFrom('x-amz-checksum-crc32', 'x-amz-checksum-sha256', 'x-amz-meta-t'), { maxLength: 2 })
    .map(names => names.map(name => [name, 'AAAAAA=='] as const)),
})
const lengths = fc.array(
  fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 20000 })),
  { minLength: 1, maxLength: 6 },
)

t.test('AwsChunkedDecoder: a valid body, cut anywhere → its payload and its trailers', async () => {
  fc.assert(
    fc.property(body, lengths, (from, cuts) => {
      const { result, payload } = decode(optionsOf(from), encode(from), cuts)
      if (result instanceof Fault) return false
      const trailers = from.kind === 'streaming-signed' ? [] : from.trailers
      return (
        Buffer.concat(payload).equals(Buffer.concat(from.chunks)) &&
        JSON.stringify([...result.trailers]) === JSON.stringify(trailers)
      )
    }),
    { numRuns: 600 },
  )
})

t.test('AwsChunkedDecoder: signed kinds, one flipped bit → refused, or the same but for blanks', async () => {
  const chunks = [Buffer.from('hello')]
  const crToTab = (trailer: string): [Body, number[], number, number] => {
    const from: Body = { kind: 'streaming-signed-trailer', chunks, trailers: [['x-amz-checksum-crc32', 'AAAAAA==']] }
    return [from, [1], encode(from).indexOf(`${trailer}\r\n`) + trailer.length, 2]
  }
  fc.assert(
    fc.property(body, lengths, fc.nat(), fc.nat(7), (from, cuts, at, bit) => {
      fc.pre(from.kind !== 'streaming-unsigned-trailer')
      const bytes = encode(from)
      const clean = Buffer.from(bytes)
      const place = at % bytes.length
      bytes[place]! ^= 1 << bit
      // A size's or a trailer name's letters mean the same in either case.
      fc.pre(bytes.toString('latin1').toLowerCase() !== clean.toString('latin1').toLowerCase())
      const { result, payload } = decode(optionsOf(from), bytes, cuts)
      if (result instanceof Fault) return true
      // The one bit between CR and TAB: a trailer's value is signed without the blanks around it, and its line may end
      // with LF alone.
      const inTrailers = place > clean.lastIndexOf('0;chunk-signature=')
      return (
        inTrailers &&
        clean[place] === 13 &&
        bytes[place] === 9 &&
        Buffer.concat(payload).equals(Buffer.concat(from.chunks)) &&
        JSON.stringify([...result.trailers]) === JSON.stringify(from.trailers)
      )
    }),
    { numRuns: 600, examples: [crToTab('AAAAAA=='), crToTab('hello')] },
  )
})

t.test('AwsChunkedDecoder: cut short anywhere, or with bytes after the end → refused', async () => {
  fc.assert(
    fc.property(body, lengths, fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 9 }), (from, cuts, at, more) => {
      const bytes = encode(from)
      const short = decode(optionsOf(from), bytes.subarray(0, at % bytes.length), cuts).result
      // One CRLF after the end is what some clients write.
      fc.pre(Buffer.from(more).toString('latin1') !== '\r\n')
      const long = decode(optionsOf(from), Buffer.concat([bytes, more]), cuts).result
      const tail = Buffer.from(more).toString('latin1')
      return short instanceof Fault && (long instanceof Fault || '\r\n'.startsWith(tail))
    }),
    { numRuns: 600 },
  )
})

const fragment = fc.oneof(
  { weight: 2, arbitrary: fc.uint8Array({ maxLength: 40 }).map(bytes => Buffer.from(bytes)) },
  fc
    .constantFrom(
      '0\r\n',
      '5\r\nhello\r\n',
      '2000\r\n',
      'fffffffffffff\r\n',
      '\r\n',
      '\n',
      '\r',
      ';chunk-signature=',
      `0;chunk-signature=${'0'.repeat(64)}\r\n`,
      'x-amz-checksum-crc32:AAAAAA==\r\n',
      'x-amz-trailer-signature:00\r\n',
      '0'.repeat(5000),
    )
    .map(text => Buffer.from(text)),
)
t.test('AwsChunkedDecoder: arbitrary bytes, cut anywhere → never throws, one answer, bounded payload', async () => {
  fc.assert(
    fc.property(kind, fc.array(fragment, { maxLength: 20 }), lengths, fc.nat(20000), (kind, parts, cuts, declared) => {
      const options = { kind, decodedBytes: declared, trailers: ['x-amz-checksum-crc32'], signing }
      const bytes = Buffer.concat(parts)
      const cut = decode(options, bytes, cuts)
      const whole = decode(options, bytes, [Math.max(1, bytes.length)])
      const code = (result: typeof cut.result) => (result instanceof Fault ? result.code : '')
      return cut.received <= declared && code(cut.result) === code(whole.result)
    }),
    { numRuns: 5000 },
  )
})
