/**
 * `/_mockfactory/` on the edge port: health, metrics, and what only tests want (a clean world, another time).
 * No S3 bucket can have this name (an underscore is not allowed), so no wire loses anything.
 */
import type { Reply } from '../protocol/operation.ts'

export const adminPrefix = '/_mockfactory/'

export interface AdminServices {
  /** Resolves when the catalogue answers. */
  ready(): Promise<void>
  metrics(): Promise<{ contentType: string; text: string }>
  /** Empties one environment, or all; false when there is none of that name. */
  reset(environment: string | undefined): Promise<boolean>
  /** Does what lifecycles make due: soon, or all of it now. */
  readonly lifecycle: { wake(): void; runToEnd(): Promise<number> }
  readonly clock: { now(): number; advance(ms: number): void; set(ms: number): void; reset(): void }
  /** Reset, clock and lifecycle are for embedded mode, and never for strangers. */
  readonly testControls: boolean
  readonly draining: boolean
}

export interface AdminRequest {
  readonly method: string
  /** Path after the prefix. */
  readonly name: string
  readonly body: Uint8Array
  /** The Origin header: a page in a browser must not be able to empty the store. */
  readonly origin: string
  readonly fromLoopback: boolean
}

export const adminBodyLimitBytes = 64 * 1024

function json(status: number, value: unknown): Reply {
  return { status, headers: ['Content-Type', 'application/json'], body: `${JSON.stringify(value)}\n` }
}
const notAllowed = json(405, { error: 'method not allowed' })

/** Answers one administrative request. Errors are JSON: {"error": text}. */
export async function administer(request: AdminRequest, services: AdminServices): Promise<Reply> {
  const read = request.method === 'get' || request.method === 'head'
  switch (request.name) {
    case 'healthz':
      return read ? json(200, { status: 'ok' }) : notAllowed
    case 'readyz':
      if (!read) return notAllowed
      if (services.draining) return json(503, { status: 'draining' })
      try {
        await services.ready()
        return json(200, { status: 'ready' })
      } catch {
        return json(503, { status: 'unavailable' })
      }
    case 'metrics': {
      if (!read) return notAllowed
      const { contentType, text } = await services.metrics()
      return { status: 200, headers: ['Content-Type', contentType], body: text }
    }
    case 'reset':
    case 'clock':
    case 'lifecycle':
      return control(request, services)
    default:
      return json(404, { error: `no such page: ${request.name}` })
  }
}

async function control(request: AdminRequest, services: AdminServices): Promise<Reply> {
  if (request.name === 'clock' && request.method === 'get') return json(200, { nowMs: services.clock.now() })
  if (request.method !== 'post') return notAllowed
  if (!services.testControls) return json(403, { error: `${request.name} is there in embedded mode only` })
  if (!request.fromLoopback || request.origin !== '')
    return json(403, { error: `${request.name} is for programs on this machine` })
  const options = parseOptions(request.body)
  if (options === undefined) return json(400, { error: 'the body must be a JSON object' })
  switch (request.name) {
    case 'reset':
      return reset(options, services)
    case 'lifecycle':
      return runLifecycle(options, services)
    default:
      return moveClock(options, services)
  }
}

async function runLifecycle(options: Record<string, unknown>, services: AdminServices): Promise<Reply> {
  if (Object.keys(options).length > 0) return json(400, { error: 'lifecycle takes nothing' })
  return json(200, { status: 'done', actions: await services.lifecycle.runToEnd() })
}

async function reset(options: Record<string, unknown>, services: AdminServices): Promise<Reply> {
  const { environment, ...rest } = options
  if (Object.keys(rest).length > 0 || (environment !== undefined && typeof environment !== 'string'))
    return json(400, { error: 'reset takes {"environment": name} or nothing' })
  return (await services.reset(environment))
    ? json(200, { status: 'reset' })
    : json(404, { error: `no such environment: ${environment}` })
}

function moveClock(options: Record<string, unknown>, services: AdminServices): Reply {
  const [[name, value] = ['', undefined], ...more] = Object.entries(options)
  const clock = services.clock
  if (more.length === 0 && name === 'reset' && value === true) clock.reset()
  else if (more.length === 0 && name === 'advanceMs' && Number.isSafeInteger(value)) clock.advance(value as number)
  else if (more.length === 0 && name === 'nowMs' && Number.isSafeInteger(value) && (value as number) >= 0)
    clock.set(value as number)
  else return json(400, { error: 'clock takes {"advanceMs": n}, {"nowMs": n} or {"reset": true}' })
  services.lifecycle.wake()
  return json(200, { nowMs: clock.now() })
}

function parseOptions(body: Uint8Array): Record<string, unknown> | undefined {
  if (body.length === 0) return {}
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString())
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
