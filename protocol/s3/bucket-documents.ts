/** The rows of a bucket's configurations that say what happens to its contents, and how it is reached. */
import { Fault } from '../fault.ts'
import type { Reply, WireRequest } from '../operation.ts'
import { parseAbac, renderAbac } from './abac.ts'
import { parseAcceleration, renderAcceleration } from './accelerate.ts'
import { parseBucketEncryption, renderBucketEncryption } from './bucket-encryption.ts'
import { parseBucketLogging, renderBucketLogging } from './bucket-logging.ts'
import { corsDocumentLimitBytes, parseCors, renderCors } from './cors.ts'
import { generatedId } from './generated-ids.ts'
import { lifecycleDocumentLimitBytes, parseLifecycle, renderLifecycle } from './lifecycle.ts'
import { type LifecycleConfiguration, transitionMinimumHeader } from './lifecycle-rule.ts'
import {
  type NotificationConfiguration,
  type NotificationFault,
  parseNotification,
  renderNotification,
} from './notification.ts'
import { parseReplication, renderReplication } from './replication.ts'
import { parseRequestPayment, renderRequestPayment } from './request-payment.ts'
import { deleteRow, getRow, putRow } from './setting-rows.ts'
import { parseWebsite, renderWebsite, websiteDocumentLimitBytes } from './website.ts'
import { xmlReply } from './xml.ts'

/** A configuration, and whether its destinations need not be there. */
export interface NewNotification {
  readonly configuration: NotificationConfiguration
  readonly skipsValidation: boolean
}
function readNotification(body: Uint8Array, request: WireRequest): NewNotification | NotificationFault {
  const configuration = parseNotification(body)
  if (configuration instanceof Fault) return configuration
  const skipsValidation = request.header('x-amz-skip-destination-validation').toLowerCase() === 'true'
  return { configuration, skipsValidation }
}

function readLifecycle(body: Uint8Array, request: WireRequest) {
  const source = Buffer.from(body).toString('latin1')
  return parseLifecycle(body, request.header(transitionMinimumHeader), index => generatedId(source, index))
}
function renderLifecycleReply(configuration: LifecycleConfiguration): Reply {
  return xmlReply(renderLifecycle(configuration), [transitionMinimumHeader, configuration.transitionMinimum])
}

export const documentOperations = [
  putRow('PutBucketCors', 'cors', parseCors, ['xml-malformed', 'request-invalid'], {
    limitBytes: corsDocumentLimitBytes,
  }),
  getRow('GetBucketCors', 'cors', (value: Parameters<typeof renderCors>[0]) => xmlReply(renderCors(value)), [
    'cors-missing',
  ]),
  deleteRow('DeleteBucketCors', 'cors'),

  putRow('PutBucketWebsite', 'website', parseWebsite, ['xml-malformed', 'request-invalid', 'argument-invalid'], {
    limitBytes: websiteDocumentLimitBytes,
  }),
  getRow(
    'GetBucketWebsite',
    'website',
    (value: Parameters<typeof renderWebsite>[0]) => xmlReply(renderWebsite(value)),
    ['website-missing'],
  ),
  deleteRow('DeleteBucketWebsite', 'website'),

  putRow(
    'PutBucketLifecycleConfiguration',
    'lifecycle',
    readLifecycle,
    ['xml-malformed', 'request-invalid', 'argument-invalid', 'tag-invalid'],
    {
      aliases: ['PutBucketLifecycle'],
      limitBytes: lifecycleDocumentLimitBytes,
      headers: ({ transitionMinimum }) => [transitionMinimumHeader, transitionMinimum],
    },
  ),
  getRow(
    'GetBucketLifecycleConfiguration',
    'lifecycle',
    renderLifecycleReply,
    ['lifecycle-missing'],
    ['GetBucketLifecycle'],
  ),
  deleteRow('DeleteBucketLifecycle', 'lifecycle'),

  putRow('PutBucketEncryption', 'encryption', parseBucketEncryption, ['xml-malformed', 'argument-invalid']),
  getRow('GetBucketEncryption', 'encryption', renderBucketEncryption, ['encryption-configuration-missing']),
  deleteRow('DeleteBucketEncryption', 'encryption'),

  putRow('PutBucketLogging', 'logging', parseBucketLogging, [
    'xml-malformed',
    'log-target-invalid',
    'log-target-elsewhere',
    'acl-unsupported',
    'argument-invalid',
  ]),
  getRow('GetBucketLogging', 'logging', renderBucketLogging),

  putRow('PutBucketReplication', 'replication', (body, request) => parseReplication(request.bucket, body), [
    'xml-malformed',
    'argument-invalid',
    'tag-invalid',
    'tags-too-many',
    'request-invalid',
  ]),
  getRow('GetBucketReplication', 'replication', renderReplication, ['replication-configuration-missing']),
  deleteRow('DeleteBucketReplication', 'replication'),

  putRow(
    'PutBucketNotificationConfiguration',
    'notification',
    readNotification,
    ['xml-malformed', 'argument-invalid', 'request-invalid', 'destinations-invalid'],
    { aliases: ['PutBucketNotification'] },
  ),
  getRow('GetBucketNotificationConfiguration', 'notification', renderNotification, [], ['GetBucketNotification']),

  putRow('PutBucketRequestPayment', 'requestPayment', parseRequestPayment, ['xml-malformed']),
  getRow('GetBucketRequestPayment', 'requestPayment', renderRequestPayment),

  putRow('PutBucketAccelerateConfiguration', 'accelerate', (body, request) => parseAcceleration(request.bucket, body), [
    'xml-malformed',
    'body-missing',
    'acceleration-unspecified',
    'request-invalid',
  ]),
  getRow('GetBucketAccelerateConfiguration', 'accelerate', renderAcceleration),

  putRow('PutBucketAbac', 'abac', parseAbac, ['xml-malformed', 'body-missing']),
  getRow('GetBucketAbac', 'abac', renderAbac),
] as const
