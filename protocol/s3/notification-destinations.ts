/** Whom a bucket's events can be told: topics, queues and functions, by their ARNs. */
import { type Fault, fault } from '../fault.ts'
import { parseArn } from './arns.ts'
import type { NotificationConfiguration } from './notification.ts'
import { type ArgumentFault, argumentInvalid } from './parameters.ts'

export type DestinationKind = 'topic' | 'queue' | 'function'

/** Each kind's element, and in it the element that holds the ARN: also S3's name of the argument in its errors. */
export const destinationKinds = {
  topic: { element: 'TopicConfiguration', arn: 'Topic', service: 'sns', resource: /^[A-Za-z0-9_-]{1,256}(?:\.fifo)?$/ },
  queue: { element: 'QueueConfiguration', arn: 'Queue', service: 'sqs', resource: /^[A-Za-z0-9_-]{1,80}(?:\.fifo)?$/ },
  function: {
    element: 'CloudFunctionConfiguration',
    arn: 'CloudFunction',
    service: 'lambda',
    resource: /^function:[A-Za-z0-9_-]+(?::[A-Za-z0-9$_-]+)?$/,
  },
} as const satisfies Record<DestinationKind, unknown>

/** The fault of an ARN that is none, or none of this kind's. */
export function checkDestination(kind: DestinationKind, text: string): ArgumentFault | undefined {
  const { arn: name, service, resource } = destinationKinds[kind]
  const arn = parseArn(text)
  if (arn === undefined) return argumentInvalid(name, 'The ARN could not be parsed', text)
  if (arn.service !== service || arn.region === '' || !/^\d{12}$/.test(arn.account) || !resource.test(arn.resource))
    return argumentInvalid(name, 'The ARN is not well formed', text)
  if (arn.resource.endsWith('.fifo'))
    return argumentInvalid(
      name,
      kind === 'queue' ? 'FIFO SQS queues are not supported.' : 'FIFO SNS topics are not supported.',
      text,
    )
  return undefined
}

/**
 * Destinations live in the bucket's region: S3's answer to one that does not.
 * @param region the bucket's
 */
export function checkDestinationRegions(
  { rules }: NotificationConfiguration,
  region: string,
): ArgumentFault | undefined {
  for (const { kind, arn } of rules)
    if (parseArn(arn)?.region !== region)
      return argumentInvalid(
        destinationKinds[kind].arn,
        'The notification destination service region is not valid for the bucket location constraint',
        arn,
      )
  return undefined
}

/** Why a destination cannot be told anything. */
export const queueMissing = 'The destination queue does not exist'
export const queueForbidden =
  'Permissions on the destination queue do not allow S3 to publish notifications from this bucket'

/** S3's answer to destinations that its test event did not reach. */
export function destinationsInvalid(
  failures: readonly { readonly arn: string; readonly reason: string }[],
): Fault<'destinations-invalid'> {
  const detail: Record<string, string> = {}
  for (const [i, { arn, reason }] of failures.entries()) {
    detail[`name${i + 1}`] = arn
    detail[`value${i + 1}`] = reason
  }
  return fault('destinations-invalid', detail)
}
