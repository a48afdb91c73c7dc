/** Requests as the verifier sees them, made without a socket. */
import { Query } from '../../protocol/query.ts'
import type { SignedRequest } from '../../protocol/sigv4/signature.ts'

export type HeaderList = readonly (readonly [name: string, value: string])[]

export function request(method: string, target: string, headers: HeaderList): SignedRequest {
  const mark = target.indexOf('?')
  const flat = headers.flatMap(([name, value]) => [name.toLowerCase(), value])
  return {
    method,
    rawPath: mark < 0 ? target : target.slice(0, mark),
    query: new Query(mark < 0 ? '' : target.slice(mark + 1)),
    headers: flat,
    header: name => flat.filter((_, i) => i % 2 === 1 && flat[i - 1] === name).join(','),
  }
}

/** The key pair of AWS's own examples. */
export const example = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secret: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  nowMs: Date.UTC(2013, 4, 24),
} as const
