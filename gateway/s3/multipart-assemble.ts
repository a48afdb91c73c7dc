/**
 * What a completed upload becomes: checks the client's list against the parts that are there, and makes the ETag and
 * the checksum of the whole from those of the parts. Pure: it may run more than once for one request.
 */
import { createHash } from 'node:crypto'
import { combineCrc } from '../../protocol/checksum/combine.ts'
import { digestOnce } from '../../protocol/checksum/digest.ts'
import { type Fault, fault } from '../../protocol/fault.ts'
import { type ChecksumName, checksumTypeOf } from '../../protocol/s3/checksum-headers.ts'
import type { CompleteInput, ListedPart } from '../../protocol/s3/multipart-complete.ts'
import type { Checksums, ChecksumType, PartRecord, UploadRecord } from '../store/contract.ts'
import { ownChecksum } from './object-write.ts'

export interface Assembled {
  readonly numbers: readonly number[]
  readonly etag: string
  readonly checksums: Checksums
  readonly checksumType: ChecksumType
}
export type AssembleFault =
  | Fault<'part-order-invalid'>
  | Fault<'part-invalid'>
  | Fault<'part-too-small'>
  | Fault<'request-invalid'>
  | Fault<'checksum-mismatch'>
  | Fault<'object-too-large'>

/** Every part but the last has at least this many bytes. */
const partMinimumBytes = 5 * 1024 * 1024
/** Most bytes of an object (S3 raised it from 5 to 50 TB in 2025). */
const objectLimitBytes = 50 * 1024 ** 4

type Known = Pick<UploadRecord, 'uploadId' | 'checksumAlgorithm' | 'checksumType'>

export function assemble(input: CompleteInput, upload: Known, parts: readonly PartRecord[]): Assembled | AssembleFault {
  const { uploadId } = upload
  if (input.parts.length === 0) return fault('request-invalid', { message: 'You must specify at least one part' })
  const list = input.dialect === 'ceph' ? lastOfEach(input.parts) : input.parts
  for (let at = 1; at < list.length; at++)
    if (list[at]!.number <= list[at - 1]!.number) return fault('part-order-invalid', { uploadId })
  if (input.checksumType !== undefined && input.checksumType !== upload.checksumType)
    return fault('request-invalid', {
      message: `The upload was created using the ${upload.checksumType ?? 'null'} checksum mode. The complete request must use the same checksum mode.`,
    })
  const stored = new Map(parts.map(part => [part.number, part]))
  const chosen: PartRecord[] = []
  let sizeBytes = 0
  for (const [at, listed] of list.entries()) {
    const part = stored.get(listed.number)
    const bad = checkPart(listed, part, upload, at === list.length - 1, input.dialect)
    if (bad !== undefined) return bad
    chosen.push(part!)
    sizeBytes += part!.sizeBytes
  }
  if (sizeBytes > objectLimitBytes) return fault('object-too-large', { sizeBytes, limitBytes: objectLimitBytes })
  if (input.sizeBytes !== undefined && input.sizeBytes !== sizeBytes)
    return fault('request-invalid', {
      message: `The provided 'x-amz-mp-object-size' header value ${input.sizeBytes} does not match what was computed: ${sizeBytes}`,
    })
  const algorithm = upload.checksumAlgorithm ?? ownChecksum
  const checksumType = upload.checksumType ?? 'FULL_OBJECT'
  const checksum = checksumType === 'COMPOSITE' ? composite(algorithm, chosen) : fullObject(algorithm, chosen)
  const wrong = checkWhole(input, upload, algorithm, checksumType, checksum, chosen.length)
  if (wrong !== undefined) return wrong
  return {
    numbers: chosen.map(part => part.number),
    etag: etagOf(chosen),
    checksums: { [algorithm]: checksum },
    checksumType,
  }
}

/** Ceph takes a part that is listed twice as it is listed last. */
function lastOfEach(parts: readonly ListedPart[]): readonly ListedPart[] {
  return parts.filter((part, at) => parts[at + 1]?.number !== part.number)
}

function checkPart(
  listed: ListedPart,
  part: PartRecord | undefined,
  upload: Known,
  last: boolean,
  dialect: CompleteInput['dialect'],
): Fault<'part-invalid'> | Fault<'part-too-small'> | Fault<'request-invalid'> | Fault<'checksum-mismatch'> | undefined {
  const about = { uploadId: upload.uploadId, partNumber: listed.number, etag: listed.etag }
  if (part === undefined || part.etag !== listed.etag) return fault('part-invalid', about)
  const algorithm = upload.checksumAlgorithm
  const names = Object.keys(listed.checksums) as ChecksumName[]
  if (algorithm === undefined) {
    // Seen: a checksum listed for an upload that asked for none makes the part unknown, even a right one.
    for (const name of names)
      if (name !== ownChecksum || listed.checksums[name] !== part.checksums[name]) return fault('part-invalid', about)
  } else {
    const checksum = listed.checksums[algorithm]
    if (checksum === undefined) {
      // Ceph does not ask for it.
      if (upload.checksumType === 'COMPOSITE' && dialect === 'aws') return missingChecksum(listed, algorithm, names[0])
    } else if (checksum !== part.checksums[algorithm]) return fault('part-invalid', about)
  }
  if (!last && part.sizeBytes < partMinimumBytes)
    return fault('part-too-small', {
      sizeBytes: part.sizeBytes,
      limitBytes: partMinimumBytes,
      partNumber: listed.number,
      etag: listed.etag,
    })
  return undefined
}

function missingChecksum(
  listed: ListedPart,
  algorithm: ChecksumName,
  other: ChecksumName | undefined,
): Fault<'checksum-mismatch'> | Fault<'request-invalid'> {
  return other === undefined
    ? fault('request-invalid', {
        message: `The upload was created using a ${algorithm} checksum. The complete request must include the checksum for each part. It was missing for part ${listed.number} in the request.`,
      })
    : fault('checksum-mismatch', {
        message: `The ${other} you specified for part ${listed.number} did not match what we received.`,
      })
}

/**
 * The checksum that the client has of the whole. Without a type S3 takes it for the algorithm's default one: a full
 * object's CRC32C sent without `x-amz-checksum-type: FULL_OBJECT` was seen to be refused.
 */
function checkWhole(
  input: CompleteInput,
  upload: Known,
  algorithm: ChecksumName,
  type: ChecksumType,
  checksum: string,
  parts: number,
): Fault<'checksum-mismatch'> | undefined {
  const declared = input.checksum
  if (declared === undefined) return undefined
  // Seen: an upload that asked for no checksum overlooks any other than S3's own.
  if (upload.checksumAlgorithm === undefined && declared.name !== ownChecksum) return undefined
  const defaulted = upload.checksumType === undefined || input.dialect === 'ceph'
  const meant = input.checksumType ?? (defaulted ? type : checksumTypeOf(algorithm, undefined))
  const same =
    declared.name === algorithm &&
    meant === type &&
    (declared.value === checksum || (type === 'COMPOSITE' && declared.value === `${checksum}-${parts}`))
  return same
    ? undefined
    : fault('checksum-mismatch', { message: `The ${algorithm} you specified did not match the calculated checksum.` })
}

/** "Digest of digests": base64, without its "-N". */
function composite(algorithm: ChecksumName, parts: readonly PartRecord[]): string {
  return digestOnce(
    algorithm,
    joined(parts, part => Buffer.from(checksumOf(part, algorithm), 'base64')),
  ).toString('base64')
}

function fullObject(algorithm: ChecksumName, parts: readonly PartRecord[]): string {
  if (algorithm !== 'crc32' && algorithm !== 'crc32c' && algorithm !== 'crc64nvme')
    throw new Error(`${algorithm} has no full-object checksum of parts`)
  let whole: Buffer | undefined
  for (const part of parts) {
    const crc = Buffer.from(checksumOf(part, algorithm), 'base64')
    whole = whole === undefined ? crc : combineCrc(algorithm, whole, crc, part.sizeBytes)
  }
  return whole!.toString('base64')
}

function checksumOf(part: PartRecord, algorithm: ChecksumName): string {
  const checksum = part.checksums[algorithm]
  if (checksum === undefined) throw new Error(`part ${part.number} has no ${algorithm}`)
  return checksum
}

/** The MD5 of the parts' MD5s, and how many there were. */
function etagOf(parts: readonly PartRecord[]): string {
  const md5s = joined(parts, part => Buffer.from(part.etag, 'hex'))
  return `${createHash('md5').update(md5s).digest('hex')}-${parts.length}`
}

function joined(parts: readonly PartRecord[], bytesOf: (part: PartRecord) => Buffer): Buffer {
  return Buffer.concat(parts.map(bytesOf))
}
