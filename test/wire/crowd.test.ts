/** Many clients at once, whose answers are written together: each gets its own, whole. */
import t from 'tap'
import { startServer } from '../support/server.ts'
import { signedFetch } from '../support/signed.ts'
import { head, PacedClient } from '../support/stream-client.ts'
import { quiet } from '../support/upkeep.ts'

t.test('48 clients: small objects, pages of 1,000 keys, heads, what is not there → each its own answer', async t => {
  const server = await startServer(t, { args: ['--log-level', 'error'] })
  await signedFetch(server, { method: 'PUT', path: '/crowd' })
  const names = Array.from({ length: 1000 }, (_, i) => `${String(i).padStart(4, '0')}-${'k'.repeat(100)}`)
  for (let at = 0; at < names.length; at += 50)
    await Promise.all(
      names.slice(at, at + 50).map((name, i) => {
        return signedFetch(server, { method: 'PUT', path: `/crowd/${name}`, body: `body of ${at + i}` })
      }),
    )
  const page = head(server, { method: 'GET', path: '/crowd', query: { 'list-type': '2' } })
  const missing = head(server, { method: 'GET', path: '/crowd/missing' })
  const client = async (who: number): Promise<void> => {
    const paced = await PacedClient.open(server)
    for (let turn = 0; turn < 40; turn++) {
      const number = (who * 40 + turn) % names.length
      const path = `/crowd/${names[number]}`
      const kind = (who + turn) % 4
      if (kind === 0) {
        await paced.send(page)
        const answer = await paced.answer()
        t.ok(answer.status === 200 && answer.whole, `page, ${answer.status}`)
        t.equal(answer.body.toString().match(/<Key>/g)?.length, 1000)
      } else if (kind === 1) {
        await paced.send(missing)
        const answer = await paced.answer()
        t.match(`${answer.status} ${answer.body}`, /^404 .*NoSuchKey/s)
      } else {
        await paced.send(head(server, { method: 'GET', path }))
        const answer = await paced.answer()
        t.equal(`${answer.status} ${answer.body}`, `200 body of ${number}`)
      }
    }
    paced.cut()
  }
  await Promise.all(Array.from({ length: 48 }, (_, who) => client(who)))
  t.ok(await quiet(server))
})
