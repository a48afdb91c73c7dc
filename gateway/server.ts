/**
 * The sockets: listeners on the edge, S3 and TLS ports, each handing its requests to one dispatcher. One of the few
 * files that import uWebSockets.js.
 */

import uWS, { type HttpRequest, type HttpResponse, type TemplatedApp, type us_listen_socket } from 'uWebSockets.js'
import { type BlockList, isIP, isIPv6 } from 'node:net'
import type { Metrics } from '../platform/metrics.ts'
import { portHolder } from '../platform/port-holder.ts'
import { type AdminServices, adminBodyLimitBytes, administer, adminPrefix } from './admin.ts'
import { Aborted } from './bytes/contract.ts'
import { collect } from './collect.ts'
import type { Dispatcher } from './dispatch.ts'
import { Exchange } from './exchange.ts'
import { remoteAddress } from './remote-address.ts'
import { type Frame, headerBlock, writeReply } from './respond.ts'
import type { Responder } from './responder.ts'
import { SocketBody } from './socket-body.ts'
import { SocketRequest } from './socket-request.ts'

/** LIBUS_LISTEN_EXCLUSIVE_PORT: without it two servers would silently share a port. */
const exclusive = 1

export class PortTaken extends Error {
  constructor(host: string, port: number) {
    const holder = portHolder(port)
    super(`port ${port} on ${host} is taken${holder === undefined ? '' : ` by ${holder}`}`)
  }
}

export interface TlsFiles {
  readonly keyFile: string
  readonly certFile: string
}

export class Server {
  readonly #dispatcher: Dispatcher
  readonly #responder: Responder
  readonly #metrics: Metrics
  readonly #admin: AdminServices
  readonly #trusted: BlockList | undefined
  readonly #apps: TemplatedApp[] = []
  readonly #listening: us_listen_socket[] = []

  /** @param trusted proxies whose X-Forwarded-Host and -Proto are believed */
  constructor(
    dispatcher: Dispatcher,
    responder: Responder,
    metrics: Metrics,
    admin: AdminServices,
    trusted: BlockList | undefined,
  ) {
    this.#dispatcher = dispatcher
    this.#responder = responder
    this.#metrics = metrics
    this.#admin = admin
    this.#trusted = trusted
  }

  /**
   * Listens on one address. Throws PortTaken.
   * @param tls key and certificate, for a TLS port
   * @param edge whether `/_mockfactory/` is served here
   */
  listen(host: string, port: number, edge: boolean, tls?: TlsFiles): Promise<void> {
    const scheme = tls === undefined ? 'http' : 'https'
    const app = tls === undefined ? uWS.App() : uWS.SSLApp({ key_file_name: tls.keyFile, cert_file_name: tls.certFile })
    app.any('/*', (response, request) => this.#receive(response, request, scheme, edge))
    return new Promise((resolve, reject) => {
      const listening = (socket: us_listen_socket | false): void => {
        if (socket === false) return reject(new PortTaken(host, port))
        this.#apps.push(app)
        this.#listening.push(socket)
        resolve()
      }
      // The types leave out the form with host, port and options, which the library takes.
      const listen = app.listen.bind(app) as unknown as (
        host: string,
        port: number,
        options: number,
        then: (socket: us_listen_socket | false) => void,
      ) => TemplatedApp
      listen(host, port, exclusive, listening)
    })
  }

  /** Stops accepting; connections that are open may finish what they ask. */
  stopListening(): void {
    for (const socket of this.#listening.splice(0)) uWS.us_listen_socket_close(socket)
    this.#responder.draining = true
  }

  /** Cuts every connection. */
  close(): void {
    for (const app of this.#apps.splice(0)) app.close()
  }

  #receive(response: HttpResponse, incoming: HttpRequest, scheme: 'http' | 'https', edge: boolean): void {
    const request = new SocketRequest(incoming, this.#dispatcher.dialect)
    const length = request.header('content-length')
    const chunked = request.header('transfer-encoding') !== ''
    const body =
      chunked || (length !== '' && length !== '0')
        ? new SocketBody(response, chunked ? undefined : parseLength(length))
        : undefined
    if (edge && request.rawPath.startsWith(adminPrefix)) return this.#administer(response, request, body)
    let host = request.header('host')
    let client: string | undefined
    if (this.#trusted !== undefined) {
      const forwarded = this.#forwarded(response, request)
      if (forwarded !== undefined) {
        host = forwarded.host ?? host
        scheme = forwarded.scheme ?? scheme
        client = forwarded.client
      }
    }
    const exchange = new Exchange(response, request, body, scheme, host)
    exchange.forwardedFor = client
    this.#metrics.enter()
    this.#dispatcher.dispatch(exchange)
    if (exchange.finished) return
    exchange.wait(() => this.#responder.abandon(exchange))
    if (body !== undefined) this.#responder.patience.watch(exchange)
  }

  #forwarded(response: HttpResponse, request: SocketRequest): Forwarded | undefined {
    const host = request.header('x-forwarded-host')
    const proto = request.header('x-forwarded-proto')
    const client = request.header('x-forwarded-for')
    if (host === '' && proto === '' && client === '') return undefined
    const remote = remoteAddress(response)
    if (this.#trusted?.check(remote, isIPv6(remote) ? 'ipv6' : 'ipv4') !== true) return undefined
    return {
      host: host === '' ? undefined : host.split(',')[0]!.trim(),
      scheme: proto.startsWith('https') ? 'https' : proto.startsWith('http') ? 'http' : undefined,
      client: this.#clientOf(client),
    }
  }

  /** The last address in the chain that is not one of our proxies: what comes before it anyone may have written. */
  #clientOf(chain: string): string | undefined {
    const addresses = chain.split(',').map(address => address.trim())
    for (const address of addresses.reverse()) {
      const family = isIP(address)
      if (family === 0) return undefined
      if (this.#trusted?.check(address, family === 6 ? 'ipv6' : 'ipv4') !== true) return address
    }
    return undefined
  }

  #administer(response: HttpResponse, request: SocketRequest, body: SocketBody | undefined): void {
    let gone = false
    response.onAborted(() => {
      gone = true
      body?.abort()
    })
    // What a proxy on this machine passes on comes from anywhere.
    const forwarded = forwardingHeaders.some(name => request.header(name) !== '')
    const fromLoopback = !forwarded && isLoopback(remoteAddress(response))
    const frame: Frame = {
      head: request.knownMethod === 'HEAD',
      close: this.#admin.draining,
      firstHeader: 'Cache-Control',
      prefix: 'no-store',
    }
    const bytes = body === undefined ? Promise.resolve(new Uint8Array(0)) : collect(body, adminBodyLimitBytes)
    void bytes
      .then(collected =>
        collected instanceof Uint8Array
          ? administer(
              {
                method: request.methodText,
                name: request.rawPath.slice(adminPrefix.length),
                body: collected,
                origin: request.header('origin'),
                fromLoopback,
              },
              this.#admin,
            )
          : collected instanceof Aborted
            ? undefined
            : { status: 413, headers: [], body: null },
      )
      .catch(error => {
        this.#responder.report(error)
        return { status: 500, headers: [], body: null }
      })
      .then(reply => {
        if (reply === undefined || gone) return
        body?.discard()
        const block = headerBlock(reply, frame)
        response.cork(() => writeReply(response, reply, frame, block))
      })
  }
}

/**
 * NaN for what is no length, and for two ("5,6"). uWebSockets.js refuses most of them too, but only after it has called
 * the handler; and of two it takes the first, whatever a proxy before it took.
 */
function parseLength(text: string): number {
  return /^\d{1,19}$/.test(text) ? Number(text) : Number.NaN
}

const forwardingHeaders = ['x-forwarded-for', 'x-forwarded-host', 'forwarded', 'x-real-ip', 'via']

interface Forwarded {
  readonly host: string | undefined
  readonly scheme: 'http' | 'https' | undefined
  readonly client: string | undefined
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1' || address === '0000:0000:0000:0000:0000:0000:0000:0001'
}
