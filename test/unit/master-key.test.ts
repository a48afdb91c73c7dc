/** The key file of a data directory. */
import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { loadMasterKey, MasterKeyUnusable } from '../../gateway/keys/master.ts'
import { KeyRing } from '../../gateway/keys/ring.ts'
import { outRoot } from '../support/paths.ts'

const run = promisify(execFile)

t.test('loadMasterKey: none yet → made once, for its owner alone, and found again', async t => {
  const folder = t.testdir()
  const umask = process.umask(0o000)
  const key = await loadMasterKey(folder).finally(() => process.umask(umask))
  t.equal(key.length, 32)
  t.same(await loadMasterKey(folder), key)
  t.same(readdirSync(folder), ['keys'])
  t.same(readdirSync(join(folder, 'keys')), ['master'])
  t.equal(statSync(join(folder, 'keys')).mode & 0o777, 0o700)
  t.equal(statSync(join(folder, 'keys', 'master')).mode & 0o777, 0o600)
  t.notSame(await loadMasterKey(t.testdir({ other: {} })), key)
})

t.test('loadMasterKey: many at once → one key, no drafts left', async t => {
  const folder = t.testdir()
  const keys = await Promise.all(Array.from({ length: 20 }, () => loadMasterKey(folder)))
  t.equal(new Set(keys.map(key => key.toString('hex'))).size, 1)
  t.same(readdirSync(folder), ['keys'])
})

t.test('loadMasterKey: several processes at once → one key', async t => {
  const folder = t.testdir()
  const module = pathToFileURL(join(outRoot, 'gateway', 'keys', 'master.js')).href
  const script = `const { loadMasterKey } = await import(${JSON.stringify(module)})
    process.stdout.write((await loadMasterKey(${JSON.stringify(folder)})).toString('hex'))`
  const child = () => run(process.execPath, ['--input-type=module', '-e', script])
  const keys = await Promise.all(Array.from({ length: 4 }, child))
  t.match(keys[0]!.stdout, /^[0-9a-f]{64}$/)
  t.equal(new Set(keys.map(({ stdout }) => stdout)).size, 1)
  t.same(readdirSync(folder), ['keys'])
})

t.test('loadMasterKey: an empty folder → used; a file that is no key, or a folder of others → says which', async t => {
  const empty = t.testdir({ keys: {} })
  t.equal((await loadMasterKey(empty)).length, 32)
  const whole = readFileSync(join(empty, 'keys', 'master'), 'latin1')
  for (const text of [
    '',
    'x',
    whole.slice(0, -1),
    whole.replace('key 1', 'key 2'),
    `${whole}\n`,
    whole.replace('=', ''),
  ]) {
    const folder = t.testdir()
    mkdirSync(join(folder, 'keys'))
    writeFileSync(join(folder, 'keys', 'master'), text)
    const failure = await loadMasterKey(folder).catch((error: unknown) => error as Error)
    t.ok(failure instanceof MasterKeyUnusable, JSON.stringify(text.slice(0, 20)))
    t.match((failure as Error).message, join('keys', 'master'))
    t.equal(readFileSync(join(folder, 'keys', 'master'), 'latin1'), text, 'left as it was')
  }
  const others = t.testdir({ keys: { other: 'x' } })
  await t.rejects(loadMasterKey(others), { name: 'MasterKeyUnusable' })
  t.same(readdirSync(others), ['keys'], 'no draft left')
})

t.test(
  'loadMasterKey: no such data directory, or one that cannot be written → the error of the file system',
  async t => {
    await t.rejects(loadMasterKey(join(t.testdir(), 'absent')), { code: 'ENOENT' })
    if (process.getuid?.() === 0) return t.comment('root may write everywhere')
    const folder = t.testdir()
    chmodSync(folder, 0o500)
    t.teardown(() => chmodSync(folder, 0o700))
    await t.rejects(loadMasterKey(folder), { code: 'EACCES' })
  },
)

t.test('KeyRing.open: the same data directory → opens what was sealed; without one → on its own', async t => {
  const folder = t.testdir()
  const [first, second] = [await KeyRing.open(folder), await KeyRing.open(folder)]
  const { cipher, sealed } = first.newDataKey({ kind: 'managed' })
  t.same(second.openSealed(sealed, undefined), cipher)
  const alone = await KeyRing.open(undefined)
  t.throws(() => alone.openSealed(sealed, undefined), /did not wrap/)
})
