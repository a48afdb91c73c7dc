/**
 * What it costs to count and to log one request: the counters, the line put together by hand, and the same line
 * through pino's serializer. Shown is the median of the rounds, in nanoseconds. Lines go to standard output:
 *
 *     node out/bench/micro/counting.js > /dev/null
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { createLogger, type RequestLine, requestLog } from '../../platform/log.ts'
import { createMetrics } from '../../platform/metrics.ts'

const rounds = 21
const callsPerRound = 20_000

const metrics = createMetrics()
const operations = Array.from({ length: 16 }, (_, index) => metrics.operation('s3', `Operation${index}`))
const logger = createLogger({ level: 'info' })
const byHand = requestLog(logger)

const line = (call: number): RequestLine => ({
  requestId: '4442587FB7D0A2F9',
  wire: 's3',
  operation: 'GetObject',
  status: 200,
  bytesIn: 0,
  bytesOut: 1024 + call,
  durationMs: 0.123 + call / 1e6,
  bucket: 'bench-bucket',
  key: `some/prefix/key-${call}`,
  remote: '127.0.0.1',
})

await measure('counters', call => {
  metrics.enter()
  operations[call & 15]!.record(200, (call % 1000) / 1e6, 0, 1024)
  metrics.leave()
})
await measure('line by hand', call => byHand(line(call)))
await measure('line by pino', call => logger.info(line(call)))

async function measure(name: string, run: (call: number) => void): Promise<void> {
  const samples: number[] = []
  for (let round = 0; round < rounds; round++) {
    const startedAt = process.hrtime.bigint()
    for (let call = 0; call < callsPerRound; call++) run(call)
    samples.push(Number(process.hrtime.bigint() - startedAt) / callsPerRound)
    // What was gathered leaves between the rounds, as it does between a server's requests.
    await sleep(60)
  }
  samples.sort((a, b) => a - b)
  process.stderr.write(`${name.padEnd(14)} ${samples[rounds >> 1]!.toFixed(0).padStart(6)} ns\n`)
}
