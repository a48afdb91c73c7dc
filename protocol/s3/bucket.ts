/** CreateBucket, HeadBucket, DeleteBucket and GetBucketLocation. */
import { Fault, fault } from '../fault.ts'
import { Level, operation, type Reply, type WireRequest } from '../operation.ts'
import type { Tag } from '../properties.ts'
import { childText, element, parseXml, xmlDeclaration } from '../xml.ts'
import { type AclHeaderFault, type AclRequest, aclFaults, parseAclHeaders } from './acl-request.ts'
import { parseNewBucketLock, parseNewBucketTags } from './bucket-creation.ts'
import { checkBucketName } from './names.ts'
import { isObjectOwnership, type ObjectOwnership } from './ownership-controls.ts'
import { type ArgumentFault, argumentInvalid } from './parameters.ts'
import { globalRegion } from './regions.ts'
import type { TagFault } from './tagging.ts'
import { s3Namespace, xmlReply } from './xml.ts'

/** The faults of every operation on a bucket that must be there. */
export const bucketFaults = ['bucket-missing', 'access-denied', 'region-wrong'] as const

export interface BucketRequest {
  readonly bucket: string
}
export interface CreateBucketRequest extends BucketRequest {
  /** '' when the request names none. */
  readonly locationConstraint: string
  readonly acl: AclRequest | undefined
  readonly ownership: ObjectOwnership | undefined
  readonly lock: boolean
  readonly tags: readonly Tag[]
}
export interface BucketAnswer extends BucketRequest {
  readonly region: string
}

const createBodyLimits = { maxDepth: 6, maxNodes: 1000 }

function parseBucket(request: WireRequest): BucketRequest {
  return { bucket: request.bucket }
}

/**
 * A request that makes or removes a bucket and carries a parameter we do not know may mean one of the bucket's parts:
 * it is refused rather than taken for the bare operation. Signatures and SDKs add parameters of their own.
 */
function refuseParameters(request: WireRequest): Fault<'not-implemented'> | undefined {
  for (const [name] of request.query) {
    const lower = name.toLowerCase()
    if (lower !== 'x-id' && !lower.startsWith('x-amz-')) return fault('not-implemented')
  }
  return undefined
}

type CreateBucketFault =
  | Fault<'bucket-name-invalid'>
  | ArgumentFault
  | Fault<'header-refused'>
  | Fault<'not-implemented'>
  | Fault<'xml-malformed'>
  | AclHeaderFault
  | TagFault

function parseCreateBucket(request: WireRequest, body: Uint8Array): CreateBucketRequest | CreateBucketFault {
  const refused = refuseParameters(request) ?? checkBucketName(request.bucket) ?? checkNamespace(request)
  if (refused !== undefined) return refused
  const acl = parseAclHeaders(request)
  if (acl instanceof Fault) return acl
  const ownership = parseOwnership(request)
  if (ownership instanceof Fault) return ownership
  const lock = parseNewBucketLock(request)
  if (typeof lock !== 'boolean') return lock
  const asked = { bucket: request.bucket, acl, ownership, lock }
  if (body.length === 0) return { ...asked, locationConstraint: '', tags: [] }
  const root = parseXml(body, createBodyLimits)
  if (root === undefined || root.name !== 'CreateBucketConfiguration') return fault('xml-malformed')
  for (const child of root.children) {
    // Location and Bucket make a directory bucket.
    if (child.name === 'Location' || child.name === 'Bucket') return fault('not-implemented')
    if (child.name !== 'Tags' && child.name !== 'LocationConstraint') return fault('xml-malformed')
  }
  const tags = parseNewBucketTags(root)
  if (tags instanceof Fault) return tags
  return { ...asked, locationConstraint: childText(root, 'LocationConstraint')?.trim() ?? '', tags }
}

function parseOwnership(request: WireRequest): ObjectOwnership | undefined | ArgumentFault {
  const ownership = request.header('x-amz-object-ownership')
  if (ownership === '') return undefined
  if (isObjectOwnership(ownership)) return ownership
  return argumentInvalid('x-amz-object-ownership', `Invalid x-amz-object-ownership header: ${ownership}`)
}

function checkNamespace(request: WireRequest): Fault<'header-refused'> | undefined {
  const namespace = request.header('x-amz-bucket-namespace')
  return namespace === '' || namespace === 'global'
    ? undefined
    : fault('header-refused', { header: 'x-amz-bucket-namespace' })
}

function parseDeleteBucket(request: WireRequest): BucketRequest | Fault<'not-implemented'> {
  return refuseParameters(request) ?? { bucket: request.bucket }
}

function renderCreateBucket({ bucket }: BucketAnswer): Reply {
  const headers = ['Location', `/${bucket}`, 'x-amz-bucket-arn', `arn:aws:s3:::${bucket}`]
  return { status: 200, headers, body: null }
}

function renderHeadBucket({ bucket, region }: BucketAnswer): Reply {
  const headers = ['Content-Type', 'application/xml', 'x-amz-bucket-region', region]
  headers.push('x-amz-access-point-alias', 'false', 'x-amz-bucket-arn', `arn:aws:s3:::${bucket}`)
  return { status: 200, headers, body: null }
}

/** The oldest region's name is the empty one. */
function renderLocation({ region }: BucketAnswer): Reply {
  const constraint = region === globalRegion ? '' : region
  const root = `LocationConstraint xmlns="${s3Namespace}"`
  return xmlReply(
    xmlDeclaration +
      (constraint === ''
        ? `<${root}/>`
        : element('LocationConstraint', constraint).replace('LocationConstraint', root)),
  )
}

export const bucketOperations = [
  operation({
    name: 'CreateBucket',
    match: { method: 'PUT', level: Level.bucket, selector: '' },
    access: 'admin',
    body: { limitBytes: 64 * 1024 },
    refuses: [],
    parse: parseCreateBucket,
    render: renderCreateBucket,
    faults: [
      'bucket-name-invalid',
      'header-refused',
      'not-implemented',
      'xml-malformed',
      'tag-invalid',
      'tags-too-many',
      'acl-ownership-conflict',
      'acl-public-blocked',
      ...aclFaults,
      'location-invalid',
      'location-incompatible',
      'bucket-exists',
      'bucket-owned',
      'bucket-limit',
    ],
  }),
  operation({
    name: 'HeadBucket',
    match: { method: 'HEAD', level: Level.bucket, selector: '' },
    access: 'list',
    body: 'none',
    refuses: [],
    parse: parseBucket,
    render: renderHeadBucket,
    faults: bucketFaults,
  }),
  operation({
    name: 'DeleteBucket',
    match: { method: 'DELETE', level: Level.bucket, selector: '' },
    access: 'admin',
    body: 'none',
    refuses: [],
    parse: parseDeleteBucket,
    render: (_: undefined) => ({ status: 204, headers: [], body: null }),
    faults: [...bucketFaults, 'bucket-not-empty', 'not-implemented'],
  }),
  operation({
    name: 'GetBucketLocation',
    match: { method: 'GET', level: Level.bucket, selector: 'location' },
    access: 'read',
    body: 'none',
    refuses: [],
    parse: parseBucket,
    render: renderLocation,
    faults: bucketFaults,
  }),
] as const
