/** The access key a request names, before anything is verified: S3 tells anybody a bucket's cross-origin rules. */
import type { WireRequest } from '../operation.ts'

/** @returns '' when it names none */
export function claimedAccessKey(request: WireRequest): string {
  const authorization = request.header('authorization')
  if (authorization !== '')
    return (/^AWS ([^:\s]+):/.exec(authorization) ?? /[\s,]Credential=([^/,\s]+)\//.exec(authorization))?.[1] ?? ''
  const { query } = request
  if (query.size === 0) return ''
  return query.get('X-Amz-Credential')?.split('/', 1)[0] ?? query.get('AWSAccessKeyId') ?? ''
}
