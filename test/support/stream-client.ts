/** Requests sent and answers taken at a chosen pace over bare sockets. */
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { presign, type SignedRequest } from './signed.ts'

export interface Listening {
  readonly origin: string
  readonly port: number
}

/** The head of a presigned request, which needs no hash of its body. */
export function head(
  server: Listening,
  wanted: SignedRequest,
  headers: Readonly<Record<string, string | number>> = {},
) {
  const target = presign(server, wanted).slice(`http://127.0.0.1:${server.port}`.length)
  const lines = Object.entries({ Host: `127.0.0.1:${server.port}`, ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  return `${wanted.method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`
}

export interface PacedAnswer {
  readonly status: number
  readonly headers: string
  readonly body: Buffer
  /** All that Content-Length promised came. */
  readonly whole: boolean
}

/** One connection whose answers are read when the test says so. */
export class PacedClient {
  readonly socket: Socket
  #received: Buffer[] = []
  #receivedBytes = 0
  closed = false
  /** One piece at a time. */
  #sipping = false
  #wake = () => {}

  private constructor(socket: Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    socket.pause()
    socket.on('data', chunk => {
      this.#received.push(chunk)
      this.#receivedBytes += chunk.length
      if (this.#sipping) socket.pause()
      this.#wake()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.closed = true
      this.#wake()
    })
  }

  static async open(server: Listening): Promise<PacedClient> {
    const socket = connect({ port: server.port, host: '127.0.0.1' })
    const client = new PacedClient(socket)
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
    return client
  }

  get receivedBytes(): number {
    return this.#receivedBytes
  }

  send(bytes: string | Uint8Array): Promise<void> {
    return new Promise(resolve => this.socket.write(bytes, () => resolve()))
  }

  /** Sends a piece at a time until all is out, the connection is gone, or `enough` says so. */
  async trickle(
    bytes: Buffer,
    pieceBytes: number,
    gapMs: number,
    enough: () => boolean = () => false,
  ): Promise<number> {
    let at = 0
    for (; at < bytes.length && !this.closed && !enough(); at += pieceBytes) {
      await this.send(bytes.subarray(at, at + pieceBytes))
      await delay(gapMs)
    }
    return Math.min(at, bytes.length)
  }

  /** Takes one piece (64 KiB) now and then until `enough` says so. */
  async sip(gapMs: number, enough: () => boolean): Promise<void> {
    this.#sipping = true
    while (!this.closed && !enough()) {
      this.socket.resume()
      await delay(gapMs)
    }
    this.#sipping = false
  }

  /** Reads one whole answer, or what came of it before the connection ended. */
  async answer(): Promise<PacedAnswer> {
    this.socket.resume()
    for (;;) {
      const all = this.#joined()
      const end = all.indexOf('\r\n\r\n')
      const headers = end < 0 ? '' : all.toString('latin1', 0, end)
      const length = Number(/\r\ncontent-length: *(\d+)/i.exec(headers)?.[1] ?? 0)
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(headers)?.[1] ?? 0)
      if (status >= 100 && status < 200) {
        this.#received = [all.subarray(end + 4)]
        continue
      }
      const needed = end < 0 ? all.length + 1 : end + 4 + length
      while (!this.closed && this.#waitingBytes() < needed) await new Promise<void>(resolve => (this.#wake = resolve))
      if (end < 0 && !this.closed) continue
      const answer = this.#joined()
      const whole = end >= 0 && answer.length >= needed
      this.#received = whole ? [answer.subarray(needed)] : []
      return { status, headers, body: answer.subarray(end + 4, whole ? needed : answer.length), whole }
    }
  }

  #waitingBytes(): number {
    return this.#received.reduce((total, chunk) => total + chunk.length, 0)
  }

  #joined(): Buffer {
    const all = this.#received.length === 1 ? this.#received[0]! : Buffer.concat(this.#received)
    this.#received = [all]
    return all
  }

  /** Resets the connection. */
  cut(): void {
    this.socket.resetAndDestroy()
  }
}
