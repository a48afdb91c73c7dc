import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import {
  defaultIdentities,
  deriveCanonicalId,
  IdentitiesInvalid,
  loadIdentities,
  parseIdentities,
} from '../../gateway/identities-file.ts'

const credential = { accessKeyId: 'AKIA1', secretAccessKey: 'very-secret/key+1' }
const identity = { name: 'main', credentials: [credential] }
const environment = { name: 'default', account: '123456789012', identities: [identity] }
const problems = (file: unknown) => parseIdentities(JSON.stringify(file))
const withEnvironment = (change: object) => problems({ environments: [{ ...environment, ...change }] })
const withIdentity = (change: object) => withEnvironment({ identities: [{ ...identity, ...change }] })
const withCredential = (change: object) => withIdentity({ credentials: [{ ...credential, ...change }] })
const at = '$.environments[0]'

t.test('parseIdentities: a complete file → its value', async t => {
  const canonicalId = 'a'.repeat(64)
  const file = {
    environments: [
      { name: 'one', account: '000000000001', identities: [{ name: 'main', canonicalId, credentials: [credential] }] },
      {
        name: 'two',
        account: '000000000002',
        identities: [
          {
            name: 'main',
            canonicalId: 'b'.repeat(64),
            credentials: [{ ...credential, accessKeyId: 'B', sessionToken: 't' }],
          },
          { name: 'alt', canonicalId: 'c'.repeat(64), credentials: [{ ...credential, accessKeyId: 'C' }] },
        ],
      },
    ],
  }
  t.strictSame(problems(file), file)
})

t.test('parseIdentities: no canonicalId → derived from account and name', async t => {
  const parsed = problems({ environments: [environment] })
  const canonicalId = deriveCanonicalId('123456789012', 'main')
  t.match(canonicalId, /^[0-9a-f]{64}$/)
  t.strictSame(parsed, { environments: [{ ...environment, identities: [{ ...identity, canonicalId }] }] })
  t.not(canonicalId, deriveCanonicalId('123456789013', 'main'))
  t.not(canonicalId, deriveCanonicalId('123456789012', 'alt'))
})

t.test('parseIdentities: a member out of form → the path and the rule', async t => {
  t.strictSame(withEnvironment({ account: '12345678901' }), [`${at}.account must be 12 digits`])
  t.strictSame(withEnvironment({ account: 123456789012 }), [`${at}.account must be 12 digits`])
  for (const name of ['', 'a/b', '-a', 'a'.repeat(65), null])
    t.match(withEnvironment({ name }), [/^\$\.environments\[0\]\.name must be 1 to 64 letters/], String(name))
  t.strictSame(withEnvironment({ identities: [] }), [`${at}.identities must be a list of at least one`])
  t.strictSame(withEnvironment({ identities: {} }), [`${at}.identities must be a list of at least one`])
  t.strictSame(withEnvironment({ identities: [null] }), [`${at}.identities[0] must be an object`])
  const id = `${at}.identities[0]`
  t.strictSame(withIdentity({ canonicalId: 'A'.repeat(64) }), [
    `${id}.canonicalId must be 64 hexadecimal digits in lower case`,
  ])
  t.strictSame(withIdentity({ canonicalId: null }), [`${id}.canonicalId must be 64 hexadecimal digits in lower case`])
  for (const accessKeyId of ['', 'a/b', 'a,b', 'a b', 'ä', '%41', 'a'.repeat(129), 7])
    t.match(
      withCredential({ accessKeyId }),
      [/\.credentials\[0\]\.accessKeyId must be 1 to 128 letters/],
      String(accessKeyId),
    )
  for (const secretAccessKey of ['', 'a b', 'a\n', 'ü', 's'.repeat(257), null])
    t.strictSame(withCredential({ secretAccessKey }), [
      `${id}.credentials[0].secretAccessKey must be 1 to 256 visible ASCII characters`,
    ])
  t.strictSame(withCredential({ sessionToken: '' }), [
    `${id}.credentials[0].sessionToken must be 1 to 4096 visible ASCII characters`,
  ])
})

t.test('parseIdentities: a member missing or unknown → named', async t => {
  t.strictSame(problems({}), ['$.environments is missing'])
  t.strictSame(problems({ environments: [{}] }), [
    `${at}.name is missing`,
    `${at}.account is missing`,
    `${at}.identities is missing`,
  ])
  t.strictSame(withCredential({ secretAccessKey: undefined }), [
    `${at}.identities[0].credentials[0].secretAccessKey is missing`,
  ])
  t.strictSame(withCredential({ sesionToken: 'x' }), [
    `${at}.identities[0].credentials[0] has an unknown member "sesionToken"`,
  ])
  t.strictSame(parseIdentities('{"environments":[],"__proto__":{}}'), [
    '$ has an unknown member "__proto__"',
    '$.environments must be a list of at least one',
  ])
})

t.test('parseIdentities: what must stand once stands twice → both places', async t => {
  const other = {
    ...environment,
    name: 'b',
    account: '000000000001',
    identities: [{ ...identity, credentials: [{ ...credential, accessKeyId: 'B' }] }],
  }
  const two = (change: object) => problems({ environments: [environment, { ...other, ...change }] })
  t.hasProp(two({}), 'environments')
  t.strictSame(two({ name: 'default' }), ['$.environments[1].name repeats $.environments[0].name'])
  t.strictSame(two({ identities: [identity] }), [
    '$.environments[1].identities[0].credentials[0].accessKeyId repeats $.environments[0].identities[0].credentials[0].accessKeyId',
  ])
  t.match(two({ account: environment.account }), ['$.environments[1].account repeats $.environments[0].account'])
  t.strictSame(
    withEnvironment({ identities: [identity, { ...identity, credentials: [{ ...credential, accessKeyId: 'B' }] }] }),
    [`${at}.identities[1].name repeats ${at}.identities[0].name`],
  )
  const canonicalId = 'a'.repeat(64)
  t.strictSame(
    withEnvironment({
      identities: [
        { ...identity, canonicalId },
        { name: 'alt', canonicalId, credentials: [{ ...credential, accessKeyId: 'B' }] },
      ],
    }),
    [`${at}.identities[1].canonicalId repeats ${at}.identities[0].canonicalId`],
  )
})

t.test('parseIdentities: not JSON, or not an object → one problem that quotes no secret', async t => {
  t.strictSame(parseIdentities('{"secretAccessKey": "hunter2'), ['$ is not JSON'])
  for (const text of ['[]', 'null', '"x"', '7']) t.strictSame(parseIdentities(text), ['$ must be an object'])
  t.strictSame(withCredential({ secretAccessKey: 'hunter 2' }).toString().includes('hunter'), false)
})

t.test('parseIdentities: too large, or too many problems → bounded', async t => {
  t.strictSame(parseIdentities(' '.repeat(8 * 1024 * 1024 + 1)), ['$ is larger than 8 MiB'])
  const list = problems({ environments: Array.from({ length: 5000 }, () => 1) }) as readonly string[]
  t.equal(list.length, 21)
  t.equal(list.at(-1), 'and 4980 more problems')
})

t.test('loadIdentities: no file → the published default; a bad file → every problem with its path', async t => {
  t.strictSame(loadIdentities(undefined), defaultIdentities())
  t.strictSame(parseIdentities(JSON.stringify(defaultIdentities())), defaultIdentities())
  const folder = mkdtempSync(join(tmpdir(), 'identities-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'identities.json')
  const failure = () => {
    try {
      loadIdentities(path)
    } catch (error) {
      if (error instanceof IdentitiesInvalid) return error.problems
      throw error
    }
    throw new Error('accepted')
  }
  t.strictSame(failure(), [`${path} cannot be read (ENOENT)`])
  writeFileSync(path, '{}')
  t.strictSame(failure(), [`${path}: $.environments is missing`])
  writeFileSync(path, JSON.stringify(defaultIdentities()))
  t.strictSame(loadIdentities(path), defaultIdentities())
  writeFileSync(path, ' '.repeat(8 * 1024 * 1024 + 1))
  t.strictSame(failure(), [`${path} is larger than 8 MiB`])
})
