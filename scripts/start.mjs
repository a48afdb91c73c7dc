// Installs and builds what is missing or old, then becomes the server: the same process, so that signals reach it and
// its exit code is npm's.
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from './build.mjs'
import { install } from './install.mjs'

const binary = join(dirname(dirname(fileURLToPath(import.meta.url))), 'out', 'bin', 'mockfactory.js')
install()
await build()
hearOnce(['SIGINT', 'SIGTERM'])
process.argv[1] = binary
await import(pathToFileURL(binary).href)

/**
 * Ctrl-C comes twice: from the terminal, which signals the whole process group, and from npm, which passes it on. A
 * server takes a second signal as the wish not to wait, so what comes within half a second is the same one.
 */
function hearOnce(signals) {
  const { emit } = process
  let heardAt = Number.NEGATIVE_INFINITY
  process.emit = (name, ...details) => {
    if (signals.includes(name)) {
      const now = performance.now()
      if (now - heardAt < 500) return true
      heardAt = now
    }
    return emit.call(process, name, ...details)
  }
}
