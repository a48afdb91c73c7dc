/** ListMultipartUploads: by key, then upload id, with common prefixes. */
import { all, one, sql, type Unit } from '../../platform/database/unit.ts'
import type { BucketFault, BucketRef, ListPage, ListQuery, UploadRecord } from './contract.ts'
import { type BucketColumns, bucketColumns, refused } from './rows.ts'
import { beyondAllKeys, type Position, startOf, successor, walk } from './seek.ts'
import { readUpload, type UploadColumns, uploadColumns } from './upload-rows.ts'

const BUCKET = sql(`SELECT ${bucketColumns} FROM buckets b WHERE b.environment_id = $1 AND b.name = $2`)
const select = `SELECT u.key AS key, ${uploadColumns} FROM uploads u`
const FROM = sql(`
  ${select} WHERE u.bucket_id = $1 AND u.key >= $2 AND u.key < $3 ORDER BY u.key, u.upload_id LIMIT $4`)
const AFTER = sql(`
  ${select} WHERE u.bucket_id = $1 AND (u.key, u.upload_id) > ($2, $3) AND u.key < $4
  ORDER BY u.key, u.upload_id LIMIT $5`)

type UploadRow = UploadColumns & { readonly key: string }

/** `afterUploadId` goes on within the key `after`; when it is '' all uploads of that key are skipped. */
export function* listUploads(
  ref: BucketRef,
  query: ListQuery & { readonly afterUploadId: string },
): Unit<(ListPage<UploadRecord> & { readonly lastUploadId: string }) | BucketFault> {
  const bucket = yield* one<BucketColumns>(BUCKET, [ref.environmentId, ref.bucket])
  const denied = refused(bucket, ref)
  if (bucket === undefined || denied !== undefined) return denied!
  const start = startOf(query)
  if (start === undefined || query.limit <= 0) return emptyPage
  const until = successor(query.prefix) ?? beyondAllKeys
  const fetch = (position: Position<UploadRow>, count: number): Unit<readonly UploadRow[]> =>
    'from' in position
      ? all(FROM, [bucket.bucket_id, position.from, until, count])
      : all(AFTER, [bucket.bucket_id, position.after.key, position.after.upload_id, until, count])
  const afterUploadId = query.afterUploadId === '' ? beyondAllKeys : query.afterUploadId
  const first = 'from' in start ? start : { after: { key: start.after, upload_id: afterUploadId } as UploadRow }
  const found = yield* walk<UploadRow>(query, first, fetch)
  return {
    entries: found.rows.map(row => readUpload(row, bucket.bucket_id, row.key)),
    commonPrefixes: found.commonPrefixes,
    truncated: found.truncated,
    last: found.lastPrefix ?? found.lastRow?.key ?? '',
    lastUploadId: found.lastPrefix === undefined ? (found.lastRow?.upload_id ?? '') : '',
  }
}

const emptyPage = Object.freeze({ entries: [], commonPrefixes: [], truncated: false, last: '', lastUploadId: '' })
