/** How S3's documents are framed and how their recurring parts are spelled. */
import type { Reply } from '../operation.ts'
import { element, optionalElement, xmlDeclaration } from '../xml.ts'

export const s3Namespace = 'http://s3.amazonaws.com/doc/2006-03-01/'

const xmlHeaders: readonly string[] = Object.freeze(['Content-Type', 'application/xml'])

/** A whole document: declaration, root in S3's namespace, content (already escaped). */
export function s3Document(root: string, content: string): string {
  return `${xmlDeclaration}<${root} xmlns="${s3Namespace}">${content}</${root}>`
}

/** An answer that is a document. `headers` are [name, value, …] beside its content type. */
export function xmlReply(document: string, headers: readonly string[] = [], status = 200): Reply {
  return { status, headers: headers.length === 0 ? xmlHeaders : [...xmlHeaders, ...headers], body: document }
}

/** Who owns a thing. S3 stopped sending names in 2025: without one none is sent. */
export interface Owner {
  readonly canonicalId: string
  readonly name?: string | undefined
}
/** `<name><ID>canonical id</ID></name>`: for Owner and Initiator. */
export function ownerElement(name: string, owner: Owner): string {
  return `<${name}>${element('ID', owner.canonicalId)}${optionalElement('DisplayName', owner.name)}</${name}>`
}

/** `<ETag>&quot;…&quot;</ETag>` from an ETag without quotes. */
export function etagElement(etag: string): string {
  return `<ETag>&quot;${etag}&quot;</ETag>`
}

/** How the keys of a listing are written: asked for by `encoding-type=url`, else as they are. */
export type KeyEncoding = 'url' | undefined

const plain = /^[A-Za-z0-9\-._*/]*$/
const alsoEncoded = /[!'()~]|%2F/g

/** A key, prefix, marker or delimiter of a listing: percent-encoded but for `/`, or as it is. */
export function encodeKey(key: string, encoding: KeyEncoding): string {
  if (encoding === undefined || plain.test(key)) return key
  // A space is %20, which every client's decoder understands; a '+' only some do.
  return encodeURIComponent(key).replace(alsoEncoded, character =>
    character === '%2F' ? '/' : `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/** The names that S3 gives checksum algorithms in documents: upper case. */
export function checksumAlgorithmName(lowerName: string): string {
  return lowerName.toUpperCase()
}
