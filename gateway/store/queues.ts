/** Queues and what is sent to them. */
import { randomUUID } from 'node:crypto'
import { all, one, run, sql, type Unit } from '../../platform/database/unit.ts'
import { nextOf } from './counters.ts'
import { nextSeq } from './seq.ts'

const FIND = sql(`SELECT id FROM queues WHERE environment_id = $1 AND region = $2 AND name = $3`)
const FIND_OF_ACCOUNT = sql(`
  SELECT q.id AS id FROM queues q JOIN environments e ON e.id = q.environment_id
  WHERE q.environment_id = $1 AND e.account = $2 AND q.region = $3 AND q.name = $4`)
const INSERT = sql(`INSERT INTO queues (id, environment_id, region, name, created_at) VALUES ($1, $2, $3, $4, $5)`)
const SEND = sql(`INSERT INTO messages (queue_id, seq, id, sent_at, body) VALUES ($1, $2, $3, $4, $5)`)
const LIST = sql(`SELECT id, sent_at, body FROM messages WHERE queue_id = $1 ORDER BY seq, id LIMIT $2`)
const DELETE_MESSAGES = sql(`
  DELETE FROM messages WHERE queue_id IN (SELECT id FROM queues WHERE environment_id = $1)`)
const DELETE_QUEUES = sql(`DELETE FROM queues WHERE environment_id = $1`)

export interface QueueName {
  readonly environmentId: number
  readonly region: string
  readonly name: string
}

/** The queue of that name, made when there is none. */
export function* ensureQueue({ environmentId, region, name }: QueueName, nowMs: number): Unit<number> {
  const known = yield* one<{ id: number }>(FIND, [environmentId, region, name])
  if (known !== undefined) return known.id
  const id = yield* nextOf('queue')
  yield* run(INSERT, [id, environmentId, region, name, nowMs])
  return id
}

/** @param account of the queue's ARN; undefined is answered for another than the environment's */
export function* findQueue(queue: QueueName & { readonly account: string }): Unit<number | undefined> {
  const { environmentId, account, region, name } = queue
  return (yield* one<{ id: number }>(FIND_OF_ACCOUNT, [environmentId, account, region, name]))?.id
}

export function* sendMessage(queueId: number, body: string, nowMs: number): Unit<void> {
  yield* run(SEND, [queueId, nextSeq(nowMs, 0), randomUUID(), nowMs, body])
}

export interface QueuedMessage {
  readonly id: string
  readonly sentAtMs: number
  readonly body: string
}
/** The oldest messages of a queue; nothing is received by it. */
export function* peekMessages(queueId: number, limit: number): Unit<readonly QueuedMessage[]> {
  const rows = yield* all<{ id: string; sent_at: number; body: string }>(LIST, [queueId, limit])
  return rows.map(({ id, sent_at, body }) => ({ id, sentAtMs: sent_at, body }))
}

export function* dropQueues(environmentId: number): Unit<void> {
  yield* run(DELETE_MESSAGES, [environmentId])
  yield* run(DELETE_QUEUES, [environmentId])
}
