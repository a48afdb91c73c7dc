/** Errors as S3 writes them: expected texts are answers recorded from the service. */
import t from 'tap'
import { type FaultCode, type FaultDetail, fault, faultCodes } from '../../protocol/fault.ts'
import { describeFault, type FaultContext, renderFault, s3Errors } from '../../protocol/s3/faults.ts'
import { parseXml } from '../../protocol/xml.ts'

const context: FaultContext = {
  method: 'GET',
  resource: '/bucket/a%20key',
  requestId: '4442587FB7D0A2F9',
  hostId: 'host/id+=',
  bucket: 'bucket',
  key: 'a key',
  region: 'us-west-2',
}
const body = (code: FaultCode, detail: FaultDetail = {}, more: Partial<FaultContext> = {}) =>
  renderFault(fault(code, detail), { ...context, ...more }).body as string
/** What stands between Error's tags, without what all errors end with. */
const inner = (code: FaultCode, detail: FaultDetail = {}, more: Partial<FaultContext> = {}) =>
  body(code, detail, more)
    .replace(/^<\?xml.*\?>\n<Error>/, '')
    .replace(/<Resource>.*$/, '')

t.test('renderFault: an error → one XML document, elements in order', async t => {
  t.same(renderFault(fault('object-missing'), context), {
    status: 404,
    headers: ['Content-Type', 'application/xml'],
    body:
      '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code>' +
      '<Message>The specified key does not exist.</Message><Key>a key</Key><Resource>/bucket/a%20key</Resource>' +
      '<RequestId>4442587FB7D0A2F9</RequestId><HostId>host/id+=</HostId></Error>',
  })
})

t.test('renderFault: every code, without a detail → well-formed, with a status of its kind', async t => {
  for (const code of faultCodes) {
    const reply = renderFault(fault(code), context)
    t.ok(reply.status >= 304 && reply.status < 600, code)
    if (reply.status === 304) continue
    const root = parseXml(Buffer.from(reply.body as string))
    t.same(
      root?.children.slice(-3).map(child => child.name),
      ['Resource', 'RequestId', 'HostId'],
      code,
    )
    t.same(
      root?.children.slice(0, 2).map(child => child.name),
      ['Code', 'Message'],
      code,
    )
    t.notMatch(reply.body, /undefined|NaN/, code)
  }
})

t.test('renderFault: HEAD → status and headers, no body', async t => {
  const reply = renderFault(fault('region-wrong', { region: 'eu-west-1' }), { ...context, method: 'HEAD' })
  t.equal(reply.body, null)
  t.equal(reply.status, 400)
  t.same(reply.headers.slice(2), ['x-amz-bucket-region', 'eu-west-1'])
})

t.test('renderFault: not modified → 304 with its validators, no body', async t => {
  t.same(renderFault(fault('not-modified', { etag: 'abc', modifiedAtMs: Date.UTC(1994, 10, 6, 8, 49, 37) }), context), {
    status: 304,
    headers: ['ETag', '"abc"', 'Last-Modified', 'Sun, 06 Nov 1994 08:49:37 GMT'],
    body: null,
  })
})

t.test('renderFault: texts from outside → escaped', async t => {
  const hostile = { name: '<a>', value: '"&\u0000', message: '</Message>' }
  t.equal(
    inner('argument-invalid', hostile),
    '<Code>InvalidArgument</Code><Message>&lt;/Message&gt;</Message><ArgumentName>&lt;a&gt;</ArgumentName>' +
      '<ArgumentValue>&quot;&amp;&#x0;</ArgumentValue>',
  )
})

const cases: readonly (readonly [FaultCode, FaultDetail, number, string])[] = [
  ['bucket-missing', {}, 404, '<Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message><BucketName>bucket</BucketName>'],
  ['bucket-missing', { side: 'source' }, 404, '<Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message>'],
  ['bucket-missing', { side: 'source', bucket: 'other' }, 404, '<Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message><BucketName>other</BucketName>'],
  ['bucket-not-empty', {}, 409, '<Code>BucketNotEmpty</Code><Message>The bucket you tried to delete is not empty</Message><BucketName>bucket</BucketName>'],
  ['bucket-owned', {}, 409, '<Code>BucketAlreadyOwnedByYou</Code><Message>Your previous request to create the named bucket succeeded and you already own it.</Message><BucketName>bucket</BucketName>'],
  ['bucket-name-invalid', { bucket: 'B' }, 400, '<Code>InvalidBucketName</Code><Message>The specified bucket is not valid.</Message><BucketName>B</BucketName>'],
  ['location-invalid', { location: 'foo' }, 400, '<Code>InvalidLocationConstraint</Code><Message>The specified location-constraint is not valid</Message><LocationConstraint>foo</LocationConstraint>'],
  ['location-incompatible', { location: '' }, 400, '<Code>IllegalLocationConstraintException</Code><Message>The unspecified location constraint is incompatible for the region specific endpoint this request was sent to.</Message>'],
  ['location-incompatible', { location: 'EU' }, 400, '<Code>IllegalLocationConstraintException</Code><Message>The EU location constraint is incompatible for the region specific endpoint this request was sent to.</Message>'],
  ['region-wrong', { region: 'eu-west-1' }, 400, "<Code>AuthorizationHeaderMalformed</Code><Message>The authorization header is malformed; the region 'us-west-2' is wrong; expecting 'eu-west-1'</Message><Region>eu-west-1</Region>"],
  ['access-denied', {}, 403, '<Code>AccessDenied</Code><Message>Access Denied</Message>'],
  ['access-denied', { message: 'There were headers present in the request which were not signed', headersNotSigned: 'x-amz-date' }, 403, '<Code>AccessDenied</Code><Message>There were headers present in the request which were not signed</Message><HeadersNotSigned>x-amz-date</HeadersNotSigned>'],
  ['access-key-unknown', { accessKeyId: 'AKIA' }, 403, '<Code>InvalidAccessKeyId</Code><Message>The AWS Access Key Id you provided does not exist in our records.</Message><AWSAccessKeyId>AKIA</AWSAccessKeyId>'],
  ['signature-expired', { expiresSeconds: 60, expires: '2018-12-05T11:57:41Z', serverTime: '2018-12-05T12:00:16Z' }, 403, '<Code>AccessDenied</Code><Message>Request has expired</Message><X-Amz-Expires>60</X-Amz-Expires><Expires>2018-12-05T11:57:41Z</Expires><ServerTime>2018-12-05T12:00:16Z</ServerTime>'],
  ['object-missing', { key: 'other' }, 404, '<Code>NoSuchKey</Code><Message>The specified key does not exist.</Message><Key>other</Key>'],
  ['version-missing', { versionId: 'v' }, 404, '<Code>NoSuchVersion</Code><Message>The specified version does not exist.</Message><Key>a key</Key><VersionId>v</VersionId>'],
  ['key-too-long', { sizeBytes: 1025, limitBytes: 1024 }, 400, '<Code>KeyTooLongError</Code><Message>Your key is too long</Message><Size>1025</Size><MaxSizeAllowed>1024</MaxSizeAllowed>'],
  ['header-refused', { header: 'If-Match', reason: "We don't accept the provided value of If-Match header for this API" }, 501, "<Code>NotImplemented</Code><Message>A header you provided implies functionality that is not implemented</Message><Header>If-Match</Header><additionalMessage>We don't accept the provided value of If-Match header for this API</additionalMessage>"],
  ['method-not-allowed', { method: 'PUT', resourceType: 'UPLOADS', allow: 'GET' }, 405, '<Code>MethodNotAllowed</Code><Message>The specified method is not allowed against this resource.</Message><Method>PUT</Method><ResourceType>UPLOADS</ResourceType>'],
  ['digest-malformed', { value: 'MTIz' }, 400, '<Code>InvalidDigest</Code><Message>The Content-MD5 you specified was invalid.</Message><Content-MD5>MTIz</Content-MD5>'],
  ['digest-mismatch', { expected: 'a', calculated: 'b' }, 400, '<Code>BadDigest</Code><Message>The Content-MD5 you specified did not match what we received.</Message><ExpectedDigest>a</ExpectedDigest><CalculatedDigest>b</CalculatedDigest>'],
  ['checksum-malformed', { header: 'x-amz-checksum-crc32' }, 400, '<Code>InvalidRequest</Code><Message>Value for x-amz-checksum-crc32 header is invalid.</Message>'],
  ['checksum-mismatch', { algorithm: 'CRC64NVME' }, 400, '<Code>BadDigest</Code><Message>The CRC64NVME you specified did not match the calculated checksum.</Message>'],
  ['storage-class-invalid', { value: 'OUTPOSTS' }, 400, '<Code>InvalidStorageClass</Code><Message>The storage class you specified is not valid</Message><StorageClassRequested>OUTPOSTS</StorageClassRequested>'],
  ['object-archived', { storageClass: 'GLACIER' }, 403, "<Code>InvalidObjectState</Code><Message>The operation is not valid for the object's storage class</Message><StorageClass>GLACIER</StorageClass>"],
  ['precondition-failed', { condition: 'If-Match' }, 412, '<Code>PreconditionFailed</Code><Message>At least one of the pre-conditions you specified did not hold</Message><Condition>If-Match</Condition>'],
  ['condition-conflict', { condition: 'If-None-Match' }, 409, '<Code>ConditionalRequestConflict</Code><Message>The conditional request cannot succeed due to a conflicting operation against this resource.</Message><Condition>If-None-Match</Condition><Key>a key</Key>'],
  ['range-unsatisfiable', { range: 'bytes=1024-4096', sizeBytes: 8 }, 416, '<Code>InvalidRange</Code><Message>The requested range is not satisfiable</Message><RangeRequested>bytes=1024-4096</RangeRequested><ActualObjectSize>8</ActualObjectSize>'],
  ['part-range-unsatisfiable', { partNumber: 10, parts: 2 }, 416, '<Code>InvalidPartNumber</Code><Message>The requested partnumber is not satisfiable</Message><ActualPartCount>2</ActualPartCount><PartNumberRequested>10</PartNumberRequested>'],
  ['upload-missing', { uploadId: 'fakeid' }, 404, '<Code>NoSuchUpload</Code><Message>The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.</Message><UploadId>fakeid</UploadId>'],
  ['part-invalid', { uploadId: 'u', partNumber: 2, etag: 'e' }, 400, "<Code>InvalidPart</Code><Message>One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.</Message><UploadId>u</UploadId><PartNumber>2</PartNumber><ETag>e</ETag>"],
  ['part-order-invalid', { uploadId: 'u' }, 400, '<Code>InvalidPartOrder</Code><Message>The list of parts was not in ascending order. Parts must be ordered by part number.</Message><UploadId>u</UploadId>'],
  ['part-too-small', { sizeBytes: 4, limitBytes: 5242880, partNumber: 1, etag: 'e' }, 400, '<Code>EntityTooSmall</Code><Message>Your proposed upload is smaller than the minimum allowed size</Message><ProposedSize>4</ProposedSize><MinSizeAllowed>5242880</MinSizeAllowed><PartNumber>1</PartNumber><ETag>e</ETag>'],
  ['xml-malformed', {}, 400, '<Code>MalformedXML</Code><Message>The XML you provided was not well-formed or did not validate against our published schema</Message>'],
  ['versioning-unspecified', {}, 400, '<Code>IllegalVersioningConfigurationException</Code><Message>The Versioning element must be specified</Message>'],
  ['bucket-state-invalid', { message: "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration" }, 409, "<Code>InvalidBucketState</Code><Message>Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration</Message>"],
  ['tag-invalid', { message: 'The TagValue you have provided is invalid', key: 'Key1', value: 'Val1,Val2' }, 400, '<Code>InvalidTag</Code><Message>The TagValue you have provided is invalid</Message><TagKey>Key1</TagKey><TagValue>Val1,Val2</TagValue>'],
  ['tags-missing', {}, 404, '<Code>NoSuchTagSet</Code><Message>The TagSet does not exist</Message><BucketName>bucket</BucketName>'],
  ['replication-configuration-missing', {}, 404, '<Code>ReplicationConfigurationNotFoundError</Code><Message>The replication configuration was not found</Message><BucketName>bucket</BucketName>'],
  ['configuration-missing', {}, 404, '<Code>NoSuchConfiguration</Code><Message>The specified configuration does not exist.</Message>'],
  ['configuration-invalid', { reason: 'id-mismatch', message: 'Document ID does not match the specified configuration ID.' }, 400, '<Code>IdMismatch</Code><Message>Document ID does not match the specified configuration ID.</Message>'],
  ['log-target-invalid', { bucket: 'logs' }, 400, '<Code>InvalidTargetBucketForLogging</Code><Message>The target bucket for logging does not exist</Message><TargetBucket>logs</TargetBucket>'],
  ['log-target-elsewhere', { targetRegion: 'eu-west-1' }, 403, '<Code>CrossLocationLoggingProhibitted</Code><Message>Cross S3 location logging not allowed. </Message><TargetBucketLocation>eu-west-1</TargetBucketLocation>'],
  ['log-target-elsewhere', { region: 'us-west-2', targetRegion: 'eu-west-1' }, 403, '<Code>CrossLocationLoggingProhibitted</Code><Message>Cross S3 location logging not allowed. </Message><SourceBucketLocation>us-west-2</SourceBucketLocation><TargetBucketLocation>eu-west-1</TargetBucketLocation>'],
  ['lock-unavailable', {}, 400, '<Code>InvalidRequest</Code><Message>Bucket is missing Object Lock Configuration</Message>'],
  ['lock-configuration-missing', {}, 404, '<Code>ObjectLockConfigurationNotFoundError</Code><Message>Object Lock configuration does not exist for this bucket</Message><BucketName>bucket</BucketName>'],
  ['lock-missing', {}, 404, '<Code>NoSuchObjectLockConfiguration</Code><Message>The specified object does not have a ObjectLock configuration</Message>'],
  ['object-locked', {}, 403, '<Code>AccessDenied</Code><Message>Access Denied because object protected by object lock.</Message>'],
  ['cors-missing', {}, 404, '<Code>NoSuchCORSConfiguration</Code><Message>The CORS configuration does not exist</Message><BucketName>bucket</BucketName>'],
  ['cors-forbidden', { method: 'PUT', resourceType: 'OBJECT' }, 403, "<Code>AccessForbidden</Code><Message>CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.</Message><Method>PUT</Method><ResourceType>OBJECT</ResourceType>"],
  ['cors-request-invalid', {}, 400, '<Code>BadRequest</Code><Message>Insufficient information. Origin request header needed.</Message>'],
  ['website-missing', {}, 404, '<Code>NoSuchWebsiteConfiguration</Code><Message>The specified bucket does not have a website configuration</Message><BucketName>bucket</BucketName>'],
  ['website-elsewhere', { endpoint: 'bucket.s3-website-eu-west-1.localhost' }, 400, '<Code>IncorrectEndpoint</Code><Message>The specified bucket exists in another region. Please direct requests to the specified endpoint.</Message><Endpoint>bucket.s3-website-eu-west-1.localhost</Endpoint>'],
  ['lifecycle-missing', {}, 404, '<Code>NoSuchLifecycleConfiguration</Code><Message>The lifecycle configuration does not exist</Message><BucketName>bucket</BucketName>'],
  ['object-not-archived', {}, 403, "<Code>InvalidObjectState</Code><Message>Restore is not allowed for the object's current storage class</Message>"],
  ['restore-in-progress', {}, 409, '<Code>RestoreAlreadyInProgress</Code><Message>Object restore is already in progress</Message>'],
  ['busy', {}, 503, '<Code>SlowDown</Code><Message>Please reduce your request rate.</Message>'],
  ['internal', { message: 'secret' }, 500, '<Code>InternalError</Code><Message>We encountered an internal error. Please try again.</Message>'],
] // biome-ignore format: a table

for (const [code, detail, status, expected] of cases)
  t.test(`renderFault: ${code} ${JSON.stringify(detail)} → as recorded`, async t => {
    t.equal(renderFault(fault(code, detail), context).status, status)
    t.equal(inner(code, detail), expected)
  })

t.test('renderFault: signature mismatch → what was signed, with its bytes', async t => {
  const detail = {
    accessKeyId: 'AKIA',
    stringToSign: 'AWS4\nx',
    signatureProvided: 'ab',
    stringToSignBytes: '41 57 53 34 0a 78',
    canonicalRequest: 'GET\n/',
    canonicalRequestBytes: '47 45 54 0a 2f',
  }
  t.equal(
    inner('signature-mismatch', detail),
    '<Code>SignatureDoesNotMatch</Code><Message>The request signature we calculated does not match the signature you ' +
      'provided. Check your key and signing method.</Message><AWSAccessKeyId>AKIA</AWSAccessKeyId>' +
      '<StringToSign>AWS4\nx</StringToSign><SignatureProvided>ab</SignatureProvided>' +
      '<StringToSignBytes>41 57 53 34 0a 78</StringToSignBytes><CanonicalRequest>GET\n/</CanonicalRequest>' +
      '<CanonicalRequestBytes>47 45 54 0a 2f</CanonicalRequestBytes>',
  )
})

t.test('renderFault: presigned for the wrong region → the error of queries', async t => {
  t.equal(
    inner('region-wrong', { region: 'eu-west-1' }, { presigned: true }),
    '<Code>AuthorizationQueryParametersError</Code><Message>Error parsing the X-Amz-Credential parameter; the region ' +
      "'us-west-2' is wrong; expecting 'eu-west-1'</Message><Region>eu-west-1</Region>",
  )
})

t.test('renderFault: faults with headers of their own → carry them', async t => {
  t.same(renderFault(fault('range-unsatisfiable', { range: 'bytes=9-', sizeBytes: 8 }), context).headers.slice(2), [
    'Content-Range',
    'bytes */8',
  ])
  t.same(renderFault(fault('method-not-allowed', { allow: 'GET, PUT' }), context).headers.slice(2), [
    'Allow',
    'GET, PUT',
  ])
})

t.test('describeFault: one of many → code and message alone', async t => {
  t.same(describeFault(fault('access-denied'), context), { code: 'AccessDenied', message: 'Access Denied' })
})

t.test('s3Errors: the codes → all of them, no others', async t => {
  t.same(Object.keys(s3Errors).sort(), [...faultCodes].sort())
})
