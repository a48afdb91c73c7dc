/** Copies that cannot share bytes with their source: one of the two is encrypted under a key of its own. */
import { Fault } from '../../protocol/fault.ts'
import type { ChecksumName } from '../../protocol/s3/checksum-headers.ts'
import { putLimitBytes } from '../../protocol/s3/object-write.ts'
import type { BlobSource } from '../bytes/contract.ts'
import type { ObjectCipher } from '../bytes/object-cipher.ts'
import { ingestSource } from '../bytes/source-body.ts'
import type { RequestContext } from '../context.ts'
import { Payload } from './object-payload.ts'

const nothing = new Uint8Array(0)

/**
 * Takes a source's bytes in again. Answers undefined when a blob is gone, because the source was replaced meanwhile: look it
 * up again.
 * @param cipher of the copy; undefined: they are kept as they are
 */
export async function rewrite(
  { services }: RequestContext,
  source: Uint8Array | BlobSource | null,
  algorithms: readonly ChecksumName[],
  cipher: ObjectCipher | undefined,
): Promise<Payload | Fault<'storage-full'> | undefined> {
  const { blobs, blobIds } = services
  try {
    const staged = await ingestSource(source ?? nothing, {
      blobs,
      nextBlobId: () => blobIds.next(),
      algorithms,
      maxBytes: putLimitBytes,
      ...(cipher === undefined ? {} : { cipher }),
    })
    // Its size is known and within the limit, and nobody cuts it short.
    return staged instanceof Fault ? (staged as Fault<'storage-full'>) : new Payload(staged)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
