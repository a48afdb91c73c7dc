/**
 * The options, as one table: flag, kind, default, help and validation. The variable of a flag is its name in upper
 * snake case. `config.ts` reads the table; nothing else reads `process.argv` or `process.env`.
 */
import { isIP } from 'node:net'
import { resolve } from 'node:path'

/** Why a value was not accepted; completes the sentence "--flag …". Never repeats a secret. */
export class Refusal {
  readonly reason: string
  constructor(reason: string) {
    this.reason = reason
  }
}

export interface Option<T> {
  readonly flag: string
  /** What stands for the value in the help text; '' for a switch, which needs none. */
  readonly placeholder: string
  readonly fallback: T
  /** The default as the help text names it, where the fallback does not say it. */
  readonly fallbackText?: string
  readonly help: string
  /** A note in the help text, for what is accepted already but has no effect yet. */
  readonly note?: string
  /**
   * What `<VARIABLE>_FILE` names. `value`: a file that holds the value, for secrets. `path`: the file itself, for
   * options that are paths of files: containers' secrets are mounted as files and named so.
   */
  readonly file?: 'value' | 'path'
  readonly parse: (text: string) => T | Refusal
}

export const logLevels = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const
export type LogLevel = (typeof logLevels)[number]

/** An address range, in the form `net.BlockList.addSubnet` takes. */
export interface Network {
  readonly address: string
  readonly prefixBits: number
  readonly family: 'ipv4' | 'ipv6'
}

const notServed = 'not served yet'
const unavailable = 'is not available in this version'

/** In the order of the help text. */
export const options = {
  dataDir: text({
    flag: 'data-dir',
    placeholder: 'DIR',
    fallbackText: '.mockfactory',
    help: 'Directory of the catalogue, the objects and the TLS authority',
    parse: value => resolve(value),
  }),
  ephemeral: {
    flag: 'ephemeral',
    placeholder: '',
    fallback: false,
    fallbackText: 'off',
    help: 'Keep everything in memory; nothing outlives the process',
    parse: parseSwitch,
  } satisfies Option<boolean> as Option<boolean>,
  host: {
    flag: 'host',
    placeholder: 'HOST',
    fallback: '127.0.0.1',
    help: 'Address to listen on; any but loopback needs --identities',
    parse: parseHost,
  } satisfies Option<string> as Option<string>,
  port: port('port', 4566, 'Edge: every protocol, health and metrics'),
  s3Port: port('s3-port', 9000, 'Amazon S3'),
  sqsPort: port('sqs-port', 9324, 'Amazon SQS', notServed),
  gcsPort: port('gcs-port', 4443, 'Google Cloud Storage, over TLS', notServed),
  azurePort: port('azure-port', 10000, 'Azure Blob Storage', notServed),
  ociPort: port('oci-port', 12000, 'OCI Object Storage', notServed),
  tlsPort: port('tls-port', 4567, 'Edge over TLS'),
  tlsCert: text({
    flag: 'tls-cert',
    placeholder: 'FILE',
    fallbackText: 'made by a local authority',
    help: 'Certificate chain, PEM; goes with --tls-key',
    file: 'path',
    parse: value => resolve(value),
  }),
  tlsKey: text({
    flag: 'tls-key',
    placeholder: 'FILE',
    help: 'Private key, PEM; goes with --tls-cert',
    file: 'path',
    parse: value => resolve(value),
  }),
  databaseUrl: text({
    flag: 'database-url',
    placeholder: 'URL',
    fallbackText: 'SQLite in the data directory',
    help: 'PostgreSQL: postgresql://user:password@host/database',
    file: 'value',
    // The value is not quoted: it carries a password.
    parse: value => (/^postgres(ql)?:\/\/./.test(value) ? value : new Refusal('must begin with postgresql://')),
  }),
  redisUrl: text({
    flag: 'redis-url',
    placeholder: 'URL',
    help: 'Redis shared by several gateways',
    note: 'not available in this version',
    file: 'value',
    parse: () => new Refusal(unavailable),
  }),
  blobs: {
    flag: 'blobs',
    placeholder: 'PLACE',
    fallback: undefined,
    fallbackText: 'disk',
    help: 'Bytes of objects: memory, disk, oci (not available in this version)',
    parse: value => (value === 'oci' ? new Refusal(`oci ${unavailable}`) : oneOf(['memory', 'disk'] as const, value)),
  } satisfies Option<'memory' | 'disk' | undefined> as Option<'memory' | 'disk' | undefined>,
  durability: {
    flag: 'durability',
    placeholder: 'KIND',
    fallback: 'process',
    help: 'Acknowledged writes survive: process (kill -9), power (power loss too)',
    parse: value => oneOf(['process', 'power'] as const, value),
  } satisfies Option<'process' | 'power'> as Option<'process' | 'power'>,
  s3Dialect: {
    flag: 's3-dialect',
    placeholder: 'NAME',
    fallback: 'aws',
    help: "S3 as Amazon's is today: aws; as Ceph's gateway speaks it: ceph",
    parse: value => oneOf(['aws', 'ceph'] as const, value),
  } satisfies Option<'aws' | 'ceph'> as Option<'aws' | 'ceph'>,
  lifecycleDay: {
    flag: 'lifecycle-day',
    placeholder: 'SECONDS',
    fallback: 86_400,
    help: 'How long a day of lifecycle rules lasts; shorter ones are for tests',
    parse: parseSeconds,
  } satisfies Option<number> as Option<number>,
  logLevel: {
    flag: 'log-level',
    placeholder: 'LEVEL',
    fallback: 'info',
    help: logLevels.join(', '),
    parse: value => oneOf(logLevels, value),
  } satisfies Option<LogLevel> as Option<LogLevel>,
  identities: text({
    flag: 'identities',
    placeholder: 'FILE',
    fallbackText: 'test/test, account 000000000000',
    help: 'Environments, identities and credentials, JSON',
    file: 'path',
    parse: value => resolve(value),
  }),
  domains: {
    flag: 'domains',
    placeholder: 'NAMES',
    fallback: [],
    fallbackText: 'none',
    help: 'Further names for virtual hosts (bucket.NAME), separated by commas',
    parse: value => list(value, parseDomain),
  } satisfies Option<readonly string[]> as Option<readonly string[]>,
  trustedProxies: {
    flag: 'trusted-proxies',
    placeholder: 'ADDRESSES',
    fallback: [],
    fallbackText: 'none',
    help: 'Proxies whose X-Forwarded-… headers count: addresses, CIDR ranges',
    parse: value => list(value, parseNetwork),
  } satisfies Option<readonly Network[]> as Option<readonly Network[]>,
} as const

export type OptionName = keyof typeof options
/** The value of every option, given or default. */
export type OptionValues = { -readonly [K in OptionName]: (typeof options)[K]['fallback'] }

/** The environment variable of a flag: `data-dir` → `DATA_DIR`. */
export function variableOf(flag: string): string {
  return flag.toUpperCase().replaceAll('-', '_')
}

function text(row: Omit<Option<string | undefined>, 'fallback'>): Option<string | undefined> {
  return { ...row, fallback: undefined }
}

function port(flag: string, fallback: number, help: string, note?: string): Option<number> {
  const row: Option<number> = { flag, placeholder: 'PORT', fallback, help, parse: parsePort }
  return note === undefined ? row : { ...row, note }
}

function parsePort(text: string): number | Refusal {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN
  return value <= 65535 ? value : new Refusal(`must be a port, 1 to 65535, or 0 for off, not ${quote(text)}`)
}

function parseSeconds(text: string): number | Refusal {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : 0
  return value >= 1 && value <= 86_400 ? value : new Refusal(`must be seconds, 1 to 86400, not ${quote(text)}`)
}

function parseSwitch(text: string): boolean | Refusal {
  switch (text.toLowerCase()) {
    case 'true':
    case 'yes':
    case 'on':
    case '1':
      return true
    case 'false':
    case 'no':
    case 'off':
    case '0':
      return false
    default:
      return new Refusal(`must be true or false, not ${quote(text)}`)
  }
}

/** A DNS name in lower case: labels of 1 to 63 letters, digits and inner hyphens, 253 characters in all. */
function parseDomain(text: string): string | Refusal {
  const name = text.toLowerCase().replace(/\.$/, '')
  const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/
  const valid = name.length <= 253 && isIP(name) === 0 && name.split('.').every(part => label.test(part))
  return valid ? name : new Refusal(`must name domains such as s3.example.test, not ${quote(text)}`)
}

function parseHost(text: string): string | Refusal {
  const bare = /^\[.*\]$/.test(text) ? text.slice(1, -1) : text
  if (isIP(bare) !== 0) return bare
  const looksLikeAddress = /^[\d.]+$/.test(bare)
  return looksLikeAddress || parseDomain(bare) instanceof Refusal
    ? new Refusal(`must be an address or a host name, not ${quote(text)}`)
    : bare.toLowerCase()
}

function parseNetwork(text: string): Network | Refusal {
  const [address = '', prefix, ...rest] = text.split('/')
  const version = isIP(address)
  const widest = version === 6 ? 128 : 32
  const prefixBits = prefix === undefined ? widest : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN
  // A zone (fe80::1%eth0) is an address to isIP but not to BlockList.
  if (version === 0 || rest.length > 0 || !(prefixBits <= widest) || address.includes('%'))
    return new Refusal(`must be addresses or ranges such as 10.0.0.0/8, not ${quote(text)}`)
  return { address, prefixBits, family: version === 6 ? 'ipv6' : 'ipv4' }
}

function list<T>(text: string, parse: (item: string) => T | Refusal): readonly T[] | Refusal {
  const values: T[] = []
  for (const item of text.split(',')) {
    const trimmed = item.trim()
    if (trimmed === '') continue
    const value = parse(trimmed)
    if (value instanceof Refusal) return value
    values.push(value)
  }
  return values
}

function oneOf<const T extends readonly string[]>(choices: T, text: string): T[number] | Refusal {
  return choices.includes(text) ? text : new Refusal(`must be one of ${choices.join(', ')}, not ${quote(text)}`)
}

/** A value inside a message: on one line, and bounded. */
function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}
