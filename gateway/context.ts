/** What a handler is given: who asks, when, the body, and the services of this gateway. */
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database/unit.ts'
import type { Fault } from '../protocol/fault.ts'
import type { Dialect } from '../protocol/operation.ts'
import type { Policy } from '../protocol/policy/policy.ts'
import type { BlobStore, IncomingBody } from './bytes/contract.ts'
import type { KeyRing } from './keys/ring.ts'
import type { BlobIds } from './store/blob-ids.ts'
import type { Guard } from './store/contract.ts'
import type { Cause } from './store/events.ts'
import type { ObjectCache } from './store/object-cache.ts'

/** The identity behind a verified signature; of a request without one, nobody: `identityId` 0. */
export interface Principal {
  readonly accessKeyId: string
  readonly environmentId: number
  /** 12 digits. */
  readonly account: string
  readonly identityId: number
  readonly identityName: string
  readonly canonicalId: string
  /** Region named by the request's credential scope; '' when there is none. */
  readonly region: string
  /** What temporary credentials say more. */
  readonly session?: Session | undefined
}

export interface Session {
  /** Undefined: a session of the identity itself. */
  readonly role?: { readonly arn: string; readonly sessionName: string } | undefined
  /** What it may do at most. */
  readonly policy?: Policy | undefined
}

/** Who decides, for each thing that a request is about; undefined: its owner and nobody else. */
export interface Access {
  ofBucket(bucket: string): Guard | undefined
  ofObject(bucket: string, key: string, versioned: boolean): Guard | undefined
  /** Of what a copy reads. */
  ofSource(bucket: string, key: string, versioned: boolean): Guard | undefined
  /** Of a bucket that is not there yet, or of all ('*'): every identity may, but not every session. */
  checkSession(bucket: string): Fault<'access-denied'> | undefined
}

/** Made once when the server starts; shared by all requests. */
export interface Services {
  readonly database: Database
  readonly blobs: BlobStore
  readonly blobIds: BlobIds
  readonly clock: Clock
  readonly objectCache: ObjectCache
  readonly dialect: Dialect
  /** How long a day of lifecycles and restores is. */
  readonly lifecycleDayMs: number
  readonly keys: KeyRing
}

export interface RequestContext {
  readonly services: Services
  readonly principal: Principal
  readonly access: Access
  /** The request as those see it who are told of what it changes. */
  readonly cause?: Cause | undefined
  /** 16 upper-case characters, unique per request. */
  readonly requestId: string
  /** Milliseconds since 1970 at arrival, by the movable clock. */
  readonly nowMs: number
  /** Of the client's own view: `http://localhost:4566`. */
  readonly origin: string
  /** As the client sent it, without the query. */
  readonly rawPath: string
  /** The bucket came from the host name. */
  readonly virtualHost: boolean
  /** The payload of a `stream` operation. */
  readonly body: IncomingBody
}
