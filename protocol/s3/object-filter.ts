/**
 * The filter that analytics, metrics, tiering and replication share: a prefix, a tag, or several of them under And.
 * What each of them lets pass beyond the schema, and how S3 says no, differs; see their files.
 */
import { optional, record, repeated, text, type ValueOf } from './document-shape.ts'
import { type Tag, tagShape } from './tagging.ts'

export const objectFilterShape = record({
  prefix: optional('Prefix', text),
  tag: optional('Tag', tagShape),
  and: optional('And', record({ prefix: optional('Prefix', text), tags: repeated('Tag', tagShape) })),
})
export type ObjectFilter = ValueOf<typeof objectFilterShape>

/** What a filter asks of a key and its tags, wherever in it that stands. */
export interface FilterParts {
  readonly prefix: string | undefined
  readonly tags: readonly Tag[]
}

export function filterParts(filter: ObjectFilter): FilterParts {
  if (filter.and !== undefined) return { prefix: filter.and.prefix, tags: filter.and.tags }
  return { prefix: filter.prefix, tags: filter.tag === undefined ? [] : [filter.tag] }
}

/** How many of its three forms a filter has: one, or none for every object. */
export function filterForms({ prefix, tag, and }: ObjectFilter): number {
  return Number(prefix !== undefined) + Number(tag !== undefined) + Number(and !== undefined)
}

/** An object, or what is to become one, as filters see it. */
export interface Filtered {
  readonly key: string
  readonly tags: readonly Tag[]
}

/** Whether the key begins with the filter's prefix and every one of its tags is there with its value. */
export function matchesFilter(filter: ObjectFilter | undefined, object: Filtered): boolean {
  if (filter === undefined) return true
  const { prefix, tags } = filterParts(filter)
  if (prefix !== undefined && !object.key.startsWith(prefix)) return false
  return tags.every(wanted => object.tags.some(tag => tag.key === wanted.key && tag.value === wanted.value))
}
