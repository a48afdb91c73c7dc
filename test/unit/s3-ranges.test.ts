import t from 'tap'
import { Fault } from '../../protocol/fault.ts'
import { parseCopyRange, parseRange, resolveCopyRange, resolveRange } from '../../protocol/s3/ranges.ts'

// Of an object of ten bytes; recorded answers of the service.
const answers: readonly (readonly [header: string, expected: string])[] = [
  ['bytes=0-8', '0+9'],
  ['bytes=1-1', '1+1'],
  ['bytes=1-0', 'whole'],
  ['bytes=1-', '1+9'],
  ['bytes=-1-', 'whole'],
  ['bytes=-2', '8+2'],
  ['bytes=-9', '1+9'],
  ['bytes=-15', '0+10'],
  ['bytes=0-100', '0+10'],
  ['bytes=0-0', '0+1'],
  ['bytes=0--1', 'whole'],
  ['bytes=0-1,3-4,7-9', 'whole'],
  ['0-8', 'whole'],
  ['items=0-8', 'whole'],
  ['bytes=a-b', 'whole'],
  ['bytes=-', 'whole'],
  ['bytes=-0', 'unsatisfiable'],
  ['bytes=10-', 'unsatisfiable'],
  ['bytes=100-200', 'unsatisfiable'],
  ['bytes=99999999999999999999-', 'whole'],
  ['bytes=0-9999999999999999999', '0+10'],
]
for (const [header, expected] of answers)
  t.test(`GetObject: Range ${header} of ten bytes → ${expected}`, async t => {
    const asked = parseRange(header)
    const span = asked === undefined ? 'whole' : resolveRange(asked, 10)
    t.equal(typeof span === 'string' ? span : `${span.offset}+${span.length}`, expected)
  })

t.test('GetObject: any range of an empty object → unsatisfiable', async t => {
  for (const header of ['bytes=0-', 'bytes=0-0', 'bytes=-5'])
    t.equal(resolveRange(parseRange(header)!, 0), 'unsatisfiable', header)
})

const form =
  'The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy'
for (const header of [
  '0-8',
  'bytes=1-0',
  'bytes=-1-',
  'bytes=0--1',
  'bytes=0-1,3-4',
  'bytes=-',
  'bytes=1-',
  'bytes=-2',
])
  t.test(`UploadPartCopy: range ${header} → InvalidArgument about its form`, async t => {
    const parsed = parseCopyRange(header)
    t.ok(parsed instanceof Fault)
    if (!(parsed instanceof Fault)) return
    t.equal(parsed.code, 'argument-invalid')
    t.same(parsed.detail, { name: 'x-amz-copy-source-range', value: header, message: form })
  })

t.test(
  'UploadPartCopy: range within, across and beyond the source → copied, InvalidArgument, InvalidRequest',
  async t => {
    const resolve = (header: string) => {
      const parsed = parseCopyRange(header)
      if (parsed === undefined || parsed instanceof Fault) throw new Error(header)
      return resolveCopyRange(parsed, 10)
    }
    t.same(resolve('bytes=2-9'), { offset: 2, length: 8 })
    t.match(resolve('bytes=0-100'), {
      code: 'argument-invalid',
      detail: { value: 'bytes=0-100', message: 'Range specified is not valid for source object of size: 10' },
    })
    t.match(resolve('bytes=100-200'), {
      code: 'request-invalid',
      detail: { message: 'The specified copy range is invalid for the source object size' },
    })
    t.equal(parseCopyRange(''), undefined)
  },
)
