/** Bytes sent as they are, for requests no HTTP library would send. */
import { connect, type Socket } from 'node:net'

export interface RawAnswer {
  /** Everything received until the answer was whole, the peer closed, or the limit passed. */
  readonly text: string
  /** Status of the first answer; 0 when there was none. */
  readonly status: number
  readonly closed: boolean
}

export interface RawOptions {
  /** Sent one after the other, `gapMs` apart. */
  readonly gapMs?: number
  /** Half-closes after the last piece. */
  readonly end?: boolean
  /** How long to wait for an answer: reached only by requests that are never answered. */
  readonly limitMs?: number
  /** Waits for this many whole answers (1). */
  readonly answers?: number
}

/** Opens a connection, sends the pieces, and answers what came back. Never rejects because the peer closed. */
export function rawSocket(
  server: { readonly port: number },
  pieces: string | Uint8Array | readonly (string | Uint8Array)[],
  options: RawOptions = {},
): Promise<RawAnswer> {
  const list = Array.isArray(pieces) ? (pieces as readonly (string | Uint8Array)[]) : [pieces as string | Uint8Array]
  return new Promise(resolve => {
    let text = ''
    const socket: Socket = connect({ port: server.port, host: '127.0.0.1' })
    const limit = setTimeout(() => finish(false), options.limitMs ?? 10_000)
    const finish = (closed: boolean) => {
      clearTimeout(limit)
      socket.destroy()
      resolve({ text, closed, status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0) })
    }
    socket.setNoDelay(true)
    socket.on('error', () => finish(true))
    socket.on('close', () => finish(true))
    socket.on('data', chunk => {
      text += chunk.toString('latin1')
      if (wholeAnswers(text) >= (options.answers ?? 1)) finish(false)
    })
    socket.on('connect', () => void write(socket, list, options))
  })
}

async function write(socket: Socket, pieces: readonly (string | Uint8Array)[], options: RawOptions): Promise<void> {
  for (const [index, piece] of pieces.entries()) {
    if (index > 0 && options.gapMs !== undefined) await new Promise(resolve => setTimeout(resolve, options.gapMs))
    if (socket.destroyed) return
    socket.write(typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece)
  }
  if (options.end) socket.end()
}

/** How many final answers (1xx aside) `text` holds whole. */
function wholeAnswers(text: string): number {
  let count = 0
  let rest = text
  for (;;) {
    const end = rest.indexOf('\r\n\r\n')
    if (end < 0) return count
    const head = rest.slice(0, end)
    const interim = /^HTTP\/1\.1 1\d\d/.test(head)
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
    const chunked = /\r\ntransfer-encoding: *chunked/i.test(head)
    const from = end + 4
    if (chunked) {
      const close = rest.indexOf('0\r\n\r\n', from)
      if (close < 0) return count
      rest = rest.slice(close + 5)
    } else {
      if (rest.length < from + length) return count
      rest = rest.slice(from + length)
    }
    if (!interim) count++
  }
}
