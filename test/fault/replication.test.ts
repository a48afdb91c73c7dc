/** kill -9 while replicas are being written: every version that was acknowledged has its replica in the end, once. */

import { setTimeout as delay } from 'node:timers/promises'
import {
  CreateBucketCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutBucketReplicationCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { s3 } from '../support/clients.ts'
import { eventually } from '../support/polling.ts'
import { startServer, temporaryFolder } from '../support/server.ts'

const rounds = 5
const writers = 8

t.test('kill -9 during replication → after the restart source and destination have the same versions', async t => {
  const dataDir = temporaryFolder(t)
  let acknowledged = 0
  for (let round = 0; round <= rounds; round++) {
    const server = await startServer(t, { dataDir })
    const client = s3(t, server, { maxAttempts: 1 })
    if (round === 0) await prepare(client)
    if (round === rounds) {
      const versions = await versionsOf(client, 'source')
      t.ok(versions.length >= acknowledged, `${acknowledged} acknowledged`)
      await eventually(async () =>
        (await versionsOf(client, 'replicas')).length === versions.length ? true : undefined,
      )
      t.same(await versionsOf(client, 'replicas'), versions)
      for (let key = 0; key < writers; key++) {
        const found = await client.send(new HeadObjectCommand({ Bucket: 'source', Key: `k${key}` }))
        t.equal(found.ReplicationStatus, 'COMPLETED')
      }
      break
    }
    const writing = Array.from({ length: writers }, async (_, writer) => {
      for (;;)
        try {
          const Body = Buffer.alloc(writer % 2 === 0 ? 100 : 40_000, writer)
          await client.send(new PutObjectCommand({ Bucket: 'source', Key: `k${writer}`, Body }))
          acknowledged++
        } catch {
          return
        }
    })
    await delay(300 + Math.random() * 300)
    await server.kill9()
    await Promise.all(writing)
  }
})

async function prepare(client: ReturnType<typeof s3>): Promise<void> {
  for (const Bucket of ['source', 'replicas']) {
    await client.send(new CreateBucketCommand({ Bucket }))
    await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
  }
  await client.send(
    new PutBucketReplicationCommand({
      Bucket: 'source',
      ReplicationConfiguration: {
        Role: 'arn:aws:iam::000000000000:role/replicator',
        Rules: [{ Status: 'Enabled', Prefix: '', Destination: { Bucket: 'arn:aws:s3:::replicas' } }],
      },
    }),
  )
}

async function versionsOf(client: ReturnType<typeof s3>, Bucket: string): Promise<readonly string[]> {
  const versions: string[] = []
  let at: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } = {}
  for (;;) {
    const page = await client.send(new ListObjectVersionsCommand({ Bucket, ...at }))
    for (const { Key, VersionId, IsLatest } of page.Versions ?? []) versions.push(`${Key} ${VersionId} ${IsLatest}`)
    if (page.IsTruncated !== true) return versions
    at = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker }
  }
}
