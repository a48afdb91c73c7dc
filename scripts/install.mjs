// Installs the dependencies when node_modules is not what package-lock.json says. Uses nothing but Node itself.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

export function install() {
  if (!matchesLock()) {
    console.log('Installing dependencies…')
    npm(['ci', '--no-audit', '--no-fund', '--loglevel=error'])
  }
  if (!nativeLoads()) {
    console.log('Rebuilding better-sqlite3 for this Node…')
    npm(['rebuild', 'better-sqlite3', '--loglevel=error'])
  }
}

/** Whether every package that the lock file requires is there in its version, and no other. */
function matchesLock() {
  try {
    const locked = readPackages(join(root, 'package-lock.json'))
    const present = readPackages(join(root, 'node_modules', '.package-lock.json'))
    for (const [path, { version, integrity }] of Object.entries(present)) {
      const wanted = locked[path]
      if (wanted?.version !== version || wanted.integrity !== integrity) return false
      if (!existsSync(join(root, path))) return false
    }
    // Optional ones may be for another platform.
    return Object.entries(locked).every(([path, entry]) => path === '' || entry.optional || path in present)
  } catch {
    return false
  }
}

function readPackages(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages
}

/** A compiled module is for one major version of Node: another may have been chosen since. */
function nativeLoads() {
  try {
    const Database = createRequire(join(root, 'package.json'))('better-sqlite3')
    new Database(':memory:').close()
    return true
  } catch {
    return false
  }
}

function npm(args) {
  const env = { ...process.env }
  // Where no prebuilt binary can be had, better-sqlite3 is compiled against the headers that came with Node.
  const prefix = dirname(dirname(process.execPath))
  if (existsSync(join(prefix, 'include', 'node', 'node.h'))) env.npm_config_nodedir = prefix
  const script = process.env.npm_execpath
  const [command, first] = script?.endsWith('.js') ? [process.execPath, [script]] : ['npm', []]
  const { status, error } = spawnSync(command, [...first, ...args], { cwd: root, env, stdio: ['ignore', 'ignore', 'inherit'] })
  if (error) throw error
  if (status !== 0) process.exit(status ?? 1)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) install()
