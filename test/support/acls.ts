/** ACLs as tests write and read them. */
import { GetBucketAclCommand, GetObjectAclCommand, type Grant, type S3Client } from '@aws-sdk/client-s3'
import { newBucket } from './clients.ts'

export const group = (name: string) => `http://acs.amazonaws.com/groups/global/${name}`
export const allUsers = group('AllUsers')
export const authenticatedUsers = group('AuthenticatedUsers')

/** The canonical id of whose client this is. */
export async function canonicalIdOf(client: S3Client): Promise<string> {
  return (await client.send(new GetBucketAclCommand({ Bucket: await newBucket(client) }))).Owner!.ID!
}

export const bucketAcl = (client: S3Client, Bucket: string) => client.send(new GetBucketAclCommand({ Bucket }))
export const objectAcl = (client: S3Client, Bucket: string, Key: string) =>
  client.send(new GetObjectAclCommand({ Bucket, Key }))

export function toUser(ID: string, Permission: Grant['Permission']): Grant {
  return { Grantee: { Type: 'CanonicalUser', ID }, Permission }
}
export function toGroup(URI: string, Permission: Grant['Permission']): Grant {
  return { Grantee: { Type: 'Group', URI }, Permission }
}

/** Reads an ACL's grants as `who: PERMISSION`, sorted, with names for the users' canonical ids. */
export function grantsIn(users: Readonly<Record<string, string>>) {
  const names = new Map([[allUsers, 'all'], [authenticatedUsers, 'signed'], ...Object.entries(users)])
  return ({ Grants = [] }: { readonly Grants?: Grant[] | undefined }): string[] =>
    Grants.map(({ Grantee, Permission }) => `${names.get(Grantee?.ID ?? Grantee?.URI ?? '')}: ${Permission}`).sort()
}
