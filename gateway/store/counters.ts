/** Numbers that are handed out once, for ever: the ids of rare things. */
import { one, sql, type Unit } from '../../platform/database/unit.ts'

const NEXT = sql(`
  INSERT INTO counters (name, value) VALUES ($1, 1)
  ON CONFLICT (name) DO UPDATE SET value = counters.value + 1
  RETURNING value`)

export type CounterName = 'environment' | 'identity' | 'bucket' | 'gateway' | 'blob-block' | 'queue'

/** 1, 2, 3 … */
export function* nextOf(name: CounterName): Unit<number> {
  return (yield* one<{ value: number }>(NEXT, [name]))!.value
}
