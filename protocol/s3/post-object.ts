/**
 * POST Object: an upload from a browser's form. "POST is an alternate form of PUT": the fields say what the headers of
 * PutObject say, and some say how to answer. Source: S3 API Reference, "POST Object"; it is not among the operations of
 * the API's model.
 */
import { Fault, fault } from '../fault.ts'
import { Level, operation, type Reply, type WireRequest } from '../operation.ts'
import { emptyQuery } from '../query.ts'
import { childOf, childText, element, parseXml, xmlDeclaration } from '../xml.ts'
import { type PutFault, type PutInput, type PutOutput, parsePut, putHeaders, putObject } from './object-write.ts'
import { type ArgumentFault, argumentInvalid } from './parameters.ts'
import { xmlReply } from './xml.ts'

export interface PostInput {
  /** What PutObject would be asked for. */
  readonly put: PutInput
  readonly success: SuccessAction
  /** As sent, for the answer to one of another region; '' without. */
  readonly credential: string
}

export interface SuccessAction {
  readonly status: 200 | 201 | 204
  /** An absolute URL; undefined when there is none to go to. */
  readonly redirect: string | undefined
}

export interface PostOutput extends PutOutput {
  readonly bucket: string
  readonly key: string
  /** Of the bucket, with a slash at its end. */
  readonly bucketUrl: string
  readonly success: SuccessAction
}

type PostFault = PutFault | ArgumentFault | Fault<'xml-malformed'> | Fault<'not-implemented'>

/** Fields that stand for a header of another name. */
const renamed: Readonly<Record<string, string>> = {
  acl: 'x-amz-acl',
  tagging: 'x-amz-tagging',
  // Of the two names, the one that PutObject compares with the checksum it is sent.
  'x-amz-checksum-algorithm': 'x-amz-sdk-checksum-algorithm',
}
/** Fields that are no headers of PutObject by their name, or speak of how a body is sent: a form's is sent in one way. */
const unheeded: ReadonlySet<string> = new Set(['x-amz-trailer', 'x-amz-content-sha256', 'x-amz-decoded-content-length'])
const refusedFields: ReadonlySet<string> = new Set([...putObject.refuses, 'x-amz-copy-source'])

/** Settings of an object that stand in a header of the request: those of a form are its fields, which its policy covers. */
const refusedHeaders = [
  'if-match',
  'if-none-match',
  'x-amz-acl',
  'x-amz-copy-source',
  'x-amz-object-lock-legal-hold',
  'x-amz-object-lock-mode',
  'x-amz-object-lock-retain-until-date',
  'x-amz-server-side-encryption',
  'x-amz-server-side-encryption-aws-kms-key-id',
  'x-amz-server-side-encryption-customer-algorithm',
  'x-amz-server-side-encryption-customer-key',
  'x-amz-storage-class',
  'x-amz-tagging',
  'x-amz-website-redirect-location',
] as const

/** @param form whose headers are the fields: see PostForm */
function parsePost(form: WireRequest): PostInput | PostFault {
  const request = readHeaders(form)
  if (request instanceof Fault) return request
  for (let i = 0; i < request.headers.length; i += 2) {
    const header = request.headers[i]!
    if (refusedFields.has(header) && request.headers[i + 1] !== '') return fault('not-implemented', { header })
  }
  const put = parsePut(request)
  if (put instanceof Fault) return put
  return { put, success: parseSuccess(form), credential: form.header('x-amz-credential') }
}

/** RFC 9110 §5.6.2, in lower case. */
const headerName = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/
const controls = /[\u0000-\u0008\u000a-\u001f\u007f]/
const beyondLatin1 = /[^\u0000-\u00ff]/gu

/** The fields as the headers of a PutObject. */
function readHeaders(form: WireRequest): WireRequest | ArgumentFault | Fault<'xml-malformed'> {
  const headers: string[] = []
  for (let i = 0; i < form.headers.length; i += 2) {
    const field = form.headers[i]!
    let value = form.headers[i + 1]!
    if (unheeded.has(field)) continue
    if (field === 'tagging') {
      const tags = readTagging(value)
      if (tags instanceof Fault) return tags
      value = tags
    } else if (field.startsWith('x-amz-meta-')) {
      // Values may hold anything: what is not printable ASCII is encoded in answers.
      if (!headerName.test(field)) return invalidHeader(field)
    } else if (described.has(field)) {
      if (controls.test(value)) return invalidHeader(field)
      // A header cannot carry these. S3 answers blanks in their place.
      value = value.replace(beyondLatin1, ' ')
    }
    headers.push(renamed[field] ?? field, value)
  }
  return new FieldHeaders(form, headers)
}

/** Stored as sent, and sent as headers. */
const described: ReadonlySet<string> = new Set([
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
  'x-amz-website-redirect-location',
])

function invalidHeader(name: string): ArgumentFault {
  return argumentInvalid(name, 'Header name or value contains an invalid character.')
}

class FieldHeaders implements WireRequest {
  readonly method = 'PUT'
  readonly level = Level.object
  readonly bucket: string
  readonly key: string
  readonly query = emptyQuery
  readonly headers: readonly string[]

  constructor(form: WireRequest, headers: readonly string[]) {
    this.bucket = form.bucket
    this.key = form.key
    this.headers = headers
  }

  header(lowerName: string): string {
    let found = ''
    for (let i = 0; i < this.headers.length; i += 2)
      if (this.headers[i] === lowerName)
        found = found === '' ? this.headers[i + 1]! : `${found},${this.headers[i + 1]!}`
    return found
  }
}

const taggingLimits = { maxDepth: 6, maxNodes: 1000 }

/** Tags as the x-amz-tagging header writes them. A document of another root has none: S3 lets it pass. */
export function readTagging(xml: string): string | Fault<'xml-malformed'> {
  const root = parseXml(Buffer.from(xml), taggingLimits)
  if (root === undefined) return fault('xml-malformed')
  const set = root.name === 'Tagging' ? childOf(root, 'TagSet') : undefined
  const tags: string[] = []
  for (const tag of set?.children ?? []) {
    const [key, value] = [childText(tag, 'Key'), childText(tag, 'Value')]
    if (tag.name !== 'Tag' || key === undefined || value === undefined) return fault('xml-malformed')
    tags.push(`${encodeURIComponent(key)}=${encodeURIComponent(value)}`)
  }
  return tags.join('&')
}

function parseSuccess(form: WireRequest): SuccessAction {
  const status = form.header('success_action_status')
  return {
    // "If the value is not set or if it is set to a value that is not valid": 204.
    status: status === '200' ? 200 : status === '201' ? 201 : 204,
    redirect: parseRedirect(form.header('success_action_redirect')) ?? parseRedirect(form.header('redirect')),
  }
}

/** "If Amazon S3 cannot interpret the URL, it acts as if the field is not present." */
function parseRedirect(text: string): string | undefined {
  if (!/^https?:\/\//i.test(text) || /[\u0000-\u001f\u007f]/.test(text) || !URL.canParse(text)) return undefined
  return text.replace(/[^\u0000-\u007f]+/g, encodeURIComponent)
}

function renderPost(out: PostOutput): Reply {
  const headers = putHeaders(out)
  const { success, bucket, key } = out
  if (success.redirect !== undefined) {
    headers.push('Location', redirectLocation(success.redirect, out))
    return { status: 303, headers, body: null }
  }
  const location = out.bucketUrl + encodeURIComponent(key).replace(/[!'()]/g, encodeCharacter)
  headers.push('Location', location)
  if (success.status !== 201) return { status: success.status, headers, body: null }
  // Without a namespace, and with bare quotes: so S3 writes it, and there are clients that cut it up as text.
  const xml =
    `${xmlDeclaration}<PostResponse>${element('Location', location)}${element('Bucket', bucket)}` +
    `${element('Key', key)}<ETag>"${out.etag}"</ETag></PostResponse>`
  return xmlReply(xml, headers, 201)
}

function encodeCharacter(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`
}

/** A query that the URL has stays as it is; what is added is written as forms are. */
function redirectLocation(url: string, { bucket, key, etag }: PostOutput): string {
  const hash = url.indexOf('#')
  const [base, fragment] = hash < 0 ? [url, ''] : [url.slice(0, hash), url.slice(hash)]
  const added = new URLSearchParams([
    ['bucket', bucket],
    ['key', key],
    ['etag', `"${etag}"`],
  ])
  return `${base}${base.includes('?') ? '&' : '?'}${added}${fragment}`
}

export const postObject = operation({
  name: 'PostObject',
  match: { method: 'POST', level: Level.bucket, selector: '' },
  access: 'write',
  body: 'form',
  refuses: refusedHeaders,
  parse: parsePost,
  render: renderPost,
  faults: [...putObject.faults, 'object-too-small', 'form-malformed', 'xml-malformed', 'not-implemented'],
})
