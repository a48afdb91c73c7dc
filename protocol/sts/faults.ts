/** Faults in STS's words. Source: AWS STS API Reference, "Common Errors"; AWS query protocol's ErrorResponse. */
import type { Fault, FaultCode, FaultDetail } from '../fault.ts'
import type { Reply } from '../operation.ts'
import { escapeXml } from '../xml.ts'
import { stsNamespace } from './call.ts'

interface StsError {
  readonly status: number
  readonly code: string
  readonly message: string | ((detail: FaultDetail) => string)
}

/** The detail's own message where there is one. */
function said(otherwise: string): (detail: FaultDetail) => string {
  return ({ message }) => String(message ?? otherwise)
}

const tokenInvalid = {
  status: 403,
  code: 'InvalidClientTokenId',
  message: 'The security token included in the request is invalid.',
} as const
const mismatch = {
  status: 403,
  code: 'SignatureDoesNotMatch',
  message:
    'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key ' +
    'and signing method. Consult the service documentation for details.',
} as const
const incomplete = {
  status: 400,
  code: 'IncompleteSignature',
  message: said('The request signature does not conform to AWS standards.'),
} as const
const expired = { status: 403, code: 'SignatureDoesNotMatch', message: 'Signature expired' } as const
const failure = {
  status: 500,
  code: 'InternalFailure',
  message: 'The request processing has failed because of an unknown error, exception or failure.',
} as const
/** What a request of this service cannot meet. */
const invalid = { status: 400, code: 'ValidationError', message: 'The request is not valid.' } as const

export const stsErrors = {
  'anonymous-denied': {
    status: 403,
    code: 'MissingAuthenticationToken',
    message: 'Request is missing Authentication Token',
  },
  'access-denied': { status: 403, code: 'AccessDenied', message: said('Access Denied') },
  'access-key-unknown': tokenInvalid,
  'session-token-invalid': tokenInvalid,
  'session-token-expired': {
    status: 403,
    code: 'ExpiredToken',
    message: 'The security token included in the request is expired',
  },
  'signature-mismatch': mismatch,
  'signature-malformed': incomplete,
  'signature-query-malformed': incomplete,
  'signature-expired': expired,
  'signature-not-yet-valid': { status: 403, code: 'SignatureDoesNotMatch', message: 'Signature not yet current' },
  'clock-skewed': expired,
  'credential-region-wrong': {
    status: 403,
    code: 'SignatureDoesNotMatch',
    message: 'Credential should be scoped to a valid region.',
  },
  'credential-service-wrong': {
    status: 403,
    code: 'SignatureDoesNotMatch',
    message: "Credential should be scoped to correct service: 'sts'.",
  },
  'payload-hash-missing': incomplete,
  'payload-hash-mismatch': mismatch,
  'chunk-signature-mismatch': mismatch,
  'chunk-size-invalid': invalid,
  'trailer-malformed': invalid,
  'policy-malformed': {
    status: 400,
    code: 'MalformedPolicyDocument',
    message: said('The policy document was malformed.'),
  },
  'policy-missing': invalid,
  'acl-malformed': invalid,
  'acl-header-missing': invalid,
  'acl-body-unexpected': invalid,
  'acl-unsupported': invalid,
  'acl-ownership-conflict': invalid,
  'acl-public-blocked': invalid,
  'email-unresolvable': invalid,
  'public-access-block-missing': invalid,
  'ownership-controls-missing': invalid,
  'bucket-missing': invalid,
  'bucket-name-invalid': invalid,
  'bucket-exists': invalid,
  'bucket-owned': invalid,
  'bucket-not-empty': invalid,
  'bucket-limit': invalid,
  'bucket-owner-malformed': invalid,
  'region-wrong': invalid,
  'location-invalid': invalid,
  'location-incompatible': invalid,
  'object-missing': invalid,
  'version-missing': invalid,
  'object-archived': invalid,
  'key-too-long': invalid,
  'uri-invalid': invalid,
  'argument-invalid': { status: 400, code: 'MissingAction', message: 'Missing Action' },
  'request-invalid': {
    status: 400,
    code: 'InvalidAction',
    message: said('Invalid action'),
  },
  'parameter-invalid': { status: 400, code: 'ValidationError', message: said('The request is not valid.') },
  'session-policy-too-large': { status: 400, code: 'PackedPolicyTooLarge', message: said('The policy is too large.') },
  'header-refused': invalid,
  'not-implemented': {
    status: 501,
    code: 'NotImplemented',
    message: ({ action }) => `The action ${action ?? ''} is not implemented`,
  },
  'method-not-allowed': { status: 405, code: 'MethodNotAllowed', message: 'The specified method is not allowed.' },
  'xml-malformed': invalid,
  'body-missing': invalid,
  'body-too-large': { status: 413, code: 'RequestEntityTooLarge', message: 'Request size exceeds the limit' },
  'body-truncated': invalid,
  'body-too-slow': invalid,
  'length-missing': invalid,
  'metadata-too-large': invalid,
  'digest-malformed': invalid,
  'digest-mismatch': invalid,
  'checksum-malformed': invalid,
  'checksum-mismatch': invalid,
  'checksum-missing': invalid,
  'object-too-large': invalid,
  'object-too-small': invalid,
  'form-malformed': invalid,
  'form-too-large': invalid,
  'form-policy-malformed': invalid,
  'copy-source-too-large': invalid,
  'storage-class-invalid': invalid,
  'request-header-too-large': invalid,
  'bucket-state-invalid': invalid,
  'versioning-unspecified': invalid,
  'acceleration-unspecified': invalid,
  'tag-invalid': { status: 400, code: 'InvalidParameterValue', message: said('A tag is not valid.') },
  'tags-too-many': invalid,
  'tags-missing': invalid,
  'encryption-configuration-missing': invalid,
  'replication-configuration-missing': invalid,
  'configuration-missing': invalid,
  'configuration-invalid': invalid,
  'configurations-too-many': invalid,
  'log-target-invalid': invalid,
  'log-target-elsewhere': invalid,
  'destinations-invalid': invalid,
  'lock-unavailable': invalid,
  'lock-configuration-missing': invalid,
  'lock-missing': invalid,
  'object-locked': invalid,
  'retention-period-invalid': invalid,
  'encryption-algorithm-invalid': invalid,
  'encryption-key-unknown': invalid,
  'customer-key-missing': invalid,
  'customer-key-unexpected': invalid,
  'customer-key-wrong': invalid,
  'customer-keys-blocked': invalid,
  'upload-key-unfitting': invalid,
  'upload-key-different': invalid,
  'not-modified': invalid,
  'precondition-failed': invalid,
  'condition-conflict': invalid,
  'client-token-reused': invalid,
  'range-unsatisfiable': invalid,
  'part-range-unsatisfiable': invalid,
  'upload-missing': invalid,
  'part-invalid': invalid,
  'part-order-invalid': invalid,
  'part-too-small': invalid,
  'cors-missing': invalid,
  'cors-forbidden': invalid,
  'cors-request-invalid': invalid,
  'website-missing': invalid,
  'website-elsewhere': invalid,
  'lifecycle-missing': invalid,
  'object-not-archived': invalid,
  'restore-in-progress': invalid,
  'restore-tier-invalid': invalid,
  busy: { status: 400, code: 'Throttling', message: 'Rate exceeded' },
  'storage-full': failure,
  internal: failure,
  unavailable: { status: 503, code: 'ServiceUnavailable', message: 'The service is unable to handle the request.' },
} as const satisfies Record<FaultCode, StsError>

const table: Readonly<Record<FaultCode, StsError>> = stsErrors

/** A fault as STS answers it. */
export function renderStsFault(
  fault: Fault,
  { requestId, json = false }: { readonly requestId: string; readonly json?: boolean },
): Reply {
  const { status, code, message } = table[fault.code]
  const text = typeof message === 'string' ? message : message(fault.detail)
  const type = status < 500 ? 'Sender' : 'Receiver'
  if (json) {
    const error = { Code: code, Message: text, Type: type }
    const body = JSON.stringify({ Error: error, RequestId: requestId })
    return { status, headers: ['Content-Type', 'application/json'], body }
  }
  return {
    status,
    headers: ['Content-Type', 'text/xml'],
    body:
      `<ErrorResponse xmlns="${stsNamespace}"><Error><Type>${type}</Type>` +
      `<Code>${code}</Code><Message>${escapeXml(text)}</Message></Error>` +
      `<RequestId>${requestId}</RequestId></ErrorResponse>`,
  }
}
