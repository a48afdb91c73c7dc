import {
  GetBucketNotificationConfigurationCommand,
  GetObjectCommand,
  type NotificationConfiguration,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { newBucket, refusal, s3, signedFetch } from '../support/clients.ts'
import { startServer } from '../support/server.ts'
import { element } from '../support/signed.ts'

const server = await startServer(t, { ephemeral: true })
const client = s3(t, server)

const queueArn = 'arn:aws:sqs:us-east-1:000000000000:uploads'
const toQueue: NotificationConfiguration = {
  QueueConfigurations: [{ Id: 'uploads', QueueArn: queueArn, Events: ['s3:ObjectCreated:*'] }],
}

t.test(
  'PutBucketNotificationConfiguration: queue is not there → InvalidArgument that names it, nothing is set',
  async t => {
    const Bucket = await newBucket(client)
    const put = client.send(
      new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration: toQueue }),
    )
    t.match(await refusal(put), {
      name: 'InvalidArgument',
      status: 400,
      message: 'Unable to validate the following destination configurations',
    })
    const body =
      '<NotificationConfiguration><QueueConfiguration>' +
      `<Queue>${queueArn}</Queue><Event>s3:ObjectCreated:*</Event></QueueConfiguration></NotificationConfiguration>`
    const answer = await signedFetch(server, { method: 'PUT', path: `/${Bucket}`, query: 'notification', body })
    const xml = answer.body.toString()
    t.equal(element(xml, 'ArgumentName1'), queueArn)
    t.equal(element(xml, 'ArgumentValue1'), 'The destination queue does not exist')
    const got = await client.send(new GetBucketNotificationConfigurationCommand({ Bucket }))
    t.equal(got.QueueConfigurations, undefined)
  },
)

t.test(
  'PutBucketNotificationConfiguration: validation is skipped → taken; its events are dropped, writes go on',
  async t => {
    const Bucket = await newBucket(client)
    await client.send(
      new PutBucketNotificationConfigurationCommand({
        Bucket,
        NotificationConfiguration: toQueue,
        SkipDestinationValidation: true,
      }),
    )
    const got = await client.send(new GetBucketNotificationConfigurationCommand({ Bucket }))
    t.match(got, toQueue)
    await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }))
    const read = await client.send(new GetObjectCommand({ Bucket, Key: 'k' }))
    t.equal(await read.Body?.transformToString(), 'x')
  },
)

t.test(
  'PutBucketNotificationConfiguration: topic, function, EventBridge → kept, told nothing; none → ended',
  async t => {
    const Bucket = await newBucket(client)
    const wanted: NotificationConfiguration = {
      TopicConfigurations: [
        { Id: 't', TopicArn: 'arn:aws:sns:us-east-1:000000000000:topic', Events: ['s3:ObjectRemoved:*'] },
      ],
      LambdaFunctionConfigurations: [
        {
          Id: 'f',
          LambdaFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:thumbnail',
          Events: ['s3:ObjectCreated:Put'],
          Filter: { Key: { FilterRules: [{ Name: 'suffix', Value: '.jpg' }] } },
        },
      ],
      EventBridgeConfiguration: {},
    }
    const put = (NotificationConfiguration: NotificationConfiguration) =>
      client.send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration }))
    await put(wanted)
    const got = await client.send(new GetBucketNotificationConfigurationCommand({ Bucket }))
    t.match(got.TopicConfigurations, wanted.TopicConfigurations)
    t.match(got.LambdaFunctionConfigurations, [
      { Id: 'f', Filter: { Key: { FilterRules: [{ Name: 'Suffix', Value: '.jpg' }] } } },
    ])
    t.same(got.EventBridgeConfiguration, {})
    await client.send(new PutObjectCommand({ Bucket, Key: 'k.jpg', Body: 'x' }))
    await put({})
    const ended = await client.send(new GetBucketNotificationConfigurationCommand({ Bucket }))
    t.equal(ended.TopicConfigurations, undefined)
    t.equal(ended.EventBridgeConfiguration, undefined)
  },
)

t.test('PutBucketNotificationConfiguration: destination of another region → InvalidArgument', async t => {
  const Bucket = await newBucket(client)
  const elsewhere = {
    QueueConfigurations: [
      { QueueArn: 'arn:aws:sqs:eu-west-1:000000000000:uploads', Events: ['s3:ObjectCreated:Put' as const] },
    ],
  }
  const put = client.send(
    new PutBucketNotificationConfigurationCommand({
      Bucket,
      NotificationConfiguration: elsewhere,
      SkipDestinationValidation: true,
    }),
  )
  t.match(await refusal(put), { name: 'InvalidArgument', status: 400 })
})
