/** The rows of what a bucket may have many of, each with an id: analytics, inventories, metrics, tiering. */
import { Fault, type FaultCode } from '../fault.ts'
import { Level, type Method, type Operation, type Reply, type WireRequest } from '../operation.ts'
import { analyticsKind, parseAnalytics } from './analytics.ts'
import { bucketFaults } from './bucket.ts'
import { metricsKind, parseMetrics } from './bucket-metrics.ts'
import {
  type ConfigurationFault,
  type ConfigurationKind,
  type ConfigurationListAnswer,
  type ConfigurationListing,
  parseConfigurationId,
  parseConfigurationListing,
  renderConfiguration,
  renderConfigurationListing,
} from './configuration.ts'
import { checkDocument, type IntegrityFault, integrityFaults } from './document-integrity.ts'
import { parseTiering, tieringKind } from './intelligent-tiering.ts'
import { inventoryKind, parseInventory } from './inventory.ts'

export interface OfConfiguration {
  readonly bucket: string
  readonly id: string
}
export interface NewConfiguration<T> extends OfConfiguration {
  readonly configuration: T
}

const documentLimitBytes = 64 * 1024
const parseFaults = [
  'xml-malformed',
  'argument-invalid',
  'tag-invalid',
  'tags-too-many',
  'configuration-invalid',
] as const
type ParseFault = Fault<(typeof parseFaults)[number]>

function on(method: Method, selector: string, query?: readonly string[]) {
  return { method, level: Level.bucket, selector, ...(query === undefined ? {} : { needs: { query } }) }
}

/** @param noun as in `PutBucketNounConfiguration` */
function rowsOf<const N extends string, T>(
  noun: N,
  selector: string,
  kind: ConfigurationKind<T>,
  parse: (id: string, body: Uint8Array) => T | ParseFault,
) {
  const put: Operation<
    `PutBucket${N}Configuration`,
    NewConfiguration<T> | ParseFault | IntegrityFault,
    undefined,
    FaultCode
  > = {
    name: `PutBucket${noun}Configuration`,
    match: on('PUT', selector),
    access: 'admin',
    body: { limitBytes: documentLimitBytes },
    refuses: [],
    parse: (request: WireRequest, body: Uint8Array) => {
      const broken = checkDocument(request, body, 'optional')
      if (broken !== undefined) return broken
      const id = parseConfigurationId(request)
      if (typeof id !== 'string') return id
      const configuration = parse(id, body)
      return configuration instanceof Fault ? configuration : { bucket: request.bucket, id, configuration }
    },
    render: (_: undefined): Reply => ({ status: 200, headers: [], body: null }),
    faults: [...parseFaults, 'configurations-too-many', ...integrityFaults, ...bucketFaults],
  }
  const get: Operation<`GetBucket${N}Configuration`, OfConfiguration | ConfigurationFault, T, FaultCode> = {
    name: `GetBucket${noun}Configuration`,
    match: on('GET', selector, ['id']),
    access: 'admin',
    body: 'none',
    refuses: [],
    parse: parseOf,
    render: (configuration: T): Reply => renderConfiguration(kind, configuration),
    faults: ['configuration-invalid', 'configuration-missing', ...bucketFaults],
  }
  const remove: Operation<`DeleteBucket${N}Configuration`, OfConfiguration | ConfigurationFault, undefined, FaultCode> =
    {
      name: `DeleteBucket${noun}Configuration`,
      match: on('DELETE', selector),
      access: 'admin',
      body: 'none',
      refuses: [],
      parse: parseOf,
      render: (_: undefined): Reply => ({ status: 204, headers: [], body: null }),
      faults: ['configuration-invalid', 'configuration-missing', ...bucketFaults],
    }
  const list: Operation<
    `ListBucket${N}Configurations`,
    ConfigurationListing | ConfigurationFault,
    ConfigurationListAnswer<T>,
    FaultCode
  > = {
    name: `ListBucket${noun}Configurations`,
    match: on('GET', selector),
    access: 'list',
    body: 'none',
    refuses: [],
    parse: (request: WireRequest) => parseConfigurationListing(kind, request),
    render: (answer: ConfigurationListAnswer<T>): Reply => renderConfigurationListing(kind, answer),
    faults: ['configuration-invalid', ...bucketFaults],
  }
  return [put, get, remove, list] as const
}

function parseOf(request: WireRequest): OfConfiguration | ConfigurationFault {
  const id = parseConfigurationId(request)
  return typeof id === 'string' ? { bucket: request.bucket, id } : id
}

export const configurationOperations = [
  ...rowsOf('Analytics', 'analytics', analyticsKind, parseAnalytics),
  ...rowsOf('Inventory', 'inventory', inventoryKind, parseInventory),
  ...rowsOf('Metrics', 'metrics', metricsKind, parseMetrics),
  ...rowsOf('IntelligentTiering', 'intelligent-tiering', tieringKind, parseTiering),
] as const
