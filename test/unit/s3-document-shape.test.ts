import t from 'tap'
import { Fault } from '../../protocol/fault.ts'
import {
  integer,
  mark,
  oneOf,
  optional,
  readDocument,
  record,
  repeated,
  required,
  text,
  timestamp,
  trueOrFalse,
  wrapped,
  writeDocument,
} from '../../protocol/s3/document-shape.ts'
import { formatTimestamp, parseTimestamp } from '../../protocol/s3/timestamps.ts'

const shape = record({
  name: required('Name', text),
  size: optional('Size', integer),
  on: optional('On', trueOrFalse),
  kind: optional('Kind', oneOf('A', 'B')),
  at: optional('At', timestamp),
  there: optional('There', mark),
  items: repeated('Item', record({ value: required('Value', text) })),
  fields: wrapped('Fields', 'Field', text),
})
const read = (content: string) => readDocument('Root', shape, Buffer.from(`<Root>${content}</Root>`))

t.test('readDocument: every kind of member, in any order → its value', async t => {
  t.same(
    read(
      '<Fields><Field>x</Field><Field/></Fields><Item><Value>1</Value></Item><Size> -7 </Size><On>True</On>\n' +
        '<Kind> B </Kind><At>2030-01-01T00:00:00Z</At><There/><Name> a b </Name><Item><Value>2</Value></Item>',
    ),
    {
      name: ' a b ',
      size: -7,
      on: true,
      kind: 'B',
      at: Date.UTC(2030, 0, 1),
      there: true,
      items: [{ value: '1' }, { value: '2' }],
      fields: ['x', ''],
    },
  )
  t.same(read('<Name/>'), { name: '', items: [] }, 'what is not there has no member')
})

for (const [title, content] of [
  ['a missing child', ''],
  ['a child twice', '<Name>a</Name><Name>b</Name>'],
  ['an optional child twice', '<Name>a</Name><Size>1</Size><Size>1</Size>'],
  ['a child it does not know', '<Name>a</Name><Other/>'],
  ['text between children', '<Name>a</Name>text'],
  ['children in a text', '<Name><b/></Name>'],
  ['a word that is none', '<Name>a</Name><Kind>C</Kind>'],
  ['a word in lower case', '<Name>a</Name><Kind>a</Kind>'],
  ['a number that is none', '<Name>a</Name><Size>1.5</Size>'],
  ['an empty number', '<Name>a</Name><Size/>'],
  ['a number beyond 32 bits', '<Name>a</Name><Size>2147483648</Size>'],
  ['a truth that is none', '<Name>a</Name><On>1</On>'],
  ['a day that is none', '<Name>a</Name><At>2030-02-30T00:00:00Z</At>'],
  ['a mark with something in it', '<Name>a</Name><There>x</There>'],
  ['a wrong item', '<Name>a</Name><Item/>'],
  ['a wrapper twice', '<Name>a</Name><Fields/><Fields/>'],
  ['a wrapper with others', '<Name>a</Name><Fields><Other/></Fields>'],
] as const)
  t.test(`readDocument: ${title} → malformed`, async t => {
    const value = read(content)
    t.equal(value instanceof Fault && value.code, 'xml-malformed')
  })

t.test('readDocument: no XML, another root → malformed', async t => {
  for (const body of ['', 'text', '<Root>', '<Other><Name/></Other>']) {
    const value = readDocument('Root', shape, Buffer.from(body))
    t.equal(value instanceof Fault && value.code, 'xml-malformed', body)
  }
})

t.test('writeDocument: a value → its elements in the shape’s order, escaped, in the namespace', async t => {
  const open = '<?xml version="1.0" encoding="UTF-8"?>\n<Root xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
  t.equal(
    writeDocument('Root', shape, {
      fields: [],
      items: [{ value: '<&>' }],
      there: true,
      at: 0,
      kind: 'A',
      on: false,
      size: 0,
      name: 'a',
    }),
    `${open}><Name>a</Name><Size>0</Size><On>false</On><Kind>A</Kind><At>1970-01-01T00:00:00.000Z</At><There/>` +
      '<Item><Value>&lt;&amp;&gt;</Value></Item><Fields/></Root>',
  )
  t.equal(writeDocument('Root', record({ a: optional('A', text) }), {}), `${open}/>`)
})

t.test('timestamps: forms of ISO 8601 → milliseconds', async t => {
  const at = Date.UTC(2030, 0, 2, 3, 4, 5, 678)
  for (const text of [
    '2030-01-02T03:04:05.678Z',
    '2030-01-02T03:04:05.678999999Z',
    '2030-01-02T05:04:05.678+02:00',
    '2030-01-01T23:34:05.678-0330',
  ])
    t.equal(parseTimestamp(text), at, text)
  t.equal(parseTimestamp('2030-01-02T03:04:05Z'), at - 678)
  t.equal(parseTimestamp('2030-01-02T03:04:05.6Z'), at - 78)
  t.equal(formatTimestamp(at), '2030-01-02T03:04:05.678Z')
  for (const text of ['', '2030-01-02', '2030-01-02T03:04:05', '2030-13-02T03:04:05Z', '2030-01-02T24:00:00Z', 'abc'])
    t.equal(parseTimestamp(text), undefined, text)
})
