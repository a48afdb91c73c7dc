/** Which way imports may point (ARCHITECTURE.md): every import of every source file is held against one table. */
import { readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join, normalize, relative, sep } from 'node:path'
import t from 'tap'
import { projectRoot } from '../support/paths.ts'

interface Rule {
  /** Folders of this project that files of `from` may import besides `from` itself. */
  readonly folders: readonly string[]
  /** Modules of Node and packages they may import; absent: any. */
  readonly modules?: readonly string[]
}
const rules: Readonly<Record<string, Rule>> = {
  protocol: { folders: [], modules: ['node:crypto', 'node:zlib', 'node:buffer'] },
  platform: { folders: [] },
  gateway: { folders: ['protocol', 'platform'] },
  provisioner: { folders: ['platform'] },
  'test/support': { folders: [] },
  'test/wire': { folders: ['test/support'] },
  'test/unit': { folders: ['test/support', 'protocol', 'gateway', 'platform', 'provisioner'] },
  'test/fuzz': { folders: ['test/support', 'test/unit', 'protocol', 'gateway', 'platform', 'provisioner'] },
  'test/contract': { folders: ['test/support', 'test/unit', 'protocol', 'gateway', 'platform', 'provisioner'] },
  'test/fault': { folders: ['test/support', 'protocol', 'gateway', 'platform', 'provisioner'] },
  'test/conformance': { folders: ['test/support'] },
  bench: { folders: ['test/support', 'protocol', 'gateway', 'platform', 'provisioner'] },
}

/** Files that may touch the socket library: everything else is written against our own contracts. */
const socketFileLimit = 6

interface Import {
  readonly file: string
  readonly specifier: string
  /** Path of the imported file from the root; undefined for modules of Node and packages. */
  readonly target: string | undefined
}

const sources = ['protocol', 'platform', 'gateway', 'provisioner', 'bench', 'test'].flatMap(typescriptFiles)
const imports = sources.flatMap(importsOf)

function typescriptFiles(folder: string): string[] {
  try {
    return (
      readdirSync(join(projectRoot, folder), { recursive: true, encoding: 'utf8' })
        // Benches keep peers in a folder with a dot.
        .filter(name => name.endsWith('.ts') && !/(^|[\\/])\./.test(name))
        .map(name => join(folder, name))
    )
  } catch {
    return []
  }
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(projectRoot, file), 'utf8')
  const forms =
    /^(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]|^import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]|\brequire\(\s*['"]([^'"]+)['"]/gm
  return [...text.matchAll(forms)].map(([, from, bare, dynamic, required]) => {
    const specifier = from ?? bare ?? dynamic ?? required ?? ''
    const target = specifier.startsWith('.') ? normalize(join(dirname(file), specifier)) : undefined
    return { file, specifier, target }
  })
}

function folderOf(path: string): string {
  const [first = '', second = ''] = path.split(sep)
  return first === 'test' && path.split(sep).length > 2 ? `test/${second}` : first
}

t.test('imports: every source file → its folder has a rule', async t => {
  t.ok(sources.length > 20, 'sources were found')
  t.ok(imports.length > sources.length, 'imports were found')
  const strangers = sources.filter(file => !(folderOf(file) in rules) && file !== join('test', 'run.ts'))
  t.same(strangers, [])
})

for (const [from, rule] of Object.entries(rules))
  t.test(`imports: ${from} → only ${[from, ...rule.folders, ...(rule.modules ?? [])].join(', ')}`, async t => {
    const wrong: string[] = []
    for (const { file, specifier, target } of imports) {
      if (folderOf(file) !== from) continue
      const allowed =
        target === undefined
          ? (rule.modules?.includes(specifier) ?? true)
          : [from, ...rule.folders].includes(folderOf(target))
      if (!allowed) wrong.push(`${file} imports ${specifier}`)
    }
    t.same(wrong, [])
  })

t.test('imports: modules of Node → named with node:', async t => {
  const bare = imports.filter(({ specifier }) => builtinModules.includes(specifier))
  t.same(bare, [])
})

t.test(
  'imports: uWebSockets.js → by few files, of the gateway, the benches and the test of the byte stream',
  async t => {
    const users = new Set(imports.filter(({ specifier }) => specifier === 'uWebSockets.js').map(({ file }) => file))
    const gateway = [...users].filter(file => folderOf(file) === 'gateway')
    t.same(
      [...users].filter(file => !['gateway', 'bench'].includes(folderOf(file))),
      [join('test', 'unit', 'bytes-egress.test.ts')],
    )
    t.ok(gateway.length > 0, 'the gateway has a socket')
    t.ok(gateway.length <= socketFileLimit, `${gateway.map(file => relative('gateway', file)).join(', ')}`)
  },
)
