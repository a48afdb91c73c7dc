/** Key and certificate as a folder of two PEM files. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { publishFolder } from './new-folder.ts'

/** PEM; the key in PKCS #8. */
export interface Pair {
  readonly certificate: string
  readonly key: string
}

/** The certificate of a pair, or undefined when either half cannot be read or they do not belong together. */
export function parsePair(pair: Pair): X509Certificate | undefined {
  try {
    const certificate = new X509Certificate(pair.certificate)
    return certificate.checkPrivateKey(createPrivateKey(pair.key)) ? certificate : undefined
  } catch {
    return undefined
  }
}

/** Undefined when there is no such folder; a missing half reads as ''. */
export async function readPair(folder: string): Promise<Pair | undefined> {
  const read = (name: string) => readFile(join(folder, name), 'utf8').catch(absent)
  const [certificate, key] = await Promise.all([read('cert.pem'), read('key.pem')])
  return certificate === undefined && key === undefined ? undefined : { certificate: certificate ?? '', key: key ?? '' }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}

/** Makes `target` hold the pair, unless another process was first. */
export function publishPair(target: string, pair: Pair): Promise<void> {
  return publishFolder(target, [
    { name: 'key.pem', text: pair.key, mode: 0o600 },
    { name: 'cert.pem', text: pair.certificate, mode: 0o644 },
  ])
}
