/**
 * Expected answers that are not successes. A Fault is a value that is returned, never thrown (throwing costs 20 times
 * returning). The list of codes is closed and speaks no vendor's language; each wire's `faults.ts` maps every code to
 * its own status, code and text.
 */
export const faultCodes = [
  // who
  'anonymous-denied',
  'access-denied',
  'access-key-unknown',
  'session-token-invalid',
  'session-token-expired',
  'signature-mismatch',
  'signature-malformed',
  'signature-query-malformed',
  'signature-expired',
  'signature-not-yet-valid',
  'clock-skewed',
  'credential-region-wrong',
  'credential-service-wrong',
  'payload-hash-missing',
  'payload-hash-mismatch',
  'chunk-signature-mismatch',
  'chunk-size-invalid',
  'trailer-malformed',
  // who may
  'policy-malformed',
  'policy-missing',
  'acl-malformed',
  'acl-header-missing',
  'acl-body-unexpected',
  'acl-unsupported',
  'acl-ownership-conflict',
  'acl-public-blocked',
  'email-unresolvable',
  'public-access-block-missing',
  'ownership-controls-missing',
  // where
  'bucket-missing',
  'bucket-name-invalid',
  'bucket-exists',
  'bucket-owned',
  'bucket-not-empty',
  'bucket-limit',
  'bucket-owner-malformed',
  'region-wrong',
  'location-invalid',
  'location-incompatible',
  'object-missing',
  'version-missing',
  'object-archived',
  'key-too-long',
  'uri-invalid',
  // what was asked
  'argument-invalid',
  'request-invalid',
  'parameter-invalid',
  'session-policy-too-large',
  'header-refused',
  'not-implemented',
  'method-not-allowed',
  'xml-malformed',
  'body-missing',
  'body-too-large',
  'body-truncated',
  'body-too-slow',
  'length-missing',
  'metadata-too-large',
  'digest-malformed',
  'digest-mismatch',
  'checksum-malformed',
  'checksum-mismatch',
  'checksum-missing',
  'object-too-large',
  'object-too-small',
  'form-malformed',
  'form-too-large',
  'form-policy-malformed',
  'copy-source-too-large',
  'storage-class-invalid',
  'request-header-too-large',
  // what a bucket is set to
  'bucket-state-invalid',
  'versioning-unspecified',
  'acceleration-unspecified',
  'tag-invalid',
  'tags-too-many',
  'tags-missing',
  'encryption-configuration-missing',
  'replication-configuration-missing',
  'configuration-missing',
  'configuration-invalid',
  'configurations-too-many',
  'log-target-invalid',
  'log-target-elsewhere',
  'destinations-invalid',
  // locks
  'lock-unavailable',
  'lock-configuration-missing',
  'lock-missing',
  'object-locked',
  'retention-period-invalid',
  // keys of encryption
  'encryption-algorithm-invalid',
  'encryption-key-unknown',
  'customer-key-missing',
  'customer-key-unexpected',
  'customer-key-wrong',
  'customer-keys-blocked',
  'upload-key-unfitting',
  'upload-key-different',
  // conditions
  'not-modified',
  'precondition-failed',
  'condition-conflict',
  'client-token-reused',
  'range-unsatisfiable',
  'part-range-unsatisfiable',
  // uploads
  'upload-missing',
  'part-invalid',
  'part-order-invalid',
  'part-too-small',
  // a bucket's cross-origin rules, website and lifecycle
  'cors-missing',
  'cors-forbidden',
  'cors-request-invalid',
  'website-missing',
  'website-elsewhere',
  'lifecycle-missing',
  // restoring what is archived
  'object-not-archived',
  'restore-in-progress',
  'restore-tier-invalid',
  // us
  'busy',
  'storage-full',
  'internal',
  'unavailable',
] as const
export type FaultCode = (typeof faultCodes)[number]

/** Facts a wire may put in its answer: element or header values. Their names are the vocabulary of the codes. */
export type FaultDetail = Readonly<Record<string, string | number>>

export class Fault<C extends FaultCode = FaultCode> {
  readonly code: C
  readonly detail: FaultDetail
  constructor(code: C, detail: FaultDetail = noDetail) {
    this.code = code
    this.detail = detail
  }
}
const noDetail: FaultDetail = Object.freeze({})

export function fault<const C extends FaultCode>(code: C, detail?: FaultDetail): Fault<C> {
  return new Fault(code, detail)
}
