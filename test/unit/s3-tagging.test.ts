import t from 'tap'
import { Fault } from '../../protocol/fault.ts'
import { parseNewBucketLock, parseNewBucketTags } from '../../protocol/s3/bucket-creation.ts'
import {
  checkTags,
  parseTagging,
  parseTaggingDirective,
  parseTagHeader,
  pushTagCount,
  renderTagging,
  type TagScope,
} from '../../protocol/s3/tagging.ts'
import { parseXml } from '../../protocol/xml.ts'
import { bytesOf, contentOf, documentOf, good, malformed, said } from './document.ts'
import { wireRequest } from './wire-request.ts'

const tagXml = (key: string, value: string) => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`
const put = (tags: string, scope: TagScope = 'object') =>
  parseTagging(documentOf('Tagging', `<TagSet>${tags}</TagSet>`), scope)
const many = (count: number) => Array.from({ length: count }, (_, i) => tagXml(`k${i}`, 'v')).join('')

t.test('PutObjectTagging: tags → in order, and the same document back', async t => {
  const tags = good(put(tagXml('Hello', 'World') + tagXml('+- =._:/@', '') + tagXml('ключ', '値 1')))
  t.same(tags, [
    { key: 'Hello', value: 'World' },
    { key: '+- =._:/@', value: '' },
    { key: 'ключ', value: '値 1' },
  ])
  const reply = renderTagging(tags, ['x-amz-version-id', 'v'])
  t.same(parseTagging(bytesOf(reply), 'object'), tags)
  t.same(reply.headers, ['Content-Type', 'application/xml', 'x-amz-version-id', 'v'])
  t.equal(contentOf(renderTagging([]), 'Tagging'), '<TagSet/>')
})

t.test('PutObjectTagging: no tags, no TagSet → none (recorded: it removes them)', async t => {
  t.same(put(''), [])
  t.same(parseTagging(documentOf('Tagging', ''), 'bucket'), [])
})

t.test('PutObjectTagging: a tag without key or value, no XML → malformed', async t => {
  for (const tags of ['<Tag><Key>a</Key></Tag>', '<Tag><Value>a</Value></Tag>', '<Tag/>', '<Other/>', 'text'])
    t.equal(said(put(tags)), malformed, tags)
  t.equal(said(parseTagging(Buffer.from('notxml'), 'object')), malformed)
  t.equal(said(parseTagging(Buffer.from(''), 'object')), malformed)
})

const keyInvalid = 'InvalidTag: The TagKey you have provided is invalid'
const valueInvalid = 'InvalidTag: The TagValue you have provided is invalid'

t.test('tags: limits of length → 128 and 256 characters in UTF-16', async t => {
  t.ok(Array.isArray(put(tagXml('k'.repeat(128), 'v'.repeat(256)))))
  t.equal(said(put(tagXml('k'.repeat(129), 'v'))), keyInvalid)
  t.equal(said(put(tagXml('', 'v'))), keyInvalid)
  t.equal(said(put(tagXml('k', 'v'.repeat(257)))), valueInvalid)
  // A letter outside the basic plane counts as two.
  t.ok(Array.isArray(put(tagXml('𝒜'.repeat(64), ''))))
  t.equal(said(put(tagXml('𝒜'.repeat(65), ''))), keyInvalid)
})

t.test('tags: characters that S3 does not take → the tag that has them', async t => {
  t.equal(said(put(tagXml('Key1,Key2', 'Val1'))), keyInvalid)
  t.match(put(tagXml('Key1,Key2', 'Val1')), { detail: { key: 'Key1,Key2' } })
  t.equal(said(put(tagXml('Key1', 'Val1,Val2'))), valueInvalid)
  t.match(put(tagXml('Key1', 'Val1,Val2')), { detail: { key: 'Key1', value: 'Val1,Val2' } })
  for (const character of ['!', '#', '*', '&amp;', '\n', '\u200b', '😀'])
    t.equal(said(put(tagXml(`a${character}b`, ''))), keyInvalid, character)
})

t.test('tags: the same key twice → said with the key', async t => {
  const value = put(tagXml('Key1', 'a') + tagXml('Key1', 'b'))
  t.equal(said(value), 'InvalidTag: Cannot provide multiple Tags with the same key')
  t.match(value, { detail: { key: 'Key1' } })
  t.ok(Array.isArray(put(tagXml('key1', 'a') + tagXml('Key1', 'a'))), 'case counts')
})

t.test('tags: system tags → refused in each scope’s words', async t => {
  for (const [scope, message] of [
    ['object', 'Your TagKey cannot be prefixed with aws:'],
    ['bucket', 'System tags cannot be added/updated by requester'],
    [
      'new-bucket',
      'User-defined tag keys can\'t start with "aws:". This prefix is reserved for system tags. Remove "aws:" from ' +
        'your tag keys and try again.',
    ],
  ] as const)
    t.equal(said(put(tagXml('aws:prefixed', 'v'), scope)), `InvalidTag: ${message}`)
})

t.test('tags: too many → 10 of an object, 50 of a bucket; the first bad tag comes before', async t => {
  t.ok(Array.isArray(put(many(10))))
  t.equal(said(put(many(11))), 'BadRequest: Object tags cannot be greater than 10')
  for (const scope of ['bucket', 'new-bucket'] as const) {
    t.ok(Array.isArray(put(many(50), scope)))
    t.equal(said(put(many(51), scope)), 'BadRequest: Bucket tag count cannot be greater than 50')
  }
  t.equal(said(put(many(11) + tagXml('a#', ''))), keyInvalid)
  t.equal(checkTags([], 'object'), undefined)
})

const header = (value: string) => parseTagHeader(wireRequest('PUT /bucket/key', { 'x-amz-tagging': value }))

t.test('x-amz-tagging: pairs as in a query → tags', async t => {
  t.same(header('Hello=World&foo=bar'), [
    { key: 'Hello', value: 'World' },
    { key: 'foo', value: 'bar' },
  ])
  t.same(header('a%20b=c+d%3D&e'), [
    { key: 'a b', value: 'c d=' },
    { key: 'e', value: '' },
  ])
  t.same(parseTagHeader(wireRequest('PUT /bucket/key')), [])
})

t.test('x-amz-tagging: not of its form → S3’s one message, with the header', async t => {
  for (const value of ['key1=val1&key1=val2', 'key1=val1,key2=val2', '%zz=1', 'a=%ff', '=v', 'a=b=c']) {
    const fault = header(value)
    t.equal(
      said(fault),
      "InvalidArgument: The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters " +
        'without tag name duplicates.',
      value,
    )
    t.match(fault, { detail: { name: 'x-amz-tagging', value } })
  }
})

t.test('x-amz-tagging: tags that are none → as in a document', async t => {
  t.equal(said(header('a%2Cb=1')), keyInvalid)
  t.equal(said(header('aws:a=1')), 'InvalidTag: Your TagKey cannot be prefixed with aws:')
  t.equal(
    said(header(Array.from({ length: 11 }, (_, i) => `k${i}=v`).join('&'))),
    'BadRequest: Object tags cannot be greater than 10',
  )
})

t.test('x-amz-tagging-directive: → COPY, REPLACE or refused', async t => {
  const directive = (value: string) =>
    parseTaggingDirective(wireRequest('PUT /bucket/key', { 'x-amz-tagging-directive': value }))
  t.equal(directive(''), 'COPY')
  t.equal(directive('COPY'), 'COPY')
  t.equal(directive('REPLACE'), 'REPLACE')
  t.equal(said(directive('copy')), 'InvalidArgument: Unknown tagging directive.')
})

t.test('x-amz-tagging-count: → only when there are tags', async t => {
  const headers: string[] = []
  pushTagCount(headers, 0)
  pushTagCount(headers, 3)
  t.same(headers, ['x-amz-tagging-count', '3'])
})

t.test('CreateBucket: Tags of its configuration → tags, or why not', async t => {
  const tags = (content: string) => {
    const root = parseXml(documentOf('CreateBucketConfiguration', content))
    return root === undefined ? undefined : parseNewBucketTags(root)
  }
  t.same(tags(`<LocationConstraint>EU</LocationConstraint><Tags>${tagXml('tag1', 'value1')}</Tags>`), [
    { key: 'tag1', value: 'value1' },
  ])
  t.same(tags(''), [])
  t.same(tags('<Tags/>'), [])
  t.equal(said(tags('<Tags><Tag><Key>a</Key></Tag></Tags>')), malformed)
  t.equal(said(tags('<Tags/><Tags/>')), malformed)
  t.equal(said(tags(`<Tags>${tagXml('test,test2', 'value1')}</Tags>`)), keyInvalid)
  const system = tags(`<Tags>${tagXml('aws:test', 'value1')}</Tags>`)
  t.equal(system instanceof Fault && system.detail['key'], undefined, 'recorded without the key')
})

t.test('x-amz-bucket-object-lock-enabled: → true, false or refused', async t => {
  const lock = (value: string) =>
    parseNewBucketLock(wireRequest('PUT /bucket', { 'x-amz-bucket-object-lock-enabled': value }))
  t.equal(lock(''), false)
  t.equal(lock('false'), false)
  t.equal(lock('True'), true)
  t.match(lock('yes'), { code: 'argument-invalid', detail: { name: 'x-amz-bucket-object-lock-enabled', value: 'yes' } })
})
