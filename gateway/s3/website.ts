/** The website endpoint: which object, redirect or error a request leads to, decided on one snapshot. */
import type { Unit } from '../../platform/database/unit.ts'
import { Fault, fault } from '../../protocol/fault.ts'
import type { Handlers } from '../../protocol/operation.ts'
import { type FaultContext, faultParts } from '../../protocol/s3/faults.ts'
import type { ReadInput } from '../../protocol/s3/object-read.ts'
import type { WebsiteConfiguration } from '../../protocol/s3/website.ts'
import { websiteHostElsewhere } from '../../protocol/s3/website-host.ts'
import type { ObjectPage, Page, PageRequest, websiteOperations } from '../../protocol/s3/website-operations.ts'
import {
  folderIndexKey,
  redirectOfObject,
  redirectToFolder,
  route,
  routeError,
  type WebsiteRedirect,
  type WebsiteRequest,
} from '../../protocol/s3/website-route.ts'
import type { RequestContext } from '../context.ts'
import { hostId } from '../host-id.ts'
import { findObject, headObject } from '../store/objects.ts'
import { settingsForAnyone } from '../store/settings.ts'
import { openFound, type ReadFault } from './object-read.ts'
import { objectRef } from './object-ref.ts'

export const websiteHandlers: Handlers<typeof websiteOperations, RequestContext> = {
  GetObject(context, asked) {
    return context.services.database.read(() => new Visit(context, asked, true).page())
  },
  HeadObject(context, asked) {
    return context.services.database.read(() => new Visit(context, asked, false).page())
  },
}

type PageFault = ReadFault | Fault<'website-missing'> | Fault<'website-elsewhere'>

class Visit {
  readonly #context: RequestContext
  readonly #read: ReadInput
  readonly #request: WebsiteRequest
  readonly #withBytes: boolean

  constructor(context: RequestContext, { read, rawQuery }: PageRequest, withBytes: boolean) {
    this.#context = context
    this.#read = read
    this.#withBytes = withBytes
    const [scheme, host = ''] = context.origin.split('://')
    this.#request = {
      host,
      scheme: scheme === 'https' ? 'https' : 'http',
      key: read.key,
      rawPath: context.rawPath,
      rawQuery,
    }
  }

  *page(): Unit<Page | PageFault> {
    const { bucket } = this.#read
    const found = yield* settingsForAnyone(this.#context.principal.environmentId, bucket)
    if (found === undefined) return fault('bucket-missing', { bucket })
    const endpoint = websiteHostElsewhere(this.#request.host, found.region)
    if (endpoint !== undefined) return fault('website-elsewhere', { endpoint })
    const { website } = found.is
    if (website === undefined) return fault('website-missing', { bucket })
    const target = route(website, this.#request)
    if (target.kind === 'redirect') return target
    const page = yield* this.#open({ ...this.#read, key: target.key })
    if (!(page instanceof Fault) || page.code === 'not-modified') return page
    if (yield* this.#isFolder(website, page))
      return { kind: 'folder', redirect: redirectToFolder(this.#request), about: this.#about }
    return yield* this.#errorPage(website, page)
  }

  /** An object as a page: its own redirect comes before its conditions. */
  *#open(input: ReadInput): Unit<ObjectPage | WebsiteRedirect | ReadFault> {
    const ref = objectRef(this.#context, input.bucket, input.key)
    const found = this.#withBytes ? yield* findObject(ref) : yield* headObject(ref)
    if (found instanceof Fault) return found
    const location = found.headers['x-amz-website-redirect-location']
    if (location !== undefined) return redirectOfObject(location)
    const read = yield* openFound(this.#context, found, input, this.#withBytes)
    return read instanceof Fault ? read : { kind: 'object', read }
  }

  /** Who may not list the bucket is denied what is missing, and yet led to the folder. */
  *#isFolder(website: WebsiteConfiguration, { code }: Fault): Unit<boolean> {
    const key =
      code === 'object-missing' || code === 'access-denied' ? folderIndexKey(website, this.#request) : undefined
    if (key === undefined) return false
    return !((yield* headObject(objectRef(this.#context, this.#read.bucket, key))) instanceof Fault)
  }

  /**
   * The request's conditions and range are not about the error document. HEAD is answered without a look at it: by the
   * error's headers alone (so recorded, with an error document set).
   */
  *#errorPage<F extends PageFault>(website: WebsiteConfiguration, why: F): Unit<Page | F> {
    const about = this.#about
    const next = routeError(website, this.#request, faultParts(why, about).status)
    if (next.kind === 'redirect') return next
    if (next.kind === 'error-page' || !this.#withBytes) return why
    const input = { ...this.#read, key: next.key, conditions: {}, range: undefined, rangeText: '', ifRange: '' }
    const document = yield* this.#open(input)
    if (document instanceof Fault) return { kind: 'error-page', why, documentFault: document, about }
    return document.kind === 'redirect' ? document : { kind: 'error-document', read: document.read, why, about }
  }

  get #about(): FaultContext {
    const { bucket, key } = this.#read
    const { requestId, rawPath: resource } = this.#context
    return { method: this.#withBytes ? 'GET' : 'HEAD', resource, requestId, hostId, bucket, key }
  }
}
