/** Presigned links for load generators, by our own few lines: a bench signs a hundred thousand of them. */
import { createHash, createHmac } from 'node:crypto'
import type { Target } from './processes.ts'

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
const unreserved = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, c => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)

/** Path and query of a link that lives an hour. */
export function presign(target: Target, method: string, path: string, extra: Record<string, string> = {}): string {
  const now = new Date().toISOString().replace(/[-:]|\.\d+/g, '')
  const day = now.slice(0, 8)
  const scope = `${day}/us-east-1/s3/aws4_request`
  const query = Object.entries({
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': `${target.accessKeyId}/${scope}`,
    'X-Amz-Date': now,
    'X-Amz-Expires': '3600',
    'X-Amz-SignedHeaders': 'host',
    ...extra,
  })
    .map(([name, value]) => `${unreserved(name)}=${unreserved(value)}`)
    .sort()
    .join('&')
  const canonical = [method, path, query, `host:127.0.0.1:${target.port}`, '', 'host', 'UNSIGNED-PAYLOAD'].join('\n')
  const digest = createHash('sha256').update(canonical).digest('hex')
  const key = ['us-east-1', 's3', 'aws4_request'].reduce<Buffer>(hmac, hmac(`AWS4${target.secretAccessKey}`, day))
  const signature = hmac(key, ['AWS4-HMAC-SHA256', now, scope, digest].join('\n')).toString('hex')
  return `${path}?${query}&X-Amz-Signature=${signature}`
}

/** Sends one presigned request. */
export async function send(
  target: Target,
  method: string,
  path: string,
  body?: string | Uint8Array,
  extra: Record<string, string> = {},
): Promise<Response> {
  const response = await fetch(`http://127.0.0.1:${target.port}${presign(target, method, path, extra)}`, {
    method,
    ...(body === undefined ? {} : { body: body as string }),
  })
  if (response.status >= 300) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  return response
}
