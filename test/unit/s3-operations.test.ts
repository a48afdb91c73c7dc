/** The table of S3: complete, unambiguous, and a request line finds the row it should. */
import t from 'tap'
import { type AnyOperation, compile, Level } from '../../protocol/operation.ts'
import { s3Errors } from '../../protocol/s3/faults.ts'
import { methodNotAllowedDetail, s3Operations, s3Selectors } from '../../protocol/s3/operations.ts'
import { wireRequest } from './wire-request.ts'

/** The operations of the S3 API's published model, 2006-03-01, as of November 2026. */
const published = `
AbortMultipartUpload CompleteMultipartUpload CopyObject CreateBucket CreateBucketMetadataConfiguration
CreateBucketMetadataTableConfiguration CreateMultipartUpload CreateSession DeleteBucket
DeleteBucketAnalyticsConfiguration DeleteBucketCors DeleteBucketEncryption DeleteBucketIntelligentTieringConfiguration
DeleteBucketInventoryConfiguration DeleteBucketLifecycle DeleteBucketMetadataConfiguration
DeleteBucketMetadataTableConfiguration DeleteBucketMetricsConfiguration DeleteBucketOwnershipControls
DeleteBucketPolicy DeleteBucketReplication DeleteBucketTagging DeleteBucketWebsite DeleteObject DeleteObjectTagging
DeleteObjects DeletePublicAccessBlock GetBucketAbac GetBucketAccelerateConfiguration GetBucketAcl
GetBucketAnalyticsConfiguration GetBucketCors GetBucketEncryption GetBucketIntelligentTieringConfiguration
GetBucketInventoryConfiguration GetBucketLifecycle GetBucketLifecycleConfiguration GetBucketLocation GetBucketLogging
GetBucketMetadataConfiguration GetBucketMetadataTableConfiguration GetBucketMetricsConfiguration GetBucketNotification
GetBucketNotificationConfiguration GetBucketOwnershipControls GetBucketPolicy GetBucketPolicyStatus
GetBucketReplication GetBucketRequestPayment GetBucketTagging GetBucketVersioning GetBucketWebsite GetObject
GetObjectAcl GetObjectAttributes GetObjectLegalHold GetObjectLockConfiguration GetObjectRetention GetObjectTagging
GetObjectTorrent GetPublicAccessBlock HeadBucket HeadObject ListBucketAnalyticsConfigurations
ListBucketIntelligentTieringConfigurations ListBucketInventoryConfigurations ListBucketMetricsConfigurations
ListBuckets ListDirectoryBuckets ListMultipartUploads ListObjectVersions ListObjects ListObjectsV2 ListParts
PutBucketAbac PutBucketAccelerateConfiguration PutBucketAcl PutBucketAnalyticsConfiguration PutBucketCors
PutBucketEncryption PutBucketIntelligentTieringConfiguration PutBucketInventoryConfiguration PutBucketLifecycle
PutBucketLifecycleConfiguration PutBucketLogging PutBucketMetricsConfiguration PutBucketNotification
PutBucketNotificationConfiguration PutBucketOwnershipControls PutBucketPolicy PutBucketReplication
PutBucketRequestPayment PutBucketTagging PutBucketVersioning PutBucketWebsite PutObject PutObjectAcl
PutObjectLegalHold PutObjectLockConfiguration PutObjectRetention PutObjectTagging PutPublicAccessBlock RenameObject
RestoreObject SelectObjectContent UpdateBucketMetadataInventoryTableConfiguration
UpdateBucketMetadataJournalTableConfiguration UpdateObjectEncryption UploadPart UploadPartCopy WriteGetObjectResponse
`
  .trim()
  .split(/\s+/)

const rows: readonly AnyOperation[] = s3Operations
const routes = compile(rows, Object.fromEntries(rows.map(row => [row.name, () => undefined])) as never)
const find = (line: string, headers?: Record<string, string>) => routes.find(wireRequest(line, headers))?.operation.name

/** In the JavaScript SDK of November 2026 and not in the published model yet. */
const newer = `DeleteObjectAnnotation GetObjectAnnotation ListObjectAnnotations PutObjectAnnotation
UpdateBucketMetadataAnnotationTableConfiguration`
  .trim()
  .split(/\s+/)

/** Of browsers, not of SDKs: only the API Reference has it. */
const unpublished = ['PostObject']

t.test('s3Operations: names and aliases → exactly the published 111, the newer ones and PostObject', async t => {
  const names = rows.flatMap(row => [row.name, ...(row.aliases ?? [])])
  t.equal(published.length, 111)
  t.same(names.sort(), [...published, ...newer, ...unpublished].sort())
})

t.test('s3Operations: every fault of a row → has words on this wire', async t => {
  for (const row of rows) for (const code of row.faults) t.ok(code in s3Errors, `${row.name}: ${code}`)
})

t.test('s3Operations: rows that are not implemented → answer so, take no body', async t => {
  const missing = rows.filter(row => row.faults.join() === 'not-implemented')
  t.ok(missing.length > 0)
  for (const row of missing) {
    t.equal(row.body, 'none', row.name)
    t.equal(row.parse(wireRequest('GET /'), new Uint8Array(0)).code, 'not-implemented', row.name)
  }
})

const source = { 'x-amz-copy-source': 'b/k' }
const lambda = { 'x-amz-request-route': 'r', 'x-amz-request-token': 't' }
const matrix: readonly (readonly [string, string | undefined, Record<string, string>?])[] = [
  ['DELETE /bucket/a/key?uploadId=1', 'AbortMultipartUpload'],
  ['POST /bucket/a/key?uploadId=1', 'CompleteMultipartUpload'],
  ['PUT /bucket/a/key', 'CopyObject', source],
  ['PUT /bucket', 'CreateBucket'],
  ['POST /bucket?metadataConfiguration', 'CreateBucketMetadataConfiguration'],
  ['POST /bucket?metadataTable', 'CreateBucketMetadataTableConfiguration'],
  ['POST /bucket/a/key?uploads', 'CreateMultipartUpload'],
  ['GET /bucket?session', 'CreateSession'],
  ['DELETE /bucket', 'DeleteBucket'],
  ['DELETE /bucket?analytics&id=1', 'DeleteBucketAnalyticsConfiguration'],
  ['DELETE /bucket?cors', 'DeleteBucketCors'],
  ['DELETE /bucket?encryption', 'DeleteBucketEncryption'],
  ['DELETE /bucket?intelligent-tiering&id=1', 'DeleteBucketIntelligentTieringConfiguration'],
  ['DELETE /bucket?inventory&id=1', 'DeleteBucketInventoryConfiguration'],
  ['DELETE /bucket?lifecycle', 'DeleteBucketLifecycle'],
  ['DELETE /bucket?metadataConfiguration', 'DeleteBucketMetadataConfiguration'],
  ['DELETE /bucket?metadataTable', 'DeleteBucketMetadataTableConfiguration'],
  ['DELETE /bucket?metrics&id=1', 'DeleteBucketMetricsConfiguration'],
  ['DELETE /bucket?ownershipControls', 'DeleteBucketOwnershipControls'],
  ['DELETE /bucket?policy', 'DeleteBucketPolicy'],
  ['DELETE /bucket?replication', 'DeleteBucketReplication'],
  ['DELETE /bucket?tagging', 'DeleteBucketTagging'],
  ['DELETE /bucket?website', 'DeleteBucketWebsite'],
  ['DELETE /bucket/a/key', 'DeleteObject'],
  ['DELETE /bucket/a/key?tagging', 'DeleteObjectTagging'],
  ['POST /bucket?delete', 'DeleteObjects'],
  ['DELETE /bucket?publicAccessBlock', 'DeletePublicAccessBlock'],
  ['GET /bucket?abac', 'GetBucketAbac'],
  ['GET /bucket?accelerate', 'GetBucketAccelerateConfiguration'],
  ['GET /bucket?acl', 'GetBucketAcl'],
  ['GET /bucket?analytics&id=1', 'GetBucketAnalyticsConfiguration'],
  ['GET /bucket?cors', 'GetBucketCors'],
  ['GET /bucket?encryption', 'GetBucketEncryption'],
  ['GET /bucket?intelligent-tiering&id=1', 'GetBucketIntelligentTieringConfiguration'],
  ['GET /bucket?inventory&id=1', 'GetBucketInventoryConfiguration'],
  ['GET /bucket?lifecycle', 'GetBucketLifecycleConfiguration'],
  ['GET /bucket?location', 'GetBucketLocation'],
  ['GET /bucket?logging', 'GetBucketLogging'],
  ['GET /bucket?metadataConfiguration', 'GetBucketMetadataConfiguration'],
  ['GET /bucket?metadataTable', 'GetBucketMetadataTableConfiguration'],
  ['GET /bucket?metrics&id=1', 'GetBucketMetricsConfiguration'],
  ['GET /bucket?notification', 'GetBucketNotificationConfiguration'],
  ['GET /bucket?ownershipControls', 'GetBucketOwnershipControls'],
  ['GET /bucket?policy', 'GetBucketPolicy'],
  ['GET /bucket?policyStatus', 'GetBucketPolicyStatus'],
  ['GET /bucket?replication', 'GetBucketReplication'],
  ['GET /bucket?requestPayment', 'GetBucketRequestPayment'],
  ['GET /bucket?tagging', 'GetBucketTagging'],
  ['GET /bucket?versioning', 'GetBucketVersioning'],
  ['GET /bucket?website', 'GetBucketWebsite'],
  ['GET /bucket/a/key', 'GetObject'],
  ['GET /bucket/a/key?acl', 'GetObjectAcl'],
  ['GET /bucket/a/key?attributes', 'GetObjectAttributes'],
  ['GET /bucket/a/key?legal-hold', 'GetObjectLegalHold'],
  ['GET /bucket?object-lock', 'GetObjectLockConfiguration'],
  ['GET /bucket/a/key?retention', 'GetObjectRetention'],
  ['GET /bucket/a/key?tagging', 'GetObjectTagging'],
  ['GET /bucket/a/key?torrent', 'GetObjectTorrent'],
  ['GET /bucket?publicAccessBlock', 'GetPublicAccessBlock'],
  ['HEAD /bucket', 'HeadBucket'],
  ['HEAD /bucket/a/key', 'HeadObject'],
  ['GET /bucket?analytics', 'ListBucketAnalyticsConfigurations'],
  ['GET /bucket?intelligent-tiering', 'ListBucketIntelligentTieringConfigurations'],
  ['GET /bucket?inventory', 'ListBucketInventoryConfigurations'],
  ['GET /bucket?metrics', 'ListBucketMetricsConfigurations'],
  ['GET /', 'ListBuckets'],
  ['GET /?x-id=ListDirectoryBuckets', 'ListDirectoryBuckets'],
  ['GET /bucket?uploads', 'ListMultipartUploads'],
  ['GET /bucket?versions', 'ListObjectVersions'],
  ['GET /bucket', 'ListObjects'],
  ['GET /bucket?list-type=2', 'ListObjectsV2'],
  ['GET /bucket/a/key?uploadId=1', 'ListParts'],
  ['PUT /bucket?abac', 'PutBucketAbac'],
  ['PUT /bucket?accelerate', 'PutBucketAccelerateConfiguration'],
  ['PUT /bucket?acl', 'PutBucketAcl'],
  ['PUT /bucket?analytics&id=1', 'PutBucketAnalyticsConfiguration'],
  ['PUT /bucket?cors', 'PutBucketCors'],
  ['PUT /bucket?encryption', 'PutBucketEncryption'],
  ['PUT /bucket?intelligent-tiering&id=1', 'PutBucketIntelligentTieringConfiguration'],
  ['PUT /bucket?inventory&id=1', 'PutBucketInventoryConfiguration'],
  ['PUT /bucket?lifecycle', 'PutBucketLifecycleConfiguration'],
  ['PUT /bucket?logging', 'PutBucketLogging'],
  ['PUT /bucket?metrics&id=1', 'PutBucketMetricsConfiguration'],
  ['PUT /bucket?notification', 'PutBucketNotificationConfiguration'],
  ['PUT /bucket?ownershipControls', 'PutBucketOwnershipControls'],
  ['PUT /bucket?policy', 'PutBucketPolicy'],
  ['PUT /bucket?replication', 'PutBucketReplication'],
  ['PUT /bucket?requestPayment', 'PutBucketRequestPayment'],
  ['PUT /bucket?tagging', 'PutBucketTagging'],
  ['PUT /bucket?versioning', 'PutBucketVersioning'],
  ['PUT /bucket?website', 'PutBucketWebsite'],
  ['PUT /bucket/a/key', 'PutObject'],
  ['PUT /bucket/a/key?acl', 'PutObjectAcl'],
  ['PUT /bucket/a/key?legal-hold', 'PutObjectLegalHold'],
  ['PUT /bucket?object-lock', 'PutObjectLockConfiguration'],
  ['PUT /bucket/a/key?retention', 'PutObjectRetention'],
  ['PUT /bucket/a/key?tagging', 'PutObjectTagging'],
  ['PUT /bucket?publicAccessBlock', 'PutPublicAccessBlock'],
  ['PUT /bucket/a/key?renameObject', 'RenameObject'],
  ['POST /bucket/a/key?restore', 'RestoreObject'],
  ['POST /bucket/a/key?select&select-type=2', 'SelectObjectContent'],
  ['PUT /bucket?metadataInventoryTable', 'UpdateBucketMetadataInventoryTableConfiguration'],
  ['PUT /bucket?metadataJournalTable', 'UpdateBucketMetadataJournalTableConfiguration'],
  ['PUT /bucket/a/key?encryption', 'UpdateObjectEncryption'],
  ['DELETE /bucket/a/key?annotation&annotationName=a', 'DeleteObjectAnnotation'],
  ['GET /bucket/a/key?annotation&annotationName=a', 'GetObjectAnnotation'],
  ['GET /bucket/a/key?annotation', 'ListObjectAnnotations'],
  ['PUT /bucket/a/key?annotation&annotationName=a', 'PutObjectAnnotation'],
  ['PUT /bucket?metadataAnnotationTable', 'UpdateBucketMetadataAnnotationTableConfiguration'],
  ['PUT /bucket/a/key?partNumber=1&uploadId=1', 'UploadPart'],
  ['PUT /bucket/a/key?partNumber=1&uploadId=1', 'UploadPartCopy', source],
  ['POST /WriteGetObjectResponse', 'WriteGetObjectResponse', lambda],
  ['POST /bucket', 'PostObject'],
  ['POST /bucket/', 'PostObject'],
  ['POST /bucket', 'PostObject', { 'x-amz-request-route': 'r' }],
  // SDKs add parameters; their order does not matter.
  ['GET /?x-id=ListBuckets', 'ListBuckets'],
  ['GET /bucket?delimiter=%2F&list-type=2&prefix=a', 'ListObjectsV2'],
  ['GET /bucket?prefix=acl', 'ListObjects'],
  ['GET /bucket/?location', 'GetBucketLocation'],
  ['PUT /bucket/key?x-id=PutObject', 'PutObject'],
  ['PUT /bucket/key?x-id=UploadPart&partNumber=1&uploadId=u', 'UploadPart'],
  ['GET /bucket/key?versionId=null', 'GetObject'],
  ['GET /bucket?analytics&id=1&x-id=GetBucketAnalyticsConfiguration', 'GetBucketAnalyticsConfiguration'],
  ['GET /bucket/key?X-Amz-Signature=0&X-Amz-Algorithm=AWS4-HMAC-SHA256', 'GetObject'],
  ['DELETE /bucket?tagging=', 'DeleteBucketTagging'],
  // A known sub-resource with a method, or at a level, that does not know it falls through to nothing.
  ['DELETE /bucket?acl', undefined],
  ['DELETE /bucket?location', undefined],
  ['PUT /bucket?uploads', undefined],
  ['GET /bucket?delete', undefined],
  ['POST /bucket?versioning', undefined],
  ['HEAD /bucket?policy', undefined],
  ['DELETE /bucket/key?acl', undefined],
  ['DELETE /bucket/key?policy', undefined],
  ['PUT /bucket/key?versioning', undefined],
  ['GET /bucket/key?uploads', undefined],
  ['DELETE /bucket/key?legal-hold', undefined],
  ['POST /bucket/key', undefined],
  ['PUT /', undefined],
  ['DELETE /', undefined],
]

t.test('find: method, target, headers → operation', async t => {
  for (const [line, name, headers] of matrix)
    t.equal(find(line, headers), name, `${line} ${Object.keys(headers ?? {}).join()} → ${name}`)
})

t.test('find: every published operation → is found by some request of the matrix', async t => {
  const found = new Set(matrix.map(([, name]) => name))
  const names = rows.map(row => row.name)
  t.same(
    names.filter(name => !found.has(name)),
    [],
  )
})

t.test('methodNotAllowedDetail: known resource → the methods it knows', async t => {
  t.same(methodNotAllowedDetail('POST', Level.service, ''), { method: 'POST', resourceType: 'SERVICE', allow: 'GET' })
  t.same(methodNotAllowedDetail('POST', Level.bucket, 'acl'), {
    method: 'POST',
    resourceType: 'ACL',
    allow: 'GET, PUT',
  })
  t.same(methodNotAllowedDetail('PUT', Level.bucket, 'uploads'), {
    method: 'PUT',
    resourceType: 'UPLOADS',
    allow: 'GET',
  })
  t.same(methodNotAllowedDetail('GET', Level.object, 'policy'), { method: 'GET', resourceType: 'POLICY' })
})

t.test('s3Selectors: parameters of operations → are not among them', async t => {
  for (const name of [
    'prefix',
    'delimiter',
    'marker',
    'versionId',
    'partNumber',
    'id',
    'x-id',
    'select-type',
    'max-keys',
  ])
    t.notOk(s3Selectors.has(name), name)
})
