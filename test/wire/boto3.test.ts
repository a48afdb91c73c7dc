import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../support/paths.ts'
import { startServer, temporaryFolder } from '../support/server.ts'
import { execute, tool } from '../support/tools.ts'

const { path, skip } = tool('boto3')

t.test('boto3', { skip }, async t => {
  const server = await startServer(t)
  const script = join(projectRoot, 'test', 'wire', 'boto3-client.py')
  const outcome = await execute(path, ['-B', script, server.origin, temporaryFolder(t)])
  const lines = outcome.stdout.split('\n').filter(line => line.startsWith('{'))
  for (const line of lines) {
    const { name, error } = JSON.parse(line) as { name: string; error: string | null }
    t.test(name.replace('->', '→'), async t => {
      t.equal(error, null)
    })
  }
  t.test('script: to its end → exit code 0', async t => {
    t.equal(outcome.code, 0, outcome.output)
    t.ok(lines.length > 10, `${lines.length} checks`)
  })
})
