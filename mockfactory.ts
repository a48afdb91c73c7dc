#!/usr/bin/env node
/** The command: reads the configuration, starts the gateway, prints where it is, and drains on SIGTERM or SIGINT. */
import { parseConfig } from './platform/config.ts'
import { helpText, versionText } from './platform/options-help.ts'

const commandLine = parseConfig(process.argv.slice(2), process.env)
switch (commandLine.action) {
  case 'help':
    process.stdout.write(helpText())
    break
  case 'version':
    process.stdout.write(`${versionText()}\n`)
    break
  case 'refuse':
    for (const problem of commandLine.problems) process.stderr.write(`mockfactory: ${problem}\n`)
    process.exitCode = 2
    break
  case 'serve': {
    // Loaded only now: --help and a refused option need none of it.
    const { serve } = await import('./gateway/serve.ts')
    process.exitCode = await serve(commandLine.config)
  }
}
