import { spawn, spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { connect, createServer } from 'node:tls'
import t, { type Test } from 'tap'
import { type CertificateFiles, ensureCertificate } from '../../platform/certificate.ts'

const dayMs = 86_400_000
const nowMs = Date.now()

function folder(t: Test): string {
  const path = mkdtempSync(join(tmpdir(), 'certificate-'))
  t.teardown(() => rmSync(path, { recursive: true }))
  return path
}

const certificate = (path: string) => new X509Certificate(readFileSync(path))

async function serve(t: Test, files: CertificateFiles): Promise<number> {
  const server = createServer({ key: readFileSync(files.keyFile), cert: readFileSync(files.certFile) }, socket => {
    socket.on('error', () => {})
    socket.end('hello')
  })
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

/** 'hello', or the code of the refusal. Resolves no name: `name` is only asked for and checked. */
function reach(port: number, name: string, authorityFile: string): Promise<string> {
  return new Promise(resolve => {
    const named = /^[\d.]+$/.test(name) ? {} : { servername: name }
    const socket = connect({ host: '127.0.0.1', port, ca: readFileSync(authorityFile), ...named })
    socket.once('data', bytes => resolve(bytes.toString()))
    socket.once('error', error => resolve((error as NodeJS.ErrnoException).code ?? error.message))
    socket.once('close', () => resolve('closed'))
  })
}

t.test('ensureCertificate: a client that trusts the authority alone → connects by every name', async t => {
  const files = await ensureCertificate(folder(t), ['s3.example.test'], nowMs)
  const port = await serve(t, files)
  const good = [
    'localhost',
    '127.0.0.1',
    's3.localhost',
    'bucket.s3.localhost',
    's3.example.test',
    'bucket.s3.example.test',
    'bucket.s3.s3.example.test',
  ]
  for (const name of good) t.equal(await reach(port, name, files.authorityFile), 'hello', name)
  for (const name of ['example.test', 'other.test'])
    t.equal(await reach(port, name, files.authorityFile), 'ERR_TLS_CERT_ALTNAME_INVALID', name)
  const stranger = await ensureCertificate(folder(t), [], nowMs)
  t.not(await reach(port, 'localhost', stranger.authorityFile), 'hello', 'another authority')
})

const missing = (command: string, ...args: readonly string[]) =>
  spawnSync(command, args).status === 0 ? false : `${command} is not installed`

t.test('ensureCertificate: OpenSSL, strictly → accepts the chain', { skip: missing('openssl', 'version') }, async t => {
  const files = await ensureCertificate(folder(t), [], nowMs)
  const verify = (...args: readonly string[]) =>
    spawnSync('openssl', ['verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', files.authorityFile, ...args], {
      encoding: 'utf8',
    })
  for (const name of ['localhost', 'bucket.s3.localhost']) {
    const { status, stderr } = verify('-verify_hostname', name, files.certFile)
    t.equal(status, 0, `${name} ${stderr}`)
  }
  for (const ip of ['127.0.0.1', '::1']) t.equal(verify('-verify_ip', ip, files.certFile).status, 0, ip)
  t.not(verify('-verify_hostname', 'example.test', files.certFile).status, 0)
})

const python = `
import socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[2])
context.verify_flags |= ssl.VERIFY_X509_STRICT
for name in ('localhost', 'bucket.s3.localhost', '127.0.0.1'):
    with socket.create_connection(('127.0.0.1', int(sys.argv[1]))) as plain:
        with context.wrap_socket(plain, server_hostname=name) as tls:
            print(tls.recv(5).decode())`

t.test('ensureCertificate: Python → connects', { skip: missing('python3', '-c', 'import ssl') }, async t => {
  const files = await ensureCertificate(folder(t), [], nowMs)
  const port = await serve(t, files)
  t.equal(await output('python3', ['-c', python, String(port), files.authorityFile]), 'hello\n'.repeat(3))
})

/** What a process prints, on either stream. */
async function output(command: string, args: readonly string[]): Promise<string> {
  const child = spawn(command, args)
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', chunk => {
      text += chunk
    })
  await once(child, 'close')
  return text
}

t.test('ensureCertificate: the two certificates → limited to what they are for', async t => {
  const files = await ensureCertificate(folder(t), ['b.test'], nowMs)
  const authority = certificate(files.authorityFile)
  const server = certificate(files.certFile)
  t.equal(authority.ca, true)
  t.equal(server.ca, false)
  t.equal(server.checkIssued(authority), true)
  t.strictSame(server.keyUsage, ['1.3.6.1.5.5.7.3.1'])
  t.equal(
    server.subjectAltName,
    'DNS:localhost, DNS:*.localhost, DNS:s3.localhost, DNS:*.s3.localhost, DNS:b.test, DNS:*.b.test, DNS:*.s3.b.test, ' +
      'IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1',
  )
  const days = ({ validFrom, validTo }: X509Certificate) => (Date.parse(validTo) - Date.parse(validFrom)) / dayMs
  t.equal(days(authority), 3650)
  t.equal(days(server), 825)
  t.ok(Date.parse(server.validFrom) < nowMs)
})

t.test('ensureCertificate: the files → keys for their owner only, no draft left', async t => {
  const data = folder(t)
  const files = await ensureCertificate(data, [], nowMs)
  const mode = (path: string) => statSync(path).mode & 0o777
  t.equal(mode(files.keyFile), 0o600)
  t.equal(mode(join(dirname(files.authorityFile), 'key.pem')), 0o600)
  t.equal(mode(files.authorityFile), 0o644)
  t.equal(files.authorityFile, join(data, 'tls', 'authority', 'cert.pem'))
  t.strictSame(
    readdirSync(join(data, 'tls')).filter(name => !/^(authority|server-[0-9a-f]{16}-\d{14})$/.test(name)),
    [],
  )
})

t.test(
  'ensureCertificate: again → the same; other domains or near the end → a new one by the same authority',
  async t => {
    const data = folder(t)
    const first = await ensureCertificate(data, [], nowMs)
    const authority = readFileSync(first.authorityFile, 'utf8')
    t.strictSame(await ensureCertificate(data, [], nowMs + 700 * dayMs), first)
    const domains = await ensureCertificate(data, ['a.test'], nowMs)
    t.not(domains.certFile, first.certFile)
    t.strictSame(await ensureCertificate(data, [], nowMs), first, 'the former domains again')
    const renewed = await ensureCertificate(data, [], nowMs + 800 * dayMs)
    t.not(renewed.certFile, first.certFile)
    t.ok(statSync(first.certFile).isFile(), 'a running server still has its files')
    t.equal(readFileSync(renewed.authorityFile, 'utf8'), authority)
    t.equal(certificate(renewed.certFile).verify(certificate(renewed.authorityFile).publicKey), true)
    await ensureCertificate(data, [], nowMs + 1600 * dayMs)
    t.throws(() => statSync(first.certFile), { code: 'ENOENT' }, 'what has ended goes')
  },
)

t.test('ensureCertificate: near the end of the authority → a server certificate that ends with it', async t => {
  const data = folder(t)
  const { authorityFile } = await ensureCertificate(data, [], nowMs)
  const late = await ensureCertificate(data, [], nowMs + 3600 * dayMs)
  t.equal(certificate(late.certFile).validTo, certificate(authorityFile).validTo)
  await t.rejects(ensureCertificate(data, [], nowMs + 3640 * dayMs), { message: /ends .*: remove it/ })
})

t.test('ensureCertificate: a damaged server pair → another; a damaged authority → an error that names it', async t => {
  const data = folder(t)
  const first = await ensureCertificate(data, [], nowMs)
  writeFileSync(first.keyFile, 'torn')
  const second = await ensureCertificate(data, [], nowMs + dayMs)
  t.not(second.keyFile, first.keyFile)
  const authorityFolder = dirname(first.authorityFile)
  writeFileSync(join(authorityFolder, 'key.pem'), '')
  await t.rejects(ensureCertificate(data, [], nowMs), { message: new RegExp(`${authorityFolder} holds no valid key`) })
  rmSync(authorityFolder, { recursive: true })
  const third = await ensureCertificate(data, [], nowMs + dayMs)
  t.equal(certificate(third.certFile).verify(certificate(third.authorityFile).publicKey), true)
})

t.test('ensureCertificate: several processes at once → one authority, one certificate', async t => {
  const data = folder(t)
  const module = new URL('../../platform/certificate.js', import.meta.url).href
  const script = `
    const { ensureCertificate } = await import(${JSON.stringify(module)})
    console.log(JSON.stringify(await ensureCertificate(${JSON.stringify(data)}, [], ${nowMs})))`
  const outputs = await Promise.all(
    Array.from({ length: 5 }, () => output(process.execPath, ['--input-type=module', '-e', script])),
  )
  t.equal(new Set(outputs).size, 1, outputs.join(''))
  t.equal(readdirSync(join(data, 'tls')).length, 2)
  const files = JSON.parse(outputs[0]!) as CertificateFiles
  t.equal(await reach(await serve(t, files), 'localhost', files.authorityFile), 'hello')
})
