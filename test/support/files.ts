/** Files and trees of files to move about, and their comparison. */
import { createHash, randomBytes } from 'node:crypto'
import {
  closeSync,
  createReadStream,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'

/**
 * A file of `sizeBytes` of which every 16th MiB is random and the rest a hole: quick to make, and a piece that is
 * missing, repeated or misplaced still changes the hash.
 */
export function writeMixedFile(path: string, sizeBytes: number): void {
  const file = openSync(path, 'w')
  const mebibyte = 1 << 20
  ftruncateSync(file, sizeBytes)
  for (let at = 0; at < sizeBytes; at += 16 * mebibyte)
    writeSync(file, randomBytes(Math.min(mebibyte, sizeBytes - at)), 0, Math.min(mebibyte, sizeBytes - at), at)
  if (sizeBytes > 8) writeSync(file, randomBytes(8), 0, 8, sizeBytes - 8)
  closeSync(file)
}

export async function fileHash(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash)
  return hash.digest('hex')
}

/** Writes `count` small files, 100 to a folder, sizes 0 to 2,047 bytes, each with its own content. */
export function writeTree(root: string, count: number): void {
  const noise = randomBytes(4096)
  for (let index = 0; index < count; index++) {
    const folder = join(root, `folder-${Math.floor(index / 100)}`)
    if (index % 100 === 0) mkdirSync(folder, { recursive: true })
    const sizeBytes = (index * 7) % 2048
    const content = Buffer.from(noise.subarray(index % 1024, (index % 1024) + sizeBytes))
    if (sizeBytes >= 4) content.writeUInt32LE(index)
    writeFileSync(join(folder, `file ${index}.txt`), content)
  }
}

export function writeFiles(root: string, files: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), content)
  }
}

/** Relative path → hash of every file below `root`. */
export function treeHashes(root: string): Map<string, string> {
  const hashes = new Map<string, string>()
  const walk = (folder: string, prefix: string) => {
    for (const entry of readdirSync(folder, { withFileTypes: true }))
      if (entry.isDirectory()) walk(join(folder, entry.name), `${prefix}${entry.name}/`)
      else
        hashes.set(
          prefix + entry.name,
          createHash('sha1')
            .update(readFileSync(join(folder, entry.name)))
            .digest('hex'),
        )
  }
  walk(root, '')
  return hashes
}

/** What is different between two trees, as lines; empty when they hold the same. */
export function treeDifferences(expected: Map<string, string>, found: Map<string, string>): string[] {
  const lines: string[] = []
  for (const [path, hash] of expected)
    if (found.get(path) !== hash) lines.push(found.has(path) ? `${path} differs` : `${path} is missing`)
  for (const path of found.keys()) if (!expected.has(path)) lines.push(`${path} is extra`)
  return lines
}
