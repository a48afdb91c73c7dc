import { resolve } from 'node:path'
import t from 'tap'
import { type Config, parseConfig } from '../../platform/config.ts'
import { options, variableOf } from '../../platform/options.ts'
import { helpText, versionText } from '../../platform/options-help.ts'

const noFiles = (path: string): string => {
  throw Object.assign(new Error('no such file'), { code: 'ENOENT', path })
}

function accept(argv: readonly string[], env: Record<string, string> = {}, readText = noFiles): Config {
  const line = parseConfig(argv, env, readText)
  if (line.action !== 'serve') throw new Error(JSON.stringify(line))
  return line.config
}

function refuse(argv: readonly string[], env: Record<string, string> = {}, readText = noFiles): readonly string[] {
  const line = parseConfig(argv, env, readText)
  if (line.action !== 'refuse') throw new Error(`accepted: ${JSON.stringify(line)}`)
  return line.problems
}

t.test('parseConfig: nothing given → the defaults', async t => {
  t.strictSame(accept([]), {
    dataDir: resolve('.mockfactory'),
    host: '127.0.0.1',
    loopback: true,
    ports: { edge: 4566, tls: 4567, s3: 9000, sqs: 9324, gcs: 4443, azure: 10000, oci: 12000 },
    tls: undefined,
    databaseUrl: undefined,
    blobs: 'disk',
    durability: 'process',
    s3Dialect: 'aws',
    lifecycleDayMs: 86_400_000,
    logLevel: 'info',
    identitiesFile: undefined,
    domains: [],
    trustedProxies: [],
  })
  t.strictSame(accept(['gateway']), accept([]))
})

t.test('parseConfig: a value → frozen to the depth', async t => {
  const config = accept(['--domains', 'a.test', '--trusted-proxies', '10.0.0.1'])
  for (const value of [config, config.ports, config.domains, config.trustedProxies, config.trustedProxies[0]])
    t.ok(Object.isFrozen(value))
  t.throws(() => Object.assign(config.ports, { edge: 1 }), TypeError)
})

t.test('parseConfig: --name value, --name=value and the variable → the same', async t => {
  t.equal(accept(['--port', '5000']).ports.edge, 5000)
  t.equal(accept(['--port=5000']).ports.edge, 5000)
  t.equal(accept([], { PORT: '5000' }).ports.edge, 5000)
  t.equal(accept(['--port', '5000'], { PORT: '6000' }).ports.edge, 5000, 'the flag wins')
  t.equal(accept([], { PORT: '' }).ports.edge, 4566, 'an empty variable is none')
  t.equal(accept(['--database-url=postgresql://h/d?a=b']).databaseUrl, 'postgresql://h/d?a=b')
})

t.test('parseConfig: every option → its variable is read', async t => {
  const samples: Record<string, string> = {
    dataDir: 'dir',
    ephemeral: 'maybe',
    host: 'bad host',
    databaseUrl: 'mysql://x',
    redisUrl: 'redis://x',
    blobs: 'tape',
    durability: 'none',
    lifecycleDay: '0',
    logLevel: 'loud',
    identities: 'file',
    domains: '-',
    trustedProxies: 'x',
  }
  const accepted = new Set(['dataDir', 'identities', 'tlsCert', 'tlsKey'])
  for (const [name, option] of Object.entries(options)) {
    const variable = variableOf(option.flag)
    if (accepted.has(name)) continue
    const [problem, ...others] = refuse([], { [variable]: samples[name] ?? '70000' })
    t.match(problem, new RegExp(`^${variable} `), variable)
    t.strictSame(others, [])
  }
  t.equal(accept([], { DATA_DIR: '/d' }).dataDir, '/d')
  t.equal(accept([], { IDENTITIES: '/i' }).identitiesFile, '/i')
  t.strictSame(accept([], { TLS_CERT: '/c', TLS_KEY: '/k' }).tls, { certFile: '/c', keyFile: '/k' })
})

t.test('parseConfig: --ephemeral → everything in memory', async t => {
  const { dataDir, blobs } = accept(['--ephemeral'])
  t.strictSame({ dataDir, blobs }, { dataDir: undefined, blobs: 'memory' })
  t.equal(accept(['--ephemeral', '--port', '1']).dataDir, undefined, 'the switch takes no value')
  t.equal(accept(['--ephemeral=true']).dataDir, undefined)
  t.equal(accept(['--ephemeral=no'], { EPHEMERAL: '1' }).blobs, 'disk')
  for (const text of ['1', 'true', 'YES', 'on']) t.equal(accept([], { EPHEMERAL: text }).blobs, 'memory', text)
  for (const text of ['0', 'false', 'no', 'Off']) t.equal(accept([], { EPHEMERAL: text }).blobs, 'disk', text)
})

t.test('parseConfig: numbers, words and names out of form → refused by name', async t => {
  for (const text of ['x', '-1', '65536', '1.5', '0x10', ' 80', '1e3', '99999999999999999999'])
    t.strictSame(refuse([`--port=${text}`]), [
      `--port must be a port, 1 to 65535, or 0 for off, not ${JSON.stringify(text)}`,
    ])
  t.strictSame(refuse(['--log-level', 'loud']), [
    '--log-level must be one of silent, fatal, error, warn, info, debug, trace, not "loud"',
  ])
  t.match(refuse(['--durability', 'disk']), [/^--durability must be one of process, power/])
  for (const host of ['256.1.1.1', '1.2.3', 'a b', 'http://x', '-x', ''])
    t.match(refuse([`--host=${host}`]), [/^--host /], host)
  t.equal(refuse([`--log-level=${'x'.repeat(9999)}\n`])[0]!.includes('\n'), false)
  t.ok(refuse([`--log-level=${'x'.repeat(9999)}`])[0]!.length < 200)
})

t.test('parseConfig: an unknown option, command or argument → refused', async t => {
  t.strictSame(refuse(['--prot', '5000']), ['--prot is not an option (see --help)'])
  t.strictSame(refuse(['5000']), ['"5000" is not a command: there are gateway and provisioner'])
  t.strictSame(refuse(['-p']), ['-p is not an option (see --help)'])
  t.strictSame(refuse(['--']), ['-- is not an option (see --help)'])
  t.strictSame(refuse(['--constructor=1']), ['--constructor is not an option (see --help)'])
  t.strictSame(refuse(['gateway', 'gateway']), ['unexpected argument "gateway"'])
  t.strictSame(refuse(['provisioner']), ['provisioner is not available in this version'])
})

t.test('parseConfig: an option without a value, or twice → refused', async t => {
  t.strictSame(refuse(['--port']), ['--port needs a value: --port PORT'])
  t.strictSame(refuse(['--data-dir', '--port', '5000']), ['--data-dir needs a value: --data-dir DIR'])
  t.strictSame(refuse(['--data-dir=']), ['--data-dir needs a value: --data-dir DIR'])
  t.strictSame(refuse(['--port', '1', '--port=2']), ['--port is given twice'])
  t.strictSame(refuse(['--ephemeral', '--ephemeral']), ['--ephemeral is given twice'])
})

t.test('parseConfig: several mistakes → all of them, one a line', async t => {
  t.strictSame(refuse(['--nothing', '--port', 'x'], { DURABILITY: 'y' }), [
    '--nothing is not an option (see --help)',
    '--port must be a port, 1 to 65535, or 0 for off, not "x"',
    'DURABILITY must be one of process, power, not "y"',
  ])
})

t.test('parseConfig: what contradicts → refused, both named', async t => {
  const url = 'postgresql://u:secret@h/d'
  t.match(refuse(['--ephemeral', '--data-dir', 'x']), [/^--ephemeral and --data-dir: /])
  t.match(refuse(['--ephemeral'], { DATA_DIR: 'x' }), [/^--ephemeral and DATA_DIR: /])
  t.match(refuse(['--database-url', url], { EPHEMERAL: '1' }), [/^EPHEMERAL and --database-url: /])
  t.match(refuse(['--ephemeral', '--blobs', 'disk']), [/^--ephemeral and --blobs: /])
  t.match(refuse(['--ephemeral', '--durability', 'power']), [/^--ephemeral and --durability: /])
  t.match(refuse(['--blobs', 'memory']), [/^--blobs memory needs --ephemeral/])
  t.strictSame(refuse(['--tls-cert', 'c']), ['--tls-cert goes with --tls-key, which is missing'])
  t.strictSame(refuse([], { TLS_KEY: 'k' }), ['TLS_KEY goes with --tls-cert, which is missing'])
  t.equal(accept(['--ephemeral', '--blobs', 'memory', '--durability', 'process']).blobs, 'memory')
  t.equal(accept(['--data-dir', '/x', '--database-url', url]).databaseUrl, url)
})

t.test('parseConfig: what this version lacks → refused, not ignored', async t => {
  t.strictSame(refuse(['--redis-url', 'redis://localhost']), ['--redis-url is not available in this version'])
  t.strictSame(refuse([], { REDIS_URL: 'redis://localhost' }), ['REDIS_URL is not available in this version'])
  t.strictSame(refuse(['--blobs', 'oci']), ['--blobs oci is not available in this version'])
})

t.test('parseConfig: ports → moved, off, never twice the same', async t => {
  t.equal(accept(['--sqs-port', '0', '--oci-port=0']).ports.sqs, 0)
  t.strictSame(refuse(['--port', '9000', '--s3-port', '9000']), ['--port and --s3-port are both 9000'])
  const { edge, s3 } = accept(['--port', '9000']).ports
  t.strictSame({ edge, s3 }, { edge: 9000, s3: 0 }, 'a default makes room')
  t.strictSame(refuse(['--azure-port=7000'], { GCS_PORT: '7000' }), ['GCS_PORT and --azure-port are both 7000'])
  t.match(refuse(['--port=0', '--s3-port=0', '--tls-port=0']), [/nothing would be served/])
  t.equal(accept(['--port=0']).ports.edge, 0)
})

t.test('parseConfig: another host than loopback → needs identities of its own', async t => {
  for (const host of ['0.0.0.0', '::', '192.168.1.2', 'example.test', '::ffff:10.0.0.1', 'localhost.example.test']) {
    t.match(refuse(['--host', host]), [/^--host .* reachable from other machines.*--identities/], host)
    t.equal(accept(['--host', host, '--identities', 'f']).loopback, false, host)
  }
  for (const host of [
    '127.0.0.1',
    '127.9.9.9',
    '::1',
    '[::1]',
    'localhost',
    'LOCALHOST',
    'a.localhost',
    '::ffff:127.0.0.1',
  ])
    t.equal(accept(['--host', host]).loopback, true, host)
  t.equal(accept(['--host', '[::1]']).host, '::1')
})

t.test('parseConfig: domains and proxies → lists, checked one by one', async t => {
  t.strictSame(accept(['--domains', ' S3.Example.Test , b.test.,']).domains, ['s3.example.test', 'b.test'])
  for (const bad of ['*.x.test', 'a..b', 'x:80', '10.0.0.1', 'a_b', `${'a'.repeat(64)}.test`, 'http://a'])
    t.match(refuse(['--domains', `ok.test,${bad}`]), [/^--domains must name domains/], bad)
  t.strictSame(accept(['--trusted-proxies', '10.0.0.0/8,::1, 192.168.0.1']).trustedProxies, [
    { address: '10.0.0.0', prefixBits: 8, family: 'ipv4' },
    { address: '::1', prefixBits: 128, family: 'ipv6' },
    { address: '192.168.0.1', prefixBits: 32, family: 'ipv4' },
  ])
  for (const bad of [
    '10.0.0.0/33',
    '10.0.0/8',
    '::/129',
    '::1/',
    '1.1.1.1/8/8',
    'fe80::1%eth0',
    'proxy.test',
    '1.1.1.1/-1',
  ])
    t.match(refuse(['--trusted-proxies', bad]), [/^--trusted-proxies must be addresses or ranges/], bad)
})

t.test('parseConfig: <VARIABLE>_FILE → the secret in the file', async t => {
  const read = (path: string) =>
    path === '/run/url' ? 'postgresql://u:p@h/d\n' : path === '/run/empty' ? '\n' : noFiles(path)
  t.equal(accept([], { DATABASE_URL_FILE: '/run/url' }, read).databaseUrl, 'postgresql://u:p@h/d')
  t.equal(
    accept(['--database-url=postgresql://h/e'], { DATABASE_URL_FILE: '/run/none' }, read).databaseUrl,
    'postgresql://h/e',
  )
  t.strictSame(refuse([], { DATABASE_URL_FILE: '/run/none' }, read), [
    'DATABASE_URL_FILE names a file that cannot be read (ENOENT): /run/none',
  ])
  t.strictSame(refuse([], { DATABASE_URL_FILE: '/run/empty' }, read), ['DATABASE_URL_FILE names an empty file'])
  t.strictSame(refuse([], { DATABASE_URL_FILE: '/run/url', DATABASE_URL: 'postgresql://h/d' }, read), [
    'DATABASE_URL and DATABASE_URL_FILE are both set: keep one',
  ])
  t.strictSame(refuse([], { REDIS_URL_FILE: '/run/url' }, read), ['REDIS_URL_FILE is not available in this version'])
  const paths = accept([], { TLS_CERT_FILE: '/c', TLS_KEY_FILE: '/k', IDENTITIES_FILE: '/i' })
  t.strictSame([paths.tls?.certFile, paths.tls?.keyFile, paths.identitiesFile], ['/c', '/k', '/i'])
  t.equal(accept([], { PORT_FILE: '/run/url' }, read).ports.edge, 4566, 'a port is no secret')
})

t.test('parseConfig: a database URL out of form → refused without its password', async t => {
  const problems = refuse(['--database-url', 'mysql://user:hunter2@host/db'])
  t.strictSame(problems, ['--database-url must begin with postgresql://'])
})

t.test('parseConfig: --help and --version → whatever else is there', async t => {
  t.strictSame(parseConfig(['--nonsense', '--help'], {}), { action: 'help' })
  t.strictSame(parseConfig(['gateway', '--version'], { PORT: 'x' }), { action: 'version' })
})

t.test('helpText: every option → its flag, default and what is not there yet', async t => {
  const help = helpText()
  for (const { flag } of Object.values(options)) {
    t.equal(help.split('\n').filter(line => line.startsWith(`  --${flag} `)).length, 1, flag)
  }
  for (const flag of ['sqs-port', 'gcs-port', 'azure-port', 'oci-port'])
    t.match(help, new RegExp(`--${flag} .*not served yet`), flag)
  t.match(help, /--redis-url .*not available in this version/)
  t.match(help, /--blobs .*oci \(not available in this version\)/)
  t.match(help, /--port PORT .*\[4566\]\n/)
  t.notMatch(help, /undefined|\[\]/)
  for (const line of help.split('\n')) t.ok(line.length <= 120, line)
})

t.test('versionText: → the version of package.json', async t => {
  t.match(versionText(), /^\d+\.\d+\.\d+/)
})
