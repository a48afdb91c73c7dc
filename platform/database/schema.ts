/**
 * Brings a database to this release's schema. schema.sql is one text for both engines; a line `-- version N` opens the
 * statements that lead from version N−1 to N. Table schema_version has one row per version applied.
 */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { all, type Database, one, run, script, sql, type Unit } from './unit.ts'

/** The database was written by a newer release, which this one cannot know. Nothing was changed. */
export class SchemaTooNew extends Error {
  override readonly name = 'SchemaTooNew'
  readonly found: number
  readonly known: number
  constructor(found: number, known: number) {
    super(`the database has schema version ${found}, newer than ${known}, the newest that this release knows`)
    this.found = found
    this.known = known
  }
}

export interface SchemaVersion {
  readonly version: number
  readonly text: string
}

const CURRENT = sql(`SELECT MAX(version) AS version FROM schema_version`)
const APPLIED = sql(`INSERT INTO schema_version (version) VALUES ($1)`)
const VERSION_TABLE = script(`CREATE TABLE IF NOT EXISTS schema_version (version BIGINT PRIMARY KEY)`)

/**
 * Applies the versions that the database lacks, all in one transaction under the engine's lock, so that any number of
 * processes may call it at once. When nothing is missing it costs one select.
 * @throws SchemaTooNew, DatabaseUnavailable
 */
export async function applySchema(
  database: Database,
  versions: readonly SchemaVersion[] = schemaVersions(),
): Promise<void> {
  const newest = versions.at(-1)?.version ?? 0
  if ((await currentVersion(database)) === newest) return
  await database.exclusive(() => upgrade(versions, newest))
}

/** Undefined when the database is empty: then there is no such table, which an engine answers as a failed statement. */
async function currentVersion(database: Database): Promise<number | undefined> {
  try {
    return await database.read(current)
  } catch {
    return undefined
  }
}

function* current(): Unit<number> {
  return (yield* one<{ version: number | null }>(CURRENT, []))?.version ?? 0
}

function* upgrade(versions: readonly SchemaVersion[], newest: number): Unit<void> {
  yield* run(VERSION_TABLE, [])
  const found = yield* current()
  if (found > newest) throw new SchemaTooNew(found, newest)
  for (const { version, text } of versions) {
    if (version <= found) continue
    yield* all(script(text), [])
    yield* run(APPLIED, [version])
  }
}

/** Splits a schema's text into its versions, ascending from 1. Throws when one is missing or out of order. */
export function parseSchema(text: string): readonly SchemaVersion[] {
  const [, ...pieces] = text.split(/^-- version (\d+)[ \t]*$/m)
  const versions: SchemaVersion[] = []
  for (let i = 0; i < pieces.length; i += 2) {
    const version = Number(pieces[i])
    if (version !== versions.length + 1) throw new Error(`schema version ${version} stands out of order`)
    versions.push({ version, text: pieces[i + 1] ?? '' })
  }
  if (versions.length === 0) throw new Error('the schema has no version')
  return versions
}

let ours: readonly SchemaVersion[] | undefined
function schemaVersions(): readonly SchemaVersion[] {
  ours ??= parseSchema(readFileSync(findSchema(dirname(fileURLToPath(import.meta.url))), 'utf8'))
  return ours
}

/** schema.sql stands at the root of the package: two folders above the source of this module, three above its build. */
function findSchema(folder: string): string {
  for (let above = folder; ; above = dirname(above)) {
    const candidate = join(above, 'schema.sql')
    if (existsSync(candidate)) return candidate
    if (dirname(above) === above) throw new Error(`no schema.sql in any folder above ${folder}`)
  }
}
