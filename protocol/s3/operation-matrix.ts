/** The table of operations for people: docs/s3-operations.md is this page, and a test holds it to the table. */
import { type AnyOperation, Level } from '../operation.ts'
import { notImplementedOperations } from './not-implemented.ts'
import { s3Operations } from './operations.ts'

const tables = 'metadata tables live in S3 Tables, a service of its own (Apache Iceberg)'
const express = 'of directory buckets (S3 Express One Zone), which have endpoints and sessions of their own'

/** Why an operation answers NotImplemented. Names every one that does, and no other. */
export const reasons: Readonly<Record<string, string>> = {
  CreateBucketMetadataConfiguration: tables,
  CreateBucketMetadataTableConfiguration: tables,
  CreateSession: express,
  DeleteBucketMetadataConfiguration: tables,
  DeleteBucketMetadataTableConfiguration: tables,
  DeleteObjectAnnotation: 'not built yet',
  GetBucketMetadataConfiguration: tables,
  GetBucketMetadataTableConfiguration: tables,
  GetObjectAnnotation: 'not built yet',
  GetObjectTorrent: 'S3 has given BitTorrent up',
  ListDirectoryBuckets: express,
  ListObjectAnnotations: 'not built yet',
  PutObjectAnnotation: 'not built yet',
  SelectObjectContent: 'closed to new customers since July 2024; it needs an SQL engine over CSV, JSON and Parquet',
  UpdateBucketMetadataAnnotationTableConfiguration: tables,
  UpdateBucketMetadataInventoryTableConfiguration: tables,
  UpdateBucketMetadataJournalTableConfiguration: tables,
  WriteGetObjectResponse: 'answers for Object Lambda, which needs Lambda functions',
}

/** In SDKs of November 2026, or of browsers only, and not among the 111 of the published model. */
export const unpublished: ReadonlySet<string> = new Set([
  'DeleteObjectAnnotation',
  'GetObjectAnnotation',
  'ListObjectAnnotations',
  'PostObject',
  'PutObjectAnnotation',
  'UpdateBucketMetadataAnnotationTableConfiguration',
])

/** Some of them answer otherwise in Ceph's dialect, and do no more there. */
const missing: ReadonlySet<string> = new Set(notImplementedOperations.map(row => row.name))

export interface OperationState {
  readonly name: string
  /** `GET /bucket/key?acl`. */
  readonly request: string
  readonly implemented: boolean
  /** Of another row, whose operation this is by an older name. */
  readonly aliasOf: string | undefined
}

/** Every operation by name, the older names of some too. */
export function operationStates(rows: readonly AnyOperation[] = s3Operations): readonly OperationState[] {
  const states = rows.flatMap(row => {
    const implemented = !missing.has(row.name)
    const request = requestOf(row)
    const own: OperationState = { name: row.name, request, implemented, aliasOf: undefined }
    return [own, ...(row.aliases ?? []).map(name => ({ ...own, name, aliasOf: row.name }))]
  })
  return states.sort((a, b) => (a.name < b.name ? -1 : 1))
}

const paths: Readonly<Record<Level, string>> = {
  [Level.service]: '/',
  [Level.bucket]: '/bucket',
  [Level.object]: '/bucket/key',
}

function requestOf({ match: { method, level, selector, needs }, body }: AnyOperation): string {
  const query = [...(selector === '' ? [] : [selector]), ...(needs?.query ?? [])]
  const headers = [...(needs?.header ?? []), ...(body === 'form' ? ['a form'] : [])]
  const target = `${method} ${paths[level]}${query.length === 0 ? '' : `?${query.join('&')}`}`
  return headers.length === 0 ? `\`${target}\`` : `\`${target}\` with ${headers.join(', ')}`
}

export function renderMatrix(states: readonly OperationState[] = operationStates()): string {
  const published = states.filter(({ name }) => !unpublished.has(name))
  const others = states.filter(({ name }) => unpublished.has(name))
  const working = published.filter(({ implemented }) => implemented).length
  return `# Operations of S3

Made from the table of operations by \`npm run matrix\`; not to be edited by hand.

Of the ${published.length} operations of the S3 API's published model ${working} are implemented. The others answer
\`NotImplemented\` (501), for the reason that stands beside them.

${rowsOf(published)}

## Beyond the published model

${rowsOf(others)}
`
}

function rowsOf(states: readonly OperationState[]): string {
  const lines = states.map(state => `| ${state.name} | ${state.request} | ${stateText(state)} |`)
  return ['| operation | request | state |', '|---|---|---|', ...lines].join('\n')
}

function stateText({ name, implemented, aliasOf }: OperationState): string {
  const what = aliasOf === undefined ? '' : `, as ${aliasOf}`
  return implemented ? `implemented${what}` : `not implemented${what}: ${reasons[aliasOf ?? name] ?? 'no reason given'}`
}
