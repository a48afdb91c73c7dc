/** The names of a website: `bucket.s3-website.DOMAIN`, with or without a region. */
import { isRegion } from './regions.ts'

/** Names of the real service, met when a hosts file or a CNAME leads them here. */
const amazonDomains = ['amazonaws.com', 'amazonaws.com.cn']
const shortest = 'abc.s3-website.d'.length
const websiteLabel = /^(.+)\.s3-website(?:[.-]([a-z0-9-]+))?$/

/**
 * The bucket whose website a host name asks for: '' when it asks for none. S3 has two forms of the same name,
 * `bucket.s3-website-REGION.amazonaws.com` and `bucket.s3-website.REGION.amazonaws.com`; here the region may be left
 * out. A bucket may have dots (`www.example.com`).
 * @param host a Host header, with or without a port
 * @param domains suffixes of this server's own names (`localhost`, `s3.localhost`), in any order
 */
export function websiteBucketOfHost(host: string, domains: readonly string[]): string {
  // Most requests stop here, those of a developer's machine (localhost:4566) by a look at the length.
  if (host.length < shortest || !/s3-website/i.test(host)) return ''
  const colon = host.indexOf(':')
  const name = (colon < 0 ? host : host.slice(0, colon)).toLowerCase()
  for (const domain of [...domains, ...amazonDomains]) {
    if (!name.endsWith(`.${domain}`)) continue
    const match = websiteLabel.exec(name.slice(0, -domain.length - 1))
    if (match !== null && (match[2] === undefined || isRegion(match[2]))) return match[1]!
  }
  return ''
}

const regionLabel = /^(.+\.s3-website[.-])([a-z0-9-]+)(.*)$/i

/**
 * The host under which another region has the website of this one, written as this one is; undefined where this one
 * names that region, or none.
 * @param host of which `websiteBucketOfHost` found the bucket
 */
export function websiteHostElsewhere(host: string, region: string): string | undefined {
  const [, before = '', named = '', behind = ''] = regionLabel.exec(host) ?? []
  const asked = named.toLowerCase()
  return isRegion(asked) && asked !== region ? before + region + behind : undefined
}
