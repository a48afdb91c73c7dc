/** What a bucket is set to: the rows of its configurations. */

import { Fault } from '../fault.ts'
import { Level, operation, type WireRequest } from '../operation.ts'
import { type NamedAcl, renderAcl } from './acl-document.ts'
import { aclFaults, parsePutAcl } from './acl-request.ts'
import { bucketFaults } from './bucket.ts'
import {
  bucketPolicyLimitBytes,
  parseBucketPolicy,
  parseKeptPolicy,
  renderBucketPolicy,
  renderPolicyStatus,
} from './bucket-policy.ts'
import { parseBucketLock, renderBucketLock } from './object-lock.ts'
import { parseOwnershipControls, renderOwnershipControls } from './ownership-controls.ts'
import { parsePublicAccessBlock, renderPublicAccessBlock } from './public-access-block.ts'
import { deleteRow, getRow, putRow } from './setting-rows.ts'
import { parseTagging, renderTagging } from './tagging.ts'
import { type ListedMarker, type ListedVersion, parseVersionListing, renderVersionListing } from './version-listing.ts'
import { parseVersioning, renderVersioning } from './versioning.ts'

export type { ListedMarker, ListedVersion }

/** The document and what it says; it is kept as it was put. */
function readPolicy(body: Uint8Array, { bucket, dialect }: WireRequest) {
  const policy = dialect === 'ceph' ? parseKeptPolicy(body) : parseBucketPolicy(body, bucket)
  return policy instanceof Fault ? policy : { policy, text: Buffer.from(body).toString() }
}

export const settingOperations = [
  putRow('PutBucketVersioning', 'versioning', (body, request) => parseVersioning(request, body), [
    'xml-malformed',
    'versioning-unspecified',
    'access-denied',
    'bucket-state-invalid',
  ]),
  getRow('GetBucketVersioning', 'versioning', renderVersioning),

  putRow(
    'PutBucketTagging',
    'tagging',
    body => parseTagging(body, 'bucket'),
    ['xml-malformed', 'tag-invalid', 'tags-too-many'],
    {
      status: 204,
    },
  ),
  getRow('GetBucketTagging', 'tagging', renderTagging, ['tags-missing']),
  deleteRow('DeleteBucketTagging', 'tagging'),

  putRow('PutObjectLockConfiguration', 'object-lock', parseBucketLock, [
    'xml-malformed',
    'retention-period-invalid',
    'header-refused',
    'bucket-state-invalid',
  ]),
  getRow('GetObjectLockConfiguration', 'object-lock', renderBucketLock, ['lock-configuration-missing']),

  putRow('PutBucketPolicy', 'policy', readPolicy, ['policy-malformed', 'access-denied'], {
    status: 204,
    limitBytes: bucketPolicyLimitBytes + 1,
  }),
  getRow('GetBucketPolicy', 'policy', renderBucketPolicy, ['policy-missing']),
  deleteRow('DeleteBucketPolicy', 'policy'),
  getRow('GetBucketPolicyStatus', 'policyStatus', renderPolicyStatus, ['policy-missing']),

  putRow('PutBucketAcl', 'acl', (body, request) => parsePutAcl(request, body), [
    ...aclFaults,
    'acl-header-missing',
    'acl-body-unexpected',
  ]),
  getRow('GetBucketAcl', 'acl', ({ acl, names }: NamedAcl) => renderAcl(acl, id => names?.get(id))),

  putRow('PutPublicAccessBlock', 'publicAccessBlock', parsePublicAccessBlock, ['xml-malformed', 'request-invalid']),
  getRow('GetPublicAccessBlock', 'publicAccessBlock', renderPublicAccessBlock, ['public-access-block-missing']),
  deleteRow('DeletePublicAccessBlock', 'publicAccessBlock'),

  putRow('PutBucketOwnershipControls', 'ownershipControls', parseOwnershipControls, [
    'xml-malformed',
    'acl-ownership-conflict',
  ]),
  getRow('GetBucketOwnershipControls', 'ownershipControls', renderOwnershipControls, ['ownership-controls-missing']),
  deleteRow('DeleteBucketOwnershipControls', 'ownershipControls'),

  operation({
    name: 'ListObjectVersions',
    match: { method: 'GET', level: Level.bucket, selector: 'versions' },
    access: 'list',
    body: 'none',
    refuses: [],
    parse: parseVersionListing,
    render: renderVersionListing,
    faults: ['argument-invalid', ...bucketFaults],
  }),
] as const
