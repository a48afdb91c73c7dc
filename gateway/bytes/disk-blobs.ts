/**
 * Blobs as files: <root>/<fan>/<block>/<id>, with block = id / 4,096 and fan = block / 4,096, so that no folder holds
 * more than 4,096 entries. Folders are made when a file's creation misses them, which costs one failed call per 4,096
 * blobs and leaves nothing to keep in step with the disk.
 *
 * A blob is open for writing at most once, under a name that is never used again, so readers need no lock; a file that
 * is unlinked stays readable for those who have it open.
 */
import * as fs from 'node:fs'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type BlobReader, type BlobStore, type BlobWriter, blobsPerBlock } from './contract.ts'
import { FolderSync } from './folder-sync.ts'

/** process: bytes outlive any process. power: they also outlive a power cut (fsync before the answer). */
export type Durability = 'process' | 'power'

const clearedPrefix = 'cleared-'

export class DiskBlobs implements BlobStore {
  readonly #root: string
  readonly #folderSync: FolderSync | undefined
  /** Removals under way, which close waits for. */
  readonly #removals = new Set<Promise<unknown>>()
  #clears = 0

  /** @param root the folder of the blobs; made when the first blob is written */
  constructor(root: string, durability: Durability = 'process') {
    this.#root = root
    this.#folderSync = durability === 'power' ? new FolderSync() : undefined
    this.#track(this.#removeCleared())
  }

  create(id: number): BlobWriter {
    return new FileWriter(this.#path(id), this.#root, this.#folderSync, removal => this.#track(removal))
  }

  open(id: number, done: (error: NodeJS.ErrnoException | null, reader: BlobReader | null) => void): void {
    fs.open(this.#path(id), 'r', (error, descriptor) => {
      if (error === null) done(null, new FileReader(descriptor))
      else done(error, null)
    })
  }

  async remove(id: number): Promise<void> {
    await unlinked(this.#path(id))
  }

  async listBlock(block: number): Promise<readonly number[]> {
    const names = await namesIn(this.#folder(block))
    return names.filter(isNumber).map(Number)
  }

  /** Renames, then removes in the background: a reset answers in a millisecond however much there was. */
  async clear(): Promise<void> {
    const names = (await namesIn(this.#root)).filter(isNumber)
    if (names.length === 0) return
    const cleared = join(this.#root, `${clearedPrefix}${process.pid}-${Date.now()}-${this.#clears++}`)
    await mkdir(cleared)
    for (const name of names) await rename(join(this.#root, name), join(cleared, name))
    this.#track(this.#removeCleared())
  }

  async close(): Promise<void> {
    while (this.#removals.size > 0) await Promise.all(this.#removals)
  }

  /** Also what a process that died while clearing has left. */
  async #removeCleared(): Promise<void> {
    for (const name of await namesIn(this.#root))
      if (name.startsWith(clearedPrefix)) await rm(join(this.#root, name), { recursive: true, force: true })
  }

  #track(removal: Promise<unknown>): void {
    // What cannot be removed now is an unreferenced blob like any other: the sweeper comes back to it.
    const settled = removal.catch(() => {}).finally(() => this.#removals.delete(settled))
    this.#removals.add(settled)
  }

  #folder(block: number): string {
    return join(this.#root, String(Math.floor(block / blobsPerBlock)), String(block))
  }
  #path(id: number): string {
    return join(this.#folder(Math.floor(id / blobsPerBlock)), String(id))
  }
}

class FileWriter implements BlobWriter {
  readonly #path: string
  readonly #root: string
  readonly #folderSync: FolderSync | undefined
  readonly #track: (removal: Promise<unknown>) => void
  #descriptor: number | undefined
  #failure: Error | undefined
  /** A call of fs that uses the descriptor, or its opening, is under way: closing would hand its number to another. */
  #busy = true
  #discarded = false
  /** What waits for the file to be open. */
  #whenOpen: (() => void) | undefined

  constructor(
    path: string,
    root: string,
    folderSync: FolderSync | undefined,
    track: (removal: Promise<unknown>) => void,
  ) {
    this.#path = path
    this.#root = root
    this.#folderSync = folderSync
    this.#track = track
    fs.open(path, 'wx', (error, descriptor) => {
      if (error?.code !== 'ENOENT') this.#opened(error, descriptor)
      else this.#openInNewFolder()
    })
  }

  write(bytes: Uint8Array, done: (error: Error | null) => void): void {
    this.#start(done, descriptor => this.#writeRest(descriptor, bytes, 0, done))
  }

  finish(done: (error: Error | null) => void): void {
    this.#start(done, descriptor => {
      if (this.#folderSync === undefined) return this.#close(descriptor, done)
      fs.fsync(descriptor, error => {
        if (error !== null) return this.#finished(error, done)
        this.#folderSync!.sync(join(this.#path, '..'), error => {
          if (error !== null) this.#finished(error, done)
          else this.#close(descriptor, done)
        })
      })
    })
  }

  discard(): void {
    if (this.#discarded) return
    this.#discarded = true
    if (!this.#busy) this.#remove()
  }

  #start(done: (error: Error | null) => void, action: (descriptor: number) => void): void {
    const run = () => {
      const failure = this.#failure ?? (this.#discarded ? new Error('the blob was discarded') : undefined)
      if (failure !== undefined) return this.#finished(failure, done)
      action(this.#descriptor!)
    }
    if (this.#busy) this.#whenOpen = run
    else {
      this.#busy = true
      run()
    }
  }

  #openInNewFolder(): void {
    const folder = join(this.#path, '..')
    fs.mkdir(folder, { recursive: true }, error => {
      if (error !== null) return this.#opened(error, -1)
      const open = () => fs.open(this.#path, 'wx', (error, descriptor) => this.#opened(error, descriptor))
      if (this.#folderSync === undefined) return open()
      const above = [join(folder, '..'), this.#root, join(this.#root, '..')]
      this.#folderSync.syncAll(above, error => (error === null ? open() : this.#opened(error, -1)))
    })
  }

  #opened(error: Error | null, descriptor: number): void {
    if (error !== null) this.#failure = error
    else this.#descriptor = descriptor
    const next = this.#whenOpen
    this.#whenOpen = undefined
    if (next !== undefined) next()
    else this.#rest()
  }

  #writeRest(descriptor: number, bytes: Uint8Array, from: number, done: (error: Error | null) => void): void {
    fs.write(descriptor, bytes, from, bytes.length - from, null, (error, count) => {
      if (error !== null) return this.#finished(error, done)
      const written = from + count
      // A full disk takes a part first and says ENOSPC to the rest.
      if (written < bytes.length && count > 0) return this.#writeRest(descriptor, bytes, written, done)
      this.#finished(written < bytes.length ? new Error('the disk took no more bytes') : null, done)
    })
  }

  #close(descriptor: number, done: (error: Error | null) => void): void {
    this.#descriptor = undefined
    fs.close(descriptor, error => this.#finished(error, done))
  }

  #finished(error: Error | null, done: (error: Error | null) => void): void {
    if (error !== null) this.#failure = error
    this.#rest()
    done(error)
  }

  #rest(): void {
    this.#busy = false
    if (this.#discarded) this.#remove()
  }

  #remove(): void {
    if (this.#descriptor !== undefined) fs.close(this.#descriptor, () => {})
    this.#descriptor = undefined
    this.#track(unlinked(this.#path))
  }
}

class FileReader implements BlobReader {
  readonly #descriptor: number
  #reads = 0
  #closed = false
  constructor(descriptor: number) {
    this.#descriptor = descriptor
  }

  read(
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
    done: (error: Error | null, count: number) => void,
  ): void {
    this.#reads++
    fs.read(this.#descriptor, buffer, offset, length, position, (error, count) => {
      this.#reads--
      if (this.#closed) this.#closeIdle()
      done(error, count)
    })
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#closeIdle()
  }

  /** Not under a read: its descriptor's number could become another file's before the read begins. */
  #closeIdle(): void {
    if (this.#reads === 0) fs.close(this.#descriptor, () => {})
  }
}

function unlinked(path: string): Promise<void> {
  return new Promise((resolve, reject) =>
    fs.unlink(path, error => (error === null || error.code === 'ENOENT' ? resolve() : reject(error))),
  )
}

/** The names in a folder; none when there is no such folder. */
async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

function isNumber(name: string): boolean {
  return /^\d+$/.test(name)
}
