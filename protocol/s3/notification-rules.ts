/** Which notification rules an event on a key falls under. */
import { decodePercent } from '../query.ts'
import { type EventName, eventIncludes } from './event-names.ts'
import type { NotificationConfiguration, NotificationRule } from './notification.ts'

/** What an affix means: special characters in it are encoded as in a form; what does not decode is meant as it is. */
export function decodeAffix(affix: string | undefined): string {
  if (affix === undefined) return ''
  return decodePercent(affix.replaceAll('+', ' ')) ?? affix
}

/** The rules whose destination is to be told of an event on a key. */
export function notificationsFor(
  configuration: NotificationConfiguration,
  event: EventName,
  key: string,
): readonly NotificationRule[] {
  return configuration.rules.filter(
    rule =>
      rule.events.some(pattern => eventIncludes(pattern, event)) &&
      key.startsWith(decodeAffix(rule.prefix)) &&
      key.endsWith(decodeAffix(rule.suffix)),
  )
}
