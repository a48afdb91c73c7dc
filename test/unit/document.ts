/** What tests of S3's documents look at. */
import { Fault } from '../../protocol/fault.ts'
import type { Reply } from '../../protocol/operation.ts'
import { describeFault } from '../../protocol/s3/faults.ts'

const namespace = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'

/** A document as SDKs send it; `content` in shorthand: spaces between elements are not sent. */
export function documentOf(root: string, content: string): Uint8Array {
  return Buffer.from(`<${root} ${namespace}>${content.replaceAll(/>\s+</g, '><')}</${root}>`)
}

/** The content of the document an answer is. */
export function contentOf(reply: Reply, root: string): string {
  const body = String(reply.body)
  const head = `<?xml version="1.0" encoding="UTF-8"?>\n<${root} ${namespace}`
  if (!body.startsWith(head)) throw new Error(`not a ${root}: ${body}`)
  return body === `${head}/>` ? '' : body.slice(head.length + 1, -(root.length + 3))
}

/** The document of an answer, to be parsed again. */
export function bytesOf(reply: Reply): Uint8Array {
  return Buffer.from(String(reply.body))
}

export function good<T>(value: T | Fault): T {
  if (value instanceof Fault) throw new Error(`${value.code} ${JSON.stringify(value.detail)}`)
  return value
}

/** A fault as S3 says it: `Code: message`. */
export function said(value: unknown): string {
  if (!(value instanceof Fault)) return `no fault: ${JSON.stringify(value)}`
  const { code, message } = describeFault(value, { method: 'PUT', resource: '', requestId: '', hostId: '' })
  return `${code}: ${message}`
}

export const malformed =
  'MalformedXML: The XML you provided was not well-formed or did not validate against our published schema'
