/** Digests of bytes that a copy takes over: computed by reading, since S3 gives every copy digests of its own. */
import { digestOnce } from '../../protocol/checksum/digest.ts'
import type { ChecksumName } from '../../protocol/s3/checksum-headers.ts'
import { BlobSource } from '../bytes/contract.ts'
import { digestSource } from '../bytes/read-source.ts'
import type { RequestContext } from '../context.ts'

export type CopyDigests = ReadonlyMap<ChecksumName, Buffer>

/**
 * Digests of bytes at hand or in blobs; undefined when a blob is gone, because the source was replaced meanwhile: look
 * it up again.
 */
export async function digestBytes(
  context: RequestContext,
  bytes: Uint8Array | BlobSource | null,
  algorithms: readonly ChecksumName[],
): Promise<CopyDigests | undefined> {
  if (!(bytes instanceof BlobSource)) {
    const digests = new Map<ChecksumName, Buffer>()
    for (const algorithm of algorithms) digests.set(algorithm, digestOnce(algorithm, bytes ?? nothing))
    return digests
  }
  try {
    return await digestSource(bytes, context.services.blobs, algorithms)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
const nothing = new Uint8Array(0)

/** How often a copy starts over because its source was replaced while it was read. */
export const copyAttempts = 4
