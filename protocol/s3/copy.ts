/** CopyObject. */
import type { CustomerKey } from '../encryption.ts'
import { type Fault, fault } from '../fault.ts'
import { formatIsoDate } from '../http-date.ts'
import { Level, operation, type Reply, type WireRequest } from '../operation.ts'
import type { Properties } from '../properties.ts'
import {
  type ChecksumFault,
  type ChecksumName,
  type Checksums,
  type ChecksumType,
  checksumXml,
  compositeSuffix,
  parseChecksumAlgorithm,
} from './checksum-headers.ts'
import { type Conditions, parseSourceConditions, parseWriteConditions } from './conditions.ts'
import { type CopySource, type CopySourceFault, parseCopySource } from './copy-source.ts'
import { type CustomerKeyFault, parseSourceKey } from './customer-key.ts'
import {
  type Description,
  type DescriptionFault,
  descriptionFaults,
  parseDescription,
  refusedWriteHeaders,
  standardStorageClass,
} from './description.ts'
import { type EncryptionAnswer, pushNewEncryptionHeaders, readingKeyFaults } from './encryption.ts'
import { expirationHeader } from './lifecycle.ts'
import type { LifecycleDue } from './lifecycle-rule.ts'
import { checkKey } from './names.ts'
import { parseTaggingDirective } from './tagging.ts'
import { pushSourceVersion, pushVersion, type VersionName } from './version-id.ts'
import { etagElement, s3Document, xmlReply } from './xml.ts'

export interface CopyInput {
  readonly bucket: string
  readonly key: string
  readonly source: CopySource
  readonly sourceKey: CustomerKey | undefined
  readonly sourceConditions: Conditions
  readonly targetConditions: Conditions
  /** What the request says; of it all counts when `replace`, else only storage class and redirect. */
  readonly description: Description
  readonly replace: boolean
  readonly replaceTags: boolean
  /** The request asks for something that may differ from the source: what a copy onto itself needs. */
  readonly changes: boolean
  readonly checksumAlgorithm: ChecksumName | undefined
}

export interface CopyOutput extends EncryptionAnswer {
  readonly etag: string
  readonly modifiedAtMs: number
  readonly checksums: Checksums
  readonly checksumType: ChecksumType | undefined
  /** Parts of a composite checksum: 0 after a copy, which always has a whole object's. */
  readonly parts: number
  readonly version?: VersionName | undefined
  readonly expiration?: LifecycleDue | undefined
  readonly sourceVersion?: VersionName | undefined
}

type CopyFault = CopySourceFault | CustomerKeyFault | DescriptionFault | ChecksumFault

function parseCopy(request: WireRequest): CopyInput | CopyFault {
  const tooLong = checkKey(request.key)
  if (tooLong !== undefined) return tooLong
  const source = parseCopySource(request.header('x-amz-copy-source'))
  if ('code' in source) return source
  const sourceKey = parseSourceKey(request)
  if (sourceKey !== undefined && 'code' in sourceKey) return sourceKey
  const replace = parseDirective(request, 'x-amz-metadata-directive', 'metadata')
  if (typeof replace !== 'boolean') return replace
  const tagging = parseTaggingDirective(request)
  if (typeof tagging !== 'string') return tagging
  const description = parseDescription(request)
  if ('code' in description) return description
  const targetConditions = parseWriteConditions(request)
  if ('code' in targetConditions) return targetConditions
  const checksumAlgorithm = parseChecksumAlgorithm(request)
  if (typeof checksumAlgorithm === 'object') return checksumAlgorithm
  return {
    bucket: request.bucket,
    key: request.key,
    source,
    sourceKey,
    sourceConditions: parseSourceConditions(request),
    targetConditions,
    description,
    replace,
    replaceTags: tagging === 'REPLACE',
    changes:
      replace ||
      request.header('x-amz-storage-class') !== '' ||
      description.encryption !== undefined ||
      request.header('x-amz-website-redirect-location') !== '',
    checksumAlgorithm,
  }
}

/** COPY (also when absent) or REPLACE. */
function parseDirective(request: WireRequest, name: string, what: string): boolean | Fault<'argument-invalid'> {
  const value = request.header(name)
  if (value === '' || value === 'COPY') return false
  if (value === 'REPLACE') return true
  return fault('argument-invalid', { name, value, message: `Unknown ${what} directive.` })
}

const redirect = 'x-amz-website-redirect-location'

/**
 * What the copy says of itself. With COPY it keeps the source's headers and metadata, but neither its storage class
 * (STANDARD unless asked otherwise) nor its website redirect (API reference, CopyObject).
 */
export function describeCopy(input: CopyInput, source: Description): Description | Fault<'request-invalid'> {
  const onto = input.bucket === input.source.bucket && input.key === input.source.key
  // An older version copied onto its key is how it is brought back.
  if (!input.changes && onto && input.source.version === undefined)
    return fault('request-invalid', {
      message:
        "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    })
  const properties = propertiesOfCopy(input, source)
  if (input.replace) return { ...input.description, properties }
  const { [redirect]: _, ...kept } = source.headers
  const asked = input.description.headers[redirect]
  return {
    headers: asked === undefined ? kept : { ...kept, [redirect]: asked },
    metadata: source.metadata,
    storageClass: input.description.storageClass || standardStorageClass,
    properties,
    acl: input.description.acl,
  }
}

/** Tags are copied unless they are replaced; a lock never is: it is what the request or the bucket says. */
function propertiesOfCopy(input: CopyInput, source: Description): Properties {
  const { tags: asked, ...lock } = input.description.properties ?? {}
  const tags = input.replaceTags ? asked : source.properties?.tags
  return tags === undefined ? lock : { ...lock, tags }
}

export const copyObject = operation({
  name: 'CopyObject',
  match: { method: 'PUT', level: Level.object, selector: '', needs: { header: ['x-amz-copy-source'] } },
  access: 'write',
  body: 'none',
  refuses: refusedWriteHeaders,
  parse: parseCopy,
  render: (out: CopyOutput): Reply => {
    const headers: string[] = []
    pushNewEncryptionHeaders(headers, out)
    pushVersion(headers, out.version)
    pushSourceVersion(headers, out.sourceVersion)
    if (out.expiration !== undefined) headers.push('x-amz-expiration', expirationHeader(out.expiration))
    return xmlReply(
      s3Document(
        'CopyObjectResult',
        etagElement(out.etag) +
          `<LastModified>${formatIsoDate(out.modifiedAtMs)}</LastModified>` +
          (out.checksumType === undefined ? '' : `<ChecksumType>${out.checksumType}</ChecksumType>`) +
          checksumXml(out.checksums, compositeSuffix(out.checksumType, out.parts)),
      ),
      headers,
    )
  },
  faults: [
    ...descriptionFaults,
    'request-invalid',
    'header-refused',
    'checksum-malformed',
    'key-too-long',
    'bucket-missing',
    'access-denied',
    'region-wrong',
    'object-missing',
    'version-missing',
    'method-not-allowed',
    'object-archived',
    'copy-source-too-large',
    'precondition-failed',
    'condition-conflict',
    'storage-full',
    ...readingKeyFaults,
  ],
})
