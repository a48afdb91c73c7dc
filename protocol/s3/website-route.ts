/**
 * Where a request for a website leads. In this order: the redirect of all requests, the routing rules without an error
 * code, the object (a folder's is its index document), its own redirect location; and when there is none or it may not
 * be read, the folder's index, the routing rules for that error, the error document, a page that says what went wrong.
 * Sources: S3 User Guide, "Configuring an index document", "Configuring a webpage redirect", "Configuring a custom
 * error document"; answers recorded from the service.
 */
import type { RoutingRedirect, RoutingRule, WebsiteConfiguration, WebsiteProtocol } from './website.ts'

/** A request as it came in. */
export interface WebsiteRequest {
  /** The Host header, with its port. */
  readonly host: string
  readonly scheme: WebsiteProtocol
  /** The path without its first slash, decoded; '' for the root. */
  readonly key: string
  /** The path as received. */
  readonly rawPath: string
  /** The query as received, without '?'. */
  readonly rawQuery: string
}

export interface WebsiteRedirect {
  readonly kind: 'redirect'
  readonly status: number
  readonly location: string
}
export interface WebsiteObject {
  readonly kind: 'object'
  readonly key: string
}

/** Before any object is looked for. */
export function route(configuration: WebsiteConfiguration, request: WebsiteRequest): WebsiteRedirect | WebsiteObject {
  if (configuration.kind === 'redirect-all') {
    const { protocol = request.scheme, hostName } = configuration
    const path = request.rawPath.startsWith('/') ? request.rawPath : `/${request.rawPath}`
    return redirect(301, `${protocol}://${verbatim(hostName)}${verbatim(path)}${queryOf(request)}`)
  }
  for (const rule of configuration.rules)
    if (rule.condition?.errorStatus === undefined && hasPrefix(rule, request.key)) return follow(rule, request)
  const { key } = request
  const isFolder = key === '' || key.endsWith('/')
  return { kind: 'object', key: isFolder ? key + configuration.indexSuffix : key }
}

/**
 * When the object of a request that names no folder is missing: the index document that would make it one.
 * @returns undefined when there is no such document to look for
 */
export function folderIndexKey(configuration: WebsiteConfiguration, request: WebsiteRequest): string | undefined {
  if (configuration.kind !== 'site' || request.key === '' || request.key.endsWith('/')) return undefined
  return `${request.key}/${configuration.indexSuffix}`
}
/** To the folder, once its index document is found. Relative, as S3's is. */
export function redirectToFolder(request: WebsiteRequest): WebsiteRedirect {
  return redirect(302, `/${encodeKey(request.key)}/`)
}

/** An object, or an error document, with an x-amz-website-redirect-location: as it was set. */
export function redirectOfObject(location: string): WebsiteRedirect {
  return redirect(301, verbatim(location))
}

/**
 * After the object was not found or not readable.
 * @param status 4XX or 5XX
 */
export function routeError(
  configuration: WebsiteConfiguration,
  request: WebsiteRequest,
  status: number,
): WebsiteRedirect | { readonly kind: 'error-document'; readonly key: string } | { readonly kind: 'error-page' } {
  if (configuration.kind !== 'site') return { kind: 'error-page' }
  for (const rule of configuration.rules)
    if (rule.condition?.errorStatus === status && hasPrefix(rule, request.key)) return follow(rule, request)
  const { errorKey } = configuration
  return errorKey === undefined || status < 400 || status > 499
    ? { kind: 'error-page' }
    : { kind: 'error-document', key: errorKey }
}

/** The prefix is looked for in the key requested: the root's index document does not count (recorded). */
function hasPrefix({ condition }: RoutingRule, key: string): boolean {
  return condition?.keyPrefix === undefined || key.startsWith(condition.keyPrefix)
}

function follow({ condition, redirect: target }: RoutingRule, request: WebsiteRequest): WebsiteRedirect {
  const { protocol = request.scheme, hostName = request.host, status = 301 } = target
  return redirect(
    status,
    `${protocol}://${verbatim(hostName)}/${targetPath(target, condition?.keyPrefix ?? '', request)}`,
  )
}

/** What replaces is taken as it stands: `#!/` is a common prefix. A key that replaces the whole leaves no query. */
function targetPath(target: RoutingRedirect, prefix: string, request: WebsiteRequest): string {
  if (target.replaceKeyWith !== undefined) return verbatim(target.replaceKeyWith)
  const replaced = target.replaceKeyPrefixWith
  const path =
    replaced === undefined ? encodeKey(request.key) : verbatim(replaced) + encodeKey(request.key.slice(prefix.length))
  return path + queryOf(request)
}

function redirect(status: number, location: string): WebsiteRedirect {
  return { kind: 'redirect', status, location }
}

function queryOf({ rawQuery }: WebsiteRequest): string {
  return rawQuery === '' ? '' : `?${verbatim(rawQuery)}`
}

/** A key as the path of a URL: what would end the path is encoded, and what a path cannot hold. */
function encodeKey(key: string): string {
  return verbatim(key.replaceAll('%', '%25').replaceAll('?', '%3F').replaceAll('#', '%23'))
}
/** A text as it stands, but for what a header cannot carry: spaces, control characters, and all beyond ASCII. */
function verbatim(text: string): string {
  return /^[\x21-\x7e]*$/.test(text) ? text : text.replace(/[^\x21-\x7e]+/g, encodeBytes)
}
function encodeBytes(text: string): string {
  let encoded = ''
  for (const byte of Buffer.from(text)) encoded += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  return encoded
}
