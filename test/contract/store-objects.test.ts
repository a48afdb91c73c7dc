import t from 'tap'
import { createBucket, deleteBucket, listBuckets, resolveBucket } from '../../gateway/store/buckets.ts'
import type { Conditions, ObjectRef } from '../../gateway/store/contract.ts'
import { ensureIdentities, loadCredential } from '../../gateway/store/identities.ts'
import { findPart, listObjectParts } from '../../gateway/store/object-parts.ts'
import {
  byteSlices,
  type CopyObject,
  copyObject,
  deleteObject,
  deleteObjects,
  findObject,
  headObject,
  putObject,
} from '../../gateway/store/objects.ts'
import { resetEnvironment } from '../../gateway/store/reset.ts'
import { Fault } from '../../protocol/fault.ts'
import { onBothEngines } from './engines.ts'
import { definition, plain, startMs, World } from './store-world.ts'

const codeOf = (value: unknown): string => (value instanceof Fault ? value.code : 'no fault')
const large = (letter: string) => letter.repeat(100)

await onBothEngines(t, async (t, engine) => {
  await t.test('buckets', async t => {
    const world = await World.open(t, engine)
    const { database, environmentId, identityId, altId } = world
    const create = (name: string, by = identityId, limit = 100, region = 'eu-west-1') =>
      database.write(() => createBucket({ environmentId, identityId: by, name, region, nowMs: startMs, limit }))
    const made = await create('a')
    t.match(
      made,
      { name: 'a', ownerId: identityId, region: 'eu-west-1', createdAtMs: startMs },
      'CreateBucket: new → made',
    )
    const again = await create('a', identityId, 100, 'us-east-1')
    t.equal(codeOf(again), 'bucket-owned', 'CreateBucket: own → bucket-owned')
    t.match(again, { detail: { region: 'eu-west-1' } }, 'with its region')
    t.equal(codeOf(await create('a', altId)), 'bucket-exists', "CreateBucket: another's → bucket-exists")
    t.equal(codeOf(await create('b', identityId, 1)), 'bucket-limit', 'CreateBucket: at the limit → bucket-limit')
    await database.write(() =>
      createBucket({
        environmentId: world.otherEnvironmentId,
        identityId: world.otherIdentityId,
        name: 'a',
        region: 'us-east-1',
        nowMs: startMs,
        limit: 1,
      }),
    )
    const resolve = (more: object) => database.read(() => resolveBucket(world.bucket('a', { region: '', ...more })))
    t.same(await resolve({}), made, 'resolve: the environment decides which of one name')
    t.equal(codeOf(await resolve({ bucket: 'none' })), 'bucket-missing', 'resolve: no such bucket')
    t.equal(codeOf(await resolve({ identityId: altId, region: 'x' })), 'access-denied', 'resolve: another identity')
    t.match(
      await resolve({ region: 'x' }),
      { code: 'region-wrong', detail: { region: 'eu-west-1' } },
      'resolve: region',
    )

    for (const name of ['b', 'ab', 'aa']) await create(name, identityId, 100, name === 'b' ? 'us-east-1' : 'eu-west-1')
    await create('ac', altId)
    const list = (more: object) =>
      database.read(() => listBuckets({ environmentId, identityId, prefix: '', after: '', limit: 100, ...more }))
    const names = async (more: object) => (await list(more)).buckets.map(bucket => bucket.name)
    t.same(await names({}), ['a', 'aa', 'ab', 'b'], 'ListBuckets: own ones in order')
    t.same(await names({ prefix: 'a', after: 'a' }), ['aa', 'ab'], 'ListBuckets: prefix and after')
    t.same(await names({ prefix: 'a', after: 'b' }), [], 'ListBuckets: after beyond the prefix → none')
    t.same(await names({ region: 'us-east-1' }), ['b'], 'ListBuckets: region')
    t.match(await list({ limit: 2 }), { truncated: true, last: 'aa' }, 'ListBuckets: page')
    t.match(await list({ limit: 2, after: 'aa' }), { truncated: false, last: 'b' }, 'ListBuckets: last page')

    const ref = world.bucket('b')
    await world.put('k', 'v', {}, 'b')
    t.equal(
      codeOf(await database.write(() => deleteBucket(ref))),
      'bucket-not-empty',
      'DeleteBucket: an object → refused',
    )
    await database.write(() => deleteObject({ ref: world.object('k', 'b'), conditions: {}, nowMs: startMs }))
    t.equal(await database.write(() => deleteBucket(ref)), undefined, 'DeleteBucket: empty → gone')
    t.equal(codeOf(await database.write(() => deleteBucket(ref))), 'bucket-missing', 'DeleteBucket: again')
    t.equal(codeOf(await world.put('k', 'v', {}, 'b')), 'bucket-missing', 'PutObject: no bucket')
  })

  await t.test('objects', async t => {
    const world = await World.open(t, engine)
    const { database } = world
    await world.createBucket()
    const description = {
      headers: { 'content-type': 'text/plain', 'cache-control': 'no-store' },
      metadata: { 'a-b': 'ü€😀' },
      storageClass: 'STANDARD_IA',
    }
    const ref = world.object('dir/ключ 😀//../x')
    const bytes = await world.stage(Buffer.from('inline'))
    const inlineBlobId = await world.blobIds.next()
    const put = await database.write(() =>
      putObject({
        ref,
        bytes,
        inlineBlobId,
        description,
        etag: 'e1',
        checksums: { crc32: 'AAAAAA==' },
        checksumType: 'FULL_OBJECT',
        parts: 0,
        conditions: {},
        nowMs: startMs,
      }),
    )
    t.match(put, { etag: 'e1', replaced: false }, 'PutObject: new')
    const found = await world.find(ref.key)
    t.match(
      found,
      {
        key: ref.key,
        sizeBytes: 6,
        etag: 'e1',
        modifiedAtMs: startMs,
        ownerId: world.identityId,
        parts: 0,
        checksumType: 'FULL_OBJECT',
        checksums: { crc32: 'AAAAAA==' },
        place: 'inline',
        ...description,
      },
      'GetObject: everything reads back',
    )
    t.equal(Buffer.from(found.data!).toString(), 'inline', 'GetObject: inline bytes')
    const head = await database.read(() => headObject(ref))
    t.match(head, { place: 'inline', data: undefined, etag: 'e1' }, 'HeadObject: no bytes')
    t.equal(await world.content(ref.key, 'bucket', 1, 3), 'nli', 'range of inline bytes')
    t.equal(codeOf(await database.read(() => findObject(world.object('none')))), 'object-missing', 'GetObject: none')
    t.equal(
      codeOf(await database.read(() => findObject(world.object('k', 'none')))),
      'bucket-missing',
      'GetObject: no bucket',
    )
    t.same(
      await database.read(() => findPart(found, 1)),
      { offset: 0, sizeBytes: 6, checksums: found.checksums },
      'part 1',
    )
    t.equal(await database.read(() => findPart(found, 2)), undefined, 'part 2 of an object put whole')
    t.same(
      await database.read(() => listObjectParts(found, 0, 10)),
      { parts: [], truncated: false },
      'no parts to list',
    )

    const places: [string, string][] = [
      ['stored', large('s')],
      ['empty', ''],
      ['inline', 'tiny'],
      ['inline', 'tiny again'],
      ['stored', large('t')],
      ['stored', large('u')],
    ]
    let seq = 0
    for (const [place, content] of places) {
      await world.put('k', content)
      const now = await world.find('k')
      t.equal(now.place, place, `PutObject: → ${place}`)
      t.equal(await world.content('k'), content, 'reads back')
      t.ok(now.seq > seq, 'its sequence grows although time stands still')
      seq = now.seq
      await world.checkReferences(t, 'references')
    }
    t.equal(await world.content('k', 'bucket', 10, 5), 'uuuuu', 'range of stored bytes')
    t.throws(() => byteSlices({ ...found, sizeBytes: 5 }, 4, 2).next(), RangeError, 'a range outside the object')
    world.clock.advance(-5000)
    await world.put('k', 'back')
    t.ok((await world.find('k')).seq > seq, 'its sequence grows when time goes back')
    await world.sweepAll()
    await world.checkSwept(t, 'all replaced bytes are gone')
  })

  await t.test('conditions', async t => {
    const world = await World.open(t, engine)
    await world.createBucket()
    const { database } = world
    const attempt = async (conditions: Conditions, key = 'k') => codeOf(await world.put(key, large('x'), conditions))
    t.equal(await attempt({ ifMatch: ['*'] }), 'object-missing', 'PutObject: If-Match on nothing')
    t.equal(await attempt({ ifNoneMatch: ['*'] }), 'no fault', 'PutObject: If-None-Match: * on nothing → made')
    t.equal(await attempt({ ifNoneMatch: ['*'] }), 'precondition-failed', 'PutObject: If-None-Match: * on something')
    t.equal(await attempt({ ifMatch: ['other'] }), 'precondition-failed', 'PutObject: If-Match another')
    t.equal(await attempt({ ifMatch: ['etag of 100'] }), 'no fault', 'PutObject: If-Match this')
    const remove = async (conditions: object, key = 'k') =>
      codeOf(await database.write(() => deleteObject({ ref: world.object(key), conditions, nowMs: startMs })))
    t.equal(await remove({ ifMatch: ['other'] }), 'precondition-failed', 'DeleteObject: If-Match another')
    t.equal(await remove({ ifMatch: ['x'] }, 'none'), 'object-missing', 'DeleteObject: If-Match on nothing')
    t.equal(await remove({ sizeBytes: 1 }), 'precondition-failed', 'DeleteObject: another size')
    t.equal(await remove({ ifMatch: ['etag of 100'], sizeBytes: 100 }), 'no fault', 'DeleteObject: all hold')
    const again = await database.write(() => deleteObject({ ref: world.object('k'), conditions: {}, nowMs: startMs }))
    t.same(again, { existed: false, marker: false, version: undefined }, 'DeleteObject: nothing there')

    for (const key of ['a', 'b', 'c']) await world.put(key, key)
    const items = [
      { key: 'a', conditions: {} },
      { key: 'b', conditions: { ifMatch: ['other'] } },
      { key: 'none', conditions: {} },
      { key: 'a', conditions: {} },
      { key: 'c', conditions: { ifMatch: ['etag of 1'] } },
    ]
    const answers = await database.write(() => deleteObjects({ ref: world.bucket(), items, nowMs: startMs }))
    t.match(
      answers,
      [{ existed: true }, { code: 'precondition-failed' }, { existed: false }, { existed: false }, { existed: true }],
      'DeleteObjects: an answer each',
    )
    t.equal(await world.content('b'), 'b', 'what failed its condition stays')
    await world.checkReferences(t, 'references')
  })

  await t.test('PutObject: 100 racing If-None-Match: * → exactly one wins', async t => {
    const world = await World.open(t, engine)
    await world.createBucket()
    for (const content of ['i', large('s')]) {
      const key = `race ${content.length}`
      const racers = Array.from({ length: 100 }, (_, i) =>
        world.put(key, content + i, { ifNoneMatch: ['*'] }).then(codeOf),
      )
      const codes = await Promise.all(racers)
      t.equal(codes.filter(code => code === 'no fault').length, 1, `${content.length}: one winner`)
      t.equal(codes.filter(code => code === 'precondition-failed').length, 99, `${content.length}: 99 losers`)
      t.equal(await world.content(key), content + codes.indexOf('no fault'), 'whose bytes are kept')
    }
    const overwrites = Array.from({ length: 40 }, (_, i) => world.put('over', i % 2 === 0 ? large('o') : 'o'))
    await Promise.all(overwrites)
    await world.checkReferences(t, 'references after racing overwrites')
  })

  await t.test('CopyObject', async t => {
    const world = await World.open(t, engine)
    await world.createBucket()
    await world.createBucket('second')
    const { database } = world
    const copy = (source: ObjectRef, target: ObjectRef, more: Partial<CopyObject<Fault<'request-invalid'>>> = {}) =>
      database.write(() =>
        copyObject({
          source,
          target,
          sourceConditions: {},
          targetConditions: {},
          describe: from => from,
          nowMs: world.clock.now(),
          ...more,
        }),
      )
    for (const [key, content] of Object.entries({ inline: 'tiny', stored: large('s'), empty: '' })) {
      await world.put(key, content)
      t.match(await copy(world.object(key), world.object('copy', 'second')), { sizeBytes: content.length }, `of ${key}`)
      t.equal(await world.content('copy', 'second'), content, 'reads back')
      await world.put(key, 'gone')
      t.equal(await world.content('copy', 'second'), content, 'also when the source is replaced')
      await world.checkReferences(t, 'references')
    }
    await world.put('self', large('x'))
    const before = await world.find('self')
    const replaced = { ...plain, metadata: { new: 'yes' } }
    await copy(world.object('self'), world.object('self'), { describe: () => replaced })
    const after = await world.find('self')
    t.match(after, { metadata: { new: 'yes' }, blobId: before.blobId }, 'onto itself: new metadata, same bytes')
    t.ok(after.seq > before.seq, 'and a new sequence')
    await world.checkReferences(t, 'references')

    const fails = async (more: Partial<CopyObject<Fault<'request-invalid'>>>) => {
      const answer = await copy(world.object('self'), world.object('t'), more)
      return answer instanceof Fault ? `${answer.code} ${answer.detail['side'] ?? 'target'}` : 'no fault'
    }
    t.equal(await fails({ source: world.object('none') }), 'object-missing source')
    t.equal(await fails({ source: world.object('x', 'none') }), 'bucket-missing source')
    t.equal(await fails({ target: world.object('x', 'none') }), 'bucket-missing target')
    t.equal(await fails({ sourceConditions: { ifMatch: ['other'] } }), 'precondition-failed source')
    t.equal(await fails({ targetConditions: { ifMatch: ['other'] } }), 'object-missing target')
    t.equal(await fails({ sourceSeq: after.seq - 1 }), 'condition-conflict source')
    t.equal(await fails({ describe: () => new Fault('request-invalid') }), 'request-invalid target')
    t.equal(await fails({ sourceSeq: after.seq, targetConditions: { ifNoneMatch: ['*'] } }), 'no fault')
    t.equal(await fails({ targetConditions: { ifNoneMatch: ['*'] } }), 'precondition-failed target')
    const own = { etag: 'own', checksums: { type: 'FULL_OBJECT' as const, values: { crc32: 'AAAAAA==' } } }
    await copy(world.object('self'), world.object('own'), own)
    t.match(await world.find('own'), { etag: 'own', checksumType: 'FULL_OBJECT', checksums: { crc32: 'AAAAAA==' } })
  })

  await t.test('identities and reset', async t => {
    const world = await World.open(t, engine)
    const { database } = world
    t.match(await database.read(() => loadCredential('AKB')), {
      secretAccessKey: 'secret of AKB',
      sessionToken: null,
      expiresAtMs: null,
      environmentId: world.environmentId,
      account: '000000000000',
      identityId: world.altId,
      identityName: 'alt',
      canonicalId: /^[0-9a-f]{64}$/,
    })
    t.equal(await database.read(() => loadCredential('none')), undefined)
    const canonicalId = 'c'.repeat(64)
    const credentials = [{ accessKeyId: 'AKB', secretAccessKey: 'new', sessionToken: 'token', expiresAtMs: 5 }]
    const [first, second] = definition.environments
    const changed = [{ ...first!, identities: [{ name: 'alt', canonicalId, credentials }] }, second!]
    await database.write(() => ensureIdentities({ environments: changed }, startMs))
    const now = { secretAccessKey: 'new', sessionToken: 'token', expiresAtMs: 5, canonicalId, identityId: world.altId }
    t.match(await database.read(() => loadCredential('AKB')), now, 'ensureIdentities: again → brought up to date')
    t.ok(await database.read(() => loadCredential('AKA')), 'what is no longer named stays')

    await world.createBucket()
    await world.put('a', 'tiny')
    await world.put('b', large('b'))
    t.equal(await database.write(() => resetEnvironment('none')), false, 'reset: no such environment')
    t.equal(await database.write(() => resetEnvironment('other')), true, 'reset: another environment')
    t.equal(await world.content('a'), 'tiny', '→ nothing happens here')
    t.equal(await database.write(() => resetEnvironment(engine.name === 'sqlite' ? undefined : 'default')), true)
    t.equal(
      codeOf(await database.read(() => findObject(world.object('a')))),
      'bucket-missing',
      'reset: buckets are gone',
    )
    t.ok(await database.read(() => loadCredential('AKA')), 'reset: credentials stay')
    await world.checkReferences(t, 'references')
    await world.sweepAll()
    await world.checkSwept(t, 'swept')
  })
})
