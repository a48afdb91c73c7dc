/**
 * The condition keys of S3 that policies of buckets may use, and the actions that have a value for each.
 * Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon S3".
 */

function lower(names: string): ReadonlySet<string> {
  return new Set(
    names
      .trim()
      .split(/\s+/)
      .map(name => `s3:${name}`.toLowerCase()),
  )
}

const listing = lower('ListBucket ListBucketVersions')
const putting = lower('PutObject BypassGovernanceRetention')
const granting = lower('PutObject PutObjectAcl PutObjectVersionAcl PutBucketAcl CreateBucket BypassGovernanceRetention')
const encrypting = lower('PutObject ReplicateObject UpdateObjectEncryption BypassGovernanceRetention')
const retaining = lower('PutObject PutObjectRetention')
const creating = lower('CreateBucket')
const tagging = lower('PutObject PutObjectTagging PutObjectVersionTagging BypassGovernanceRetention')
const tagged = lower(`
  DeleteObjectTagging DeleteObjectVersionTagging GetObject GetObjectAcl GetObjectAttributes GetObjectTagging
  GetObjectVersion GetObjectVersionAcl GetObjectVersionAttributes GetObjectVersionTagging PutObjectAcl PutObjectTagging
  PutObjectVersionAcl PutObjectVersionTagging`)
const versioned = lower(`
  DeleteObjectVersion DeleteObjectVersionTagging GetObjectVersion GetObjectVersionAcl GetObjectVersionAttributes
  GetObjectVersionTagging GetObjectVersionTorrent PutObjectVersionAcl PutObjectVersionTagging`)

const keys: ReadonlyMap<string, ReadonlySet<string> | 'any'> = new Map<string, ReadonlySet<string> | 'any'>([
  ['s3:accessgrantsinstancearn', 'any'],
  ['s3:accesspointnetworkorigin', 'any'],
  ['s3:authtype', 'any'],
  ['s3:dataaccesspointaccount', 'any'],
  ['s3:dataaccesspointarn', 'any'],
  ['s3:delimiter', listing],
  ['s3:destinationregion', lower('PauseReplication')],
  ['s3:if-match', lower('PutObject DeleteObject')],
  ['s3:if-none-match', lower('PutObject')],
  ['s3:inventoryaccessibleoptionalfields', lower('PutInventoryConfiguration')],
  ['s3:isreplicationpauserequest', lower('PutReplicationConfiguration')],
  ['s3:locationconstraint', creating],
  ['s3:max-keys', listing],
  ['s3:object-lock-legal-hold', lower('PutObject PutObjectLegalHold')],
  ['s3:object-lock-mode', retaining],
  ['s3:object-lock-remaining-retention-days', retaining],
  ['s3:object-lock-retain-until-date', retaining],
  ['s3:objectcreationoperation', lower('PutObject')],
  ['s3:prefix', listing],
  ['s3:requestobjecttagkeys', tagging],
  ['s3:resourceaccount', 'any'],
  ['s3:signatureage', 'any'],
  ['s3:signatureversion', 'any'],
  ['s3:tlsversion', 'any'],
  ['s3:versionid', versioned],
  ['s3:x-amz-acl', granting],
  ['s3:x-amz-bucket-namespace', creating],
  ['s3:x-amz-content-sha256', 'any'],
  ['s3:x-amz-copy-source', putting],
  ['s3:x-amz-grant-full-control', granting],
  ['s3:x-amz-grant-read', granting],
  ['s3:x-amz-grant-read-acp', granting],
  ['s3:x-amz-grant-write', granting],
  ['s3:x-amz-grant-write-acp', granting],
  ['s3:x-amz-metadata-directive', putting],
  ['s3:x-amz-object-ownership', creating],
  ['s3:x-amz-server-side-encryption', encrypting],
  ['s3:x-amz-server-side-encryption-aws-kms-key-id', encrypting],
  ['s3:x-amz-server-side-encryption-customer-algorithm', encrypting],
  ['s3:x-amz-storage-class', lower('PutObject PutObjectAcl PutObjectVersionAcl BypassGovernanceRetention')],
  ['s3:x-amz-website-redirect-location', putting],
])

/** Keys that end in the key of a tag. */
const tagKeys: ReadonlyMap<string, ReadonlySet<string> | 'any'> = new Map<string, ReadonlySet<string> | 'any'>([
  ['s3:accesspointtag', 'any'],
  ['s3:buckettag', 'any'],
  ['s3:existingobjecttag', tagged],
  ['s3:requestobjecttag', tagging],
])

/**
 * The actions (lower case) that a key (lower case) has a value for; undefined: S3 has no such key. Those of `aws:` are
 * not checked: S3 takes unknown ones.
 */
export function actionsOfKey(key: string): ReadonlySet<string> | 'any' | undefined {
  if (key.startsWith('aws:')) return 'any'
  const slash = key.indexOf('/')
  return slash < 0 || slash === key.length - 1 ? keys.get(key) : tagKeys.get(key.slice(0, slash))
}
