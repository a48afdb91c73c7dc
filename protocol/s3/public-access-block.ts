/** PublicAccessBlock configurations: what of public access a bucket refuses. */
import { type Fault, fault } from '../fault.ts'
import type { Reply } from '../operation.ts'
import { parseXml } from '../xml.ts'
import { s3Document, xmlReply } from './xml.ts'

export interface PublicAccessBlock {
  /** No ACL may be set that is public. */
  readonly blockPublicAcls: boolean
  /** Public grants of ACLs count for nothing. */
  readonly ignorePublicAcls: boolean
  /** No policy may be set that is public. */
  readonly blockPublicPolicy: boolean
  /** A public policy grants nothing to others than the owner. */
  readonly restrictPublicBuckets: boolean
}

/** The XML names, in the order in which they are written. */
const elements = {
  BlockPublicAcls: 'blockPublicAcls',
  IgnorePublicAcls: 'ignorePublicAcls',
  BlockPublicPolicy: 'blockPublicPolicy',
  RestrictPublicBuckets: 'restrictPublicBuckets',
} as const satisfies Record<string, keyof PublicAccessBlock>

function isElement(name: string): name is keyof typeof elements {
  return Object.hasOwn(elements, name)
}

export const publicAccessBlockLimitBytes = 16 * 1024

/** What is not said is false; saying nothing at all is an error. */
export function parsePublicAccessBlock(
  body: Uint8Array,
): PublicAccessBlock | Fault<'xml-malformed'> | Fault<'request-invalid'> {
  const root = parseXml(body, { maxDepth: 3, maxNodes: 100 })
  if (root === undefined || root.name !== 'PublicAccessBlockConfiguration') return fault('xml-malformed')
  if (root.children.length === 0)
    return fault('request-invalid', { message: 'Must specify at least one configuration.' })
  const said = new Map<string, boolean>()
  for (const { name, text } of root.children) {
    const value = text.trim().toLowerCase()
    if (!isElement(name) || said.has(elements[name]) || (value !== 'true' && value !== 'false'))
      return fault('xml-malformed')
    said.set(elements[name], value === 'true')
  }
  const of = (name: keyof PublicAccessBlock) => said.get(name) ?? false
  return {
    blockPublicAcls: of('blockPublicAcls'),
    ignorePublicAcls: of('ignorePublicAcls'),
    blockPublicPolicy: of('blockPublicPolicy'),
    restrictPublicBuckets: of('restrictPublicBuckets'),
  }
}

export function renderPublicAccessBlock(block: PublicAccessBlock): Reply {
  const content = Object.entries(elements).map(([name, from]) => `<${name}>${block[from]}</${name}>`)
  return xmlReply(s3Document('PublicAccessBlockConfiguration', content.join('')))
}
