/** multipart/form-data: what browsers and libraries send is read, what they do not send is refused. */
import t from 'tap'
import { Fault } from '../../protocol/fault.ts'
import { FormDataDecoder, type FormHead, parseBoundary } from '../../protocol/form-data.ts'
import { boundary, encodeForm, encodeParts, fileNameVariable } from '../support/forms.ts'

const limit = 20_480

interface Read {
  readonly head: FormHead | undefined
  readonly file: string
  readonly fault: Fault | undefined
}

function read(body: string | Uint8Array, options: { step?: number; between?: string; limitBytes?: number } = {}): Read {
  const bytes = typeof body === 'string' ? Buffer.from(body, 'latin1') : Buffer.from(body)
  const { step = Math.max(bytes.length, 1), between = boundary, limitBytes = limit } = options
  let head: FormHead | undefined
  const file: Buffer[] = []
  const decoder = new FormDataDecoder(between, limitBytes, {
    file: all => {
      head = all
    },
    chunk: slice => file.push(Buffer.from(slice)),
  })
  let fault: Fault | undefined
  for (let at = 0; at < bytes.length; at += step) fault = decoder.write(bytes.subarray(at, at + step))
  return { head, file: Buffer.concat(file).toString('latin1'), fault: decoder.end() ?? fault }
}

/** A part as it would stand in a body, for what the encoder does not write. */
const part = (headers: string, content: string) => `--${boundary}\r\n${headers}\r\n\r\n${content}\r\n`
const named = (name: string) => `Content-Disposition: form-data; name="${name}"`
const file = part(`${named('file')}; filename="foo.txt"`, 'bar')
const end = `--${boundary}--\r\n`
const fieldsOf = ({ head }: Read) => head?.fields.map(({ name, value }) => [name, value])

t.test(
  'FormDataDecoder: a form, whole and in steps → its fields in order, its file, nothing of what follows',
  async t => {
    const body = encodeForm({
      fields: [
        ['key', `a/ü ${fileNameVariable}`],
        ['x-amz-meta-a', ''],
        ['x-amz-meta-a', 'two\r\nlines'],
        ['Policy', 'e30='],
      ],
      file: 'the\r\nfile',
      fileName: 'grüße.txt',
      fileType: 'text/plain',
      after: [{ name: 'submit', content: 'Upload' }],
    })
    const head = body.indexOf('the\r\nfile')
    for (const step of [body.length, 1, 2, 3, 7, 64, 100]) {
      const found = read(body, { step })
      t.equal(found.fault, undefined)
      t.same(fieldsOf(found), [
        ['key', `a/ü ${fileNameVariable}`],
        ['x-amz-meta-a', ''],
        ['x-amz-meta-a', 'two\r\nlines'],
        ['Policy', 'e30='],
      ])
      t.match(found.head, { fileName: 'grüße.txt', contentType: 'text/plain', sizeBytes: head })
      t.equal(found.file, 'the\r\nfile')
    }
  },
)

t.test('FormDataDecoder: bytes that almost end the file → are the file’s', async t => {
  for (const content of [
    '',
    '\r',
    '\r\n',
    '\r\n\r\n',
    `--${boundary}`,
    `\n--${boundary}--`,
    `\r\n--${boundary.slice(0, -1)}`,
    `\r\n--${boundary.slice(0, -1)}\r\n--${boundary.slice(0, -1)}`,
    `\r\r\n-\r\n--\r\n--${boundary.slice(1)}`,
    '\r\n--\r\n--',
    `\r\n--${boundary.toLowerCase()}--\r\n`,
  ])
    for (let step = 1; step < 60; step++) {
      const found = read(encodeForm({ fields: { key: 'k' }, file: content }), { step })
      t.same([found.fault, found.file], [undefined, content], `${JSON.stringify(content)} in steps of ${step}`)
    }
})

t.test(
  'FormDataDecoder: the file’s bytes → handed on without being copied, all in the first part of a write',
  async t => {
    const body = encodeForm({ fields: { key: 'k' }, file: 'x'.repeat(100_000) })
    const slices: Uint8Array[] = []
    const decoder = new FormDataDecoder(boundary, limit, { file() {}, chunk: slice => slices.push(slice) })
    t.equal(decoder.write(body), undefined)
    t.same(
      slices.map(slice => [slice.buffer === body.buffer, slice.length]),
      [[true, 100_000]],
    )
  },
)

t.test('FormDataDecoder: forms that are written otherwise → read', async t => {
  const written: readonly (readonly [string, string])[] = [
    [
      'text before the first boundary and after the last',
      `preamble\r\n\r\n${part(named('key'), 'k')}${file}${end}rest`,
    ],
    ['a line break first', `\r\n${part(named('key'), 'k')}${file}${end}`],
    ['nothing behind the last dashes', `${part(named('key'), 'k')}${file}${end.trimEnd()}`],
    ['blanks behind a boundary', `${part(named('key'), 'k').replace('\r\n', ' \t\r\n')}${file}${end}`],
    ['names without quotes', `${part('Content-Disposition: form-data; name=key', 'k')}${file}${end}`],
    ['header names and types in capitals', `${part('CONTENT-DISPOSITION:FORM-DATA;NAME="key"', 'k')}${file}${end}`],
    ['further headers', `${part(`X-A: b\r\n${named('key')}\r\nContent-Length: 1`, 'k')}${file}${end}`],
    [
      'a field with a file name and a type',
      `${part(`${named('key')}; filename="key"\r\nContent-Type: a/b`, 'k')}${file}${end}`,
    ],
    ['a semicolon at the end', `${part(`${named('key')};`, 'k')}${file}${end}`],
  ]
  for (const [title, body] of written) {
    const found = read(body)
    t.same([found.fault, fieldsOf(found), found.file], [undefined, [['key', 'k']], 'bar'], title)
  }
})

t.test('FormDataDecoder: names of files → as sent', async t => {
  const names: readonly (readonly [string, string | undefined])[] = [
    ['; filename="a;b=c.txt"', 'a;b=c.txt'],
    ['; filename="a\\"b\\\\c"', 'a"b\\c'],
    ['; filename="C:\\dir\\a.txt"', 'C:\\dir\\a.txt'],
    ['; filename=plain.txt ', 'plain.txt'],
    ['; filename=""', ''],
    ['', undefined],
    ["; filename*=UTF-8''a", undefined],
    ['; FILENAME="a"; filename="b"', 'a'],
  ]
  for (const [parameters, expected] of names) {
    const found = read(`${part(`${named('file')}${parameters}`, 'bar')}${end}`)
    t.same([found.fault, found.head?.fileName], [undefined, expected], parameters)
  }
})

t.test('FormDataDecoder: what is no file by its name or kind → a field', async t => {
  const found = read(`${part('Content-Disposition: file; name="file"; filename="a"', 'x')}${file}${end}`)
  t.same([found.fault, fieldsOf(found), found.file], [undefined, [['file', 'x']], 'bar'])
  t.equal(read(`${part(named('FILE'), 'x')}${end}`).file, 'x', 'the name counts without case')
})

const malformed: readonly (readonly [string, string])[] = [
  ['nothing', ''],
  ['no boundary', 'key=value'],
  ['another boundary', encodeForm({ fields: { key: 'k' } }, 'other').toString('latin1')],
  ['cut in a header', `${part(named('key'), 'k')}--${boundary}\r\nContent-Dis`],
  ['cut in the file', file.slice(0, -2)],
  ['no last boundary', file],
  ['cut in the last boundary', `${file}--${boundary}`],
  ['one dash of the last', `${file}--${boundary}-`],
  ['text behind a boundary', `${part(named('key'), 'k').replace('\r\n', 'x\r\n')}${file}${end}`],
  ['text behind a dash', `${file}--${boundary}-x`],
  ['line feeds alone', `${file}${end}`.replaceAll('\r\n', '\n')],
  ['line feed alone behind a header', part(named('file'), 'bar').replace('"\r\n', '"\n') + end],
  ['part without headers', `--${boundary}\r\n\r\nvalue\r\n${file}${end}`],
  ['part without a name', `${part('Content-Disposition: form-data', 'x')}${file}${end}`],
  ['two names', `${part(`${named('a')}\r\n${named('b')}`, 'x')}${file}${end}`],
  ['header without a colon', `${part(`header\r\n${named('a')}`, 'x')}${file}${end}`],
  ['header without a name', `${part(`: x\r\n${named('a')}`, 'x')}${file}${end}`],
  ['folded header', `${part('Content-Disposition: form-data;\r\n name="a"', 'x')}${file}${end}`],
  ['quote without its end', `${part('Content-Disposition: form-data; name="a', 'x')}${file}${end}`],
  ['text behind a quote', `${part('Content-Disposition: form-data; name="a"b', 'x')}${file}${end}`],
  ['no type', `${part('Content-Disposition: ; name="a"', 'x')}${file}${end}`],
  ['wrong part behind the file', `${file}${part('nonsense', 'x')}${end}`],
  ['header line beyond 8 KiB behind the file', `${file}${part(`X: ${'y'.repeat(9000)}\r\n${named('a')}`, 'x')}${end}`],
]
t.test('FormDataDecoder: what is no form → MalformedPOSTRequest, whole and byte by byte', async t => {
  for (const [title, body] of malformed)
    for (const step of [Math.max(1, body.length), 1]) t.equal(read(body, { step }).fault?.code, 'form-malformed', title)
})

t.test('FormDataDecoder: no file, or two → both are named', async t => {
  const message = 'POST requires exactly one file upload per request.'
  for (const [count, body] of [
    ['0', `${part(named('key'), 'k')}${end}`],
    ['0', end],
    ['2', `${file}${part(named('submit'), 'x')}${file}${end}`],
  ] as const)
    t.match(read(body).fault, { code: 'argument-invalid', detail: { name: 'file', value: count, message } }, body)
})

t.test('FormDataDecoder: what is not UTF-8 → refused, in the file it is data', async t => {
  const message = 'Malformed Unicode code sequence in the field.'
  for (const body of [
    `${part(named('key'), 'k\xff')}${file}${end}`,
    `${part(named('\xfc'), 'k')}${file}${end}`,
    `${part(`${named('file')}; filename="\xe9"`, 'x')}${end}`,
  ])
    t.match(read(body).fault, { code: 'argument-invalid', detail: { name: 'formField', message } })
  t.equal(read(`${part(named('file'), '\xff\xfe')}${end}`).file, '\xff\xfe')
})

t.test('FormDataDecoder: bytes before the file → 20,480, not one more, wherever they stand', async t => {
  const sized = (total: number) => {
    const empty = encodeForm({ fields: { key: '' }, file: '' })
    const rest = empty.length - `\r\n${end}`.length
    return encodeForm({ fields: { key: 'k'.repeat(total - rest) }, file: 'x'.repeat(50_000) })
  }
  for (const step of [1 << 20, 1000, 1]) {
    const most = read(sized(limit), { step })
    t.same([most.fault, most.head?.sizeBytes, most.file.length], [undefined, limit, 50_000])
    t.match(read(sized(limit + 1), { step }).fault, { code: 'form-too-large', detail: { limitBytes: limit } })
    t.equal(read(`${part(named('key'), 'k'.repeat(limit))}${file}${end}`, { step }).fault?.code, 'form-too-large')
    t.equal(read(`${'p'.repeat(limit)}\r\n${file}${end}`, { step }).fault?.code, 'form-too-large')
    const many = encodeParts(Array.from({ length: 5000 }, (_, i) => ({ name: `f${i}`, content: '' })))
    t.equal(read(many, { step }).fault?.code, 'form-too-large')
  }
})

t.test('FormDataDecoder: after a fault → the same fault, and no more of the file', async t => {
  let handed = 0
  const decoder = new FormDataDecoder(boundary, limit, { file() {}, chunk: slice => (handed += slice.length) })
  const first = decoder.write(Buffer.from(`${file}--${boundary}nonsense`))
  t.equal(first, undefined, 'the line has not ended')
  const fault = decoder.write(Buffer.from('\r\n'))
  t.equal(fault?.code, 'form-malformed')
  t.equal(decoder.write(Buffer.from(file)), fault)
  t.equal(decoder.end(), fault)
  t.equal(handed, 3)
})

t.test('parseBoundary: a Content-Type → its boundary, or why there is none', async t => {
  const types: readonly (readonly [string, string | undefined])[] = [
    ['multipart/form-data; boundary=abc', 'abc'],
    ['Multipart/Form-Data;charset=utf-8;BOUNDARY="a b:c"', 'a b:c'],
    ['multipart/form-data; boundary=abc ', 'abc'],
    [`multipart/form-data; boundary=${'b'.repeat(70)}`, 'b'.repeat(70)],
    ["multipart/form-data; boundary='()+_,-./:=?", "'()+_,-./:=?"],
    ['', undefined],
    ['text/html', undefined],
    ['multipart/mixed; boundary=abc', undefined],
    ['multipart/form-data-x; boundary=abc', undefined],
    ['application/x-www-form-urlencoded', undefined],
  ]
  for (const [type, expected] of types) t.equal(parseBoundary(type), expected, type)
  for (const type of [
    'multipart/form-data',
    'multipart/form-data;',
    'multipart/form-data; boundary=',
    'multipart/form-data; boundary=""',
    'multipart/form-data; boundary=" "',
    'multipart/form-data; boundary="a "',
    'multipart/form-data; boundary="a',
    'multipart/form-data; nonsense',
    'multipart/form-data; boundary=a\u00fc',
    'multipart/form-data; boundary="a\rb"',
    `multipart/form-data; boundary=${'b'.repeat(71)}`,
  ]) {
    const answer = parseBoundary(type)
    t.equal(answer instanceof Fault && answer.code, 'form-malformed', type)
  }
})
