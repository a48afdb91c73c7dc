/** Intelligent tiering: after how many days without a read an object would be archived. */
import { Fault, fault } from '../fault.ts'
import {
  type ConfigurationFault,
  type ConfigurationKind,
  checkConfigurationId,
  configurationInvalid,
} from './configuration.ts'
import {
  enabledOrDisabled,
  integer,
  type MalformedFault,
  oneOf,
  optional,
  readDocument,
  record,
  repeated,
  required,
  text,
  type ValueOf,
} from './document-shape.ts'
import { filterForms, filterParts, type ObjectFilter, objectFilterShape } from './object-filter.ts'

const tiering = record({
  accessTier: required('AccessTier', oneOf('ARCHIVE_ACCESS', 'DEEP_ARCHIVE_ACCESS')),
  days: required('Days', integer),
})
type Tiering = ValueOf<typeof tiering>
const shape = record({
  id: required('Id', text),
  filter: optional('Filter', objectFilterShape),
  status: required('Status', enabledOrDisabled),
  tierings: repeated('Tiering', tiering),
})
export type TieringConfiguration = ValueOf<typeof shape>

export const tieringKind: ConfigurationKind<TieringConfiguration> = {
  name: 'intelligent-tiering',
  root: 'IntelligentTieringConfiguration',
  listRoot: 'ListBucketIntelligentTieringConfigurationsOutput',
  shape,
}

/** PutBucketIntelligentTieringConfiguration's document. @param id the one in the query */
export function parseTiering(id: string, body: Uint8Array): TieringConfiguration | MalformedFault | ConfigurationFault {
  const document = readDocument(tieringKind.root, shape, body)
  if (document instanceof Fault) return document
  if (document.tierings.length === 0) return fault('xml-malformed')
  const badId = checkConfigurationId(document.id, {
    empty: 'Config Id cannot be null or empty.',
    length: 'Config Id should be more than 1 character and less than 64 characters in length.',
  })
  if (badId !== undefined) return badId
  if (document.id !== id) return fault('xml-malformed')
  return checkFilter(document.filter) ?? checkTierings(document.tierings) ?? document
}

function checkFilter(filter: ObjectFilter | undefined): MalformedFault | ConfigurationFault | undefined {
  if (filter === undefined) return undefined
  if (filterForms(filter) !== 1) return fault('xml-malformed')
  const { prefix, tags } = filterParts(filter)
  if (filter.and !== undefined && tags.length + (prefix === undefined ? 0 : 1) < 2)
    return configurationInvalid(
      'and',
      'Number of Prefixes and Tags combined cannot be less than 2. And cannot contain less than 2 elements.',
    )
  if (prefix === '')
    return configurationInvalid('prefix', 'Filter Prefix should be set to a valid non-empty value or not set at all.')
  const keys = new Set<string>()
  for (const { key } of tags) {
    if (key === '') return fault('xml-malformed')
    if (keys.has(key))
      return configurationInvalid('and', `All Tag Keys in an And must be unique. Found duplicate entry for ${key}.`)
    keys.add(key)
  }
  return undefined
}

const leastDays = { ARCHIVE_ACCESS: 90, DEEP_ARCHIVE_ACCESS: 180 } as const
const mostDays = 730

function checkTierings(tierings: readonly Tiering[]): ConfigurationFault | undefined {
  const days = new Map<Tiering['accessTier'], number>()
  for (const tier of tierings) {
    const name = tier.accessTier
    if (days.has(name))
      return configurationInvalid(
        'tier',
        `All Access Tiers in a configuration must be unique. Found duplicate entry for ${name}.`,
      )
    if (tier.days < leastDays[name])
      return configurationInvalid('tier', `Days specified in ${name} tier should not be less than ${leastDays[name]}.`)
    if (tier.days > mostDays)
      return configurationInvalid('tier', `Days specified in ${name} tier should not be more than ${mostDays}.`)
    days.set(name, tier.days)
  }
  const archive = days.get('ARCHIVE_ACCESS')
  const deep = days.get('DEEP_ARCHIVE_ACCESS')
  return archive !== undefined && deep !== undefined && deep <= archive
    ? configurationInvalid(
        'tier',
        'Days specified in DEEP_ARCHIVE_ACCESS should be greater than days specified in ARCHIVE_ACCESS',
      )
    : undefined
}
