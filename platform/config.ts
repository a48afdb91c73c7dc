/**
 * The configuration: read once, from the command line and the environment, into one frozen value. A flag wins over its
 * variable; an empty variable counts as absent (compose files pass empty ones).
 */
import { readFileSync } from 'node:fs'
import { BlockList, isIP } from 'node:net'
import { resolve } from 'node:path'
import {
  type LogLevel,
  type Network,
  type Option,
  type OptionName,
  type OptionValues,
  options,
  Refusal,
  variableOf,
} from './options.ts'

export interface Config {
  /** Absolute. Undefined when everything is in memory (`--ephemeral`). */
  readonly dataDir: string | undefined
  readonly host: string
  /** The default credentials are valid on loopback only. */
  readonly loopback: boolean
  /** 0 is off. */
  readonly ports: {
    readonly edge: number
    readonly tls: number
    readonly s3: number
    readonly sqs: number
    readonly gcs: number
    readonly azure: number
    readonly oci: number
  }
  /** A given certificate; undefined means the local authority's. Absolute paths. */
  readonly tls: { readonly certFile: string; readonly keyFile: string } | undefined
  /** PostgreSQL; undefined means SQLite. Carries a password: never log it. */
  readonly databaseUrl: string | undefined
  readonly blobs: 'memory' | 'disk'
  readonly durability: 'process' | 'power'
  readonly s3Dialect: 'aws' | 'ceph'
  /** Of a day in lifecycle rules. */
  readonly lifecycleDayMs: number
  readonly logLevel: LogLevel
  /** Absolute path; undefined means the default identity. */
  readonly identitiesFile: string | undefined
  /** Lower case. */
  readonly domains: readonly string[]
  readonly trustedProxies: readonly Network[]
}

export type CommandLine =
  | { readonly action: 'serve'; readonly config: Config }
  | { readonly action: 'help' }
  | { readonly action: 'version' }
  /** The caller prints the problems, one a line, and exits with 2. */
  | { readonly action: 'refuse'; readonly problems: readonly string[] }

export const defaultDataDir = '.mockfactory'

type Environment = Readonly<Record<string, string | undefined>>
/** A value as it was given, and by what: `--port` or `PORT`. */
interface Given {
  readonly source: string
  readonly text: string
}

const names = Object.keys(options) as OptionName[]
const nameOfFlag = new Map(names.map(name => [options[name].flag, name]))

/**
 * Reads the command line and the environment. Pure but for the files that `<VARIABLE>_FILE` names.
 * @param argv without the interpreter and the script
 * @param readText reads such a file; throws when it cannot
 */
export function parseConfig(
  argv: readonly string[],
  env: Environment,
  readText: (path: string) => string = path => readFileSync(path, 'utf8'),
): CommandLine {
  const problems: string[] = []
  const flags = readFlags(argv, problems)
  if (flags === 'help' || flags === 'version') return { action: flags }
  const given = new Map<OptionName, Given>()
  for (const name of names) {
    const found = flags.get(name) ?? readVariable(options[name], env, readText, problems)
    if (found !== undefined) given.set(name, found)
  }
  const values = parseValues(given, problems)
  yieldPorts(values, given)
  if (problems.length === 0) problems.push(...contradictions(values, given))
  if (problems.length > 0) return { action: 'refuse', problems }
  return { action: 'serve', config: freeze(configOf(values)) }
}

function readFlags(argv: readonly string[], problems: string[]): Map<OptionName, Given> | 'help' | 'version' {
  const flags = new Map<OptionName, Given>()
  if (argv.includes('--help')) return 'help'
  if (argv.includes('--version')) return 'version'
  let commands = 0
  for (let at = 0; at < argv.length; at++) {
    const argument = argv[at]!
    if (!argument.startsWith('-')) {
      const problem = commands++ > 0 ? `unexpected argument ${JSON.stringify(argument)}` : checkCommand(argument)
      if (problem !== undefined) problems.push(problem)
      continue
    }
    const equals = argument.indexOf('=')
    const source = equals < 0 ? argument : argument.slice(0, equals)
    const name = source.startsWith('--') ? nameOfFlag.get(source.slice(2)) : undefined
    if (name === undefined) {
      problems.push(`${source} is not an option (see --help)`)
      // What follows is its value rather than a command.
      if (equals < 0 && argv[at + 1]?.startsWith('-') === false) at++
      continue
    }
    const text = equals >= 0 ? argument.slice(equals + 1) : options[name].placeholder === '' ? 'true' : argv[at + 1]
    if (equals < 0 && options[name].placeholder !== '' && text !== undefined && !text.startsWith('--')) at++
    if (text === undefined || text === '' || (equals < 0 && text.startsWith('--')))
      problems.push(`${source} needs a value: ${source} ${options[name].placeholder}`)
    else if (flags.has(name)) problems.push(`${source} is given twice`)
    else flags.set(name, { source, text })
  }
  return flags
}

function checkCommand(command: string): string | undefined {
  if (command === 'gateway') return undefined
  if (command === 'provisioner') return 'provisioner is not available in this version'
  return `${JSON.stringify(command)} is not a command: there are gateway and provisioner`
}

function readVariable(
  option: Option<unknown>,
  env: Environment,
  readText: (path: string) => string,
  problems: string[],
): Given | undefined {
  const source = variableOf(option.flag)
  const text = env[source] ?? ''
  const fileSource = `${source}_FILE`
  const path = option.file === undefined ? '' : (env[fileSource] ?? '')
  if (text !== '' && path !== '') problems.push(`${source} and ${fileSource} are both set: keep one`)
  if (text !== '') return { source, text }
  if (path === '') return undefined
  if (option.file === 'path') return { source: fileSource, text: path }
  try {
    // Editors and `echo` end a file with a line feed.
    const value = readText(path).trim()
    if (value !== '') return { source: fileSource, text: value }
    problems.push(`${fileSource} names an empty file`)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable'
    problems.push(`${fileSource} names a file that cannot be read (${code}): ${path}`)
  }
  return undefined
}

function parseValues(given: ReadonlyMap<OptionName, Given>, problems: string[]): OptionValues {
  const values: Partial<Record<OptionName, unknown>> = {}
  for (const name of names) {
    const option: Option<unknown> = options[name]
    const found = given.get(name)
    const value = found === undefined ? option.fallback : option.parse(found.text)
    if (value instanceof Refusal) problems.push(`${found?.source} ${value.reason}`)
    else values[name] = value
  }
  // Complete unless a problem was pushed, and then it is not used.
  return values as OptionValues
}

/** What a message calls an option: as it was given, or its flag. */
function sourceOf(name: OptionName, given: ReadonlyMap<OptionName, Given>): string {
  return given.get(name)?.source ?? `--${options[name].flag}`
}

/** What each option allows by itself but not beside another one. */
function contradictions(values: OptionValues, given: ReadonlyMap<OptionName, Given>): string[] {
  const problems: string[] = []
  const source = (name: OptionName) => sourceOf(name, given)
  const clash = (name: OptionName, why: string) => problems.push(`${source('ephemeral')} and ${source(name)}: ${why}`)
  if (values.ephemeral) {
    if (given.has('dataDir')) clash('dataDir', 'nothing is kept in a directory when everything is in memory')
    if (given.has('databaseUrl')) clash('databaseUrl', 'the catalogue is either in memory or in PostgreSQL')
    if (values.blobs === 'disk') clash('blobs', 'the bytes would outlive the catalogue that names them')
    if (values.durability === 'power') clash('durability', 'memory does not survive power loss')
  } else if (values.blobs === 'memory')
    problems.push(`${source('blobs')} memory needs --ephemeral: the catalogue would outlive the bytes it names`)
  if ((values.tlsCert === undefined) !== (values.tlsKey === undefined)) {
    const [one, other] =
      values.tlsCert === undefined ? (['tlsKey', 'tlsCert'] as const) : (['tlsCert', 'tlsKey'] as const)
    problems.push(`${source(one)} goes with ${source(other)}, which is missing`)
  }
  if (!isLoopback(values.host) && values.identities === undefined)
    problems.push(
      `${source('host')} ${values.host} is reachable from other machines, where the published test/test must not ` +
        `work: give credentials of your own with ${source('identities')}, or listen on 127.0.0.1`,
    )
  problems.push(...portClashes(values, given))
  return problems
}

const portNames = ['port', 'tlsPort', 's3Port', 'sqsPort', 'gcsPort', 'azurePort', 'ociPort'] as const

function portClashes(values: OptionValues, given: ReadonlyMap<OptionName, Given>): string[] {
  const problems: string[] = []
  for (const [index, name] of portNames.entries())
    for (const other of portNames.slice(0, index))
      if (values[name] !== 0 && values[name] === values[other])
        problems.push(`${sourceOf(other, given)} and ${sourceOf(name, given)} are both ${values[name]}`)
  if (values.port === 0 && values.tlsPort === 0 && values.s3Port === 0)
    problems.push('--port, --tls-port and --s3-port are all off: nothing would be served')
  return problems
}

/** A default port makes room for one that was asked for: `--port 9000` alone is no mistake. */
function yieldPorts(values: OptionValues, given: ReadonlyMap<OptionName, Given>): void {
  const asked = new Set(portNames.filter(name => given.has(name)).map(name => values[name]))
  for (const name of portNames) if (!given.has(name) && asked.has(values[name])) values[name] = 0
}

const loopbackNetworks = new BlockList()
loopbackNetworks.addSubnet('127.0.0.0', 8, 'ipv4')
loopbackNetworks.addAddress('::1', 'ipv6')

/** `localhost` and its subdomains count: they resolve to loopback (RFC 6761, section 6.3). */
function isLoopback(host: string): boolean {
  const version = isIP(host)
  if (version === 0) return host === 'localhost' || host.endsWith('.localhost')
  return loopbackNetworks.check(host, version === 6 ? 'ipv6' : 'ipv4')
}

function configOf(values: OptionValues): Config {
  const { tlsCert, tlsKey } = values
  return {
    dataDir: values.ephemeral ? undefined : (values.dataDir ?? resolve(defaultDataDir)),
    host: values.host,
    loopback: isLoopback(values.host),
    ports: {
      edge: values.port,
      tls: values.tlsPort,
      s3: values.s3Port,
      sqs: values.sqsPort,
      gcs: values.gcsPort,
      azure: values.azurePort,
      oci: values.ociPort,
    },
    tls: tlsCert === undefined || tlsKey === undefined ? undefined : { certFile: tlsCert, keyFile: tlsKey },
    databaseUrl: values.databaseUrl,
    blobs: values.blobs ?? (values.ephemeral ? 'memory' : 'disk'),
    durability: values.durability,
    s3Dialect: values.s3Dialect,
    lifecycleDayMs: values.lifecycleDay * 1000,
    logLevel: values.logLevel,
    identitiesFile: values.identities,
    domains: values.domains,
    trustedProxies: values.trustedProxies,
  }
}

function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const inner of Object.values(value)) freeze(inner)
  return Object.freeze(value)
}
