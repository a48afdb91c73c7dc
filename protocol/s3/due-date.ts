/** When something that S3 counts in days falls due. */

export const msPerDay = 86_400_000
/** The last midnight that an HTTP date can say. What would fall due later never does. */
const lastDueMs = Date.UTC(9999, 11, 31)

/**
 * So many days after a moment, rounded up to the next midnight UTC (S3 User Guide, "Lifecycle rules: Based on an
 * object's age"; a restored copy's expiry is counted alike). With a day of another length, a test's, there is no
 * midnight to wait for.
 * @param dayMs how long a day is
 */
export function dueAfterDays(fromMs: number, days: number, dayMs: number): number {
  const dueMs = fromMs + days * dayMs
  return Math.min(dayMs === msPerDay ? Math.ceil(dueMs / msPerDay) * msPerDay : dueMs, lastDueMs)
}
