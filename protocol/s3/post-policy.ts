/**
 * The policy of a form: until when it holds, and the conditions that the form's fields and its file must meet.
 *
 * Source: S3 API Reference, "POST policy". Where that is silent, what the service was seen to answer: a document that
 * cannot be read is InvalidPolicyDocument, a condition that cannot be met, or makes no sense, AccessDenied.
 */
import { Buffer, isUtf8 } from 'node:buffer'
import { Fault, fault } from '../fault.ts'
import { parseAmzDate } from '../sigv4/time.ts'
import type { PostForm } from './post-form.ts'

export interface SizeRange {
  readonly minBytes: number
  readonly maxBytes: number
}

type Condition =
  | {
      readonly kind: 'eq' | 'starts-with'
      /** In lower case; undefined when what should name a field does not. */
      readonly name: string | undefined
      readonly value: string
      readonly text: string
    }
  | { readonly kind: 'size'; readonly range: SizeRange | undefined; readonly text: string }

export interface PostPolicy {
  readonly expiresAtMs: number
  readonly conditions: readonly Condition[]
}

type PolicyFault = Fault<'form-policy-malformed'>

const notJson = malformed('Invalid JSON.')
const rangeOperation = 'content-length-range'

/** Reads a policy from the Base64 of its JSON. */
export function parsePolicy(base64: string): PostPolicy | PolicyFault {
  const compact = base64.replace(/[\r\n\t ]/g, '')
  if (compact === '') return malformed("Expecting '{' but found End-of-Input")
  const bytes = Buffer.from(compact, 'base64')
  // Buffer skips what is not Base64: only a text that comes back the same was whole.
  if (bytes.toString('base64').replace(/=+$/, '') !== compact.replace(/=+$/, ''))
    return malformed('invalid Base64 encoding.')
  const document = parseJson(bytes)
  if (!isObject(document)) return notJson
  for (const name of Object.keys(document))
    if (name !== 'expiration' && name !== 'conditions') return malformed(`Unexpected: '${name.toLowerCase()}'`)
  const { expiration, conditions } = document
  if (expiration === undefined) return malformed('Policy missing expiration.')
  const expiresAtMs = typeof expiration === 'string' ? parseMoment(expiration) : undefined
  if (expiresAtMs === undefined)
    return malformed(`Invalid 'expiration' value: '${typeof expiration === 'object' ? '' : String(expiration)}'`)
  if (conditions === undefined) return malformed('Policy missing conditions.')
  if (!Array.isArray(conditions)) return malformed("Invalid 'conditions' value: must be a List.")
  const parsed: Condition[] = []
  for (const item of conditions) {
    const condition = Array.isArray(item) ? parseList(item) : parseSimple(item)
    if (condition instanceof Fault) return condition
    parsed.push(condition)
  }
  return { expiresAtMs, conditions: parsed }
}

/** `{"acl": "private"}`: what `["eq", "$acl", "private"]` says as well, and is called in answers. */
function parseSimple(item: unknown): Condition | PolicyFault {
  if (!isObject(item)) return malformed('Invalid condition test: must be a List or Object.')
  const entries = Object.entries(item)
  if (entries.length !== 1)
    return malformed('Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.')
  const [name, value] = entries[0]!
  if (value === null) return notJson
  if (typeof value !== 'string') return malformed('Invalid Simple-Condition: value must be a string.')
  return { kind: 'eq', name: name.toLowerCase(), value, text: print(['eq', `$${name}`, value]) }
}

function parseList(item: readonly unknown[]): Condition | PolicyFault {
  const [operation, first, second] = item
  if (operation === undefined) return malformed('Invalid Condition: missing operation identifier.')
  if (typeof operation !== 'string') return notJson
  const kind = operation.toLowerCase()
  if (kind !== 'eq' && kind !== 'starts-with' && kind !== rangeOperation)
    return malformed(`Invalid Condition: unknown operation '${operation}'.`)
  if (item.length !== 3) return malformed(`Invalid ${kind}: wrong number of arguments.`)
  if (kind === rangeOperation) {
    // The service's JSON has neither signs nor fractions.
    if (!isNatural(first) || !isNatural(second)) return notJson
    const [minBytes, maxBytes] = [natural(first), natural(second)]
    const range = minBytes === undefined || maxBytes === undefined ? undefined : { minBytes, maxBytes }
    return { kind: 'size', range, text: print(item) }
  }
  if (typeof first !== 'string' || typeof second !== 'string') return notJson
  const name = first.startsWith('$') ? first.slice(1).toLowerCase() : undefined
  return { kind, name, value: second, text: print(item) }
}

/** Those that no condition needs to name. Checksums guard the file, they ask for nothing: RGW's clients leave them out. */
const exempt: ReadonlySet<string> = new Set(['file', 'policy', 'signature', 'awsaccesskeyid', 'x-amz-signature'])
const exemptPrefix = /^x-(?:ignore|amz-checksum)-/

/**
 * Checks a form against its policy: every condition must hold, and every field be named by one.
 * @returns the sizes its file may have, undefined for any; or 'access-denied' with S3's message
 */
export function checkPolicy(
  policy: PostPolicy,
  form: PostForm,
  nowMs: number,
): SizeRange | undefined | Fault<'access-denied'> {
  if (nowMs > policy.expiresAtMs) return denied('Policy expired.')
  const named = new Set<string>()
  let range: SizeRange | undefined
  for (const condition of policy.conditions) {
    if (!holds(condition, form)) return denied(`Policy Condition failed: ${condition.text}`)
    if (condition.kind === 'size') range = narrow(range, condition.range!)
    else named.add(condition.name!)
  }
  const sent = new Set(form.fields.keys()).add('bucket')
  const extra = [...sent].filter(name => !named.has(name) && !exempt.has(name) && !exemptPrefix.test(name))
  return extra.length === 0 ? range : denied(`Extra input fields: ${extra.join(', ')}`)
}

function holds(condition: Condition, form: PostForm): boolean {
  if (condition.kind === 'size') return condition.range !== undefined
  const { kind, name, value } = condition
  if (name === undefined) return false
  const sent = name === 'bucket' ? form.bucket : (form.fields.get(name) ?? defaultOf(name))
  if (sent === undefined) return false
  if (kind === 'eq') return sent === value
  // "Content-Types values for a starts-with condition that include commas are interpreted as lists."
  if (name === 'content-type') return sent.split(',').every(type => type.trim().startsWith(value))
  return sent.startsWith(value)
}

/**
 * A field that is not there meets no condition, not even `["starts-with", "$Content-Type", ""]`. Encryption alone is
 * there without it: the bucket says which.
 */
function defaultOf(name: string): string | undefined {
  return name.startsWith('x-amz-server-side-encryption') ? '' : undefined
}

function narrow(range: SizeRange | undefined, by: SizeRange): SizeRange {
  if (range === undefined) return by
  return { minBytes: Math.max(range.minBytes, by.minBytes), maxBytes: Math.min(range.maxBytes, by.maxBytes) }
}

/** `2015-12-30T12:00:00.000Z`; in no other zone, with or without a fraction. */
function parseMoment(text: string): number | undefined {
  const match = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z$/.exec(text)
  if (match === null) return undefined
  const [, year, month, day, hour, minute, second, fraction = ''] = match
  const ms = parseAmzDate(`${year}${month}${day}T${hour}${minute}${second}Z`)
  return ms === undefined ? undefined : ms + Number(fraction.padEnd(3, '0').slice(0, 3))
}

function parseJson(bytes: Buffer): unknown {
  if (!isUtf8(bytes)) return undefined
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
/** What may stand for a size: a number, or a text that should be one. */
function isNatural(value: unknown): value is number | string {
  return typeof value === 'string' || (Number.isInteger(value) && Number(value) >= 0)
}
function natural(value: number | string): number | undefined {
  return typeof value === 'number' || /^\d{1,15}$/.test(value) ? Number(value) : undefined
}

/** A condition as answers show it: `["eq", "$key", "a\"b"]`. */
function print(items: readonly unknown[]): string {
  return `[${items.map(item => JSON.stringify(item)).join(', ')}]`
}

function malformed(text: string): PolicyFault {
  return fault('form-policy-malformed', { message: `Invalid Policy: ${text}` })
}
function denied(text: string): Fault<'access-denied'> {
  return fault('access-denied', { message: `Invalid according to Policy: ${text}` })
}
