// Compiles when a source is newer than the last build, removes what was compiled from sources that are gone, and puts the
// server's modules into few files: 300 of them take as long to load as an empty Node takes to start, twice over.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const out = join(root, 'out')
const stamp = join(out, '.built')
const sourceFolders = ['protocol', 'gateway', 'provisioner', 'platform', 'test', 'bench']

export async function build() {
  if (existsSync(stamp) && statSync(stamp).mtimeMs > newestSourceMs()) return
  console.log('Building…')
  const startedAt = new Date()
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const { status } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.json'], { cwd: root, stdio: 'inherit' })
  if (status !== 0) {
    rmSync(stamp, { force: true })
    process.exit(status ?? 1)
  }
  prune(out)
  await bundle()
  writeFileSync(stamp, '')
  // A source saved while the compiler ran is newer than this.
  utimesSync(stamp, startedAt, startedAt)
}

/** The command and the threads it starts, side by side: each is found beside the file that asks for it. */
async function bundle() {
  // Not there before the dependencies are, nor needed when all is built.
  const { build } = await import('esbuild')
  const entries = ['mockfactory', 'gateway/bytes/digest-worker', 'platform/database/checkpoint-thread', 'platform/certificate-worker']
  rmSync(join(out, 'bin'), { recursive: true, force: true })
  await build({
    entryPoints: entries.map(entry => join(out, `${entry}.js`)),
    outdir: join(out, 'bin'),
    entryNames: '[name]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    logLevel: 'warning',
  })
}

/** Folders count too: their time changes when a file is removed or renamed. */
function newestSourceMs() {
  let newest = 0
  const look = path => {
    newest = Math.max(newest, statSync(path).mtimeMs)
  }
  for (const name of ['tsconfig.json', 'package.json', 'package-lock.json', 'schema.sql']) look(join(root, name))
  for (const name of readdirSync(root)) if (name.endsWith('.ts')) look(join(root, name))
  for (const folder of sourceFolders) {
    if (!existsSync(join(root, folder))) continue
    look(join(root, folder))
    for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath ?? entry.path, entry.name)
      if (entry.isDirectory() || entry.name.endsWith('.ts')) look(path)
    }
  }
  return newest
}

function prune(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) prune(path)
    else {
      const compiled = /^(.*)\.js(\.map)?$/.exec(path.slice(out.length + 1))
      if (compiled && !existsSync(join(root, `${compiled[1]}.ts`))) rmSync(path)
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build()
