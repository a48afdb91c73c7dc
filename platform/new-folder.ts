/**
 * Folders that come into being with all their files. They are written under a random name, and the folder is renamed. A
 * rename onto a folder that is not empty fails, so of several processes that start at once one wins and the others use
 * what it made, and no reader ever sees half of it.
 */
import { randomBytes } from 'node:crypto'
import { chmod, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'

export interface NewFile {
  readonly name: string
  readonly text: string
  /** Permissions: 0o600 … */
  readonly mode: number
}

/**
 * Makes `target` hold these files, unless another process was first. The files are on the disk by then; see `syncFolder`
 * for the name of the folder.
 * @param mode of the folder, less the umask
 */
export async function publishFolder(target: string, files: readonly NewFile[], mode = 0o777): Promise<void> {
  const draft = join(dirname(target), `draft-${randomBytes(8).toString('hex')}`)
  await mkdir(draft, { mode })
  try {
    for (const file of files) await writeDurably(draft, file)
    await rename(draft, target)
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error
  }
}

async function writeDurably(folder: string, { name, text, mode }: NewFile): Promise<void> {
  const path = join(folder, name)
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

/** Has what was made in a folder, or renamed into it, survive a power cut. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
