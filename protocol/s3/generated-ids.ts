/**
 * Ids of rules that came without one. S3 draws random ones; here they are a digest of what the rule says and where it
 * stands, for nothing in protocol/ is random.
 */
import { hash } from 'node:crypto'

/** A UUID that two rules of a document never share. */
export function generatedId(rule: unknown, position: number): string {
  const hex = hash('sha256', `${position}\n${JSON.stringify(rule)}`, 'hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-')
}
