/** Who pays for a bucket's requests. */
import { Fault } from '../fault.ts'
import type { Reply } from '../operation.ts'
import {
  type MalformedFault,
  oneOf,
  readDocument,
  record,
  required,
  type ValueOf,
  writeDocument,
} from './document-shape.ts'
import { xmlReply } from './xml.ts'

const payers = oneOf('BucketOwner', 'Requester')
/** BucketOwner where nothing was set. */
export type Payer = ValueOf<typeof payers>

const root = 'RequestPaymentConfiguration'
const shape = record({ payer: required('Payer', payers) })

export function parseRequestPayment(body: Uint8Array): Payer | MalformedFault {
  const document = readDocument(root, shape, body)
  return document instanceof Fault ? document : document.payer
}

export function renderRequestPayment(payer: Payer): Reply {
  return xmlReply(writeDocument(root, shape, { payer }))
}
