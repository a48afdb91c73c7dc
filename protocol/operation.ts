/**
 * The operation table: one declarative row per wire operation. Parsing, permission, body mode, refused headers and
 * limits are columns; `compile` turns rows and handlers into an index by method, level and selector, and rejects a
 * table in which two rows could match one request.
 */
import type { Fault, FaultCode } from './fault.ts'
import type { Query } from './query.ts'

/** Where a request points once its target is split. */
export const Level = { service: 0, bucket: 1, object: 2 } as const
export type Level = (typeof Level)[keyof typeof Level]
export type Method = 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE' | 'OPTIONS'
export type Access = 'read' | 'write' | 'list' | 'admin' | 'any'

/** Whose S3 is spoken: Amazon's, or Ceph's where the two differ (protocol/s3/ceph.ts). */
export type Dialect = 'aws' | 'ceph'

/** Everything a parser may look at. Made by the gateway from a socket's request; outlives that request. */
export interface WireRequest {
  readonly method: Method
  readonly level: Level
  /** Absent: aws. */
  readonly dialect?: Dialect
  /** Decoded; '' at service level. */
  readonly bucket: string
  /** Decoded, byte for byte; '' above object level. */
  readonly key: string
  readonly query: Query
  /** The value of a header by its lower-case name; repeated ones joined with ','; '' when absent. */
  header(lowerName: string): string
  /** Every header as [lower-case name, value, …] in the order received. */
  readonly headers: readonly string[]
}

export interface Match {
  readonly method: Method
  readonly level: Level
  /** The sub-resource's query key (`acl`, `uploads` …); '' is the bare resource. */
  readonly selector: string
  /** Extra presence tests; among rows under one key the one with most needs is tried first. `name=value` tests a value. */
  readonly needs?: { readonly query?: readonly string[]; readonly header?: readonly string[] }
}

/**
 * none: a body is drained and ignored. whole: collected, at most `limitBytes`. stream: the handler reads it.
 * form: multipart/form-data, whose fields carry the signature too: they are read first and parsed in place of headers;
 * the handler reads the file.
 */
export type BodyMode = 'none' | 'stream' | 'form' | { readonly limitBytes: number }

export interface Operation<N extends string, P, Out, E extends FaultCode> {
  readonly name: N
  /** The vendor's other names of the very same wire operation. */
  readonly aliases?: readonly string[]
  readonly match: Match
  readonly access: Access
  readonly body: BodyMode
  /** Headers (lower case) that ask for what we do not do: answered not-implemented, never dropped. */
  readonly refuses: readonly string[]
  readonly parse: (request: WireRequest, body: Uint8Array) => P
  readonly render: (out: Out) => Reply
  readonly faults: readonly E[]
}

/** Bytes the gateway streams: opaque to protocol/, which only needs to know how many there are. */
export interface ByteSource {
  readonly sizeBytes: number
}

export interface Reply {
  readonly status: number
  /** [name, value, name, value …] */
  readonly headers: readonly string[]
  /** Of headers that are going to be answered again, as they are. */
  readonly kept?: KeptHeaders | undefined
  readonly body: string | Uint8Array | ByteSource | null
}
/** Headers that were made once, and the lines they come to; both empty before. */
export interface KeptHeaders {
  headers: readonly string[]
  lines: string
}

type FaultsIn<P> = P extends Fault<infer C> ? C : never
type Listed<P, E> = [FaultsIn<P>] extends [E]
  ? unknown
  : { readonly parse: { 'returns a fault missing from this row': Exclude<FaultsIn<P>, E> } }

/** Checks, by type, that a row lists every fault its parser returns. */
export function operation<const N extends string, P, Out, const E extends FaultCode>(
  row: Operation<N, P, Out, E> & Listed<P, E>,
): Operation<N, P, Out, E> {
  return row
}

// biome-ignore lint/suspicious/noExplicitAny: the one erased row type, used by compile and dispatch only
export type AnyOperation = Operation<string, any, never, any>

/** Faults any operation may answer, whatever its row lists. */
export type CommonFault = 'internal' | 'unavailable' | 'busy'

export type Handlers<T extends readonly AnyOperation[], Context> = {
  readonly [Row in T[number] as Row['name']]: Row extends Operation<string, infer P, infer Out, infer E>
    ? (
        context: Context,
        input: Exclude<P, Fault>,
      ) => Out | Fault<E | CommonFault> | Promise<Out | Fault<E | CommonFault>>
    : never
}

export interface Route<Context> {
  readonly operation: AnyOperation
  readonly handle: (context: Context, input: unknown) => unknown
  /** The row's refused headers: a request has fewer headers than a row refuses. */
  readonly refuses: ReadonlySet<string>
  /** Position in the table: an index for counters. */
  readonly index: number
}

export interface Routes<Context> {
  /** The route of a request, or undefined when no row matches. */
  find(request: WireRequest): Route<Context> | undefined
  readonly all: readonly Route<Context>[]
}

export class TableError extends Error {}

/**
 * Indexes a table. Throws TableError for a duplicate name, two rows that one request could match equally well, or a
 * handler without a row.
 */
export function compile<const T extends readonly AnyOperation[], Context>(
  table: T,
  handlers: Handlers<T, Context>,
): Routes<Context> {
  const rowsByKey = new Map<string, Route<Context>[]>()
  const selectors = new Set<string>()
  const names = new Set<string>()
  const bag = handlers as unknown as Record<string, Route<Context>['handle']>
  const all: Route<Context>[] = []
  for (const row of table) {
    for (const name of [row.name, ...(row.aliases ?? [])]) {
      if (names.has(name)) throw new TableError(`${name} stands twice in the table`)
      names.add(name)
    }
    const handle = bag[row.name]
    if (handle === undefined) throw new TableError(`${row.name} has no handler`)
    const { method, level, selector } = row.match
    if (selector !== '') selectors.add(selector)
    const key = indexKey(method, level, selector)
    const rows = rowsByKey.get(key) ?? []
    for (const other of rows)
      if (needsText(other.operation) === needsText(row))
        throw new TableError(`${row.name} is shadowed by ${other.operation.name}`)
    const route = { operation: row, handle, refuses: new Set(row.refuses), index: all.length }
    all.push(route)
    rows.push(route)
    rows.sort((a, b) => needsCount(b.operation) - needsCount(a.operation))
    rowsByKey.set(key, rows)
  }
  for (const name of Object.keys(bag)) if (!names.has(name)) throw new TableError(`handler ${name} has no row`)
  return { all, find: request => findRoute(rowsByKey, selectors, request) }
}

function findRoute<Context>(
  rowsByKey: Map<string, Route<Context>[]>,
  selectors: Set<string>,
  request: WireRequest,
): Route<Context> | undefined {
  const selector = request.query.selector(selectors)
  const rows = rowsByKey.get(indexKey(request.method, request.level, selector))
  if (rows === undefined) return undefined
  for (const route of rows) if (satisfies(route.operation.match, request)) return route
  return undefined
}

function satisfies(match: Match, request: WireRequest): boolean {
  const needs = match.needs
  if (needs === undefined) return true
  for (const need of needs.query ?? []) {
    const equals = need.indexOf('=')
    if (equals < 0 ? !request.query.has(need) : request.query.get(need.slice(0, equals)) !== need.slice(equals + 1))
      return false
  }
  for (const name of needs.header ?? []) if (request.header(name) === '') return false
  return true
}

function indexKey(method: Method, level: Level, selector: string): string {
  return `${method} ${level} ${selector}`
}
function needsCount(row: AnyOperation): number {
  return (row.match.needs?.query?.length ?? 0) + (row.match.needs?.header?.length ?? 0)
}
function needsText(row: AnyOperation): string {
  const { query = [], header = [] } = row.match.needs ?? {}
  return [...query.map(name => `?${name}`), ...header].sort().join()
}
