import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/**
 * The process that listens on a TCP port of this machine, as `command (pid 123)`; undefined when it cannot be told
 * (another user's process, or a system without /proc).
 */
export function portHolder(port: number): string | undefined {
  try {
    const inodes = new Set([...listeners('/proc/net/tcp', port), ...listeners('/proc/net/tcp6', port)])
    if (inodes.size === 0) return undefined
    for (const pid of readdirSync('/proc')) {
      if (/^\d+$/.test(pid) && holdsSocket(pid, inodes)) {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean).slice(0, 3).join(' ')
        return `${command} (pid ${pid})`
      }
    }
  } catch {
    // No /proc: the caller names the port alone.
  }
  return undefined
}

/** Inodes of the sockets in state LISTEN (0A) on a port: columns of proc(5)'s net/tcp. */
function listeners(file: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const found: string[] = []
  for (const line of readFileSync(file, 'utf8').split('\n').slice(1)) {
    const columns = line.trim().split(/\s+/)
    if (columns[1]?.endsWith(suffix) === true && columns[3] === '0A') found.push(columns[9] ?? '')
  }
  return found
}

function holdsSocket(pid: string, inodes: ReadonlySet<string>): boolean {
  let descriptors: string[]
  try {
    descriptors = readdirSync(`/proc/${pid}/fd`)
  } catch {
    return false
  }
  for (const descriptor of descriptors) {
    try {
      const match = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${descriptor}`))
      if (match !== null && inodes.has(match[1]!)) return true
    } catch {
      // Closed meanwhile.
    }
  }
  return false
}
