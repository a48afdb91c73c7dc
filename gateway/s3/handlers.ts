/** The handlers of all S3 operations, joined by name with their rows: a missing one does not compile. */
import type { Handlers } from '../../protocol/operation.ts'
import type { s3Operations } from '../../protocol/s3/operations.ts'
import type { RequestContext } from '../context.ts'
import { bucketHandlers } from './bucket.ts'
import { documentHandlers } from './bucket-documents.ts'
import { settingHandlers } from './bucket-settings.ts'
import { configurationHandlers } from './configurations.ts'
import { listingHandlers } from './listing.ts'
import { multipartHandlers } from './multipart.ts'
import { notImplementedHandlers } from './not-implemented.ts'
import { objectHandlers } from './object.ts'
import { propertyHandlers } from './object-properties.ts'
import { serviceHandlers } from './service.ts'

export const s3Handlers: Handlers<typeof s3Operations, RequestContext> = {
  ...serviceHandlers,
  ...bucketHandlers,
  ...settingHandlers,
  ...documentHandlers,
  ...configurationHandlers,
  ...listingHandlers,
  ...objectHandlers,
  ...propertyHandlers,
  ...multipartHandlers,
  ...notImplementedHandlers,
}
