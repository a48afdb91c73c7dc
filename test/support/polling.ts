import { setTimeout as delay } from 'node:timers/promises'

const limitMs = 20_000

/** What is answered once it is there: S3 does some things a moment after it has answered. */
export async function eventually<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (const until = Date.now() + limitMs; ; await delay(50)) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (Date.now() > until) throw new Error(`did not come to be within ${limitMs} ms: ${ask}`)
  }
}
