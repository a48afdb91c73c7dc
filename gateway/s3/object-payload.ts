/** Takes a request's payload in and checks it against everything the client said about it. */
import { DatabaseUnavailable, type Settled, type Unit } from '../../platform/database/unit.ts'
import { Fault, fault } from '../../protocol/fault.ts'
import { type ChecksumName, checksumHeaders, isDigest } from '../../protocol/s3/checksum-headers.ts'
import { type Integrity, type PayloadFault, putLimitBytes } from '../../protocol/s3/object-write.ts'
import { Aborted, type IncomingBody, inlineLimitBytes, type Staged } from '../bytes/contract.ts'
import { ingest } from '../bytes/ingest.ts'
import type { ObjectCipher } from '../bytes/object-cipher.ts'
import type { RequestContext } from '../context.ts'
import { type DataKey, etagOf } from '../keys/ring.ts'
import type { Opened } from './object-encryption.ts'

/**
 * Bodies beyond this are not taken in before their bucket is known to exist, and whether it wants them encrypted: what goes
 * into a blob must be by then. Smaller ones can be encrypted in the unit that finds their bucket.
 */
export const lookFirstBytes = inlineLimitBytes

/** A payload that is kept and is what the client said. Whoever does not name it in a row discards `staged`. */
export class Payload {
  readonly staged: Staged
  constructor(staged: Staged) {
    this.staged = staged
  }
  get md5(): Buffer {
    return this.staged.digests.get('md5')!
  }
  /** As it is called when it is kept under a key, or under none. */
  etag(key: Opened | DataKey | undefined): string {
    return etagOf(key?.sealed, key?.cipher, this.md5)
  }
  /** Base64 of one of the algorithms asked for. */
  checksum(name: ChecksumName): string {
    return this.staged.digests.get(name)!.toString('base64')
  }
}

/**
 * Receives the payload of a PutObject or UploadPart.
 * @param wanted checksums to compute beside the declared one and the MD5
 * @param cipher encrypts what is kept
 */
export async function receivePayload(
  context: RequestContext,
  integrity: Integrity,
  wanted: readonly ChecksumName[],
  cipher: ObjectCipher | undefined,
): Promise<Payload | PayloadFault | Aborted> {
  const { body } = context
  const { blobs, blobIds } = context.services
  const { declaredBytes } = body
  if (declaredBytes !== undefined && declaredBytes > putLimitBytes) return tooLarge(declaredBytes)
  const algorithms: ChecksumName[] = ['md5']
  const also = (name: ChecksumName): unknown => algorithms.includes(name) || algorithms.push(name)
  wanted.forEach(also)
  if (integrity.checksum !== undefined) also(integrity.checksum.name)
  if (body.expectedPayloadSha256 !== undefined) also('sha256')
  const staged = await ingest(body, {
    blobs,
    nextBlobId: () => blobIds.next(),
    algorithms,
    maxBytes: putLimitBytes,
    ...(cipher === undefined ? {} : { cipher }),
  })
  if (staged instanceof Aborted) return staged
  // What a body may fail with is listed in `payloadFaults`.
  if (staged instanceof Fault) return staged as PayloadFault
  const payload = new Payload(staged)
  const wrong = verify(payload, integrity, body)
  if (wrong === undefined) return payload
  staged.discard()
  return wrong
}

function verify(payload: Payload, integrity: Integrity, body: IncomingBody): PayloadFault | undefined {
  const { expectedPayloadSha256 } = body
  if (expectedPayloadSha256 !== undefined) {
    const computed = payload.staged.digests.get('sha256')!.toString('hex')
    if (computed !== expectedPayloadSha256)
      return fault('payload-hash-mismatch', { client: expectedPayloadSha256, computed })
  }
  const { md5, checksum } = integrity
  if (md5 !== undefined) {
    const calculated = payload.checksum('md5')
    if (calculated !== md5) return fault('digest-mismatch', { expected: md5, calculated })
  }
  if (checksum === undefined) return undefined
  const header = checksumHeaders[checksum.name]
  const value = checksum.value ?? body.trailers?.().get(header)?.trim()
  if (value === undefined || !isDigest(checksum.name, value)) return fault('checksum-malformed', { header })
  return value === payload.checksum(checksum.name)
    ? undefined
    : fault('checksum-mismatch', { algorithm: checksum.name.toUpperCase() })
}

function tooLarge(sizeBytes: number): Fault<'object-too-large'> {
  return fault('object-too-large', { sizeBytes, limitBytes: putLimitBytes })
}

/**
 * Writes the row that names staged bytes. When the unit answers a fault, or fails, nothing names them: they are discarded.
 * Unless nobody knows whether it was committed: then a row may name them, and what none names is the sweeper's.
 * @param unit gets an unused blob id when the bytes live in the catalogue's row
 */
export async function commitStaged<T>(
  context: RequestContext,
  staged: Staged,
  unit: (inlineBlobId: number | undefined) => Unit<T>,
): Promise<Settled<T>> {
  const { blobIds, database } = context.services
  let outcome: Settled<T>
  try {
    const id = staged.sizeBytes > 0 && staged.inline !== undefined ? blobIds.next() : undefined
    const inlineBlobId = typeof id === 'object' ? await id : id
    outcome = await database.write(() => unit(inlineBlobId))
  } catch (error) {
    if (!(error instanceof DatabaseUnavailable && error.undecided)) staged.discard()
    throw error
  }
  if (outcome instanceof Fault) staged.discard()
  return outcome
}

/**
 * The outcome of a handler whose client has left: the responder knows it, the operation table does not (protocol/ has
 * no sockets), so this is the one place where it passes for an output.
 */
export function left(why: Aborted): never {
  return why as never
}
