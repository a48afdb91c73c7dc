/** What `--help` and `--version` print. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Option, options } from './options.ts'

const introduction = `Usage: mockfactory [gateway] [options]

One server that speaks the native wire protocols of object stores and queues over one store.
This version serves Amazon S3.

Every option is also an environment variable: --data-dir is DATA_DIR, --ephemeral is EPHEMERAL=true. A secret may be in
a file that the variable with _FILE names: DATABASE_URL_FILE. A port of 0 is off.
`

export function helpText(): string {
  const rows: (readonly [string, string])[] = Object.values(options).map((option: Option<unknown>) => [
    `--${option.flag} ${option.placeholder}`.trimEnd(),
    describe(option),
  ])
  rows.push(['--help', 'Print this text'], ['--version', 'Print the version'])
  const width = Math.max(...rows.map(([left]) => left.length))
  return `${introduction}\nOptions:\n${rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`).join('')}`
}

function describe(option: Option<unknown>): string {
  const fallback = option.fallbackText ?? (option.fallback === undefined ? '' : String(option.fallback))
  const note = option.note === undefined ? '' : ` (${option.note})`
  const standard = fallback === '' ? '' : ` [${fallback}]`
  return option.help + note + standard
}

/** The version in the nearest package.json: beside the sources, and one folder above the compiled files. */
export function versionText(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const file = join(folder, 'package.json')
    if (existsSync(file)) return String((JSON.parse(readFileSync(file, 'utf8')) as { version: unknown }).version)
    if (folder === dirname(folder)) throw new Error('package.json is missing')
  }
}
