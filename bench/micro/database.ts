/**
 * What a unit of work costs on SQLite, in microseconds: medians of rounds in alternating order, in one process.
 *
 *     node out/bench/micro/database.js [--json] [--rounds 7] [--folder DIR]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openDatabase } from '../../platform/database/index.ts'
import { all, type Database, one, Rollback, run, sql, type Unit } from '../../platform/database/unit.ts'

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '7' },
    folder: { type: 'string', default: tmpdir() },
  },
})

const FIND = sql(`SELECT o.size, o.etag, o.headers, o.metadata, o.modified_at, b.place, b.data
  FROM objects o LEFT JOIN blobs b ON b.id = o.blob_id WHERE o.bucket_id = $1 AND o.key = $2`)
const HEAD = sql(`SELECT size, etag FROM objects WHERE bucket_id = $1 AND key = $2`)
const CURRENT = sql(`SELECT seq, blob_id FROM objects WHERE bucket_id = $1 AND key = $2 FOR UPDATE`)
const KEEP = sql(`INSERT INTO blobs (id, place, size, refs, data) VALUES ($1, 0, $2, 1, $3)`)
const UNREF = sql(`UPDATE blobs SET refs = refs - 1 WHERE id = $1`)
const SAVE = sql(`INSERT INTO objects
  (bucket_id, key, seq, size, blob_id, etag, modified_at, owner_id, storage_class, parts, headers)
  VALUES ($1, $2, $3, $4, $5, $6, $7, 1, 'STANDARD', 0, $8)
  ON CONFLICT (bucket_id, key) DO UPDATE SET seq = excluded.seq, size = excluded.size, blob_id = excluded.blob_id,
    etag = excluded.etag, modified_at = excluded.modified_at, headers = excluded.headers`)
const COUNT = sql(`SELECT COUNT(*) AS n FROM objects WHERE bucket_id = $1`)

const bytes = Buffer.alloc(1024, 'x')
const etag = '9e107d9d372bb6826bd81d3542a419d6'
const headers = '{"content-type":"binary/octet-stream"}'
const distinct = 20_000
let nextBlob = 1
let turn = 0

function key(n: number): string {
  return `some/prefix/object-${(n * 7919) % distinct}`
}

function* put(n: number, keep: boolean): Unit<Rollback<number> | number> {
  const current = yield* one<{ seq: number; blob_id: number }>(CURRENT, [1, key(n)])
  const blob = nextBlob++
  yield* run(KEEP, [blob, bytes.length, bytes])
  if (current !== undefined) yield* run(UNREF, [current.blob_id])
  const now = Date.now()
  yield* run(SAVE, [1, key(n), now * 1000 + n, bytes.length, blob, etag, now, headers])
  return keep ? blob : new Rollback(0)
}
function* find(n: number, statement = FIND): Unit<number> {
  const row = yield* one<{ size: number }>(statement, [1, key(n)])
  return row?.size ?? 0
}
function* findTwice(n: number): Unit<number> {
  yield* all(COUNT_NONE, [0])
  return yield* find(n)
}
const COUNT_NONE = sql(`SELECT id FROM buckets WHERE id = $1`)

type Case = (database: Database) => Promise<number> | number

/** Answers microseconds per unit. */
function reads(unit: (n: number) => Unit<number>, count = 20_000): Case {
  return database => {
    const start = performance.now()
    for (let i = 0; i < count; i++) {
      const n = turn++
      void database.read(() => unit(n))
    }
    return ((performance.now() - start) * 1000) / count
  }
}
function writes(together: number, keep = true, count = 4_096): Case {
  return async database => {
    const start = performance.now()
    for (let i = 0; i < count; i += together) {
      await Promise.all(Array.from({ length: together }, (_, j) => database.write(() => put(turn + j, keep))))
      turn += together
    }
    return ((performance.now() - start) * 1000) / count
  }
}

const cases: Record<string, Case> = {
  'read: one select of a row': reads(n => find(n, HEAD)),
  'read: object with its 1 KiB blob': reads(n => find(n)),
  'read: two selects on one snapshot': reads(findTwice),
  'write 1 KiB: alone': writes(1, true, 1024),
  'write 1 KiB: 16 in a batch': writes(16),
  'write 1 KiB: 64 in a batch': writes(64),
  'write 1 KiB: 16 in a batch, all rolled back': writes(16, false),
}

async function measure(database: Database): Promise<Map<string, number[]>> {
  const results = new Map<string, number[]>()
  for (let n = 0; n < distinct; n += 64) {
    await Promise.all(Array.from({ length: 64 }, (_, j) => database.write(() => put(n + j, true))))
  }
  for (let round = -1; round < Number(options.rounds); round++) {
    const names = Object.keys(cases)
    for (const name of round % 2 === 0 ? names : names.reverse()) {
      const microseconds = await cases[name]!(database)
      if (round >= 0) results.set(name, [...(results.get(name) ?? []), microseconds])
    }
  }
  const { n } = (await database.read(() => one<{ n: number }>(COUNT, [1])))!
  if (n !== distinct) throw new Error(`${n} objects instead of ${distinct}`)
  return results
}

const folder = mkdtempSync(join(options.folder, 'mockfactory-bench-'))
const table: { engine: string; case: string; medianUs: number; worstUs: number }[] = []
try {
  for (const engine of ['file', 'memory', 'file, power'] as const) {
    const database = await openDatabase({
      file: join(folder, `${engine}.db`),
      ephemeral: engine === 'memory',
      durability: engine === 'file, power' ? 'power' : 'process',
    })
    nextBlob = 1
    turn = 0
    for (const [name, rounds] of await measure(database)) {
      const sorted = rounds.toSorted((a, b) => a - b)
      const round = (n: number): number => Math.round(n * 10) / 10
      table.push({
        engine,
        case: name,
        medianUs: round(sorted[sorted.length >> 1]!),
        worstUs: round(sorted.at(-1)!),
      })
    }
    await database.close()
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
if (options.json) console.log(JSON.stringify({ node: process.version, cpu: cpus()[0]?.model, results: table }))
else console.table(table)
