/** What tests of rows look at. */
export const noBody = new Uint8Array(0)

/** [name, value, …] as an object, to compare without order. */
export function headersOf(flat: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {}
  for (let i = 0; i < flat.length; i += 2) headers[flat[i]!] = flat[i + 1]!
  return headers
}
