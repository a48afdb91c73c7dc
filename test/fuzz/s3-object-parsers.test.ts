import fc from 'fast-check'
import t from 'tap'
import { Fault } from '../../protocol/fault.ts'
import type { AnyOperation } from '../../protocol/operation.ts'
import { isDigest } from '../../protocol/s3/checksum-headers.ts'
import { parseEtags } from '../../protocol/s3/conditions.ts'
import { parseCopySource } from '../../protocol/s3/copy-source.ts'
import { multipartOperations } from '../../protocol/s3/multipart.ts'
import { objectOperations } from '../../protocol/s3/object.ts'
import { parseCopyRange, parseRange, resolveCopyRange, resolveRange } from '../../protocol/s3/ranges.ts'
import { wireRequest } from '../unit/wire-request.ts'

const rangeText = fc.oneof(
  fc.stringMatching(/^bytes=[0-9]{0,20}-[0-9]{0,20}$/),
  fc.stringMatching(/^[a-z]{0,6}=?[0-9 ,-]{0,12}$/),
  fc.string({ maxLength: 30 }),
)

t.test('ranges: any header, any size → within the object, never empty', async t => {
  fc.assert(
    fc.property(rangeText, fc.nat(1000), (text, sizeBytes) => {
      const asked = parseRange(text)
      if (asked === undefined) return
      const span = resolveRange(asked, sizeBytes)
      if (span === 'unsatisfiable') return
      if (span.offset < 0 || span.length < 1 || span.offset + span.length > sizeBytes)
        throw new Error(JSON.stringify(span))
    }),
    { numRuns: 3000 },
  )
  t.pass()
})

t.test('ranges: first, last and suffix → the slice an array would give', async t => {
  fc.assert(
    fc.property(fc.nat(60), fc.nat(60), fc.integer({ min: 1, max: 50 }), (a, b, sizeBytes) => {
      const all = Array.from({ length: sizeBytes }, (_, i) => i)
      const cut = (header: string) => {
        const span = resolveRange(parseRange(header)!, sizeBytes)
        return span === 'unsatisfiable' ? [] : all.slice(span.offset, span.offset + span.length)
      }
      const [first, last] = a <= b ? [a, b] : [b, a]
      for (const [header, expected] of [
        [`bytes=${first}-${last}`, all.slice(first, last + 1)],
        [`bytes=${first}-`, all.slice(first)],
        [`bytes=-${last}`, last === 0 ? [] : all.slice(-last)],
      ] as const)
        if (cut(header).join() !== expected.join()) throw new Error(`${header} of ${sizeBytes}`)
    }),
    { numRuns: 1000 },
  )
  t.pass()
})

t.test('copy ranges: any header → a fault, or within the source', async t => {
  fc.assert(
    fc.property(rangeText, fc.nat(1000), (text, sizeBytes) => {
      const parsed = parseCopyRange(text)
      if (parsed === undefined || parsed instanceof Fault) return
      const span = resolveCopyRange(parsed, sizeBytes)
      if (!(span instanceof Fault) && (span.length < 1 || span.offset + span.length > sizeBytes)) throw new Error(text)
    }),
    { numRuns: 2000 },
  )
  t.pass()
})

t.test('x-amz-copy-source: an encoded bucket and key → read back the same', async t => {
  const key = fc.string({ minLength: 1, maxLength: 100, unit: 'grapheme' }).filter(text => !text.includes('\0'))
  fc.assert(
    fc.property(key, fc.boolean(), fc.boolean(), (key, slash, version) => {
      const text = `${slash ? '/' : ''}bucket/${encodeURIComponent(key)}${version ? '?versionId=null' : ''}`
      const parsed = parseCopySource(text)
      if (parsed instanceof Fault || parsed.bucket !== 'bucket' || parsed.key !== key) throw new Error(text)
    }),
    { numRuns: 1000 },
  )
  t.pass()
})

t.test('x-amz-copy-source: anything → a source or a fault', async t => {
  fc.assert(
    fc.property(fc.string({ maxLength: 60, unit: 'binary' }), text => {
      const parsed = parseCopySource(text)
      if (!(parsed instanceof Fault) && (parsed.key === '' || parsed.bucket === '')) throw new Error(text)
    }),
    { numRuns: 2000 },
  )
  t.pass()
})

t.test('entity tags: any list → without outer quotes and without empty ones', async t => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[0-9a-f-]{1,36}$/), { minLength: 1, maxLength: 4 }), etags => {
      const text = etags.map((etag, i) => (i % 2 === 0 ? `"${etag}"` : ` ${etag} `)).join(',')
      if (parseEtags(text, false).join() !== etags.join()) throw new Error(text)
    }),
    { numRuns: 500 },
  )
  t.pass()
})

t.test('checksums: only base64 of the right length → accepted', async t => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.string({ maxLength: 12 }), (bytes, noise) => {
      const text = Buffer.from(bytes).toString('base64')
      if (isDigest('sha256', text) !== (bytes.length === 32)) throw new Error(text)
      if (isDigest('crc32', noise) && Buffer.from(noise, 'base64').toString('base64') !== noise) throw new Error(noise)
    }),
    { numRuns: 2000 },
  )
  t.pass()
})

const headerNames = [
  'range',
  'if-range',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'content-md5',
  'content-encoding',
  'x-amz-meta-a',
  'x-amz-meta-__proto__',
  'x-amz-storage-class',
  'x-amz-acl',
  'x-amz-trailer',
  'x-amz-checksum-crc32',
  'x-amz-checksum-sha256',
  'x-amz-checksum-type',
  'x-amz-checksum-algorithm',
  'x-amz-sdk-checksum-algorithm',
  'x-amz-copy-source',
  'x-amz-copy-source-range',
  'x-amz-rename-source',
  'x-amz-rename-source-if-match',
  'x-amz-rename-source-if-modified-since',
  'x-amz-client-token',
  'x-amz-metadata-directive',
  'x-amz-object-attributes',
  'x-amz-mp-object-size',
  'x-amz-max-parts',
]
const queryNames = [
  'partNumber',
  'uploadId',
  'versionId',
  'max-parts',
  'max-uploads',
  'key-marker',
  'encoding-type',
  'response-expires',
]
const texts = fc.oneof(
  fc.constantFrom(
    '',
    '*',
    '1',
    'COPY',
    'REPLACE',
    'CRC32',
    'bytes=0-1',
    'bucket/key',
    'ETag',
    'AAAAAA==',
    'x-amz-checksum-crc32',
  ),
  fc.string({ maxLength: 40, unit: 'binary' }),
)
const xmlish = fc
  .array(
    fc.constantFrom(
      '<Delete>',
      '</Delete>',
      '<Object>',
      '</Object>',
      '<Key>',
      '</Key>',
      'k',
      '<CompleteMultipartUpload>',
      '</CompleteMultipartUpload>',
      '<Part>',
      '</Part>',
      '<PartNumber>',
      '</PartNumber>',
      '1',
      '<ETag>',
      '</ETag>',
      '&amp;',
      '&#0;',
      '<',
    ),
    { maxLength: 30 },
  )
  .map(pieces => pieces.join(''))

/** Lone surrogates cannot be percent-encoded; everything else can. */
function escapeAny(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString())
}

const rows: readonly AnyOperation[] = [...objectOperations, ...multipartOperations]
for (const row of rows)
  t.test(`${row.name}: any headers, query and body → an input or a fault its row lists`, async t => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(...headerNames), texts, { maxKeys: 8, noNullPrototype: true }),
        fc.array(fc.tuple(fc.constantFrom(...queryNames), texts), { maxLength: 4 }),
        xmlish,
        (headers, query, xml) => {
          const search = query.map(([name, value]) => `${name}=${escapeAny(value)}`).join('&')
          const parsed: unknown = row.parse(
            wireRequest(`${row.match.method} /bucket/key?${search}`, headers),
            Buffer.from(xml),
          )
          if (parsed instanceof Fault && !row.faults.includes(parsed.code))
            throw new Error(`${parsed.code} is not listed`)
        },
      ),
      { numRuns: 400 },
    )
    t.pass()
  })
