/**
 * What analytics, inventory, metrics and tiering configurations have in common: a bucket has up to 1,000 of each, named
 * by an id that stands in the query and in the document, and lists them by id, 100 a page.
 */
import { type Fault, fault } from '../fault.ts'
import type { Reply, WireRequest } from '../operation.ts'
import { element, optionalElement } from '../xml.ts'
import type { Shape } from './document-shape.ts'
import { writeDocument } from './document-shape.ts'
import { decodeToken, encodeToken } from './parameters.ts'
import { s3Document, xmlReply } from './xml.ts'

/** Which rule a configuration breaks; S3 has a code for each (faults.ts). */
type ConfigurationReason =
  | 'query-id'
  | 'id'
  | 'id-mismatch'
  | 'prefix'
  | 'and'
  | 'tag'
  | 'tier'
  | 'analysis'
  | 'analytics-destination'
  | 'inventory-destination'
  | 'inventory-key'
  | 'token'
export type ConfigurationFault = Fault<'configuration-invalid'>

export function configurationInvalid(reason: ConfigurationReason, message: string): ConfigurationFault {
  return fault('configuration-invalid', { reason, message })
}

/** Configurations of one kind that a bucket may have. */
export const configurationLimit = 1000
/** Configurations of a page. */
export const configurationPage = 100

/** The id in the query of a request about one configuration. */
export function parseConfigurationId(request: WireRequest): string | ConfigurationFault {
  const id = request.query.get('id') ?? ''
  return id === '' ? configurationInvalid('query-id', 'The specified configuration id is invalid.') : id
}

const idPattern = /^[a-zA-Z0-9\-_.]{1,64}$/

/** Whether a document may call itself so. */
export function isConfigurationId(id: string): boolean {
  return idPattern.test(id)
}

/** The fault of a document's id, in the words that analytics and tiering have for it. */
export function checkConfigurationId(
  id: string,
  words: { readonly empty: string; readonly length: string },
): ConfigurationFault | undefined {
  if (isConfigurationId(id)) return undefined
  if (id === '') return configurationInvalid('id', words.empty)
  if (id.length > 64) return configurationInvalid('id', words.length)
  return configurationInvalid('id', 'Config Id does not match the pattern ^[a-zA-Z0-9\\-_.]+$')
}

/** One of the four kinds: its name keeps tokens apart, its roots are S3's. */
export interface ConfigurationKind<T> {
  readonly name: string
  readonly root: string
  readonly listRoot: string
  readonly shape: Shape<T>
}

export interface ConfigurationListing {
  readonly bucket: string
  /** List after this id; '' from the first. */
  readonly after: string
  /** As sent; '' when absent. */
  readonly token: string
}

export function parseConfigurationListing<T>(
  kind: ConfigurationKind<T>,
  request: WireRequest,
): ConfigurationListing | ConfigurationFault {
  const token = request.query.get('continuation-token') ?? ''
  const after = token === '' ? '' : decodeToken(kind.name, token)
  if (after === undefined) return configurationInvalid('token', 'The continuation-token you provided invalid.')
  return { bucket: request.bucket, after, token }
}

export interface ConfigurationListAnswer<T> {
  readonly asked: ConfigurationListing
  /** By id, at most a page of them. */
  readonly configurations: readonly T[]
  /** The last of them, when more follow. */
  readonly lastId: string | undefined
}

export function renderConfigurationListing<T>(kind: ConfigurationKind<T>, answer: ConfigurationListAnswer<T>): Reply {
  const { asked, configurations, lastId } = answer
  let xml = element('IsTruncated', String(lastId !== undefined)) + optionalElement('ContinuationToken', asked.token)
  if (lastId !== undefined) xml += element('NextContinuationToken', encodeToken(kind.name, lastId))
  for (const configuration of configurations) xml += kind.shape.write(kind.root, configuration)
  return xmlReply(s3Document(kind.listRoot, xml))
}

export function renderConfiguration<T>(kind: ConfigurationKind<T>, configuration: T): Reply {
  return xmlReply(writeDocument(kind.root, kind.shape, configuration))
}
