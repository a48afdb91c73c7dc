/** Whether policies may look at a bucket's own tags (attribute-based access control). */
import { Fault, fault } from '../fault.ts'
import type { Reply } from '../operation.ts'
import {
  enabledOrDisabled,
  type MalformedFault,
  optional,
  readDocument,
  record,
  type ValueOf,
  writeDocument,
} from './document-shape.ts'
import { xmlReply } from './xml.ts'

/** Disabled where nothing was set. */
export type AbacStatus = ValueOf<typeof enabledOrDisabled>

const root = 'AbacStatus'
const shape = record({ status: optional('Status', enabledOrDisabled) })

export function parseAbac(body: Uint8Array): AbacStatus | MalformedFault | Fault<'body-missing'> {
  if (body.length === 0) return fault('body-missing')
  const document = readDocument(root, shape, body)
  if (document instanceof Fault) return document
  return document.status ?? fault('xml-malformed')
}

export function renderAbac(status: AbacStatus): Reply {
  return xmlReply(writeDocument(root, shape, { status }))
}
