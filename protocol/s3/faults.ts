/**
 * Every fault in S3's words: status, code, message, and the elements and headers its detail becomes. Messages and the
 * order of elements follow answers recorded from the service and, where there is none, the list of error codes of the
 * S3 API Reference ("Error responses"): tests and tools compare them to the letter, missing full stops included.
 */
import type { Fault, FaultCode, FaultDetail } from '../fault.ts'
import { formatHttpDate } from '../http-date.ts'
import type { Dialect, Method, Reply } from '../operation.ts'
import { element, escapeXml, optionalElement, xmlDeclaration } from '../xml.ts'
import { cephError } from './ceph.ts'
import { versionIdOf } from './version-id.ts'
import { encodeVersionId } from './version-ids.ts'

/** The request that failed, for the elements that repeat it. */
export interface FaultContext {
  readonly method: Method
  /** The path as the client sent it; '' leaves the element out. */
  readonly resource: string
  readonly requestId: string
  readonly hostId: string
  /** Named by faults about a bucket or key whose detail does not. */
  readonly bucket?: string
  readonly key?: string
  /** Region of the request's credential scope. */
  readonly region?: string
  /** Signed in the query (a presigned URL): its errors of form have a code of their own. */
  readonly presigned?: boolean
  readonly dialect?: Dialect | undefined
}

export interface S3Error {
  readonly status: number
  readonly code: string | ((detail: FaultDetail, context: FaultContext) => string)
  readonly message: string | ((detail: FaultDetail, context: FaultContext) => string)
  /** XML between Message and Resource. */
  readonly elements?: (detail: FaultDetail, context: FaultContext) => string
  readonly headers?: (detail: FaultDetail, context: FaultContext) => readonly string[]
}

/** A delete marker says what it is wherever it is met (S3 User Guide, "Working with delete markers"). */
function markerHeaders({ markerSeq, markerVersioned, modifiedAtMs }: FaultDetail): readonly string[] {
  if (markerSeq === undefined) return []
  const version = { seq: Number(markerSeq), versioned: Number(markerVersioned) }
  const headers = ['x-amz-delete-marker', 'true', 'x-amz-version-id', versionIdOf(version)]
  if (modifiedAtMs !== undefined) headers.push('Last-Modified', formatHttpDate(Number(modifiedAtMs)))
  return headers
}
function namedVersion({ version }: FaultDetail): string | undefined {
  return typeof version === 'number' ? encodeVersionId(version) : version
}

/** Elements that repeat values of the detail, in this order; those it does not have are left out. */
function repeats(names: Readonly<Record<string, string>>): (detail: FaultDetail) => string {
  const pairs = Object.entries(names)
  return detail => {
    let xml = ''
    for (const [name, from] of pairs) {
      const value = detail[from]
      if (value !== undefined) xml += element(name, value)
    }
    return xml
  }
}

/** The detail's own message where there is one: some S3 codes are said in many ways. */
function said(otherwise: string): (detail: FaultDetail) => string {
  return detail => text(detail, 'message') ?? otherwise
}

function text(detail: FaultDetail, name: string): string | undefined {
  const value = detail[name]
  return value === undefined ? undefined : String(value)
}

/** About the source of a copy, which the request's own bucket and key do not name. */
function isSource({ side }: FaultDetail): boolean {
  return side === 'source'
}
function bucketName(detail: FaultDetail, context: FaultContext): string {
  const bucket = text(detail, 'bucket') ?? (isSource(detail) ? undefined : context.bucket)
  return optionalElement('BucketName', bucket)
}
function keyName(detail: FaultDetail, context: FaultContext): string {
  return optionalElement('Key', text(detail, 'key') ?? (isSource(detail) ? undefined : context.key))
}

/** The code of a wrong credential scope depends on where the signature stands. */
const malformedCode = (_: FaultDetail, context: FaultContext) =>
  context.presigned === true ? 'AuthorizationQueryParametersError' : 'AuthorizationHeaderMalformed'

const mismatch = {
  status: 403,
  code: 'SignatureDoesNotMatch',
  message:
    'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
  elements: repeats({
    AWSAccessKeyId: 'accessKeyId',
    StringToSign: 'stringToSign',
    SignatureProvided: 'signatureProvided',
    StringToSignBytes: 'stringToSignBytes',
    CanonicalRequest: 'canonicalRequest',
    CanonicalRequestBytes: 'canonicalRequestBytes',
  }),
} as const
const notImplemented = {
  status: 501,
  code: 'NotImplemented',
  message: 'A header you provided implies functionality that is not implemented',
  elements: repeats({ Header: 'header', additionalMessage: 'reason' }),
} as const
const denied = {
  status: 403,
  code: 'AccessDenied',
  message: said('Access Denied'),
  elements: repeats({ HeadersNotSigned: 'headersNotSigned' }),
} as const
/** S3 has a code for each way in which an analytics, inventory, metrics or tiering configuration can be wrong. */
const configurationCodes: Readonly<Record<string, string>> = {
  'query-id': 'InvalidConfigurationId',
  id: 'InvalidConfigId',
  'id-mismatch': 'IdMismatch',
  prefix: 'InvalidPrefix',
  and: 'InvalidAnd',
  tag: 'InvalidTag',
  tier: 'InvalidAccessTier',
  analysis: 'MissingStorageClassAnalysis',
  'analytics-destination': 'InvalidDestination',
  'inventory-destination': 'InvalidS3DestinationBucket',
  'inventory-key': 'InvalidKmskeyId',
  token: 'MalformedContinuationToken',
}

/** The places that could not be validated: `name1`, `value1`, `name2` … until one is absent. */
function numberedArguments(detail: FaultDetail): string {
  let xml = ''
  for (let i = 1; detail[`name${i}`] !== undefined; i++)
    xml += element(`ArgumentName${i}`, detail[`name${i}`]!) + element(`ArgumentValue${i}`, detail[`value${i}`] ?? '')
  return xml
}
/** As in S3's user guide, "Troubleshoot access denied (403 Forbidden) errors". */
const blockedKeys = (detail: FaultDetail) =>
  `User: ${text(detail, 'user') ?? 'anonymous'} is not authorized to perform: ${text(detail, 'action') ?? 's3:PutObject'}` +
  ` on resource: "${text(detail, 'resource') ?? ''}" because this bucket has blocked upload requests that specify Server ` +
  'Side Encryption with Customer provided keys (SSE-C). Please specify a different server-side encryption type'
const expiry = repeats({ 'X-Amz-Expires': 'expiresSeconds', Expires: 'expires', ServerTime: 'serverTime' })

export const s3Errors = {
  'anonymous-denied': denied,
  'access-denied': denied,
  'access-key-unknown': {
    status: 403,
    code: 'InvalidAccessKeyId',
    message: 'The AWS Access Key Id you provided does not exist in our records.',
    elements: repeats({ AWSAccessKeyId: 'accessKeyId' }),
  },
  'session-token-invalid': {
    status: 400,
    code: 'InvalidToken',
    message: 'The provided token is malformed or otherwise invalid.',
    elements: repeats({ 'Token-0': 'token' }),
  },
  'session-token-expired': {
    status: 400,
    code: 'ExpiredToken',
    message: 'The provided token has expired.',
    elements: repeats({ 'Token-0': 'token' }),
  },
  'signature-mismatch': mismatch,
  'chunk-signature-mismatch': mismatch,
  'signature-malformed': {
    status: 400,
    code: 'AuthorizationHeaderMalformed',
    message: said(
      'The authorization header is malformed; the authorization header requires three components: ' +
        'Credential, SignedHeaders, and Signature.',
    ),
    elements: repeats({ Region: 'region' }),
  },
  'signature-query-malformed': {
    status: 400,
    code: 'AuthorizationQueryParametersError',
    message: said(
      'Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, ' +
        'X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.',
    ),
    elements: repeats({ Region: 'region' }),
  },
  'signature-expired': { status: 403, code: 'AccessDenied', message: 'Request has expired', elements: expiry },
  'signature-not-yet-valid': {
    status: 403,
    code: 'AccessDenied',
    message: 'Request is not yet valid',
    elements: expiry,
  },
  'clock-skewed': {
    status: 403,
    code: 'RequestTimeTooSkewed',
    message: 'The difference between the request time and the current time is too large.',
    elements: repeats({
      RequestTime: 'requestTime',
      ServerTime: 'serverTime',
      MaxAllowedSkewMilliseconds: 'maxAllowedSkewMs',
    }),
  },
  'credential-region-wrong': {
    status: 400,
    code: malformedCode,
    message: said('The authorization header is malformed; the region is wrong'),
    elements: repeats({ Region: 'region' }),
  },
  'credential-service-wrong': {
    status: 400,
    code: malformedCode,
    message: said('The authorization header is malformed; incorrect service. This endpoint belongs to "s3".'),
  },
  'payload-hash-missing': {
    status: 400,
    code: 'InvalidRequest',
    message: 'Missing required header for this request: x-amz-content-sha256',
  },
  'payload-hash-mismatch': {
    status: 400,
    code: 'XAmzContentSHA256Mismatch',
    message: "The provided 'x-amz-content-sha256' header does not match what was computed.",
    elements: repeats({ ClientComputedContentSHA256: 'client', S3ComputedContentSHA256: 'computed' }),
  },

  'policy-malformed': { status: 400, code: 'MalformedPolicy', message: said('Invalid policy syntax.') },
  'policy-missing': {
    status: 404,
    code: 'NoSuchBucketPolicy',
    message: 'The bucket policy does not exist',
    elements: bucketName,
  },
  'acl-malformed': {
    status: 400,
    code: 'MalformedACLError',
    message: 'The XML you provided was not well-formed or did not validate against our published schema',
  },
  'acl-header-missing': {
    status: 400,
    code: 'MissingSecurityHeader',
    message: 'Your request was missing a required header',
    elements: () => element('MissingHeaderName', 'x-amz-acl'),
  },
  'acl-body-unexpected': {
    status: 400,
    code: 'UnexpectedContent',
    message: 'This request does not support content',
  },
  'acl-unsupported': {
    status: 400,
    code: 'AccessControlListNotSupported',
    message: 'The bucket does not allow ACLs',
  },
  'acl-ownership-conflict': {
    status: 400,
    code: 'InvalidBucketAclWithObjectOwnership',
    message: "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
  },
  'acl-public-blocked': {
    status: 400,
    code: 'InvalidBucketAclWithBlockPublicAccessError',
    message: 'Bucket cannot have public ACLs set with BlockPublicAccess enabled',
  },
  'email-unresolvable': {
    status: 400,
    code: 'UnresolvableGrantByEmailAddress',
    message: 'The e-mail address you provided does not match any account on record.',
  },
  'public-access-block-missing': {
    status: 404,
    code: 'NoSuchPublicAccessBlockConfiguration',
    message: 'The public access block configuration was not found',
    elements: bucketName,
  },
  'ownership-controls-missing': {
    status: 404,
    code: 'OwnershipControlsNotFoundError',
    message: 'The bucket ownership controls were not found',
    elements: bucketName,
  },

  'bucket-missing': {
    status: 404,
    code: 'NoSuchBucket',
    message: 'The specified bucket does not exist',
    elements: bucketName,
  },
  'bucket-name-invalid': {
    status: 400,
    code: 'InvalidBucketName',
    message: 'The specified bucket is not valid.',
    elements: bucketName,
  },
  'bucket-exists': {
    status: 409,
    code: 'BucketAlreadyExists',
    message:
      'The requested bucket name is not available. The bucket namespace is shared by all users of the system. ' +
      'Please select a different name and try again.',
    elements: bucketName,
  },
  'bucket-owned': {
    status: 409,
    code: 'BucketAlreadyOwnedByYou',
    message: 'Your previous request to create the named bucket succeeded and you already own it.',
    elements: bucketName,
  },
  'bucket-not-empty': {
    status: 409,
    code: 'BucketNotEmpty',
    message: 'The bucket you tried to delete is not empty',
    elements: bucketName,
  },
  'bucket-limit': {
    status: 400,
    code: 'TooManyBuckets',
    message: 'You have attempted to create more buckets than allowed',
  },
  'bucket-owner-malformed': {
    status: 400,
    code: 'InvalidBucketOwnerAWSAccountID',
    message: 'The value of the expected bucket owner parameter must be an AWS account ID',
    elements: repeats({ AccountId: 'value' }),
  },
  // The header and the element are what lets SDKs repeat the request for the right region.
  'region-wrong': {
    status: 400,
    code: malformedCode,
    message: (detail, context) =>
      (context.presigned === true
        ? 'Error parsing the X-Amz-Credential parameter; '
        : 'The authorization header is malformed; ') +
      `the region '${context.region ?? ''}' is wrong; expecting '${text(detail, 'region') ?? ''}'`,
    elements: repeats({ Region: 'region' }),
    headers: detail => ['x-amz-bucket-region', text(detail, 'region') ?? ''],
  },
  'location-invalid': {
    status: 400,
    code: 'InvalidLocationConstraint',
    message: 'The specified location-constraint is not valid',
    elements: repeats({ LocationConstraint: 'location' }),
  },
  'location-incompatible': {
    status: 400,
    code: 'IllegalLocationConstraintException',
    message: detail =>
      `The ${text(detail, 'location') || 'unspecified'} location constraint is incompatible for the region specific ` +
      'endpoint this request was sent to.',
  },
  'object-missing': {
    status: 404,
    code: 'NoSuchKey',
    message: 'The specified key does not exist.',
    elements: keyName,
    headers: (detail, { dialect }) =>
      // Ceph says so of every key that is not there.
      dialect === 'ceph' && detail['markerSeq'] === undefined
        ? ['x-amz-delete-marker', 'false']
        : markerHeaders(detail),
  },
  'version-missing': {
    status: 404,
    code: 'NoSuchVersion',
    message: 'The specified version does not exist.',
    elements: (detail, context) =>
      keyName(detail, context) + optionalElement('VersionId', text(detail, 'versionId') ?? namedVersion(detail)),
  },
  'object-archived': {
    status: 403,
    code: 'InvalidObjectState',
    message: said("The operation is not valid for the object's storage class"),
    elements: repeats({ StorageClass: 'storageClass' }),
  },
  'key-too-long': {
    status: 400,
    code: 'KeyTooLongError',
    message: 'Your key is too long',
    elements: repeats({ Size: 'sizeBytes', MaxSizeAllowed: 'limitBytes' }),
  },
  'uri-invalid': {
    status: 400,
    code: 'InvalidURI',
    message: "Couldn't parse the specified URI.",
    elements: (_, context) => optionalElement('URI', context.resource),
  },

  'argument-invalid': {
    status: 400,
    code: 'InvalidArgument',
    message: said('Invalid Argument'),
    elements: repeats({ ArgumentName: 'name', ArgumentValue: 'value', Region: 'region' }),
  },
  'request-invalid': { status: 400, code: 'InvalidRequest', message: said('Invalid Request') },
  /** Of STS. */
  'parameter-invalid': { status: 400, code: 'InvalidArgument', message: said('Invalid Argument') },
  'session-policy-too-large': { status: 400, code: 'InvalidArgument', message: said('Invalid Argument') },
  'header-refused': notImplemented,
  'not-implemented': notImplemented,
  'method-not-allowed': {
    status: 405,
    code: 'MethodNotAllowed',
    message: 'The specified method is not allowed against this resource.',
    elements: (detail, context) =>
      element('Method', text(detail, 'method') ?? context.method) +
      optionalElement('ResourceType', text(detail, 'resourceType')),
    headers: detail =>
      (detail['allow'] === undefined ? [] : ['Allow', String(detail['allow'])]).concat(markerHeaders(detail)),
  },
  'xml-malformed': {
    status: 400,
    code: 'MalformedXML',
    message: said('The XML you provided was not well-formed or did not validate against our published schema'),
  },
  'body-missing': { status: 400, code: 'MissingRequestBodyError', message: 'Request Body is empty' },
  'body-too-large': {
    status: 400,
    code: 'MaxMessageLengthExceeded',
    message: 'Your request was too big.',
    elements: repeats({ MaxMessageLengthBytes: 'limitBytes' }),
  },
  'body-truncated': {
    status: 400,
    code: 'IncompleteBody',
    message: said('You did not provide the number of bytes specified by the Content-Length HTTP header'),
  },
  'chunk-size-invalid': {
    status: 403,
    code: 'InvalidChunkSizeError',
    message: 'Only the last chunk is allowed to have a size less than 8192 bytes',
    elements: repeats({ Chunk: 'chunk', BadChunkSize: 'badChunkSize' }),
  },
  'trailer-malformed': {
    status: 400,
    code: 'MalformedTrailerError',
    message: 'The request contained trailing data that was not well-formed or did not conform to our published schema.',
  },
  'body-too-slow': {
    status: 400,
    code: 'RequestTimeout',
    message:
      'Your socket connection to the server was not read from or written to within the timeout period. ' +
      'Idle connections will be closed.',
  },
  'length-missing': {
    status: 411,
    code: 'MissingContentLength',
    message: 'You must provide the Content-Length HTTP header.',
  },
  'metadata-too-large': {
    status: 400,
    code: 'MetadataTooLarge',
    message: 'Your metadata headers exceed the maximum allowed metadata size',
    elements: repeats({ Size: 'sizeBytes', MaxSizeAllowed: 'limitBytes' }),
  },
  'digest-malformed': {
    status: 400,
    code: 'InvalidDigest',
    message: 'The Content-MD5 you specified was invalid.',
    elements: repeats({ 'Content-MD5': 'value' }),
  },
  'digest-mismatch': {
    status: 400,
    code: 'BadDigest',
    message: 'The Content-MD5 you specified did not match what we received.',
    elements: repeats({ ExpectedDigest: 'expected', CalculatedDigest: 'calculated' }),
  },
  'checksum-malformed': {
    status: 400,
    code: 'InvalidRequest',
    message: detail =>
      text(detail, 'message') ?? `Value for ${text(detail, 'header') ?? 'x-amz-checksum-*'} header is invalid.`,
  },
  'checksum-mismatch': {
    status: 400,
    code: 'BadDigest',
    message: detail =>
      text(detail, 'message') ??
      `The ${text(detail, 'algorithm') ?? 'checksum'} you specified did not match the calculated checksum.`,
  },
  'checksum-missing': {
    status: 400,
    code: 'InvalidRequest',
    message: said('Missing required header for this request: Content-MD5 OR x-amz-checksum-*'),
  },
  'object-too-large': {
    status: 400,
    code: 'EntityTooLarge',
    message: 'Your proposed upload exceeds the maximum allowed size',
    elements: repeats({ ProposedSize: 'sizeBytes', MaxSizeAllowed: 'limitBytes' }),
  },
  'object-too-small': {
    status: 400,
    code: 'EntityTooSmall',
    message: 'Your proposed upload is smaller than the minimum allowed size',
    elements: repeats({ ProposedSize: 'sizeBytes', MinSizeAllowed: 'limitBytes' }),
  },
  'form-malformed': {
    status: 400,
    code: 'MalformedPOSTRequest',
    message: 'The body of your POST request is not well-formed multipart/form-data.',
  },
  // Code and spelling as the service answers them; its list of error codes has others.
  'form-too-large': {
    status: 400,
    code: 'MaxPostPreDataLengthExceeded',
    message: 'Your POST request fields preceeding the upload file was too large.',
    elements: repeats({ MaxPostPreDataLengthBytes: 'limitBytes' }),
  },
  'form-policy-malformed': {
    status: 400,
    code: 'InvalidPolicyDocument',
    message: said('Invalid Policy: Invalid JSON.'),
  },
  'copy-source-too-large': {
    status: 400,
    code: 'InvalidRequest',
    message: detail =>
      'The specified copy source is larger than the maximum allowable size for a copy source: ' +
      `${text(detail, 'limitBytes') ?? 5 * 1024 ** 3}`,
  },
  'storage-class-invalid': {
    status: 400,
    code: 'InvalidStorageClass',
    message: 'The storage class you specified is not valid',
    elements: repeats({ StorageClassRequested: 'value' }),
  },
  'request-header-too-large': {
    status: 400,
    code: 'RequestHeaderSectionTooLarge',
    message: 'Your request header section exceeds the maximum allowed size.',
    elements: repeats({ MaxSizeAllowed: 'limitBytes' }),
  },

  'bucket-state-invalid': {
    status: 409,
    code: 'InvalidBucketState',
    message: said('The request is not valid for the current state of the bucket.'),
  },
  'versioning-unspecified': {
    status: 400,
    code: 'IllegalVersioningConfigurationException',
    message: 'The Versioning element must be specified',
  },
  'acceleration-unspecified': {
    status: 400,
    code: 'IllegalAccelerateConfigurationException',
    message: 'The Accelerate element must be specified',
  },
  'tag-invalid': {
    status: 400,
    code: 'InvalidTag',
    message: said(
      'The tag provided was not a valid tag. This error can occur if the tag did not pass input validation.',
    ),
    elements: repeats({ TagKey: 'key', TagValue: 'value' }),
  },
  'tags-too-many': { status: 400, code: 'BadRequest', message: said('Object tags cannot be greater than 10') },
  'tags-missing': {
    status: 404,
    code: 'NoSuchTagSet',
    message: 'The TagSet does not exist',
    elements: bucketName,
  },
  'encryption-configuration-missing': {
    status: 404,
    code: 'ServerSideEncryptionConfigurationNotFoundError',
    message: 'The server side encryption configuration was not found',
    elements: bucketName,
  },
  'replication-configuration-missing': {
    status: 404,
    code: 'ReplicationConfigurationNotFoundError',
    message: 'The replication configuration was not found',
    elements: bucketName,
  },
  'configuration-missing': {
    status: 404,
    code: 'NoSuchConfiguration',
    message: 'The specified configuration does not exist.',
  },
  'configuration-invalid': {
    status: 400,
    code: detail => configurationCodes[text(detail, 'reason') ?? ''] ?? 'InvalidRequest',
    message: said('The configuration is not valid.'),
  },
  'configurations-too-many': {
    status: 400,
    code: 'TooManyConfigurations',
    message: 'You have attempted to create more configurations than the 1000 allowed.',
  },
  'log-target-invalid': {
    status: 400,
    code: 'InvalidTargetBucketForLogging',
    message: said('The target bucket for logging does not exist'),
    elements: repeats({ TargetBucket: 'bucket' }),
  },
  // The code's spelling and the message's last space are S3's.
  'log-target-elsewhere': {
    status: 403,
    code: 'CrossLocationLoggingProhibitted',
    message: 'Cross S3 location logging not allowed. ',
    elements: repeats({ SourceBucketLocation: 'region', TargetBucketLocation: 'targetRegion' }),
  },
  'destinations-invalid': {
    status: 400,
    code: 'InvalidArgument',
    message: 'Unable to validate the following destination configurations',
    elements: numberedArguments,
  },

  'lock-unavailable': {
    status: 400,
    code: 'InvalidRequest',
    message: 'Bucket is missing Object Lock Configuration',
  },
  'lock-configuration-missing': {
    status: 404,
    code: 'ObjectLockConfigurationNotFoundError',
    message: 'Object Lock configuration does not exist for this bucket',
    elements: bucketName,
  },
  'lock-missing': {
    status: 404,
    code: 'NoSuchObjectLockConfiguration',
    message: 'The specified object does not have a ObjectLock configuration',
  },
  'object-locked': {
    status: 403,
    code: 'AccessDenied',
    message: 'Access Denied because object protected by object lock.',
  },
  // The code that the public suites and other implementations expect; S3 was also seen to say InvalidArgument.
  'retention-period-invalid': {
    status: 400,
    code: 'InvalidRetentionPeriod',
    message: said('Default retention period must be a positive integer value'),
    elements: repeats({ ArgumentName: 'name', ArgumentValue: 'value' }),
  },
  // Recorded, the element's name included: it is the same whichever header is meant.
  'encryption-algorithm-invalid': {
    status: 400,
    code: 'InvalidEncryptionAlgorithmError',
    message: 'The Encryption request you specified is not valid. Supported value: AES256.',
    elements: repeats({ ArgumentName: 'name', ArgumentValue: 'value' }),
  },
  // S3 repeats what its key service said.
  'encryption-key-unknown': { status: 400, code: 'KMS.NotFoundException', message: said('Invalid keyId') },
  'customer-key-missing': {
    status: 400,
    code: 'InvalidRequest',
    message:
      'The object was stored using a form of Server Side Encryption. The correct parameters must be provided to ' +
      'retrieve the object.',
  },
  'customer-key-unexpected': {
    status: 400,
    code: 'InvalidRequest',
    message: 'The encryption parameters are not applicable to this object.',
  },
  // 403 where all its neighbours are 400: recorded for GET, HEAD and another version's key.
  'customer-key-wrong': {
    status: 403,
    code: 'AccessDenied',
    message:
      'Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret key.',
  },
  'customer-keys-blocked': { status: 403, code: 'AccessDenied', message: blockedKeys },
  'upload-key-unfitting': {
    status: 400,
    code: 'InvalidRequest',
    message:
      'The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate ' +
      'encryption parameters.',
  },
  'upload-key-different': {
    status: 400,
    code: 'InvalidRequest',
    message: 'The provided encryption parameters did not match the ones used originally.',
  },

  'not-modified': {
    status: 304,
    code: 'NotModified',
    message: 'Not Modified',
    headers: ({ etag, modifiedAtMs }) => [
      ...(etag === undefined ? [] : ['ETag', `"${etag}"`]),
      ...(modifiedAtMs === undefined ? [] : ['Last-Modified', formatHttpDate(Number(modifiedAtMs))]),
    ],
  },
  'precondition-failed': {
    status: 412,
    code: 'PreconditionFailed',
    message: 'At least one of the pre-conditions you specified did not hold',
    elements: repeats({ Condition: 'condition' }),
  },
  'client-token-reused': {
    status: 400,
    code: 'IdempotencyParameterMismatch',
    message: 'The client token was used before, by a request with other parameters.',
  },
  'condition-conflict': {
    status: 409,
    code: 'ConditionalRequestConflict',
    message: 'The conditional request cannot succeed due to a conflicting operation against this resource.',
    elements: (detail, context) => optionalElement('Condition', text(detail, 'condition')) + keyName(detail, context),
  },
  'range-unsatisfiable': {
    status: 416,
    code: 'InvalidRange',
    message: 'The requested range is not satisfiable',
    elements: repeats({ RangeRequested: 'range', ActualObjectSize: 'sizeBytes' }),
    headers: ({ sizeBytes }) => (sizeBytes === undefined ? [] : ['Content-Range', `bytes */${sizeBytes}`]),
  },
  'part-range-unsatisfiable': {
    status: 416,
    code: 'InvalidPartNumber',
    message: 'The requested partnumber is not satisfiable',
    elements: repeats({ ActualPartCount: 'parts', PartNumberRequested: 'partNumber' }),
  },

  'upload-missing': {
    status: 404,
    code: 'NoSuchUpload',
    message:
      'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or ' +
      'completed.',
    elements: repeats({ UploadId: 'uploadId' }),
  },
  'part-invalid': {
    status: 400,
    code: 'InvalidPart',
    message:
      'One or more of the specified parts could not be found.  The part may not have been uploaded, or the ' +
      "specified entity tag may not match the part's entity tag.",
    elements: repeats({ UploadId: 'uploadId', PartNumber: 'partNumber', ETag: 'etag' }),
  },
  'part-order-invalid': {
    status: 400,
    code: 'InvalidPartOrder',
    message: 'The list of parts was not in ascending order. Parts must be ordered by part number.',
    elements: repeats({ UploadId: 'uploadId' }),
  },
  'part-too-small': {
    status: 400,
    code: 'EntityTooSmall',
    message: 'Your proposed upload is smaller than the minimum allowed size',
    elements: repeats({
      ProposedSize: 'sizeBytes',
      MinSizeAllowed: 'limitBytes',
      PartNumber: 'partNumber',
      ETag: 'etag',
    }),
  },

  'cors-missing': {
    status: 404,
    code: 'NoSuchCORSConfiguration',
    message: 'The CORS configuration does not exist',
    elements: bucketName,
  },
  // Method is the one asked about, ResourceType the thing whose rules were looked at.
  'cors-forbidden': {
    status: 403,
    code: 'AccessForbidden',
    message: said(
      'CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request ' +
        'method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the ' +
        "resource's CORS spec.",
    ),
    elements: repeats({ Method: 'method', ResourceType: 'resourceType' }),
  },
  'cors-request-invalid': {
    status: 400,
    code: 'BadRequest',
    message: said('Insufficient information. Origin request header needed.'),
  },
  'website-missing': {
    status: 404,
    code: 'NoSuchWebsiteConfiguration',
    message: 'The specified bucket does not have a website configuration',
    elements: bucketName,
  },
  'website-elsewhere': {
    status: 400,
    code: 'IncorrectEndpoint',
    message: 'The specified bucket exists in another region. Please direct requests to the specified endpoint.',
    elements: repeats({ Endpoint: 'endpoint' }),
  },
  'lifecycle-missing': {
    status: 404,
    code: 'NoSuchLifecycleConfiguration',
    message: 'The lifecycle configuration does not exist',
    elements: bucketName,
  },

  'object-not-archived': {
    status: 403,
    code: 'InvalidObjectState',
    message: "Restore is not allowed for the object's current storage class",
  },
  'restore-in-progress': {
    status: 409,
    code: 'RestoreAlreadyInProgress',
    message: 'Object restore is already in progress',
  },
  'restore-tier-invalid': {
    status: 403,
    code: 'InvalidTier',
    message: 'Retrieval option is not supported by this storage class.',
  },

  busy: { status: 503, code: 'SlowDown', message: 'Please reduce your request rate.' },
  unavailable: { status: 503, code: 'ServiceUnavailable', message: 'Service is unable to handle request.' },
  internal: {
    status: 500,
    code: 'InternalError',
    message: 'We encountered an internal error. Please try again.',
  },
  // S3 has no word for a full disk. 507 is HTTP's, and unlike 500 and 503 no SDK repeats the upload because of it.
  'storage-full': {
    status: 507,
    code: 'InsufficientStorage',
    message: 'There is not enough storage space left to complete this request.',
  },
} as const satisfies Record<FaultCode, S3Error>

const table: Readonly<Record<FaultCode, S3Error>> = s3Errors

/** The wire's code and message of a fault, for the places where one document reports many (DeleteObjects). */
function rowOf({ code, detail }: Fault, { dialect }: FaultContext): S3Error {
  return (dialect === 'ceph' ? cephError(code, detail) : undefined) ?? table[code]
}

export function describeFault(fault: Fault, context: FaultContext): { code: string; message: string } {
  const { code, message } = rowOf(fault, context)
  return {
    code: typeof code === 'string' ? code : code(fault.detail, context),
    message: typeof message === 'string' ? message : message(fault.detail, context),
  }
}

/** Status, and the elements and headers of its detail: what the website endpoint says in HTML instead. */
export function faultParts(
  fault: Fault,
  context: FaultContext,
): { readonly status: number; readonly elements: string; readonly headers: readonly string[] } {
  const row = rowOf(fault, context)
  return {
    status: row.status,
    elements: row.elements === undefined ? '' : row.elements(fault.detail, context),
    headers: row.headers === undefined ? [] : row.headers(fault.detail, context),
  }
}

/** A fault as S3 answers it: an XML document, but no body to HEAD and with 304. */
export function renderFault(fault: Fault, context: FaultContext): Reply {
  const row = rowOf(fault, context)
  const extra = row.headers === undefined ? [] : row.headers(fault.detail, context)
  if (row.status === 304) return { status: 304, headers: extra, body: null }
  const headers = ['Content-Type', 'application/xml', ...extra]
  if (context.method === 'HEAD') return { status: row.status, headers, body: null }
  const { code, message } = describeFault(fault, context)
  return {
    status: row.status,
    headers,
    body:
      `${xmlDeclaration}<Error><Code>${code}</Code><Message>${escapeXml(message)}</Message>` +
      (row.elements === undefined ? '' : row.elements(fault.detail, context)) +
      optionalElement('Resource', context.resource) +
      `<RequestId>${context.requestId}</RequestId><HostId>${escapeXml(context.hostId)}</HostId></Error>`,
  }
}
