/** Documents in request bodies: what the client says of their digests is checked before they are read. */
import { digestOnce } from '../checksum/digest.ts'
import { type Fault, fault } from '../fault.ts'
import type { WireRequest } from '../operation.ts'
import { type Integrity, parseIntegrity } from './object-write.ts'

export type IntegrityFault =
  | Exclude<ReturnType<typeof parseIntegrity>, Integrity>
  | Fault<'checksum-missing'>
  | Fault<'checksum-mismatch'>
  | Fault<'digest-mismatch'>
export const integrityFaults = [
  'request-invalid',
  'header-refused',
  'digest-malformed',
  'digest-mismatch',
  'checksum-malformed',
  'checksum-mismatch',
  'checksum-missing',
] as const

/** A digest in a trailer is the framing's to verify. */
export function checkDocument(
  request: WireRequest,
  body: Uint8Array,
  digest: 'required' | 'optional',
): IntegrityFault | undefined {
  const integrity = parseIntegrity(request)
  if ('code' in integrity) return integrity
  const { checksum, md5 } = integrity
  if (checksum === undefined && md5 === undefined) return digest === 'required' ? fault('checksum-missing') : undefined
  if (md5 !== undefined) {
    const calculated = digestOnce('md5', body).toString('base64')
    if (calculated !== md5) return fault('digest-mismatch', { expected: md5, calculated })
  }
  if (checksum?.value === undefined) return undefined
  return digestOnce(checksum.name, body).toString('base64') === checksum.value
    ? undefined
    : fault('checksum-mismatch', { algorithm: checksum.name.toUpperCase() })
}
