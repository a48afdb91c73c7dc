/** Bodies that tell which write they come from: any prefix, mix or older version of one is found out. */
import { createHash } from 'node:crypto'

/** `sizeBytes` bytes that no other stamp's body begins with. */
export function stampedBody(stamp: number, sizeBytes: number): Buffer {
  const body = Buffer.alloc(sizeBytes)
  const seed = createHash('sha256').update(`${stamp} ${sizeBytes}`).digest()
  if (sizeBytes > 0) body.fill(seed)
  // Each run of 4 KiB also tells where it stands.
  for (let at = 0; at + 8 <= sizeBytes; at += 4096) body.writeDoubleBE(at + stamp, at)
  return body
}
