/**
 * SSE-C: keys that clients send with each request. S3 refuses them over plain HTTP; here they are taken, since a server
 * on one's own machine is spoken to without TLS.
 *
 * Order and texts of the refusals are recorded ones: S3 names `x-amz-server-side-encryption` as the argument whichever
 * header is wrong.
 */
import { createHash } from 'node:crypto'
import type { CustomerKey } from '../encryption.ts'
import { type Fault, fault } from '../fault.ts'
import type { WireRequest } from '../operation.ts'
import { type ArgumentFault, argumentInvalid } from './parameters.ts'

export type CustomerKeyFault = ArgumentFault | Fault<'encryption-algorithm-invalid'>

/** What of a request is looked at. The fields of a form (POST Object) can be put in their place. */
export type EncryptionHeaders = Pick<WireRequest, 'header' | 'headers' | 'dialect'>

export const encryptionName = 'x-amz-server-side-encryption'
const targetPrefix = `${encryptionName}-customer-`
const sourcePrefix = `x-amz-copy-source-server-side-encryption-customer-`

const must = 'Requests specifying Server Side Encryption with Customer provided keys must provide'
const noAlgorithm = argumentInvalid(encryptionName, `${must} a valid encryption algorithm.`)
const noKey = argumentInvalid(encryptionName, `${must} an appropriate secret key.`)
const noMd5 = argumentInvalid(encryptionName, `${must} the client calculated MD5 of the secret key.`)
const otherMd5 = argumentInvalid(
  encryptionName,
  'The calculated MD5 hash of the key did not match the hash that was provided.',
)
const otherLength = argumentInvalid(encryptionName, 'The secret key was invalid for the specified algorithm.')

const keyBytes = 32

/** The key that a request encrypts with; undefined when it names none. */
export function parseCustomerKey(request: EncryptionHeaders): CustomerKey | undefined | CustomerKeyFault {
  const parsed = parseKey(request, targetPrefix)
  return parsed !== undefined && 'key' in parsed && parsed.key.length !== keyBytes ? otherLength : parsed
}

/**
 * The key that a request reads with. Of any length: S3 answers one that cannot be right as it answers a wrong one, when it
 * has found the object.
 */
export function parseReadingKey(request: EncryptionHeaders): CustomerKey | undefined | CustomerKeyFault {
  return parseKey(request, targetPrefix)
}

/** As parseReadingKey, for the source of a copy. */
export function parseSourceKey(request: EncryptionHeaders): CustomerKey | undefined | CustomerKeyFault {
  return parseKey(request, sourcePrefix)
}

/** Whether any of a customer key's headers came, empty ones too. */
export function namesCustomerKey(request: EncryptionHeaders): boolean {
  return isSent(request, targetPrefix)
}

function isSent({ headers }: EncryptionHeaders, prefix: string): boolean {
  for (let i = 0; i < headers.length; i += 2) if (headers[i]!.startsWith(prefix)) return true
  return false
}

function parseKey(request: EncryptionHeaders, prefix: string): CustomerKey | undefined | CustomerKeyFault {
  if (!isSent(request, prefix)) return undefined
  const algorithm = request.header(`${prefix}algorithm`)
  const text = request.header(`${prefix}key`)
  const md5 = request.header(`${prefix}key-md5`)
  if (algorithm === '') return noAlgorithm
  if (text === '') return noKey
  if (algorithm !== 'AES256') return fault('encryption-algorithm-invalid', { name: encryptionName, value: algorithm })
  if (md5 === '') return noMd5
  const key = Buffer.from(text, 'base64')
  if (createHash('md5').update(key).digest('base64') !== md5) return otherMd5
  return { kind: 'customer', key, md5 }
}
