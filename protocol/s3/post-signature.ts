/**
 * The signature of a form: it covers the form's policy as sent, in Base64, and nothing else. Version 4 signs it with
 * HMAC-SHA256 under the key of the credential's scope, version 2 with HMAC-SHA1 under the secret.
 *
 * Sources: S3 API Reference, "Authenticating requests in browser-based uploads using POST", and for version 2 "Creating
 * an HTML form"; the messages are those S3 answers.
 */
import { Buffer } from 'node:buffer'
import { createHmac, timingSafeEqual } from 'node:crypto'
import { Fault, fault } from '../fault.ts'
import { spacedHex } from '../sigv4/encode.ts'
import { parseScope, type ScopeFault } from '../sigv4/parse.ts'
import { algorithm } from '../sigv4/signature.ts'
import { equalSignatures, type SigningKey } from '../sigv4/signing-key.ts'
import { parseAmzDate } from '../sigv4/time.ts'
import { argumentInvalid } from './parameters.ts'
import { missingField, type PostForm } from './post-form.ts'

interface SignedPolicy {
  readonly accessKeyId: string
  /** As sent: what is signed. */
  readonly policy: string
  /** As sent; not yet checked. */
  readonly signature: string
  /** '' when there is none. */
  readonly sessionToken: string
}
export interface PostSignature4 extends SignedPolicy {
  /** Of the credential's scope. */
  readonly scope: { readonly date: string; readonly region: string; readonly service: string }
}
export interface PostSignature2 extends SignedPolicy {
  readonly scope: undefined
}
export type PostSignature = PostSignature4 | PostSignature2

export type PostSignatureFault = Fault<ScopeFault | 'access-key-unknown'>

/** By the names in S3's messages, in the order in which it misses them. */
const version4Fields = ['X-Amz-Algorithm', 'X-Amz-Credential', 'X-Amz-Date', 'X-Amz-Signature', 'Policy'] as const
const version2Fields = ['AWSAccessKeyId', 'Signature', 'Policy'] as const

/** The signature of a form; undefined when it carries none: whoever posts it is anonymous. */
export function parsePostSignature(form: PostForm, nowMs: number): PostSignature | PostSignatureFault | undefined {
  const has = (name: string) => form.fields.has(name.toLowerCase())
  if (version4Fields.slice(0, 4).some(has)) return parseVersion4(form, nowMs)
  if (version2Fields.slice(0, 2).some(has)) return parseVersion2(form)
  return undefined
}

function parseVersion4(form: PostForm, nowMs: number): PostSignature4 | PostSignatureFault {
  for (const name of version4Fields) if (!form.fields.has(name.toLowerCase())) return missingField(name)
  const sentAlgorithm = form.header('x-amz-algorithm')
  if (sentAlgorithm !== algorithm)
    return argumentInvalid(
      'X-Amz-Algorithm',
      'X-Amz-Algorithm only supports "AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256"',
      sentAlgorithm,
    )
  const credential = form.header('x-amz-credential')
  if (credential.startsWith('/'))
    return argumentInvalid(
      'X-Amz-Credential',
      'a non-empty Access Key (AKID) must be provided in the credential.',
      credential,
    )
  // The SDK for .NET ends it with a slash, and S3 lets it pass.
  const scope = parseScope(credential.replace(/\/$/, ''), 'form', { nowMs, service: 's3' })
  if (scope instanceof Fault) return scope
  const date = form.header('x-amz-date')
  if (parseAmzDate(date) === undefined)
    return argumentInvalid('X-Amz-Date', 'X-Amz-Date must be formated via ISO8601 Long format', date)
  return signedPolicy(form, scope.accessKeyId, form.header('x-amz-signature'), scope)
}

function parseVersion2(form: PostForm): PostSignature2 | PostSignatureFault {
  for (const name of version2Fields) if (!form.fields.has(name.toLowerCase())) return missingField(name)
  const accessKeyId = form.header('awsaccesskeyid')
  // Visible ASCII only: no key is called otherwise, and PostgreSQL's text takes no NUL to look for.
  if (!/^[\x21-\x7e]{1,512}$/.test(accessKeyId)) return fault('access-key-unknown', { accessKeyId })
  return signedPolicy(form, accessKeyId, form.header('signature'), undefined)
}

function signedPolicy<S>(form: PostForm, accessKeyId: string, signature: string, scope: S) {
  const { policy, sessionToken } = { policy: form.header('policy'), sessionToken: form.header('x-amz-security-token') }
  return { accessKeyId, policy, signature, sessionToken, scope }
}

/** Undefined when the signature is right. */
export function verifyPost4(signature: PostSignature4, key: SigningKey): Fault<'signature-mismatch'> | undefined {
  return equalSignatures(key.sign(signature.policy), signature.signature) ? undefined : mismatch(signature)
}

/** Undefined when the signature is right. */
export function verifyPost2(signature: PostSignature2, secret: string): Fault<'signature-mismatch'> | undefined {
  const expected = Buffer.from(createHmac('sha1', secret).update(signature.policy).digest('base64'))
  const provided = Buffer.from(signature.signature)
  const same = expected.length === provided.length && timingSafeEqual(expected, provided)
  return same ? undefined : mismatch(signature)
}

function mismatch({ accessKeyId, policy, signature }: SignedPolicy): Fault<'signature-mismatch'> {
  return fault('signature-mismatch', {
    accessKeyId,
    signatureProvided: signature,
    stringToSign: policy,
    stringToSignBytes: spacedHex(policy),
  })
}
