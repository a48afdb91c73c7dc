/** The thread of Checkpointer: its own connection, one checkpoint per message, answers null or an error's text. */
import { parentPort, workerData } from 'node:worker_threads'
import Sqlite from 'better-sqlite3'

const { file } = workerData as { readonly file: string }
/** For checkpoints of other processes on the same file. */
const lockWaitMs = 200

const db = new Sqlite(file, { timeout: lockWaitMs, fileMustExist: true })
db.pragma('synchronous = NORMAL')
db.pragma('cache_size = -256')
db.prepare('SELECT COUNT(*) FROM sqlite_schema').get()

parentPort?.on('message', (mode: 'PASSIVE' | 'RESTART') => {
  let failure: string | null = null
  try {
    db.pragma(`wal_checkpoint(${mode})`)
  } catch (error) {
    failure = String(error)
  }
  parentPort?.postMessage(failure)
})
