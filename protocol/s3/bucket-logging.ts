/** Where a bucket's access log goes, and what its objects are called there. */
import { Fault, fault } from '../fault.ts'
import type { Reply } from '../operation.ts'
import { optionalElement, type XmlElement } from '../xml.ts'
import {
  type MalformedFault,
  mark,
  oneOf,
  optional,
  readDocument,
  record,
  required,
  type Shape,
  text,
  type ValueOf,
  wrapped,
  writeDocument,
} from './document-shape.ts'
import { xmlReply } from './xml.ts'

/** Who a grant is to: one of three ways to name them. */
export type LogGrantee =
  | { readonly type: 'CanonicalUser'; readonly id: string }
  | { readonly type: 'Group'; readonly uri: string }
  | { readonly type: 'AmazonCustomerByEmail'; readonly email: string }

const granteeParts = record({
  id: optional('ID', text),
  uri: optional('URI', text),
  email: optional('EmailAddress', text),
  displayName: optional('DisplayName', text),
})
/** Its type is also an attribute (xsi:type), which the parts tell as well. */
const grantee: Shape<LogGrantee> = {
  read: (element: XmlElement) => {
    const parts = granteeParts.read(element)
    if (parts === undefined) return undefined
    const named = [parts.id, parts.uri, parts.email].filter(name => name !== undefined)
    // Two names, or an empty one, name nobody.
    if (named.length !== 1 || named[0] === '') return undefined
    const { id, uri, email } = parts
    if (id !== undefined) return { type: 'CanonicalUser', id }
    if (uri !== undefined) return { type: 'Group', uri }
    return email === undefined ? undefined : { type: 'AmazonCustomerByEmail', email }
  },
  write: (name, value) =>
    `<${name} xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="${value.type}">` +
    optionalElement('ID', value.type === 'CanonicalUser' ? value.id : '') +
    optionalElement('URI', value.type === 'Group' ? value.uri : '') +
    optionalElement('EmailAddress', value.type === 'AmazonCustomerByEmail' ? value.email : '') +
    `</${name}>`,
}

/** READ_ACP and WRITE_ACP stand in no documentation of this grant, and S3 takes them. */
const grant = record({
  grantee: required('Grantee', grantee),
  permission: required('Permission', oneOf('FULL_CONTROL', 'READ', 'WRITE', 'READ_ACP', 'WRITE_ACP')),
})

const keyFormat = record({
  simple: optional('SimplePrefix', mark),
  partitioned: optional(
    'PartitionedPrefix',
    record({ dateSource: optional('PartitionDateSource', oneOf('EventTime', 'DeliveryTime')) }),
  ),
})
export type LogKeyFormat = ValueOf<typeof keyFormat>

const logging = record({
  targetBucket: required('TargetBucket', text),
  targetGrants: wrapped('TargetGrants', 'Grant', grant),
  keyFormat: optional('TargetObjectKeyFormat', keyFormat),
  targetPrefix: required('TargetPrefix', text),
})
export type BucketLogging = ValueOf<typeof logging>

const root = 'BucketLoggingStatus'
const shape = record({ enabled: optional('LoggingEnabled', logging) })

/** PutBucketLogging's document; 'none' ends the log, which an empty document asks for. */
export function parseBucketLogging(body: Uint8Array): BucketLogging | 'none' | MalformedFault {
  const document = readDocument(root, shape, body)
  if (document instanceof Fault) return document
  if (document.enabled === undefined) return 'none'
  const { keyFormat, targetBucket } = document.enabled
  if (targetBucket.trim() === '') return fault('xml-malformed')
  if (keyFormat !== undefined && (keyFormat.simple === undefined) === (keyFormat.partitioned === undefined))
    return fault('xml-malformed')
  return document.enabled
}

export function renderBucketLogging(logging: BucketLogging | 'none'): Reply {
  return xmlReply(writeDocument(root, shape, logging === 'none' ? {} : { enabled: logging }))
}
