/**
 * A bucket's cross-origin rules: CORSConfiguration, read, checked and written.
 * Sources: S3 API Reference, PutBucketCors (64 KB, 100 rules); messages as the service was recorded to answer
 * them, or is said to; of an id that is too long and of a character in ExposeHeader there is no record.
 */
import { type Fault, fault } from '../fault.ts'
import { element, optionalElement, parseXml, type XmlElement } from '../xml.ts'
import { readContent, readInteger } from './schema.ts'
import { s3Document } from './xml.ts'

export const corsMethods = ['GET', 'PUT', 'HEAD', 'POST', 'DELETE'] as const
export type CorsMethod = (typeof corsMethods)[number]

/** As given, in the order given: that is how it is read back. Plain data, so that it can be kept as JSON. */
export interface CorsRule {
  readonly id?: string
  readonly allowedOrigins: readonly string[]
  readonly allowedMethods: readonly CorsMethod[]
  readonly allowedHeaders: readonly string[]
  readonly exposeHeaders: readonly string[]
  readonly maxAgeSeconds?: number
}
export interface CorsConfiguration {
  /** 1 to 100. */
  readonly rules: readonly CorsRule[]
}

export const corsDocumentLimitBytes = 64 * 1024
const documentLimits = { maxDepth: 4, maxNodes: 20_000 }
const ruleLimit = 100
const idLimit = 255

export type CorsFault = Fault<'xml-malformed'> | Fault<'request-invalid'>

const malformed = fault('xml-malformed')

export function parseCors(body: Uint8Array): CorsConfiguration | CorsFault {
  const root = parseXml(body, documentLimits)
  const content = root?.name === 'CORSConfiguration' ? readContent(root, { CORSRule: 'elements' }) : undefined
  if (content === undefined || content.CORSRule.length === 0) return malformed
  if (content.CORSRule.length > ruleLimit)
    return invalid(`The number of CORS rules should not exceed allowed limit of ${ruleLimit} rules.`)
  const rules: CorsRule[] = []
  for (const child of content.CORSRule) {
    const rule = parseRule(child)
    if (rule === undefined) return malformed
    rules.push(rule)
  }
  // Only a document that is whole is looked at more closely.
  for (const rule of rules) {
    const refused = checkRule(rule)
    if (refused !== undefined) return refused
  }
  return { rules }
}

function parseRule(rule: XmlElement): CorsRule | undefined {
  const content = readContent(rule, {
    ID: 'text',
    AllowedOrigin: 'texts',
    AllowedMethod: 'texts',
    AllowedHeader: 'texts',
    ExposeHeader: 'texts',
    MaxAgeSeconds: 'text',
  })
  if (content === undefined || content.AllowedOrigin.length === 0 || content.AllowedMethod.length === 0)
    return undefined
  const { ID: id, MaxAgeSeconds: seconds } = content
  const maxAgeSeconds = seconds === undefined ? undefined : readInteger(seconds)
  if (seconds !== undefined && (maxAgeSeconds === undefined || maxAgeSeconds < 0)) return undefined
  return {
    ...(id === undefined ? {} : { id }),
    allowedOrigins: content.AllowedOrigin,
    // Those that are none are told by name, in checkRule.
    allowedMethods: content.AllowedMethod as readonly CorsMethod[],
    allowedHeaders: content.AllowedHeader,
    exposeHeaders: content.ExposeHeader,
    ...(maxAgeSeconds === undefined ? {} : { maxAgeSeconds }),
  }
}

function checkRule(rule: CorsRule): Fault<'request-invalid'> | undefined {
  if (rule.id !== undefined && rule.id.length > idLimit)
    return invalid(`ID length should not exceed allowed limit of ${idLimit}`)
  for (const method of rule.allowedMethods)
    if (!corsMethods.includes(method))
      return invalid(`Found unsupported HTTP method in CORS config. Unsupported method is ${method}`)
  for (const origin of rule.allowedOrigins)
    if (hasTwoWildcards(origin)) return invalid(`AllowedOrigin "${origin}" can not have more than one wildcard.`)
  for (const header of rule.allowedHeaders) {
    if (!isToken(header)) return invalid(`AllowedHeader "${header}" contains invalid character.`)
    if (hasTwoWildcards(header)) return invalid(`AllowedHeader "${header}" can not have more than one wildcard.`)
  }
  for (const header of rule.exposeHeaders) {
    if (!isToken(header)) return invalid(`ExposeHeader "${header}" contains invalid character.`)
    if (header.includes('*'))
      return invalid(
        `ExposeHeader "${header}" contains wildcard. We currently do not support wildcard for ExposeHeader.`,
      )
  }
  return undefined
}

function invalid(message: string): Fault<'request-invalid'> {
  return fault('request-invalid', { message })
}

function hasTwoWildcards(text: string): boolean {
  return text.indexOf('*') !== text.lastIndexOf('*')
}

/** A header's name (RFC 9110 §5.6.2), of which `*` is a character; S3 minds an empty one in a request only. */
function isToken(text: string): boolean {
  return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]*$/.test(text)
}

export function renderCors({ rules }: CorsConfiguration): string {
  return s3Document('CORSConfiguration', rules.map(renderRule).join(''))
}

function renderRule(rule: CorsRule): string {
  return (
    '<CORSRule>' +
    (rule.id === undefined ? '' : element('ID', rule.id)) +
    rule.allowedOrigins.map(origin => element('AllowedOrigin', origin)).join('') +
    rule.allowedMethods.map(method => element('AllowedMethod', method)).join('') +
    optionalElement('MaxAgeSeconds', rule.maxAgeSeconds) +
    rule.exposeHeaders.map(header => element('ExposeHeader', header)).join('') +
    rule.allowedHeaders.map(header => element('AllowedHeader', header)).join('') +
    '</CORSRule>'
  )
}
