/** A result of STS in XML or, for who accepts that, in JSON: the same members in both. */
import type { Reply } from '../operation.ts'
import { element, escapeXml } from '../xml.ts'
import { stsNamespace } from './call.ts'

export interface StsAnswer {
  readonly json: boolean
  readonly requestId: string
}
/** Dates are text in XML and seconds in JSON; what is undefined is left out of XML and null in JSON. */
export interface Result {
  readonly [name: string]: string | number | Date | Result | undefined
}

export function stsReply(action: string, result: Result, { json, requestId }: StsAnswer): Reply {
  if (json) {
    const answer = { [`${action}Result`]: toJson(result), ResponseMetadata: { RequestId: requestId } }
    return {
      status: 200,
      headers: ['Content-Type', 'application/json'],
      body: JSON.stringify({ [`${action}Response`]: answer }),
    }
  }
  return {
    status: 200,
    headers: ['Content-Type', 'text/xml'],
    body:
      `<${action}Response xmlns="${stsNamespace}"><${action}Result>${toXml(result)}</${action}Result>` +
      `<ResponseMetadata><RequestId>${escapeXml(requestId)}</RequestId></ResponseMetadata></${action}Response>`,
  }
}

function toXml(result: Result): string {
  let xml = ''
  for (const [name, value] of Object.entries(result)) {
    if (value === undefined) continue
    if (value instanceof Date) xml += element(name, `${value.toISOString().slice(0, 19)}Z`)
    else xml += typeof value === 'object' ? `<${name}>${toXml(value)}</${name}>` : element(name, value)
  }
  return xml
}

function toJson(result: Result): unknown {
  const json: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(result)) {
    if (value instanceof Date) json[name] = Math.floor(value.getTime() / 1000)
    else json[name] = typeof value === 'object' ? toJson(value) : (value ?? null)
  }
  return json
}
