/** What a version has beside its bytes: tags, retention, legal hold. */
import { Fault, type FaultCode } from '../fault.ts'
import { Level, type Operation, operation, type Reply, type WireRequest } from '../operation.ts'
import type { Retention, Tag } from '../properties.ts'
import { type NamedAcl, renderAcl } from './acl-document.ts'
import { aclFaults, parsePutAcl } from './acl-request.ts'
import { bucketFaults } from './bucket.ts'
import { refusedChecksumHeaders } from './checksum-headers.ts'
import { checkDocument, type IntegrityFault, integrityFaults } from './document-integrity.ts'
import { parseEncryptionUpdate } from './encryption-update.ts'
import { checkKey } from './names.ts'
import {
  type LegalHold,
  parseBypass,
  parseLegalHold,
  parseRetention,
  renderLegalHold,
  renderRetention,
} from './object-lock.ts'
import { parseTagging, renderTagging } from './tagging.ts'
import { type AskedVersion, parseVersion, pushVersion, type VersionName } from './version-id.ts'

export interface OfVersion {
  readonly bucket: string
  readonly key: string
  /** undefined: the current one. */
  readonly version: AskedVersion | undefined
}
export interface PropertyInput<V> extends OfVersion {
  readonly value: V
}
export interface PropertyOutput<V> {
  readonly value: V
  readonly version?: VersionName | undefined
}
export interface RetentionInput {
  readonly retention: Retention | 'none'
  readonly bypass: boolean
}

const versionFaults = [
  'argument-invalid',
  'key-too-long',
  'object-missing',
  'version-missing',
  'method-not-allowed',
  ...bucketFaults,
] as const
type VersionFaultCode = (typeof versionFaults)[number]
type ParsedVersion = OfVersion | Fault<'key-too-long'> | Fault<'argument-invalid'>

export function parseOfVersion(request: WireRequest): ParsedVersion {
  const tooLong = checkKey(request.key)
  if (tooLong !== undefined) return tooLong
  const version = parseVersion(request)
  return typeof version === 'object' ? version : { bucket: request.bucket, key: request.key, version }
}

const documentLimitBytes = 64 * 1024

function putRow<const N extends string, V, const E extends FaultCode>(
  name: N,
  selector: string,
  parse: (body: Uint8Array, request: WireRequest) => V | Fault<E>,
  faults: readonly E[],
): Operation<
  N,
  PropertyInput<Exclude<V, Fault>> | Fault<'key-too-long'> | IntegrityFault | Fault<E>,
  PropertyOutput<undefined>,
  E | VersionFaultCode | (typeof integrityFaults)[number]
> {
  return {
    name,
    match: { method: 'PUT', level: Level.object, selector },
    access: 'write',
    body: { limitBytes: documentLimitBytes },
    refuses: refusedChecksumHeaders,
    parse: (request: WireRequest, body: Uint8Array) => {
      const of = parseOfVersion(request)
      if ('code' in of) return of
      const broken = checkDocument(request, body, 'optional')
      if (broken !== undefined) return broken
      const value = parse(body, request)
      return value instanceof Fault ? value : { ...of, value: value as Exclude<V, Fault> }
    },
    render: (out: PropertyOutput<undefined>): Reply => answer(200, out.version),
    faults: [...faults, ...versionFaults, ...integrityFaults],
  } as never
}

function getRow<const N extends string, V, const E extends FaultCode = never>(
  name: N,
  selector: string,
  render: (value: V, headers: readonly string[]) => Reply,
  faults: readonly E[] = [],
): Operation<N, ParsedVersion, PropertyOutput<V>, E | VersionFaultCode> {
  return {
    name,
    match: { method: 'GET', level: Level.object, selector },
    access: 'read',
    body: 'none',
    refuses: [],
    parse: parseOfVersion,
    render: (out: PropertyOutput<V>): Reply => render(out.value, answer(200, out.version).headers),
    faults: [...faults, ...versionFaults],
  } as never
}

function answer(status: number, version: VersionName | undefined): Reply {
  const headers: string[] = []
  pushVersion(headers, version)
  return { status, headers, body: null }
}

export const propertyOperations = [
  putRow('PutObjectTagging', 'tagging', body => parseTagging(body, 'object'), [
    'xml-malformed',
    'tag-invalid',
    'tags-too-many',
  ]),
  getRow('GetObjectTagging', 'tagging', (tags: readonly Tag[], headers) => renderTagging(tags, headers)),
  operation({
    name: 'DeleteObjectTagging',
    match: { method: 'DELETE', level: Level.object, selector: 'tagging' },
    access: 'write',
    body: 'none',
    refuses: [],
    parse: parseOfVersion,
    render: (out: PropertyOutput<undefined>): Reply => answer(204, out.version),
    faults: versionFaults,
  }),

  putRow('PutObjectAcl', 'acl', (body, request) => parsePutAcl(request, body), [
    ...aclFaults,
    'acl-header-missing',
    'acl-body-unexpected',
  ]),
  getRow('GetObjectAcl', 'acl', ({ acl, names }: NamedAcl) => renderAcl(acl, id => names?.get(id))),

  putRow(
    'PutObjectRetention',
    'retention',
    (body, request): RetentionInput | Exclude<ReturnType<typeof parseRetention>, Retention | 'none'> => {
      const retention = parseRetention(body)
      return retention instanceof Fault ? retention : { retention, bypass: parseBypass(request) ?? false }
    },
    ['xml-malformed', 'header-refused', 'object-locked', 'lock-unavailable'],
  ),
  getRow('GetObjectRetention', 'retention', (value: Retention) => renderRetention(value), [
    'lock-unavailable',
    'lock-missing',
  ]),
  putRow('PutObjectLegalHold', 'legal-hold', body => parseLegalHold(body), ['xml-malformed', 'lock-unavailable']),
  getRow('GetObjectLegalHold', 'legal-hold', (value: LegalHold) => renderLegalHold(value), [
    'lock-unavailable',
    'lock-missing',
  ]),

  putRow('UpdateObjectEncryption', 'encryption', body => parseEncryptionUpdate(body), [
    'xml-malformed',
    'request-invalid',
    'encryption-key-unknown',
    'condition-conflict',
    'storage-full',
  ]),
] as const
