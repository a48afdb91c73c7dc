/**
 * Where Ceph's gateway answers otherwise than Amazon's S3, as its public test suite asks for: the errors here, the rest
 * where `dialect` of a request or of the services is looked at. With the dialect `aws` nothing of this counts.
 */
import type { FaultCode, FaultDetail } from '../fault.ts'
import type { S3Error } from './faults.ts'

type Override = S3Error | ((detail: FaultDetail) => S3Error | undefined)

const denied: S3Error = { status: 403, code: 'AccessDenied', message: 'Access Denied' }
const rangeInvalid: S3Error = { status: 416, code: 'InvalidRange', message: 'The requested range is not satisfiable' }

const overrides: Readonly<Partial<Record<FaultCode, Override>>> = {
  'argument-invalid': ({ message }) =>
    String(message).startsWith('Range specified is not') ? rangeInvalid : undefined,
  'bucket-owner-malformed': denied,
  'signature-query-malformed': ({ message }) => (String(message).startsWith('X-Amz-Expires') ? denied : undefined),
  'checksum-malformed': {
    status: 400,
    code: 'BadDigest',
    message: 'The checksum you specified did not match what was received.',
  },
  'part-range-unsatisfiable': { status: 400, code: 'InvalidPart', message: 'The requested part does not exist.' },
  'tags-too-many': { status: 400, code: 'InvalidTag', message: 'Too many tags.' },
  'customer-key-wrong': { status: 400, code: 'InvalidRequest', message: 'The provided key does not match.' },
}

/** Ceph's answer to a fault; undefined where it is Amazon's. */
export function cephError(code: FaultCode, detail: FaultDetail): S3Error | undefined {
  const override = overrides[code]
  return typeof override === 'function' ? override(detail) : override
}
