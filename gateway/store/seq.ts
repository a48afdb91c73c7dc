/** Version sequences: microseconds, one per write. */
let latest = 0

/**
 * The next version sequence of a key. Larger than the key's last one, and than every other this process gave out: an
 * object that is deleted and put again in the same millisecond is told from the one before.
 * @param old the key's present sequence; 0 when there is no object
 */
export function nextSeq(nowMs: number, old: number): number {
  latest = Math.max(nowMs * 1000, latest + 1, old + 1)
  return latest
}
