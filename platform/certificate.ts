/**
 * TLS for localhost: an authority of this data directory's own, and a server certificate signed by it.
 *
 *     <dataDir>/tls/authority/{cert,key}.pem             cert.pem is for clients to trust; made once and kept
 *     <dataDir>/tls/server-<names>-<end>/{cert,key}.pem  a renewed one gets a new folder: running servers keep theirs
 *
 * Finding them takes 3 ms. Making them takes the X.509 library, which would stop the event loop for 130 ms and keep
 * 20 MB, so a thread does it (5 ms, 12 MB), and only where they are missing.
 */
import { createHash, type X509Certificate } from 'node:crypto'
import { readdir, rm } from 'node:fs/promises'
import { extname, join, resolve } from 'node:path'
import { Worker } from 'node:worker_threads'
import { parsePair, readPair } from './certificate-files.ts'

/** Absolute paths of PEM files. */
export interface CertificateFiles {
  readonly keyFile: string
  readonly certFile: string
  /** The certificate that clients trust. */
  readonly authorityFile: string
}

/** What the thread is told. */
export interface CertificateOrder {
  readonly folder: string
  readonly authorityFolder: string
  /** DNS names and wildcards. */
  readonly names: readonly string[]
  /** IP addresses. */
  readonly addresses: readonly string[]
  readonly nowMs: number
}

/** `s3.localhost` too: most clients take no wildcard directly under a top-level name. */
const localNames = ['localhost', '*.localhost', 's3.localhost', '*.s3.localhost']
const localAddresses = ['127.0.0.1', '::1']
const renewBeforeMs = 30 * 86_400_000

/** The authority's files cannot be used; the message says which and what to do. */
export class AuthorityUnusable extends Error {}

/**
 * Finds or makes the certificate for localhost and the given domains. Renews it 30 days before its end and when the
 * domains change; the authority stays. Safe when several processes start at once. Throws AuthorityUnusable, or the
 * error of the file system.
 * @param domains lower case, without wildcards
 */
export async function ensureCertificate(
  dataDir: string,
  domains: readonly string[],
  nowMs: number,
): Promise<CertificateFiles> {
  const folder = resolve(dataDir, 'tls')
  const authorityFolder = join(folder, 'authority')
  const names = [...new Set([...localNames, ...domains.flatMap(domain => [domain, `*.${domain}`, `*.s3.${domain}`])])]
  const order: CertificateOrder = { folder, authorityFolder, names, addresses: localAddresses, nowMs }
  let serverFolder = await findServer(order)
  if (serverFolder === undefined) {
    await make(order)
    serverFolder = await findServer(order)
    if (serverFolder === undefined) throw new Error(`${folder} does not keep the certificates written to it`)
    await removeExpired(folder, nowMs)
  }
  return {
    keyFile: join(serverFolder, 'key.pem'),
    certFile: join(serverFolder, 'cert.pem'),
    authorityFile: join(authorityFolder, 'cert.pem'),
  }
}

function make(order: CertificateOrder): Promise<void> {
  const script = new URL(`./certificate-worker${extname(import.meta.url)}`, import.meta.url)
  const worker = new Worker(script, { workerData: order, execArgv: [] })
  return new Promise((done, failed) => {
    worker.once('error', failed)
    worker.once('exit', () => done())
  })
}

async function findServer({ folder, authorityFolder, names, nowMs }: CertificateOrder): Promise<string | undefined> {
  const issuer = await readAuthority(authorityFolder, nowMs)
  if (issuer === undefined) return undefined
  const stem = serverFolderStem(names, issuer)
  // The end stands in the name as 14 digits: the last one in order lasts longest.
  const candidates = (await readdir(folder)).filter(name => name.startsWith(stem)).sort()
  for (const name of candidates.reverse()) {
    const pair = await readPair(join(folder, name))
    const certificate = pair === undefined ? undefined : parsePair(pair)
    if (certificate === undefined || !certificate.verify(issuer.publicKey)) continue
    if (Date.parse(certificate.validTo) - nowMs >= renewBeforeMs) return join(folder, name)
  }
  return undefined
}

/** Undefined when there is none. A bad one is not replaced: clients trust it, and the damage may be a mistake. */
async function readAuthority(authorityFolder: string, nowMs: number): Promise<X509Certificate | undefined> {
  const pair = await readPair(authorityFolder)
  if (pair === undefined) return undefined
  const certificate = parsePair(pair)
  if (certificate === undefined)
    throw new AuthorityUnusable(
      `${authorityFolder} holds no valid key and certificate: remove it to have new ones made`,
    )
  if (Date.parse(certificate.validTo) - nowMs < renewBeforeMs)
    throw new AuthorityUnusable(`${authorityFolder} ends ${certificate.validTo}: remove it to have a new one made`)
  return certificate
}

/** Names the folder by what it is for, so that two processes that make the same pair meet. */
export function serverFolderName(names: readonly string[], issuer: X509Certificate, endMs: number): string {
  return serverFolderStem(names, issuer) + digits(endMs)
}

function serverFolderStem(names: readonly string[], issuer: X509Certificate): string {
  const subject = [issuer.fingerprint256, ...names].join()
  return `server-${createHash('sha256').update(subject).digest('hex').slice(0, 16)}-`
}

/** One that cannot be removed is only untidy. */
async function removeExpired(folder: string, nowMs: number): Promise<void> {
  const now = digits(nowMs)
  for (const name of await readdir(folder)) {
    const end = /^server-[0-9a-f]{16}-(\d{14})$/.exec(name)?.[1]
    if (end !== undefined && end < now) await rm(join(folder, name), { recursive: true, force: true }).catch(() => {})
  }
}

/** yyyymmddhhmmss, UTC. */
function digits(ms: number): string {
  return new Date(ms).toISOString().replace(/\D/g, '').slice(0, 14)
}
