import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { fileHash, treeDifferences, treeHashes, writeFiles, writeMixedFile } from '../support/files.ts'
import { startServer, temporaryFolder } from '../support/server.ts'
import { succeed, tool } from '../support/tools.ts'

const { path: program, skip } = tool('s3cmd')

t.test('s3cmd', { skip }, async t => {
  const server = await startServer(t)
  const folder = temporaryFolder(t)
  const host = `127.0.0.1:${server.port}`
  writeFiles(folder, {
    s3cfg: `[default]\naccess_key = test\nsecret_key = test\nhost_base = ${host}\nhost_bucket = ${host}\nuse_https = False\nbucket_location = us-east-1\n`,
  })
  const s3cmd = (...args: string[]) =>
    succeed(program, ['-c', join(folder, 's3cfg'), '--no-progress', ...args], { cwd: folder })
  await s3cmd('mb', 's3://s3cmd-bucket')

  t.test('mb, ls → listed', async t => {
    t.match((await s3cmd('ls')).stdout, 's3://s3cmd-bucket')
  })

  t.test('put, ls, get, del: odd names → the same bytes, then gone', async t => {
    for (const name of ['plain.txt', 'with space + plus.txt', 'ünï 日本.txt', '100%25.txt']) {
      writeFiles(folder, { [name]: `content of ${name}` })
      await s3cmd('put', name, `s3://s3cmd-bucket/dir/${name}`)
      t.match((await s3cmd('ls', 's3://s3cmd-bucket/dir/')).stdout, `s3://s3cmd-bucket/dir/${name}`)
      await s3cmd('get', '--force', `s3://s3cmd-bucket/dir/${name}`, 'back.txt')
      t.equal(readFileSync(join(folder, 'back.txt'), 'utf8'), `content of ${name}`)
      await s3cmd('del', `s3://s3cmd-bucket/dir/${name}`)
    }
    t.equal((await s3cmd('ls', 's3://s3cmd-bucket/dir/')).stdout, '')
  })

  t.test('put, get: 30 MiB in parts of 5 MiB → the same hash', async t => {
    writeMixedFile(join(folder, 'large'), 30 << 20)
    await s3cmd('put', '--multipart-chunk-size-mb=5', 'large', 's3://s3cmd-bucket/large')
    t.equal((await s3cmd('multipart', 's3://s3cmd-bucket')).stdout.trim().split('\n').length, 2, 'no upload is left')
    await s3cmd('get', '--force', 's3://s3cmd-bucket/large', 'large-back')
    t.equal(await fileHash(join(folder, 'large-back')), await fileHash(join(folder, 'large')))
  })

  t.test('--signature-v2: put, get, parts, ls, signurl, del → as with version 4', async t => {
    const old = (...args: string[]) => s3cmd('--signature-v2', ...args)
    const name = 'with space + ü.txt'
    writeFiles(folder, { [name]: 'version 2' })
    await old('put', '--add-header=x-amz-meta-a: b', name, `s3://s3cmd-bucket/v2/${name}`)
    t.match((await old('ls', 's3://s3cmd-bucket/v2/')).stdout, `s3://s3cmd-bucket/v2/${name}`)
    await old('get', '--force', `s3://s3cmd-bucket/v2/${name}`, 'back.txt')
    t.equal(readFileSync(join(folder, 'back.txt'), 'utf8'), 'version 2')
    writeMixedFile(join(folder, 'large-2'), 12 << 20)
    await old('put', '--multipart-chunk-size-mb=5', 'large-2', 's3://s3cmd-bucket/v2/large')
    await old('get', '--force', 's3://s3cmd-bucket/v2/large', 'large-back')
    t.equal(await fileHash(join(folder, 'large-back')), await fileHash(join(folder, 'large-2')))
    const { stdout } = await old('signurl', `s3://s3cmd-bucket/v2/${name}`, '+60')
    t.equal(await (await fetch(stdout.trim())).text(), 'version 2')
    await old('del', '--recursive', '--force', 's3://s3cmd-bucket/v2/')
    t.equal((await old('ls', 's3://s3cmd-bucket/v2/')).stdout, '')
  })

  t.test('sync both ways, cp, mv, del --recursive → equal trees, then an empty bucket', async t => {
    const tree = join(folder, 'tree')
    writeFiles(tree, { a: 'a', 'b/c d': 'cd', 'b/e/ü': 'u', empty: '' })
    await s3cmd('sync', `${tree}/`, 's3://s3cmd-bucket/tree/')
    await s3cmd('sync', 's3://s3cmd-bucket/tree/', `${join(folder, 'tree-back')}/`)
    t.same(treeDifferences(treeHashes(tree), treeHashes(join(folder, 'tree-back'))), [])
    await s3cmd('cp', 's3://s3cmd-bucket/tree/a', 's3://s3cmd-bucket/copied')
    await s3cmd('mv', 's3://s3cmd-bucket/copied', 's3://s3cmd-bucket/moved')
    t.match((await s3cmd('ls', 's3://s3cmd-bucket/moved')).stdout, 's3://s3cmd-bucket/moved')
    await s3cmd('del', '--recursive', '--force', 's3://s3cmd-bucket')
    await s3cmd('rb', 's3://s3cmd-bucket')
  })
})
