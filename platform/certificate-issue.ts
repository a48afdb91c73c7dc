/** Makes the local authority and the certificates it signs. Only the thread of certificate-worker.ts loads it. */
import { webcrypto } from 'node:crypto'
import type * as X509 from '@peculiar/x509'
import type { Pair } from './certificate-files.ts'

const dayMs = 86_400_000
/** Clocks of virtual machines run late: a certificate must not begin in their future. */
const leewayMs = dayMs
const authorityDays = 3650
/** The longest that Apple's platforms accept from an authority the user has added (support.apple.com/103769). */
const serverDays = 825

const curve = { name: 'ECDSA', namedCurve: 'P-256' } as const
const signing = { name: 'ECDSA', hash: 'SHA-256' } as const

/** @param name the common name, at most 64 characters */
export async function issueAuthority(name: string, nowMs: number): Promise<Pair> {
  const x509 = await loadX509()
  const keys = await webcrypto.subtle.generateKey(curve, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ CN: [name] }, { O: ['MockFactory'] }],
    notBefore: new Date(nowMs - leewayMs),
    notAfter: new Date(nowMs - leewayMs + authorityDays * dayMs),
    signingAlgorithm: signing,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { certificate: pem(certificate.toString('pem')), key: await exportKey(x509, keys.privateKey) }
}

/** @param names DNS names and wildcards @param addresses IP addresses */
export async function issueServer(
  authority: Pair,
  names: readonly string[],
  addresses: readonly string[],
  nowMs: number,
): Promise<Pair> {
  const x509 = await loadX509()
  const issuer = new x509.X509Certificate(authority.certificate)
  const encoded = x509.PemConverter.decodeFirst(authority.key)
  const signingKey = await webcrypto.subtle.importKey('pkcs8', encoded, curve, false, ['sign'])
  const keys = await webcrypto.subtle.generateKey(curve, true, ['sign', 'verify'])
  const latest = nowMs - leewayMs + serverDays * dayMs
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: [{ CN: ['localhost'] }, { O: ['MockFactory'] }],
    issuer: issuer.subjectName,
    notBefore: new Date(nowMs - leewayMs),
    notAfter: new Date(Math.min(latest, issuer.notAfter.getTime())),
    signingAlgorithm: signing,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([
        ...names.map(value => ({ type: 'dns' as const, value })),
        ...addresses.map(value => ({ type: 'ip' as const, value })),
      ]),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { certificate: pem(certificate.toString('pem')), key: await exportKey(x509, keys.privateKey) }
}

let loaded: Promise<typeof X509> | undefined

/** Dynamic, because what it needs must be there before it is evaluated. */
function loadX509(): Promise<typeof X509> {
  return (loaded ??= (async () => {
    provideMetadata()
    const x509 = await import('@peculiar/x509')
    x509.cryptoProvider.set(webcrypto)
    return x509
  })())
}

type MetadataKey = string | symbol
interface ReflectMetadata {
  getMetadata?(key: MetadataKey, target: object): unknown
  getOwnMetadata?(key: MetadataKey, target: object): unknown
  defineMetadata?(key: MetadataKey, value: unknown, target: object): void
}

/**
 * The X.509 library's dependency container refuses to load without the three functions of the Reflect metadata proposal
 * that it calls. It stores nothing worth keeping in them, so a map is enough.
 */
function provideMetadata(): void {
  const reflect = Reflect as ReflectMetadata
  if (reflect.getMetadata !== undefined) return
  const metadata = new WeakMap<object, Map<MetadataKey, unknown>>()
  reflect.getOwnMetadata = (key, target) => metadata.get(target)?.get(key)
  reflect.getMetadata = (key, target) => {
    for (let at: object | null = target; at !== null; at = Object.getPrototypeOf(at) as object | null) {
      const entries = metadata.get(at)
      if (entries?.has(key)) return entries.get(key)
    }
    return undefined
  }
  reflect.defineMetadata = (key, value, target) => {
    const entries = metadata.get(target) ?? new Map<MetadataKey, unknown>()
    metadata.set(target, entries.set(key, value))
  }
}

/** 16 random bytes, positive and without a leading zero (RFC 5280, section 4.1.2.2). */
function serialNumber(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16))
  bytes[0] = (bytes[0]! & 0x3f) | 0x40
  return Buffer.from(bytes).toString('hex')
}

async function exportKey(x509: typeof X509, key: webcrypto.CryptoKey): Promise<string> {
  return pem(x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY'))
}

function pem(text: string): string {
  return `${text.trim()}\n`
}
