/** What a bucket is set to: the rows of its configurations. */
import { Level, operation } from '../operation.ts'
import { bucketFaults } from './bucket.ts'
import { parseBucketLock, renderBucketLock } from './object-lock.ts'
import { deleteRow, getRow, putRow } from './setting-rows.ts'
import { parseTagging, renderTagging } from './tagging.ts'
import { type ListedMarker, type ListedVersion, parseVersionListing, renderVersionListing } from './version-listing.ts'
import { parseVersioning, renderVersioning } from './versioning.ts'

export type { ListedMarker, ListedVersion }

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
