/** Configurations with ids: kept as they were put, and listed by id. What they ask for is done by nobody here. */
import type { Unit } from '../../platform/database/unit.ts'
import { Fault, fault } from '../../protocol/fault.ts'
import type { Handlers } from '../../protocol/operation.ts'
import type { AnalyticsConfiguration } from '../../protocol/s3/analytics.ts'
import type { MetricsConfiguration } from '../../protocol/s3/bucket-metrics.ts'
import {
  type ConfigurationListAnswer,
  type ConfigurationListing,
  configurationLimit,
  configurationPage,
} from '../../protocol/s3/configuration.ts'
import type {
  configurationOperations,
  NewConfiguration,
  OfConfiguration,
} from '../../protocol/s3/configuration-rows.ts'
import type { TieringConfiguration } from '../../protocol/s3/intelligent-tiering.ts'
import type { InventoryConfiguration } from '../../protocol/s3/inventory.ts'
import type { RequestContext } from '../context.ts'
import type { BucketFault, BucketRef } from '../store/contract.ts'
import { deleteDocument, findDocument, listDocuments, saveDocument } from '../store/settings.ts'
import { bucketRef } from './object-ref.ts'

type Missing = Fault<'configuration-missing'>

function handlersOf<T>(kind: string) {
  return {
    put(context: RequestContext, input: NewConfiguration<T>) {
      const ref = bucketRef(context, input.bucket)
      return context.services.database.write(() => put(ref, kind, input.id, JSON.stringify(input.configuration)))
    },
    get(context: RequestContext, { bucket, id }: OfConfiguration) {
      return context.services.database.read(() => get<T>(bucketRef(context, bucket), kind, id))
    },
    remove(context: RequestContext, { bucket, id }: OfConfiguration) {
      return context.services.database.write(() => remove(bucketRef(context, bucket), kind, id))
    },
    list(context: RequestContext, asked: ConfigurationListing) {
      return context.services.database.read(() => list<T>(bucketRef(context, asked.bucket), kind, asked))
    },
  }
}

function* put(
  ref: BucketRef,
  kind: string,
  id: string,
  text: string,
): Unit<undefined | BucketFault | Fault<'configurations-too-many'>> {
  const saved = yield* saveDocument(ref, kind, id, text, configurationLimit)
  return saved === 'too many' ? fault('configurations-too-many') : saved
}
function* get<T>(ref: BucketRef, kind: string, id: string): Unit<T | BucketFault | Missing> {
  const text = yield* findDocument(ref, kind, id)
  if (text instanceof Fault) return text
  return text === undefined ? fault('configuration-missing') : (JSON.parse(text) as T)
}
function* remove(ref: BucketRef, kind: string, id: string): Unit<undefined | BucketFault | Missing> {
  const existed = yield* deleteDocument(ref, kind, id)
  if (existed instanceof Fault) return existed
  return existed ? undefined : fault('configuration-missing')
}
function* list<T>(
  ref: BucketRef,
  kind: string,
  asked: ConfigurationListing,
): Unit<ConfigurationListAnswer<T> | BucketFault> {
  const rows = yield* listDocuments(ref, kind, asked.after, configurationPage + 1)
  if (rows instanceof Fault) return rows
  const page = rows.slice(0, configurationPage)
  const configurations = page.map(row => JSON.parse(row.document) as T)
  return { asked, configurations, lastId: rows.length > configurationPage ? page.at(-1)!.id : undefined }
}

const analytics = handlersOf<AnalyticsConfiguration>('analytics')
const inventory = handlersOf<InventoryConfiguration>('inventory')
const metrics = handlersOf<MetricsConfiguration>('metrics')
const tiering = handlersOf<TieringConfiguration>('intelligent-tiering')

export const configurationHandlers: Handlers<typeof configurationOperations, RequestContext> = {
  PutBucketAnalyticsConfiguration: analytics.put,
  GetBucketAnalyticsConfiguration: analytics.get,
  DeleteBucketAnalyticsConfiguration: analytics.remove,
  ListBucketAnalyticsConfigurations: analytics.list,
  PutBucketInventoryConfiguration: inventory.put,
  GetBucketInventoryConfiguration: inventory.get,
  DeleteBucketInventoryConfiguration: inventory.remove,
  ListBucketInventoryConfigurations: inventory.list,
  PutBucketMetricsConfiguration: metrics.put,
  GetBucketMetricsConfiguration: metrics.get,
  DeleteBucketMetricsConfiguration: metrics.remove,
  ListBucketMetricsConfigurations: metrics.list,
  PutBucketIntelligentTieringConfiguration: tiering.put,
  GetBucketIntelligentTieringConfiguration: tiering.get,
  DeleteBucketIntelligentTieringConfiguration: tiering.remove,
  ListBucketIntelligentTieringConfigurations: tiering.list,
}
