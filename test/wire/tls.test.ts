/** The edge over TLS: the same handlers behind a certificate of the server's own authority, or a given one. */
import { X509Certificate } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { join } from 'node:path'
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import t from 'tap'
import { newBucket, s3 } from '../support/clients.ts'
import { freePort, startServer, temporaryFolder } from '../support/server.ts'

/** The path of the authority, as the server prints it. */
function authorityOf(logs: string): string {
  return /^\s+authority\s+(\S+)/m.exec(logs)?.[1] ?? ''
}

const dataDir = join(temporaryFolder(t), 'data')
const port = await freePort()
const server = await startServer(t, { dataDir, args: ['--tls-port', String(port)] })
await server.printed(/authority .*trust/)
const ca = readFileSync(authorityOf(server.logs()))

t.test('SDK over TLS, trusting the printed authority → put and get, seen over plain HTTP too', async t => {
  const httpsAgent = new Agent({ ca })
  t.teardown(() => httpsAgent.destroy())
  const secure = s3(t, { origin: `https://localhost:${port}` }, { requestHandler: { httpsAgent } })
  const Bucket = await newBucket(secure)
  const Body = Buffer.alloc(3 << 20, 'tls')
  await secure.send(new PutObjectCommand({ Bucket, Key: 'key', Body }))
  for (const client of [secure, s3(t, server)]) {
    const got = await client.send(new GetObjectCommand({ Bucket, Key: 'key' }))
    t.ok(Body.equals(Buffer.from((await got.Body?.transformToByteArray()) ?? [])))
  }
})

t.test('client that does not know the authority → refuses the certificate', async t => {
  await t.rejects(handshake(port, {}), { code: /SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET/ })
})

t.test('certificate → good for localhost, buckets below s3.localhost and 127.0.0.1', async t => {
  const certificate = await handshake(port, { ca })
  // Nothing is good for bucket.localhost: TLS libraries take no wildcard for all names of a top-level domain.
  for (const name of ['localhost', 's3.localhost', 'bucket.s3.localhost']) t.ok(certificate.checkHost(name), name)
  t.ok(certificate.checkIP('127.0.0.1'))
  t.notOk(certificate.checkHost('example.com'))
})

t.test('second start on the folder → the same authority', async t => {
  await server.stop()
  const again = await startServer(t, { dataDir, args: ['--tls-port', String(port)] })
  await again.printed(/authority .*trust/)
  t.ok(existsSync(authorityOf(again.logs())))
  t.ok(ca.equals(readFileSync(authorityOf(again.logs()))))
  await handshake(port, { ca })
})

function handshake(port: number, options: { ca?: Buffer }): Promise<X509Certificate> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: 'localhost', port, path: '/_mockfactory/healthz', agent: false, ...options },
      answer => {
        answer.resume()
        const { raw } = (answer.socket as unknown as { getPeerCertificate(): { raw: Buffer } }).getPeerCertificate()
        answer.once('end', () => resolve(new X509Certificate(raw)))
      },
    )
    outgoing.once('error', reject)
    outgoing.end()
  })
}
