/** The three shapes that operations on a bucket's configurations have: put a document, get it, delete it. */
import { Fault, type FaultCode } from '../fault.ts'
import { Level, type Method, type Operation, type Reply, type WireRequest } from '../operation.ts'
import { bucketFaults } from './bucket.ts'
import { refusedChecksumHeaders } from './checksum-headers.ts'
import { checkDocument, type IntegrityFault, integrityFaults } from './document-integrity.ts'

export interface OfBucket {
  readonly bucket: string
}
export interface Setting<V> extends OfBucket {
  readonly value: V
}
type BucketFaultCode = (typeof bucketFaults)[number]
type IntegrityCode = (typeof integrityFaults)[number]

/** 1,000 rules of a lifecycle, each with every element and long tags. */
const documentLimitBytes = 1024 * 1024

function on(method: Method, selector: string) {
  return { method, level: Level.bucket, selector } as const
}

/** @param parse the document, once its digests are checked */
export function putRow<const N extends string, V, const E extends FaultCode>(
  name: N,
  selector: string,
  parse: (body: Uint8Array, request: WireRequest) => V | Fault<E>,
  faults: readonly E[],
  more: {
    readonly aliases?: readonly string[]
    readonly status?: number
    readonly limitBytes?: number
    /** Of the answer. */
    readonly headers?: (value: Exclude<V, Fault>) => readonly string[]
  } = {},
): Operation<
  N,
  Setting<Exclude<V, Fault>> | IntegrityFault | Fault<E>,
  Exclude<V, Fault> | undefined,
  E | IntegrityCode | BucketFaultCode
> {
  const { aliases = [], status = 200, limitBytes = documentLimitBytes, headers } = more
  return {
    name,
    aliases,
    match: on('PUT', selector),
    access: 'admin',
    body: { limitBytes },
    refuses: refusedChecksumHeaders,
    parse: (request: WireRequest, body: Uint8Array): Setting<Exclude<V, Fault>> | IntegrityFault | Fault<E> => {
      const broken = checkDocument(request, body, 'optional')
      if (broken !== undefined) return broken
      const value = parse(body, request)
      if (value instanceof Fault) return value
      return { bucket: request.bucket, value: value as Exclude<V, Fault> }
    },
    render: (value: Exclude<V, Fault> | undefined): Reply => ({
      status,
      headers: value === undefined || headers === undefined ? [] : headers(value),
      body: null,
    }),
    faults: [...faults, ...integrityFaults, ...bucketFaults],
  } as never
}

export function getRow<const N extends string, V, const E extends FaultCode = never>(
  name: N,
  selector: string,
  render: (value: V) => Reply,
  faults: readonly E[] = [],
  aliases: readonly string[] = [],
): Operation<N, OfBucket, V, E | BucketFaultCode> {
  return {
    name,
    aliases,
    match: on('GET', selector),
    access: 'admin',
    body: 'none',
    refuses: [],
    parse: (request: WireRequest): OfBucket => ({ bucket: request.bucket }),
    render,
    faults: [...faults, ...bucketFaults],
  } as never
}

export function deleteRow<const N extends string, const E extends FaultCode = never>(
  name: N,
  selector: string,
  faults: readonly E[] = [],
): Operation<N, OfBucket, undefined, E | BucketFaultCode> {
  return {
    name,
    match: on('DELETE', selector),
    access: 'admin',
    body: 'none',
    refuses: [],
    parse: (request: WireRequest): OfBucket => ({ bucket: request.bucket }),
    render: (_: undefined): Reply => ({ status: 204, headers: [], body: null }),
    faults: [...faults, ...bucketFaults],
  } as never
}
