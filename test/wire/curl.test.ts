import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { newBucket, s3 } from '../support/clients.ts'
import { startServer, temporaryFolder } from '../support/server.ts'
import { objectPath, presign, signedFetch } from '../support/signed.ts'
import { succeed, tool } from '../support/tools.ts'

const { path: program, skip } = tool('curl')

t.test('curl', { skip }, async t => {
  const server = await startServer(t)
  const folder = temporaryFolder(t)
  const bucket = await newBucket(s3(t, server))
  const curl = (...args: string[]) =>
    succeed(program, ['--silent', '--show-error', '--noproxy', '*', ...args], { cwd: folder })
  const content = randomBytes(3 << 20)
  const path = objectPath(bucket, 'a b/../c//d +%ü.bin')
  await signedFetch(server, { method: 'PUT', path, body: content })

  t.test('presigned GET → the bytes; with ranges the parts; resumed the rest', async t => {
    const link = presign(server, { method: 'GET', path })
    // Without --path-as-is curl folds dot segments before it sends them.
    await curl('--path-as-is', '--fail', '-o', 'whole', link)
    t.ok(content.equals(readFileSync(join(folder, 'whole'))))
    await curl('--path-as-is', '--fail', '-r', '100-199', '-o', 'range', link)
    t.ok(content.subarray(100, 200).equals(readFileSync(join(folder, 'range'))))
    await curl('--path-as-is', '--fail', '-r', '-50', '-o', 'suffix', link)
    t.ok(content.subarray(-50).equals(readFileSync(join(folder, 'suffix'))))
    writeFileSync(join(folder, 'resumed'), content.subarray(0, 1_000_000))
    await curl('--path-as-is', '--fail', '-C', '-', '-o', 'resumed', link)
    t.ok(content.equals(readFileSync(join(folder, 'resumed'))))
  })

  t.test('presigned HEAD → headers without a body', async t => {
    const { stdout } = await curl('--path-as-is', '--head', presign(server, { method: 'HEAD', path }))
    t.match(stdout, /^HTTP\/1\.1 200 OK\r\n/)
    t.match(stdout, new RegExp(`^content-length: ${content.length}\r$`, 'im'))
    t.match(stdout, /^etag: "[0-9a-f]{32}"\r$/im)
    t.match(stdout, /^accept-ranges: bytes\r$/im)
  })

  t.test('presigned PUT: a file with Expect: 100-continue, and with a signed type → stored', async t => {
    writeFileSync(join(folder, 'upload'), content)
    const one = objectPath(bucket, 'put')
    await curl('--fail', '-T', 'upload', '-H', 'Expect: 100-continue', presign(server, { method: 'PUT', path: one }))
    t.ok(content.equals((await signedFetch(server, { method: 'GET', path: one })).body))
    const type = objectPath(bucket, 'typed')
    const link = presign(server, { method: 'PUT', path: type, headers: { 'content-type': 'text/plain' } })
    await curl('--fail', '--data-binary', 'typed', '-X', 'PUT', '-H', 'content-type: text/plain', link)
    t.equal((await signedFetch(server, { method: 'GET', path: type })).headers['content-type'], 'text/plain')
  })

  t.test('presigned link changed or expired → 403', async t => {
    const status = async (link: string) =>
      (await curl('--path-as-is', '-o', 'refused', '-w', '%{http_code}', link)).stdout
    const link = presign(server, { method: 'GET', path })
    t.equal(await status(link.replace('X-Amz-Expires=900', 'X-Amz-Expires=901')), '403')
    t.equal(await status(presign(server, { method: 'GET', path, presign: 1, nowMs: Date.now() - 60_000 })), '403')
    t.equal(await status(link), '200')
  })

  t.test('--aws-sigv4 → signed by curl itself', async t => {
    const signed = [
      '--aws-sigv4',
      'aws:amz:us-east-1:s3',
      '--user',
      'test:test',
      '-H',
      'x-amz-content-sha256: UNSIGNED-PAYLOAD',
    ]
    writeFileSync(join(folder, 'mine'), 'signed by curl')
    await curl('--fail', ...signed, '-T', 'mine', `${server.origin}/${bucket}/mine`)
    t.equal((await curl('--fail', ...signed, `${server.origin}/${bucket}/mine`)).stdout, 'signed by curl')
  })
})
