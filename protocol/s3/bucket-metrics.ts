/** Request metrics: which of a bucket's requests would be counted under one name. */
import { Fault, fault } from '../fault.ts'
import { parseArn } from './arns.ts'
import { type ConfigurationKind, isConfigurationId } from './configuration.ts'
import {
  type MalformedFault,
  optional,
  readDocument,
  record,
  repeated,
  required,
  text,
  type ValueOf,
} from './document-shape.ts'
import { tagShape } from './tagging.ts'

const filter = record({
  prefix: optional('Prefix', text),
  tag: optional('Tag', tagShape),
  accessPointArn: optional('AccessPointArn', text),
  and: optional(
    'And',
    record({
      prefix: optional('Prefix', text),
      tags: repeated('Tag', tagShape),
      accessPointArn: optional('AccessPointArn', text),
    }),
  ),
})
const shape = record({ id: required('Id', text), filter: optional('Filter', filter) })
export type MetricsConfiguration = ValueOf<typeof shape>

export const metricsKind: ConfigurationKind<MetricsConfiguration> = {
  name: 'metrics',
  root: 'MetricsConfiguration',
  listRoot: 'ListMetricsConfigurationsResult',
  shape,
}

/** PutBucketMetricsConfiguration's document; S3 has one answer to all that can be wrong with it. @param id the one in the query */
export function parseMetrics(id: string, body: Uint8Array): MetricsConfiguration | MalformedFault {
  const document = readDocument(metricsKind.root, shape, body)
  if (document instanceof Fault) return document
  if (!isConfigurationId(document.id) || document.id !== id) return fault('xml-malformed')
  return document.filter === undefined || isFilter(document.filter) ? document : fault('xml-malformed')
}

function isFilter({ prefix, tag, accessPointArn, and }: ValueOf<typeof filter>): boolean {
  if ([prefix, tag, accessPointArn, and].filter(form => form !== undefined).length !== 1) return false
  const parts = and ?? { prefix, tags: tag === undefined ? [] : [tag], accessPointArn }
  const count = parts.tags.length + Number(parts.prefix !== undefined) + Number(parts.accessPointArn !== undefined)
  if (and !== undefined && count < 2) return false
  if (parts.prefix === '' || parts.tags.some(tag => tag.key === '')) return false
  return parts.accessPointArn === undefined || isAccessPointArn(parts.accessPointArn)
}

function isAccessPointArn(text: string): boolean {
  const arn = parseArn(text)
  return arn?.service === 's3' && arn.account !== '' && /^accesspoint[/:]./.test(arn.resource)
}
