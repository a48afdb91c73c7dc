/**
 * What policies call the things one can do to buckets and objects, and which of them each operation is.
 * Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon S3"; S3 User Guide,
 * "Required permissions for Amazon S3 API operations".
 */
import type { WireRequest } from '../operation.ts'

function named(names: string): readonly string[] {
  return Object.freeze(
    names
      .trim()
      .split(/\s+/)
      .map(name => `s3:${name}`),
  )
}

/** Actions on a bucket, as a policy of a bucket may name them. */
export const bucketActions = named(`
  CreateBucket CreateBucketMetadataTableConfiguration DeleteBucket DeleteBucketMetadataTableConfiguration
  DeleteBucketPolicy DeleteBucketWebsite GetAccelerateConfiguration GetAnalyticsConfiguration GetBucketAbac GetBucketAcl
  GetBucketCORS GetBucketLocation GetBucketLogging GetBucketMetadataTableConfiguration GetBucketNotification
  GetBucketObjectLockConfiguration GetBucketOwnershipControls GetBucketPolicy GetBucketPolicyStatus
  GetBucketPublicAccessBlock GetBucketRequestPayment GetBucketTagging GetBucketVersioning GetBucketWebsite
  GetEncryptionConfiguration GetIntelligentTieringConfiguration GetInventoryConfiguration GetLifecycleConfiguration
  GetMetricsConfiguration GetReplicationConfiguration ListBucket ListBucketMultipartUploads ListBucketVersions
  ListTagsForResource PauseReplication PutAccelerateConfiguration PutAnalyticsConfiguration PutBucketAbac PutBucketAcl
  PutBucketCORS PutBucketLogging PutBucketNotification PutBucketObjectLockConfiguration PutBucketOwnershipControls
  PutBucketPolicy PutBucketPublicAccessBlock PutBucketRequestPayment PutBucketTagging PutBucketVersioning
  PutBucketWebsite PutEncryptionConfiguration PutIntelligentTieringConfiguration PutInventoryConfiguration
  PutLifecycleConfiguration PutMetricsConfiguration PutReplicationConfiguration TagResource UntagResource
  UpdateBucketMetadataAnnotationTableConfiguration UpdateBucketMetadataInventoryTableConfiguration
  UpdateBucketMetadataJournalTableConfiguration`)

/** Actions on an object. */
export const objectActions = named(`
  AbortMultipartUpload BypassGovernanceRetention DeleteObject DeleteObjectAnnotation DeleteObjectTagging
  DeleteObjectVersion DeleteObjectVersionTagging GetObject GetObjectAcl GetObjectAnnotation GetObjectAttributes
  GetObjectLegalHold GetObjectRetention GetObjectTagging GetObjectTorrent GetObjectVersion GetObjectVersionAcl
  GetObjectVersionAttributes GetObjectVersionForReplication GetObjectVersionTagging GetObjectVersionTorrent
  InitiateReplication ListMultipartUploadParts ListObjectAnnotations ObjectOwnerOverrideToBucketOwner PutObject
  PutObjectAcl PutObjectAnnotation PutObjectLegalHold PutObjectRetention PutObjectTagging PutObjectVersionAcl
  PutObjectVersionTagging ReplicateDelete ReplicateObject ReplicateTags RestoreObject UpdateObjectEncryption`)

/** What an operation must be allowed to do: all of the actions, on what its request points at. */
export interface OperationAccess {
  readonly level: 'service' | 'bucket' | 'object'
  readonly actions: readonly string[]
  /** In place of `actions` when the request names a version. */
  readonly versioned: readonly string[]
}

function access(level: OperationAccess['level'], names: string, versionedNames: string): OperationAccess {
  const actions = named(names)
  return Object.freeze({ level, actions, versioned: versionedNames === names ? actions : named(versionedNames) })
}
function onBucket(names: string): OperationAccess {
  return access('bucket', names, names)
}
function onObject(names: string, versionedNames = names): OperationAccess {
  return access('object', names, versionedNames)
}
/** Of other services' namespaces, which no policy of a bucket can grant. */
function foreign(level: OperationAccess['level'], action: string): OperationAccess {
  const actions = Object.freeze([action])
  return Object.freeze({ level, actions, versioned: actions })
}

/** Of every operation by its name or alias. Copies also read their source: `sourceAccess`. */
export const actionOf = {
  AbortMultipartUpload: onObject('AbortMultipartUpload'),
  CompleteMultipartUpload: onObject('PutObject'),
  CopyObject: onObject('PutObject'),
  CreateBucket: onBucket('CreateBucket'),
  CreateBucketMetadataConfiguration: onBucket('CreateBucketMetadataTableConfiguration'),
  CreateBucketMetadataTableConfiguration: onBucket('CreateBucketMetadataTableConfiguration'),
  CreateMultipartUpload: onObject('PutObject'),
  CreateSession: foreign('bucket', 's3express:CreateSession'),
  DeleteBucket: onBucket('DeleteBucket'),
  DeleteBucketAnalyticsConfiguration: onBucket('PutAnalyticsConfiguration'),
  DeleteBucketCors: onBucket('PutBucketCORS'),
  DeleteBucketEncryption: onBucket('PutEncryptionConfiguration'),
  DeleteBucketIntelligentTieringConfiguration: onBucket('PutIntelligentTieringConfiguration'),
  DeleteBucketInventoryConfiguration: onBucket('PutInventoryConfiguration'),
  DeleteBucketLifecycle: onBucket('PutLifecycleConfiguration'),
  DeleteBucketMetadataConfiguration: onBucket('DeleteBucketMetadataTableConfiguration'),
  DeleteBucketMetadataTableConfiguration: onBucket('DeleteBucketMetadataTableConfiguration'),
  DeleteBucketMetricsConfiguration: onBucket('PutMetricsConfiguration'),
  DeleteBucketOwnershipControls: onBucket('PutBucketOwnershipControls'),
  DeleteBucketPolicy: onBucket('DeleteBucketPolicy'),
  DeleteBucketReplication: onBucket('PutReplicationConfiguration'),
  DeleteBucketTagging: onBucket('PutBucketTagging'),
  DeleteBucketWebsite: onBucket('DeleteBucketWebsite'),
  DeleteObject: onObject('DeleteObject', 'DeleteObjectVersion'),
  DeleteObjectAnnotation: onObject('DeleteObjectAnnotation'),
  DeleteObjectTagging: onObject('DeleteObjectTagging', 'DeleteObjectVersionTagging'),
  /** Asked for each of its keys. */
  DeleteObjects: onObject('DeleteObject', 'DeleteObjectVersion'),
  DeletePublicAccessBlock: onBucket('PutBucketPublicAccessBlock'),
  GetBucketAbac: onBucket('GetBucketAbac'),
  GetBucketAccelerateConfiguration: onBucket('GetAccelerateConfiguration'),
  GetBucketAcl: onBucket('GetBucketAcl'),
  GetBucketAnalyticsConfiguration: onBucket('GetAnalyticsConfiguration'),
  GetBucketCors: onBucket('GetBucketCORS'),
  GetBucketEncryption: onBucket('GetEncryptionConfiguration'),
  GetBucketIntelligentTieringConfiguration: onBucket('GetIntelligentTieringConfiguration'),
  GetBucketInventoryConfiguration: onBucket('GetInventoryConfiguration'),
  GetBucketLifecycle: onBucket('GetLifecycleConfiguration'),
  GetBucketLifecycleConfiguration: onBucket('GetLifecycleConfiguration'),
  GetBucketLocation: onBucket('GetBucketLocation'),
  GetBucketLogging: onBucket('GetBucketLogging'),
  GetBucketMetadataConfiguration: onBucket('GetBucketMetadataTableConfiguration'),
  GetBucketMetadataTableConfiguration: onBucket('GetBucketMetadataTableConfiguration'),
  GetBucketMetricsConfiguration: onBucket('GetMetricsConfiguration'),
  GetBucketNotification: onBucket('GetBucketNotification'),
  GetBucketNotificationConfiguration: onBucket('GetBucketNotification'),
  GetBucketOwnershipControls: onBucket('GetBucketOwnershipControls'),
  GetBucketPolicy: onBucket('GetBucketPolicy'),
  GetBucketPolicyStatus: onBucket('GetBucketPolicyStatus'),
  GetBucketReplication: onBucket('GetReplicationConfiguration'),
  GetBucketRequestPayment: onBucket('GetBucketRequestPayment'),
  GetBucketTagging: onBucket('GetBucketTagging'),
  GetBucketVersioning: onBucket('GetBucketVersioning'),
  GetBucketWebsite: onBucket('GetBucketWebsite'),
  GetObject: onObject('GetObject', 'GetObjectVersion'),
  GetObjectAcl: onObject('GetObjectAcl', 'GetObjectVersionAcl'),
  GetObjectAnnotation: onObject('GetObjectAnnotation'),
  GetObjectAttributes: onObject('GetObject GetObjectAttributes', 'GetObjectVersion GetObjectVersionAttributes'),
  GetObjectLegalHold: onObject('GetObjectLegalHold'),
  GetObjectLockConfiguration: onBucket('GetBucketObjectLockConfiguration'),
  GetObjectRetention: onObject('GetObjectRetention'),
  GetObjectTagging: onObject('GetObjectTagging', 'GetObjectVersionTagging'),
  GetObjectTorrent: onObject('GetObjectTorrent', 'GetObjectVersionTorrent'),
  GetPublicAccessBlock: onBucket('GetBucketPublicAccessBlock'),
  HeadBucket: onBucket('ListBucket'),
  HeadObject: onObject('GetObject', 'GetObjectVersion'),
  ListBucketAnalyticsConfigurations: onBucket('GetAnalyticsConfiguration'),
  ListBucketIntelligentTieringConfigurations: onBucket('GetIntelligentTieringConfiguration'),
  ListBucketInventoryConfigurations: onBucket('GetInventoryConfiguration'),
  ListBucketMetricsConfigurations: onBucket('GetMetricsConfiguration'),
  ListBuckets: access('service', 'ListAllMyBuckets', 'ListAllMyBuckets'),
  ListDirectoryBuckets: foreign('service', 's3express:ListAllMyDirectoryBuckets'),
  ListMultipartUploads: onBucket('ListBucketMultipartUploads'),
  ListObjectAnnotations: onObject('ListObjectAnnotations'),
  ListObjectVersions: onBucket('ListBucketVersions'),
  ListObjects: onBucket('ListBucket'),
  ListObjectsV2: onBucket('ListBucket'),
  ListParts: onObject('ListMultipartUploadParts'),
  PutBucketAbac: onBucket('PutBucketAbac'),
  PutBucketAccelerateConfiguration: onBucket('PutAccelerateConfiguration'),
  PutBucketAcl: onBucket('PutBucketAcl'),
  PutBucketAnalyticsConfiguration: onBucket('PutAnalyticsConfiguration'),
  PutBucketCors: onBucket('PutBucketCORS'),
  PutBucketEncryption: onBucket('PutEncryptionConfiguration'),
  PutBucketIntelligentTieringConfiguration: onBucket('PutIntelligentTieringConfiguration'),
  PutBucketInventoryConfiguration: onBucket('PutInventoryConfiguration'),
  PutBucketLifecycle: onBucket('PutLifecycleConfiguration'),
  PutBucketLifecycleConfiguration: onBucket('PutLifecycleConfiguration'),
  PutBucketLogging: onBucket('PutBucketLogging'),
  PutBucketMetricsConfiguration: onBucket('PutMetricsConfiguration'),
  PutBucketNotification: onBucket('PutBucketNotification'),
  PutBucketNotificationConfiguration: onBucket('PutBucketNotification'),
  PutBucketOwnershipControls: onBucket('PutBucketOwnershipControls'),
  PutBucketPolicy: onBucket('PutBucketPolicy'),
  PutBucketReplication: onBucket('PutReplicationConfiguration'),
  PutBucketRequestPayment: onBucket('PutBucketRequestPayment'),
  PutBucketTagging: onBucket('PutBucketTagging'),
  PutBucketVersioning: onBucket('PutBucketVersioning'),
  PutBucketWebsite: onBucket('PutBucketWebsite'),
  PutObject: onObject('PutObject'),
  PutObjectAcl: onObject('PutObjectAcl', 'PutObjectVersionAcl'),
  PutObjectAnnotation: onObject('PutObjectAnnotation'),
  PutObjectLegalHold: onObject('PutObjectLegalHold'),
  PutObjectLockConfiguration: onBucket('PutBucketObjectLockConfiguration'),
  PutObjectRetention: onObject('PutObjectRetention'),
  PutObjectTagging: onObject('PutObjectTagging', 'PutObjectVersionTagging'),
  PutPublicAccessBlock: onBucket('PutBucketPublicAccessBlock'),
  RenameObject: onObject('PutObject'),
  RestoreObject: onObject('RestoreObject'),
  SelectObjectContent: onObject('GetObject'),
  UpdateBucketMetadataAnnotationTableConfiguration: onBucket('UpdateBucketMetadataAnnotationTableConfiguration'),
  UpdateBucketMetadataInventoryTableConfiguration: onBucket('UpdateBucketMetadataInventoryTableConfiguration'),
  UpdateBucketMetadataJournalTableConfiguration: onBucket('UpdateBucketMetadataJournalTableConfiguration'),
  UpdateObjectEncryption: onObject('PutObject UpdateObjectEncryption'),
  UploadPart: onObject('PutObject'),
  UploadPartCopy: onObject('PutObject'),
  WriteGetObjectResponse: foreign('service', 's3-object-lambda:WriteGetObjectResponse'),
} as const satisfies Record<string, OperationAccess>

export type OperationName = keyof typeof actionOf

/** What must be allowed on the object that is copied from. */
export const sourceAccess = {
  CopyObject: onObject('GetObject', 'GetObjectVersion'),
  UploadPartCopy: onObject('GetObject', 'GetObjectVersion'),
  RenameObject: onObject('GetObject DeleteObject'),
} as const satisfies Partial<Record<OperationName, OperationAccess>>

/** On a source whose tags are copied with it; on the target that is `s3:PutObjectTagging`. */
export const sourceTagAccess = onObject('GetObjectTagging', 'GetObjectVersionTagging')

/** A header that asks for more than its operation does by itself. */
interface HeaderAction {
  readonly header: string
  readonly action: string
  /** Values that ask for nothing. */
  readonly except?: readonly string[]
}

export const grantHeaders = [
  'x-amz-grant-read',
  'x-amz-grant-write',
  'x-amz-grant-read-acp',
  'x-amz-grant-write-acp',
  'x-amz-grant-full-control',
] as const

const writeHeaders: readonly HeaderAction[] = [
  ...['x-amz-acl', ...grantHeaders].map(header => ({ header, action: 's3:PutObjectAcl' })),
  { header: 'x-amz-tagging', action: 's3:PutObjectTagging' },
  { header: 'x-amz-object-lock-mode', action: 's3:PutObjectRetention' },
  { header: 'x-amz-object-lock-retain-until-date', action: 's3:PutObjectRetention' },
  { header: 'x-amz-object-lock-legal-hold', action: 's3:PutObjectLegalHold' },
]
const createBucketHeaders: readonly HeaderAction[] = [
  { header: 'x-amz-acl', action: 's3:PutBucketAcl', except: ['private'] },
  ...grantHeaders.map(header => ({ header, action: 's3:PutBucketAcl' })),
  { header: 'x-amz-object-ownership', action: 's3:PutBucketOwnershipControls' },
  { header: 'x-amz-bucket-object-lock-enabled', action: 's3:PutBucketObjectLockConfiguration', except: ['false'] },
  { header: 'x-amz-bucket-object-lock-enabled', action: 's3:PutBucketVersioning', except: ['false'] },
]
const bypassHeaders: readonly HeaderAction[] = [
  {
    header: 'x-amz-bypass-governance-retention',
    action: 's3:BypassGovernanceRetention',
    except: ['false'],
  },
]
const headerActions: Readonly<Record<string, readonly HeaderAction[]>> = {
  PutObject: writeHeaders,
  CopyObject: writeHeaders,
  CreateMultipartUpload: writeHeaders,
  CreateBucket: createBucketHeaders,
  DeleteObject: bypassHeaders,
  DeleteObjects: bypassHeaders,
  PutObjectRetention: bypassHeaders,
}

const none: readonly string[] = Object.freeze([])

/** The further actions that a request's headers ask for, each once. */
export function extraActions(operation: string, request: Pick<WireRequest, 'header'>): readonly string[] {
  let extra: string[] | undefined
  for (const { header, action, except } of headerActions[operation] ?? (none as readonly never[])) {
    const value = request.header(header)
    if (value === '' || except?.includes(value.toLowerCase()) || extra?.includes(action)) continue
    extra ??= []
    extra.push(action)
  }
  return extra ?? none
}
