/** OwnershipControls configurations: who owns what others put into a bucket, and whether ACLs count. */
import { type Fault, fault } from '../fault.ts'
import type { Reply } from '../operation.ts'
import { element, parseXml } from '../xml.ts'
import { s3Document, xmlReply } from './xml.ts'

export const objectOwnerships = ['BucketOwnerEnforced', 'BucketOwnerPreferred', 'ObjectWriter'] as const
export type ObjectOwnership = (typeof objectOwnerships)[number]

export function isObjectOwnership(text: string): text is ObjectOwnership {
  return (objectOwnerships as readonly string[]).includes(text)
}

export const ownershipControlsLimitBytes = 16 * 1024

/** Exactly one rule. */
export function parseOwnershipControls(body: Uint8Array): ObjectOwnership | Fault<'xml-malformed'> {
  const root = parseXml(body, { maxDepth: 4, maxNodes: 100 })
  const [rule, ...otherRules] = root?.name === 'OwnershipControls' ? root.children : []
  const [ownership, ...otherElements] = rule?.name === 'Rule' ? rule.children : []
  const text = ownership?.name === 'ObjectOwnership' ? ownership.text.trim() : ''
  return otherRules.length === 0 && otherElements.length === 0 && isObjectOwnership(text)
    ? text
    : fault('xml-malformed')
}

export function renderOwnershipControls(ownership: ObjectOwnership): Reply {
  return xmlReply(s3Document('OwnershipControls', `<Rule>${element('ObjectOwnership', ownership)}</Rule>`))
}
