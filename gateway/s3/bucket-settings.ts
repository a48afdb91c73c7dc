/** What buckets are set to, and the listing of versions. */
import type { Unit } from '../../platform/database/unit.ts'
import { Fault, fault } from '../../protocol/fault.ts'
import type { Handlers } from '../../protocol/operation.ts'
import type { NamedAcl } from '../../protocol/s3/acl-document.ts'
import type { AclRequest } from '../../protocol/s3/acl-request.ts'
import type { settingOperations } from '../../protocol/s3/bucket-settings.ts'
import { versionIdOf } from '../../protocol/s3/version-id.ts'
import type { VersionListAnswer, VersionListing } from '../../protocol/s3/version-listing.ts'
import type { Owner } from '../../protocol/s3/xml.ts'
import type { RequestContext } from '../context.ts'
import { guardsOf } from '../rules/guards.ts'
import { checkOwnershipChange, checkPolicyNotBlocked, effectiveAcl, isPublicBucket } from '../rules/ownership.ts'
import { restoreStateOf } from '../rules/restoring.ts'
import { type BucketFault, type BucketRef, Versioning } from '../store/contract.ts'
import { type AclFault, makeAcl, nameAcl, withAcl } from '../store/describing.ts'
import { canonicalIdOf } from '../store/identities.ts'
import { bucketSettings, changeSettings, setVersioning } from '../store/settings.ts'
import { type ListedVersion as Listed, listVersions } from '../store/version-listing.ts'
import { bucketRef } from './object-ref.ts'
import { namesOwners, people } from './owners.ts'
import { change, read, set, setIf, unset } from './setting-access.ts'

const versioningStates = [undefined, 'Enabled', 'Suspended'] as const
const lockKeepsVersions = fault('bucket-state-invalid', {
  message: 'An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.',
})
const replicationNeedsVersions = fault('bucket-state-invalid', {
  message:
    'A replication configuration is present on this bucket, so you cannot change the versioning state. To change the ' +
    'versioning state, first delete the replication configuration.',
})
const lockNeedsVersions = fault('bucket-state-invalid', {
  message: "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
})

export const settingHandlers: Handlers<typeof settingOperations, RequestContext> = {
  PutBucketVersioning(context, { bucket, value }) {
    const versioning = value === 'Enabled' ? Versioning.enabled : Versioning.suspended
    return context.services.database.write(() =>
      setVersioning(bucketRef(context, bucket), versioning, ({ is }) => {
        if (versioning === Versioning.enabled) return undefined
        if (is.lock !== undefined) return lockKeepsVersions
        return is.replication === undefined ? undefined : replicationNeedsVersions
      }),
    )
  },
  GetBucketVersioning(context, { bucket }) {
    return read(context, bucket, found => versioningStates[found.versioning])
  },

  PutBucketTagging(context, { bucket, value }) {
    return set(context, bucket, 'tags', value.length === 0 ? undefined : value)
  },
  GetBucketTagging(context, { bucket }) {
    return read(context, bucket, ({ is }) => is.tags ?? fault('tags-missing', { bucket }))
  },
  DeleteBucketTagging(context, { bucket }) {
    return unset(context, bucket, 'tags')
  },

  PutObjectLockConfiguration(context, { bucket, value }) {
    return setIf(context, bucket, 'lock', value, found =>
      found.versioning === Versioning.enabled ? undefined : lockNeedsVersions,
    )
  },
  GetObjectLockConfiguration(context, { bucket }) {
    return read(context, bucket, ({ is }) => is.lock ?? fault('lock-configuration-missing', { bucket }))
  },

  PutBucketPolicy(context, { bucket, value: { policy, text } }) {
    return change(context, bucket, ({ is }) => checkPolicyNotBlocked(guardsOf(is, bucket), policy) ?? { policy: text })
  },
  GetBucketPolicy(context, { bucket }) {
    return read(context, bucket, ({ is }) => is.policy ?? fault('policy-missing', { bucket }))
  },
  DeleteBucketPolicy(context, { bucket }) {
    return unset(context, bucket, 'policy')
  },
  GetBucketPolicyStatus(context, { bucket }) {
    // Ceph tells it of any bucket; S3 says that there is no policy to tell it of.
    const ofAny = context.services.dialect === 'ceph'
    return read(context, bucket, ({ is }) =>
      is.policy === undefined && !ofAny ? fault('policy-missing', { bucket }) : isPublicBucket(guardsOf(is, bucket)),
    )
  },

  PutBucketAcl(context, { bucket, value }) {
    const ref = bucketRef(context, bucket)
    return context.services.database.write(() => giveAcl(ref, value))
  },
  GetBucketAcl(context, { bucket }) {
    const ref = bucketRef(context, bucket)
    return context.services.database.read(() => aclOf(ref, namesOwners(context)))
  },

  PutPublicAccessBlock(context, { bucket, value }) {
    return set(context, bucket, 'publicAccessBlock', value)
  },
  GetPublicAccessBlock(context, { bucket }) {
    return read(
      context,
      bucket,
      ({ is }) => guardsOf(is, bucket).publicAccessBlock ?? fault('public-access-block-missing', { bucket }),
    )
  },
  DeletePublicAccessBlock(context, { bucket }) {
    return set(context, bucket, 'publicAccessBlock', 'none')
  },

  PutBucketOwnershipControls(context, { bucket, value }) {
    return setIf(context, bucket, 'ownership', value, ({ is }) => checkOwnershipChange(value, is.acl))
  },
  GetBucketOwnershipControls(context, { bucket }) {
    return read(
      context,
      bucket,
      ({ is }) => guardsOf(is, bucket).ownership ?? fault('ownership-controls-missing', { bucket }),
    )
  },
  DeleteBucketOwnershipControls(context, { bucket }) {
    return set(context, bucket, 'ownership', 'none')
  },

  ListObjectVersions(context, asked) {
    return context.services.database.read(() => versionsPage(context, asked))
  },
}

function* giveAcl(ref: BucketRef, request: AclRequest): Unit<undefined | BucketFault | AclFault> {
  const bucket = yield* bucketSettings(ref)
  if (bucket instanceof Fault) return bucket
  const acl = yield* makeAcl(guardsOf(bucket.is, ref.bucket), request, bucket.ownerId, bucket.ownerId)
  if (acl instanceof Fault) return acl
  return yield* changeSettings(ref, () => ({ acl: withAcl(undefined, acl)?.acl }))
}

function* aclOf(ref: BucketRef, named: boolean): Unit<NamedAcl | BucketFault> {
  const bucket = yield* bucketSettings(ref)
  if (bucket instanceof Fault) return bucket
  const owner = yield* canonicalIdOf(bucket.ownerId)
  return yield* nameAcl(effectiveAcl(guardsOf(bucket.is, ref.bucket), bucket.is.acl, owner, owner), named)
}

function* versionsPage(context: RequestContext, asked: VersionListing): Unit<VersionListAnswer | BucketFault> {
  const { prefix, delimiter, limit, keyMarker: after, versionMarker: afterVersion } = asked
  const query = { prefix, delimiter, limit, after, afterVersion, withRestore: asked.withRestoreStatus }
  const page = yield* listVersions(bucketRef(context, asked.bucket), query)
  if (page instanceof Fault) return page
  const { ownerOf } = yield* people(context, new Set(page.entries.map(entry => entry.ownerId)))
  const { truncated, last, lastVersion, commonPrefixes } = page
  return {
    asked,
    entries: page.entries.map(entry => listed(entry, ownerOf(entry.ownerId), context.nowMs)),
    commonPrefixes,
    next: truncated
      ? { key: last, ...(lastVersion === undefined ? {} : { versionId: nameOf(lastVersion) }) }
      : undefined,
    region: context.principal.region,
  }
}

function listed(entry: Listed, owner: Owner, nowMs: number): VersionListAnswer['entries'][number] {
  const shared = {
    key: entry.key,
    versionId: nameOf(entry),
    isLatest: entry.latest,
    modifiedAtMs: entry.modifiedAtMs,
    owner,
  }
  if (entry.marker) return { kind: 'delete-marker', ...shared }
  const { etag, sizeBytes, storageClass, checksumType, checksumNames } = entry
  const restore = restoreStateOf(entry.restore, nowMs)
  return { kind: 'version', ...shared, etag, sizeBytes, storageClass, checksumType, checksumNames, restore }
}
function nameOf({ seq, versioned }: { readonly seq: number; readonly versioned: boolean }): string {
  return versionIdOf({ seq, versioned: versioned ? 1 : 0 })
}
