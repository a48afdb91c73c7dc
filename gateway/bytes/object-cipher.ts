/**
 * Encryption of stored bytes: AES-256 in counter mode, so that stored bytes are as long as the text and any range of them
 * can be read by itself.
 *
 * A data key belongs to one object version, or to one multipart upload with all its parts. Under it every stored blob has
 * a keystream of its own, found from the blob's id: ids are never used again and a stored blob never changes, so no two
 * texts meet the same keystream. Inline bytes do not have that: they may be overwritten under their id, and parts of one
 * upload share a key. So they begin with a random initial counter, and are `inlineHeadBytes` longer than their text.
 *
 * The mode hides bytes from who reads the disk. It does not notice that somebody changed them there.
 */
import { createCipheriv, createHmac } from 'node:crypto'
import { randomPortion } from '../random-pool.ts'

export interface ObjectCipher {
  /** The data key: 32 bytes. */
  readonly key: Buffer
}

/** What inline bytes have before their ciphertext. */
export const inlineHeadBytes = 16

const blockBytes = 16
/**
 * Text goes through the cipher in pieces of this, each of which comes out in memory of its own: on a quiet machine 512 KiB
 * took 240 µs in pieces of 64 KiB, 450 in pieces of 16, 300 in one (bench/micro/encryption.ts).
 */
const pieceBytes = 64 * 1024
const skipped = Buffer.alloc(blockBytes)

/** The keystream of one blob: adds itself to bytes in place, which encrypts text and decrypts ciphertext. */
export class Keystream {
  readonly #key: Buffer
  readonly #start: Buffer

  /** @param start the counter of the first block: 16 bytes */
  constructor({ key }: ObjectCipher, start: Buffer) {
    this.#key = key
    this.#start = start
  }

  /** @param position of the first byte in the blob: any */
  apply(bytes: Uint8Array, position: number): void {
    const within = position % blockBytes
    const counter = addBlocks(this.#start, (position - within) / blockBytes)
    const cipher = createCipheriv('aes-256-ctr', this.#key, counter)
    if (within > 0) cipher.update(skipped.subarray(0, within))
    for (let at = 0; at < bytes.length; at += pieceBytes)
      bytes.set(cipher.update(bytes.subarray(at, at + pieceBytes)), at)
  }
}

/** The keystream of a stored blob. */
export function blobKeystream(cipher: ObjectCipher, blobId: number): Keystream {
  return new Keystream(cipher, derive(cipher, `blob ${blobId}`))
}

/** The keystream of inline bytes. @param stored as in their row */
export function inlineKeystream(cipher: ObjectCipher, stored: Uint8Array): Keystream {
  if (stored.length < inlineHeadBytes) throw new Error('encrypted inline bytes without their head')
  return new Keystream(cipher, Buffer.from(stored.subarray(0, inlineHeadBytes)))
}

/** What is stored for a small text; nothing for an empty one. */
export function encryptInline(text: Uint8Array, cipher: ObjectCipher): Buffer {
  if (text.length === 0) return Buffer.alloc(0)
  const head = randomPortion(inlineHeadBytes)
  const stored = Buffer.allocUnsafe(inlineHeadBytes + text.length)
  stored.set(head)
  stored.set(createCipheriv('aes-256-ctr', cipher.key, head).update(text), inlineHeadBytes)
  return stored
}

/**
 * The text of inline bytes, or [offset, offset + length) of it, in memory of its own.
 * @param stored as in their row; they stay as they are
 */
export function decryptInline(stored: Uint8Array, cipher: ObjectCipher, offset = 0, length?: number): Buffer {
  if (stored.length === 0) return Buffer.alloc(0)
  const keystream = inlineKeystream(cipher, stored)
  const from = inlineHeadBytes + offset
  const to = length === undefined ? stored.length : from + length
  if (offset < 0 || to < from || to > stored.length) throw new RangeError('a range outside the inline bytes')
  const text = Buffer.from(stored.subarray(from, to))
  keystream.apply(text, offset)
  return text
}

/**
 * An ETag that says nothing about the text, 32 hexadecimal digits: the same text under the same key has the same one, so
 * that a part which is sent twice is the same part.
 */
export function opaqueEtag(cipher: ObjectCipher, md5: Uint8Array): string {
  return derive(cipher, 'etag ', md5).toString('hex')
}

const nothing = new Uint8Array(0)
function derive({ key }: ObjectCipher, label: string, value: Uint8Array = nothing): Buffer {
  return createHmac('sha256', key).update(label).update(value).digest().subarray(0, blockBytes)
}

/** Counters are 128 bits, the highest byte first, and begin again at 0 after the last. */
function addBlocks(start: Buffer, blocks: number): Buffer {
  const counter = Buffer.from(start)
  let carry = blocks
  for (let at = blockBytes - 4; at >= 0 && carry > 0; at -= 4) {
    const sum = counter.readUInt32BE(at) + (carry % 2 ** 32)
    counter.writeUInt32BE(sum % 2 ** 32, at)
    carry = Math.floor(carry / 2 ** 32) + (sum >= 2 ** 32 ? 1 : 0)
  }
  return counter
}
