/** A server of two identities, each an account of its own to S3, and buckets of the first whose blocks are off. */
import {
  DeletePublicAccessBlockCommand,
  GetObjectCommand,
  type ObjectOwnership,
  PutBucketOwnershipControlsCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { bytesOf, newBucket, s3 } from './clients.ts'
import { type Server, startServer, type Teardown } from './server.ts'
import { type Credentials, testCredentials } from './signed.ts'

export const account = '123456789012'
export const guestCredentials: Credentials = { accessKeyId: 'guest', secretAccessKey: 'guest-secret' }
export const guestArn = `arn:aws:iam::${account}:user/guest`
export const denied = { name: 'AccessDenied', status: 403 }

export interface TwoIdentities {
  readonly server: Server
  readonly owner: S3Client
  readonly guest: S3Client
  /** A bucket of the owner's without public access block; with ACLs where an ownership is named. */
  openBucket(ownership?: ObjectOwnership): Promise<string>
  /** Sets a bucket's policy. */
  give(bucket: string, ...statements: readonly object[]): Promise<unknown>
  /** Puts the keys, each with itself for content. */
  fill(bucket: string, ...keys: readonly string[]): Promise<void>
  /** A request that nobody signed. */
  anonymous(path: string, request?: RequestInit): Promise<{ readonly status: number; readonly text: string }>
}

export async function twoIdentities(t: Teardown): Promise<TwoIdentities> {
  const identities = [
    { name: 'main', credentials: [testCredentials] },
    { name: 'guest', credentials: [guestCredentials] },
  ]
  const server = await startServer(t, { identities: { environments: [{ name: 'default', account, identities }] } })
  const owner = s3(t, server)
  return {
    server,
    owner,
    guest: s3(t, server, { credentials: guestCredentials }),
    async openBucket(ownership) {
      const Bucket = await newBucket(owner)
      await owner.send(new DeletePublicAccessBlockCommand({ Bucket }))
      if (ownership !== undefined) await own(owner, Bucket, ownership)
      return Bucket
    },
    give: (Bucket, ...Statement) =>
      owner.send(new PutBucketPolicyCommand({ Bucket, Policy: JSON.stringify({ Version: '2012-10-17', Statement }) })),
    async fill(Bucket, ...keys) {
      for (const Key of keys) await owner.send(new PutObjectCommand({ Bucket, Key, Body: Key }))
    },
    async anonymous(path, request) {
      const answer = await fetch(server.origin + path, request)
      return { status: answer.status, text: await answer.text() }
    },
  }
}

export const own = (client: S3Client, Bucket: string, ObjectOwnership: ObjectOwnership) =>
  client.send(new PutBucketOwnershipControlsCommand({ Bucket, OwnershipControls: { Rules: [{ ObjectOwnership }] } }))

export const bucketArn = (bucket: string) => `arn:aws:s3:::${bucket}`
export const objectArn = (bucket: string, key = '*') => `arn:aws:s3:::${bucket}/${key}`

/** A statement about the guest, unless it says otherwise. */
export const statement = (
  Effect: 'Allow' | 'Deny',
  Action: string | string[],
  Resource: unknown,
  more: object = {},
) => ({
  Effect,
  Principal: { AWS: guestArn },
  Action,
  Resource,
  ...more,
})
export const allow = (Action: string | string[], Resource: unknown, more?: object) =>
  statement('Allow', Action, Resource, more)
export const deny = (Action: string | string[], Resource: unknown, more?: object) =>
  statement('Deny', Action, Resource, more)

export async function textOf(client: S3Client, Bucket: string, Key: string): Promise<string> {
  return String(await bytesOf(await client.send(new GetObjectCommand({ Bucket, Key }))))
}
