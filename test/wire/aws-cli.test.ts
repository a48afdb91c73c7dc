import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { fileHash, treeDifferences, treeHashes, writeFiles, writeMixedFile, writeTree } from '../support/files.ts'
import { startServer, temporaryFolder } from '../support/server.ts'
import { execute, type Outcome, succeed, tool } from '../support/tools.ts'

const { path: program, skip } = tool('aws')

t.test('aws CLI', { skip }, async t => {
  const server = await startServer(t)
  const folder = temporaryFolder(t)
  const config = join(folder, 'config')
  writeFileSync(config, '[default]\ns3 =\n  max_concurrent_requests = 16\n')
  const env = { AWS_CONFIG_FILE: config }
  const aws = (...args: string[]) => succeed(program, ['--endpoint-url', server.origin, ...args], { env, cwd: folder })
  const fails = (...args: string[]): Promise<Outcome> =>
    execute(program, ['--endpoint-url', server.origin, ...args], { env, cwd: folder })
  const json = async (...args: string[]) => JSON.parse((await aws(...args, '--output', 'json')).stdout || '{}')

  t.test('s3 mb, ls, rb → made, listed, removed', async t => {
    await aws('s3', 'mb', 's3://cli-made')
    t.match((await aws('s3', 'ls')).stdout, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d cli-made$/m)
    await aws('s3', 'rb', 's3://cli-made')
    t.notMatch((await aws('s3', 'ls')).stdout, 'cli-made')
    t.match((await fails('s3', 'ls', 's3://cli-made')).output, 'NoSuchBucket')
  })

  t.test('s3 cp: up, across, down, through pipes → the same bytes', async t => {
    await aws('s3', 'mb', 's3://cli-cp')
    writeFiles(folder, { 'here.txt': 'from here', 'big.bin': Buffer.alloc(20 << 20, 'big') })
    await aws(
      's3',
      'cp',
      'here.txt',
      's3://cli-cp/dir/ünï + %20 there.txt',
      '--metadata',
      'a=b',
      '--content-type',
      'text/x',
    )
    await aws('s3', 'cp', 's3://cli-cp/dir/ünï + %20 there.txt', 's3://cli-cp/copy.txt')
    await aws('s3', 'cp', 's3://cli-cp/copy.txt', 'back.txt')
    t.equal(readFileSync(join(folder, 'back.txt'), 'utf8'), 'from here')
    t.match(await json('s3api', 'head-object', '--bucket', 'cli-cp', '--key', 'copy.txt'), {
      ContentType: 'text/x',
      Metadata: { a: 'b' },
    })
    await aws('s3', 'cp', 'big.bin', 's3://cli-cp/big')
    await aws('s3', 'cp', 's3://cli-cp/big', 's3://cli-cp/big-copy')
    await aws('s3', 'cp', 's3://cli-cp/big-copy', 'big-back.bin')
    t.equal(await fileHash(join(folder, 'big-back.bin')), await fileHash(join(folder, 'big.bin')))
    await succeed(program, ['--endpoint-url', server.origin, 's3', 'cp', '-', 's3://cli-cp/piped'], {
      env,
      input: 'through a pipe',
    })
    t.equal((await aws('s3', 'cp', 's3://cli-cp/piped', '-')).stdout, 'through a pipe')
  })

  t.test('s3 mv, rm --recursive, ls --recursive --summarize → moved, counted, gone', async t => {
    await aws('s3', 'mb', 's3://cli-mv')
    writeFiles(join(folder, 'mv'), { 'a/1': 'one', 'a/2': 'two', 'b/3': 'three' })
    await aws('s3', 'mv', 'mv', 's3://cli-mv/in', '--recursive', '--quiet')
    t.equal(treeHashes(join(folder, 'mv')).size, 0, 'the files are gone here')
    await aws('s3', 'mv', 's3://cli-mv/in/a', 's3://cli-mv/moved', '--recursive', '--quiet')
    const listed = (await aws('s3', 'ls', 's3://cli-mv', '--recursive', '--summarize')).stdout
    t.match(listed, / 3 moved\/1\n[\s\S]* 3 moved\/2\n/)
    t.match(listed, 'Total Objects: 3')
    t.match((await aws('s3', 'ls', 's3://cli-mv/')).stdout, /PRE in\/\n\s+PRE moved\/\n/)
    await aws('s3', 'rm', 's3://cli-mv', '--recursive', '--quiet')
    t.equal((await fails('s3', 'ls', 's3://cli-mv', '--recursive')).stdout, '')
    await aws('s3', 'rb', 's3://cli-mv')
  })

  t.test('s3 presign → a link that anyone can read', async t => {
    await aws('s3', 'mb', 's3://cli-presign')
    await succeed(program, ['--endpoint-url', server.origin, 's3', 'cp', '-', 's3://cli-presign/a b'], {
      env,
      input: 'linked',
    })
    const presign = ['s3', 'presign', 's3://cli-presign/a b', '--expires-in', '60']
    // Version 1 of the CLI presigns for us-east-1 with Signature Version 2 unless told otherwise.
    const link = (await aws(...presign)).stdout.trim()
    t.equal(await (await fetch(link)).text(), 'linked')
    const version4 = join(folder, 'version-4')
    writeFileSync(version4, '[default]\ns3 =\n  signature_version = s3v4\n')
    const args = ['--endpoint-url', server.origin, ...presign]
    const link4 = (await succeed(program, args, { env: { AWS_CONFIG_FILE: version4 } })).stdout.trim()
    t.match(link4, 'X-Amz-Signature=')
    t.equal(await (await fetch(link4)).text(), 'linked')
    t.equal((await fetch(link.replace('/a%20b', '/other'))).status, 403)
  })

  t.test('s3api: the life of a bucket and an object → as in the service', async t => {
    const at = ['--bucket', 'cli-api']
    await aws('s3api', 'create-bucket', ...at)
    await aws('s3api', 'wait', 'bucket-exists', ...at)
    writeFiles(folder, { part: 'part' })
    const put = await json(
      's3api',
      'put-object',
      ...at,
      '--key',
      'k',
      '--body',
      'part',
      '--checksum-algorithm',
      'SHA256',
    )
    t.ok(put.ChecksumSHA256)
    const refused = await fails('s3api', 'put-object', ...at, '--key', 'k', '--body', 'part', '--if-none-match', '*')
    t.match(refused.stderr, 'PreconditionFailed')
    await json('s3api', 'get-object', ...at, '--key', 'k', '--range', 'bytes=1-2', 'ranged', '--if-match', put.ETag)
    t.equal(readFileSync(join(folder, 'ranged'), 'utf8'), 'ar')
    const { UploadId } = await json('s3api', 'create-multipart-upload', ...at, '--key', 'm')
    const upload = [...at, '--key', 'm', '--upload-id', UploadId]
    const { ETag } = await json('s3api', 'upload-part', ...upload, '--part-number', '1', '--body', 'part')
    t.equal((await json('s3api', 'list-parts', ...upload)).Parts.length, 1)
    t.equal((await json('s3api', 'list-multipart-uploads', ...at)).Uploads.length, 1)
    const parts = JSON.stringify({ Parts: [{ ETag, PartNumber: 1 }] })
    await json('s3api', 'complete-multipart-upload', ...upload, '--multipart-upload', parts)
    const attributes = await json(
      's3api',
      'get-object-attributes',
      ...at,
      '--key',
      'm',
      '--object-attributes',
      'ObjectSize',
    )
    t.equal(attributes.ObjectSize, 4)
    const listed = await json('s3api', 'list-objects-v2', ...at, '--page-size', '1')
    t.same(
      listed.Contents.map((one: { Key: string }) => one.Key),
      ['k', 'm'],
    )
    t.match((await fails('s3api', 'get-object-torrent', ...at, '--key', 'k', 'torrent')).stderr, 'NotImplemented')
    const identity = await json('sts', 'get-caller-identity')
    t.equal(identity.Account, '000000000000')
  })

  t.test('sts assume-role, get-session-token → sessions that work', async t => {
    await aws('s3', 'mb', 's3://cli-session')
    const role = 'arn:aws:iam::000000000000:role/cli'
    const named = ['--role-arn', role, '--role-session-name', 'by-hand', '--duration-seconds', '900']
    const { Credentials: given, AssumedRoleUser } = await json('sts', 'assume-role', ...named)
    t.equal(AssumedRoleUser.Arn, 'arn:aws:sts::000000000000:assumed-role/cli/by-hand')
    const session = {
      ...env,
      AWS_ACCESS_KEY_ID: given.AccessKeyId,
      AWS_SECRET_ACCESS_KEY: given.SecretAccessKey,
      AWS_SESSION_TOKEN: given.SessionToken,
    }
    const listed = await succeed(program, ['--endpoint-url', server.origin, 's3', 'ls'], { env: session, cwd: folder })
    t.match(listed.stdout, 'cli-session')
    const { Credentials: token } = await json('sts', 'get-session-token')
    t.match(token.AccessKeyId, /^ASIA/)
    t.match((await fails('sts', 'assume-role', ...named, '--policy', 'no')).stderr, 'MalformedPolicyDocument')
  })

  t.test('s3 cp: a file of 1 GiB up and down → the same hash', async t => {
    await aws('s3', 'mb', 's3://cli-large')
    const [up, down] = [join(folder, 'large'), join(folder, 'large-back')]
    writeMixedFile(up, 1 << 30)
    const hash = await fileHash(up)
    await aws('s3', 'cp', up, 's3://cli-large/large', '--quiet')
    rmSync(up)
    await aws('s3', 'cp', 's3://cli-large/large', down, '--quiet')
    t.equal(await fileHash(down), hash)
    rmSync(down)
    await aws('s3', 'rb', 's3://cli-large', '--force')
  })

  t.test('s3 sync: 10,000 files up, down, changed, deleted → the trees are equal each time', async t => {
    await aws('s3', 'mb', 's3://cli-sync')
    const [up, down] = [join(folder, 'tree'), join(folder, 'tree-back')]
    mkdirSync(down)
    writeTree(up, 10_000)
    const expected = treeHashes(up)
    t.equal(expected.size, 10_000)
    await aws('s3', 'sync', up, 's3://cli-sync/tree', '--quiet')
    await aws('s3', 'sync', 's3://cli-sync/tree', down, '--quiet')
    t.same(treeDifferences(expected, treeHashes(down)), [])

    t.equal((await aws('s3', 'sync', up, 's3://cli-sync/tree')).stdout, '', 'nothing is left to do')
    writeFiles(up, {
      'folder-3/file 300.txt': 'changed and longer than anything before'.repeat(60),
      'fresh/file': 'new',
    })
    rmSync(join(up, 'folder-7'), { recursive: true })
    await aws('s3', 'sync', up, 's3://cli-sync/tree', '--delete', '--quiet')
    await aws('s3', 'sync', 's3://cli-sync/tree', down, '--delete', '--quiet', '--exact-timestamps')
    t.same(treeDifferences(treeHashes(up), treeHashes(down)), [])
  })
})
