/** Forms as browsers and SDKs post them, written from RFC 7578 and S3's documentation, not from the server's reader. */
import { createHmac } from 'node:crypto'
import { type Credentials, hmac, send, signingKey, testCredentials, timestamp, type WireResponse } from './signed.ts'

export const boundary = '----WebKitFormBoundary7MA4YWxkTrZu0gW'

/** What S3 puts the file's name in place of. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: S3's own variable
export const fileNameVariable = '${filename}'

export interface FormPart {
  readonly name: string
  readonly content: string | Uint8Array
  /** Sent when given, the empty one too. */
  readonly fileName?: string
  readonly contentType?: string
}

export type Fields = Readonly<Record<string, string>> | readonly (readonly [string, string])[]

export interface Form {
  readonly fields: Fields
  /** null leaves it out. */
  readonly file?: string | Uint8Array | null
  readonly fileName?: string
  readonly fileType?: string
  /** Behind the file. */
  readonly after?: readonly FormPart[]
}

export function encodeForm(form: Form, between = boundary): Buffer {
  const { fields, file = 'bar', fileName = 'foo.txt', fileType, after = [] } = form
  const parts: FormPart[] = pairs(fields).map(([name, content]) => ({ name, content }))
  if (file !== null)
    parts.push({ name: 'file', content: file, fileName, ...(fileType === undefined ? {} : { contentType: fileType }) })
  return encodeParts([...parts, ...after], between)
}

export function encodeParts(parts: readonly FormPart[], between = boundary): Buffer {
  const pieces: (string | Uint8Array)[] = []
  for (const { name, content, fileName, contentType } of parts) {
    const quoted = (text: string) => text.replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
    const file = fileName === undefined ? '' : `; filename="${quoted(fileName)}"`
    pieces.push(`--${between}\r\nContent-Disposition: form-data; name="${quoted(name)}"${file}\r\n`)
    if (contentType !== undefined) pieces.push(`Content-Type: ${contentType}\r\n`)
    pieces.push('\r\n', content, '\r\n')
  }
  pieces.push(`--${between}--\r\n`)
  return Buffer.concat(pieces.map(piece => Buffer.from(piece as string)))
}

export function pairs(fields: Fields): readonly (readonly [string, string])[] {
  return Array.isArray(fields) ? (fields as readonly (readonly [string, string])[]) : Object.entries(fields)
}

export interface PolicyOptions {
  readonly credentials?: Credentials
  readonly region?: string
  readonly nowMs?: number
  /** Seconds from then; an hour when absent. */
  readonly expires?: number
}

export function policyText(conditions: readonly unknown[], { nowMs = Date.now(), expires = 3600 }: PolicyOptions = {}) {
  const expiration = new Date(nowMs + expires * 1000).toISOString()
  return Buffer.from(JSON.stringify({ expiration, conditions })).toString('base64')
}

/** The fields that sign conditions with version 4; those of the signature are among the conditions. */
export function signFields4(conditions: readonly unknown[], options: PolicyOptions = {}): Record<string, string> {
  const { credentials = testCredentials, region = 'us-east-1', nowMs = Date.now() } = options
  const date = timestamp(nowMs)
  const scope = `${date.slice(0, 8)}/${region}/s3/aws4_request`
  const own: Record<string, string> = {
    'x-amz-algorithm': 'AWS4-HMAC-SHA256',
    'x-amz-credential': `${credentials.accessKeyId}/${scope}`,
    'x-amz-date': date,
  }
  if (credentials.sessionToken !== undefined) own['x-amz-security-token'] = credentials.sessionToken
  const policy = policyText(
    [...conditions, ...Object.entries(own).map(([name, value]) => ({ [name]: value }))],
    options,
  )
  const signature = hmac(signingKey(credentials.secretAccessKey, scope), policy).toString('hex')
  return { ...own, policy, 'x-amz-signature': signature }
}

/** The fields that sign a policy with version 2. */
export function signPolicy2(policy: string, credentials: Credentials = testCredentials): Record<string, string> {
  const signature = createHmac('sha1', credentials.secretAccessKey).update(policy).digest('base64')
  return { AWSAccessKeyId: credentials.accessKeyId, policy, signature }
}

/** Posts a form as it is. */
export function postForm(
  server: { readonly origin: string },
  path: string,
  form: Form,
  headers: Readonly<Record<string, string>> = {},
): Promise<WireResponse> {
  return send(server, {
    method: 'POST',
    target: path,
    headers: {
      host: new URL(server.origin).host,
      'content-type': `multipart/form-data; boundary=${boundary}`,
      ...headers,
    },
    body: encodeForm(form),
  })
}
