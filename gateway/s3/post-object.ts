/** PostObject: PutObject from a form. */
import { Fault, fault } from '../../protocol/fault.ts'
import type { PostInput } from '../../protocol/s3/post-object.ts'
import { Aborted } from '../bytes/contract.ts'
import type { RequestContext } from '../context.ts'
import { left } from './object-payload.ts'
import { putObject } from './object-write.ts'

export async function postObject(context: RequestContext, input: PostInput) {
  const { put, success } = input
  const { bucket, key } = put
  const stored = await putObject(context, put, true)
  const outcome: unknown = stored
  if (outcome instanceof Aborted) return left(outcome)
  if (stored instanceof Fault) return stored.code === 'region-wrong' ? otherRegion(context, input, stored) : stored
  const bucketUrl = context.virtualHost ? `${context.origin}/` : `${context.origin}/${bucket}/`
  return { ...stored, bucket, key, bucketUrl, success }
}

/** Of a form S3 names the field that has the region. */
function otherRegion(context: RequestContext, { credential }: PostInput, { detail }: Fault): Fault<'argument-invalid'> {
  const region = String(detail['region'])
  const message = `the region '${context.principal.region}' is wrong; expecting '${region}'`
  return fault('argument-invalid', { name: 'X-Amz-Credential', value: credential, message, region })
}
