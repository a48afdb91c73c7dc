/**
 * Names of KMS keys, and encryption contexts. There is no KMS here, so every key that is well named exists: its wrapping
 * key is made from its name. What S3 answers is a key's ARN, to which the forms a client may use are brought.
 */
import { isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'
import { type Fault, fault } from '../fault.ts'
import { type ArgumentFault, argumentInvalid } from './parameters.ts'

/** Where a bucket is: keys without a region and an account of their own are its. */
export interface KeyHome {
  readonly region: string
  /** 12 digits. */
  readonly account: string
}

/** What S3 encrypts with when SSE-KMS is asked for without a key: the account's own for S3. */
export const defaultKeyName = 'alias/aws/s3'

const keyId = /^(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32})$/i
const alias = /^alias\/[A-Za-z0-9/_-]{1,250}$/
const arn =
  /^arn:(aws[a-z0-9-]*):kms:([a-z0-9-]{1,64}):([0-9]{12}):(?:key\/([A-Za-z0-9-]{1,128})|(alias\/[A-Za-z0-9/_-]{1,250}))$/
const ownName = /^[A-Za-z0-9_-]{1,250}$/

/**
 * A key's name as answers say it: the ARN of a key id, of an alias (the same one for the same alias) or the ARN itself.
 * A bare word is no id that KMS gives; S3 would not find it, but emulators take such names, so it is kept as it is.
 * @param name '' for the default key
 */
export function resolveKmsKey(name: string, home: KeyHome): string | Fault<'encryption-key-unknown'> {
  const own = `arn:aws:kms:${home.region}:${home.account}:`
  if (name === '') return aliased(own + defaultKeyName)
  if (keyId.test(name)) return `${own}key/${name}`
  if (alias.test(name)) return aliased(own + name)
  const parts = arn.exec(name)
  if (parts !== null) {
    const region = parts[2]!
    if (region !== home.region) return fault('encryption-key-unknown', { message: `Invalid arn ${region}` })
    return parts[5] === undefined ? name : aliased(name)
  }
  return ownName.test(name) ? name : fault('encryption-key-unknown', { message: `Invalid keyId '${name}'` })
}

/** The ARN of the key behind an alias: an id made from the alias. */
function aliased(aliasArn: string): string {
  const hex = createHash('sha256').update(aliasArn).digest('hex')
  // Version and variant of a UUID that is made of one's own data (RFC 9562 §5.8).
  const id = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`, hex.slice(20, 32)]
  return `${aliasArn.slice(0, aliasArn.indexOf(':alias/'))}:key/${id.join('-')}`
}

const contextName = 'x-amz-server-side-encryption-context'
/** "Quotas" of KMS: 8,192 characters for a context; the header is in base64. */
const contextLimitBytes = 8192
const contextInvalid = argumentInvalid(
  contextName,
  `The header '${contextName}' shall be Base64-encoded UTF-8 string holding JSON which represents a string-string map`,
)

/** An encryption context as canonical JSON: names in order, no white space. `encodeContext` is the way back. */
export function parseContext(text: string): string | ArgumentFault {
  const bytes = Buffer.from(text, 'base64')
  // Buffer skips what is not base64: only a text that comes back the same was whole.
  const whole = bytes.toString('base64').replace(/=+$/, '') === text.replace(/=+$/, '')
  if (!whole || bytes.length > contextLimitBytes || !isUtf8(bytes)) return contextInvalid
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch {
    return contextInvalid
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return contextInvalid
  const pairs: string[] = []
  for (const [name, member] of Object.entries(value as Readonly<Record<string, unknown>>)) {
    if (typeof member !== 'string') return contextInvalid
    pairs.push(`${JSON.stringify(name)}:${JSON.stringify(member)}`)
  }
  return pairs.length === 0 ? '' : `{${pairs.sort().join(',')}}`
}

export function encodeContext(context: string): string {
  return Buffer.from(context).toString('base64')
}
