import t from 'tap'
import { formatHttpDate, formatIsoDate, parseHttpDate } from '../../protocol/http-date.ts'

const sunday = Date.UTC(1994, 10, 6, 8, 49, 37)

t.test('formatHttpDate: any millisecond of a second → that second', async t => {
  t.equal(formatHttpDate(sunday), 'Sun, 06 Nov 1994 08:49:37 GMT')
  t.equal(formatHttpDate(sunday + 999), 'Sun, 06 Nov 1994 08:49:37 GMT')
  t.equal(formatHttpDate(sunday + 1000), 'Sun, 06 Nov 1994 08:49:38 GMT')
})

t.test('formatHttpDate: more seconds than are remembered → still right', async t => {
  for (let i = 0; i < 3000; i++)
    if (formatHttpDate(sunday + i * 1000) !== new Date(sunday + i * 1000).toUTCString()) t.fail(`second ${i}`)
  t.equal(formatHttpDate(sunday), 'Sun, 06 Nov 1994 08:49:37 GMT')
})

t.test('formatIsoDate: milliseconds → zeros, as S3 writes them', async t => {
  t.equal(formatIsoDate(Date.UTC(2006, 1, 3, 16, 45, 9, 987)), '2006-02-03T16:45:09.000Z')
})

t.test('formatIsoDate: any moment → as the platform writes it, without milliseconds', async t => {
  const day = 86_400_000
  for (const ms of [
    0,
    -1,
    -day,
    day - 1,
    day,
    1_000,
    59_999,
    3_599_000,
    3_600_000,
    253_402_300_799_000,
    -62_135_596_800_000,
  ])
    t.equal(formatIsoDate(ms), new Date(ms).toISOString().replace(/\.\d+Z/, '.000Z'), String(ms))
})

t.test('parseHttpDate: the three forms of HTTP → the same moment', async t => {
  t.equal(parseHttpDate('Sun, 06 Nov 1994 08:49:37 GMT'), sunday)
  t.equal(parseHttpDate('Sunday, 06-Nov-94 08:49:37 GMT'), sunday)
  t.equal(parseHttpDate('Sun Nov  6 08:49:37 1994'), sunday)
  t.equal(parseHttpDate('Sun, 06 Nov 1994 08:49:37 +0000'), sunday)
  t.equal(parseHttpDate('Thursday, 29-Feb-24 00:00:00 GMT'), Date.UTC(2024, 1, 29))
  t.equal(parseHttpDate('Sat, 31 Dec 2016 23:59:60 GMT'), Date.UTC(2017, 0, 1))
})

t.test('parseHttpDate: anything else → undefined', async t => {
  const bad = [
    '',
    'yesterday',
    '1994-11-06T08:49:37Z',
    'Sun, 6 Nov 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 08:49:37',
    'Sun, 06 Nov 1994 24:00:00 GMT',
    'Sun, 06 Nov 1994 08:60:00 GMT',
    'Sun, 31 Apr 1994 08:49:37 GMT',
    'Wed, 29 Feb 2023 00:00:00 GMT',
    'Sun, 00 Nov 1994 08:49:37 GMT',
    'Sun, 06 Foo 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 08:49:37 PST',
    ' Sun, 06 Nov 1994 08:49:37 GMT',
  ]
  for (const text of bad) t.equal(parseHttpDate(text), undefined, JSON.stringify(text))
})
