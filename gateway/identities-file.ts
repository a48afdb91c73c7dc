/**
 * The file of `--identities`: environments, their identities and credentials, made when the server starts. It is
 * checked whole: every problem is named by its JSON path, and a member nobody knows is a problem, because a misspelt
 * one would be a credential that does not work.
 */
import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'

export interface IdentitiesFile {
  readonly environments: readonly EnvironmentEntry[]
}
export interface EnvironmentEntry {
  readonly name: string
  /** 12 digits. */
  readonly account: string
  readonly identities: readonly IdentityEntry[]
}
export interface IdentityEntry {
  readonly name: string
  /** 64 hexadecimal digits, lower case. */
  readonly canonicalId: string
  readonly credentials: readonly CredentialEntry[]
}
export interface CredentialEntry {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

/** What is wrong with the file, one problem a line. Secrets are never quoted. */
export class IdentitiesInvalid extends Error {
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}

/** Some 40,000 credentials. */
export const fileLimitBytes = 8 * 1024 * 1024
const problemLimit = 20

/** The canonical id of an identity that is given none: always the same for the same account and name. */
export function deriveCanonicalId(account: string, name: string): string {
  return createHash('sha256')
    .update(account + name)
    .digest('hex')
}

/** Environment `default`, account 000000000000, identity `main` with test/test. For loopback only: it is published. */
export function defaultIdentities(): IdentitiesFile {
  const account = '000000000000'
  const credentials = [{ accessKeyId: 'test', secretAccessKey: 'test' }]
  const identities = [{ name: 'main', canonicalId: deriveCanonicalId(account, 'main'), credentials }]
  return { environments: [{ name: 'default', account, identities }] }
}

/** The credentials of the default identities. */
export function publishedCredentials(): readonly CredentialEntry[] {
  return defaultIdentities().environments.flatMap(({ identities }) => identities.flatMap(each => each.credentials))
}

/** The identities of a file; the default ones without a file. Throws IdentitiesInvalid. */
export function loadIdentities(path: string | undefined): IdentitiesFile {
  if (path === undefined) return defaultIdentities()
  let text: string
  try {
    if (statSync(path).size > fileLimitBytes) throw new IdentitiesInvalid([`${path} is larger than 8 MiB`])
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof IdentitiesInvalid) throw error
    throw new IdentitiesInvalid([`${path} cannot be read (${(error as NodeJS.ErrnoException).code})`])
  }
  const parsed = parseIdentities(text)
  if ('environments' in parsed) return parsed
  throw new IdentitiesInvalid(parsed.map(problem => `${path}: ${problem}`))
}

/** @returns the identities, or at least one problem: `$.environments[0].account must be 12 digits` */
export function parseIdentities(text: string): IdentitiesFile | readonly string[] {
  if (Buffer.byteLength(text) > fileLimitBytes) return ['$ is larger than 8 MiB']
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The parser's own message quotes the text, in which secrets stand.
    return ['$ is not JSON']
  }
  const reader = new Reader()
  const environments = reader.object(value, '$', ['environments'], file =>
    reader.list(file.environments, '$.environments', (item, path) => readEnvironment(reader, item, path)),
  )
  if (reader.problems.length > problemLimit)
    return [...reader.problems.slice(0, problemLimit), `and ${reader.problems.length - problemLimit} more problems`]
  return environments === undefined || reader.problems.length > 0 ? reader.problems : { environments }
}

const nameForm = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
const nameText = 'must be 1 to 64 letters, digits, dots, hyphens and underscores, beginning with a letter or digit'
/** Neither a slash nor a comma nor anything percent-encoded: it stands in the scope of a signature. */
const accessKeyForm = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/
const accessKeyText =
  'must be 1 to 128 letters, digits, dots, hyphens and underscores, beginning with a letter or digit'
const visible = /^[!-~]+$/

function readEnvironment(reader: Reader, value: unknown, path: string): EnvironmentEntry | undefined {
  return reader.object(value, path, ['name', 'account', 'identities'], entry => {
    const name = reader.text(entry.name, `${path}.name`, text => nameForm.test(text), nameText)
    const account = reader.text(entry.account, `${path}.account`, text => /^\d{12}$/.test(text), 'must be 12 digits')
    reader.unique('environment', name, `${path}.name`)
    reader.unique('account', account, `${path}.account`)
    const identities = reader.list(entry.identities, `${path}.identities`, (item, itemPath) =>
      readIdentity(reader, item, itemPath, account, path),
    )
    return { name, account, identities }
  })
}

function readIdentity(
  reader: Reader,
  value: unknown,
  path: string,
  account: string,
  environmentPath: string,
): IdentityEntry | undefined {
  return reader.object(value, path, ['name', 'canonicalId', 'credentials'], entry => {
    const name = reader.text(entry.name, `${path}.name`, text => nameForm.test(text), nameText)
    const isNew = reader.unique(`identity of ${environmentPath}`, name, `${path}.name`)
    const given = entry.canonicalId
    const hex = (text: string) => /^[0-9a-f]{64}$/.test(text)
    const canonicalId =
      given === undefined
        ? deriveCanonicalId(account, name)
        : reader.text(given, `${path}.canonicalId`, hex, 'must be 64 hexadecimal digits in lower case')
    // A derived one repeats when the name does, and that was said.
    if (given !== undefined || isNew) reader.unique('canonicalId', canonicalId, `${path}.canonicalId`)
    const credentials = reader.list(entry.credentials, `${path}.credentials`, (item, itemPath) =>
      readCredential(reader, item, itemPath),
    )
    return { name, canonicalId, credentials }
  })
}

function readCredential(reader: Reader, value: unknown, path: string): CredentialEntry | undefined {
  return reader.object(value, path, ['accessKeyId', 'secretAccessKey', 'sessionToken'], entry => {
    const idPath = `${path}.accessKeyId`
    const accessKeyId = reader.text(entry.accessKeyId, idPath, text => accessKeyForm.test(text), accessKeyText)
    reader.unique('accessKeyId', accessKeyId, idPath)
    const secret = (limit: number) => (text: string) => text.length <= limit && visible.test(text)
    const secretText = (limit: number) => `must be 1 to ${limit} visible ASCII characters`
    const secretPath = `${path}.secretAccessKey`
    const secretAccessKey = reader.text(entry.secretAccessKey, secretPath, secret(256), secretText(256))
    if (entry.sessionToken === undefined) return { accessKeyId, secretAccessKey }
    const tokenPath = `${path}.sessionToken`
    const sessionToken = reader.text(entry.sessionToken, tokenPath, secret(4096), secretText(4096))
    return { accessKeyId, secretAccessKey, sessionToken }
  })
}

/** Reads members and notes problems; what it answers is used only when there were none. */
class Reader {
  readonly problems: string[] = []
  /** Kind and value of what may stand once → where it stands. */
  readonly #seen = new Map<string, string>()

  /** @param members the names known here; whether one may be missing is for `read` to say */
  object<const M extends string, T>(
    value: unknown,
    path: string,
    members: readonly M[],
    read: (entry: Readonly<Partial<Record<M, unknown>>>) => T,
  ): T | undefined {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.problems.push(value === undefined ? `${path} is missing` : `${path} must be an object`)
      return undefined
    }
    for (const name of Object.keys(value))
      if (!(members as readonly string[]).includes(name))
        this.problems.push(`${path} has an unknown member ${JSON.stringify(name.slice(0, 60))}`)
    return read(value as Readonly<Partial<Record<M, unknown>>>)
  }

  list<T>(value: unknown, path: string, read: (item: unknown, path: string) => T | undefined): readonly T[] {
    if (!Array.isArray(value) || value.length === 0) {
      this.problems.push(value === undefined ? `${path} is missing` : `${path} must be a list of at least one`)
      return []
    }
    return value.flatMap((item, index) => read(item, `${path}[${index}]`) ?? [])
  }

  text(value: unknown, path: string, valid: (text: string) => boolean, rule: string): string {
    if (typeof value === 'string' && valid(value)) return value
    this.problems.push(value === undefined ? `${path} is missing` : `${path} ${rule}`)
    return ''
  }

  /** False, and a problem, when the value was there before; false for '', which is a problem already. */
  unique(kind: string, value: string, path: string): boolean {
    if (value === '') return false
    const key = `${kind} ${value}`
    const other = this.#seen.get(key)
    if (other === undefined) this.#seen.set(key, path)
    else this.problems.push(`${path} repeats ${other}`)
    return other === undefined
  }
}
