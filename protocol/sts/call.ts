/**
 * A call of STS as the table sees it. Its action and parameters stand in a form body or in the query, and mean the same
 * in both: so there is one row per action, found by `Action`, whichever way it came (AWS General Reference, "AWS query
 * requests").
 */
import type { WireRequest } from '../operation.ts'
import { Query } from '../query.ts'

export const stsNamespace = 'https://sts.amazonaws.com/doc/2011-06-15/'
export const apiVersion = '2011-06-15'
export const stsBodyLimitBytes = 64 * 1024

/** The request with its parameters as its query: those of the body or, when that names no action, of the query. */
export function stsCall(request: WireRequest, body: Uint8Array): WireRequest {
  const form = new Query(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8').trim())
  const { level, bucket, key, headers } = request
  return {
    method: request.method === 'GET' ? 'POST' : request.method,
    level,
    bucket,
    key,
    query: form.has('Action') ? form : request.query,
    header: name => request.header(name),
    headers,
  }
}

/** The answer is wanted as JSON, which STS has beside XML. */
export function wantsJson(request: Pick<WireRequest, 'header'>): boolean {
  return /^application\/json\b/i.test(request.header('accept'))
}
