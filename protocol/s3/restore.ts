/**
 * RestoreObject: what is asked for, how long it takes, and how answers tell of it.
 * Sources: S3 API Reference, RestoreObject; User Guide, "Restoring an archived object", "Upgrading the speed of an
 * in-progress restore"; messages as they were reported of the service. What it says to less than one day, and the code
 * of a tier that a class does not have, are as other implementations of S3 have them.
 */
import { type Fault, fault } from '../fault.ts'
import { formatHttpDate } from '../http-date.ts'
import { parseXml } from '../xml.ts'
import { isArchived } from './description.ts'
import { type ArgumentFault, argumentInvalid } from './parameters.ts'
import { readContent, readInteger } from './schema.ts'

/** Slowest first. */
export const restoreTiers = ['Bulk', 'Standard', 'Expedited'] as const
export type RestoreTier = (typeof restoreTiers)[number]

export interface RestoreRequest {
  /** How long the copy is kept. Undefined when not given, which only INTELLIGENT_TIERING allows. */
  readonly days: number | undefined
  readonly tier: RestoreTier
  readonly description: string | undefined
}

/** A SELECT request may carry a page of SQL. */
export const restoreDocumentLimitBytes = 1024 * 1024
const documentLimits = { maxDepth: 12, maxNodes: 2_000 }

export type RestoreFault = Fault<'body-missing'> | Fault<'xml-malformed'> | Fault<'not-implemented'> | ArgumentFault

/**
 * S3 looks at the object first: a restore of what is not archived is answered so, whatever the document says. Ask
 * `checkRestorable` before.
 */
export function parseRestore(body: Uint8Array): RestoreRequest | RestoreFault {
  if (body.length === 0) return fault('body-missing')
  const root = parseXml(body, documentLimits)
  const content =
    root?.name === 'RestoreRequest'
      ? readContent(root, {
          Days: 'text',
          GlacierJobParameters: 'element',
          Type: 'text',
          Tier: 'text',
          Description: 'text',
          SelectParameters: 'element',
          OutputLocation: 'element',
        })
      : undefined
  if (content === undefined) return fault('xml-malformed')
  // S3 Select is closed to new customers; queries of archives went with it.
  if (content.Type?.trim() === 'SELECT') return fault('not-implemented', { reason: 'Select type restore requests' })
  // The other Tier is for SELECT alone: beside Days it was seen to be malformed.
  for (const value of [content.Type, content.Tier, content.SelectParameters, content.OutputLocation])
    if (value !== undefined) return fault('xml-malformed')
  const parameters = content.GlacierJobParameters
  const tierText = parameters === undefined ? 'Standard' : readContent(parameters, { Tier: 'text' })?.Tier?.trim()
  const tier = restoreTiers.find(name => name === tierText)
  const days = content.Days === undefined ? undefined : readInteger(content.Days)
  if (tier === undefined || (content.Days !== undefined && days === undefined)) return fault('xml-malformed')
  if (days !== undefined && days < 1)
    return argumentInvalid('Days', 'restoration days should be at least 1', String(days))
  return { days, tier, description: content.Description }
}

/** Whether there is anything to restore. */
export function checkRestorable(storageClass: string): Fault<'object-not-archived'> | undefined {
  return isArchived(storageClass) || storageClass === tiering ? undefined : fault('object-not-archived')
}
const tiering = 'INTELLIGENT_TIERING'

export type RestoreClassFault =
  | Fault<'object-not-archived'>
  | Fault<'restore-tier-invalid'>
  | Fault<'xml-malformed'>
  | ArgumentFault

/** Whether an object of this class can be restored as asked. Nothing of INTELLIGENT_TIERING is archived here. */
export function checkRestore({ days, tier }: RestoreRequest, storageClass: string): RestoreClassFault | undefined {
  if (storageClass === tiering)
    return days === undefined
      ? fault('object-not-archived')
      : argumentInvalid(
          'Days',
          'INTELLIGENT_TIERING objects are not subject to restore expiry. Do not specify Days when restoring this ' +
            'object',
          String(days),
        )
  if (!isArchived(storageClass)) return fault('object-not-archived')
  if (days === undefined) return fault('xml-malformed')
  return storageClass === 'DEEP_ARCHIVE' && tier === 'Expedited' ? fault('restore-tier-invalid') : undefined
}

const minuteMs = 60_000
const hourMs = 60 * minuteMs
/** The longest that restores "typically" take. */
const durationsMs: Readonly<Record<'GLACIER' | 'DEEP_ARCHIVE', Readonly<Record<RestoreTier, number>>>> = {
  GLACIER: { Expedited: 5 * minuteMs, Standard: 5 * hourMs, Bulk: 12 * hourMs },
  DEEP_ARCHIVE: { Expedited: 12 * hourMs, Standard: 12 * hourMs, Bulk: 48 * hourMs },
}

/** How long until the copy can be read. */
export function restoreDurationMs(storageClass: string, tier: RestoreTier): number {
  return durationsMs[storageClass === 'DEEP_ARCHIVE' ? 'DEEP_ARCHIVE' : 'GLACIER'][tier]
}

/** Whether a restore in progress may be replaced by another: by a faster one only. */
export function isFasterTier(tier: RestoreTier, running: RestoreTier): boolean {
  return restoreTiers.indexOf(tier) > restoreTiers.indexOf(running)
}

/** An object's restore: running, or done and its copy kept until then. */
export type RestoreState = { readonly kind: 'running' } | { readonly kind: 'done'; readonly expiresAtMs: number }

/** The value of x-amz-restore. */
export function restoreHeader(state: RestoreState): string {
  return state.kind === 'running'
    ? 'ongoing-request="true"'
    : `ongoing-request="false", expiry-date="${formatHttpDate(state.expiresAtMs)}"`
}
