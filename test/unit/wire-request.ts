import type { Method, WireRequest } from '../../protocol/operation.ts'
import { Query } from '../../protocol/query.ts'
import { splitAddress } from '../../protocol/s3/address.ts'

/** What a gateway would make of `METHOD /bucket/key?query` with these headers (lower-case names). */
export function wireRequest(line: string, headers: Readonly<Record<string, string>> = {}): WireRequest {
  const [method, target = '/'] = line.split(' ')
  const question = target.indexOf('?')
  const path = question < 0 ? target : target.slice(0, question)
  const address = splitAddress(path, '')
  if (!('level' in address)) throw new Error(`not an address: ${path}`)
  return {
    method: method as Method,
    level: address.level,
    bucket: address.bucket,
    key: address.key,
    query: new Query(question < 0 ? '' : target.slice(question + 1)),
    header: name => headers[name] ?? '',
    headers: Object.entries(headers).flat(),
  }
}
