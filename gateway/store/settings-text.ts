/** The settings of buckets as their rows keep them: JSON, parsed once. */
import { LRUCache } from 'lru-cache'
import type { BucketSettings } from '../../protocol/settings.ts'

const none: BucketSettings = Object.freeze({})
/** By their text: parsing a policy of 20 KB takes longer than answering a request. */
const parsedLimitBytes = 8 * 1024 * 1024
const parsed = new LRUCache<string, BucketSettings>({
  maxSize: parsedLimitBytes,
  sizeCalculation: (_, text) => 2 * text.length,
})

/** Column `settings` of buckets. Equal texts give the same value, for which callers may keep what they derive. */
export function readSettings(column: string | null): BucketSettings {
  if (column === null) return none
  let settings = parsed.get(column)
  if (settings === undefined) {
    settings = JSON.parse(column) as BucketSettings
    parsed.set(column, settings)
  }
  return settings
}
/** null when nothing is set. */
export function encodeSettings(settings: BucketSettings): string | null {
  for (const name in settings) if (settings[name as keyof BucketSettings] !== undefined) return JSON.stringify(settings)
  return null
}
