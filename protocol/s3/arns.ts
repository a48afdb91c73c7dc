/** Amazon Resource Names: `arn:partition:service:region:account:resource`. */
import { isBucketName } from './names.ts'

export interface Arn {
  readonly partition: string
  readonly service: string
  readonly region: string
  readonly account: string
  readonly resource: string
}

const pattern = /^arn:([^:]+):([^:]+):([^:]*):([^:]*):(.+)$/s

/** The parts of an ARN, or undefined for a text that is none. */
export function parseArn(text: string): Arn | undefined {
  const match = pattern.exec(text)
  if (match === null) return undefined
  return { partition: match[1]!, service: match[2]!, region: match[3]!, account: match[4]!, resource: match[5]! }
}

/** The bucket that `arn:aws:s3:::bucket` names; undefined for any other ARN and for a name no bucket can have. */
export function bucketOfArn(text: string): string | undefined {
  const arn = parseArn(text)
  if (arn === undefined || arn.service !== 's3' || arn.region !== '' || arn.account !== '') return undefined
  return isBucketName(arn.resource) ? arn.resource : undefined
}
