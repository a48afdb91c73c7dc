import { randomBytes } from 'node:crypto'

/** S3 tells its hosts apart by this id; ours tells processes apart. */
export const hostId = randomBytes(57).toString('base64')
