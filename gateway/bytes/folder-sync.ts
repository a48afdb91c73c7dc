import * as fs from 'node:fs'

type Done = (error: Error | null) => void

/** fsync of folders, grouped: whoever asks while one is under way shares the next one. */
export class FolderSync {
  /** Folders with an fsync under way, and who waits for the one after it. */
  readonly #waiting = new Map<string, Done[]>()

  /** One folder after the other. */
  syncAll(folders: readonly string[], done: Done): void {
    const [first, ...rest] = folders
    if (first === undefined) {
      done(null)
      return
    }
    this.sync(first, error => (error === null ? this.syncAll(rest, done) : done(error)))
  }

  sync(folder: string, done: Done): void {
    const waiting = this.#waiting.get(folder)
    if (waiting !== undefined) {
      waiting.push(done)
      return
    }
    this.#waiting.set(folder, [])
    this.#run(folder, [done])
  }

  #run(folder: string, group: readonly Done[]): void {
    fs.open(folder, 'r', (error, descriptor) => {
      if (error !== null) return this.#settle(folder, group, error)
      fs.fsync(descriptor, error => fs.close(descriptor, () => this.#settle(folder, group, error)))
    })
  }

  #settle(folder: string, group: readonly Done[], error: Error | null): void {
    const next = this.#waiting.get(folder)!
    if (next.length === 0) this.#waiting.delete(folder)
    else {
      this.#waiting.set(folder, [])
      this.#run(folder, next)
    }
    for (const done of group) done(error)
  }
}
