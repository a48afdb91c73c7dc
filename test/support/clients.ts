/** The clients users have, pointed at a test's server. */
import { CreateBucketCommand, type GetObjectCommandOutput, S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import { STSClient } from '@aws-sdk/client-sts'
import type { Teardown } from './server.ts'
import { type Credentials, testCredentials } from './signed.ts'

// Read by the SDK when a client is made.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true'

export { presign, signedFetch, testCredentials } from './signed.ts'
export { rawSocket } from './sockets.ts'
export { tool } from './tools.ts'

/** An S3 client of the AWS SDK with its own defaults, path-style because 127.0.0.1 has no subdomains. */
export function s3(
  t: Teardown,
  server: { readonly origin: string },
  config: Omit<S3ClientConfig, 'credentials'> & { readonly credentials?: Credentials } = {},
): S3Client {
  const client = new S3Client({
    endpoint: server.origin,
    region: 'us-east-1',
    credentials: testCredentials,
    forcePathStyle: true,
    ...config,
  })
  t.teardown(() => client.destroy())
  return client
}

/**
 * Moves a server's clock, and with it the one by which a client signs; answers the function that does it.
 * @throws when the server refuses
 */
export function movableClock(
  client: S3Client,
  server: { readonly origin: string },
): (advanceMs: number) => Promise<void> {
  let movedMs = 0
  // Signatures are held against the moved clock. The SDK would set its own back by every answer's Date, the machine's.
  client.middlewareStack.add(
    next => args => {
      client.config.systemClockOffset = movedMs
      return next(args)
    },
    { step: 'build' },
  )
  return async advanceMs => {
    const body = JSON.stringify({ advanceMs })
    const answer = await fetch(`${server.origin}/_mockfactory/clock`, { method: 'POST', body })
    if (answer.status !== 200) throw new Error(`the clock answered ${answer.status}`)
    await answer.text()
    movedMs += advanceMs
  }
}

export function sts(
  t: Teardown,
  server: { readonly origin: string },
  credentials: Credentials = testCredentials,
): STSClient {
  const client = new STSClient({ endpoint: server.origin, region: 'us-east-1', credentials })
  t.teardown(() => client.destroy())
  return client
}

/** What an SDK's rejection says, in a shape that tests compare. */
export async function refusal(
  promise: Promise<unknown>,
): Promise<{ readonly name: string; readonly status: number | undefined; readonly message: string }> {
  try {
    await promise
  } catch (error) {
    const { name, message, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } }
    return { name, message, status: $metadata?.httpStatusCode }
  }
  throw new Error('was not refused')
}

let bucketCount = 0

/** Creates a bucket of a name no other test of this process uses. */
export async function newBucket(client: S3Client): Promise<string> {
  const name = `bucket-${process.pid}-${++bucketCount}`
  await client.send(new CreateBucketCommand({ Bucket: name }))
  return name
}

/** The whole body of a GetObject answer. */
export async function bytesOf(answer: { readonly Body?: GetObjectCommandOutput['Body'] }): Promise<Buffer> {
  return Buffer.from((await answer.Body?.transformToByteArray()) ?? [])
}
