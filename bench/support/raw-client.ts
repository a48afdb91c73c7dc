/** A small keep-alive client over bare sockets: what it costs must not hide what the server costs. */
import { connect, type Socket } from 'node:net'
import { presign } from './presign.ts'
import type { Target } from './processes.ts'

export interface Call {
  readonly method: string
  readonly path: string
  readonly query?: Record<string, string>
  readonly body?: Uint8Array
}

/**
 * Keeps `connections` sockets busy until `next` answers undefined. `answered` is told each call, its status and when
 * it was sent; a socket that breaks ends its lane (reported by the return value).
 */
export async function drive(
  target: Target,
  connections: number,
  next: () => Call | undefined,
  answered: (call: Call, status: number, ms: number, body: Buffer) => void,
): Promise<{ broken: number }> {
  let broken = 0
  const lanes = Array.from({ length: connections }, () =>
    lane(target, next, answered).catch(() => {
      broken++
    }),
  )
  await Promise.all(lanes)
  return { broken }
}

function lane(
  target: Target,
  next: () => Call | undefined,
  answered: (call: Call, status: number, ms: number, body: Buffer) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect(target.port, '127.0.0.1')
    let call: Call | undefined
    let sentAt = 0
    let received: Buffer = Buffer.alloc(0)
    const send = (): void => {
      call = next()
      if (call === undefined) {
        socket.destroy()
        resolve()
        return
      }
      sentAt = performance.now()
      const length = call.body?.length ?? 0
      const head = `${call.method} ${presign(target, call.method, call.path, call.query)} HTTP/1.1\r\nHost: 127.0.0.1:${target.port}\r\nContent-Length: ${length}\r\n\r\n`
      if (length <= 16_384) socket.write(length === 0 ? head : Buffer.concat([Buffer.from(head), call.body!]))
      else {
        socket.write(head)
        socket.write(call.body!)
      }
    }
    socket.setNoDelay(true)
    socket.on('connect', send)
    socket.on('data', chunk => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
      const end = received.indexOf('\r\n\r\n')
      if (end < 0) return
      const head = received.toString('latin1', 0, end)
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0)
      if (received.length < end + 4 + length) return
      const body = received.subarray(end + 4, end + 4 + length)
      received = received.subarray(end + 4 + length)
      answered(call!, Number(head.slice(9, 12)), performance.now() - sentAt, body)
      send()
    })
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('closed')))
  })
}
