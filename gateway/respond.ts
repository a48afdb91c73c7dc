/**
 * The only writer of answers. A response is written inside one cork: status, one block of headers, body. The whole
 * header block goes out as the value of its first header, because each writeHeader call crosses into native code
 * (eight calls cost 2 µs more than one: 98,000 against 127,000 answers/s on one core).
 */
import type { HttpResponse } from 'uWebSockets.js'
import type { FaultCode } from '../protocol/fault.ts'
import type { Reply } from '../protocol/operation.ts'

const reasons: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'Created',
  204: 'No Content',
  206: 'Partial Content',
  301: 'Moved Permanently',
  302: 'Found',
  303: 'See Other',
  304: 'Not Modified',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  411: 'Length Required',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  416: 'Requested Range Not Satisfiable',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
  507: 'Insufficient Storage',
}
const statusLines = new Map(Object.entries(reasons).map(([status, reason]) => [Number(status), `${status} ${reason}`]))

export interface Frame {
  readonly head: boolean
  /** Ask the client to close the connection: the server is draining. */
  readonly close: boolean
  /** `name: value\r\n…` of the headers every answer of this wire carries, starting with a value of `firstHeader`. */
  readonly firstHeader: string
  readonly prefix: string
}

/** Made, and not yet written. */
export interface Answer {
  readonly reply: Reply
  readonly frame: Frame
  readonly block: string
  /** Of a fault, for the counters. */
  readonly code: FaultCode | undefined
}

/**
 * The headers as one text. Throws when a value would end its line. Call it before the cork: what is thrown within one
 * cannot be caught and ends the process.
 */
export function headerBlock(reply: Reply, frame: Frame): string {
  const { kept } = reply
  // Made flat: a text put together is copied piece by piece whenever it is used.
  if (kept?.lines === '') kept.lines = Buffer.from(headerLines(reply.headers)).toString()
  const block = frame.prefix + (kept === undefined ? headerLines(reply.headers) : kept.lines)
  return frame.close ? `${block}\r\nConnection: close` : block
}

/** `\r\nname: value` for each of [name, value, …]. Throws when a value would end its line. */
export function headerLines(headers: readonly string[]): string {
  let lines = ''
  for (let i = 0; i < headers.length; i += 2) {
    const value = headers[i + 1]!
    if (breaksLine(value)) throw new Error(`line break in the value of ${headers[i]}`)
    lines += `\r\n${headers[i]}: ${value}`
  }
  return lines
}

function breaksLine(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i)
    if (code === 0x0a || code === 0x0d) return true
  }
  return false
}

/** Writes status and headers. Call inside a cork or inside the request's own callback. */
export function writeHead(response: HttpResponse, status: number, frame: Frame, block: string): void {
  response.writeStatus(statusLines.get(status) ?? `${status} Status`)
  response.writeHeader(frame.firstHeader, block)
}

/**
 * Writes a reply whose body is at hand (not a stream). Answers the bytes of the body sent.
 * A reply to HEAD, a 204 and a 304 go without a body; a HEAD's Content-Length is among its headers.
 */
export function writeReply(response: HttpResponse, reply: Reply, frame: Frame, block: string): number {
  writeHead(response, reply.status, frame, block)
  const body = reply.body
  // endWithoutBody takes no argument: with one, this build breaks the connection or ends the process.
  if (frame.head || reply.status === 204 || reply.status === 304) {
    response.endWithoutBody()
    return 0
  }
  if (body === null) {
    response.end('', frame.close)
    return 0
  }
  if (typeof body !== 'string' && !(body instanceof Uint8Array)) throw new Error('a stream is not written whole')
  response.end(body, frame.close)
  return typeof body === 'string' ? Buffer.byteLength(body) : body.length
}
