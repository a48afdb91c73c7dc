/**
 * Key and certificate as a folder of two PEM files. A pair is written into a folder of a random name, and the folder
 * renamed. A rename onto a folder that is not empty fails, so of several processes that start at once one wins and the
 * others use its pair, and no reader ever sees half of one.
 */
import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto'
import { chmod, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'

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
export async function publish(folder: string, target: string, pair: Pair): Promise<void> {
  const draft = join(folder, `draft-${randomBytes(8).toString('hex')}`)
  await mkdir(draft)
  try {
    await writeDurably(join(draft, 'key.pem'), pair.key, 0o600)
    await writeDurably(join(draft, 'cert.pem'), pair.certificate, 0o644)
    await rename(draft, target)
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error
  }
}

async function writeDurably(path: string, text: string, mode: number): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  // After the fact, because the mode given to open is cut by the umask.
  await chmod(path, mode)
}
