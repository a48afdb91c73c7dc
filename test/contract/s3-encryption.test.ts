/** Encryption of every kind through every object operation, on both engines: what is answered, and what lies there. */
import { createHash } from 'node:crypto'
import t, { type Test } from 'tap'
import { Versioning } from '../../gateway/store/contract.ts'
import { copyObject } from '../../gateway/store/objects.ts'
import { Fault } from '../../protocol/fault.ts'
import { noise } from '../unit/bytes-bodies.ts'
import { onBothEngines } from './engines.ts'
import { type Headers, ObjectClient } from './object-client.ts'
import { plain as description } from './store-world.ts'

const sse = 'x-amz-server-side-encryption'
const md5 = (bytes: Uint8Array | string) => createHash('md5').update(bytes).digest('hex')
function customer(key: Buffer, prefix = sse): Headers {
  return {
    [`${prefix}-customer-algorithm`]: 'AES256',
    [`${prefix}-customer-key`]: key.toString('base64'),
    [`${prefix}-customer-key-md5`]: createHash('md5').update(key).digest('base64'),
  }
}
const fromCustomer = (key: Buffer) => customer(key, `x-amz-copy-source-server-side-encryption`)
const one = noise(32, 1)
const two = noise(32, 2)

interface Kind {
  readonly name: string
  /** Of what makes an object. */
  readonly asks: Headers
  /** Of what reads it. */
  readonly reads: Headers
  readonly copies: Headers
  /** As answers say it. */
  readonly said: Headers
  readonly etagIsMd5: boolean
  readonly encrypts: boolean
}
const managed = { reads: {}, copies: {}, said: { [sse]: 'AES256' }, etagIsMd5: true }
const named = { reads: {}, copies: {}, etagIsMd5: false, encrypts: true }
const context = Buffer.from('{"a":"b"}').toString('base64')
const plain: Kind = { ...managed, name: 'none', asks: {}, encrypts: false }
const kinds: readonly Kind[] = [
  plain,
  { ...managed, name: 'AES256', asks: { [sse]: 'AES256' }, encrypts: true },
  {
    ...named,
    name: 'aws:kms',
    asks: { [sse]: 'aws:kms', [`${sse}-aws-kms-key-id`]: 'k', [`${sse}-context`]: context },
    said: { [sse]: 'aws:kms', [`${sse}-aws-kms-key-id`]: 'k' },
  },
  {
    ...named,
    name: 'aws:kms:dsse',
    asks: { [sse]: 'aws:kms:dsse', [`${sse}-aws-kms-key-id`]: 'k' },
    said: { [sse]: 'aws:kms:dsse', [`${sse}-aws-kms-key-id`]: 'k' },
  },
  {
    name: 'customer',
    asks: customer(one),
    reads: customer(one),
    copies: fromCustomer(one),
    said: {
      [`${sse}-customer-algorithm`]: 'AES256',
      [`${sse}-customer-key-MD5`]: createHash('md5').update(one).digest('base64'),
    },
    etagIsMd5: false,
    encrypts: true,
  },
]
const encrypted = kinds.filter(kind => kind.encrypts)
/** dsse differs from kms in what is said. */
const matrix = kinds.filter(kind => kind.name !== 'aws:kms:dsse')
/** Text that can be looked for: 16 bytes of it come by chance nowhere. */
const text = (sizeBytes: number, seed = 7) => noise(sizeBytes, seed)
const large = text(5 * 1024 * 1024, 1)
const sizes = [0, 1, 1000, 40_000, 70_000] as const

function saidOf(headers: Headers): Headers {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith(sse)))
}
const holds = (bytes: Buffer, wanted: Buffer) => wanted.length >= 16 && bytes.includes(wanted.subarray(0, 16))

async function startUpload(client: ObjectClient, key: string, headers: Headers): Promise<string> {
  const created = await client.ok(`POST /bucket/${key}?uploads`, headers)
  return `/bucket/${key}?uploadId=${/<UploadId>(.*)<\/UploadId>/.exec(created.text)![1]}`
}
function partList(etags: readonly string[]): string {
  const parts = etags.map((etag, i) => `<Part><PartNumber>${i + 1}</PartNumber><ETag>${etag}</ETag></Part>`)
  return `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`
}
/** 5 MiB and a short last part, which lies in the catalogue. */
async function putInParts(client: ObjectClient, key: string, kind: Kind, first: Buffer, last: Buffer): Promise<void> {
  const at = await startUpload(client, key, kind.asks)
  const etags = []
  for (const [i, bytes] of [first, last].entries())
    etags.push((await client.ok(`PUT ${at}&partNumber=${i + 1}`, kind.reads, bytes)).headers['ETag']!)
  await client.ok(`POST ${at}`, kind.reads, partList(etags))
}

await onBothEngines(t, async (t, engine) => {
  for (const kind of kinds)
    t.test(
      `PutObject: ${kind.name}, any size → answered as asked, ${kind.encrypts ? 'ciphertext' : 'text'} at rest`,
      async t => {
        const client = await ObjectClient.open(t, engine)
        for (const size of sizes) {
          const bytes = text(size)
          const put = await client.ok('PUT /bucket/k', kind.asks, bytes)
          t.match(put.headers, kind.said, `${size} bytes: PutObject`)
          t.equal(put.headers[`${sse}-context`], kind.asks[`${sse}-context`])
          t.equal(put.headers['ETag'] === `"${md5(bytes)}"`, kind.etagIsMd5, `${size} bytes: ETag`)
          t.equal(holds(await client.atRest(), bytes), size >= 16 && !kind.encrypts, `${size} bytes: at rest`)
          for (let again = 0; again < 2; again++) {
            const got = await client.ok('GET /bucket/k', kind.reads)
            t.ok(got.bytes.equals(bytes), `${size} bytes: GetObject`)
            t.same(saidOf(got.headers), kind.said)
            t.equal(got.headers['ETag'], put.headers['ETag'])
          }
          const head = await client.ok('HEAD /bucket/k', kind.reads)
          t.match(head.headers, { ...kind.said, 'Content-Length': String(size) })
          if (size > 100) {
            const part = await client.ok('GET /bucket/k', { ...kind.reads, range: 'bytes=17-90' })
            t.ok(part.bytes.equals(bytes.subarray(17, 91)), `${size} bytes: a range`)
          }
          await client.check(t, `${size} bytes`)
        }
        await client.ok('DELETE /bucket/k')
        await client.check(t, 'deleted')
        t.equal((await client.atRest()).length, 0)
      },
    )

  t.test('PutObject: a bucket with a default, nothing asked → the default; asked otherwise → that', async t => {
    const client = await ObjectClient.open(t, engine)
    for (const size of sizes) {
      const bytes = text(size)
      await client.set({ encryption: { algorithm: 'AES256', bucketKeyEnabled: false } })
      t.same(saidOf((await client.ok('PUT /bucket/k', {}, bytes)).headers), { [sse]: 'AES256' })
      t.notOk(holds(await client.atRest(), bytes), `${size} bytes: AES256`)
      t.ok((await client.ok('GET /bucket/k')).bytes.equals(bytes))
      await client.set({ encryption: { algorithm: 'aws:kms', kmsKeyId: 'd', bucketKeyEnabled: true } })
      const said = { [sse]: 'aws:kms', [`${sse}-aws-kms-key-id`]: 'd', [`${sse}-bucket-key-enabled`]: 'true' }
      t.same(saidOf((await client.ok('PUT /bucket/k', {}, bytes)).headers), said)
      t.notOk(holds(await client.atRest(), bytes), `${size} bytes: aws:kms`)
      const got = await client.ok('GET /bucket/k')
      t.ok(got.bytes.equals(bytes))
      t.same(saidOf(got.headers), said)
      const asked = await client.ok('PUT /bucket/k', { [sse]: 'AES256' }, bytes)
      t.same(saidOf(asked.headers), { [sse]: 'AES256' })
      await client.check(t, `${size} bytes`)
    }
    await client.set({ encryption: { algorithm: 'AES256', bucketKeyEnabled: false, blocked: 'SSE-C' } })
    for (const size of sizes)
      t.equal(
        await client.refused('PUT /bucket/c', customer(one), text(size)),
        'customer-keys-blocked',
        `${size} bytes`,
      )
    t.equal(await client.refused('POST /bucket/c?uploads', customer(one)), 'customer-keys-blocked')
    t.equal(
      await client.refused('PUT /bucket/c', { 'x-amz-copy-source': '/bucket/k', ...customer(one) }),
      'customer-keys-blocked',
    )
    await client.check(t, 'refused')
  })

  t.test(
    'GetObject, HeadObject, GetObjectAttributes: the customer’s key missing, wrong, unexpected → nothing told',
    async t => {
      const client = await ObjectClient.open(t, engine)
      const { headers } = await client.ok('PUT /bucket/k', customer(one), text(1000))
      await client.ok('PUT /bucket/plain', {}, text(1000))
      for (const line of ['GET /bucket/k', 'HEAD /bucket/k', 'GET /bucket/k?attributes']) {
        const wants: Headers = line.endsWith('attributes') ? { 'x-amz-object-attributes': 'ETag' } : {}
        // The right key first: what is kept of it must not open the object to others.
        await client.ok(line, { ...wants, ...customer(one) })
        t.equal(await client.refused(line, wants), 'customer-key-missing')
        t.equal(await client.refused(line, { ...wants, ...customer(two) }), 'customer-key-wrong')
        t.equal(await client.refused(line, { ...wants, ...customer(noise(16, 1)) }), 'customer-key-wrong')
        t.equal(
          await client.refused(line.replace('/k', '/plain'), { ...wants, ...customer(one) }),
          'customer-key-unexpected',
        )
      }
      for (const condition of [{ 'if-none-match': headers['ETag']! }, { 'if-match': '"other"' }])
        t.equal(await client.refused('GET /bucket/k', condition), 'customer-key-missing', JSON.stringify(condition))
      t.equal(
        await client.refused('GET /bucket/k', { 'if-none-match': headers['ETag']!, ...customer(one) }),
        'not-modified',
      )
    },
  )

  t.test(
    'GetObject, PutObject: a KMS key without a signature of version 4 → refused, by form too only for reads',
    async t => {
      const client = await ObjectClient.open(t, engine)
      const kms = kinds[2]!.asks
      await client.ok('PUT /bucket/k', kms, 'x')
      const { environmentId, identityId } = client.world
      const principal = {
        accessKeyId: 'a',
        environmentId,
        account: '0'.repeat(12),
        identityId,
        identityName: 'main',
        canonicalId: 'c',
        region: '',
      }
      const version2 = { principal }
      for (const [line, headers] of [
        ['GET /bucket/k', {}],
        ['PUT /bucket/k', kms],
        ['POST /bucket/k?uploads', kms],
      ] as const)
        t.equal(await client.refused(line, headers, '', version2), 'argument-invalid', line)
      await client.ok('PUT /bucket/other', customer(one), 'x', version2)
      t.equal((await client.ok('GET /bucket/other', customer(one), '', version2)).text, 'x')
    },
  )

  t.test('versions: each under its own key → read with it, also once another is the newest', async t => {
    const client = await ObjectClient.open(t, engine)
    await client.version(Versioning.enabled)
    const ids = []
    for (const key of [one, two])
      ids.push((await client.ok('PUT /bucket/k', customer(key), key)).headers['x-amz-version-id']!)
    ids.push((await client.ok('PUT /bucket/k', {}, 'plain')).headers['x-amz-version-id']!)
    for (const [i, key] of [one, two].entries()) {
      t.ok((await client.ok(`GET /bucket/k?versionId=${ids[i]}`, customer(key))).bytes.equals(key))
      t.equal(await client.refused(`GET /bucket/k?versionId=${ids[1 - i]}`, customer(key)), 'customer-key-wrong')
    }
    await client.ok(`DELETE /bucket/k?versionId=${ids[2]}`)
    t.ok((await client.ok('GET /bucket/k', customer(two))).bytes.equals(two), 'the next newest')
    await client.check(t, 'a version deleted')
  })

  for (const kind of kinds)
    t.test(`multipart: ${kind.name} → parts, ranges and the whole`, async t => {
      const client = await ObjectClient.open(t, engine)
      const first = large
      const last = text(1000, 2)
      const whole = Buffer.concat([first, last])
      const created = await client.ok('POST /bucket/k?uploads', kind.asks)
      t.match(created.headers, kind.said)
      t.equal(created.headers[`${sse}-context`], kind.asks[`${sse}-context`])
      await putInParts(client, 'k', kind, first, last)
      const stored = await client.atRest()
      t.same([holds(stored, first), holds(stored, last)], kind.encrypts ? [false, false] : [true, true])
      const got = await client.ok('GET /bucket/k', kind.reads)
      t.ok(got.bytes.equals(whole))
      t.same(saidOf(got.headers), kind.said)
      t.match(got.headers['ETag'], /^"[0-9a-f]{32}-2"$/)
      for (const [from, to] of [
        [0, 15],
        [first.length - 7, first.length + 8],
        [first.length + 3, whole.length - 1],
      ] as const) {
        const range = await client.ok('GET /bucket/k', { ...kind.reads, range: `bytes=${from}-${to}` })
        t.ok(range.bytes.equals(whole.subarray(from, to + 1)), `${from}-${to}`)
      }
      const part = await client.ok('GET /bucket/k?partNumber=2', kind.reads)
      t.ok(part.bytes.equals(last))
      await client.check(t, 'completed')
      await client.ok('DELETE /bucket/k')
      await client.check(t, 'deleted')
    })

  t.test('multipart with a customer’s key: parts and completion without it, with another → their faults', async t => {
    const client = await ObjectClient.open(t, engine)
    const at = await startUpload(client, 'k', {
      ...customer(one),
      'x-amz-checksum-algorithm': 'CRC32',
      'x-amz-checksum-type': 'FULL_OBJECT',
    })
    const part = `PUT ${at}&partNumber=1`
    t.equal(await client.refused(part, {}, 'x'), 'upload-key-unfitting')
    t.equal(await client.refused(part, customer(two), 'x'), 'upload-key-different')
    t.equal(await client.refused(part, { ...customer(one), [sse]: 'AES256' }, 'x'), 'argument-invalid')
    const { headers } = await client.ok(part, customer(one), 'x')
    const again = await client.ok(part, customer(one), 'x')
    t.equal(again.headers['ETag'], headers['ETag'], 'a part sent twice is the same part')
    const list = partList([headers['ETag']!])
    t.equal(await client.refused(`POST ${at}`, {}, list), 'upload-key-unfitting')
    t.equal(await client.refused(`POST ${at}`, customer(two), list), 'upload-key-different')
    await client.ok(`GET ${at}`)
    await client.ok(`GET ${at}`, customer(one))
    t.equal(await client.refused(`GET ${at}`, customer(two)), 'upload-key-different')
    const said = kinds.at(-1)!.said
    t.same(saidOf((await client.ok(`POST ${at}`, customer(one), list)).headers), said)
    t.same(saidOf((await client.ok(`POST ${at}`, customer(one), list)).headers), said, 'completed once more')
    t.equal((await client.ok('GET /bucket/k', customer(one))).text, 'x')

    const silent = await startUpload(client, 'silent', customer(one))
    const sent = await client.ok(`PUT ${silent}&partNumber=1`, customer(one), 'y')
    t.same(
      saidOf((await client.ok(`POST ${silent}`, {}, partList([sent.headers['ETag']!]))).headers),
      {},
      'no checksum: no key',
    )
    t.equal((await client.ok('GET /bucket/silent', customer(one))).text, 'y')

    const open = await startUpload(client, 'open', {})
    t.equal(await client.refused(`PUT ${open}&partNumber=1`, customer(one), 'x'), 'upload-key-unfitting')
    await client.ok(`DELETE ${open}`)
    await client.check(t, 'aborted')
  })

  t.test(
    'CopyObject: from every kind to every kind, small, stored and of parts → the same text, kept as asked',
    async t => {
      const client = await ObjectClient.open(t, engine)
      for (const [si, from] of matrix.entries()) {
        const bodies = { small: text(500, 10 + si), stored: text(50_000, 20 + si) }
        for (const [name, bytes] of Object.entries(bodies)) await client.ok(`PUT /bucket/${name}`, from.asks, bytes)
        const parts = [large, text(700, 40 + si)] as const
        await putInParts(client, 'parts', from, ...parts)
        for (const [name, bytes] of Object.entries({ ...bodies, parts: Buffer.concat(parts) }))
          for (const to of matrix) {
            const headers = { 'x-amz-copy-source': `/bucket/${name}`, ...from.copies, ...to.asks }
            const copy = await client.ok('PUT /other/copy', headers)
            const about = `${name}: ${from.name} → ${to.name}`
            t.same(saidOf(copy.headers)[sse], to.said[sse], about)
            const etag = /<ETag>&quot;(.*)&quot;<\/ETag>/.exec(copy.text)![1]
            t.equal(etag === md5(bytes), to.etagIsMd5, `${about}: ETag`)
            const got = await client.ok('GET /other/copy', { ...to.reads, 'x-amz-checksum-mode': 'ENABLED' })
            t.ok(got.bytes.equals(bytes), about)
            t.equal(got.headers['ETag'], `"${etag}"`)
            t.same(saidOf(got.headers), to.said, about)
            t.ok(got.headers['x-amz-checksum-crc64nvme'], about)
            // What was copied from is text at rest itself when it is plain, and managed bytes may be shared.
            const shared = (await client.blobOf('copy')) === (await client.blobOf(name))
            const shareable =
              [from, to].every(kind => !kind.encrypts) || (from.name === 'AES256' && to.said[sse] === 'AES256')
            t.equal(shared, shareable, `${about}: the blob is shared`)
            await client.check(t, about)
            if (to.encrypts && from.encrypts) t.notOk(holds(await client.atRest(), bytes), `${about}: at rest`)
          }
        for (const name of ['small', 'stored', 'parts']) await client.ok(`DELETE /bucket/${name}`)
        await client.ok('DELETE /other/copy')
        await client.check(t, from.name)
        t.equal((await client.atRest()).length, 0)
      }
    },
  )

  t.test('CopyObject: the source’s key missing or wrong, a copy onto itself under another key', async t => {
    const client = await ObjectClient.open(t, engine)
    const bytes = text(1000)
    const onto = { 'x-amz-copy-source': '/bucket/k' }
    await client.ok('PUT /bucket/k', customer(one), bytes)
    t.equal(await client.refused('PUT /bucket/c', onto), 'customer-key-missing')
    t.equal(await client.refused('PUT /bucket/c', { ...onto, ...fromCustomer(two) }), 'customer-key-wrong')
    t.equal(
      await client.refused('PUT /bucket/c', { ...onto, ...customer(one) }),
      'customer-key-missing',
      'it is the copy’s',
    )
    t.equal(
      await client.refused('PUT /bucket/k', { ...onto, ...fromCustomer(one) }),
      'request-invalid',
      'nothing changes',
    )
    await client.ok('PUT /bucket/k', { ...onto, ...fromCustomer(one), ...customer(two) })
    t.ok((await client.ok('GET /bucket/k', customer(two))).bytes.equals(bytes))
    t.equal(await client.refused('GET /bucket/k', customer(one)), 'customer-key-wrong')
    await client.ok('PUT /bucket/k', { ...onto, ...fromCustomer(two), [sse]: 'AES256' })
    t.notOk(holds(await client.atRest(), bytes))
    await client.ok('PUT /bucket/k', { ...onto, [sse]: 'AES256' })
    t.ok((await client.ok('GET /bucket/k')).bytes.equals(bytes))
    await client.check(t, 'onto itself')
    await client.set({ encryption: { algorithm: 'aws:kms', bucketKeyEnabled: false } }, 'other')
    const copied = await client.ok('PUT /other/k', onto)
    t.equal(copied.headers[sse], 'aws:kms', 'the default of the copy’s bucket')
    t.ok((await client.ok('GET /other/k')).bytes.equals(bytes))
    await client.check(t, 'into a default')
  })

  t.test('UploadPartCopy: from every kind to every kind, whole and ranges → the same text', async t => {
    const client = await ObjectClient.open(t, engine)
    for (const [si, from] of matrix.entries()) {
      const small = text(900, 50 + si)
      const parts = [large, text(700, 70 + si)] as const
      const joined = Buffer.concat(parts)
      await client.ok('PUT /bucket/small', from.asks, small)
      await putInParts(client, 'large', from, ...parts)
      for (const to of matrix) {
        const about = `${from.name} → ${to.name}`
        const at = await startUpload(client, 'copy', to.asks)
        const copies = [
          ['large', 'bytes=0-5242881', joined.subarray(0, 5_242_882)],
          ['large', undefined, joined],
          ['small', 'bytes=100-599', small.subarray(100, 600)],
        ] as const
        const etags = []
        for (const [i, [name, range]] of copies.entries()) {
          const headers = {
            'x-amz-copy-source': `/bucket/${name}`, ...from.copies, ...to.reads,
            ...(range === undefined ? {} : { 'x-amz-copy-source-range': range }),
          } // biome-ignore format: short
          const copied = await client.ok(`PUT ${at}&partNumber=${i + 1}`, headers)
          t.same(saidOf(copied.headers), to.said, about)
          etags.push(/<ETag>&quot;(.*)&quot;<\/ETag>/.exec(copied.text)![1]!)
          await client.world.checkReferences(t, about)
        }
        await client.ok(`POST ${at}`, to.reads, partList(etags))
        const got = await client.ok('GET /bucket/copy', to.reads)
        t.ok(got.bytes.equals(Buffer.concat(copies.map(([, , bytes]) => bytes))), about)
        if (from.encrypts && to.encrypts) t.notOk(holds(await client.atRest(), joined), `${about}: at rest`)
        await client.ok('DELETE /bucket/copy')
      }
      for (const name of ['small', 'large']) await client.ok(`DELETE /bucket/${name}`)
      await client.check(t, from.name)
      t.equal((await client.atRest()).length, 0)
    }
  })

  t.test('UploadPartCopy: keys missing or wrong, of source and upload → their faults', async t => {
    const client = await ObjectClient.open(t, engine)
    await client.ok('PUT /bucket/k', customer(one), 'text')
    const at = await startUpload(client, 'u', customer(two))
    const line = `PUT ${at}&partNumber=1`
    const from = { 'x-amz-copy-source': '/bucket/k' }
    t.equal(await client.refused(line, { ...from, ...fromCustomer(one) }), 'upload-key-unfitting')
    t.equal(await client.refused(line, { ...from, ...fromCustomer(one), ...customer(one) }), 'upload-key-different')
    t.equal(await client.refused(line, { ...from, ...customer(two) }), 'customer-key-missing')
    t.equal(await client.refused(line, { ...from, ...fromCustomer(two), ...customer(two) }), 'customer-key-wrong')
    await client.ok(line, { ...from, ...fromCustomer(one), ...customer(two) })
    await client.ok(`DELETE ${at}`)
    await client.check(t, 'aborted')
  })

  await overwritten(t, await ObjectClient.open(t, engine))
})

/** Inline bytes are overwritten under their id: a copy that had read the old ones must not take the new for them. */
async function overwritten(t: Test, client: ObjectClient): Promise<void> {
  t.test('copyObject: the source’s inline bytes, overwritten since they were read → condition-conflict', async t => {
    const { world } = client
    const again = async (now: string) => {
      await world.put('source', 'first')
      const found = await world.find('source')
      world.clock.advance(1)
      await world.put('source', now)
      t.equal((await world.find('source')).blobId, found.blobId, 'under their id')
      const copied = await world.database.write(() =>
        copyObject({
          source: world.object('source'),
          sourceConditions: {},
          sourceSeq: found.seq,
          sourceBytes: found,
          target: world.object('target'),
          targetConditions: {},
          describe: () => description,
          nowMs: world.clock.now(),
        }),
      )
      return copied instanceof Fault ? copied.code : 'copied'
    }
    t.equal(await again('another'), 'condition-conflict')
    t.equal(await again('first'), 'copied', 'the same text')
  })

  t.test('CopyObject: the source put anew, encrypted or not, while it is copied → one of the texts, whole', async t => {
    for (let turn = 0; turn < 20; turn++) {
      const texts = [text(100, turn), text(100, turn + 100), text(100, turn + 200)]
      await client.ok('PUT /bucket/k', {}, texts[0])
      const [copied] = await Promise.all([
        client.ok('PUT /bucket/copy', { 'x-amz-copy-source': '/bucket/k' }),
        client.ok('PUT /bucket/k', encrypted[0]!.asks, texts[1]),
        client.ok('PUT /bucket/k', {}, texts[2]),
      ])
      const got = await client.ok('GET /bucket/copy')
      t.ok(
        texts.some(one => one.equals(got.bytes)),
        'whole',
      )
      t.equal(got.headers['ETag'], `"${md5(got.bytes)}"`)
      t.ok(copied.text.includes(md5(got.bytes)))
    }
    await client.check(t, 'overwritten')
  })
}
