/**
 * The XML that these wires need: escaping text on the way out, and a strict parser for small documents on the way in.
 * XML 1.0 without document types (a DTD is refused, so there are no external or nested entities), processing
 * instructions and encodings other than UTF-8.
 */
import { isUtf8 } from 'node:buffer'

const mustEscape = /[&<>"\r\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/
const mustEscapeEach = /[&<>"\r\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g

/**
 * Text as element content or attribute value. Control characters become references (`&#x0;`), although XML 1.0 has no
 * such characters: so does S3, whose keys may hold them; clients that mind ask for `encoding-type=url`.
 */
export function escapeXml(text: string): string {
  return mustEscape.test(text) ? text.replace(mustEscapeEach, escapeCharacter) : text
}

function escapeCharacter(character: string): string {
  switch (character) {
    case '&':
      return '&amp;'
    case '<':
      return '&lt;'
    case '>':
      return '&gt;'
    case '"':
      return '&quot;'
    // A bare carriage return would be read back as a line feed (XML 1.0 §2.11).
    case '\r':
      return '&#13;'
    default:
      return `&#x${character.charCodeAt(0).toString(16).toUpperCase()};`
  }
}

/** `<name>escaped text</name>`. */
export function element(name: string, text: string | number): string {
  return typeof text === 'number' ? `<${name}>${text}</${name}>` : `<${name}>${escapeXml(text)}</${name}>`
}
/** As `element`, or nothing when there is no text. */
export function optionalElement(name: string, text: string | number | undefined): string {
  return text === undefined || text === '' ? '' : element(name, text)
}

export const xmlDeclaration = '<?xml version="1.0" encoding="UTF-8"?>\n'

export interface XmlElement {
  /** Without its namespace prefix. */
  readonly name: string
  readonly children: readonly XmlElement[]
  /** The text directly inside, whitespace kept as sent; that of children is theirs. */
  readonly text: string
  /** [name with its prefix, value, name, value …] in the order written. */
  readonly attributes: readonly string[]
}

export interface XmlLimits {
  /** Elements open at once. */
  readonly maxDepth: number
  /** Elements, comments and CDATA sections in all. */
  readonly maxNodes: number
}
export const defaultXmlLimits: XmlLimits = { maxDepth: 16, maxNodes: 100_000 }

/** The first child of a name. */
export function childOf(parent: XmlElement, name: string): XmlElement | undefined {
  for (const child of parent.children) if (child.name === name) return child
  return undefined
}
/** The text of the first child of a name; undefined when there is none. */
export function childText(parent: XmlElement, name: string): string | undefined {
  return childOf(parent, name)?.text
}
/** The value of an attribute by its name without a prefix. */
export function attributeOf({ attributes }: XmlElement, name: string): string | undefined {
  for (let i = 0; i < attributes.length; i += 2) {
    const qualified = attributes[i]!
    if (qualified.slice(qualified.indexOf(':') + 1) === name) return attributes[i + 1]
  }
  return undefined
}

/**
 * The root element of a document, or undefined when it is not well formed, not UTF-8 or beyond the limits. Time and
 * memory are linear in its size (10,000 parts of a CompleteMultipartUpload: see test/unit/xml.test.ts).
 */
export function parseXml(bytes: Uint8Array, limits: XmlLimits = defaultXmlLimits): XmlElement | undefined {
  if (!isUtf8(bytes)) return undefined
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
  if (notCharacters.test(text)) return undefined
  try {
    return new Reader(text, limits).document()
  } catch (error) {
    if (error === malformed) return undefined
    throw error
  }
}

/** Thrown and caught in this file only: a document is refused once, so the cost of throwing is the sender's. */
const malformed = Symbol('malformed')

const notCharacters = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/
const namePattern =
  /[A-Za-z_\u0080-\u{10ffff}][\w.\-\u0080-\u{10ffff}]*(?::[A-Za-z_\u0080-\u{10ffff}][\w.\-\u0080-\u{10ffff}]*)?/uy
const declarationPattern =
  /<\?xml\s+version\s*=\s*(["'])1\.[01]\1(?:\s+encoding\s*=\s*(["'])(?:utf-8|us-ascii)\2)?(?:\s+standalone\s*=\s*(["'])(?:yes|no)\3)?\s*\?>/iy
const spacePattern = /[ \t\r\n]*/y
const characterPattern = /^#(?:([0-9]{1,8})|x([0-9a-fA-F]{1,8}))$/
const named = new Map(Object.entries({ amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }))

/** Most elements are leaves without attributes: they share their arrays. */
const noChildren: readonly OpenElement[] = Object.freeze([])
const noAttributes: readonly string[] = Object.freeze([])

interface OpenElement {
  readonly name: string
  readonly qualified: string
  children: readonly OpenElement[]
  text: string
  attributes: readonly string[]
}

class Reader {
  readonly #text: string
  readonly #limits: XmlLimits
  #at = 0
  #nodes = 0
  #closed = false

  constructor(text: string, limits: XmlLimits) {
    this.#text = text
    this.#limits = limits
  }

  document(): XmlElement {
    if (this.#text.charCodeAt(0) === 0xfeff) this.#at = 1
    if (this.#text.startsWith('<?xml', this.#at)) this.#match(declarationPattern)
    this.#outside()
    const root = this.#tree()
    this.#outside()
    if (this.#at !== this.#text.length) throw malformed
    return root
  }

  /** Whitespace and comments around the root. */
  #outside(): void {
    for (;;) {
      this.#match(spacePattern)
      if (!this.#text.startsWith('<!--', this.#at)) return
      this.#comment()
    }
  }

  /** One element and everything in it, without recursion: depth is bounded by the limit, not by the stack. */
  #tree(): XmlElement {
    const text = this.#text
    const open: OpenElement[] = []
    const root = this.#openTag()
    if (this.#closed) return root
    let current = root
    for (;;) {
      const lt = text.indexOf('<', this.#at)
      if (lt < 0) throw malformed
      if (lt > this.#at) current.text += this.#characters(this.#at, lt)
      this.#at = lt
      const next = text.charCodeAt(lt + 1)
      if (next === 0x2f) {
        this.#closeTag(current.qualified)
        const parent = open.pop()
        if (parent === undefined) return current
        current = parent
      } else if (next === 0x21) {
        if (text.startsWith('<!--', lt)) this.#comment()
        else current.text += this.#cdata()
      } else {
        const child = this.#openTag()
        if (current.children === noChildren) current.children = [child]
        else (current.children as OpenElement[]).push(child)
        if (this.#closed) continue
        open.push(current)
        if (open.length >= this.#limits.maxDepth) throw malformed
        current = child
      }
    }
  }

  /** Reads `<name …>` or `<name …/>`; `#closed` tells which. */
  #openTag(): OpenElement {
    this.#node()
    if (this.#text.charCodeAt(this.#at) !== 0x3c) throw malformed
    this.#at++
    const qualified = this.#match(namePattern)
    const colon = qualified.indexOf(':')
    const name = colon < 0 ? qualified : qualified.slice(colon + 1)
    const element: OpenElement = { name, qualified, children: noChildren, text: '', attributes: noAttributes }
    this.#closed = this.#attributes(element)
    return element
  }

  /** Reads attributes up to and with `>` or `/>`; true for the latter. */
  #attributes(element: OpenElement): boolean {
    if (this.#text.charCodeAt(this.#at) === 0x3e) {
      this.#at++
      return false
    }
    const names = new Set<string>()
    const pairs: string[] = []
    for (;;) {
      const space = this.#match(spacePattern)
      const next = this.#text.charCodeAt(this.#at)
      if (next === 0x3e) {
        this.#at++
        return false
      }
      if (next === 0x2f) {
        this.#literal('/>')
        return true
      }
      if (space === '') throw malformed
      const name = this.#match(namePattern)
      if (names.has(name)) throw malformed
      names.add(name)
      this.#match(spacePattern)
      this.#literal('=')
      this.#match(spacePattern)
      const quote = this.#text[this.#at]
      if (quote !== '"' && quote !== "'") throw malformed
      const end = this.#text.indexOf(quote, this.#at + 1)
      if (end < 0) throw malformed
      const value = this.#text.slice(this.#at + 1, end)
      if (value.includes('<')) throw malformed
      pairs.push(name, value.includes('&') ? this.#characters(this.#at + 1, end) : value)
      element.attributes = pairs
      this.#at = end + 1
    }
  }

  #closeTag(qualified: string): void {
    this.#at += 2
    this.#literal(qualified)
    if (this.#text.charCodeAt(this.#at) !== 0x3e) this.#match(spacePattern)
    this.#literal('>')
  }

  #comment(): void {
    this.#node()
    const end = this.#text.indexOf('--', this.#at + 4)
    if (end < 0 || this.#text.charCodeAt(end + 2) !== 0x3e) throw malformed
    this.#at = end + 3
  }

  #cdata(): string {
    this.#node()
    this.#literal('<![CDATA[')
    const end = this.#text.indexOf(']]>', this.#at)
    if (end < 0) throw malformed
    const content = this.#text.slice(this.#at, end)
    this.#at = end + 3
    return content
  }

  /** Text between two positions with its references replaced. */
  #characters(start: number, end: number): string {
    const raw = this.#text.slice(start, end)
    if (raw.includes(']]>')) throw malformed
    let ampersand = raw.indexOf('&')
    if (ampersand < 0) return raw
    let done = 0
    let text = ''
    while (ampersand >= 0) {
      text += raw.slice(done, ampersand)
      const semicolon = raw.indexOf(';', ampersand)
      if (semicolon < 0) throw malformed
      const name = raw.slice(ampersand + 1, semicolon)
      text += named.get(name) ?? characterOf(name)
      done = semicolon + 1
      ampersand = raw.indexOf('&', done)
    }
    return text + raw.slice(done)
  }

  #match(sticky: RegExp): string {
    sticky.lastIndex = this.#at
    const match = sticky.exec(this.#text)
    if (match === null) throw malformed
    this.#at = sticky.lastIndex
    return match[0]
  }
  #literal(text: string): void {
    if (!this.#text.startsWith(text, this.#at)) throw malformed
    this.#at += text.length
  }
  #node(): void {
    if (++this.#nodes > this.#limits.maxNodes) throw malformed
  }
}

/**
 * A character reference. Those to control characters pass, as in XML 1.1: keys may hold them, and this is the only way
 * to name such a key in a document. NUL, surrogates and what is beyond Unicode do not.
 */
function characterOf(reference: string): string {
  const match = characterPattern.exec(reference)
  if (match === null) throw malformed
  const [, decimal, hexadecimal] = match
  const code = decimal === undefined ? Number.parseInt(hexadecimal!, 16) : Number.parseInt(decimal, 10)
  if (code === 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) throw malformed
  return String.fromCodePoint(code)
}
