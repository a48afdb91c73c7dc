import t from 'tap'
import { Fault } from '../../protocol/fault.ts'
import { type RenameInput, renameObject } from '../../protocol/s3/object-rename.ts'
import { wireRequest } from './wire-request.ts'

const parse = (headers: Readonly<Record<string, string>>, key = 'to') =>
  renameObject.parse(wireRequest(`PUT /bucket/${key}?renameObject`, headers), new Uint8Array(0))
const good = (headers: Readonly<Record<string, string>>): RenameInput => {
  const parsed = parse({ 'x-amz-rename-source': 'from', ...headers })
  if (parsed instanceof Fault) throw new Error(parsed.code)
  return parsed
}

t.test('RenameObject: a source → its key, byte for byte', async t => {
  for (const [sent, key] of [
    ['a/b', 'a/b'],
    ['/a', '/a'],
    ['a+b%2Bc%20d', 'a+b+c d'],
    ['bucket/%C3%BC', 'bucket/ü'],
  ] as const)
    t.equal(good({ 'x-amz-rename-source': sent }).sourceKey, key)
})

t.test('RenameObject: no source, or none that can be → refused', async t => {
  for (const sent of ['', '%', '%ff', 'a%00b'])
    t.match(parse({ 'x-amz-rename-source': sent }), {
      code: 'argument-invalid',
      detail: { name: 'x-amz-rename-source' },
    })
  t.match(parse({ 'x-amz-rename-source': 'a/' }), { code: 'request-invalid' })
  t.match(parse({ 'x-amz-rename-source': 'a' }, 'to/'), { code: 'request-invalid' })
  t.match(parse({ 'x-amz-rename-source': 'ü'.repeat(513) }), { code: 'key-too-long' })
})

t.test('RenameObject: conditions → of the new key and of the source', async t => {
  const input = good({
    'if-match': '"a"',
    'if-unmodified-since': 'Fri, 02 Jan 2026 03:04:05 GMT',
    'x-amz-rename-source-if-none-match': '"b"',
    'x-amz-rename-source-if-modified-since': 'Fri, 02 Jan 2026 03:04:06 GMT',
  })
  t.same(input.conditions, { ifMatch: ['a'], ifUnmodifiedSinceMs: Date.UTC(2026, 0, 2, 3, 4, 5) })
  t.same(input.sourceConditions, { ifNoneMatch: ['b'], ifModifiedSinceMs: Date.UTC(2026, 0, 2, 3, 4, 6) })
  t.match(parse({ 'x-amz-rename-source': 'a', 'if-none-match': '"a"' }), { code: 'header-refused' })
})

t.test('RenameObject: a token → with a digest of all that is asked for', async t => {
  t.equal(good({}).token, undefined)
  const token = { 'x-amz-client-token': 'abc' }
  const { text, digest } = good(token).token!
  t.equal(text, 'abc')
  t.equal(good(token).token!.digest, digest)
  for (const other of ['if-match', 'x-amz-rename-source', 'x-amz-rename-source-if-match'])
    t.not(good({ ...token, [other]: 'x' }).token!.digest, digest, other)
  for (const bad of ['a b', 'ü', 'x'.repeat(65)])
    t.match(parse({ 'x-amz-rename-source': 'a', 'x-amz-client-token': bad }), { code: 'argument-invalid' })
})
