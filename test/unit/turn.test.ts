/** Which answers wait for the end of their turn, and in what order they are written. */
import { setImmediate as turnEnd } from 'node:timers/promises'
import t from 'tap'
import type { Exchange } from '../../gateway/exchange.ts'
import { Turn } from '../../gateway/turn.ts'

interface World {
  readonly turn: Turn
  readonly written: string[]
  nowMs: number
  /** Every request. */
  takesMs: number
  /** One turn with these requests; answers the ids of those whose answers were kept. */
  pass(...ids: string[]): Promise<string[]>
  aborted: Set<string>
}

function world(): World {
  const written: string[] = []
  const aborted = new Set<string>()
  const made: World = {
    turn: new Turn(
      ({ id }) => written.push(id),
      () => made.nowMs,
    ),
    written,
    nowMs: 0,
    takesMs: 0,
    aborted,
    async pass(...ids) {
      const kept = ids.filter(id => {
        made.nowMs += made.takesMs
        return made.turn.keeps({ id, aborted: aborted.has(id), startedAt: made.nowMs } as Exchange)
      })
      await turnEnd()
      return kept
    },
  }
  return made
}

const crowd = async ({ pass }: World, turns = 8): Promise<void> => {
  for (let i = 0; i < turns; i++) await pass('a', 'b')
}

t.test('one request at a time → each is answered at once', async t => {
  const { pass, written } = world()
  for (let i = 0; i < 20; i++) t.same(await pass('one'), [])
  t.same(written, [])
})

t.test('eight turns with more than one → the next are answered at their end, in order', async t => {
  const w = world()
  await crowd(w, 7)
  t.same(await w.pass('a', 'b'), [])
  t.same(await w.pass('c', 'd', 'e'), ['c', 'd', 'e'])
  t.same(w.written, ['c', 'd', 'e'])
  t.same(await w.pass('f', 'g'), ['f', 'g'])
  t.same(w.written, ['c', 'd', 'e', 'f', 'g'])
})

t.test('a turn with one request → it waits, and the one after does not', async t => {
  const w = world()
  await crowd(w)
  t.same(await w.pass('a'), ['a'])
  t.same(await w.pass('b'), [])
  t.same(w.written, ['a'])
})

t.test('65 requests in a turn → 64 answers wait', async t => {
  const w = world()
  await crowd(w)
  const ids = Array.from({ length: 70 }, (_, i) => `${i}`)
  t.same(await w.pass(...ids), ids.slice(0, 64))
  t.same(w.written, ids.slice(0, 64))
})

t.test('a turn of long requests → what waits for more than 2 ms is written in its middle', async t => {
  const w = world()
  await crowd(w)
  w.takesMs = 1
  const kept = w.pass('a', 'b', 'c', 'd', 'e')
  t.same(w.written, ['a', 'b', 'c'])
  t.same(await kept, ['a', 'b', 'c', 'd', 'e'])
  t.same(w.written, ['a', 'b', 'c', 'd', 'e'])
})

t.test('a connection closed while its answer waited → for a minute every request is answered at once', async t => {
  const w = world()
  await crowd(w)
  w.aborted.add('gone')
  t.same(await w.pass('gone', 'there'), ['gone', 'there'])
  t.same(w.written, ['gone', 'there'])
  await crowd(w, 20)
  t.same(await w.pass('a', 'b'), [])
  w.nowMs = 59_999
  await crowd(w, 20)
  t.same(await w.pass('a', 'b'), [])
  w.nowMs = 60_000
  await crowd(w)
  t.same(await w.pass('a', 'b'), ['a', 'b'])
})
