import fc from 'fast-check'
import t from 'tap'
import type { ListQuery } from '../../gateway/store/contract.ts'
import { listObjects } from '../../gateway/store/listing.ts'
import { createUpload, listUploads } from '../../gateway/store/uploads.ts'
import { run, sql, type Unit } from '../../platform/database/unit.ts'
import { Fault } from '../../protocol/fault.ts'
import { onBothEngines } from './engines.ts'
import { plain, startMs, World } from './store-world.ts'

const FILL = sql(`
  INSERT INTO objects (bucket_id, key, seq, size, etag, modified_at, owner_id, storage_class, parts, headers)
  VALUES ($1, $2, 1, 0, 'e', 1, 1, 'STANDARD', 0, '{}')`)
const CLEAR = sql(`DELETE FROM objects WHERE bucket_id = $1`)
const BUCKET = sql(`SELECT id FROM buckets WHERE name = $1`)

const everything: ListQuery = { prefix: '', delimiter: '', after: '', limit: 1000 }
type Page = { keys: string[]; prefixes: string[]; truncated: boolean; last: string }

/** Runs a unit and tells how many statements it took. */
function* counted<T>(unit: Unit<T>, tell: (statements: number) => void): Unit<T> {
  let statements = 0
  let result = unit.next()
  while (result.done !== true) {
    statements++
    result = unit.next(yield result.value)
  }
  tell(statements)
  return result.value
}

/** What S3 documents, the slow way: over all keys, in the order of their bytes. */
function expected(keys: readonly string[], { prefix, delimiter, after, afterIs, limit }: ListQuery): Page {
  const order = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))
  const entries: { name: string; isPrefix: boolean }[] = []
  for (const key of [...new Set(keys)].sort(order)) {
    if (!key.startsWith(prefix) || order(key, after) <= 0) continue
    const at = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
    const name = at < 0 ? key : key.slice(0, at + delimiter.length)
    if (at >= 0 && entries.at(-1)?.name === name) continue
    if (at >= 0 && afterIs !== 'key' && after.startsWith(name)) continue
    entries.push({ name, isPrefix: at >= 0 })
  }
  const page = entries.slice(0, limit)
  return {
    keys: page.filter(entry => !entry.isPrefix).map(entry => entry.name),
    prefixes: page.filter(entry => entry.isPrefix).map(entry => entry.name),
    truncated: limit > 0 && entries.length > limit,
    last: page.at(-1)?.name ?? '',
  }
}

await onBothEngines(t, async (t, engine) => {
  const world = await World.open(t, engine)
  const { database } = world
  await world.createBucket()
  const { id } = (await database.read(function* () {
    return (yield { statement: BUCKET, values: ['bucket'] }).rows[0] as { id: number }
  }))!
  const fill = (keys: Iterable<string>) =>
    database.write(function* () {
      yield* run(CLEAR, [id])
      for (const key of new Set(keys)) yield* run(FILL, [id, key])
    })
  let statements = 0
  const list = async (query: Partial<ListQuery>): Promise<Page> => {
    const unit = () =>
      counted(listObjects(world.bucket(), { ...everything, ...query }), n => {
        statements = n
      })
    const page = await database.read(unit)
    if (page instanceof Fault) throw new Error(page.code)
    const { entries, commonPrefixes, truncated, last } = page
    return { keys: entries.map(entry => entry.key), prefixes: [...commonPrefixes], truncated, last }
  }

  await t.test('entries', async t => {
    await world.put('k', 'value')
    const page = await database.read(() => listObjects(world.bucket(), everything))
    t.match(page, {
      entries: [
        {
          key: 'k',
          sizeBytes: 5,
          etag: 'etag of 5',
          modifiedAtMs: startMs,
          storageClass: 'STANDARD',
          ownerId: world.identityId,
          checksumType: undefined,
          checksumNames: [],
        },
      ],
      commonPrefixes: [],
      truncated: false,
      last: 'k',
    })
    t.match(await database.read(() => listObjects(world.bucket('none'), everything)), { code: 'bucket-missing' })
    t.same(
      await list({ limit: 0 }),
      { keys: [], prefixes: [], truncated: false, last: '' },
      'max-keys=0 → empty, whole',
    )
  })

  await t.test('order is that of UTF-8 bytes', async t => {
    const keys = [
      'a',
      'é',
      '\uffee',
      '\u{1f600}',
      'Z',
      '~',
      'a\u{1f600}',
      'a\uffee',
      '\u{10ffff}',
      '\u{10ffff}\u{10ffff}',
      '\ud7ff',
      '\ue000',
    ]
    await fill(keys)
    t.same(await list({}), expected(keys, everything))
    t.same(
      (await list({ prefix: '\u{10ffff}' })).keys,
      ['\u{10ffff}', '\u{10ffff}\u{10ffff}'],
      'a prefix without a successor',
    )
    t.same((await list({ prefix: '\ud7ff' })).keys, ['\ud7ff'], 'a prefix whose successor skips the surrogates')
    t.same(
      (await list({ after: '\uffee' })).keys,
      ['\u{1f600}', '\u{10ffff}', '\u{10ffff}\u{10ffff}'],
      'after, not by UTF-16',
    )
  })

  await t.test('after within a common prefix', async t => {
    await fill(['a', 'p/1', 'p/2', 'q'])
    const query = { delimiter: '/', after: 'p/1' }
    t.match(await list(query), { keys: ['q'], prefixes: [] }, 'marker: the prefix was listed')
    t.match(await list({ ...query, after: 'p/' }), { keys: ['q'], prefixes: [] }, 'marker that is the prefix')
    t.match(
      await list({ ...query, afterIs: 'key' }),
      { keys: ['q'], prefixes: ['p/'] },
      'start-after: keys are left in it',
    )
    t.match(
      await list({ ...query, after: 'p/2', afterIs: 'key' }),
      { keys: ['q'], prefixes: [] },
      'start-after its last key',
    )
    t.match(await list({ ...query, after: 'p', afterIs: 'key' }), { keys: ['q'], prefixes: ['p/'] }, 'before it')
    t.match(await list({ prefix: 'p/', after: 'a' }), { keys: ['p/1', 'p/2'] }, 'after before the prefix')
    t.match(await list({ prefix: 'p/', after: 'q' }), { keys: [], last: '' }, 'after beyond the prefix')
  })

  await t.test('cost follows the results', async t => {
    await fill(Array.from({ length: 3000 }, (_, i) => `p${i % 3}/${i}`))
    const three = await list({ delimiter: '/' })
    t.same(three.prefixes, ['p0/', 'p1/', 'p2/'])
    // The bucket, and one chunk for each prefix and the end.
    t.ok(statements <= 5, `three prefixes of 1,000 keys: ${statements} statements`)
    await fill(Array.from({ length: 3000 }, (_, i) => `p${String(i).padStart(4, '0')}/x`))
    const many = await list({ delimiter: '/' })
    t.equal(many.prefixes.length, 1000)
    t.ok(many.truncated)
    t.ok(statements <= 12, `1,000 prefixes of one key: ${statements} statements`)
    await list({})
    t.equal(statements, 2, 'a flat page: the bucket and the page')
  })

  await t.test('ListObjects: any keys and query → what the definition says, in pages too', async t => {
    const text = fc.string({
      unit: fc.constantFrom('a', 'b', '/', '//', '\ud7ff', '\ue000', '\u{10ffff}', 'é'),
      maxLength: 5,
    })
    const keys = fc.array(
      text.filter(key => key !== ''),
      { maxLength: 60 },
    )
    const query = fc.record({
      prefix: fc.oneof(fc.constant(''), text),
      delimiter: fc.constantFrom('', '/', '//', 'a', 'é'),
      after: fc.oneof(fc.constant(''), text),
      afterIs: fc.constantFrom('entry' as const, 'key' as const),
      limit: fc.integer({ min: 0, max: 12 }),
    })
    await fc.assert(
      fc.asyncProperty(keys, query, async (keys, query) => {
        await fill(keys)
        const page = await list(query)
        if (JSON.stringify(page) !== JSON.stringify(expected(keys, query))) t.same(page, expected(keys, query))
        if (query.limit === 0) return
        const names: string[] = []
        let at: Page = page
        for (let pages = 0; pages < 100; pages++) {
          names.push(...at.keys, ...at.prefixes)
          if (!at.truncated) break
          at = await list({ ...query, after: at.last, afterIs: 'entry' })
        }
        const whole = expected(keys, { ...query, limit: 1000 })
        const all = [...whole.keys, ...whole.prefixes]
        if (`${[...names].sort()}` !== `${[...all].sort()}`) t.same(names, all, 'pages together')
      }),
      { numRuns: engine.name === 'sqlite' ? 300 : 60 },
    )
    t.pass('holds')
  })

  await t.test('ListMultipartUploads', async t => {
    const uploads = ['a 1', 'a 2', 'a 3', 'd/b 1', 'd/c 2', 'e 1'].map(text => text.split(' ') as [string, string])
    for (const [key, uploadId] of [...uploads].reverse()) {
      const row = await world.blobIds.next()
      const made = await database.write(() =>
        createUpload({
          ref: world.object(key),
          uploadId,
          row,
          description: plain,
          checksumAlgorithm: undefined,
          checksumType: undefined,
          nowMs: startMs,
        }),
      )
      t.same(made, { settings: null })
    }
    const page = async (query: Partial<ListQuery> & { afterUploadId?: string }) => {
      const found = await database.read(() =>
        listUploads(world.bucket(), { ...everything, afterUploadId: '', ...query }),
      )
      if (found instanceof Fault) throw new Error(found.code)
      const { entries, commonPrefixes, truncated, last, lastUploadId } = found
      const names = entries.map(({ key, uploadId }) => `${key} ${uploadId}`)
      return { names, prefixes: commonPrefixes, truncated, last, lastUploadId }
    }
    const names = uploads.map(([key, id]) => `${key} ${id}`)
    t.match(await page({}), { names, truncated: false, last: 'e', lastUploadId: '1' }, 'by key, then upload id')
    t.match(await page({ limit: 2 }), { names: names.slice(0, 2), truncated: true, last: 'a', lastUploadId: '2' })
    t.match(await page({ after: 'a', afterUploadId: '2' }), { names: names.slice(2) }, 'on within a key')
    t.match(await page({ after: 'a' }), { names: names.slice(3) }, 'key-marker alone: after all of that key')
    const folded = await page({ delimiter: '/', limit: 4 })
    t.match(folded, { names: names.slice(0, 3), prefixes: ['d/'], truncated: true, last: 'd/', lastUploadId: '' })
    t.match(await page({ delimiter: '/', after: 'd/' }), { names: ['e 1'], prefixes: [] })
    t.match(await page({ prefix: 'd/' }), { names: ['d/b 1', 'd/c 2'] })
  })
})
