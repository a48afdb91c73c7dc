#!/usr/bin/env node
/** The command: reads the configuration, starts the gateway, prints where it is, and drains on SIGTERM or SIGINT. */
import { setFlagsFromString } from 'node:v8'
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
    // The way of a request is many small functions: with V8's own limits (460 and 920 bytes of bytecode) too few of them
    // become one, and a GET takes a tenth longer.
    setFlagsFromString('--max-inlined-bytecode-size=1000')
    setFlagsFromString('--max-inlined-bytecode-size-cumulative=4000')
    // Loaded only now: --help and a refused option need none of it.
    const { serve } = await import('./gateway/serve.ts')
    process.exitCode = await serve(commandLine.config)
  }
}
