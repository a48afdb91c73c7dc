/** What a running server holds, seen from outside: its gauges, its memory, its files and its rows. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import { signedFetch } from './signed.ts'

/** Only what hangs reaches this. */
const patienceMs = 60_000

/** Waits until `probe` answers something else than undefined; rejects with `what` when that never happens. */
export async function eventually<T>(
  what: string,
  probe: () => T | undefined | Promise<T | undefined>,
  limitMs = patienceMs,
): Promise<T> {
  const until = performance.now() + limitMs
  for (;;) {
    const found = await probe()
    if (found !== undefined) return found
    if (performance.now() > until) throw new Error(`did not come: ${what}`)
    await delay(50)
  }
}

/** One of the server's metrics without labels. */
export async function gauge(server: { readonly origin: string }, name: string): Promise<number> {
  // On a connection of its own: one kept alive would count among the server's descriptors.
  const answer = await signedFetch(server, { method: 'GET', path: '/_mockfactory/metrics', credentials: null })
  const found = new RegExp(`^${name} (\\S+)$`, 'm').exec(answer.text)
  if (found === null) throw new Error(`no metric ${name}`)
  return Number(found[1])
}

/** Waits until no request is being served. */
export function quiet(server: { readonly origin: string }): Promise<true> {
  return eventually('no request in flight', async () =>
    (await gauge(server, 'mockfactory_requests_in_flight')) === 0 ? true : undefined,
  )
}

/** Resident memory of a process, MiB. */
export function residentMib(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))![1]) / 1024
}

export function openDescriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}

/** Id → size of every file below the blobs' folder. */
export function blobFiles(dataDir: string): Map<string, number> {
  const files = new Map<string, number>()
  const walk = (folder: string) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) walk(path)
      else {
        const size = sizeOf(path)
        if (size !== undefined) files.set(entry.name, size)
      }
    }
  }
  try {
    walk(join(dataDir, 'blobs'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  return files
}

/** The sweeper may take a file away between its listing and this. */
function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size
}

export interface BlobRow {
  readonly id: number
  readonly place: number
  readonly size: number
  readonly refs: number
}

/** The blobs that SQLite's catalogue knows. */
export function blobRows(dataDir: string): BlobRow[] {
  const db = new Sqlite(join(dataDir, 'catalogue.db'), { readonly: true, timeout: 5_000 })
  try {
    return db.prepare('SELECT id, place, size, refs FROM blobs ORDER BY id').all() as BlobRow[]
  } finally {
    db.close()
  }
}

/** How files and rows disagree: strays, losses, wrong sizes, rows that nothing names; empty when all is in order. */
export function disorder(dataDir: string): string[] {
  const found: string[] = []
  const files = blobFiles(dataDir)
  for (const { id, place, size, refs } of blobRows(dataDir)) {
    if (refs <= 0) found.push(`blob ${id} has ${refs} references`)
    if (place !== 1) continue
    const held = files.get(String(id))
    if (held !== size) found.push(`blob ${id} has ${held ?? 'no'} bytes of ${size}`)
    files.delete(String(id))
  }
  for (const [name, size] of files) found.push(`file ${name} of ${size} bytes has no row`)
  return found
}

/** Waits until the sweeper has nothing left to do. A gateway that was killed counts as dead after a minute. */
export async function orderly(dataDir: string, limitMs = patienceMs): Promise<string[]> {
  const until = performance.now() + limitMs
  for (;;) {
    const found = disorder(dataDir)
    if (found.length === 0 || performance.now() > until) return found
    await delay(200)
  }
}
