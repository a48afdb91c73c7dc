/**
 * Version ids. S3 promises only that they are opaque, of at most 1,024 bytes and safe in a URL (User Guide, "Version
 * IDs"); its own have 32 characters. Ours hold the version's sequence and a seal, so that an id that was never given
 * out is told from one whose version is gone: S3 answers them differently.
 */
import { createHash } from 'node:crypto'
import { type Fault, fault } from '../fault.ts'
import type { WireRequest } from '../operation.ts'

/** What a version id is made of; `versioned` 0: the version was written while the bucket had no versions. */
export interface VersionName {
  readonly seq: number
  readonly versioned: number
}
/** A version as a request names it: by its sequence, or the one whose id is 'null'. */
export type AskedVersion = number | 'null'

/** Of a sequence: microseconds, 53 bits. */
const seqBytes = 7
const sealBytes = 17

/** 32 characters that need no escaping. */
export function encodeVersionId(seq: number): string {
  const bytes = Buffer.alloc(sealBytes + seqBytes)
  sealOf(seq).copy(bytes)
  bytes.writeUInt8(Math.floor(seq / 2 ** 48), sealBytes)
  bytes.writeUIntBE(seq % 2 ** 48, sealBytes + 1, 6)
  mask(bytes)
  return bytes.toString('base64url')
}

/** The sequence of an id that `encodeVersionId` made; undefined for every other text. */
export function decodeVersionId(id: string): number | undefined {
  const bytes = Buffer.from(id, 'base64url')
  if (bytes.length !== sealBytes + seqBytes) return undefined
  mask(bytes)
  const seq = bytes.readUInt8(sealBytes) * 2 ** 48 + bytes.readUIntBE(sealBytes + 1, 6)
  return Number.isSafeInteger(seq) && encodeVersionId(seq) === id ? seq : undefined
}

function sealOf(seq: number): Buffer {
  return createHash('sha256').update(`version ${seq}`).digest().subarray(0, sealBytes)
}
/** The same again undoes it: neighbouring sequences look nothing alike. */
function mask(bytes: Buffer): void {
  for (let i = 0; i < seqBytes; i++) bytes[sealBytes + i]! ^= bytes[i]!
}

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
