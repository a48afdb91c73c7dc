import { GetCallerIdentityCommand, GetFederationTokenCommand } from '@aws-sdk/client-sts'
import t from 'tap'
import { refusal, sts } from '../support/clients.ts'
import { startServer } from '../support/server.ts'
import { element, signedFetch } from '../support/signed.ts'

const server = await startServer(t, { ephemeral: true })

t.test('GetCallerIdentity: default credentials → account 000000000000', async t => {
  const identity = await sts(t, server).send(new GetCallerIdentityCommand({}))
  t.equal(identity.Account, '000000000000')
  t.match(identity.Arn, /^arn:aws:(iam|sts)::000000000000:/)
  t.ok(identity.UserId)
})

t.test('GetCallerIdentity: region other than us-east-1 → answered all the same', async t => {
  const body = 'Action=GetCallerIdentity&Version=2011-06-15'
  const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }
  const answer = await signedFetch(server, {
    method: 'POST',
    path: '/',
    body,
    headers,
    service: 'sts',
    region: 'eu-central-1',
  })
  t.equal(answer.status, 200, answer.text)
  t.match(answer.text, 'https://sts.amazonaws.com/doc/2011-06-15/')
  t.ok(element(answer.text, 'RequestId'))
})

t.test('GetCallerIdentity: wrong secret → SignatureDoesNotMatch', async t => {
  const wrong = sts(t, server, { accessKeyId: 'test', secretAccessKey: 'wrong' })
  t.match(await refusal(wrong.send(new GetCallerIdentityCommand({}))), { name: 'SignatureDoesNotMatch', status: 403 })
})

t.test('GetCallerIdentity: unknown key → InvalidClientTokenId', async t => {
  const wrong = sts(t, server, { accessKeyId: 'nobody', secretAccessKey: 'wrong' })
  t.match(await refusal(wrong.send(new GetCallerIdentityCommand({}))), { name: 'InvalidClientTokenId', status: 403 })
})

t.test('another action of STS → an STS error, not an S3 one', async t => {
  const refused = await refusal(sts(t, server).send(new GetFederationTokenCommand({ Name: 'somebody' })))
  t.match(refused, { name: 'NotImplemented', status: 501 })
})
