/**
 * Where an S3 request points: by path (`/bucket/key`) or by virtual host (`bucket.s3.localhost/key`). Keys are taken
 * byte for byte: percent-decoded once, no dot segment or slash is folded.
 * Source: Amazon S3 User Guide, "Virtual hosting of general purpose buckets".
 */
import { type Fault, fault } from '../fault.ts'
import { Level } from '../operation.ts'
import { decodePercent } from '../query.ts'

export interface Address {
  readonly level: Level
  readonly bucket: string
  readonly key: string
  readonly virtualHost: boolean
}

const uriInvalid = fault('uri-invalid')
const service: Address = { level: Level.service, bucket: '', key: '', virtualHost: false }
/** Names of the real service, met when a proxy or a hosts file leads them here. */
const amazonHost = /^(?:(.+)\.)?s3(?:[.-](?:dualstack\.)?[a-z0-9-]+)?\.amazonaws\.com(?:\.cn)?$/

/**
 * The bucket a host name carries: '' when it carries none (path style).
 * @param host a Host header, with or without a port
 * @param domains suffixes under which a label is a bucket, longest first (`s3.localhost` before `localhost`)
 */
export function bucketOfHost(host: string, domains: readonly string[]): string {
  const first = host.charCodeAt(0)
  // An address (127.0.0.1, [::1]) names no bucket; most requests of a developer's machine stop here.
  if ((first >= 48 && first <= 57 && /^[\d.]+(:\d+)?$/.test(host)) || first === 91) return ''
  const colon = host.indexOf(':')
  const name = (colon < 0 ? host : host.slice(0, colon)).toLowerCase()
  for (const domain of domains) {
    if (name === domain) return ''
    if (name.length > domain.length + 1 && name.endsWith(domain) && name[name.length - domain.length - 1] === '.')
      return name.slice(0, name.length - domain.length - 1)
  }
  return name.endsWith('.amazonaws.com') || name.endsWith('.amazonaws.com.cn') ? (amazonHost.exec(name)?.[1] ?? '') : ''
}

/**
 * Splits a request's raw path, given the bucket its host carries ('' for none).
 * @returns 'uri-invalid' for a path that is not percent-encoded UTF-8, has a NUL, or names a key without a bucket
 */
export function splitAddress(rawPath: string, hostBucket: string): Address | Fault<'uri-invalid'> {
  if (hostBucket !== '') {
    const key = decodeKey(rawPath.slice(1))
    if (key === undefined) return uriInvalid
    return { level: key === '' ? Level.bucket : Level.object, bucket: hostBucket, key, virtualHost: true }
  }
  if (rawPath === '/' || rawPath === '') return service
  const slash = rawPath.indexOf('/', 1)
  const bucket = decodeKey(slash < 0 ? rawPath.slice(1) : rawPath.slice(1, slash))
  if (bucket === undefined || bucket === '') return uriInvalid
  if (slash < 0 || slash === rawPath.length - 1) return { level: Level.bucket, bucket, key: '', virtualHost: false }
  const key = decodeKey(rawPath.slice(slash + 1))
  return key === undefined ? uriInvalid : { level: Level.object, bucket, key, virtualHost: false }
}

function decodeKey(raw: string): string | undefined {
  const key = decodePercent(raw)
  // PostgreSQL's text has no NUL, and what one engine cannot keep the other does not take.
  return key === undefined || key.includes('\0') ? undefined : key
}
