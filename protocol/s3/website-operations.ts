/**
 * What the website endpoint does: GetObject and HeadObject, answered by where the bucket's website leads. A table of its
 * own, for it knows no sub-resources, no signatures and no XML.
 */
import type { Fault } from '../fault.ts'
import { Level, operation, type Reply, type WireRequest } from '../operation.ts'
import { emptyQuery } from '../query.ts'
import { type FaultContext, faultParts } from './faults.ts'
import { getObject, headObject, type ReadFault, type ReadInput, type ReadOutput } from './object-read.ts'
import { renderFolderRedirect, renderWebsiteFault, renderWebsiteRedirect, websiteErrorHeaders } from './website-page.ts'
import type { WebsiteRedirect } from './website-route.ts'

export interface PageRequest {
  /** Of the key as requested. */
  readonly read: ReadInput
  /** As received: it selects nothing, but redirects keep it. */
  readonly rawQuery: string
}

export interface ObjectPage {
  readonly kind: 'object'
  readonly read: ReadOutput
}
export type Page =
  | ObjectPage
  | WebsiteRedirect
  | { readonly kind: 'folder'; readonly redirect: WebsiteRedirect; readonly about: FaultContext }
  | { readonly kind: 'error-document'; readonly read: ReadOutput; readonly why: Fault; readonly about: FaultContext }
  /** The error document could not be sent either; without one the fault itself is the answer. */
  | { readonly kind: 'error-page'; readonly why: Fault; readonly documentFault: Fault; readonly about: FaultContext }

function parsePage(request: WireRequest): PageRequest | ReadFault {
  const { method, level, bucket, key, headers } = request
  const header = (name: string): string => request.header(name)
  const read = getObject.parse({ method, level, bucket, key, headers, header, query: emptyQuery }, nothing)
  return 'code' in read ? read : { read, rawQuery: request.query.raw }
}
const nothing = new Uint8Array(0)

function renderPage(page: Page, renderObject: (out: ReadOutput) => Reply): Reply {
  switch (page.kind) {
    case 'object':
      return renderObject(page.read)
    case 'redirect':
      return renderWebsiteRedirect(page)
    case 'folder':
      return renderFolderRedirect(page.redirect, page.about)
    case 'error-document': {
      const { headers, body } = renderObject(page.read)
      const { status } = faultParts(page.why, page.about)
      return { status, headers: [...headers, ...websiteErrorHeaders(page.why, page.about)], body }
    }
    case 'error-page':
      return renderWebsiteFault(page.why, page.about, page.documentFault)
  }
}

const faults = [...getObject.faults, 'website-missing', 'website-elsewhere'] as const

export const websiteOperations = [
  operation({
    name: 'GetObject',
    match: { method: 'GET', level: Level.object, selector: '' },
    access: 'read',
    body: 'none',
    refuses: getObject.refuses,
    parse: parsePage,
    render: (page: Page): Reply => renderPage(page, getObject.render),
    faults,
  }),
  operation({
    name: 'HeadObject',
    match: { method: 'HEAD', level: Level.object, selector: '' },
    access: 'read',
    body: 'none',
    refuses: headObject.refuses,
    parse: parsePage,
    render: (page: Page): Reply => renderPage(page, headObject.render),
    faults,
  }),
] as const
