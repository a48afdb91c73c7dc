/** The XML parser against another's: what it takes, it reads the same; it never throws and never hangs. */
import fc from 'fast-check'
import { XMLParser, XMLValidator } from 'fast-xml-parser'
import t from 'tap'
import { escapeXml, parseXml, type XmlElement } from '../../protocol/xml.ts'

const limits = { maxDepth: 20, maxNodes: 5000 }
const parse = (text: string) => parseXml(Buffer.from(text), limits)

/** Text of any characters that XML has, all of which `escapeXml` must carry through. */
const text = fc
  .string({ unit: 'binary', maxLength: 30 })
  .map(text => text.replace(/[\ud800-\udfff\u0000\ufffe\uffff]/gu, ''))
const name = fc.stringMatching(/^[A-Za-z_][\w.-]{0,8}$/)

interface Node {
  readonly name: string
  readonly children: readonly Node[]
  readonly text: string
}
const { node } = fc.letrec<{ node: Node }>(tie => ({
  node: fc.record({
    name,
    text,
    children: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      fc.constant([]),
      fc.array(tie('node'), { maxLength: 4 }),
    ),
  }),
}))
const render = (node: Node): string =>
  `<${node.name}>${escapeXml(node.text)}${node.children.map(render).join('')}</${node.name}>`
const plain = ({ name, text, children }: XmlElement): Node => ({ name, text, children: children.map(plain) })

t.test('parseXml: what was rendered → reads back the same', async () => {
  fc.assert(
    fc.property(node, node => {
      t.same(plain(parse(render(node))!), node)
    }),
    { numRuns: 300 },
  )
})

t.test('parseXml: any bytes → an element or undefined, never a throw', async t => {
  const pieces = fc.constantFrom(
    '<',
    '>',
    '/',
    '&',
    ';',
    '"',
    "'",
    '=',
    '!',
    '-',
    '[',
    ']',
    '?',
    'a',
    ' ',
    '<a>',
    '</a>',
    '<!--',
    '-->',
    '<![CDATA[',
    ']]>',
    '&amp;',
    '&#',
    '<?xml ',
  )
  const broken = fc.array(pieces, { maxLength: 60 }).map(parts => Buffer.from(parts.join('')))
  let read = 0
  fc.assert(
    fc.property(fc.oneof(broken, fc.uint8Array({ maxLength: 200 })), bytes => {
      if (parseXml(bytes, limits) !== undefined) read++
    }),
    { numRuns: 3000 },
  )
  t.pass(`${read} of them were documents`)
})

t.test('parseXml: a document with one character changed → no more lenient than a validator', async t => {
  const document =
    '<?xml version="1.0"?><Delete xmlns="urn:x"><Quiet>true</Quiet><!-- c --><Object><Key>a &amp; b</Key></Object></Delete>'
  let refused = 0
  fc.assert(
    fc.property(
      fc.nat(document.length - 1),
      fc.constantFrom('<', '>', '/', '&', '"', ' ', 'x', '='),
      (at, character) => {
        const changed = document.slice(0, at) + character + document.slice(at + 1)
        const accepted = parse(changed) !== undefined
        if (!accepted) refused++
        return !accepted || XMLValidator.validate(changed) === true
      },
    ),
    { numRuns: 1500 },
  )
  t.ok(refused > 100)
})

t.test('parseXml: documents of clients → the same texts as another parser', async t => {
  const oracle = new XMLParser({
    ignoreAttributes: true,
    parseTagValue: false,
    trimValues: false,
    removeNSPrefix: true,
    isArray: name => name === 'Part',
  })
  const part = fc.record({ number: fc.integer({ min: 1, max: 10_000 }), etag: fc.stringMatching(/^"?[0-9a-f]{32}"?$/) })
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 20 }), fc.constantFrom('', '\n  '), (parts, space) => {
      const xml =
        '<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' +
        parts
          .map(
            ({ number, etag }) =>
              `<Part>${space}<ETag>${escapeXml(etag)}</ETag><PartNumber>${number}</PartNumber></Part>`,
          )
          .join('') +
        '</CompleteMultipartUpload>'
      const expected: { ETag: string; PartNumber: string }[] = oracle.parse(xml).CompleteMultipartUpload.Part
      const found = parse(xml)!.children.map(part => part.children.map(child => child.text))
      t.same(
        found,
        expected.map(part => [part.ETag, part.PartNumber]),
      )
    }),
    { numRuns: 100 },
  )
})
