/** What CreateBucket may ask of its bucket beside a name, a place and who may use it. */
import { fault } from '../fault.ts'
import type { WireRequest } from '../operation.ts'
import type { XmlElement } from '../xml.ts'
import { type MalformedFault, record, repeated } from './document-shape.ts'
import { type ArgumentFault, argumentInvalid } from './parameters.ts'
import { checkTags, type Tag, type TagFault, tagShape } from './tagging.ts'

const tagsShape = record({ tags: repeated('Tag', tagShape) })

/** The Tags of a CreateBucketConfiguration; none when it has none. */
export function parseNewBucketTags(configuration: XmlElement): readonly Tag[] | MalformedFault | TagFault {
  const [element, ...more] = configuration.children.filter(child => child.name === 'Tags')
  if (element === undefined) return []
  const tags = more.length > 0 ? undefined : tagsShape.read(element)?.tags
  if (tags === undefined) return fault('xml-malformed')
  return checkTags(tags, 'new-bucket') ?? tags
}

const lockHeader = 'x-amz-bucket-object-lock-enabled'

/** Whether the new bucket is to have a lock, and with it versioning. */
export function parseNewBucketLock(request: WireRequest): boolean | ArgumentFault {
  const value = request.header(lockHeader).toLowerCase()
  if (value === '' || value === 'false') return false
  return value === 'true' ? true : argumentInvalid(lockHeader, '', request.header(lockHeader))
}
