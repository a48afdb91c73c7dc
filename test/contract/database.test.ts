import t, { type Test } from 'tap'
import {
  all,
  type Database,
  one,
  Rollback,
  run,
  StatementFailed,
  script,
  sql,
  type Unit,
} from '../../platform/database/unit.ts'
import { onBothEngines } from './engines.ts'

const ITEMS = script(`CREATE TABLE items (name TEXT COLLATE "C" PRIMARY KEY, value BIGINT NOT NULL)`)
const ADD = sql(`INSERT INTO items (name, value) VALUES ($1, $2)`)
const ADD_OR_REPLACE = sql(
  `INSERT INTO items (name, value) VALUES ($1, $2)
   ON CONFLICT (name) DO UPDATE SET value = excluded.value RETURNING name, value`,
)
const ADD_UNLESS_THERE = sql(
  `INSERT INTO items (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING RETURNING value`,
)
const FIND = sql(`SELECT value FROM items WHERE name = $1`)
const FIND_LOCKED = sql(`SELECT value FROM items WHERE name = $1 FOR UPDATE`)
const SET = sql(`UPDATE items SET value = $2 WHERE name = $1`)
const NAMES = sql(`SELECT name FROM items ORDER BY name`)
const TOTAL = sql(`SELECT COUNT(*) AS n, SUM(value) AS total FROM items`)
const REMOVE = sql(`DELETE FROM items WHERE name = $1 RETURNING value`)
const NO_SUCH_TABLE = sql(`SELECT * FROM nowhere`)

function* add(name: string, value: number): Unit<string> {
  yield* run(ADD, [name, value])
  return name
}
function* value(name: string): Unit<number | undefined> {
  return (yield* one<{ value: number }>(FIND, [name]))?.value
}
function* increment(name: string): Unit<number> {
  const next = ((yield* value(name)) ?? 0) + 1
  yield* run(SET, [name, next])
  return next
}
async function names(database: Database): Promise<string[]> {
  return (await database.read(() => all<{ name: string }>(NAMES, []))).map(row => row.name)
}

await onBothEngines(t, async (t, engine) => {
  async function withItems(t: Test): Promise<Database> {
    const database = await engine.open(t)
    await database.exclusive(() => run(ITEMS, []))
    return database
  }

  await t.test('write: unit returns → kept and answered', async t => {
    const database = await withItems(t)
    t.equal(database.engine, engine.name)
    t.equal(await database.write(() => add('a', 1)), 'a')
    t.equal(await database.read(() => value('a')), 1)
    t.equal(await database.read(() => value('b')), undefined)
  })

  await t.test('write: unit throws after writing → its own error, nothing kept', async t => {
    const database = await withItems(t)
    const bug = new TypeError('a bug', { cause: 'deep' })
    const unit = function* (): Unit<void> {
      yield* add('a', 1)
      throw bug
    }
    t.equal(await database.write(unit).catch(error => error), bug)
    t.strictSame(await names(database), [])
    await database.write(() => add('b', 1))
    t.strictSame(await names(database), ['b'], 'usable afterwards')
  })

  await t.test('write: unit answers a Rollback → the value inside, nothing kept', async t => {
    const database = await withItems(t)
    const unit = function* (): Unit<Rollback<string>> {
      yield* add('a', 1)
      return new Rollback('not this time')
    }
    t.equal(await database.write(unit), 'not this time')
    t.strictSame(await names(database), [])
  })

  await t.test('write: units arrive together, some fail → each is undone alone', async t => {
    const database = await withItems(t)
    await database.write(() => add('taken', 0))
    const units = Array.from({ length: 40 }, (_, i) => () => {
      const name = `n${String(i).padStart(2, '0')}`
      if (i % 5 === 1) {
        return (function* (): Unit<unknown> {
          yield* add(name, i)
          return new Rollback('rolled back')
        })()
      }
      if (i % 5 === 2) {
        return (function* (): Unit<void> {
          yield* add(name, i)
          yield* add('taken', i)
        })()
      }
      if (i % 5 === 3) {
        return (function* (): Unit<void> {
          if ((yield* value('taken')) === 0) throw new RangeError('before it wrote')
        })()
      }
      return add(name, i)
    })
    const settled = await Promise.allSettled(units.map(unit => database.write<unknown>(unit)))
    const kept: string[] = []
    for (const [i, outcome] of settled.entries()) {
      const name = `n${String(i).padStart(2, '0')}`
      if (i % 5 === 1) t.strictSame(outcome, { status: 'fulfilled', value: 'rolled back' })
      else if (i % 5 === 2) t.ok(outcome.status === 'rejected' && outcome.reason instanceof StatementFailed, name)
      else if (i % 5 === 3) t.ok(outcome.status === 'rejected' && outcome.reason instanceof RangeError, name)
      else {
        t.strictSame(outcome, { status: 'fulfilled', value: name })
        kept.push(name)
      }
    }
    t.strictSame(await names(database), [...kept, 'taken'])
    t.equal(await database.read(() => value('taken')), 0)
  })

  await t.test('write: 1,000 units arrive together → all run, in order on one key', async t => {
    const database = await withItems(t)
    await Promise.all(Array.from({ length: 1000 }, (_, i) => database.write(() => add(`k${i}`, i))))
    const total = await database.read(() => one<{ n: number; total: number }>(TOTAL, []))
    t.match(total, { n: 1000, total: 499500 }, 'counts and sums are numbers')
  })

  await t.test('write: a statement fails → thrown at its yield, finally runs, cause is carried', async t => {
    const database = await withItems(t)
    await database.write(() => add('a', 1))
    const seen: unknown[] = []
    const unit = function* (): Unit<void> {
      try {
        yield* add('a', 2)
      } catch (error) {
        seen.push(error)
        throw error
      } finally {
        seen.push('finally')
      }
    }
    const error = await database.write(unit).catch(error => error)
    t.type(error, StatementFailed)
    t.type(error.cause, Error)
    t.match(error.message, /INSERT INTO items/)
    t.equal(seen.at(-2), error)
    t.equal(seen.at(-1), 'finally')
  })

  await t.test('write: a unit swallows its statement’s failure → fails all the same', async t => {
    const database = await withItems(t)
    await database.write(() => add('a', 1))
    const swallow = function* (after: () => Unit<unknown>): Unit<unknown> {
      yield* add('b', 1)
      try {
        yield* add('a', 2)
      } catch {}
      return yield* after()
    }
    const onward: (() => Unit<unknown>)[] = [
      function* () {
        return 'as if nothing had happened'
      },
      function* () {
        return yield* add('c', 3)
      },
      function* () {
        for (;;) {
          try {
            yield* add('c', 3)
          } catch {}
        }
      },
    ]
    for (const after of onward) {
      await t.rejects(
        database.write(() => swallow(after)),
        { name: 'StatementFailed', message: /INSERT INTO items/ },
      )
    }
    const answered = await database.write(() =>
      swallow(function* () {
        return new Rollback('taken')
      }),
    )
    t.equal(answered, 'taken', 'only a Rollback may answer')
    t.strictSame(await names(database), ['a'])
  })

  await t.test('read: a statement fails → an error with its cause, and the next read works', async t => {
    const database = await withItems(t)
    await t.rejects(async () => database.read(() => all(NO_SUCH_TABLE, [])), { cause: { message: /nowhere/ } })
    const second = function* (): Unit<unknown> {
      yield* value('a')
      return yield* all(NO_SUCH_TABLE, [])
    }
    await t.rejects(async () => database.read(second), { cause: { message: /nowhere/ } })
    t.equal(await database.read(() => value('a')), undefined)
    t.equal(await database.write(() => add('a', 1)), 'a')
  })

  await t.test('read: several statements while writers run → one snapshot', async t => {
    const database = await withItems(t)
    await database.write(() => add('x', 0))
    await database.write(() => add('y', 0))
    const both = function* (): Unit<[number | undefined, number | undefined]> {
      return [yield* value('x'), yield* value('y')]
    }
    const move = function* (): Unit<void> {
      yield* increment('x')
      yield* increment('y')
    }
    const writing = Promise.all(Array.from({ length: 30 }, () => database.write(move)))
    let done = false
    const ended = writing.then(() => {
      done = true
    })
    let reads = 0
    while (!done) {
      const [x, y] = await database.read(both)
      if (x !== y) t.fail(`${x} and ${y} are of different moments`)
      reads++
      await new Promise(resolve => setImmediate(resolve))
    }
    await ended
    t.ok(reads > 0)
    t.strictSame(await database.read(both), [30, 30])
  })

  await t.test('write: 200 units increment one row at once → 200', async t => {
    const database = await withItems(t)
    await database.write(() => add('count', 0))
    const answers = await Promise.all(Array.from({ length: 200 }, () => database.write(() => increment('count'))))
    t.equal(await database.read(() => value('count')), 200)
    t.equal(new Set(answers).size, 200, 'each saw another number')
  })

  await t.test('write: 100 units create one key unless it is there → exactly one does', async t => {
    const database = await withItems(t)
    const looking = function* (i: number): Unit<boolean> {
      if ((yield* value('looked')) !== undefined) return false
      yield* add('looked', i)
      return true
    }
    const looked = await Promise.all(Array.from({ length: 100 }, (_, i) => database.write(() => looking(i))))
    t.equal(looked.filter(Boolean).length, 1, 'by looking first')
    const answered = await Promise.all(
      Array.from({ length: 100 }, (_, i) => database.write(() => one(ADD_UNLESS_THERE, ['raced', i]))),
    )
    t.equal(answered.filter(row => row !== undefined).length, 1, 'by ON CONFLICT DO NOTHING')
  })

  await t.test('statements: upsert, RETURNING, FOR UPDATE, counts of changes → alike', async t => {
    const database = await withItems(t)
    const unit = function* (): Unit<unknown[]> {
      return [
        yield* one(ADD_OR_REPLACE, ['a', 1]),
        yield* one(ADD_OR_REPLACE, ['a', 2]),
        yield* one(FIND_LOCKED, ['a']),
        yield* run(SET, ['a', 3]),
        yield* run(SET, ['nobody', 3]),
        yield* all(REMOVE, ['a']),
        yield* all(REMOVE, ['a']),
        yield* all(ADD_UNLESS_THERE, ['b', 4]),
        yield* all(ADD_UNLESS_THERE, ['b', 5]),
        yield* run(ADD_UNLESS_THERE, ['b', 6]),
      ]
    }
    const plain = JSON.parse(JSON.stringify(await database.write(unit)))
    t.strictSame(plain, [
      { name: 'a', value: 1 },
      { name: 'a', value: 2 },
      { value: 2 },
      1,
      0,
      [{ value: 3 }],
      [],
      [{ value: 4 }],
      [],
      0,
    ])
  })

  await t.test('close: units under way → finished first; later ones → DatabaseUnavailable', async t => {
    const options = await engine.fresh()
    const database = await engine.open(t, options)
    await database.exclusive(() => run(ITEMS, []))
    const under = Promise.all(Array.from({ length: 20 }, (_, i) => database.write(() => add(`k${i}`, i))))
    await database.close()
    t.equal((await under).length, 20)
    await t.rejects(
      database.write(() => add('late', 1)),
      { name: 'DatabaseUnavailable' },
    )
    await t.rejects(async () => database.read(() => value('k0')), { name: 'DatabaseUnavailable' })
    await database.close()
    const again = await engine.open(t, options)
    t.equal((await names(again)).length, 20)
  })
})
