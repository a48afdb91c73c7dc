/** No source file is longer than a reader's patience: 600 lines, tables of rows and faults apart. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../support/paths.ts'

const limitLines = 600
/** Files of data: one row after the other. */
const tables = /(^|\/)(operations|faults|not-implemented)(-[a-z-]+)?\.ts$/

const folders = ['protocol', 'gateway', 'platform', 'provisioner', 'bench', 'test', 'scripts']

function sources(folder: string): string[] {
  try {
    return (
      readdirSync(join(projectRoot, folder), { recursive: true, encoding: 'utf8' })
        // Benches keep peers in a folder with a dot.
        .filter(name => /\.(ts|mjs|py)$/.test(name) && !/(^|\/)\./.test(name))
        .map(name => `${folder}/${name}`)
    )
  } catch {
    return []
  }
}

t.test(`source files: all but tables → at most ${limitLines} lines`, async t => {
  const files = folders.flatMap(sources)
  t.ok(files.length > 20, 'sources were found')
  const long = files
    .filter(file => !tables.test(file))
    .map(file => ({ file, lines: readFileSync(join(projectRoot, file), 'utf8').split('\n').length - 1 }))
    .filter(({ lines }) => lines > limitLines)
  t.same(long, [])
})
