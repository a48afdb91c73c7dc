/** The gateway as a foreground process: start, tell where it is, drain on a signal. */
import type { Config } from '../platform/config.ts'
import { SchemaTooNew } from '../platform/database/schema.ts'
import { DatabaseUnavailable } from '../platform/database/unit.ts'
import { createLogger } from '../platform/log.ts'
import { IdentitiesInvalid } from './identities-file.ts'
import { MasterKeyUnusable } from './keys/master.ts'
import { PortTaken } from './server.ts'
import { type Gateway, startGateway } from './start.ts'

/** In-flight requests may take this long to finish once draining began. */
const drainMs = 30_000
/** Whose message says all that helps. */
const expectedErrors = [PortTaken, SchemaTooNew, DatabaseUnavailable, MasterKeyUnusable]

/** Serves until a signal ends it. Answers the process's exit code: 0 drained, 1 could not start, 2 bad configuration. */
export async function serve(config: Config): Promise<number> {
  const logger = createLogger({ level: config.logLevel })
  let gateway: Gateway
  try {
    gateway = await startGateway(config, logger)
  } catch (error) {
    if (error instanceof IdentitiesInvalid) {
      for (const problem of error.problems) process.stderr.write(`mockfactory: ${problem}\n`)
      return 2
    }
    const expected = expectedErrors.some(kind => error instanceof kind)
    const text = error instanceof Error ? (expected ? error.message : error.stack) : String(error)
    process.stderr.write(`mockfactory: ${text}\n`)
    return 1
  }
  process.stdout.write(banner(config, gateway))
  const signal = await new Promise<string>(resolve => {
    process.once('SIGTERM', resolve)
    process.once('SIGINT', resolve)
  })
  logger.info({ signal }, 'draining')
  // A second signal does not wait.
  process.once('SIGTERM', () => process.exit(1))
  process.once('SIGINT', () => process.exit(1))
  await gateway.drain(drainMs)
  logger.info('stopped')
  await new Promise<void>(resolve => logger.flush(() => resolve()))
  return 0
}

function banner(config: Config, gateway: Gateway): string {
  const edge = `http://${config.loopback ? 'localhost' : config.host}:${config.ports.edge}`
  const lines = ['MockFactory is ready.', '']
  for (const { name, url } of gateway.addresses) lines.push(`  ${name.padEnd(10)} ${url}`)
  lines.push(`  ${'data'.padEnd(10)} ${config.dataDir ?? 'in memory'}`)
  if (gateway.authorityFile !== undefined)
    lines.push(`  ${'authority'.padEnd(10)} ${gateway.authorityFile} (for TLS clients to trust)`)
  lines.push('')
  if (config.identitiesFile === undefined)
    lines.push(
      '  Credentials: access key test, secret key test, region us-east-1, account 000000000000',
      '',
      '  Try it:',
      `  AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1 aws --endpoint-url ${edge} s3 mb s3://hello`,
      '',
    )
  return `${lines.join('\n')}\n`
}
