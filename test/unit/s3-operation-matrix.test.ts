/** The page that tells people which operations there are. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { fault } from '../../protocol/fault.ts'
import { type AnyOperation, Level } from '../../protocol/operation.ts'
import { operationStates, reasons, renderMatrix, unpublished } from '../../protocol/s3/operation-matrix.ts'
import { projectRoot } from '../support/paths.ts'

t.test('docs/s3-operations.md: the table as it is → the same page (npm run matrix writes it)', async t => {
  t.equal(readFileSync(join(projectRoot, 'docs', 's3-operations.md'), 'utf8'), renderMatrix())
})

t.test('operationStates: → the 111 of the published model, each once', async t => {
  const names = operationStates().map(({ name }) => name)
  t.equal(new Set(names).size, names.length)
  t.equal(names.filter(name => !unpublished.has(name)).length, 111)
  for (const name of unpublished) t.ok(names.includes(name), name)
})

t.test('reasons: → of every operation that is not implemented, and of no other', async t => {
  const missing = operationStates().filter(({ implemented, aliasOf }) => !implemented && aliasOf === undefined)
  t.same(
    Object.keys(reasons).sort(),
    missing.map(({ name }) => name),
  )
})

const row = (name: string, more: Partial<AnyOperation>): AnyOperation => ({
  name,
  match: { method: 'GET', level: Level.service, selector: '' },
  access: 'any',
  body: 'none',
  refuses: [],
  parse: () => fault('not-implemented'),
  render: () => ({ status: 200, headers: [], body: null }),
  faults: [],
  ...more,
})

t.test('renderMatrix: rows of every kind → what is asked, and whether it is answered', async t => {
  const page = renderMatrix(
    operationStates([
      row('Zeta', { aliases: ['Alpha'] }),
      row('SelectObjectContent', {
        match: { method: 'POST', level: Level.object, selector: 'select', needs: { query: ['a=b'] } },
        faults: ['not-implemented'],
      }),
      row('PostObject', { match: { method: 'POST', level: Level.bucket, selector: '' }, body: 'form' }),
      row('CopyObject', {
        match: { method: 'PUT', level: Level.object, selector: '', needs: { header: ['x-amz-copy-source'] } },
        faults: ['not-implemented', 'bucket-missing'],
      }),
    ]),
  )
  t.match(page, 'Of the 4 operations of the S3 API')
  t.match(page, 'published model 3 are implemented')
  t.match(page, '| Alpha | `GET /` | implemented, as Zeta |\n| CopyObject |')
  t.match(page, '| CopyObject | `PUT /bucket/key` with x-amz-copy-source | implemented |')
  t.match(page, '| SelectObjectContent | `POST /bucket/key?select&a=b` | not implemented: ')
  t.match(page, /## Beyond[\s\S]*\| PostObject \| `POST \/bucket` with a form \| implemented \|/)
})
