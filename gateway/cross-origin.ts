/**
 * Requests from pages of other origins: preflights, which anybody may make, and the headers that a bucket's rules put on
 * every answer to a request with an Origin, errors included. The rules are read before the request is run, so that it is
 * answered by them even if it removes them, or the bucket.
 */
import type { Database } from '../platform/database/unit.ts'
import type { Fault } from '../protocol/fault.ts'
import type { Reply } from '../protocol/operation.ts'
import type { CorsConfiguration } from '../protocol/s3/cors.ts'
import { answerPreflight, corsHeadersOf } from '../protocol/s3/cors-match.ts'
import type { Authenticator } from './authenticate.ts'
import type { Exchange } from './exchange.ts'
import { headerLines } from './respond.ts'
import type { SocketRequest } from './socket-request.ts'
import { settingsForAnyone } from './store/settings.ts'

type Rules = CorsConfiguration | 'unconfigured' | 'missing'
/** The answer to a preflight; undefined: the request is still to be run. */
type Met = Reply | Fault | undefined

/** All that a request without an Origin pays for this. */
export function isCrossOrigin(request: SocketRequest): boolean {
  return request.knownMethod === 'OPTIONS' || request.header('origin') !== ''
}

export class CrossOrigin {
  readonly #database: Database
  readonly #authenticator: Authenticator

  constructor(database: Database, authenticator: Authenticator) {
    this.#database = database
    this.#authenticator = authenticator
  }

  /**
   * Answers a preflight; of another request, keeps what its answer says to the page.
   * @param refused why the request cannot be run
   */
  meet(exchange: Exchange, refused: Fault | undefined): Met | Promise<Met> {
    const { request } = exchange
    const preflight = request.knownMethod === 'OPTIONS'
    if (preflight) exchange.unrouted = 'Preflight'
    if (preflight && refused !== undefined) return refused
    // No rule can name it.
    if (request.knownMethod === undefined) return undefined
    return after(this.#authenticator.environmentOf(request), environmentId =>
      after(this.#rules(environmentId, request.bucket), rules => {
        if (preflight) return answerPreflight(request, rules)
        exchange.crossOriginLines = linesOf(request, rules)
        return undefined
      }),
    )
  }

  /** Once it is known whose bucket a form means: its fields tell that, and not its headers. */
  meetForm(exchange: Exchange, environmentId: number): undefined | Promise<undefined> {
    const { request } = exchange
    if (!isCrossOrigin(request)) return undefined
    return after(this.#rules(environmentId, request.bucket), rules => {
      exchange.crossOriginLines = linesOf(request, rules)
      return undefined
    })
  }

  #rules(environmentId: number, bucket: string): Rules | Promise<Rules> {
    if (bucket === '') return 'missing'
    return after(
      this.#database.read(() => settingsForAnyone(environmentId, bucket)),
      found => (found === undefined ? 'missing' : (found.is.cors ?? 'unconfigured')),
    )
  }
}

function linesOf(request: SocketRequest, rules: Rules): string {
  return typeof rules === 'string' ? '' : headerLines(corsHeadersOf(request, rules))
}

/** At once where the value is at hand. */
function after<T, R>(value: T | Promise<T>, proceed: (value: T) => R | Promise<R>): R | Promise<R> {
  return value instanceof Promise ? value.then(proceed) : proceed(value)
}
