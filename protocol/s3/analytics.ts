/** Storage class analysis: a filter, and where its daily results would go. */
import { Fault, fault } from '../fault.ts'
import { bucketOfArn } from './arns.ts'
import {
  type ConfigurationFault,
  type ConfigurationKind,
  checkConfigurationId,
  configurationInvalid,
} from './configuration.ts'
import {
  type MalformedFault,
  oneOf,
  optional,
  readDocument,
  record,
  required,
  text,
  type ValueOf,
} from './document-shape.ts'
import { filterForms, filterParts, type ObjectFilter, objectFilterShape } from './object-filter.ts'
import { isTagText } from './tagging.ts'

const destination = record({
  format: required('Format', oneOf('CSV')),
  accountId: optional('BucketAccountId', text),
  bucket: required('Bucket', text),
  prefix: optional('Prefix', text),
})
const shape = record({
  id: required('Id', text),
  filter: optional('Filter', objectFilterShape),
  analysis: optional(
    'StorageClassAnalysis',
    record({
      dataExport: optional(
        'DataExport',
        record({
          schemaVersion: required('OutputSchemaVersion', oneOf('V_1')),
          destination: required('Destination', record({ bucket: required('S3BucketDestination', destination) })),
        }),
      ),
    }),
  ),
})
export type AnalyticsConfiguration = ValueOf<typeof shape>

export const analyticsKind: ConfigurationKind<AnalyticsConfiguration> = {
  name: 'analytics',
  root: 'AnalyticsConfiguration',
  listRoot: 'ListBucketAnalyticsConfigurationResult',
  shape,
}

/** PutBucketAnalyticsConfiguration's document. @param id the one in the query */
export function parseAnalytics(
  id: string,
  body: Uint8Array,
): AnalyticsConfiguration | MalformedFault | ConfigurationFault {
  const document = readDocument(analyticsKind.root, shape, body)
  if (document instanceof Fault) return document
  if (document.analysis === undefined) return configurationInvalid('analysis', 'Storage Class Analysis cannot be null.')
  const badId = checkConfigurationId(document.id, {
    empty: 'Config Id is null or empty',
    length: 'Config Id should not be more than 1 char and less than 64 chars in length',
  })
  if (badId !== undefined) return badId
  if (document.id !== id) return fault('xml-malformed')
  return checkFilter(document.filter) ?? checkDestination(document) ?? document
}

function checkFilter(filter: ObjectFilter | undefined): MalformedFault | ConfigurationFault | undefined {
  if (filter === undefined) return undefined
  if (filterForms(filter) !== 1) return fault('xml-malformed')
  const { prefix, tags } = filterParts(filter)
  if (filter.and !== undefined) {
    if (tags.length < 1 || tags.length > 10)
      return configurationInvalid(
        'and',
        'Number of tags should not be less than 1 and more than 10 within And. And cannot contain less than 2 elements.',
      )
    if (tags.length + (prefix === undefined ? 0 : 1) < 2)
      return configurationInvalid(
        'and',
        'Number of Prefixes and Tags combined cannot be less than 2. And cannot contain less than 2 elements.',
      )
  }
  if (prefix === '')
    return configurationInvalid('prefix', 'Filter Prefix should be set to a valid non-empty value or not set at all.')
  for (const { key, value } of tags) {
    const bad = checkTagText('Key', key, 128) ?? checkTagText('Value', value, 256)
    if (bad !== undefined) return bad
  }
  return undefined
}

function checkTagText(name: 'Key' | 'Value', text: string, limit: number): ConfigurationFault | undefined {
  if (text === '' || text.length > limit)
    return configurationInvalid('tag', `Tag ${name} cannot be empty or longer than ${limit} chars.`)
  return isTagText(text) ? undefined : configurationInvalid('tag', `Tag ${name} contains invalid characters.`)
}

function checkDestination({ analysis }: AnalyticsConfiguration): MalformedFault | ConfigurationFault | undefined {
  const to = analysis?.dataExport?.destination.bucket
  if (to === undefined) return undefined
  if (bucketOfArn(to.bucket) === undefined) return configurationInvalid('analytics-destination', 'Invalid bucket ARN.')
  if (to.accountId === '') return fault('xml-malformed')
  if (to.prefix === '')
    return configurationInvalid(
      'analytics-destination',
      'S3BucketDestination Prefix should be set with a valid non-empty value or not set at all.',
    )
  return undefined
}
