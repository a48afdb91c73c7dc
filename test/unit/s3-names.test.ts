import t from 'tap'
import { checkBucketName, checkKey, isBucketName } from '../../protocol/s3/names.ts'
import { regionOfNewBucket } from '../../protocol/s3/regions.ts'

t.test('isBucketName: names S3 takes → true', async t => {
  const good = [
    'abc',
    '123',
    'a-b',
    'a.b',
    'my.example.bucket',
    '1.2.3',
    '192.168.5',
    '192.168.5.4.5',
    'a--b',
    'a'.repeat(63),
  ]
  for (const name of [...good, 'sthree', 's3alias', 'my-bucket-3']) t.ok(isBucketName(name), name)
})

t.test('isBucketName: names S3 refuses → false', async t => {
  const bad = ['', 'ab', 'a'.repeat(64), 'Abc', 'a_b', 'a b', '-ab', 'ab-', '.ab', 'ab.', 'a..b', 'a.-b', 'a-.b', 'é23']
  const reserved = [
    '192.168.5.4',
    '999.1.1.1',
    'xn--abc',
    'sthree-abc',
    'amzn-s3-demo-bucket',
    'abc-s3alias',
    'abc--ol-s3',
  ]
  for (const name of [...bad, ...reserved, 'abc.mrap', 'abc--use1-az4--x-s3', 'abc--table-s3', 'abc\n', 'a/b'])
    t.notOk(isBucketName(name), JSON.stringify(name))
})

t.test('checkBucketName: refused → the fault names the bucket', async t => {
  t.equal(checkBucketName('good-name'), undefined)
  t.same(checkBucketName('Bad')?.detail, { bucket: 'Bad' })
})

t.test('checkKey: 1,024 bytes of UTF-8 → the most', async t => {
  for (const key of ['a'.repeat(1024), 'é'.repeat(512), '日'.repeat(341), '🪣'.repeat(256)])
    t.equal(checkKey(key), undefined)
  for (const [key, sizeBytes] of [
    ['a'.repeat(1025), 1025],
    ['é'.repeat(513), 1026],
    ['日'.repeat(342), 1026],
    ['🪣'.repeat(257), 1028],
  ] as const)
    t.same(checkKey(key)?.detail, { sizeBytes, limitBytes: 1024 })
})

t.test('regionOfNewBucket: constraint and region of the request → region or fault', async t => {
  const cases = [
    ['', 'us-east-1', 'us-east-1'],
    ['eu-west-1', 'us-east-1', 'eu-west-1'],
    ['EU', 'us-east-1', 'eu-west-1'],
    ['us-east-1', 'us-east-1', 'location-invalid'],
    ['foo', 'us-east-1', 'location-invalid'],
    ['aws-global', 'us-east-1', 'location-invalid'],
    ['eu-west-1', 'eu-west-1', 'eu-west-1'],
    ['EU', 'eu-west-1', 'eu-west-1'],
    ['EU', 'us-east-2', 'location-incompatible'],
    ['', 'eu-west-1', 'location-incompatible'],
    ['us-east-1', 'us-west-1', 'location-incompatible'],
    ['bar', 'eu-west-1', 'location-incompatible'],
    ['garage', 'garage', 'garage'],
  ] as const
  for (const [constraint, region, expected] of cases) {
    const found = regionOfNewBucket(constraint, region)
    t.equal(typeof found === 'string' ? found : found.code, expected, `'${constraint}' in ${region}`)
    if (typeof found !== 'string') t.same(found.detail, { location: constraint })
  }
})
