/**
 * A bucket's website: WebsiteConfiguration, read, checked and written.
 * Sources: S3 API Reference, PutBucketWebsite (128 KB, 50 routing rules); User Guide, "Configuring advanced conditional
 * redirects"; messages as the service was recorded to answer them, or is said to; of an empty error document and a
 * blank host there is no record.
 */
import { type Fault, fault } from '../fault.ts'
import { element, optionalElement, parseXml, type XmlElement } from '../xml.ts'
import { type ArgumentFault, argumentInvalid } from './parameters.ts'
import { readContent, readInteger } from './schema.ts'
import { s3Document } from './xml.ts'

export type WebsiteProtocol = 'http' | 'https'

/** When a rule applies: all that is given must hold. At least one is. */
export interface RoutingCondition {
  readonly keyPrefix?: string
  /** 4XX or 5XX: the rule is for requests that failed so. */
  readonly errorStatus?: number
}
/** Where a rule leads: what is not given stays as requested. At least one is given; never both replacements. */
export interface RoutingRedirect {
  readonly protocol?: WebsiteProtocol
  readonly hostName?: string
  readonly replaceKeyPrefixWith?: string
  readonly replaceKeyWith?: string
  readonly status?: number
}
export interface RoutingRule {
  readonly condition?: RoutingCondition
  readonly redirect: RoutingRedirect
}
/** Plain data, so that it can be kept as JSON. */
export type WebsiteConfiguration =
  | { readonly kind: 'redirect-all'; readonly hostName: string; readonly protocol?: WebsiteProtocol }
  | {
      readonly kind: 'site'
      readonly indexSuffix: string
      readonly errorKey?: string
      readonly rules: readonly RoutingRule[]
    }

export const websiteDocumentLimitBytes = 128 * 1024
const documentLimits = { maxDepth: 6, maxNodes: 5_000 }
const ruleLimit = 50

export type WebsiteFault = Fault<'xml-malformed'> | Fault<'request-invalid'> | ArgumentFault

const malformed = fault('xml-malformed')

export function parseWebsite(body: Uint8Array): WebsiteConfiguration | WebsiteFault {
  const root = parseXml(body, documentLimits)
  if (root?.name !== 'WebsiteConfiguration') return malformed
  const content = readContent(root, {
    RedirectAllRequestsTo: 'element',
    IndexDocument: 'element',
    ErrorDocument: 'element',
    RoutingRules: 'element',
  })
  if (content === undefined) return malformed
  const { RedirectAllRequestsTo: all, IndexDocument: index, ErrorDocument: error, RoutingRules: routing } = content
  if (all !== undefined) {
    if (index !== undefined || error !== undefined || routing !== undefined)
      return argumentInvalid(
        'RedirectAllRequestsTo',
        'RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.',
        'not null',
      )
    return parseRedirectAll(all)
  }
  if (index === undefined)
    return argumentInvalid(
      'IndexDocument',
      'A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty',
      'null',
    )
  const indexSuffix = readContent(index, { Suffix: 'text' })?.Suffix
  if (indexSuffix === undefined) return malformed
  if (indexSuffix === '' || indexSuffix.includes('/'))
    return argumentInvalid('IndexDocument', 'The IndexDocument Suffix is not well formed', indexSuffix)
  const errorKey = error === undefined ? undefined : readContent(error, { Key: 'text' })?.Key
  if (error !== undefined && errorKey === undefined) return malformed
  if (errorKey === '') return argumentInvalid('ErrorDocument', 'The ErrorDocument Key is not well formed', '')
  const rules = routing === undefined ? [] : parseRules(routing)
  if ('code' in rules) return rules
  return { kind: 'site', indexSuffix, ...(errorKey === undefined ? {} : { errorKey }), rules }
}

function parseRedirectAll(all: XmlElement): WebsiteConfiguration | WebsiteFault {
  const content = readContent(all, { HostName: 'text', Protocol: 'text' })
  if (content?.HostName === undefined) return malformed
  if (content.HostName === '') return blankHost
  const protocol = parseProtocol(content.Protocol)
  if (typeof protocol === 'object') return protocol
  return {
    kind: 'redirect-all',
    hostName: content.HostName,
    ...(protocol === undefined ? {} : { protocol }),
  }
}

function parseRules(routing: XmlElement): readonly RoutingRule[] | WebsiteFault {
  const content = readContent(routing, { RoutingRule: 'elements' })
  if (content === undefined || content.RoutingRule.length === 0) return malformed
  const count = content.RoutingRule.length
  if (count > ruleLimit)
    return invalid(
      `${count} routing rules provided, the number of routing rules in a website configuration is limited to ` +
        `${ruleLimit}.`,
    )
  const rules: RoutingRule[] = []
  for (const child of content.RoutingRule) {
    const parts = readContent(child, { Condition: 'element', Redirect: 'element' })
    if (parts?.Redirect === undefined) return malformed
    const redirect = parseRedirect(parts.Redirect)
    if ('code' in redirect) return redirect
    const condition = parts.Condition === undefined ? undefined : parseCondition(parts.Condition)
    if (condition !== undefined && 'code' in condition) return condition
    rules.push({ ...(condition === undefined ? {} : { condition }), redirect })
  }
  return rules
}

function parseCondition(condition: XmlElement): RoutingCondition | WebsiteFault {
  const content = readContent(condition, { KeyPrefixEquals: 'text', HttpErrorCodeReturnedEquals: 'text' })
  if (content === undefined) return malformed
  const { KeyPrefixEquals: keyPrefix, HttpErrorCodeReturnedEquals: code } = content
  if (keyPrefix === undefined && code === undefined)
    return invalid(
      "Condition cannot be empty. To redirect all requests without a condition, the condition element shouldn't be " +
        'present.',
    )
  const errorStatus = code === undefined ? undefined : readInteger(code)
  if (code !== undefined && errorStatus === undefined) return malformed
  if (errorStatus !== undefined && (errorStatus < 400 || errorStatus > 599))
    return invalid(`The provided HTTP error code (${errorStatus}) is not valid. Valid codes are 4XX or 5XX.`)
  return {
    ...(keyPrefix === undefined ? {} : { keyPrefix }),
    ...(errorStatus === undefined ? {} : { errorStatus }),
  }
}

function parseRedirect(redirect: XmlElement): RoutingRedirect | WebsiteFault {
  const content = readContent(redirect, {
    Protocol: 'text',
    HostName: 'text',
    ReplaceKeyPrefixWith: 'text',
    ReplaceKeyWith: 'text',
    HttpRedirectCode: 'text',
  })
  if (content === undefined || redirect.children.length === 0) return malformed
  const protocol = parseProtocol(content.Protocol)
  if (typeof protocol === 'object') return protocol
  const { HostName: hostName, HttpRedirectCode: code } = content
  if (hostName === '') return blankHost
  const status = code === undefined ? undefined : readInteger(code)
  if (code !== undefined && status === undefined) return malformed
  if (status !== undefined && (status <= 300 || status > 399))
    return invalid(`The provided HTTP redirect code (${status}) is not valid. Valid codes are 3XX except 300.`)
  const { ReplaceKeyPrefixWith: replaceKeyPrefixWith, ReplaceKeyWith: replaceKeyWith } = content
  if (replaceKeyPrefixWith !== undefined && replaceKeyWith !== undefined)
    return invalid('You can only define ReplaceKeyPrefix or ReplaceKey but not both.')
  return {
    ...(protocol === undefined ? {} : { protocol }),
    ...(hostName === undefined ? {} : { hostName }),
    // Empty is a value: it takes the prefix away.
    ...(replaceKeyPrefixWith === undefined ? {} : { replaceKeyPrefixWith }),
    ...(replaceKeyWith === undefined ? {} : { replaceKeyWith }),
    ...(status === undefined ? {} : { status }),
  }
}

function parseProtocol(text: string | undefined): WebsiteProtocol | undefined | Fault<'request-invalid'> {
  const protocol = text?.trim()
  if (protocol === undefined || protocol === 'http' || protocol === 'https') return protocol
  return invalid(
    'Invalid protocol, protocol can be http or https. If not defined the protocol will be selected automatically.',
  )
}

function invalid(message: string): Fault<'request-invalid'> {
  return fault('request-invalid', { message })
}
const blankHost = invalid(
  'The HostName cannot be blank. To redirect within the same domain, the element should not be present.',
)

export function renderWebsite(configuration: WebsiteConfiguration): string {
  return s3Document(
    'WebsiteConfiguration',
    configuration.kind === 'redirect-all'
      ? '<RedirectAllRequestsTo>' +
          element('HostName', configuration.hostName) +
          optionalElement('Protocol', configuration.protocol) +
          '</RedirectAllRequestsTo>'
      : `<IndexDocument>${element('Suffix', configuration.indexSuffix)}</IndexDocument>` +
          (configuration.errorKey === undefined
            ? ''
            : `<ErrorDocument>${element('Key', configuration.errorKey)}</ErrorDocument>`) +
          (configuration.rules.length === 0
            ? ''
            : `<RoutingRules>${configuration.rules.map(renderRule).join('')}</RoutingRules>`),
  )
}

function renderRule({ condition, redirect }: RoutingRule): string {
  return (
    '<RoutingRule>' +
    (condition === undefined
      ? ''
      : '<Condition>' +
        given('KeyPrefixEquals', condition.keyPrefix) +
        given('HttpErrorCodeReturnedEquals', condition.errorStatus) +
        '</Condition>') +
    '<Redirect>' +
    given('Protocol', redirect.protocol) +
    given('HostName', redirect.hostName) +
    given('ReplaceKeyPrefixWith', redirect.replaceKeyPrefixWith) +
    given('ReplaceKeyWith', redirect.replaceKeyWith) +
    given('HttpRedirectCode', redirect.status) +
    '</Redirect></RoutingRule>'
  )
}

/** An element for a value that was given, even an empty one. */
function given(name: string, value: string | number | undefined): string {
  return value === undefined ? '' : element(name, value)
}
