/** What a bucket and a key may be called. Source: S3 User Guide, "General purpose bucket naming rules". */
import { type Fault, fault } from '../fault.ts'

const labels = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/
const ipAddress = /^\d{1,3}(?:\.\d{1,3}){3}$/
const reservedPrefixes = ['xn--', 'sthree-', 'amzn-s3-demo-'] as const
const reservedSuffixes = ['-s3alias', '--ol-s3', '.mrap', '--x-s3', '--table-s3'] as const

/** Whether S3 lets a bucket be created under this name: 3 to 63 of a–z, 0–9, '-' and '.', as DNS labels. */
export function isBucketName(name: string): boolean {
  return (
    name.length >= 3 &&
    name.length <= 63 &&
    labels.test(name) &&
    !ipAddress.test(name) &&
    !reservedPrefixes.some(prefix => name.startsWith(prefix)) &&
    !reservedSuffixes.some(suffix => name.endsWith(suffix))
  )
}

/** The fault of creating a bucket under this name, if any. */
export function checkBucketName(name: string): Fault<'bucket-name-invalid'> | undefined {
  return isBucketName(name) ? undefined : fault('bucket-name-invalid', { bucket: name })
}

/** Most bytes of a key's UTF-8 form. */
export const keyLimitBytes = 1024

/** The fault of a key beyond the limit, if any. */
export function checkKey(key: string): Fault<'key-too-long'> | undefined {
  // No character of a JavaScript string takes more than three bytes of UTF-8.
  if (key.length * 3 <= keyLimitBytes) return undefined
  const sizeBytes = Buffer.byteLength(key)
  return sizeBytes <= keyLimitBytes ? undefined : fault('key-too-long', { sizeBytes, limitBytes: keyLimitBytes })
}
