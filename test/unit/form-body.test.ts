/** A form on a socket: fields first, then its file as a body, within its bounds whatever the reader does. */
import fc from 'fast-check'
import t from 'tap'
import { Aborted, aborted, type BodySink } from '../../gateway/bytes/contract.ts'
import { type FormSource, type OpenForm, readFields } from '../../gateway/form-body.ts'
import { Fault } from '../../protocol/fault.ts'
import type { SizeRange } from '../../protocol/s3/post-policy.ts'
import { boundary, encodeForm } from '../support/forms.ts'
import { type BodyPlan, noise, ScriptedBody } from './bytes-bodies.ts'

/** A body of a socket: what is discarded is not delivered. */
class Source extends ScriptedBody implements FormSource {
  discarded = false
  override read(sink: BodySink): void {
    super.read({
      chunk: bytes => this.discarded || sink.chunk(bytes),
      end: () => this.discarded || sink.end(),
      fail: why => this.discarded || sink.fail(why),
    })
  }
  discard(): void {
    this.discarded = true
  }
}

function split(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = []
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!
    chunks.push(bytes.subarray(at, at + size))
    at += size
  }
  return chunks
}

function source(form: Buffer, sizes: readonly number[] = [form.length], plan: BodyPlan = {}): Source {
  return new Source(split(form, sizes), { declared: true, ...plan })
}
function open(body: Source): Promise<OpenForm | Fault | Aborted> {
  return readFields(body, boundary, 20_480)
}
async function opened(body: Source, sizes?: SizeRange): Promise<OpenForm> {
  const form = await open(body)
  if (form instanceof Fault || form instanceof Aborted) throw new Error('not opened')
  form.file.limit(sizes)
  return form
}
/** Reads to the end; pauses now and then when asked to. */
function take({ file }: OpenForm, pausing = false): Promise<{ bytes: Buffer; outcome: 'end' | Fault | Aborted }> {
  return new Promise(resolve => {
    const taken: Buffer[] = []
    const settle = (outcome: 'end' | Fault | Aborted) => resolve({ bytes: Buffer.concat(taken), outcome })
    file.read({
      chunk(bytes) {
        taken.push(Buffer.from(bytes))
        if (!pausing) return
        file.pause()
        setImmediate(() => file.resume())
      },
      end: () => settle('end'),
      fail: settle,
    })
  })
}
const turns = async (count: number) => {
  for (let i = 0; i < count; i++) await new Promise(setImmediate)
}
const range = (minBytes: number, maxBytes: number) => ({ minBytes, maxBytes })

t.test('readFields: a form however it comes → head, and the file’s bytes to a reader that pauses', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(3000),
      fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 5 }),
      fc.boolean(),
      fc.nat(3),
      fc.nat(5),
      async (sizeBytes, sizes, pausing, deaf, wait) => {
        const content = noise(sizeBytes, sizeBytes)
        const body = source(encodeForm({ fields: { key: 'k' }, file: content }), sizes, { deaf })
        const form = await opened(body)
        await turns(wait)
        const { bytes, outcome } = await take(form, pausing)
        return outcome === 'end' && bytes.equals(content) && form.head.fields[0]?.value === 'k'
      },
    ),
    { numRuns: 150 },
  )
})

t.test('readFields: nobody reads the file → the body stays paused, only what had come is kept', async t => {
  const form = encodeForm({ fields: { key: 'k' }, file: noise(1 << 20) })
  const body = source(form, [1000])
  await opened(body)
  await turns(50)
  t.equal(body.unwelcome, 0)
  t.notOk(body.finished)
})

t.test('FormFile: the reader pauses while it is given what waited → the body is not resumed', async t => {
  const body = source(encodeForm({ fields: { key: 'k' }, file: noise(5000) }), [1000])
  const { file } = await opened(body)
  let taken = 0
  file.read({
    chunk(bytes) {
      taken += bytes.length
      file.pause()
    },
    end() {},
    fail() {},
  })
  await turns(20)
  const before = taken
  t.ok(before > 0 && before <= 1000, `${before} bytes`)
  file.resume()
  await turns(3)
  t.ok(taken > before)
})

t.test('readFields: a form that is wrong before its file → the fault, the rest is swallowed', async t => {
  const cases: readonly (readonly [string, string])[] = [
    ['nonsense', 'form-malformed'],
    [`--${boundary}--\r\n`, 'argument-invalid'],
    [`--${boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\n${'x'.repeat(30_000)}`, 'form-too-large'],
  ]
  for (const [text, code] of cases) {
    const body = source(Buffer.from(text), [100])
    const form = await open(body)
    t.equal(form instanceof Fault && form.code, code)
    t.ok(body.discarded)
  }
})

t.test(
  'FormFile: a form that is wrong behind its file’s beginning → the reader is told, once, whenever it reads',
  async t => {
    const whole = encodeForm({ fields: { key: 'k' }, file: noise(5000) })
    const cut = whole.subarray(0, whole.length - 10)
    for (const sizes of [[cut.length], [100]])
      for (const wait of [0, 200]) {
        const form = await opened(source(cut, sizes, { deaf: 1000 }))
        await turns(wait)
        const { outcome } = await take(form)
        t.match(outcome, { code: 'form-malformed' }, `${sizes}, after ${wait} turns`)
      }
  },
)

t.test('FormFile: the client leaves → before the file the opener is told, then the reader', async t => {
  const form = encodeForm({ fields: { key: 'k' }, file: noise(5000) })
  const early = source(form, [10], { failure: { before: 3, why: aborted } })
  t.equal(await open(early), aborted)
  for (const wait of [0, 200]) {
    const late = await opened(source(form, [500], { failure: { before: 5, why: aborted }, deaf: 1000 }))
    await turns(wait)
    t.equal((await take(late)).outcome, aborted)
  }
})

t.test('FormFile: sizes → exactly those of the range, told with both numbers', async t => {
  const cases: readonly (readonly [number, SizeRange | undefined, string, number?])[] = [
    [0, undefined, 'end'],
    [0, range(0, 0), 'end'],
    [1, range(0, 0), 'object-too-large', 0],
    [10, range(5, 10), 'end'],
    [5, range(5, 10), 'end'],
    [12, range(5, 10), 'object-too-large', 10],
    [1, range(5, 10), 'object-too-small', 5],
    [7, range(10, 5), 'object-too-large', 5],
  ]
  for (const [size, sizes, expected, limitBytes] of cases)
    for (const step of [1, 10_000])
      for (const wait of [0, 300]) {
        const body = source(encodeForm({ fields: { key: 'k' }, file: noise(size) }), [step], { deaf: 1000 })
        const form = await opened(body, sizes)
        await turns(wait)
        const { bytes, outcome } = await take(form)
        const title = `${size} bytes in steps of ${step}, read after ${wait} turns`
        if (!(outcome instanceof Fault)) {
          t.equal(outcome, expected, title)
          t.equal(bytes.length, size, title)
        } else {
          t.match(outcome, { code: expected, detail: { sizeBytes: size, limitBytes } }, title)
          t.ok(bytes.length <= Math.max(limitBytes!, size), title)
        }
      }
})

t.test('FormFile: a file too large → stopped at once, its size told by the length of the body', async t => {
  const body = source(encodeForm({ fields: { key: 'k' }, file: noise(1 << 20) }), [1000])
  const { bytes, outcome } = await take(await opened(body, range(0, 5000)))
  t.match(outcome, { code: 'object-too-large', detail: { sizeBytes: 1 << 20, limitBytes: 5000 } })
  t.ok(bytes.length <= 5000)
  t.ok(body.discarded)
  t.notOk(body.finished, 'the rest had not come')
})
