/** Digests of bytes, one-shot and running, as the wires name them. */
import { createHash, hash } from 'node:crypto'
import * as zlib from 'node:zlib'
import { Crc } from './crc.ts'

export type DigestAlgorithm = 'md5' | 'sha1' | 'sha256' | 'sha512' | 'crc32' | 'crc32c' | 'crc64nvme'

export interface Digest {
  update(bytes: Uint8Array): void
  /** Ends it. CRCs are 4 or 8 bytes, big-endian, as S3 wants them in base64. */
  digest(): Buffer
}

/** 6 GB/s, but only from Node 20.15 and 22.2 on. */
const nativeCrc32: ((bytes: Uint8Array, state?: number) => number) | undefined = zlib.crc32

class NativeCrc32 implements Digest {
  readonly #crc32: (bytes: Uint8Array, state?: number) => number
  #state = 0
  constructor(crc32: (bytes: Uint8Array, state?: number) => number) {
    this.#crc32 = crc32
  }
  update(bytes: Uint8Array): void {
    // zlib takes no bytes at all as the wish to begin anew.
    if (bytes.length > 0) this.#state = this.#crc32(bytes, this.#state)
  }
  digest(): Buffer {
    return bigEndian32(this.#state)
  }
}

export function startDigest(algorithm: DigestAlgorithm): Digest {
  switch (algorithm) {
    case 'crc32':
      return nativeCrc32 === undefined ? new Crc(algorithm) : new NativeCrc32(nativeCrc32)
    case 'crc32c':
    case 'crc64nvme':
      return new Crc(algorithm)
    default:
      return createHash(algorithm)
  }
}

/** The digest of bytes that are all there: 0.4 to 1.6 µs for 1 KiB, half of what a running one costs. */
export function digestOnce(algorithm: DigestAlgorithm, bytes: Uint8Array): Buffer {
  switch (algorithm) {
    case 'crc32':
      if (nativeCrc32 !== undefined) return bigEndian32(nativeCrc32(bytes))
      return digestCrc(algorithm, bytes)
    case 'crc32c':
    case 'crc64nvme':
      return digestCrc(algorithm, bytes)
    default:
      // A Buffer made of one-byte characters: one that the hash makes itself costs 0.6 µs more.
      return Buffer.from(hash(algorithm, bytes, 'binary'), 'latin1')
  }
}

function digestCrc(algorithm: 'crc32' | 'crc32c' | 'crc64nvme', bytes: Uint8Array): Buffer {
  const crc = new Crc(algorithm)
  crc.update(bytes)
  return crc.digest()
}

function bigEndian32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeUInt32BE(value)
  return bytes
}
