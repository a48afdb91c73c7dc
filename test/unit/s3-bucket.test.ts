import t from 'tap'
import type { AnyOperation } from '../../protocol/operation.ts'
import { bucketOperations } from '../../protocol/s3/bucket.ts'
import { wireRequest } from './wire-request.ts'

const rows = new Map<string, AnyOperation>(bucketOperations.map(row => [row.name, row]))
const create = (body = '', headers: Record<string, string> = {}, target = '/new-bucket') =>
  rows.get('CreateBucket')!.parse(wireRequest(`PUT ${target}`, headers), Buffer.from(body))
const configuration = (inside: string) =>
  `<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inside}</CreateBucketConfiguration>`

const asked = {
  bucket: 'new-bucket',
  locationConstraint: '',
  acl: undefined,
  ownership: undefined,
  lock: false,
  tags: [],
}

t.test('CreateBucket: no body, or one → the constraint and the tags', async t => {
  t.same(create(), asked)
  t.same(create(configuration('')), asked)
  t.same(create(configuration('<LocationConstraint>eu-west-1</LocationConstraint>')), {
    ...asked,
    locationConstraint: 'eu-west-1',
  })
  t.same(create(configuration('<LocationConstraint/><Tags/>')), asked)
  t.same(create(configuration('<Tags><Tag><Key>a</Key><Value>b</Value></Tag></Tags>')), {
    ...asked,
    tags: [{ key: 'a', value: 'b' }],
  })
})

t.test('CreateBucket: headers → ACL, ownership and lock', async t => {
  t.match(create('', { 'x-amz-acl': 'public-read' }), { acl: { kind: 'canned', name: 'public-read' } })
  t.match(create('', { 'x-amz-object-ownership': 'ObjectWriter' }), { ownership: 'ObjectWriter' })
  t.match(create('', { 'x-amz-bucket-object-lock-enabled': 'true' }), { lock: true })
  t.match(create('', { 'x-amz-bucket-object-lock-enabled': 'false' }), { lock: false })
  t.match(create('', { 'x-amz-bucket-namespace': 'global' }), asked)
})

t.test('CreateBucket: what is not done here → refused', async t => {
  const header = 'x-amz-bucket-namespace'
  t.match(create('', { [header]: 'account-regional' }), { code: 'header-refused', detail: { header } })
  t.match(create(configuration('<Bucket><Type>Directory</Type></Bucket>')), { code: 'not-implemented' })
})

t.test('CreateBucket: values S3 does not know → invalid arguments', async t => {
  t.match(create('', { 'x-amz-acl': 'mine' }), {
    code: 'argument-invalid',
    detail: { name: 'x-amz-acl', value: 'mine' },
  })
  t.match(create('', { 'x-amz-object-ownership': 'RandomValue' }), {
    code: 'argument-invalid',
    detail: { name: 'x-amz-object-ownership', message: 'Invalid x-amz-object-ownership header: RandomValue' },
  })
})

t.test('CreateBucket: bad name, bad document → faults', async t => {
  t.match(create('', {}, '/Bad_name'), { code: 'bucket-name-invalid', detail: { bucket: 'Bad_name' } })
  for (const body of ['x', '<CreateBucketConfiguration>', '<Other/>', configuration('<Unknown/>')])
    t.match(create(body), { code: 'xml-malformed' }, body)
})

t.test('CreateBucket, DeleteBucket: a parameter of something else → refused, not the bare operation', async t => {
  const remove = (target: string) => rows.get('DeleteBucket')!.parse(wireRequest(`DELETE ${target}`), Buffer.alloc(0))
  t.match(create('', {}, '/new-bucket?unknown'), { code: 'not-implemented' })
  t.match(remove('/new-bucket?unknown'), { code: 'not-implemented' })
  t.match(remove('/new-bucket?versionId=1'), { code: 'not-implemented' })
  for (const query of ['', '?x-id=DeleteBucket', '?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0'])
    t.same(remove(`/new-bucket${query}`), { bucket: 'new-bucket' })
})

t.test('GetBucketLocation: region → constraint, empty for the first region', async t => {
  const location = (region: string) => rows.get('GetBucketLocation')!.render({ bucket: 'b', region } as never).body
  const start =
    '<?xml version="1.0" encoding="UTF-8"?>\n<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
  t.equal(location('us-east-1'), `${start}/>`)
  t.equal(location('eu-west-1'), `${start}>eu-west-1</LocationConstraint>`)
})

t.test('CreateBucket, HeadBucket, DeleteBucket: answers → headers only', async t => {
  const answer = { bucket: 'my-bucket', region: 'eu-west-1' }
  t.same(rows.get('CreateBucket')!.render(answer as never), {
    status: 200,
    headers: ['Location', '/my-bucket', 'x-amz-bucket-arn', 'arn:aws:s3:::my-bucket'],
    body: null,
  })
  const head = rows.get('HeadBucket')!.render(answer as never)
  t.same([head.status, head.body], [200, null])
  t.same(head.headers.slice(2), [
    'x-amz-bucket-region',
    'eu-west-1',
    'x-amz-access-point-alias',
    'false',
    'x-amz-bucket-arn',
    'arn:aws:s3:::my-bucket',
  ])
  t.same(rows.get('DeleteBucket')!.render(undefined as never), { status: 204, headers: [], body: null })
})
