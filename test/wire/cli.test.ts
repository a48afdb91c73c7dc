/** The binary as a process: its options, its exit codes, its end. */
import { readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import t from 'tap'
import { newBucket, s3 } from '../support/clients.ts'
import { projectRoot } from '../support/paths.ts'
import { freePort, spawnServer, startServer, status, type Teardown, temporaryFolder } from '../support/server.ts'
import { sign } from '../support/signed.ts'

async function run(t: Teardown, args: readonly string[], env: Record<string, string> = {}) {
  const running = spawnServer(args, { DATA_DIR: join(temporaryFolder(t), 'data'), ...env })
  t.teardown(() => running.stop('SIGKILL'))
  const exit = await running.ended
  return { ...exit, output: running.logs() }
}
const quiet = [
  '--s3-port',
  '0',
  '--sqs-port',
  '0',
  '--gcs-port',
  '0',
  '--azure-port',
  '0',
  '--oci-port',
  '0',
  '--tls-port',
  '0',
]

t.test('--help → every option, exit code 0', async t => {
  const { code, output } = await run(t, ['--help'])
  t.equal(code, 0)
  for (const flag of [
    'data-dir',
    'ephemeral',
    'host',
    'port',
    's3-port',
    'sqs-port',
    'gcs-port',
    'azure-port',
    'oci-port',
    'tls-port',
    'tls-cert',
    'tls-key',
    'database-url',
    'redis-url',
    'blobs',
    'durability',
    'log-level',
    'identities',
    'domains',
    'trusted-proxies',
  ])
    t.match(output, `--${flag} `)
})

t.test('--version → the version of package.json, exit code 0', async t => {
  const { code, output } = await run(t, ['--version'])
  const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { version: string }
  t.equal(code, 0)
  t.match(output.trim(), version)
})

for (const [args, env, named] of [
  [['--port', 'banana'], {}, '--port'],
  [['--port', '70000'], {}, '--port'],
  [['--port'], {}, '--port'],
  [['--nonsense'], {}, '--nonsense'],
  [['nonsense'], {}, 'nonsense'],
  [['--durability', 'maybe'], {}, '--durability'],
  [['--log-level', 'loud'], {}, '--log-level'],
  [['--database-url', 'mysql://x'], {}, '--database-url'],
  [['--host', '0.0.0.0'], {}, '--identities'],
  [['--tls-cert', '/nowhere.pem'], {}, '--tls-key'],
  [['--identities', '/nowhere.json'], {}, 'nowhere.json'],
  [[], { PORT: 'banana' }, 'PORT'],
  [[], { DURABILITY: 'maybe' }, 'DURABILITY'],
] as const)
  t.test(
    `options ${[...args, ...Object.entries(env).map(pair => pair.join('='))].join(' ')} → exit code 2, ${named} named`,
    async t => {
      const { code, output } = await run(t, args, env)
      t.equal(code, 2)
      t.match(output, named)
      t.notMatch(output, /\n\s+at /, 'no stack')
    },
  )

t.test('edge port taken → exit code other than 0, the port named', async t => {
  const holder = createServer()
  const port = await freePort()
  await new Promise<void>(resolve => holder.listen(port, '127.0.0.1', resolve))
  t.teardown(() => holder.close())
  const { code, output } = await run(t, ['--port', String(port), ...quiet])
  t.ok(code !== 0 && code !== null, `${code}`)
  t.match(output, String(port))
  t.notMatch(output, /\n\s+at /, 'no stack')
})

t.test('optional port taken → a warning, and the edge serves', async t => {
  const holder = createServer()
  const taken = await freePort()
  await new Promise<void>(resolve => holder.listen(taken, '127.0.0.1', resolve))
  t.teardown(() => holder.close())
  const server = await startServer(t, { ephemeral: true, args: ['--s3-port', String(taken)] })
  t.match(await server.printed(String(taken)), `${taken} is not served`)
})

t.test('--s3-port → S3 there as well', async t => {
  const port = await freePort()
  const server = await startServer(t, { ephemeral: true, args: ['--s3-port', String(port)] })
  const Bucket = await newBucket(s3(t, { origin: `http://127.0.0.1:${port}` }))
  await s3(t, server).send(new PutObjectCommand({ Bucket, Key: 'key', Body: 'x' }))
})

t.test('start → addresses, credentials and a line to copy are printed', async t => {
  const server = await startServer(t)
  await server.printed('s3 mb')
  t.match(server.logs(), `http://localhost:${server.port}`)
  t.match(server.logs(), `aws --endpoint-url http://localhost:${server.port} s3 mb`)
  t.match(server.logs(), 'access key test')
})

for (const signal of ['SIGTERM', 'SIGINT'] as const)
  t.test(`${signal}: while an upload is under way → it is answered and kept, then exit code 0`, async t => {
    const dataDir = join(temporaryFolder(t), 'data')
    const server = await startServer(t, { dataDir })
    const bucket = await newBucket(s3(t, server))
    const body = Buffer.alloc(200_000, 'x')
    const { request } = sign(server, { method: 'PUT', path: `/${bucket}/late`, body })
    const socket = connect(server.port, '127.0.0.1')
    t.teardown(() => socket.destroy())
    let answer = ''
    socket.setEncoding('latin1').on('data', (text: string) => (answer += text))
    const headers = Object.entries(request.headers).map(([name, value]) => `${name}: ${value}\r\n`)
    socket.write(`PUT ${request.target} HTTP/1.1\r\n${headers.join('')}content-length: ${body.length}\r\n\r\n`)
    socket.write(body.subarray(0, 50_000))
    // The server has taken the request when another connection, later, has been answered.
    t.equal(await status(`${server.origin}/_mockfactory/healthz`), 200)
    const stopped = server.stop(signal)
    while ((await status(`${server.origin}/_mockfactory/healthz`)) === 200)
      await new Promise(resolve => setTimeout(resolve, 10))
    socket.write(body.subarray(50_000))
    t.same(await stopped, { code: 0, signal: null })
    t.match(answer, /^HTTP\/1\.1 200 OK/)

    const again = await startServer(t, { dataDir })
    const got = await s3(t, again).send(new GetObjectCommand({ Bucket: bucket, Key: 'late' }))
    t.ok(body.equals(Buffer.from((await got.Body?.transformToByteArray()) ?? [])))
  })

t.test('kill -9 and start again on the same folder → everything acknowledged is there', async t => {
  const dataDir = join(temporaryFolder(t), 'data')
  const server = await startServer(t, { dataDir })
  const client = s3(t, server)
  const Bucket = await newBucket(client)
  for (const [Key, size] of [
    ['small', 10],
    ['large', 300_000],
  ] as const)
    await client.send(new PutObjectCommand({ Bucket, Key, Body: Buffer.alloc(size, Key) }))
  t.equal((await server.kill9()).signal, 'SIGKILL')
  const again = s3(t, await startServer(t, { dataDir }))
  for (const [Key, size] of [
    ['small', 10],
    ['large', 300_000],
  ] as const) {
    const got = await again.send(new GetObjectCommand({ Bucket, Key }))
    t.ok(Buffer.alloc(size, Key).equals(Buffer.from((await got.Body?.transformToByteArray()) ?? [])), Key)
  }
})

t.test('two servers on one folder → one store', async t => {
  const dataDir = join(temporaryFolder(t), 'data')
  const [first, second] = await Promise.all([startServer(t, { dataDir }), startServer(t, { dataDir })])
  const [one, two] = [s3(t, first), s3(t, second)]
  const Bucket = await newBucket(one)
  for (let index = 0; index < 20; index++) {
    const [writer, reader] = index % 2 ? [one, two] : [two, one]
    await writer.send(new PutObjectCommand({ Bucket, Key: `key-${index}`, Body: Buffer.alloc(50_000, String(index)) }))
    const got = await reader.send(new GetObjectCommand({ Bucket, Key: `key-${index}` }))
    t.ok(Buffer.alloc(50_000, String(index)).equals(Buffer.from((await got.Body?.transformToByteArray()) ?? [])))
  }
})
