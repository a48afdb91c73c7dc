import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import {
  ChecksumAlgorithm,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { bytesOf, newBucket, refusal, s3 } from '../support/clients.ts'
import { startServer } from '../support/server.ts'
import { element, signedFetch } from '../support/signed.ts'

const server = await startServer(t)
const client = s3(t, server)
const Bucket = await newBucket(client)

/** Checksums of `hello world`, base64. */
const known = {
  CRC32: 'DUoRhQ==',
  CRC32C: 'yZRlqg==',
  CRC64NVME: 'jSnVw/bqjr4=',
  SHA1: createHash('sha1').update('hello world').digest('base64'),
  SHA256: createHash('sha256').update('hello world').digest('base64'),
} as const
const algorithms = Object.keys(known) as (keyof typeof known)[]

t.test('PutObject: the SDK’s defaults → a CRC32 of the whole object, stored and returned', async t => {
  const put = await client.send(new PutObjectCommand({ Bucket, Key: 'default', Body: 'hello world' }))
  t.match(put, { ChecksumCRC32: known.CRC32, ChecksumType: 'FULL_OBJECT' })
  const head = await client.send(new HeadObjectCommand({ Bucket, Key: 'default', ChecksumMode: 'ENABLED' }))
  t.match(head, { ChecksumCRC32: known.CRC32, ChecksumType: 'FULL_OBJECT' })
  const plain = await client.send(new HeadObjectCommand({ Bucket, Key: 'default' }))
  t.equal(plain.ChecksumCRC32, undefined, 'only when asked for')
})

t.test('PutObject: no checksum from the client → CRC64NVME added by the server', async t => {
  await signedFetch(server, { method: 'PUT', path: `/${Bucket}/none`, body: 'hello world' })
  const head = await client.send(new HeadObjectCommand({ Bucket, Key: 'none', ChecksumMode: 'ENABLED' }))
  t.match(head, { ChecksumCRC64NVME: known.CRC64NVME, ChecksumType: 'FULL_OBJECT' })
})

for (const algorithm of algorithms) {
  const field = `Checksum${algorithm}` as const
  t.test(`PutObject: ${algorithm} computed by the SDK → stored and returned`, async t => {
    const Key = `computed-${algorithm}`
    const put = await client.send(
      new PutObjectCommand({ Bucket, Key, Body: 'hello world', ChecksumAlgorithm: algorithm }),
    )
    t.equal(put[field], known[algorithm])
    const got = await client.send(new GetObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }))
    t.equal(got[field], known[algorithm])
    t.equal(await got.Body?.transformToString(), 'hello world')
  })

  t.test(`PutObject: ${algorithm} of a stream, in the trailer → stored and returned`, async t => {
    const Key = `trailer-${algorithm}`
    const Body = randomBytes(300_000)
    const put = await client.send(
      new PutObjectCommand({
        Bucket,
        Key,
        Body: Readable.from([Body.subarray(0, 70_000), Body.subarray(70_000)]),
        ContentLength: Body.length,
        ChecksumAlgorithm: algorithm,
      }),
    )
    t.ok(put[field])
    const got = await client.send(new GetObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }))
    t.equal(got[field], put[field])
    t.ok(Body.equals(await bytesOf(got)))
    t.not(got.ContentEncoding, 'aws-chunked')
  })

  t.test(`PutObject: wrong ${algorithm} in a header → BadDigest, nothing stored`, async t => {
    const Key = `wrong-${algorithm}`
    const wrong = Buffer.from(known[algorithm], 'base64').map(byte => byte ^ 1)
    const input = { Bucket, Key, Body: 'hello world', [field]: Buffer.from(wrong).toString('base64') }
    t.match(await refusal(client.send(new PutObjectCommand(input))), { name: 'BadDigest', status: 400 })
    t.equal((await refusal(client.send(new HeadObjectCommand({ Bucket, Key })))).status, 404)
  })

  t.test(`PutObject: malformed ${algorithm} → InvalidRequest`, async t => {
    const input = { Bucket, Key: 'malformed', Body: 'x', [field]: 'bm90IG9uZQ=' }
    t.match(await refusal(client.send(new PutObjectCommand(input))), { name: 'InvalidRequest', status: 400 })
  })

  t.test(`CopyObject: ${algorithm} asked for → computed for the copy`, async t => {
    await client.send(
      new CopyObjectCommand({
        Bucket,
        Key: `copy-${algorithm}`,
        CopySource: `${Bucket}/default`,
        ChecksumAlgorithm: algorithm,
      }),
    )
    const head = await client.send(new HeadObjectCommand({ Bucket, Key: `copy-${algorithm}`, ChecksumMode: 'ENABLED' }))
    t.equal(head[field], known[algorithm])
  })
}

t.test('PutObject: Content-MD5 → checked', async t => {
  const put = (digest: string) =>
    signedFetch(server, {
      method: 'PUT',
      path: `/${Bucket}/md5`,
      headers: { 'content-md5': digest },
      body: 'hello world',
    })
  t.equal((await put(createHash('md5').update('hello world').digest('base64'))).status, 200)
  const wrong = await put(createHash('md5').update('other').digest('base64'))
  t.same([wrong.status, element(wrong.text, 'Code')], [400, 'BadDigest'])
  const malformed = await put('nonsense')
  t.same([malformed.status, element(malformed.text, 'Code')], [400, 'InvalidDigest'])
})

t.test('PutObject: two checksums in one request → InvalidRequest', async t => {
  const headers = { 'x-amz-checksum-crc32': known.CRC32, 'x-amz-checksum-sha1': known.SHA1 }
  const answer = await signedFetch(server, { method: 'PUT', path: `/${Bucket}/two`, headers, body: 'hello world' })
  t.same([answer.status, element(answer.text, 'Code')], [400, 'InvalidRequest'])
})

const partBytes = 5 << 20
const parts = [randomBytes(partBytes), randomBytes(1_000)]

async function multipart(Key: string, algorithm: keyof typeof known, type?: 'FULL_OBJECT' | 'COMPOSITE') {
  const field = `Checksum${algorithm}` as const
  const { UploadId } = await client.send(
    new CreateMultipartUploadCommand({
      Bucket,
      Key,
      ChecksumAlgorithm: ChecksumAlgorithm[algorithm],
      ...(type ? { ChecksumType: type } : {}),
    }),
  )
  const Parts = []
  for (const [index, Body] of parts.entries()) {
    const PartNumber = index + 1
    const part = await client.send(
      new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body, ChecksumAlgorithm: algorithm }),
    )
    Parts.push({ PartNumber, ETag: part.ETag, [field]: part[field] })
  }
  const done = await client.send(
    new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }),
  )
  return { done, Parts }
}

for (const algorithm of ['SHA256', 'SHA1', 'CRC32', 'CRC32C'] as const)
  t.test(`CompleteMultipartUpload: ${algorithm} composite → checksum of the parts’ checksums`, async t => {
    const field = `Checksum${algorithm}` as const
    const { done, Parts } = await multipart(`composite-${algorithm}`, algorithm)
    t.equal(done.ChecksumType, 'COMPOSITE')
    t.match(done[field], /^[A-Za-z0-9+/]+=*-2$/)
    if (algorithm === 'SHA256' || algorithm === 'SHA1') {
      const name = algorithm === 'SHA1' ? 'sha1' : 'sha256'
      const hash = createHash(name)
      for (const part of parts) hash.update(createHash(name).update(part).digest())
      t.equal(done[field], `${hash.digest('base64')}-2`)
    }
    const attributes = await client.send(
      new GetObjectAttributesCommand({
        Bucket,
        Key: `composite-${algorithm}`,
        ObjectAttributes: ['ObjectParts', 'Checksum', 'ObjectSize'],
      }),
    )
    t.equal(attributes.ObjectSize, partBytes + 1_000)
    t.equal(attributes.ObjectParts?.TotalPartsCount, 2)
    t.same(
      attributes.ObjectParts?.Parts?.map(part => [part.PartNumber, part.Size, part[field]]),
      [
        [1, partBytes, Parts[0]?.[field]],
        [2, 1_000, Parts[1]?.[field]],
      ],
    )
  })

for (const algorithm of ['CRC32', 'CRC32C', 'CRC64NVME'] as const)
  t.test(`CompleteMultipartUpload: ${algorithm} of the full object → what a single put has`, async t => {
    const field = `Checksum${algorithm}` as const
    const whole = await client.send(
      new PutObjectCommand({ Bucket, Key: 'whole', Body: Buffer.concat(parts), ChecksumAlgorithm: algorithm }),
    )
    const { done } = await multipart(`full-${algorithm}`, algorithm, 'FULL_OBJECT')
    t.equal(done.ChecksumType, 'FULL_OBJECT')
    t.equal(done[field], whole[field])
    const got = await client.send(new GetObjectCommand({ Bucket, Key: `full-${algorithm}`, ChecksumMode: 'ENABLED' }))
    t.ok(Buffer.concat(parts).equals(await bytesOf(got)), 'and the SDK finds it right')
  })

t.test('UploadPart: wrong checksum → BadDigest', async t => {
  const Key = 'bad-part'
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key, ChecksumAlgorithm: 'CRC32' }))
  const refused = refusal(
    client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: 'x', ChecksumCRC32: known.CRC32 })),
  )
  t.match(await refused, { name: 'BadDigest', status: 400 })
})
