/** However a form is cut, it reads the same; whatever arrives, the decoder answers and stays within its bounds. */
import fc from 'fast-check'
import t from 'tap'
import { Fault } from '../../protocol/fault.ts'
import { FormDataDecoder, type FormHead, parseBoundary } from '../../protocol/form-data.ts'
import { parsePolicy } from '../../protocol/s3/post-policy.ts'
import { encodeParts, type FormPart } from '../support/forms.ts'

const limit = 20_480

/** Cuts bytes into pieces whose lengths come from a list, over and over. */
function* pieces(bytes: Buffer, lengths: readonly number[]): Generator<Buffer> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const length = lengths[turn % lengths.length]!
    yield bytes.subarray(at, at + length)
    at += length
  }
}

interface Read {
  readonly head: FormHead | undefined
  readonly file: Buffer
  readonly result: Fault | undefined
}

function read(boundary: string, bytes: Buffer, lengths: readonly number[], limitBytes = limit): Read {
  let head: FormHead | undefined
  const file: Buffer[] = []
  const decoder = new FormDataDecoder(boundary, limitBytes, {
    file: all => {
      head = all
    },
    chunk: slice => file.push(Buffer.from(slice)),
  })
  for (const piece of pieces(bytes, lengths)) {
    const copy = Buffer.from(piece)
    const fault = decoder.write(copy)
    copy.fill(0)
    if (fault !== undefined) return { head, file: Buffer.concat(file), result: fault }
  }
  return { head, file: Buffer.concat(file), result: decoder.end() }
}

const boundary = fc.oneof(
  fc.constantFrom('b', '--', '-', 'AaB03x', "'()+_,-./:=?", '----WebKitFormBoundary7MA4YWxkTrZu0gW', '='.repeat(70)),
  fc.string({ unit: fc.constantFrom('a', 'b', '-', ' '), minLength: 0, maxLength: 20 }).map(text => `${text}-`),
)
/** Mostly pieces of a delimiter: what a careless search mistakes for one, or misses one in. */
const content = (between: string) => {
  const delimiter = `\r\n--${between}`
  const piece = fc.oneof(
    fc.nat(delimiter.length - 1).map(length => Buffer.from(delimiter.slice(0, length))),
    fc.constantFrom('\r', '\n', '\r\n', '-', '--', 'x').map(text => Buffer.from(text)),
    fc.uint8Array({ maxLength: 30 }).map(bytes => Buffer.from(bytes)),
  )
  return fc
    .array(piece, { maxLength: 12 })
    .map(list => Buffer.concat(list))
    .filter(bytes => !Buffer.concat([Buffer.from('\r\n'), bytes, Buffer.from('\r\n--')]).includes(delimiter))
}
const form = boundary.chain(between =>
  fc.record({
    between: fc.constant(between),
    fields: fc.array(
      fc
        .tuple(fc.stringMatching(/^[A-Za-z-]{1,12}$/), fc.string({ unit: 'grapheme', maxLength: 40 }))
        .filter(([name, value]) => name.toLowerCase() !== 'file' && !`\r\n${value}\r\n--`.includes(`\r\n--${between}`)),
      { maxLength: 5 },
    ),
    file: content(between),
    fileName: fc.option(
      fc.string({ unit: 'grapheme', maxLength: 20 }).filter(name => !/[\\"\r\n]/.test(name)),
      {
        nil: undefined,
      },
    ),
    after: fc.array(
      content(between).map((bytes): FormPart => ({ name: 'after', content: bytes })),
      { maxLength: 2 },
    ),
  }),
)
const lengths = fc.array(fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 200 })), {
  minLength: 1,
  maxLength: 6,
})
type Form = typeof form extends fc.Arbitrary<infer F> ? F : never

function encode({ between, fields, file, fileName, after }: Form): Buffer {
  const parts: FormPart[] = fields.map(([name, value]) => ({ name, content: value }))
  const last = { name: 'file', content: file, ...(fileName === undefined ? {} : { fileName }) }
  return encodeParts([...parts, last, ...after], between)
}

t.test('FormDataDecoder: a form, cut anywhere → its fields, its file’s name and bytes', async () => {
  fc.assert(
    fc.property(form, lengths, (from, cuts) => {
      const { head, file, result } = read(from.between, encode(from), cuts)
      return (
        result === undefined &&
        file.equals(from.file) &&
        head?.fileName === from.fileName &&
        JSON.stringify(head?.fields.map(({ name, value }) => [name, value])) === JSON.stringify(from.fields)
      )
    }),
    { numRuns: 1200 },
  )
})

t.test('FormDataDecoder: cut short anywhere before its last dash → refused', async () => {
  fc.assert(
    fc.property(form, lengths, fc.nat(), (from, cuts, at) => {
      const bytes = encode(from)
      // The line break behind the last dashes is no one's need.
      return read(from.between, bytes.subarray(0, at % (bytes.length - 2)), cuts).result instanceof Fault
    }),
    { numRuns: 600 },
  )
})

const fragment = fc.oneof(
  { weight: 2, arbitrary: fc.uint8Array({ maxLength: 40 }).map(bytes => Buffer.from(bytes)) },
  fc
    .constantFrom(
      '--b',
      '--b--',
      '\r\n--b',
      '\r\n--b\r\n',
      '\r\n--b--\r\n',
      '\r\n',
      '\r\n\r\n',
      'Content-Disposition: form-data; name="file"; filename="a"\r\n\r\n',
      'Content-Disposition: form-data; name="key"\r\n\r\n',
      'content-disposition:form-data;name=a\r\n',
      'Content-Type: text/plain\r\n',
      'Content-Disposition: form-data; name="',
    )
    .map(text => Buffer.from(text)),
  // Longer than a line may be; only counted, so that a counterexample can be read.
  fc.integer({ min: 8000, max: 9000 }).map(length => Buffer.alloc(length, '; ')),
)
t.test('FormDataDecoder: arbitrary bytes, cut anywhere → never throws, one answer, bounded', async () => {
  fc.assert(
    fc.property(fc.array(fragment, { maxLength: 20 }), lengths, fc.nat(30_000), (parts, cuts, limitBytes) => {
      const bytes = Buffer.concat(parts)
      const cut = read('b', bytes, cuts, limitBytes)
      const whole = read('b', bytes, [Math.max(1, bytes.length)], limitBytes)
      const kept = cut.head?.fields.reduce((sum, { name, value }) => sum + name.length + Buffer.byteLength(value), 0)
      return (
        cut.result?.code === whole.result?.code &&
        JSON.stringify(cut.head) === JSON.stringify(whole.head) &&
        (kept ?? 0) <= limitBytes &&
        (cut.result !== undefined || cut.file.equals(whole.file))
      )
    }),
    { numRuns: 2000 },
  )
})

t.test('parseBoundary: arbitrary Content-Types → a usable boundary or none', async () => {
  const type = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.string({ unit: 'binary', maxLength: 100 }).map(text => `multipart/form-data; boundary=${text}`),
    fc.string({ unit: 'binary', maxLength: 100 }).map(text => `multipart/form-data; boundary="${text}"; a=b`),
  )
  fc.assert(
    fc.property(type, text => {
      const found = parseBoundary(text)
      return typeof found !== 'string' || (found.length > 0 && found.length <= 70 && !/[^ -~]/.test(found))
    }),
    { numRuns: 5000 },
  )
})

t.test('parsePolicy: arbitrary documents → a policy or InvalidPolicyDocument', async () => {
  const word = fc.constantFrom('eq', 'starts-with', 'content-length-range', '$key', 'key', '', 'StArTs-WiTh')
  const value = fc.oneof(word, fc.double(), fc.integer(), fc.jsonValue({ maxDepth: 2 }))
  const condition = fc.oneof(
    fc.array(value, { maxLength: 4 }),
    fc.dictionary(fc.string(), value, { maxKeys: 2 }),
    value,
  )
  const document = fc.oneof(
    fc.record(
      { expiration: fc.oneof(fc.constant('2030-01-01T00:00:00Z'), value), conditions: fc.array(condition) },
      { requiredKeys: [] },
    ),
    fc.jsonValue(),
  )
  const base64 = fc.oneof(
    document.map(json => Buffer.from(JSON.stringify(json)).toString('base64')),
    fc.string(),
    fc.base64String(),
    fc
      .nat(7000)
      .map(depth => Buffer.from(`{"expiration":${'['.repeat(depth)}${']'.repeat(depth)}}`).toString('base64')),
  )
  fc.assert(
    fc.property(base64, text => {
      const found = parsePolicy(text)
      return found instanceof Fault ? found.code === 'form-policy-malformed' : Number.isInteger(found.expiresAtMs)
    }),
    { numRuns: 2000 },
  )
})
