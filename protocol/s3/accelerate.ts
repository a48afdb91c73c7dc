/** Transfer acceleration: a state that buckets are set to and that changes nothing here. */
import { Fault, fault } from '../fault.ts'
import type { Reply } from '../operation.ts'
import { type MalformedFault, oneOf, optional, readDocument, record, text, writeDocument } from './document-shape.ts'
import { xmlReply } from './xml.ts'

export type AccelerationStatus = 'Enabled' | 'Suspended'

const root = 'AccelerateConfiguration'
/** Read: S3 tells a status that is missing or empty from one that is none of its words. */
const sent = record({ status: optional('Status', text) })
const kept = record({ status: optional('Status', oneOf('Enabled', 'Suspended')) })

export type AccelerationFault =
  | MalformedFault
  | Fault<'request-invalid'>
  | Fault<'body-missing'>
  | Fault<'acceleration-unspecified'>

/** S3 looks at the bucket's name before it looks at the document. */
export function parseAcceleration(bucket: string, body: Uint8Array): AccelerationStatus | AccelerationFault {
  if (bucket.includes('.'))
    return fault('request-invalid', {
      message: 'S3 Transfer Acceleration is not supported for buckets with periods (.) in their names',
    })
  if (body.length === 0) return fault('body-missing')
  const document = readDocument(root, sent, body)
  if (document instanceof Fault) return document
  const status = document.status?.trim() ?? ''
  if (status === '') return fault('acceleration-unspecified')
  return status === 'Enabled' || status === 'Suspended' ? status : fault('xml-malformed')
}

/** undefined: never set, an empty document. */
export function renderAcceleration(status: AccelerationStatus | undefined): Reply {
  return xmlReply(writeDocument(root, kept, status === undefined ? {} : { status }))
}
