/** Signed requests of AWS's documentation, ways to alter them, and how the tests verify. */
import { Fault } from '../../protocol/fault.ts'
import { parseSignature, type SignatureRules } from '../../protocol/sigv4/parse.ts'
import type { Signature, SignedRequest } from '../../protocol/sigv4/signature.ts'
import { SigningKeys } from '../../protocol/sigv4/signing-key.ts'
import { verifySignature } from '../../protocol/sigv4/verify.ts'
import { example, type HeaderList, request } from './sigv4-request.ts'

export const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
export const scope = '20130524/us-east-1/s3/aws4_request'
export const s3: SignatureRules = { nowMs: example.nowMs, service: 's3', region: 'us-east-1' }
export const keys = new SigningKeys(16)

export function parsed(signed: SignedRequest, rules = s3): Signature {
  const signature = parseSignature(signed, rules)
  if (signature === undefined || signature instanceof Fault) throw new Error(`not parsed: ${JSON.stringify(signature)}`)
  return signature
}
export function verify(signed: SignedRequest, rules = s3, hosts?: readonly string[]) {
  const signature = parsed(signed, rules)
  const key = keys.get(example.secret, signature.date, signature.region, signature.service)
  return verifySignature(signature, signed, hosts === undefined ? { key } : { key, hosts })
}
const credentialOf = (names: string, signature: string) =>
  `AWS4-HMAC-SHA256 Credential=${example.accessKeyId}/${scope},SignedHeaders=${names},Signature=${signature}`

// The worked examples of the S3 API Reference ("Examples: Signature Calculations in AWS Signature Version 4").
export const examples: readonly (readonly [title: string, SignedRequest])[] = [
  [
    'GET Object',
    request('GET', '/test.txt', [
      ['Host', 'examplebucket.s3.amazonaws.com'],
      ['Range', 'bytes=0-9'],
      ['x-amz-content-sha256', empty],
      ['x-amz-date', '20130524T000000Z'],
      [
        'Authorization',
        credentialOf(
          'host;range;x-amz-content-sha256;x-amz-date',
          'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
        ),
      ],
    ]),
  ],
  [
    'PUT Object',
    request('PUT', '/test%24file.text', [
      ['Host', 'examplebucket.s3.amazonaws.com'],
      ['Date', 'Fri, 24 May 2013 00:00:00 GMT'],
      ['x-amz-storage-class', 'REDUCED_REDUNDANCY'],
      ['x-amz-content-sha256', '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072'],
      ['x-amz-date', '20130524T000000Z'],
      [
        'Authorization',
        credentialOf(
          'date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class',
          '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
        ),
      ],
    ]),
  ],
  [
    'GET Bucket Lifecycle',
    request('GET', '/?lifecycle', [
      ['Host', 'examplebucket.s3.amazonaws.com'],
      ['x-amz-date', '20130524T000000Z'],
      ['x-amz-content-sha256', empty],
      [
        'Authorization',
        credentialOf(
          'host;x-amz-content-sha256;x-amz-date',
          'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
        ),
      ],
    ]),
  ],
  [
    'GET Bucket (List Objects)',
    request('GET', '/?prefix=J&max-keys=2', [
      ['Host', 'examplebucket.s3.amazonaws.com'],
      ['x-amz-date', '20130524T000000Z'],
      ['x-amz-content-sha256', empty],
      [
        'Authorization',
        credentialOf(
          'host;x-amz-content-sha256;x-amz-date',
          '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
        ),
      ],
    ]),
  ],
  [
    'presigned GET Object',
    request(
      'GET',
      `/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${example.accessKeyId}%2F20130524%2Fus-east-1%2Fs3` +
        '%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=' +
        'aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
      [['Host', 'examplebucket.s3.amazonaws.com']],
    ),
  ],
]
export const headerExample = examples[0]![1]
export const presignedExample = examples[4]![1]

/** The request with other headers; undefined takes one away. */
export function edited(base: SignedRequest, edits: Readonly<Record<string, string | undefined>>): SignedRequest {
  const headers: [string, string][] = []
  for (let i = 0; i < base.headers.length; i += 2)
    if (!(base.headers[i]! in edits)) headers.push([base.headers[i]!, base.headers[i + 1]!])
  for (const [name, value] of Object.entries(edits)) if (value !== undefined) headers.push([name, value])
  return request(base.method, base.rawPath + (base.query.raw === '' ? '' : `?${base.query.raw}`), headers)
}
/** The presigned example with another query and further headers. */
export function requeried(edit: (raw: string) => string, headers: HeaderList = []): SignedRequest {
  return request('GET', `/test.txt?${edit(presignedExample.query.raw)}`, [
    ['host', 'examplebucket.s3.amazonaws.com'],
    ...headers,
  ])
}
/** The header example with another Authorization. */
export const reauthorized = (edit: (value: string) => string) =>
  edited(headerExample, { authorization: edit(headerExample.header('authorization')) })
