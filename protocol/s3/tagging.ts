/**
 * Tags of objects and buckets. Source: S3 User Guide, "Categorizing your objects using tags": keys of 1 to 128 and
 * values of 0 to 256 characters, counted in UTF-16; letters, digits and spaces of any script, and `+ - = . _ : / @`.
 */
import { Fault, fault } from '../fault.ts'
import type { Reply, WireRequest } from '../operation.ts'
import { Query } from '../query.ts'
import {
  type MalformedFault,
  readDocument,
  record,
  required,
  text,
  type ValueOf,
  wrapped,
  writeDocument,
} from './document-shape.ts'
import { type ArgumentFault, argumentInvalid } from './parameters.ts'
import { xmlReply } from './xml.ts'

export const tagShape = record({ key: required('Key', text), value: required('Value', text) })
export type Tag = ValueOf<typeof tagShape>

/** What the tags are of: their number and some of S3's words depend on it. */
export type TagScope = 'object' | 'bucket' | 'new-bucket'

export type TagFault = Fault<'tag-invalid'> | Fault<'tags-too-many'>

const root = 'Tagging'
const shape = record({ tagSet: wrapped('TagSet', 'Tag', tagShape) })
const header = 'x-amz-tagging'

const keyLimit = 128
const valueLimit = 256
const allowed = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u
const systemPrefix = 'aws:'

/** Recorded: each of the three says no in words of its own. */
const systemTagRefusals: Readonly<Record<TagScope, string>> = {
  object: 'Your TagKey cannot be prefixed with aws:',
  bucket: 'System tags cannot be added/updated by requester',
  'new-bucket':
    'User-defined tag keys can\'t start with "aws:". This prefix is reserved for system tags. Remove "aws:" from your ' +
    'tag keys and try again.',
}

/** PutObjectTagging's and PutBucketTagging's document. One without tags removes them. */
export function parseTagging(body: Uint8Array, scope: TagScope): readonly Tag[] | MalformedFault | TagFault {
  const document = readDocument(root, shape, body)
  if (document instanceof Fault) return document
  const tags = document.tagSet ?? []
  return checkTags(tags, scope) ?? tags
}

/** The fault of a set of tags: that of its first bad tag, else of their number (S3 looks in this order). */
export function checkTags(tags: readonly Tag[], scope: TagScope): TagFault | undefined {
  const seen = new Set<string>()
  for (const { key, value } of tags) {
    const bad = checkKey(key, scope) ?? checkValue(key, value)
    if (bad !== undefined) return bad
    if (seen.has(key)) return fault('tag-invalid', { message: 'Cannot provide multiple Tags with the same key', key })
    seen.add(key)
  }
  if (scope === 'object')
    return tags.length > 10 ? fault('tags-too-many', { message: 'Object tags cannot be greater than 10' }) : undefined
  return tags.length > 50
    ? fault('tags-too-many', { message: 'Bucket tag count cannot be greater than 50' })
    : undefined
}

function checkKey(key: string, scope: TagScope): TagFault | undefined {
  const message = 'The TagKey you have provided is invalid'
  if (key === '' || key.length > keyLimit) return fault('tag-invalid', { message })
  if (!allowed.test(key)) return fault('tag-invalid', { message, key })
  if (!key.startsWith(systemPrefix)) return undefined
  const refusal = systemTagRefusals[scope]
  return fault('tag-invalid', scope === 'new-bucket' ? { message: refusal } : { message: refusal, key })
}

/** Whether every character may stand in a tag. */
export function isTagText(text: string): boolean {
  return allowed.test(text)
}

function checkValue(key: string, value: string): TagFault | undefined {
  const message = 'The TagValue you have provided is invalid'
  if (value.length > valueLimit) return fault('tag-invalid', { message })
  return allowed.test(value) ? undefined : fault('tag-invalid', { message, key, value })
}

/** The x-amz-tagging header of a request that creates an object: `key=value&…`, percent-encoded. Absent: none. */
export function parseTagHeader(request: WireRequest): readonly Tag[] | ArgumentFault | TagFault {
  const value = request.header(header)
  if (value === '') return noTags
  const tags = readPairs(value)
  if (tags === undefined) return headerMalformed(value)
  // Parameters have no order: they are kept by key.
  return checkTags(tags, 'object') ?? [...tags].sort((a, b) => (a.key < b.key ? -1 : 1))
}
const noTags: readonly Tag[] = Object.freeze([])

/** The pairs of the header, or undefined when it is not of its form; a key that stands twice is not, says S3. */
function readPairs(value: string): readonly Tag[] | undefined {
  // A raw '=' within a value: `key1=val1,key2=val2` was sent for two tags.
  for (const pair of value.split('&')) if (pair.split('=').length > 2) return undefined
  const query = new Query(value)
  if (!query.wellFormed) return undefined
  const tags = Array.from(query, ([key, value]) => ({ key, value }))
  const keys = new Set(tags.map(tag => tag.key))
  return keys.size < tags.length || keys.has('') ? undefined : tags
}

function headerMalformed(value: string): ArgumentFault {
  return argumentInvalid(
    header,
    "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name " +
      'duplicates.',
    value,
  )
}

export type TaggingDirective = 'COPY' | 'REPLACE'

/** Whether a copy takes its source's tags or those of the request; the former when absent. */
export function parseTaggingDirective(request: WireRequest): TaggingDirective | ArgumentFault {
  const value = request.header('x-amz-tagging-directive')
  if (value === '' || value === 'COPY') return 'COPY'
  if (value === 'REPLACE') return value
  return argumentInvalid('x-amz-tagging-directive', 'Unknown tagging directive.', value)
}

/** @param headers such as x-amz-version-id */
export function renderTagging(tags: readonly Tag[], headers: readonly string[] = []): Reply {
  return xmlReply(writeDocument(root, shape, { tagSet: tags }), headers)
}

/** x-amz-tagging-count of an object that is read; S3 leaves it out when there are none. */
export function pushTagCount(headers: string[], count: number): void {
  if (count > 0) headers.push('x-amz-tagging-count', String(count))
}
