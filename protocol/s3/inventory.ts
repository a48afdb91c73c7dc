/** Inventory reports: what they would list, how often, and where they would go. */
import { Fault, fault } from '../fault.ts'
import { bucketOfArn, parseArn } from './arns.ts'
import {
  type ConfigurationFault,
  type ConfigurationKind,
  configurationInvalid,
  isConfigurationId,
} from './configuration.ts'
import {
  type MalformedFault,
  mark,
  oneOf,
  optional,
  readDocument,
  record,
  required,
  text,
  trueOrFalse,
  type ValueOf,
  wrapped,
} from './document-shape.ts'

const fields = oneOf(
  'Size',
  'LastModifiedDate',
  'StorageClass',
  'ETag',
  'IsMultipartUploaded',
  'ReplicationStatus',
  'EncryptionStatus',
  'ObjectLockRetainUntilDate',
  'ObjectLockMode',
  'ObjectLockLegalHoldStatus',
  'IntelligentTieringAccessTier',
  'BucketKeyStatus',
  'ChecksumAlgorithm',
  'ObjectAccessControlList',
  'ObjectOwner',
  'LifecycleExpirationDate',
)
const destination = record({
  accountId: optional('AccountId', text),
  bucket: required('Bucket', text),
  format: required('Format', oneOf('CSV', 'ORC', 'Parquet')),
  prefix: optional('Prefix', text),
  encryption: optional(
    'Encryption',
    record({ s3: optional('SSE-S3', mark), kms: optional('SSE-KMS', record({ keyId: required('KeyId', text) })) }),
  ),
})
const shape = record({
  destination: required('Destination', record({ bucket: required('S3BucketDestination', destination) })),
  isEnabled: required('IsEnabled', trueOrFalse),
  filter: optional('Filter', record({ prefix: required('Prefix', text) })),
  id: required('Id', text),
  versions: required('IncludedObjectVersions', oneOf('All', 'Current')),
  optionalFields: wrapped('OptionalFields', 'Field', fields),
  schedule: required('Schedule', record({ frequency: required('Frequency', oneOf('Daily', 'Weekly')) })),
})
export type InventoryConfiguration = ValueOf<typeof shape>

export const inventoryKind: ConfigurationKind<InventoryConfiguration> = {
  name: 'inventory',
  root: 'InventoryConfiguration',
  listRoot: 'ListInventoryConfigurationsResult',
  shape,
}

/** PutBucketInventoryConfiguration's document. @param id the one in the query */
export function parseInventory(
  id: string,
  body: Uint8Array,
): InventoryConfiguration | MalformedFault | ConfigurationFault {
  const document = readDocument(inventoryKind.root, shape, body)
  if (document instanceof Fault) return document
  if (!isConfigurationId(document.id)) return fault('xml-malformed')
  if (document.id !== id)
    return configurationInvalid('id-mismatch', 'Document ID does not match the specified configuration ID.')
  const { bucket, accountId, encryption } = document.destination.bucket
  if (bucketOfArn(bucket) === undefined) return configurationInvalid('inventory-destination', 'Invalid bucket ARN.')
  if (document.filter?.prefix === '' || accountId === '') return fault('xml-malformed')
  if (encryption === undefined) return document
  if ((encryption.s3 === undefined) === (encryption.kms === undefined)) return fault('xml-malformed')
  return encryption.kms === undefined || isKeyArn(encryption.kms.keyId)
    ? document
    : configurationInvalid('inventory-key', 'The KMS key ID is invalid.')
}

/** `arn:aws:kms:region:account:key/id`, or of an alias. */
function isKeyArn(text: string): boolean {
  const arn = parseArn(text)
  return arn?.service === 'kms' && arn.region !== '' && arn.account !== '' && /^(?:key|alias)\/./.test(arn.resource)
}
