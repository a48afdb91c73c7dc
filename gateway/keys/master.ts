/**
 * The master key of a data directory: <data-dir>/keys/master, made by the first server that starts on it and readable by
 * its owner alone. Whoever has lost it has lost every object that is encrypted under it.
 */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { publishFolder, syncFolder } from '../../platform/new-folder.ts'

export const masterKeyBytes = 32
const heading = 'mockfactory master key 1'
const form = new RegExp(`^${heading}\n([A-Za-z0-9+/]{43}=)\n$`)

/** There is a key file that cannot be used; the message says which, and never what is in it. */
export class MasterKeyUnusable extends Error {
  override readonly name = 'MasterKeyUnusable'
}

/**
 * The key of a data directory, made when there is none.
 * @throws MasterKeyUnusable, or the error of the file system
 */
export async function loadMasterKey(dataDir: string): Promise<Buffer> {
  const path = resolve(dataDir, 'keys', 'master')
  const found = await readKey(path)
  if (found !== undefined) return found
  await publish(resolve(dataDir), randomBytes(masterKeyBytes))
  const made = await readKey(path)
  if (made === undefined) throw new MasterKeyUnusable(`${path} is missing, and its folder holds something else`)
  return made
}

async function readKey(path: string): Promise<Buffer | undefined> {
  let text: string
  try {
    text = await readFile(path, 'latin1')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const key = Buffer.from(form.exec(text)?.[1] ?? '', 'base64')
  if (key.length !== masterKeyBytes)
    throw new MasterKeyUnusable(`${path} holds no valid key: what was encrypted under the one it held cannot be read`)
  return key
}

/** Makes <dataDir>/keys hold the key, unless another process was first. */
async function publish(dataDir: string, key: Buffer): Promise<void> {
  const text = `${heading}\n${key.toString('base64')}\n`
  await publishFolder(join(dataDir, 'keys'), [{ name: 'master', text, mode: 0o600 }], 0o700)
  // Else a power cut could leave objects without the key they are encrypted under.
  await syncFolder(dataDir)
}
