/** The operations on buckets and listings from row to store, on both engines. */
import t from 'tap'
import type { Principal, RequestContext } from '../../gateway/context.ts'
import { bucketHandlers } from '../../gateway/s3/bucket.ts'
import { listingHandlers } from '../../gateway/s3/listing.ts'
import { serviceHandlers } from '../../gateway/s3/service.ts'
import { ensureIdentities, loadCredential } from '../../gateway/store/identities.ts'
import { putObject } from '../../gateway/store/objects.ts'
import type { Database } from '../../platform/database/unit.ts'
import { Fault } from '../../protocol/fault.ts'
import { type AnyOperation, compile, type Level, type Method } from '../../protocol/operation.ts'
import { Query } from '../../protocol/query.ts'
import { bucketOperations } from '../../protocol/s3/bucket.ts'
import { listingOperations } from '../../protocol/s3/listing.ts'
import { serviceOperations } from '../../protocol/s3/service.ts'
import { childText, parseXml } from '../../protocol/xml.ts'
import { onBothEngines } from './engines.ts'

const table = [...serviceOperations, ...bucketOperations, ...listingOperations] as const
const routes = compile<typeof table, RequestContext>(table, {
  ...serviceHandlers,
  ...bucketHandlers,
  ...listingHandlers,
})
const nowMs = Date.UTC(2026, 10, 23)
const constraint = (region: string) =>
  `<CreateBucketConfiguration><LocationConstraint>${region}</LocationConstraint></CreateBucketConfiguration>`

/** Two identities of one account. */
async function principals(database: Database, region = 'us-east-1'): Promise<[Principal, Principal]> {
  const identities = ['main', 'second'].map(name => ({
    name,
    credentials: [{ accessKeyId: name, secretAccessKey: 'secret' }],
  }))
  const environments = [{ name: 'default', account: '000000000000', identities }]
  await database.write(() => ensureIdentities({ environments }, nowMs))
  const load = async (accessKeyId: string): Promise<Principal> => {
    const found = await database.read(() => loadCredential(accessKeyId))
    if (found === undefined) throw new Error('no such credential')
    return { ...found, accessKeyId, region }
  }
  return [await load('main'), await load('second')]
}

/** A request's answer: the body of a success, or what went wrong. */
function caller(database: Database) {
  return async (principal: Principal, method: Method, target: string, body = ''): Promise<string | Fault> => {
    const [path = '', query = ''] = target.split('?')
    const bucket = path.slice(1)
    const level: Level = bucket === '' ? 0 : 1
    const request = { method, level, bucket, key: '', query: new Query(query), header: () => '', headers: [] }
    const route = routes.find(request)
    if (route === undefined) throw new Error(`no operation for ${method} ${target}`)
    const operation: AnyOperation = route.operation
    const asked: unknown = operation.parse(request, Buffer.from(body))
    if (asked instanceof Fault) return asked
    const context = {
      services: { database },
      principal,
      access: {
        ofBucket: () => undefined,
        ofObject: () => undefined,
        ofSource: () => undefined,
        checkSession: () => undefined,
      },
      nowMs,
      requestId: 'R',
      origin: '',
    } as unknown as RequestContext
    const outcome: unknown = await route.handle(context, asked)
    if (outcome instanceof Fault) return outcome
    const reply = operation.render(outcome as never)
    return `${reply.status} ${reply.body ?? ''}`
  }
}
const texts = (answer: string | Fault, name: string): string[] =>
  answer instanceof Fault
    ? [answer.code]
    : [...answer.matchAll(new RegExp(`<${name}>([^<]*)<`, 'g'))].map(found => found[1]!)
const code = (answer: string | Fault) => (answer instanceof Fault ? answer.code : answer.slice(0, 3))

await onBothEngines(t, async (t, engine) => {
  await t.test('CreateBucket, HeadBucket, DeleteBucket: a bucket’s life', async t => {
    const database = await engine.open(t)
    const call = caller(database)
    const [main, second] = await principals(database)
    t.equal(code(await call(main, 'HEAD', '/first')), 'bucket-missing')
    t.equal(code(await call(main, 'PUT', '/first')), '200')
    t.equal(code(await call(main, 'HEAD', '/first')), '200')
    t.equal(code(await call(main, 'PUT', '/first')), '200', 'again, in us-east-1')
    t.equal(code(await call(second, 'PUT', '/first')), 'bucket-exists')
    t.equal(code(await call(second, 'HEAD', '/first')), 'access-denied')
    t.equal(code(await call(second, 'DELETE', '/first')), 'access-denied')
    t.equal(code(await call(main, 'DELETE', '/first?unknown')), 'not-implemented')
    t.equal(code(await call(main, 'DELETE', '/first')), '204')
    t.equal(code(await call(main, 'DELETE', '/first')), 'bucket-missing')
    t.equal(code(await call(second, 'PUT', '/first')), '200')
  })

  await t.test('CreateBucket, GetBucketLocation: regions', async t => {
    const database = await engine.open(t)
    const call = caller(database)
    const [main] = await principals(database)
    const european = { ...main, region: 'eu-west-1' }
    t.equal(code(await call(european, 'PUT', '/europe')), 'location-incompatible')
    t.equal(code(await call(european, 'PUT', '/europe', constraint('eu-west-1'))), '200')
    t.match(await call(european, 'PUT', '/europe', constraint('eu-west-1')), { code: 'bucket-owned' })
    t.match(await call(main, 'PUT', '/europe'), { code: 'bucket-owned' })
    t.match(await call(main, 'HEAD', '/europe'), { code: 'region-wrong', detail: { region: 'eu-west-1' } })
    t.match(await call(main, 'GET', '/europe?location'), /xmlns="[^"]+">eu-west-1<\/LocationConstraint>/)
    t.equal(code(await call(main, 'PUT', '/america')), '200')
    t.match(await call(european, 'GET', '/america?location'), /<LocationConstraint xmlns="[^"]+"\/>/)
  })

  await t.test('ListBuckets: own buckets only, by prefix, region and page', async t => {
    const database = await engine.open(t)
    const call = caller(database)
    const [main, second] = await principals(database)
    for (const name of ['b-one', 'b-two', 'a-one']) await call(main, 'PUT', `/${name}`)
    await call(main, 'PUT', '/b-far', constraint('eu-west-1'))
    await call(second, 'PUT', '/b-other')
    t.same(texts(await call(main, 'GET', '/'), 'Name'), ['a-one', 'b-far', 'b-one', 'b-two'])
    t.same(texts(await call(main, 'GET', '/?prefix=b-'), 'Name'), ['b-far', 'b-one', 'b-two'])
    t.same(texts(await call(main, 'GET', '/?bucket-region=eu-west-1'), 'Name'), ['b-far'])
    const first = await call(main, 'GET', '/?prefix=b-&max-buckets=2')
    t.same(texts(first, 'Name'), ['b-far', 'b-one'])
    const rest = await call(main, 'GET', `/?prefix=b-&continuation-token=${texts(first, 'ContinuationToken')[0]}`)
    t.same(texts(rest, 'Name'), ['b-two'])
    t.same(texts(rest, 'ContinuationToken'), [])
    t.same(texts(rest, 'ID'), [main.canonicalId])
  })

  await t.test('ListObjects, ListObjectsV2: pages, prefixes, markers', async t => {
    const database = await engine.open(t)
    const call = caller(database)
    const [main] = await principals(database)
    await call(main, 'PUT', '/bucket')
    const description = { headers: { 'content-type': 'x/y' }, metadata: {}, storageClass: 'STANDARD' }
    const bytes = { sizeBytes: 0, inline: undefined, blobId: undefined }
    const { environmentId, identityId, region } = main
    for (const key of ['folder/a/1', 'folder/a/2', 'folder/b', 'folder/c', 'top', 'tüp'])
      await database.write(() =>
        putObject({
          ref: { environmentId, identityId, region, bucket: 'bucket', key },
          bytes,
          inlineBlobId: undefined,
          description,
          etag: 'd41d8cd98f00b204e9800998ecf8427e',
          checksums: { crc32: 'AAAAAA==' },
          checksumType: 'FULL_OBJECT',
          parts: 0,
          conditions: {},
          nowMs,
        }),
      )
    const list = (query: string) => call(main, 'GET', `/bucket?${query}`)
    const all = await list('list-type=2')
    t.same(texts(all, 'Key'), ['folder/a/1', 'folder/a/2', 'folder/b', 'folder/c', 'top', 'tüp'])
    t.same(texts(all, 'ChecksumAlgorithm').length, 6)
    const rolled = await list('list-type=2&delimiter=/')
    t.same([texts(rolled, 'Key'), texts(rolled, 'Prefix').slice(1)], [['top', 'tüp'], ['folder/']])

    const found: string[] = []
    for (let token = ''; ; ) {
      const page = await list(`list-type=2&prefix=folder/&delimiter=/&max-keys=1${token}`)
      found.push(...texts(page, 'Key'), ...texts(page, 'Prefix').slice(1))
      const next = texts(page, 'NextContinuationToken')[0]
      if (next === undefined) break
      token = `&continuation-token=${next}`
    }
    t.same(found, ['folder/a/', 'folder/b', 'folder/c'])

    const marked = await list('prefix=folder/&delimiter=/&marker=folder/a/1')
    t.same([texts(marked, 'Key'), texts(marked, 'Prefix').slice(1)], [['folder/b', 'folder/c'], []])
    const paged = await list('prefix=folder/&delimiter=/&max-keys=1')
    t.same(texts(paged, 'NextMarker'), ['folder/a/'])
    const after = await list('list-type=2&start-after=folder/c')
    t.same(texts(after, 'Key'), ['top', 'tüp'])
    const none = await list('list-type=2&max-keys=0')
    const root = parseXml(Buffer.from((none as string).slice(4)))!
    t.same([childText(root, 'KeyCount'), childText(root, 'IsTruncated')], ['0', 'false'])
    t.equal(code(await call(main, 'DELETE', '/bucket')), 'bucket-not-empty')
    t.equal(code(await call(main, 'GET', '/missing')), 'bucket-missing')
  })
})
