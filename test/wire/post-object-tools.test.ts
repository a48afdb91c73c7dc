/** Forms posted by what people use for it: boto3 with requests, and curl. */
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { newBucket, s3 } from '../support/clients.ts'
import { fileNameVariable, signFields4 } from '../support/forms.ts'
import { projectRoot } from '../support/paths.ts'
import { startServer, temporaryFolder } from '../support/server.ts'
import { objectPath, signedFetch } from '../support/signed.ts'
import { execute, succeed, tool } from '../support/tools.ts'

const boto3 = tool('boto3')
const requests = tool('requests')
const curl = tool('curl')

t.test('boto3 and requests', { skip: boto3.skip || requests.skip }, async t => {
  const server = await startServer(t)
  const script = join(projectRoot, 'test', 'wire', 'post-object-client.py')
  const outcome = await execute(boto3.path, ['-B', script, server.origin])
  const lines = outcome.stdout.split('\n').filter(line => line.startsWith('{'))
  for (const line of lines) {
    const { name, error } = JSON.parse(line) as { name: string; error: string | null }
    t.test(name.replace('->', '→'), async t => {
      t.equal(error, null)
    })
  }
  t.test('script: to its end → exit code 0', async t => {
    t.equal(outcome.code, 0, outcome.output)
    t.ok(lines.length >= 10, `${lines.length} checks`)
  })
})

t.test(
  'curl -F: a file of 3 MiB, and with Expect: 100-continue → stored under its name',
  { skip: curl.skip },
  async t => {
    const server = await startServer(t)
    const bucket = await newBucket(s3(t, server))
    const folder = temporaryFolder(t)
    const content = randomBytes(3 << 20)
    writeFileSync(join(folder, 'a "quoted" name.bin'), content)
    const conditions = [{ bucket }, ['starts-with', '$key', 'up/'], ['content-length-range', 1, 5 << 20]]
    const fields = { key: `up/${fileNameVariable}`, ...signFields4(conditions) }
    const parts = Object.entries(fields).flatMap(([name, value]) => ['--form-string', `${name}=${value}`])
    for (const more of [[], ['-H', 'Expect: 100-continue']]) {
      const args = [
        '--silent',
        '--show-error',
        '--noproxy',
        '*',
        '-o',
        'answer',
        '-w',
        '%{http_code}',
        ...more,
        ...parts,
      ]
      const file = ['-F', 'file=@"a \\"quoted\\" name.bin"', `${server.origin}/${bucket}`]
      t.equal((await succeed(curl.path, [...args, ...file], { cwd: folder })).stdout, '204')
    }
    const found = await signedFetch(server, { method: 'GET', path: `/${bucket}`, query: 'list-type=2' })
    const key = /<Key>(.*?)<\/Key>/.exec(found.text)?.[1]?.replaceAll('&quot;', '"') ?? ''
    // Versions of curl differ in how they write a quote: escaped, or as %22.
    t.match(key, /^up\/a ("|%22)quoted\1 name\.bin$/)
    t.ok((await signedFetch(server, { method: 'GET', path: objectPath(bucket, key) })).body.equals(content))
  },
)
