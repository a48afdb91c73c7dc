/** The versioning state of a bucket, and MFA Delete, which buckets here cannot have. */
import { Fault, fault } from '../fault.ts'
import type { Reply, WireRequest } from '../operation.ts'
import { type MalformedFault, oneOf, optional, readDocument, record, text, writeDocument } from './document-shape.ts'
import { xmlReply } from './xml.ts'

/** A bucket whose versioning was never set is in neither state. */
export type VersioningStatus = 'Enabled' | 'Suspended'

const root = 'VersioningConfiguration'
const statuses = oneOf('Enabled', 'Suspended')
/** Read: S3 tells a status that is missing or empty from one that is none of its words. */
const sent = record({
  status: optional('Status', text),
  mfaDelete: optional('MfaDelete', oneOf('Enabled', 'Disabled')),
})
const kept = record({ status: optional('Status', statuses) })

export type VersioningFault = MalformedFault | Fault<'versioning-unspecified'> | Fault<'access-denied'>

/** PutBucketVersioning's document. */
export function parseVersioning(request: WireRequest, body: Uint8Array): VersioningStatus | VersioningFault {
  const document = readDocument(root, sent, body)
  if (document instanceof Fault) return document
  const status = document.status?.trim() ?? ''
  if (status === '') return fault('versioning-unspecified')
  if (status !== 'Enabled' && status !== 'Suspended') return fault('xml-malformed')
  if (document.mfaDelete === 'Enabled')
    return checkMfa(request) ?? fault('access-denied', { message: 'Mfa Authentication must be used for this request' })
  return checkMfa(request) ?? status
}

/**
 * x-amz-mfa of a request that sets versioning or deletes a version. No identity here has a device, and this is what S3
 * answers to a code of a device that is not the account owner's.
 */
export function checkMfa(request: WireRequest): Fault<'access-denied'> | undefined {
  return request.header('x-amz-mfa') === ''
    ? undefined
    : fault('access-denied', { message: 'This operation may only be performed by the bucket owner' })
}

export function renderVersioning(status: VersioningStatus | undefined): Reply {
  return xmlReply(writeDocument(root, kept, status === undefined ? {} : { status }))
}
