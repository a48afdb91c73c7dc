import t from 'tap'
import { attributeOf, childText, escapeXml, parseXml, type XmlElement } from '../../protocol/xml.ts'

const parse = (text: string, limits = { maxDepth: 8, maxNodes: 1000 }) => parseXml(Buffer.from(text), limits)
const leaf = (name: string, text: string): XmlElement => ({ name, text, children: [], attributes: [] })

t.test('escapeXml: nothing to escape → the same string', async t => {
  t.equal(escapeXml('photos/2006/January/sample.jpg'), 'photos/2006/January/sample.jpg')
  t.equal(escapeXml("tab\tline\nquote' ünïcode 🪣"), "tab\tline\nquote' ünïcode 🪣")
})

t.test('escapeXml: markup and control characters → references', async t => {
  t.equal(escapeXml('<a> & "b"\r'), '&lt;a&gt; &amp; &quot;b&quot;&#13;')
  t.equal(escapeXml('\u0000\u0001\u001f\ufffe'), '&#x0;&#x1;&#x1F;&#xFFFE;')
})

t.test('parseXml: an ordinary document → its tree, prefixes gone', async t => {
  const root = parse(
    '<?xml version="1.0" encoding="UTF-8"?>\n<!-- hello -->\n' +
      '<s3:Delete xmlns:s3="http://s3.amazonaws.com/doc/2006-03-01/" a=\'>\'>' +
      '<s3:Quiet >true</s3:Quiet ><Object b = "&lt;"/></s3:Delete>\n<!-- bye -->\n',
  )
  t.same(root && { ...root, children: root.children.map(child => [child.name, child.text]) }, {
    name: 'Delete',
    qualified: 's3:Delete',
    text: '',
    attributes: ['xmlns:s3', 'http://s3.amazonaws.com/doc/2006-03-01/', 'a', '>'],
    children: [
      ['Quiet', 'true'],
      ['Object', ''],
    ],
  })
  t.same(
    root?.children.map(child => child.attributes),
    [[], ['b', '<']],
  )
})

t.test('attributeOf: a name → the value, whatever its prefix', async t => {
  const root = parse('<a xsi:type="Group" type2="x" empty=""/>')!
  t.equal(attributeOf(root, 'type'), 'Group')
  t.equal(attributeOf(root, 'type2'), 'x')
  t.equal(attributeOf(root, 'empty'), '')
  t.equal(attributeOf(root, 'xsi'), undefined)
})

t.test('parseXml: text → kept byte for byte, references and CDATA resolved', async t => {
  const text = (inside: string) => parse(`<a>${inside}</a>`)?.text
  t.equal(text('  two  spaces \t\r\n '), '  two  spaces \t\r\n ')
  t.equal(text('&lt;&gt;&amp;&quot;&apos;'), '<>&"\'')
  t.equal(text('&#65;&#x1F600;&#xd;&#1;'), 'A😀\r\u0001')
  t.equal(text('a<![CDATA[<b>&amp;]]>c<!-- x -->d'), 'a<b>&amp;cd')
  t.equal(text('ünïcode 🪣 日本'), 'ünïcode 🪣 日本')
  t.equal(text('x<b>y</b>z'), 'xz')
  t.equal(text('&amp;lt;'), '&lt;', 'replaced once')
})

t.test('parseXml: byte order mark → skipped', async t => {
  t.equal(parse('\ufeff<a/>')?.name, 'a')
})

t.test('parseXml: not well formed → undefined', async t => {
  const bad = [
    '',
    ' ',
    'text',
    '<a>',
    '<a></b>',
    '<a></a',
    '<a></a>x',
    '<a></a><b></b>',
    '</a>',
    '<a',
    '<a/',
    '<a / >',
    '< a></a>',
    '<1/>',
    '<a:/>',
    '<:a/>',
    '<a:b:c/>',
    '<a b/>',
    '<a b=c/>',
    '<a b="1"c="2"/>',
    '<a b="1" b="2"/>',
    '<a b="<"/>',
    '<a b="&"/>',
    '<a b="&x;"/>',
    '<a b="1/>',
    '<a>&</a>',
    '<a>&unknown;</a>',
    '<a>&#0;</a>',
    '<a>&#xD800;</a>',
    '<a>&#x110000;</a>',
    '<a>&#99999999999;</a>',
    '<a>&#;</a>',
    '<a>&#x;</a>',
    '<a>]]></a>',
    '<a><![CDATA[</a>',
    '<![CDATA[]]>',
    '<a><!-- -- --></a>',
    '<a><!-- </a>',
    '<!-- ---><a/>',
    '<a><!x></a>',
    '<a>\u0001</a>',
    ' <?xml version="1.0"?><a/>',
    '<?xml?><a/>',
    '<?xml version="2.0"?><a/>',
    '<?xml version="1.0" encoding="UTF-16"?><a/>',
    '<?xml version="1.0" encoding="ISO-8859-1"?><a/>',
    '<?php ?><a/>',
    '<a><?pi ?></a>',
  ]
  for (const text of bad) t.equal(parse(text), undefined, JSON.stringify(text))
})

t.test('parseXml: a document type → refused, with or without entities', async t => {
  t.equal(parse('<!DOCTYPE a><a/>'), undefined)
  t.equal(parse('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'), undefined)
  t.equal(parse('<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>'), undefined)
  t.equal(parse('<a><!DOCTYPE a></a>'), undefined)
})

t.test('parseXml: bytes that are not UTF-8 → refused', async t => {
  const around = (bytes: number[]) =>
    parseXml(Buffer.concat([Buffer.from('<a>'), Buffer.from(bytes), Buffer.from('</a>')]))
  t.equal(around([0xc3, 0xa9])?.text, 'é')
  t.equal(around([0xe9]), undefined)
  t.equal(around([0xed, 0xa0, 0x80]), undefined, 'a surrogate')
  t.equal(around([0xc0, 0xaf]), undefined, 'an overlong form')
  t.equal(parseXml(Buffer.from('<a/>', 'utf16le')), undefined)
})

t.test('parseXml: beyond the limits → refused', async t => {
  const limits = { maxDepth: 3, maxNodes: 5 }
  t.ok(parse('<a><b><c/></b></a>', limits))
  t.ok(parse('<a><b><c>x</c></b></a>', limits))
  t.equal(parse('<a><b><c><d>x</d></c></b></a>', limits), undefined)
  t.ok(parse('<a><b/><b/><b/><b/></a>', limits))
  t.equal(parse('<a><b/><b/><b/><b/><b/></a>', limits), undefined)
  t.equal(parse('<a><!----><!----><!----><!----><!----></a>', limits), undefined)
  t.equal(parse('<a>'.repeat(100_000), { maxDepth: 100, maxNodes: 1e9 }), undefined)
})

t.test('parseXml: 10,000 parts → all of them, in order', async t => {
  const etag = '&quot;d41d8cd98f00b204e9800998ecf8427e&quot;'
  const parts = Array.from(
    { length: 10_000 },
    (_, i) => `<Part><ETag>${etag}</ETag><PartNumber>${i + 1}</PartNumber></Part>`,
  )
  const root = parseXml(Buffer.from(`<CompleteMultipartUpload>${parts.join('\n')}</CompleteMultipartUpload>`))
  t.equal(root?.children.length, 10_000)
  t.equal(childText(root!.children[9_999]!, 'PartNumber'), '10000')
  t.same(
    root!.children[0]!.children.map(({ name, text, children, attributes }) => ({ name, text, children, attributes })),
    [leaf('ETag', '"d41d8cd98f00b204e9800998ecf8427e"'), leaf('PartNumber', '1')],
  )
})
