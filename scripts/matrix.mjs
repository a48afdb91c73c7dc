// Writes docs/s3-operations.md from the table of operations, as it was last built.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const { renderMatrix } = await import(join(root, 'out', 'protocol', 's3', 'operation-matrix.js'))
mkdirSync(join(root, 'docs'), { recursive: true })
writeFileSync(join(root, 'docs', 's3-operations.md'), renderMatrix())
