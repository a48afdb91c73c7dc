import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { fileHash, treeDifferences, treeHashes, writeFiles, writeMixedFile } from '../support/files.ts'
import { startServer, temporaryFolder } from '../support/server.ts'
import { succeed, tool } from '../support/tools.ts'

const { path: program, skip } = tool('rclone')

t.test('rclone', { skip }, async t => {
  const server = await startServer(t)
  const folder = temporaryFolder(t)
  const env = {
    RCLONE_CONFIG: join(folder, 'rclone.conf'),
    RCLONE_CONFIG_MOCK_TYPE: 's3',
    RCLONE_CONFIG_MOCK_PROVIDER: 'Other',
    RCLONE_CONFIG_MOCK_ENDPOINT: server.origin,
    RCLONE_CONFIG_MOCK_ACCESS_KEY_ID: 'test',
    RCLONE_CONFIG_MOCK_SECRET_ACCESS_KEY: 'test',
    RCLONE_CONFIG_MOCK_REGION: 'us-east-1',
    // This version sends `private` otherwise, which S3 refuses where buckets have no ACLs.
    RCLONE_CONFIG_MOCK_ACL: 'bucket-owner-full-control',
  }
  writeFiles(folder, { 'rclone.conf': '' })
  const rclone = (...args: string[]) => succeed(program, args, { env, cwd: folder })
  const tree = join(folder, 'tree')
  writeFiles(tree, {
    'plain.txt': 'plain',
    empty: '',
    'with space/ünï 日本 🙂.txt': 'unicode',
    'plus+percent%20&amp;/a=b?c#d.txt': 'odd',
    "quotes/it's [here] {now}.txt": 'quotes',
    'deep/er/and/deep/er.bin': Buffer.alloc(300_000, 'deep'),
  })

  t.test('sync, check, sync back: odd names → equal trees', async t => {
    await rclone('mkdir', 'mock:rclone-sync')
    await rclone('sync', tree, 'mock:rclone-sync/tree')
    await rclone('check', tree, 'mock:rclone-sync/tree', '--download')
    await rclone('check', tree, 'mock:rclone-sync/tree')
    await rclone('sync', 'mock:rclone-sync/tree', join(folder, 'back'))
    t.same(treeDifferences(treeHashes(tree), treeHashes(join(folder, 'back'))), [])
  })

  t.test('sync after changes → changed, new and deleted files follow', async t => {
    writeFiles(tree, { 'plain.txt': 'changed', 'new.txt': 'new' })
    rmSync(join(tree, 'empty'))
    await rclone('sync', tree, 'mock:rclone-sync/tree')
    await rclone('check', tree, 'mock:rclone-sync/tree')
    const listed = (await rclone('lsf', '-R', '--files-only', 'mock:rclone-sync/tree')).stdout.trim().split('\n')
    t.same(listed.sort(), [...treeHashes(tree).keys()].sort())
  })

  t.test('copy: a file of 100 MiB in parts of 5 MiB → the same hash; its time is kept', async t => {
    const large = join(folder, 'large', 'file')
    mkdirSync(join(folder, 'large'))
    writeMixedFile(large, 100 << 20)
    await rclone('copy', large, 'mock:rclone-sync/large', '--s3-upload-cutoff', '5Mi', '--s3-chunk-size', '5Mi')
    await rclone('copy', 'mock:rclone-sync/large/file', join(folder, 'large-back'))
    t.equal(await fileHash(join(folder, 'large-back', 'file')), await fileHash(large))
    await rclone('check', join(folder, 'large'), 'mock:rclone-sync/large')
  })

  t.test('server-side copy and move, lsd, size, cat, purge → as on a disk', async t => {
    await rclone('copyto', 'mock:rclone-sync/tree/plain.txt', 'mock:rclone-sync/copied.txt')
    await rclone('moveto', 'mock:rclone-sync/copied.txt', 'mock:rclone-sync/moved.txt')
    t.equal((await rclone('cat', 'mock:rclone-sync/moved.txt')).stdout, 'changed')
    t.match((await rclone('lsd', 'mock:rclone-sync')).stdout, / tree\n/)
    const size = JSON.parse((await rclone('size', '--json', 'mock:rclone-sync/tree')).stdout)
    t.equal(size.count, treeHashes(tree).size)
    await rclone('purge', 'mock:rclone-sync')
    t.notMatch((await rclone('lsd', 'mock:')).stdout, 'rclone-sync')
  })

  t.test('rcat: a stream of unknown length → stored', async t => {
    await rclone('mkdir', 'mock:rclone-rcat')
    const input = 'streamed '.repeat(100_000)
    await succeed(program, ['rcat', 'mock:rclone-rcat/streamed'], { env, input })
    t.equal((await rclone('cat', 'mock:rclone-rcat/streamed')).stdout, input)
  })
})
