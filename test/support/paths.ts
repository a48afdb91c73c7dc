/** Where things are, whatever folder the tests were compiled into. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The root of the compiled program: `out/`, or wherever `--outDir` pointed. */
export const outRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** The folder with package.json and the sources; the working directory when compiled elsewhere. */
export const projectRoot = existsSync(join(dirname(outRoot), 'package.json')) ? dirname(outRoot) : process.cwd()

/** The built server. MOCKFACTORY_BIN names another build. */
export const serverBinary = process.env['MOCKFACTORY_BIN'] ?? join(outRoot, 'bin', 'mockfactory.js')
