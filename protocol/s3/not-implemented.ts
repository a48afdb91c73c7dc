/**
 * Every S3 operation that this gateway does not have yet, so that each answers S3's own NotImplemented and none falls
 * through to the bare bucket or object. Names, methods and sub-resources: the S3 API's published model (111 operations).
 * Bodies are drained unread.
 */
import { type Fault, fault } from '../fault.ts'
import { Level, type Match, type Method, type Operation, operation } from '../operation.ts'

type MissingOperation<N extends string> = Operation<N, Fault<'not-implemented'>, undefined, 'not-implemented'>

interface More {
  readonly needs?: NonNullable<Match['needs']>
  readonly aliases?: readonly string[]
}

const notImplemented = fault('not-implemented')

function missing<const N extends string>(name: N, match: Match, aliases: readonly string[] = []): MissingOperation<N> {
  return operation({
    name,
    aliases,
    match,
    access: 'any',
    body: 'none',
    refuses: [],
    parse: () => notImplemented,
    render: (_: undefined) => ({ status: 501, headers: [], body: null }),
    faults: ['not-implemented'],
  })
}
function onBucket<const N extends string>(name: N, method: Method, selector: string, more: More = {}) {
  const { needs, aliases } = more
  const match = { method, level: Level.bucket, selector }
  return missing(name, needs === undefined ? match : { ...match, needs }, aliases)
}
function onObject<const N extends string>(name: N, method: Method, selector: string, more: More = {}) {
  const { needs, aliases } = more
  const match = { method, level: Level.object, selector }
  return missing(name, needs === undefined ? match : { ...match, needs }, aliases)
}

export const notImplementedOperations = [
  // Its endpoint and signing name are its own; these are the marks by which a client that ignores both is known. See
  // also ListBuckets, which refuses this operation's parameter.
  missing('ListDirectoryBuckets', {
    method: 'GET',
    level: Level.service,
    selector: '',
    needs: { query: ['x-id=ListDirectoryBuckets'] },
  }),
  // Posted to a path that looks like a bucket's.
  onBucket('WriteGetObjectResponse', 'POST', '', {
    needs: { header: ['x-amz-request-route', 'x-amz-request-token'] },
  }),

  onBucket('CreateBucketMetadataConfiguration', 'POST', 'metadataConfiguration'),
  onBucket('CreateBucketMetadataTableConfiguration', 'POST', 'metadataTable'),
  onBucket('CreateSession', 'GET', 'session'),
  onBucket('DeleteBucketMetadataConfiguration', 'DELETE', 'metadataConfiguration'),
  onBucket('DeleteBucketMetadataTableConfiguration', 'DELETE', 'metadataTable'),
  onBucket('GetBucketMetadataConfiguration', 'GET', 'metadataConfiguration'),
  onBucket('GetBucketMetadataTableConfiguration', 'GET', 'metadataTable'),
  onBucket('UpdateBucketMetadataInventoryTableConfiguration', 'PUT', 'metadataInventoryTable'),
  onBucket('UpdateBucketMetadataJournalTableConfiguration', 'PUT', 'metadataJournalTable'),

  onObject('GetObjectTorrent', 'GET', 'torrent'),
  onObject('SelectObjectContent', 'POST', 'select'),

  // Newer than the published model's 111: a client that knows them must not reach the bare object.
  onObject('DeleteObjectAnnotation', 'DELETE', 'annotation'),
  onObject('GetObjectAnnotation', 'GET', 'annotation', { needs: { query: ['annotationName'] } }),
  onObject('ListObjectAnnotations', 'GET', 'annotation'),
  onObject('PutObjectAnnotation', 'PUT', 'annotation'),
  onBucket('UpdateBucketMetadataAnnotationTableConfiguration', 'PUT', 'metadataAnnotationTable'),
] as const
