/**
 * Time of one signature check, parse and verification together, with the signing key cached; and of the aws-chunked
 * decoder. Run on its own core: `node out/bench/micro/sigv4.js`. Prints ns per check and MB/s, best of seven rounds.
 */
import { createHash, createHmac, hash } from 'node:crypto'
import { Fault } from '../../protocol/fault.ts'
import { Query } from '../../protocol/query.ts'
import { AwsChunkedDecoder, type ChunkedOptions } from '../../protocol/sigv4/chunked.ts'
import { canonicalQuery } from '../../protocol/sigv4/encode.ts'
import { parseSignature } from '../../protocol/sigv4/parse.ts'
import type { Signature, SignedRequest } from '../../protocol/sigv4/signature.ts'
import { SigningKeys } from '../../protocol/sigv4/signing-key.ts'
import { canonicalRequest, verifySignature } from '../../protocol/sigv4/verify.ts'

const accessKeyId = 'AKIAIOSFODNN7EXAMPLE'
const secret = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
const nowMs = Date.UTC(2013, 4, 24)
const rules = { nowMs, service: 's3', region: 'us-east-1' }
const scope = '20130524/us-east-1/s3/aws4_request'
const keys = new SigningKeys(1000)
const key = keys.get(secret, '20130524', 'us-east-1', 's3')

class Request implements SignedRequest {
  readonly method = 'GET'
  readonly rawPath: string
  readonly query: Query
  readonly headers: readonly string[]
  constructor(rawPath: string, query: string, headers: readonly string[]) {
    this.rawPath = rawPath
    this.query = new Query(query)
    this.headers = headers
  }
  header(lowerName: string): string {
    for (let i = 0; i < this.headers.length; i += 2) if (this.headers[i] === lowerName) return this.headers[i + 1]!
    return ''
  }
}

/** Strings off a socket are neither interned nor constants: copies stand for them. */
const copy = (text: string) => Buffer.from(text).toString('latin1')

function sign(request: SignedRequest): string {
  const signature = parseSignature(request, rules)
  if (signature === undefined || signature instanceof Fault) throw new Error(JSON.stringify(signature))
  return key.signRequest('20130524T000000Z', hash('sha256', canonicalRequest(signature, request, {})))
}

function presigned(): Request {
  const unsigned =
    'X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD&' +
    `X-Amz-Credential=${encodeURIComponent(`${accessKeyId}/${scope}`)}&X-Amz-Date=20130524T000000Z&` +
    'X-Amz-Expires=3600&X-Amz-Signature=SIGNATURE&X-Amz-SignedHeaders=host&x-id=GetObject'
  const headers = ['host', 'localhost:4566'].map(copy)
  const request = (query: string) => new Request(copy('/bucket/objects/0001'), copy(query), headers)
  return request(unsigned.replace('SIGNATURE', sign(request(unsigned))))
}

function headerSigned(): Request {
  // What the SDK for JavaScript sends with GetObject.
  const names =
    'amz-sdk-invocation-id;amz-sdk-request;host;x-amz-checksum-mode;x-amz-content-sha256;x-amz-date;x-amz-user-agent'
  const headers = (signature: string) =>
    [
      ['host', 'localhost:4566'],
      ['connection', 'keep-alive'],
      ['x-amz-user-agent', 'aws-sdk-js/3.1173.0'],
      ['user-agent', 'aws-sdk-js/3.1173.0 ua/2.1 os/linux#6.1.0 lang/js md/nodejs#20.20.2 api/s3#3.1173.0 m/E,N'],
      ['amz-sdk-invocation-id', '8d0a8a3c-3a1e-4b83-9f1e-5d0c2f3b4a5d'],
      ['amz-sdk-request', 'attempt=1; max=3'],
      ['x-amz-date', '20130524T000000Z'],
      ['x-amz-content-sha256', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
      ['x-amz-checksum-mode', 'ENABLED'],
      [
        'authorization',
        `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`,
      ],
    ]
      .flat()
      .map(copy)
  const request = (signature: string) =>
    new Request(copy('/bucket/objects/0001'), copy('x-id=GetObject'), headers(signature))
  return request(sign(request('0')))
}

function check(request: SignedRequest): void {
  const signature = parseSignature(request, rules) as Signature
  const cached = keys.get(secret, signature.date, signature.region, signature.service)
  if (verifySignature(signature, request, { key: cached }) !== undefined) throw new Error('refused')
}

const rounds = 7
function time(title: string, run: () => void, count = 100_000): void {
  for (let i = 0; i < count / 5; i++) run()
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds; round++) {
    const start = process.hrtime.bigint()
    for (let i = 0; i < count; i++) run()
    best = Math.min(best, Number(process.hrtime.bigint() - start) / count)
  }
  console.log(`${title.padEnd(44)} ${best.toFixed(0).padStart(7)} ns`)
}

const url = presigned()
const signed = headerSigned()
const parsedUrl = parseSignature(url, rules) as Signature
const parsedHeader = parseSignature(signed, rules) as Signature
const canonicalText = canonicalRequest(parsedHeader, signed, {})
const requestHash = hash('sha256', canonicalText)
time('presigned URL: parse and verify', () => check(url))
time('header: parse and verify', () => check(signed))
time('  presigned URL: parse', () => parseSignature(url, rules))
time('  presigned URL: canonical request', () => canonicalRequest(parsedUrl, url, {}))
time('  presigned URL: canonical query', () => canonicalQuery(url.query.raw, 'X-Amz-Signature'))
time('  presigned URL: new Query', () => new Query(url.query.raw))
time('  header: parse', () => parseSignature(signed, rules))
time('  header: canonical request', () => canonicalRequest(parsedHeader, signed, {}))
time('  SHA-256 of a canonical request', () => hash('sha256', canonicalText, 'hex'))
time('  signing key: cached', () => keys.get(secret, '20130524', 'us-east-1', 's3'))
time('  signRequest', () => key.signRequest('20130524T000000Z', requestHash))
time('  createHmac for comparison', () => createHmac('sha256', secret).update(canonicalText).digest('hex'))

function stream(title: string, kind: ChunkedOptions['kind'], chunkBytes: number): void {
  const chunks = 64
  const data = Buffer.alloc(chunkBytes, 'x')
  const parts: Buffer[] = []
  let prior = '0'.repeat(64)
  const empty = createHash('sha256').digest('hex')
  const head = (bytes: Buffer) => {
    const size = bytes.length.toString(16)
    if (kind !== 'streaming-signed') return Buffer.from(`${size}\r\n`)
    const digest = createHash('sha256').update(bytes).digest('hex')
    prior = key.sign(`AWS4-HMAC-SHA256-PAYLOAD\n20130524T000000Z\n${scope}\n${prior}\n${empty}\n${digest}`)
    return Buffer.from(`${size};chunk-signature=${prior}\r\n`)
  }
  for (let i = 0; i < chunks; i++) parts.push(head(data), data, Buffer.from('\r\n'))
  parts.push(head(Buffer.alloc(0)), Buffer.from('\r\n'))
  const body = Buffer.concat(parts)
  const options: ChunkedOptions = {
    kind,
    decodedBytes: chunks * chunkBytes,
    trailers: [],
    signing: { key, seed: '0'.repeat(64), amzDate: '20130524T000000Z', accessKeyId },
  }
  const pieceBytes = 256 * 1024
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds * 3; round++) {
    const start = process.hrtime.bigint()
    let received = 0
    const decoder = new AwsChunkedDecoder(options, bytes => {
      received += bytes.length
    })
    for (let at = 0; at < body.length; at += pieceBytes) decoder.write(body.subarray(at, at + pieceBytes))
    if (decoder.end() instanceof Fault || received !== options.decodedBytes) throw new Error('refused')
    best = Math.min(best, Number(process.hrtime.bigint() - start))
  }
  console.log(`${title.padEnd(44)} ${((body.length / best) * 1000).toFixed(0).padStart(7)} MB/s`)
}
stream('aws-chunked: unsigned, chunks of 64 KiB', 'streaming-unsigned-trailer', 64 * 1024)
stream('aws-chunked: unsigned, chunks of 8 KiB', 'streaming-unsigned-trailer', 8 * 1024)
stream('aws-chunked: signed, chunks of 64 KiB', 'streaming-signed', 64 * 1024)
stream('aws-chunked: signed, chunks of 1 MiB', 'streaming-signed', 1024 * 1024)
