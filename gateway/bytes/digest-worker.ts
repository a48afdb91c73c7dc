/**
 * A thread that digests slabs where they lie. Each request is answered in order: when the slab is done, with the digest
 * after a job's last one. See digesters.ts, which talks to it.
 */
import { parentPort } from 'node:worker_threads'
import { type Digest, startDigest } from '../../protocol/checksum/digest.ts'
import type { DigestAnswer, DigestRequest } from './digesters.ts'

const jobs = new Map<number, Digest>()

function digest({ job, algorithm, bytes, last }: DigestRequest): DigestAnswer {
  let running = jobs.get(job)
  if (running === undefined) {
    running = startDigest(algorithm)
    jobs.set(job, running)
  }
  running.update(bytes)
  if (!last) return null
  jobs.delete(job)
  return running.digest()
}

parentPort!.on('message', (request: DigestRequest | number) => {
  // A bare number drops that job.
  if (typeof request === 'number') jobs.delete(request)
  else parentPort!.postMessage(digest(request))
})
