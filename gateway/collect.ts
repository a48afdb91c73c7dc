import { type Fault, fault } from '../protocol/fault.ts'
import type { Aborted, IncomingBody } from './bytes/contract.ts'

const tooLarge = fault('body-too-large')
const nothing = new Uint8Array(0)

/** The whole of a body that must be small: 'body-too-large' beyond `limitBytes`, whatever length was declared. */
export function collect(body: IncomingBody, limitBytes: number): Promise<Uint8Array | Fault | Aborted> {
  if (body.declaredBytes !== undefined && body.declaredBytes > limitBytes) return Promise.resolve(tooLarge)
  return new Promise(resolve => {
    const chunks: Uint8Array[] = []
    let size = 0
    body.read({
      chunk(bytes) {
        size += bytes.length
        if (size > limitBytes) {
          chunks.length = 0
          resolve(tooLarge)
        } else chunks.push(bytes.slice())
      },
      end: () => resolve(chunks.length === 0 ? nothing : chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)),
      fail: resolve,
    })
  })
}
