/** Addresses and CIDR ranges of both families, for IpAddress conditions. */

export interface AddressRange {
  /** 4 bytes or 16. */
  readonly bytes: readonly number[]
  /** Leading bits that count. */
  readonly prefix: number
}

/** `203.0.113.0/24`, `2001:db8::/32` or an address alone; undefined when it is neither. */
export function parseRange(text: string): AddressRange | undefined {
  const slash = text.indexOf('/')
  const bytes = parseAddress(slash < 0 ? text : text.slice(0, slash))
  if (bytes === undefined) return undefined
  const most = bytes.length * 8
  if (slash < 0) return { bytes, prefix: most }
  const prefix = text.slice(slash + 1)
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= most ? { bytes, prefix: Number(prefix) } : undefined
}

/** Whether a range holds an address; IPv4 written within IPv6 (`::ffff:192.0.2.1`) is IPv4. */
export function inRange(range: AddressRange, address: string): boolean {
  const bytes = parseAddress(address)
  return bytes !== undefined && sharePrefix(range.bytes, unmap(bytes), range.prefix)
}

function sharePrefix(left: readonly number[], right: readonly number[], prefix: number): boolean {
  if (left.length !== right.length) return false
  const whole = prefix >> 3
  for (let i = 0; i < whole; i++) if (left[i] !== right[i]) return false
  const rest = prefix & 7
  return rest === 0 || (left[whole]! ^ right[whole]!) >> (8 - rest) === 0
}

function parseAddress(text: string): readonly number[] | undefined {
  return text.includes(':') ? parseVersion6(text) : parseVersion4(text)
}

function parseVersion4(text: string): number[] | undefined {
  const parts = text.split('.', 5)
  if (parts.length !== 4) return undefined
  const bytes: number[] = []
  for (const part of parts) {
    if (!/^\d{1,3}$/.test(part) || Number(part) > 255) return undefined
    bytes.push(Number(part))
  }
  return bytes
}

/** RFC 4291 §2.2: eight groups, one run of zero groups as `::`, the last two groups possibly as IPv4. */
function parseVersion6(text: string): number[] | undefined {
  const halves = text.split('::', 3)
  if (halves.length > 2) return undefined
  const head = parseGroups(halves[0]!, halves.length === 1)
  const tail = halves.length === 2 ? parseGroups(halves[1]!, true) : []
  if (head === undefined || tail === undefined) return undefined
  const missing = 16 - head.length - tail.length
  if (halves.length === 1 ? missing !== 0 : missing < 2) return undefined
  return [...head, ...new Array<number>(missing).fill(0), ...tail]
}

function parseGroups(text: string, last: boolean): number[] | undefined {
  if (text === '') return []
  const bytes: number[] = []
  const groups = text.split(':', 9)
  for (const [index, group] of groups.entries()) {
    if (last && index === groups.length - 1 && group.includes('.')) {
      const four = parseVersion4(group)
      if (four === undefined) return undefined
      bytes.push(...four)
    } else if (/^[0-9a-fA-F]{1,4}$/.test(group)) {
      const value = Number.parseInt(group, 16)
      bytes.push(value >> 8, value & 0xff)
    } else return undefined
  }
  return bytes
}

function unmap(bytes: readonly number[]): readonly number[] {
  if (bytes.length === 4) return bytes
  const mapped = bytes.slice(0, 10).every(byte => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff
  return mapped ? bytes.slice(12) : bytes
}
