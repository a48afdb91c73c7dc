/** The thread in which `ensureCertificate` has keys and certificates made; its folders are in `workerData`. */
import { X509Certificate } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { workerData } from 'node:worker_threads'
import { type CertificateOrder, serverFolderName } from './certificate.ts'
import { publishPair, readPair } from './certificate-files.ts'
import { issueAuthority, issueServer } from './certificate-issue.ts'

const { folder, authorityFolder, names, addresses, nowMs } = workerData as CertificateOrder
await mkdir(folder, { recursive: true })
// Read back: another process may have published first.
let authority = await readPair(authorityFolder)
if (authority === undefined) {
  // Tells one machine's authority from another's in a list of trusted ones. 64 is the limit of a common name.
  await publishPair(authorityFolder, await issueAuthority(`MockFactory ${hostname()}`.slice(0, 64), nowMs))
  authority = await readPair(authorityFolder)
}
if (authority === undefined) throw new Error(`${authorityFolder} vanished while it was made`)
const pair = await issueServer(authority, names, addresses, nowMs)
const issuer = new X509Certificate(authority.certificate)
const endMs = Date.parse(new X509Certificate(pair.certificate).validTo)
await publishPair(join(folder, serverFolderName(names, issuer, endMs)), pair)
