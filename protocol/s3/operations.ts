/** The table of all S3 operations: the model's 111 names and PostObject, the rows of each kind in a file of their own. */
import { Level, type Method } from '../operation.ts'
import { bucketOperations } from './bucket.ts'
import { documentOperations } from './bucket-documents.ts'
import { settingOperations } from './bucket-settings.ts'
import { configurationOperations } from './configuration-rows.ts'
import { listingOperations } from './listing.ts'
import { multipartOperations } from './multipart.ts'
import { notImplementedOperations } from './not-implemented.ts'
import { objectOperations } from './object.ts'
import { propertyOperations } from './object-properties.ts'
import { serviceOperations } from './service.ts'

export const s3Operations = [
  ...serviceOperations,
  ...bucketOperations,
  ...settingOperations,
  ...documentOperations,
  ...configurationOperations,
  ...listingOperations,
  ...objectOperations,
  ...propertyOperations,
  ...multipartOperations,
  ...notImplementedOperations,
] as const

/** The query keys that select a sub-resource of S3, at whatever level. */
export const s3Selectors: ReadonlySet<string> = new Set(
  s3Operations.map(row => row.match.selector).filter(selector => selector !== ''),
)

const methods = new Map<string, Set<Method>>()
for (const { match } of s3Operations) {
  const key = `${match.level} ${match.selector}`
  methods.set(key, (methods.get(key) ?? new Set()).add(match.method))
}
const resourceTypes: Readonly<Record<Level, string>> = {
  [Level.service]: 'SERVICE',
  [Level.bucket]: 'BUCKET',
  [Level.object]: 'OBJECT',
}
/** Sub-resources whose name in `ResourceType` is not simply the selector in capitals. */
const namedTypes: Readonly<Record<string, string>> = {
  uploads: 'UPLOADS',
  uploadId: 'UPLOAD',
  delete: 'MULTI_OBJECT_REQUEST',
}

/**
 * The detail of method-not-allowed for a request that no row matches: which methods its resource does know.
 * @param selector the request's sub-resource ('' for the bare resource), as `query.selector(s3Selectors)` finds it
 */
export function methodNotAllowedDetail(
  method: Method,
  level: Level,
  selector: string,
): { readonly method: string; readonly resourceType: string; readonly allow?: string } {
  const known = methods.get(`${level} ${selector}`)
  const resourceType =
    selector === '' ? resourceTypes[level] : (namedTypes[selector] ?? selector.replaceAll('-', '_').toUpperCase())
  return known === undefined ? { method, resourceType } : { method, resourceType, allow: [...known].sort().join(', ') }
}
