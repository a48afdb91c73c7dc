/**
 * Where small bodies belong, measured on SQLite alone: in a table of their own (`blobs`), or in the row of the object,
 * and the objects in a table ordered by key or with a separate index (`rowid`). Microseconds of CPU per operation.
 *     node out/bench/micro/store-layout.js [objects=200000]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'

const objects = Number(process.argv[2] ?? 200_000)
const folder = mkdtempSync(join(tmpdir(), 'mockfactory-bench-'))
const body = Buffer.alloc(1024, 'x')
const columns = ['seq', 'size', 'blob_id', 'place', 'etag', 'modified_at', 'owner_id', 'storage_class', 'parts']
const texts = ['checksum_type', 'checksums', 'headers', 'metadata']
const keyOf = (i: number) => `data/${((i * 2654435761) >>> 0).toString(16).padStart(8, '0')}/object-${i}`
const random = (n: number) => Math.floor(Math.random() * n)

function measure(layout: string, withBody: boolean, rowid: boolean): void {
  const db = new Database(join(folder, `${layout}.db`))
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = NORMAL')
  db.pragma('cache_size = -16384')
  const names = [...columns, ...texts, ...(withBody ? ['data'] : [])]
  db.exec(`CREATE TABLE objects (bucket_id INTEGER, key TEXT, ${names.join()}, PRIMARY KEY (bucket_id, key))
    ${rowid ? '' : 'WITHOUT ROWID'};
    CREATE TABLE blobs (id INTEGER PRIMARY KEY, place INTEGER, size INTEGER, refs INTEGER, data BLOB);`)
  const select = db.prepare<unknown[], { blob_id: number }>(
    'SELECT blob_id FROM objects WHERE bucket_id = 1 AND key = ?',
  )
  const save = db.prepare(`INSERT INTO objects VALUES (1, ?, ${names.map(() => '?').join()})
    ON CONFLICT DO UPDATE SET ${names.map(name => `${name} = excluded.${name}`).join()}`)
  const insert = db.prepare('INSERT INTO blobs VALUES (?, 0, 1024, 1, ?)')
  const overwrite = db.prepare('UPDATE blobs SET data = ? WHERE id = ? AND refs = 1')
  const remove = db.prepare('DELETE FROM blobs WHERE id = ? AND refs = 1')
  const find = db.prepare(
    withBody
      ? 'SELECT * FROM objects WHERE bucket_id = 1 AND key = ?'
      : 'SELECT o.*, b.data FROM objects o LEFT JOIN blobs b ON b.id = o.blob_id WHERE bucket_id = 1 AND key = ?',
  )
  const list = db.prepare(`SELECT key, size, etag, modified_at, storage_class, owner_id, checksum_type, checksums
    FROM objects WHERE bucket_id = 1 AND key > ? ORDER BY key LIMIT 1000`)
  const batch = db.transaction((from: number, to: number, each: (i: number) => void) => {
    for (let i = from; i < to; i++) each(i)
  })
  let lastId = 0
  function put(key: string, inPlace: boolean): void {
    const old = select.get(key)
    const reused = inPlace && !withBody && old !== undefined
    const id = reused ? old.blob_id : ++lastId
    if (reused) overwrite.run(body, id)
    else if (!withBody) insert.run(id, body)
    const values = [id, 1024, id, 0, '0f343b0931126a20f133d67c2b018a3b', Date.now(), 1, 'STANDARD', 0]
    const documents = ['FULL_OBJECT', '{"crc32":"AAAAAA=="}', '{"content-type":"binary/octet-stream"}', null]
    save.run(key, ...values, ...documents, ...(withBody ? [body] : []))
    if (old !== undefined && !reused && !withBody) remove.run(old.blob_id)
  }
  const time = (what: string, count: number, together: number, each: (i: number) => void) => {
    const before = process.cpuUsage()
    for (let i = 0; i < count; i += together) {
      if (together > 1) batch(i, Math.min(i + together, count), each)
      else each(i)
    }
    const { user, system } = process.cpuUsage(before)
    const us = ((user + system) / count).toFixed(1)
    process.stdout.write(`${layout.padEnd(28)} ${what.padEnd(24)} ${us.padStart(8)} µs\n`)
  }
  time(`fill ${objects}`, objects, 50, i => put(keyOf(i), false))
  time('put, new key', 20_000, 50, i => put(keyOf(objects + i), false))
  time('put over another', 20_000, 50, () => put(keyOf(random(objects)), false))
  time('put over, in place', 20_000, 50, () => put(keyOf(random(objects)), true))
  time('get', 50_000, 1, () => find.get(keyOf(random(objects))))
  time('list 1,000', 200, 1, () => list.all(keyOf(random(objects))))
  db.close()
}

measure('blobs apart, by key', false, false)
measure('blobs apart, rowid', false, true)
measure('in the object, by key', true, false)
measure('in the object, rowid', true, true)
rmSync(folder, { recursive: true })
