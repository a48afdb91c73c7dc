/** The regions S3 is offered in, and which of them a bucket may be created in. */
import { type Fault, fault } from '../fault.ts'

const regions: ReadonlySet<string> = new Set(
  (
    'af-south-1 ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2 ' +
    'ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7 ' +
    'ca-central-1 ca-west-1 cn-north-1 cn-northwest-1 eu-central-1 eu-central-2 eu-isoe-west-1 eu-north-1 ' +
    'eu-south-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3 eusc-de-east-1 il-central-1 me-central-1 me-south-1 ' +
    'mx-central-1 sa-east-1 us-east-1 us-east-2 us-gov-east-1 us-gov-west-1 us-iso-east-1 us-iso-west-1 ' +
    'us-isob-east-1 us-isob-west-1 us-isof-east-1 us-isof-south-1 us-west-1 us-west-2'
  ).split(' '),
)

/** Whose endpoint is also the global one: buckets of every region are created through it. */
export const globalRegion = 'us-east-1'

export function isRegion(name: string): boolean {
  return regions.has(name)
}

/**
 * The region of a new bucket, by the constraint its creator names ('' for none) and the region the request is signed
 * for ('' for none, as in Signature Version 2): the global endpoint takes every constraint but its own name, any other
 * only its own.
 */
export function regionOfNewBucket(
  constraint: string,
  requestRegion: string,
): string | Fault<'location-invalid'> | Fault<'location-incompatible'> {
  // The first European region, as it was called before regions had names.
  const region = constraint === 'EU' ? 'eu-west-1' : constraint
  if (requestRegion === globalRegion || requestRegion === '') {
    if (constraint === '') return globalRegion
    return isRegion(region) && region !== globalRegion ? region : fault('location-invalid', { location: constraint })
  }
  return region === requestRegion ? region : fault('location-incompatible', { location: constraint })
}
