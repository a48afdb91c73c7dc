/** Encryption that is decided inside a unit, once it knows the bucket. Who does it makes a key and keeps no state. */
import type { Fault } from '../../protocol/fault.ts'
import type { Properties } from '../../protocol/properties.ts'
import type { Description, NewBytes } from './contract.ts'
import type { BucketColumns } from './rows.ts'

export interface SealedBytes {
  /** In place of the text; undefined when there are no bytes. */
  readonly inline: Uint8Array | undefined
  readonly etag: string
  /** The sealed key, for the version's properties. */
  readonly encryption: string
}
/** Answers undefined when the bytes stay as they are. May be called again for the same row, with another key. */
export type SealBytes<F extends Fault> = (bucket: BucketColumns) => SealedBytes | undefined | F

/** As SealBytes, for an upload, whose bytes come later: answers the sealed key. */
export type SealUpload<F extends Fault> = (bucket: BucketColumns) => string | undefined | F

export function sealedBytes({ sizeBytes }: NewBytes, { inline }: SealedBytes): NewBytes {
  return { sizeBytes, inline, blobId: undefined }
}

/** With the sealed key, if there is one, among its properties. */
export function describeSealed(
  description: Description,
  sealed: Pick<Properties, 'encryption'> | undefined,
): Description {
  const encryption = sealed?.encryption
  if (encryption === undefined) return description
  return { ...description, properties: { ...description.properties, encryption } }
}
