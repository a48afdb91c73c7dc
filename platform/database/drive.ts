/** Running a unit of work: its statements one by one, their failures thrown at the yield that asked for them. */
import { type Outcome, Rollback, type Step, type Unit } from './unit.ts'

/**
 * Runs a unit to its end, synchronously. A statement that fails fails its unit on both engines, as PostgreSQL has
 * already given the transaction up by then: the unit may clean up (`finally`), throw another error or answer a
 * Rollback, but neither run further statements nor answer as if nothing had happened.
 */
export function drive<T>(unit: Unit<T>, execute: (step: Step) => Outcome): T {
  let result = unit.next()
  while (result.done !== true) {
    let outcome: Outcome
    try {
      outcome = execute(result.value)
    } catch (error) {
      return fail(unit, error)
    }
    result = unit.next(outcome)
  }
  return result.value
}

/** As `drive`, awaiting each statement. */
export async function driveAsync<T>(unit: Unit<T>, execute: (step: Step) => Promise<Outcome>): Promise<T> {
  let result = unit.next()
  while (result.done !== true) {
    let outcome: Outcome
    try {
      outcome = await execute(result.value)
    } catch (error) {
      return fail(unit, error)
    }
    result = unit.next(outcome)
  }
  return result.value
}

/** A unit that goes on yielding after its failure is told again this many times, then cut off. */
const remindersOfFailure = 8

function fail<T>(unit: Unit<T>, error: unknown): T {
  let result = unit.throw(error)
  for (let i = 0; result.done !== true && i < remindersOfFailure; i++) result = unit.throw(error)
  if (result.done === true && result.value instanceof Rollback) return result.value
  throw error
}
