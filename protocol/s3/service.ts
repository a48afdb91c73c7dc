/** ListBuckets: the one operation on the service itself. */
import { type Fault, fault } from '../fault.ts'
import { formatIsoDate } from '../http-date.ts'
import { Level, operation, type Reply, type WireRequest } from '../operation.ts'
import { element, escapeXml, optionalElement } from '../xml.ts'
import { type ArgumentFault, argumentInvalid, decodeToken, encodeToken, parseText } from './parameters.ts'
import { isRegion } from './regions.ts'
import { type Owner, ownerElement, s3Document, xmlReply } from './xml.ts'

export interface ListBucketsRequest {
  readonly prefix: string
  /** Buckets of this region only; undefined for all. */
  readonly region: string | undefined
  /** List after this name; '' from the start. */
  readonly after: string
  readonly limit: number
  /** S3 names the buckets' regions only to those who ask with a parameter. */
  readonly parameters: boolean
}
export interface ListBucketsAnswer {
  readonly asked: ListBucketsRequest
  /** Who asks. */
  readonly owner: Owner
  readonly buckets: readonly { readonly name: string; readonly region: string; readonly createdAtMs: number }[]
  readonly truncated: boolean
  readonly last: string
}

const mostBuckets = 10_000
const tokenKind = 'buckets'
const parameterNames = ['prefix', 'bucket-region', 'continuation-token', 'max-buckets'] as const

function parseListBuckets(request: WireRequest): ListBucketsRequest | ArgumentFault | Fault<'not-implemented'> {
  const { query } = request
  // ListDirectoryBuckets has the same method and path; this parameter is its own.
  if (query.has('max-directory-buckets')) return fault('not-implemented')
  const prefix = parseText(query, 'prefix')
  if (typeof prefix !== 'string') return prefix
  const most = query.get('max-buckets') ?? String(mostBuckets)
  const limit = /^\d{1,5}$/.test(most) ? Number(most) : 0
  if (limit < 1 || limit > mostBuckets)
    return argumentInvalid('max-buckets', 'Argument max-buckets must be an integer between 1 and 10000.', most)
  const region = query.get('bucket-region')
  if (region !== undefined && !isRegion(region))
    return argumentInvalid('bucket-region', `Argument value ${region} is not a valid AWS Region`)
  // Unlike ListObjectsV2, an empty token is as good as none here.
  const token = query.get('continuation-token') ?? ''
  const after = token === '' ? '' : decodeToken(tokenKind, token)
  if (after === undefined) return argumentInvalid('continuation-token', 'The continuation token provided is incorrect')
  return { prefix, region, after, limit, parameters: parameterNames.some(name => query.has(name)) }
}

function renderListBuckets({ asked, owner, buckets, truncated, last }: ListBucketsAnswer): Reply {
  let xml = ''
  for (const { name, region, createdAtMs } of buckets) {
    xml += `<Bucket><Name>${escapeXml(name)}</Name><CreationDate>${formatIsoDate(createdAtMs)}</CreationDate>`
    if (asked.parameters) xml += element('BucketRegion', region)
    xml += `<BucketArn>arn:aws:s3:::${escapeXml(name)}</BucketArn></Bucket>`
  }
  return xmlReply(
    s3Document(
      'ListAllMyBucketsResult',
      ownerElement('Owner', owner) +
        `<Buckets>${xml}</Buckets>` +
        optionalElement('ContinuationToken', truncated ? encodeToken(tokenKind, last) : undefined) +
        optionalElement('Prefix', asked.prefix),
    ),
  )
}

export const serviceOperations = [
  operation({
    name: 'ListBuckets',
    match: { method: 'GET', level: Level.service, selector: '' },
    access: 'list',
    body: 'none',
    refuses: [],
    parse: parseListBuckets,
    render: renderListBuckets,
    faults: ['argument-invalid', 'not-implemented', 'access-denied'],
  }),
] as const
