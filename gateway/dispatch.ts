/**
 * The way of one request: split the target → authenticate → find the operation's row → parse → handler → respond.
 * Everything up to the handler is synchronous when credentials are cached or the catalogue is SQLite, so an answer
 * whose bytes are at hand is written inside the request's own callback.
 */
import { hash } from 'node:crypto'
import { Fault, fault } from '../protocol/fault.ts'
import { type Dialect, Level, type Route, type Routes, type WireRequest } from '../protocol/operation.ts'
import { bucketOfHost, splitAddress } from '../protocol/s3/address.ts'
import { methodNotAllowedDetail, s3Selectors } from '../protocol/s3/operations.ts'
import { readForm } from '../protocol/s3/post-form.ts'
import { websiteBucketOfHost } from '../protocol/s3/website-host.ts'
import { checkWebsiteMethod } from '../protocol/s3/website-page.ts'
import { stsBodyLimitBytes, stsCall } from '../protocol/sts/call.ts'
import type { Authenticator, Verified } from './authenticate.ts'
import { Aborted, type IncomingBody } from './bytes/contract.ts'
import { collect } from './collect.ts'
import type { RequestContext, Services } from './context.ts'
import { CrossOrigin, isCrossOrigin } from './cross-origin.ts'
import type { Exchange } from './exchange.ts'
import type { OpenForm } from './form-body.ts'
import { faultOf } from './outage.ts'
import { formBoundary, openForm, openPayload } from './payload.ts'
import { RequestAccess } from './request-guard.ts'
import type { Responder } from './responder.ts'
import { emptyBody } from './socket-body.ts'
import type { SocketRequest } from './socket-request.ts'

export interface Wires {
  readonly s3: Routes<RequestContext>
  readonly sts: Routes<RequestContext>
  readonly website: Routes<RequestContext>
}

const nothing = new Uint8Array(0)
const anonymousDenied = fault('anonymous-denied')
const otherOwner = fault('access-denied')
const uriInvalid = fault('uri-invalid')
const lengthInvalid = fault('request-invalid', { message: 'Invalid Content-Length header' })
/** A form is signed by its fields. */
const signedOtherwise = fault('not-implemented', { header: 'Authorization' })
const accountId = /^\d{12}$/

export class Dispatcher {
  readonly #services: Services
  readonly #wires: Wires
  readonly #authenticator: Authenticator
  readonly #responder: Responder
  readonly #domains: readonly string[]
  readonly #crossOrigin: CrossOrigin

  constructor(
    services: Services,
    wires: Wires,
    authenticator: Authenticator,
    responder: Responder,
    domains: readonly string[],
  ) {
    this.#services = services
    this.#wires = wires
    this.#authenticator = authenticator
    this.#responder = responder
    this.#domains = domains
    this.#crossOrigin = new CrossOrigin(services.database, authenticator)
  }

  get dialect(): Dialect {
    return this.#services.dialect
  }

  /** Takes a request to its answer. Never throws; the answer may come after it returns. */
  dispatch(exchange: Exchange): void {
    this.#services.database.shareReads(() => this.#begin(exchange))
  }

  #begin(exchange: Exchange): void {
    try {
      const refused = this.#address(exchange)
      if (!isCrossOrigin(exchange.request)) return this.#proceed(exchange, refused)
      this.#settle(exchange, this.#crossOrigin.meet(exchange, refused), (_, answer) => {
        if (answer === undefined) this.#proceed(exchange, refused)
        else if (answer instanceof Fault) this.#responder.fault(exchange, answer)
        else this.#responder.reply(exchange, answer)
      })
    } catch (error) {
      this.#fail(exchange, error)
    }
  }

  #proceed(exchange: Exchange, refused: Fault | undefined): void {
    if (refused !== undefined) this.#responder.fault(exchange, refused)
    else if (exchange.wire === 'website') this.#operate(exchange, this.#authenticator.anonymous())
    else if (isStsCall(exchange.request)) this.#callSts(exchange)
    else {
      const route = this.#formRoute(exchange.request)
      if (route !== undefined) this.#receiveForm(exchange, route)
      else this.#settle(exchange, this.#authenticator.authenticate(exchange, 's3'), this.#operate)
    }
  }

  /** Goes on with a value or, when it comes, with a promise's. */
  #settle<T>(exchange: Exchange, value: T | Promise<T>, proceed: (exchange: Exchange, value: T) => void): void {
    if (!(value instanceof Promise)) return proceed.call(this, exchange, value)
    value.then(
      settled => {
        try {
          proceed.call(this, exchange, settled)
        } catch (error) {
          this.#fail(exchange, error)
        }
      },
      (error: unknown) => this.#fail(exchange, error),
    )
  }

  #address(exchange: Exchange): Fault | undefined {
    const request = exchange.request
    const site = websiteBucketOfHost(exchange.host, this.#domains)
    if (site !== '') exchange.wire = 'website'
    if (exchange.body === undefined ? hasEmptyLength(request) : Number.isNaN(exchange.body.declaredBytes)) {
      // Where this request ends, and the next begins, nobody knows.
      exchange.lastOnConnection = true
      return lengthInvalid
    }
    const address = splitAddress(request.rawPath, site || bucketOfHost(exchange.host, this.#domains))
    if (address instanceof Fault) return address
    request.level = site === '' ? address.level : Level.object
    request.bucket = address.bucket
    request.key = address.key
    exchange.virtualHost = address.virtualHost
    if (site !== '') return checkWebsiteMethod(request.methodText.toUpperCase())
    // A selector that cannot be read must not leave the bare operation: `DELETE key?uploadId=%ff` deletes no object.
    if (!request.query.wellFormed) return uriInvalid
    return request.knownMethod === undefined ? notAllowed(request) : undefined
  }

  #operate(exchange: Exchange, verified: Verified | Fault): void {
    if (verified instanceof Fault || exchange.aborted) return this.#respond(exchange, verified)
    exchange.verified = verified
    const refused = verified.form === 'query' ? exchange.request.adoptQueryHeaders() : undefined
    if (refused !== undefined) return this.#responder.fault(exchange, refused)
    this.#settle(exchange, this.#run(exchange, verified), this.#respond)
  }

  /** STS signs the hash of a body without sending it: the body comes first, then the signature. */
  #callSts(exchange: Exchange): void {
    exchange.wire = 'sts'
    const bytes = exchange.body === undefined ? nothing : collect(exchange.body, stsBodyLimitBytes)
    this.#settle<Uint8Array | Fault | Aborted>(exchange, bytes, (_, body) => {
      if (body instanceof Fault || body instanceof Aborted) return this.#respond(exchange, body)
      const verified = this.#authenticator.authenticate(exchange, 'sts', hash('sha256', body))
      this.#settle(exchange, verified, (_, who) => {
        if (who instanceof Fault) return this.#respond(exchange, who)
        const call = stsCall(exchange.request, body)
        const route = this.#wires.sts.find(call)
        exchange.route = route
        const outcome =
          route === undefined ? notAllowed(exchange.request) : this.#handle(exchange, route, who, emptyBody, body, call)
        this.#settle(exchange, outcome, this.#respond)
      })
    })
  }

  /** The route of a request whose fields sign it; no other is looked up before it is authenticated. */
  #formRoute(request: SocketRequest): Route<RequestContext> | undefined {
    if (request.method !== 'POST' || request.level !== Level.bucket) return undefined
    const route = this.#wires.s3.find(request)
    return route?.operation.body === 'form' ? route : undefined
  }

  /** A form: first its fields, then the signature that stands among them, then its file. */
  #receiveForm(exchange: Exchange, route: Route<RequestContext>): void {
    exchange.route = route
    const { request } = exchange
    const boundary = formBoundary(request)
    if (boundary instanceof Fault) return this.#respond(exchange, boundary)
    const refused = refusedHeader(request, route)
    if (refused !== undefined) return this.#respond(exchange, refused)
    if (isSigned(request))
      return this.#settle(exchange, this.#authenticator.authenticate(exchange, 's3'), (_, who) =>
        this.#respond(exchange, who instanceof Fault ? who : signedOtherwise),
      )
    this.#settle<OpenForm | Fault | Aborted>(exchange, openForm(exchange, boundary), (_, open) => {
      if (open instanceof Fault || open instanceof Aborted) return this.#respond(exchange, open)
      const form = readForm(open.head, request.bucket)
      if (form instanceof Fault) return this.#respond(exchange, form)
      request.key = form.key
      this.#settle(exchange, this.#authenticator.authenticateForm(form), (_, who) => {
        if (who instanceof Fault) return this.#respond(exchange, who)
        exchange.verified = who
        open.file.limit(who.sizes)
        this.#settle(exchange, this.#crossOrigin.meetForm(exchange, who.principal.environmentId), () => {
          const outcome = otherBucketOwner(request, who) ?? this.#handle(exchange, route, who, open.file, nothing, form)
          this.#settle(exchange, outcome, this.#respond)
        })
      })
    })
  }

  #respond(exchange: Exchange, outcome: unknown): void {
    this.#responder.answer(exchange, outcome)
  }

  /** Answers the handler's output or a fault, or a promise of it. */
  #run(exchange: Exchange, verified: Verified): unknown {
    const request = exchange.request
    const route = this.#wires[exchange.wire].find(request)
    if (route === undefined) return notAllowed(request)
    exchange.route = route
    const operation = route.operation
    // Nobody's buckets cannot be listed, and nobody can make one.
    if (verified.form === 'none' && (request.level === Level.service || operation.name === 'CreateBucket'))
      return anonymousDenied
    const refused = refusedHeader(request, route) ?? otherBucketOwner(request, verified)
    if (refused !== undefined) return refused
    const payload = openPayload(exchange, verified, operation.body)
    if (payload instanceof Fault) return payload
    const mode = operation.body
    if (typeof mode !== 'object') return this.#handle(exchange, route, verified, payload, nothing)
    return collect(payload, mode.limitBytes).then(bytes => {
      if (bytes instanceof Fault || bytes instanceof Aborted) return bytes
      const client = payload.expectedPayloadSha256
      const computed = client === undefined ? undefined : hash('sha256', bytes)
      if (client !== undefined && client !== computed)
        return fault('payload-hash-mismatch', { client, computed: computed! })
      return this.#handle(exchange, route, verified, payload, bytes)
    })
  }

  #handle(
    exchange: Exchange,
    route: Route<RequestContext>,
    verified: Verified,
    body: IncomingBody,
    bytes: Uint8Array,
    request: WireRequest = exchange.request,
  ): unknown {
    const input: unknown = route.operation.parse(request, bytes)
    if (input instanceof Fault) return input
    const context: RequestContext = {
      services: this.#services,
      principal: verified.principal,
      cause: exchange,
      requestId: exchange.id,
      nowMs: verified.nowMs,
      origin: `${exchange.scheme}://${exchange.host}`,
      rawPath: exchange.request.rawPath,
      virtualHost: exchange.virtualHost,
      access: new RequestAccess(exchange, request, route.operation.name, input, verified),
      body,
    }
    // Only what reads can be run again: its body, if any, is still there.
    if (route.operation.access === 'read') exchange.again = { context, input }
    return route.handle(context, input)
  }

  /** A bug or an outage: logged with its cause, answered without it. */
  #fail(exchange: Exchange, error: unknown): void {
    this.#responder.fault(exchange, faultOf(error), error)
  }
}

/** A Content-Length that says nothing is not one of 0. */
function hasEmptyLength(request: SocketRequest): boolean {
  const { method } = request
  if (method !== 'PUT' && method !== 'POST') return false
  return request.header('content-length') === '' && request.count('content-length') > 0
}

function notAllowed(request: SocketRequest): Fault {
  const selector = request.query.selector(s3Selectors)
  const detail = methodNotAllowedDetail(request.method, request.level, selector)
  return fault('method-not-allowed', { ...detail, method: request.methodText.toUpperCase() })
}

function refusedHeader({ headers }: SocketRequest, route: Route<RequestContext>): Fault | undefined {
  for (let i = 0; i < headers.length; i += 2) {
    const header = headers[i]!
    if (route.refuses.has(header) && headers[i + 1] !== '') return fault('not-implemented', { header })
  }
  return undefined
}

/** All buckets that a request can name, a copy's source too, are of the account it is signed for. */
function otherBucketOwner(request: SocketRequest, verified: Verified): Fault | undefined {
  const owner = request.header('x-amz-expected-bucket-owner')
  const refused = owner === '' ? undefined : otherOwnerThan(verified.principal.account, owner)
  if (refused !== undefined || request.method !== 'PUT' || request.header('x-amz-copy-source') === '') return refused
  const ofSource = request.header('x-amz-source-expected-bucket-owner')
  return ofSource === '' ? undefined : otherOwnerThan(verified.principal.account, ofSource)
}
function otherOwnerThan(account: string, owner: string): Fault | undefined {
  if (owner === account) return undefined
  return accountId.test(owner) ? otherOwner : fault('bucket-owner-malformed', { value: owner })
}

/** By other means than the fields of a form. */
function isSigned(request: SocketRequest): boolean {
  const { query } = request
  return (
    request.header('authorization') !== '' ||
    (query.size > 0 && (query.has('X-Amz-Algorithm') || query.has('Signature')))
  )
}

/** STS shares S3's port: its calls go to `/`, and say so by credential scope, action or form. */
function isStsCall(request: SocketRequest): boolean {
  if (request.level !== Level.service) return false
  return (
    request.header('authorization').includes('/sts/aws4_request') ||
    request.query.has('Action') ||
    (request.method === 'POST' && request.header('content-type').startsWith('application/x-www-form-urlencoded'))
  )
}
