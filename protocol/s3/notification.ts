/** Which of a bucket's events are told to whom. */
import { Fault, fault } from '../fault.ts'
import type { Reply } from '../operation.ts'
import {
  anything,
  type MalformedFault,
  mark,
  optional,
  readDocument,
  record,
  repeated,
  required,
  text,
  type ValueOf,
  writeDocument,
} from './document-shape.ts'
import { eventIncludes, isEventPattern } from './event-names.ts'
import { generatedId } from './generated-ids.ts'
import { checkDestination, type DestinationKind, destinationKinds } from './notification-destinations.ts'
import { decodeAffix } from './notification-rules.ts'
import { type ArgumentFault, argumentInvalid } from './parameters.ts'
import { xmlReply } from './xml.ts'

/** One destination with what it is told. */
export interface NotificationRule {
  readonly kind: DestinationKind
  readonly id: string
  readonly arn: string
  /** Event names or patterns, in the order sent. */
  readonly events: readonly string[]
  /** As sent, percent-encoded where the key has characters that must be. */
  readonly prefix?: string
  readonly suffix?: string
}
export interface NotificationConfiguration {
  readonly rules: readonly NotificationRule[]
  /** Everything is told to EventBridge as well. */
  readonly eventBridge: boolean
}
export const noNotifications: NotificationConfiguration = Object.freeze({ rules: [], eventBridge: false })

const filter = record({
  key: required(
    'S3Key',
    record({ rules: repeated('FilterRule', record({ name: required('Name', text), value: required('Value', text) })) }),
  ),
})
type Filter = ValueOf<typeof filter>

function ruleShape(kind: DestinationKind) {
  return record({
    id: optional('Id', text),
    arn: required(destinationKinds[kind].arn, text),
    // A role was once told with a function.
    invocationRole: optional('InvocationRole', anything),
    events: repeated('Event', text),
    filter: optional('Filter', filter),
  })
}
type SentRule = ValueOf<ReturnType<typeof ruleShape>>

const root = 'NotificationConfiguration'
const shape = record({
  topics: repeated(destinationKinds.topic.element, ruleShape('topic')),
  queues: repeated(destinationKinds.queue.element, ruleShape('queue')),
  functions: repeated(destinationKinds.function.element, ruleShape('function')),
  eventBridge: optional('EventBridgeConfiguration', mark),
})

export type NotificationFault = MalformedFault | ArgumentFault | Fault<'request-invalid'>

const ruleLimit = 100
const idLimit = 255
const filterLimitBytes = 1024
const overlapMessage = 'Configurations overlap. Configurations on the same bucket cannot share a common event type.'

/** PutBucketNotificationConfiguration's document. One without rules ends all notifications. */
export function parseNotification(body: Uint8Array): NotificationConfiguration | NotificationFault {
  const document = readDocument(root, shape, body)
  if (document instanceof Fault) return document
  const sent: readonly (readonly [DestinationKind, SentRule])[] = [
    ...document.topics.map(rule => ['topic', rule] as const),
    ...document.queues.map(rule => ['queue', rule] as const),
    ...document.functions.map(rule => ['function', rule] as const),
  ]
  if (sent.length > ruleLimit)
    return fault('request-invalid', {
      message: `Too many configurations submitted. The maximum number of configurations is ${ruleLimit}`,
    })
  const rules: NotificationRule[] = []
  const ids = new Set<string>()
  for (const [position, [kind, sentRule]] of sent.entries()) {
    const rule = parseRule(kind, sentRule, position)
    if (rule instanceof Fault) return rule
    if (ids.has(rule.id))
      return argumentInvalid('Id', 'Same ID used for multiple configurations. IDs must be unique.', rule.id)
    ids.add(rule.id)
    rules.push(rule)
  }
  return checkOverlaps(rules) ?? { rules, eventBridge: document.eventBridge === true }
}

function parseRule(kind: DestinationKind, sent: SentRule, position: number): NotificationRule | NotificationFault {
  const id = sent.id ?? ''
  if (id.length > idLimit) return argumentInvalid('Id', `ID length exceeded allowed limit of ${idLimit}`, id)
  if (sent.events.length === 0) return fault('xml-malformed')
  const arn = sent.arn.trim()
  const bad = checkDestination(kind, arn) ?? checkEvents(sent.events)
  if (bad !== undefined) return bad
  const affixes = sent.filter === undefined ? {} : parseFilter(sent.filter)
  if (affixes instanceof Fault) return affixes
  // S3's own ids are UUIDs in base64.
  const named = id === '' ? Buffer.from(generatedId(sent, position)).toString('base64') : id
  return { kind, id: named, arn, events: sent.events, ...affixes }
}

function checkEvents(events: readonly string[]): ArgumentFault | undefined {
  for (const event of events)
    if (!isEventPattern(event)) return argumentInvalid('Event', 'The event is not supported for notifications', event)
  for (const [i, event] of events.entries())
    for (const earlier of events.slice(0, i))
      if (eventIncludes(event, earlier) || eventIncludes(earlier, event))
        return argumentInvalid('Event', overlapMessage, `${earlier}, ${event}`)
  return undefined
}

function parseFilter(sent: Filter): Pick<NotificationRule, 'prefix' | 'suffix'> | NotificationFault {
  if (sent.key.rules.length === 0) return fault('xml-malformed')
  const affixes: { prefix?: string; suffix?: string } = {}
  for (const { name, value } of sent.key.rules) {
    const affix = name.trim().toLowerCase()
    if (affix !== 'prefix' && affix !== 'suffix')
      return argumentInvalid('FilterRule.Name', 'filter rule name must be either prefix or suffix', name)
    if (affixes[affix] !== undefined)
      return argumentInvalid('FilterRule.Name', `Cannot specify more than one ${affix} rule in a filter.`, name)
    if (Buffer.byteLength(value) > filterLimitBytes)
      return argumentInvalid(
        'FilterRule.Value',
        `Size of filter rule value cannot exceed ${filterLimitBytes} bytes in UTF-8 representation`,
        value,
      )
    affixes[affix] = value
  }
  return affixes
}

/** No event may be told twice: where prefixes and suffixes could both match one key, the events must differ. */
function checkOverlaps(rules: readonly NotificationRule[]): ArgumentFault | undefined {
  const keys = rules.map(rule => ({ prefix: decodeAffix(rule.prefix), suffix: decodeAffix(rule.suffix) }))
  for (const [i, rule] of rules.entries())
    for (const [j, earlier] of rules.slice(0, i).entries()) {
      const shared = sharedEvents(earlier, rule)
      if (shared === undefined || !overlap(keys[i]!, keys[j]!)) continue
      const unfiltered = [rule, earlier].every(({ prefix, suffix }) => prefix === undefined && suffix === undefined)
      return argumentInvalid(
        'Event',
        unfiltered
          ? overlapMessage
          : 'Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are ' +
              'overlapping for the same event type.',
        shared,
      )
    }
  return undefined
}

function sharedEvents(a: NotificationRule, b: NotificationRule): string | undefined {
  for (const one of a.events)
    for (const other of b.events) if (eventIncludes(one, other) || eventIncludes(other, one)) return `${one}, ${other}`
  return undefined
}

interface Affixes {
  readonly prefix: string
  readonly suffix: string
}
function overlap(a: Affixes, b: Affixes): boolean {
  return (
    (a.prefix.startsWith(b.prefix) || b.prefix.startsWith(a.prefix)) &&
    (a.suffix.endsWith(b.suffix) || b.suffix.endsWith(a.suffix))
  )
}

export function renderNotification({ rules, eventBridge }: NotificationConfiguration): Reply {
  const of = (kind: DestinationKind) => rules.filter(rule => rule.kind === kind).map(unparseRule)
  return xmlReply(
    writeDocument(root, shape, {
      topics: of('topic'),
      queues: of('queue'),
      functions: of('function'),
      ...(eventBridge ? { eventBridge } : {}),
    }),
  )
}

/** S3 answers names of filter rules with a capital, however they were sent. */
function unparseRule({ id, arn, events, prefix, suffix }: NotificationRule): SentRule {
  const rules = [
    ...(prefix === undefined ? [] : [{ name: 'Prefix', value: prefix }]),
    ...(suffix === undefined ? [] : [{ name: 'Suffix', value: suffix }]),
  ]
  return { id, arn, events, ...(rules.length === 0 ? {} : { filter: { key: { rules } } }) }
}
