/** What the website endpoint answers when it has no object to send: HTML instead of XML, as the service's is. */
import { type Fault, fault } from '../fault.ts'
import type { Reply } from '../operation.ts'
import { escapeXml } from '../xml.ts'
import { describeFault, type FaultContext, faultParts, renderFault } from './faults.ts'
import type { WebsiteRedirect } from './website-route.ts'

/** Reasons in titles. */
const reasons: Readonly<Record<number, string>> = {
  302: 'Found',
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  412: 'Precondition Failed',
  416: 'Requested Range Not Satisfiable',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
}

/** A website is read only; OPTIONS is answered by the bucket's cross-origin rules. */
export function checkWebsiteMethod(method: string): Fault<'method-not-allowed'> | undefined {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS'
    ? undefined
    : fault('method-not-allowed', { method, resourceType: 'OBJECT', allow: 'GET, HEAD, OPTIONS' })
}

/** A redirect has no body. */
export function renderWebsiteRedirect({ status, location }: WebsiteRedirect): Reply {
  return { status, headers: ['Location', location], body: null }
}

/** A redirect to a folder is answered as if it were an error. */
export function renderFolderRedirect({ status, location }: WebsiteRedirect, context: FaultContext): Reply {
  const headers = ['Location', location, 'x-amz-error-code', 'Found', 'x-amz-error-message', 'Resource Found']
  const items = listItem('Code', 'Found') + listItem('Message', 'Resource Found')
  return page(status, headers, items, '', context)
}

/**
 * An error as a page.
 * @param documentFault why the custom error document could not be sent either, with its key in the detail
 */
export function renderWebsiteFault(fault: Fault, context: FaultContext, documentFault?: Fault): Reply {
  const { status, elements, headers } = faultParts(fault, context)
  if (status < 400) return renderFault(fault, context)
  const { code, message } = describeFault(fault, context)
  const items = listItem('Code', code) + listItem('Message', message) + listOf(elements)
  const extra = context.method === 'HEAD' ? [...headers, ...websiteErrorHeaders(fault, context)] : headers
  return page(status, extra, items, documentFault === undefined ? '' : nested(documentFault, context), context)
}

/** The error behind an answer whose body does not tell: one to HEAD, or one with the custom error document. */
export function websiteErrorHeaders(fault: Fault, context: FaultContext): readonly string[] {
  const { code, message } = describeFault(fault, context)
  const headers = ['x-amz-error-code', code, 'x-amz-error-message', headerText(message)]
  if (fault.code === 'object-missing') {
    const key = fault.detail['key'] ?? context.key
    if (key !== undefined) headers.push('x-amz-error-detail-Key', headerText(String(key)))
  }
  return headers
}

/** Keys may hold anything; header values printable ASCII. */
function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e]+/g, part => encodeURIComponent(Buffer.from(part).toString()))
}

function page(
  status: number,
  headers: readonly string[],
  items: string,
  nestedError: string,
  context: FaultContext,
): Reply {
  if (context.method === 'HEAD') return { status, headers, body: null }
  const title = `${status} ${reasons[status] ?? 'Error'}`
  const body =
    `<html>\n<head><title>${title}</title></head>\n<body>\n<h1>${title}</h1>\n<ul>\n${items}` +
    `${listItem('RequestId', context.requestId)}${listItem('HostId', context.hostId)}</ul>\n${nestedError}` +
    '<hr/>\n</body>\n</html>\n'
  return { status, headers: ['Content-Type', 'text/html; charset=utf-8', ...headers], body }
}

function nested(fault: Fault, context: FaultContext): string {
  const { code, message } = describeFault(fault, context)
  return (
    '<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>\n<ul>\n' +
    listItem('Code', code) +
    listItem('Message', message) +
    listOf(faultParts(fault, context).elements) +
    '</ul>\n'
  )
}

function listItem(name: string, text: string): string {
  return `<li>${name}: ${escapeXml(text)}</li>\n`
}
/** The elements of an XML error, which are flat and already escaped, as items of a list. */
function listOf(elements: string): string {
  return elements.replace(/<([^<>/]+)>([^<]*)<\/\1>/g, '<li>$1: $2</li>\n')
}
