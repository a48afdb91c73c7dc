/** Where a copy comes from: x-amz-copy-source. */
import { type Fault, fault } from '../fault.ts'
import { decodePercent, Query } from '../query.ts'
import { checkKey, isBucketName } from './names.ts'
import { type AskedVersion, parseVersionId } from './version-id.ts'

export interface CopySource {
  readonly bucket: string
  readonly key: string
  readonly version: AskedVersion | undefined
}
export type CopySourceFault = Fault<'argument-invalid'> | Fault<'header-refused'> | Fault<'key-too-long'>

const header = 'x-amz-copy-source'

/**
 * `[/]bucket/key[?versionId=id]`, percent-encoded; a '+' is a space, as clients that encode forms send it (those that
 * mean a plus send %2B). An access point's ARN is refused.
 */
export function parseCopySource(text: string): CopySource | CopySourceFault {
  const question = text.indexOf('?')
  const path = question < 0 ? text : text.slice(0, question)
  let version: AskedVersion | undefined
  if (question >= 0) {
    const query = new Query(text.slice(question + 1))
    if (!query.wellFormed) return invalid('Invalid copy source encoding')
    for (const [name] of query) if (name !== 'versionId') return invalid('Unsupported copy source parameter.')
    const asked = parseVersionId(query.get('versionId'))
    if (typeof asked === 'object') return asked
    version = asked
  }
  const decoded = decodePercent(path.includes('+') ? path.replaceAll('+', ' ') : path)
  if (decoded === undefined || decoded.includes('\0')) return invalid('Invalid copy source encoding')
  if (decoded.startsWith('arn:')) return fault('header-refused', { header })
  const from = decoded.startsWith('/') ? 1 : 0
  const slash = decoded.indexOf('/', from)
  if (slash < 0 || slash === decoded.length - 1) return invalid('Invalid copy source object key')
  const bucket = decoded.slice(from, slash)
  const key = decoded.slice(slash + 1)
  if (!isBucketName(bucket)) return invalid('Invalid copy source bucket name')
  return checkKey(key) ?? { bucket, key, version }
}

function invalid(message: string): Fault<'argument-invalid'> {
  // S3 names the header as its value too.
  return fault('argument-invalid', { name: header, value: header, message })
}
