/** Which ports are open: the edge must be, the others are opened beside it when they can. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureCertificate } from '../platform/certificate.ts'
import type { Config } from '../platform/config.ts'
import type { Logger } from '../platform/log.ts'
import { PortTaken, type Server, type TlsFiles } from './server.ts'

export class Listeners {
  readonly addresses: { readonly name: string; readonly url: string }[] = []
  authorityFile: string | undefined
  readonly #server: Server
  readonly #config: Config
  readonly #logger: Logger
  /** Keys of a gateway without a data directory live here as long as it does. */
  #temporary: string | undefined

  constructor(server: Server, config: Config, logger: Logger) {
    this.#server = server
    this.#config = config
    this.#logger = logger
  }

  /** Opens the edge port first, so that it answers while the others are prepared. Throws PortTaken for the edge only. */
  async open(): Promise<void> {
    const { ports } = this.#config
    if (ports.edge !== 0) await this.#listen('edge', 'http', ports.edge)
    if (ports.s3 !== 0) await this.#try('S3', 'http', ports.s3)
    if (ports.tls !== 0) await this.#try('edge TLS', 'https', ports.tls)
  }

  /** Removes what only a running gateway needs. */
  close(): void {
    if (this.#temporary !== undefined) rmSync(this.#temporary, { recursive: true, force: true })
    this.#temporary = undefined
  }

  async #try(name: string, scheme: 'http' | 'https', port: number): Promise<void> {
    try {
      await this.#listen(name, scheme, port, scheme === 'https' ? await this.#tlsFiles() : undefined)
    } catch (error) {
      this.#logger.warn({ err: error }, `${name} port ${port} is not served`)
    }
  }

  async #listen(name: string, scheme: 'http' | 'https', port: number, tls?: TlsFiles): Promise<void> {
    const edge = name !== 'S3'
    const { host, loopback } = this.#config
    await this.#server.listen(host, port, edge, tls)
    // `localhost` is ::1 first for some clients; a machine without IPv6 does without.
    if (host === '127.0.0.1') await this.#server.listen('::1', port, edge, tls).catch(ignoreTaken)
    const shown = loopback ? 'localhost' : host.includes(':') ? `[${host}]` : host
    this.addresses.push({ name, url: `${scheme}://${shown}:${port}` })
  }

  async #tlsFiles(): Promise<TlsFiles> {
    if (this.#config.tls !== undefined) return this.#config.tls
    const folder = this.#config.dataDir ?? (this.#temporary = mkdtempSync(join(tmpdir(), 'mockfactory-')))
    const files = await ensureCertificate(folder, this.#config.domains, Date.now())
    this.authorityFile = files.authorityFile
    return files
  }
}

function ignoreTaken(error: unknown): void {
  if (!(error instanceof PortTaken)) throw error
}
