import t from 'tap'
import { MovableClock } from '../../platform/clock.ts'

void t.test('MovableClock: never moved → the machine’s time', async t => {
  let machine = 1_000
  const clock = new MovableClock(() => machine)
  t.equal(clock.now(), 1_000)
  machine = 1_250
  t.equal(clock.now(), 1_250)
  const before = Date.now()
  const now = new MovableClock().now()
  t.ok(now >= before && now <= Date.now(), 'follows Date.now by default')
})

void t.test('MovableClock: advanced and set → runs on from there', async t => {
  let machine = 1_000
  const clock = new MovableClock(() => machine)
  clock.advance(3_600_000)
  t.equal(clock.now(), 3_601_000)
  machine += 5
  t.equal(clock.now(), 3_601_005)
  clock.advance(-5)
  t.equal(clock.now(), 3_601_000)
  clock.set(42)
  machine += 1
  t.equal(clock.now(), 43)
})

void t.test('MovableClock: frozen → stands still until moved or reset', async t => {
  let machine = 1_000
  const clock = new MovableClock(() => machine)
  clock.advance(10)
  clock.freeze()
  machine += 500
  t.equal(clock.now(), 1_010)
  clock.advance(1)
  t.equal(clock.now(), 1_011)
  clock.set(7)
  t.equal(clock.now(), 7)
  clock.freeze(9)
  t.equal(clock.now(), 9)
  clock.reset()
  t.equal(clock.now(), 1_500)
})

void t.test('MovableClock: not whole milliseconds → refused, time unchanged', async t => {
  const clock = new MovableClock(() => 5)
  for (const wrong of [Number.NaN, 0.5, Number.POSITIVE_INFINITY, 2 ** 53]) {
    t.throws(() => clock.advance(wrong), RangeError)
    t.throws(() => clock.set(wrong), RangeError)
    t.throws(() => clock.freeze(wrong), RangeError)
  }
  t.equal(clock.now(), 5)
})
