import t from 'tap'
import { dueAfterDays, msPerDay } from '../../protocol/s3/due-date.ts'
import { readBoolean, readContent, readDate, readInteger, readLong } from '../../protocol/s3/schema.ts'
import { parseXml } from '../../protocol/xml.ts'

const shape = { One: 'text', Many: 'texts', Tree: 'element', Trees: 'elements' } as const
const read = (inside: string) => readContent(parseXml(Buffer.from(`<Root>${inside}</Root>`))!, shape)

t.test('readContent: children in any order → by name, texts as sent', async t => {
  const content = read('<Many> a </Many><Tree><x/></Tree>\n<One>1</One><Many/><Trees/><Trees><y/></Trees>')!
  t.equal(content.One, '1')
  t.same(content.Many, [' a ', ''])
  t.equal(content.Tree?.children[0]?.name, 'x')
  t.equal(content.Trees.length, 2)
})

t.test('readContent: nothing → nothing', async t => {
  t.same(read(''), { One: undefined, Many: [], Tree: undefined, Trees: [] })
})

t.test('readContent: not of the shape → undefined', async t => {
  const wrong = [
    '<Unknown/>',
    '<one/>',
    '<__proto__/>',
    '<constructor/>',
    '<One/><One/>',
    '<Tree/><Tree/>',
    '<One><x/></One>',
    '<Many>a</Many><Many><x/></Many>',
    'text',
    '<One>1</One>text',
  ]
  for (const inside of wrong) t.equal(read(inside), undefined, inside)
})

t.test('readInteger, readLong, readBoolean: what the schema allows → values, all else undefined', async t => {
  t.same(
    ['0', ' 30 ', '+7', '-1', '2147483647', '-2147483648'].map(readInteger),
    [0, 30, 7, -1, 2147483647, -2147483648],
  )
  for (const text of ['', '1.5', '1e3', '0x10', '2147483648', '-2147483649', '99999999999', 'one', '１'])
    t.equal(readInteger(text), undefined, text)
  t.same(['0', '1099511627776000', '-5'].map(readLong), [0, 1_099_511_627_776_000, -5])
  for (const text of ['', '1.0', '9999999999999999999', 'NaN']) t.equal(readLong(text), undefined, text)
  t.same(['true', '1', ' false', '0'].map(readBoolean), [true, true, false, false])
  for (const text of ['', 'True', 'yes', '2']) t.equal(readBoolean(text), undefined, text)
})

t.test('readDate: ISO 8601 → milliseconds', async t => {
  const newYear = Date.UTC(2023, 0, 1)
  t.equal(readDate('2023-01-01'), newYear)
  t.equal(readDate('2023-01-01T00:00:00'), newYear)
  t.equal(readDate(' 2023-01-01T00:00:00.000Z\n'), newYear)
  t.equal(readDate('2023-01-01T02:00:00+02:00'), newYear)
  t.equal(readDate('2022-12-31T19:00:00-05:00'), newYear)
  t.equal(readDate('2023-01-01T02:03:04.567891Z'), Date.UTC(2023, 0, 1, 2, 3, 4, 567))
  t.equal(readDate('0001-01-01'), Date.parse('0001-01-01T00:00:00Z'))
  t.equal(readDate('2024-02-29'), Date.UTC(2024, 1, 29))
})

t.test('readDate: anything else → undefined', async t => {
  const wrong = [
    '',
    '20230101',
    '2023-1-1',
    '2023-02-29',
    '2023-13-01',
    '2023-00-10',
    '2023-01-01T24:00:00Z',
    '2023-01-01T00:60:00Z',
    '2023-01-01T00:00Z',
    '2023-01-01 00:00:00',
    '2023-01-01T00:00:00+15:00',
    '2023-01-01T00:00:00+0000',
    'Fri, 01 Jan 2016 00:00:00 GMT',
    '+12023-01-01',
    '0000-01-01',
    '9999-12-31T14:00:00-14:00',
    '0001-01-01T00:00:00+01:00',
  ]
  for (const text of wrong) t.equal(readDate(text), undefined, text)
})

t.test('dueAfterDays: days of 24 hours → rounded up to midnight UTC, as the User Guide counts', async t => {
  t.equal(dueAfterDays(Date.UTC(2014, 0, 15, 10, 30), 3, msPerDay), Date.UTC(2014, 0, 19))
  t.equal(dueAfterDays(Date.UTC(2014, 0, 15, 10, 30), 0, msPerDay), Date.UTC(2014, 0, 16))
  t.equal(dueAfterDays(Date.UTC(2014, 0, 15), 3, msPerDay), Date.UTC(2014, 0, 18), 'a midnight is its own')
  t.equal(dueAfterDays(Date.UTC(2014, 0, 15, 0, 0, 0, 1), 3, msPerDay), Date.UTC(2014, 0, 19))
})

t.test('dueAfterDays: shorter days → no midnight', async t => {
  t.equal(dueAfterDays(1_000_123, 3, 10_000), 1_030_123)
})

t.test('dueAfterDays: beyond what a date can say → its last', async t => {
  for (const dayMs of [msPerDay, 10_000_000])
    t.equal(dueAfterDays(Date.UTC(2026, 0, 1), 2_147_483_647, dayMs), Date.UTC(9999, 11, 31))
})
