/** How versions are named: in requests and in the headers of answers. The ids themselves: version-ids.ts. */
import { type Fault, fault } from '../fault.ts'
import type { WireRequest } from '../operation.ts'
import { decodeVersionId, encodeVersionId } from './version-ids.ts'

/** What a version id is made of; `versioned` 0: the version was written while the bucket had no versions. */
export interface VersionName {
  readonly seq: number
  readonly versioned: number
}
/** A version as a request names it: by its sequence, or the one whose id is 'null'. */
export type AskedVersion = number | 'null'

export function versionIdOf({ seq, versioned }: VersionName): string {
  return versioned === 0 ? 'null' : encodeVersionId(seq)
}

/** Adds the header that names a version; none in a bucket that never had versions. */
export function pushVersion(headers: string[], version: VersionName | undefined): void {
  if (version !== undefined) headers.push('x-amz-version-id', versionIdOf(version))
}

/** The same of a copy's source. */
export function pushSourceVersion(headers: string[], version: VersionName | undefined): void {
  if (version !== undefined) headers.push('x-amz-copy-source-version-id', versionIdOf(version))
}

/** `versionId` of a request. S3 calls an id it never gave out invalid, not missing (seen on GET and DELETE). */
export function parseVersion(request: WireRequest): AskedVersion | undefined | Fault<'argument-invalid'> {
  return request.query.size === 0 ? undefined : parseVersionId(request.query.get('versionId'))
}
export function parseVersionId(value: string | undefined): AskedVersion | undefined | Fault<'argument-invalid'> {
  if (value === undefined || value === 'null') return value
  const seq = decodeVersionId(value)
  if (seq !== undefined) return seq
  return fault('argument-invalid', {
    name: 'versionId',
    value,
    message: value === '' ? 'Version id cannot be the empty string' : 'Invalid version id specified',
  })
}
